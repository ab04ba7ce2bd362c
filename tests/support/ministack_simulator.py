# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ministack, taught what AWS's policy simulator does and its own does not, and what its listing of an account leaves out.

After "SimulatePrincipalPolicy" in the IAM API reference: principals with a path, those that are not there, the context of the request,
the permissions boundary, and the policies that decided. "GetAccountAuthorizationDetails": permissions boundaries.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Tuple
from xml.sax.saxutils import escape

Parameters = Mapping[str, Any]
_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}


def text(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value or "")


def members(parameters: Parameters, name: str) -> List[str]:
    found: List[str] = []
    while text(parameters, f"{name}.member.{len(found) + 1}"):
        found.append(text(parameters, f"{name}.member.{len(found) + 1}"))
    return found


def context(parameters: Parameters) -> Dict[str, Any]:
    """Return the condition keys that a request gives, as the emulator's judge looks them up."""
    found: Dict[str, Any] = {}
    number = 1
    while text(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        entry = f"ContextEntries.member.{number}"
        values = members(parameters, f"{entry}.ContextKeyValues")
        listed = text(parameters, f"{entry}.ContextKeyType").endswith("List")
        found[text(parameters, f"{entry}.ContextKeyName").lower()] = values if listed else values[0]
        number += 1
    return found


def policies(entity: Mapping[str, Any], inline: Mapping[str, Any], account: str) -> Iterator[Tuple[str, str, Any]]:
    """Yield name, type and statements of each policy of a role or user."""
    from ministack.core import iam_evaluator  # type: ignore[import-untyped]

    for name, document in inline.items():
        yield name, "user-managed", iam_evaluator.parse_policy_document(document)
    for arn in entity.get("AttachedPolicies", []):
        kind = "aws-managed" if ":iam::aws:" in arn else "user-managed"
        yield arn.rpartition("/")[2], kind, managed(arn, account)


def managed(arn: str, account: str) -> Any:
    from ministack.core import iam_evaluator

    document = iam_evaluator._resolve_managed_policy_document(arn, account)
    return iam_evaluator.parse_policy_document(document) if document else []


def simulate(parameters: Parameters) -> Any:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region  # type: ignore[import-untyped]
    from ministack.services import iam  # type: ignore[import-untyped]

    principal, account = text(parameters, "PolicySourceArn"), get_account_id()
    kind, _slash, name = principal.rpartition(":")[2].partition("/")
    name = name.rpartition("/")[2]
    entity = {"role": iam._roles, "user": iam._users}.get(kind, {}).get(name)
    if entity is None or entity["Arn"] != principal:
        return iam._error(404, "NoSuchEntity", f"The {kind} {name} cannot be found.", ns="iam")
    inline = entity.get("InlinePolicies") if kind == "role" else iam._user_inline_policies.get(name)
    held = list(policies(entity, inline or {}, account))
    limits = [[managed(entity["PermissionsBoundary"], account)]] if entity.get("PermissionsBoundary") else []
    results = ""
    for action in members(parameters, "ActionNames"):
        for resource in members(parameters, "ResourceArns") or ["*"]:
            asked = iam_evaluator.EvalContext(
                principal_arn=principal,
                principal_type="User" if kind == "user" else "AssumedRole",
                principal_account=account,
                action=action,
                resource_arn=resource,
                region=get_region(),
                source_ip="203.0.113.1",
                secure_transport=True,
                service_context=context(parameters),
            )
            judged = iam_evaluator.evaluate(asked, [statements for _name, _kind, statements in held], *limits)
            effect = "Deny" if judged.decision == "Deny" else "Allow"
            matched = "".join(
                f"<member><SourcePolicyId>{escape(policy)}</SourcePolicyId><SourcePolicyType>{sort}</SourcePolicyType></member>"
                for policy, sort, statements in held
                if iam_evaluator._first_match(asked, statements, effect)
            )
            results += (
                f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}</EvalResourceName>"
                f"<EvalDecision>{_DECISIONS[judged.decision]}</EvalDecision><MatchedStatements>{matched}</MatchedStatements>"
                "<MissingContextValues></MissingContextValues></member>"
            )
    body = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        f"<SimulatePrincipalPolicyResult>{body}</SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def with_boundaries(answer: Tuple[int, Any, Any]) -> Tuple[int, Any, Any]:
    """Return a listing of the account with the boundaries of its roles and users."""
    from ministack.services import iam

    status, headers, body = answer
    limits = {
        entity["Arn"]: entity["PermissionsBoundary"]
        for entities in (iam._roles, iam._users)
        for entity in entities.values()
        if entity.get("PermissionsBoundary")
    }

    def limited(match: re.Match[str]) -> str:
        boundary = limits.get(match.group(1))
        if not boundary:
            return match.group(0)
        kind = "<PermissionsBoundaryType>PermissionsBoundaryPolicy</PermissionsBoundaryType>"
        arn = f"<PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn>"
        return f"{match.group(0)}<PermissionsBoundary>{kind}{arn}</PermissionsBoundary>"

    shown = body.decode() if isinstance(body, bytes) else body
    # Roles are shown once more inside of their instance profiles, with the boundary.
    shown = re.sub(r"<Arn>([^<]+)</Arn>(?!.{0,200}<PermissionsBoundary>)", limited, shown)
    return status, headers, shown.encode() if isinstance(body, bytes) else shown


def teach() -> None:
    """Add to the emulator in this process."""
    from ministack.services import iam

    listing = iam._IAM_HANDLERS["GetAccountAuthorizationDetails"]
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate
    iam._IAM_HANDLERS["GetAccountAuthorizationDetails"] = lambda parameters: with_boundaries(listing(parameters))
