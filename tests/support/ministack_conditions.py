# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ministack, taught how AWS judges requests to IAM: resources with their paths, condition keys, and actions that come along.

After "Actions, resources, and condition keys for AWS Identity and Access Management": ``iam:PermissionsBoundary``, ``iam:PolicyARN`` and
``iam:PassedToService``; ``iam:PassRole`` where a role is handed on; the right to tag where something is made with tags.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

Parameters = Mapping[str, Any]


class Check(NamedTuple):
    """One more thing that must be allowed."""

    action: str
    resource: str
    keys: Dict[str, Any]


PARTS = "taught:parts"
"""Where the checks of a request wait for their turn."""
_NAMES = (("InstanceProfileName", "instance-profile"), ("RoleName", "role"), ("UserName", "user"))
_MAKES = ("iam:CreateRole", "iam:CreateUser")
_WITH_BOUNDARY = re.compile(r"iam:((Attach|Detach|Put|Delete)(Role|User)Policy|(Put|Delete)(Role|User)PermissionsBoundary)")
_TAGGING = {"CreateRole": "TagRole", "CreateUser": "TagUser", "CreatePolicy": "TagPolicy", "CreateInstanceProfile": "TagInstanceProfile"}


def text(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value or "")


def record(kind: str, name: str) -> Mapping[str, Any]:
    """Return what the emulator holds of a role, user or instance profile; empty for one that is not there."""
    from ministack.services import iam  # type: ignore[import-untyped]

    held = {"role": iam._roles, "user": iam._users, "instance-profile": iam._instance_profiles}[kind]
    found: Mapping[str, Any] = held.get(name) or {}
    return found


def arn(account: str, kind: str, path: str, name: str) -> str:
    return f"arn:aws:iam::{account}:{kind}/{path.strip('/')}/{name}".replace("//", "/")


def resource(action: str, parameters: Parameters, account: str) -> str:
    """Return the ARN that an action of IAM is judged with; one that is not there yet has the path that the request gives, or none."""
    operation = action.partition(":")[2]
    if operation == "CreatePolicy":
        return arn(account, "policy", text(parameters, "Path"), text(parameters, "PolicyName"))
    if operation == "GetAccessKeyLastUsed":
        from ministack.services import iam

        owner = (iam._access_keys.get(text(parameters, "AccessKeyId")) or {}).get("UserName", "")
        return str(record("user", owner).get("Arn", arn(account, "user", "", "unknown")))
    for parameter, kind in _NAMES:
        name = text(parameters, parameter)
        if name:
            path = text(parameters, "Path") if operation.startswith("Create") else ""
            return str(record(kind, name).get("Arn") or arn(account, kind, path, name))
    return text(parameters, "PolicyArn") or "*"


def keys(action: str, parameters: Parameters) -> Dict[str, Any]:
    """Return the condition keys of IAM's own that a request carries."""
    found = {}
    if action in _MAKES or _WITH_BOUNDARY.fullmatch(action):
        given = text(parameters, "PermissionsBoundary")
        if not given and action not in _MAKES:
            kind = "role" if "Role" in action else "user"
            given = str(record(kind, text(parameters, f"{kind.title()}Name")).get("PermissionsBoundary") or "")
        if given:
            found["iam:PermissionsBoundary"] = given
    if re.fullmatch(r"iam:(Attach|Detach)(Role|User)Policy", action):
        found["iam:PolicyARN"] = text(parameters, "PolicyArn")
    return found


def parts(action: str, parameters: Parameters, account: str, tags: Mapping[str, Any]) -> List[Check]:
    """Return what must be allowed besides the action itself."""
    operation = action.partition(":")[2]
    checks = []
    if operation in _TAGGING and tags:
        checks.append(Check(f"iam:{_TAGGING[operation]}", resource(action, parameters, account), dict(tags)))
    if operation == "AddRoleToInstanceProfile":
        role = str(record("role", text(parameters, "RoleName")).get("Arn") or arn(account, "role", "", text(parameters, "RoleName")))
        checks.append(Check("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"}))
    if operation == "UpdateUser" and text(parameters, "NewPath"):
        name = text(parameters, "NewUserName") or text(parameters, "UserName")
        checks.append(Check(action, arn(account, "user", text(parameters, "NewPath"), name), {}))
    return checks


def teach() -> None:
    """Add to the emulator in this process."""
    from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-untyped]
    from ministack.core.responses import get_account_id  # type: ignore[import-untyped]

    def with_paths(service: str, *rest: Any, before: Any = iam_actions.extract_resource_arn) -> Any:
        if service != "iam":
            return before(service, *rest)
        method, path, headers, body, parameters = rest[:5]
        action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters)
        return resource(str(action), parameters, get_account_id())

    def with_keys(service: str, action: str, body: bytes, parameters: Dict[str, Any], before: Any = iam_actions.request_tag_context) -> Any:
        context = before(service, action, body, parameters)
        if service == "iam":
            checks = parts(action, parameters, get_account_id(), context)
            context = {**context, **keys(action, parameters), PARTS: checks}
        return context

    def with_parts(key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None) -> Any:
        context, checks = _apart(service_context)
        denied = enforce(key, action, service, region, resource_arn=resource_arn, service_context=context)
        for check in checks:
            denied = denied or enforce(key, check.action, service, region, resource_arn=check.resource, service_context=check.keys)
        return denied

    enforce = iam_evaluator.enforce
    iam_actions.extract_resource_arn = with_paths
    iam_actions.request_tag_context = with_keys
    iam_evaluator.enforce = with_parts


def _apart(context: Any) -> Tuple[Dict[str, Any], List[Check]]:
    rest = dict(context or {})
    checks: List[Check] = rest.pop(PARTS, [])
    return rest, checks
