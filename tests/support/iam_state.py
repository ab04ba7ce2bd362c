# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that an emulated account holds in IAM, as plain data that can be compared. Read by boto3, apart from the collection."""

from __future__ import annotations

import json
from typing import Any, Dict, List
from urllib.parse import unquote

from .emulators import Emulator

AWS = "arn:aws:iam::aws:policy/"


def own(aws: Emulator, name: str, path: str = "/") -> str:
    """Return the ARN of a customer managed policy."""
    return f"arn:aws:iam::{aws.account}:policy{path}{name}"


def of(aws: Emulator) -> Dict[str, Dict[str, Any]]:
    """Return policies, roles, instance profiles and users by name. Users of tests are left out."""
    iam = aws.client("iam")
    return {
        "policies": {policy["PolicyName"]: _policy(iam, policy["Arn"]) for policy in _all(iam, "list_policies", "Policies", Scope="Local")},
        "roles": {role["RoleName"]: _role(iam, role["RoleName"]) for role in _all(iam, "list_roles", "Roles")},
        "profiles": {
            profile["InstanceProfileName"]: [role["RoleName"] for role in profile["Roles"]]
            for profile in _all(iam, "list_instance_profiles", "InstanceProfiles")
        },
        "users": {user["UserName"]: _user(iam, user["UserName"]) for user in _all(iam, "list_users", "Users") if user["Path"] != "/test/"},
    }


def _all(iam: Any, operation: str, key: str, **arguments: Any) -> List[Any]:
    return [item for page in iam.get_paginator(operation).paginate(**arguments) for item in page[key]]


def _policy(iam: Any, arn: str) -> Dict[str, Any]:
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {
        "path": policy["Path"],
        "description": policy.get("Description", ""),
        "document": _document(version["Document"]),
        "tags": _tags(policy),
    }


def _role(iam: Any, name: str) -> Dict[str, Any]:
    role = iam.get_role(RoleName=name)["Role"]
    return {
        "path": role["Path"],
        "description": role.get("Description", ""),
        "trust": _document(role["AssumeRolePolicyDocument"]),
        **_permissions(iam, "role", role, RoleName=name),
    }


def _user(iam: Any, name: str) -> Dict[str, Any]:
    user = iam.get_user(UserName=name)["User"]
    keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    return {"path": user["Path"], "keys": len(keys), **_permissions(iam, "user", user, UserName=name)}


def _permissions(iam: Any, kind: str, record: Any, **name: str) -> Dict[str, Any]:
    get = getattr(iam, f"get_{kind}_policy")
    inline = _all(iam, f"list_{kind}_policies", "PolicyNames", **name)
    return {
        "policies": sorted(one["PolicyArn"] for one in _all(iam, f"list_attached_{kind}_policies", "AttachedPolicies", **name)),
        "inline": {policy: _document(get(PolicyName=policy, **name)["PolicyDocument"]) for policy in inline},
        "tags": _tags(record),
        "boundary": record.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    }


def _tags(record: Any) -> Dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in record.get("Tags", ())}


def _document(value: Any) -> Any:
    return json.loads(unquote(value)) if isinstance(value, str) else value
