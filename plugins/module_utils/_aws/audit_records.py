# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit reads, from AWS's shapes to records."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Dict, Mapping
from urllib.parse import unquote

from .._model.audit.records import Activation, Holder, Node, OwnPolicy


def heard_at(answer: Mapping[str, Any], otherwise: datetime) -> datetime:
    """Return the date of AWS's answer."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date).astimezone(timezone.utc) if date else otherwise


def role_of(detail: Mapping[str, Any]) -> Holder:
    """Return a role of ``GetAccountAuthorizationDetails``."""
    return Holder(
        kind="role",
        name=detail["RoleName"],
        inline=_inline(detail.get("RolePolicyList", ())),
        trust=_document(detail["AssumeRolePolicyDocument"]),
        profiles=tuple(profile["InstanceProfileName"] for profile in detail.get("InstanceProfileList", ())),
        last_used=detail.get("RoleLastUsed", {}).get("LastUsedDate"),
        **_common(detail),
    )


def user_of(detail: Mapping[str, Any]) -> Holder:
    """Return a user of ``GetAccountAuthorizationDetails``."""
    return Holder(
        kind="user",
        name=detail["UserName"],
        inline=_inline(detail.get("UserPolicyList", ())),
        groups=tuple(detail.get("GroupList", ())),
        **_common(detail),
    )


def policy_of(detail: Mapping[str, Any]) -> OwnPolicy:
    """Return a customer managed policy of ``GetAccountAuthorizationDetails``, with its default version."""
    (default,) = [version for version in detail["PolicyVersionList"] if version["IsDefaultVersion"]]
    return OwnPolicy(detail["Arn"].rpartition("/")[2], detail["Arn"], _document(default["Document"]))


def activation_of(found: Mapping[str, Any]) -> Activation:
    return Activation(
        id=found["ActivationId"],
        role=found.get("IamRole", ""),
        limit=found.get("RegistrationLimit", 1),
        used=found.get("RegistrationsCount", 0),
        created=found.get("CreatedDate"),
        expires=found.get("ExpirationDate"),
        expired=found.get("Expired", False),
        name=found.get("DefaultInstanceName", ""),
    )


def node_of(found: Mapping[str, Any]) -> Node:
    name = found.get("Name") or found.get("ComputerName", "")
    return Node(found["InstanceId"], name, found.get("PingStatus", ""), found.get("LastPingDateTime"), found.get("IamRole", ""))


def _common(detail: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "arn": detail["Arn"],
        "tags": {tag["Key"]: tag["Value"] for tag in detail.get("Tags", ())},
        "boundary": detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "attached": tuple(sorted(policy["PolicyArn"] for policy in detail.get("AttachedManagedPolicies", ()))),
        "created": detail.get("CreateDate"),
    }


def _inline(policies: Any) -> Dict[str, Dict[str, Any]]:
    return {policy["PolicyName"]: _document(policy["PolicyDocument"]) for policy in policies}


def _document(value: Any) -> Dict[str, Any]:
    """boto3 decodes policy documents; a text, as other endpoints give it, is decoded here."""
    return json.loads(unquote(value)) if isinstance(value, str) else value


def moment(text: str) -> datetime:
    """Return a tag's time; an unreadable one counts as now, as for the handover of keys."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.now(timezone.utc)
