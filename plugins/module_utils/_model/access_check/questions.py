# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a table of "may" and "may not" to questions for AWS's policy simulator, and from its answers to rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..context import Context
from ..errors import InputError
from .expectations import PRESETS

MAY, MAY_NOT = "may", "may_not"
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::\d{12}:(role|user|group)/.+")
_SHORT = re.compile(r"(role|user|group)/.+")
_BRACES = re.compile(r"\{(partition|account|region)\}")

_TYPES: Mapping[str, str] = {
    "aws:currenttime": "date",
    "aws:epochtime": "numeric",
    "aws:multifactorauthage": "numeric",
    "aws:multifactorauthpresent": "boolean",
    "aws:securetransport": "boolean",
    "aws:sourceip": "ip",
    "aws:vpcsourceip": "ip",
    "aws:tokenissuetime": "date",
    "aws:viaawsservice": "boolean",
    "aws:tagkeys": "stringList",
}
"""Types of global condition keys that hold no plain text ("AWS global condition context keys")."""

_NOT_SIMULATED = (
    "Policies of resources, sessions and VPC endpoints, and resource control policies are not part of the simulation. They can allow or "
    "deny what is shown here otherwise."
)

Entries = Tuple[Tuple[str, Tuple[str, ...]], ...]
"""Condition keys with their values, in order."""


@dataclass(frozen=True)
class Question:
    """Whether one principal may do something to one resource."""

    principal: str
    """ARN."""
    action: str
    resource: str
    context: Entries
    """What the check says. What every request has is added when it is asked."""
    expected: str
    """``may`` or ``may_not``."""


@dataclass(frozen=True)
class Batch:
    """Questions that one call asks."""

    principal: str
    resource: str
    context: Entries
    actions: Tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """What the simulator said."""

    decision: str
    """``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    policies: Tuple[Tuple[str, str], ...] = ()
    """The policies whose statements decided: id and type."""
    missing: Tuple[str, ...] = ()
    """Condition keys that some policy looks at and the check did not give."""
    by_organization: Optional[bool] = None
    """Whether service control policies allow it; ``None`` where the account is in no organisation, or it was not said."""
    by_boundary: Optional[bool] = None


@dataclass(frozen=True)
class Answers:
    """All that was said."""

    decisions: Mapping[Tuple[Batch, str], Decision] = field(default_factory=dict)
    """By batch and action, in small letters."""
    unseen: Mapping[Batch, str] = field(default_factory=dict)
    """Batches that were not answered, with what AWS said."""


def questions(checks: Iterable[Mapping[str, Any]], context: Context) -> List[Question]:
    """Return what is asked, each question once.

    :param context: the caller's, or a placeholder to check the options before the caller is known.
    :raises InputError: naming the check, the rule and the remedy.
    """
    asked: List[Question] = []
    for number, check in enumerate(checks, 1):
        where = f"checks, member {number}"
        principals = [_principal(name, context, where) for name in check["principals"]]
        given: Dict[str, List[Mapping[str, Any]]] = {MAY: list(check[MAY]), MAY_NOT: list(check[MAY_NOT])}
        preset = PRESETS[check["preset"]] if check["preset"] else {}
        if not preset and not given[MAY] and not given[MAY_NOT]:
            raise InputError(f"{where} expects nothing. Give preset, may or may_not.")
        for expected in (MAY, MAY_NOT):
            for entry in [*preset.get(expected, ()), *given[expected]]:
                asked += _entry(entry, check["context"], principals, expected, context, where)
    unique = list(dict.fromkeys(asked))
    _refuse_contradictions(unique)
    return unique


def batches(asked: Iterable[Question]) -> List[Batch]:
    """Return the calls that ask all questions: those of one principal, resource and context together.

    One resource a call: where a call names several, the simulator sums them up in ways that have changed over time.
    """
    actions: Dict[Tuple[str, str, Entries], List[str]] = {}
    for question in asked:
        actions.setdefault((question.principal, question.resource, question.context), []).append(question.action)
    return [Batch(*key, tuple(dict.fromkeys(names))) for key, names in actions.items()]


def context_entries(given: Entries, now: datetime) -> List[Dict[str, Any]]:
    """Return the request's context as the simulator takes it: what the check says, over what every request has."""
    moment = now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    always: Entries = (("aws:CurrentTime", (moment,)), ("aws:SecureTransport", ("true",)))
    said = {name.lower() for name, _values in given}
    return [
        {"ContextKeyName": name, "ContextKeyValues": list(values), "ContextKeyType": _type(name, values)}
        for name, values in (*(entry for entry in always if entry[0].lower() not in said), *given)
    ]


def rows(asked: Iterable[Question], answers: Answers) -> List[Dict[str, Any]]:
    """Return a row for each question, as plain data."""
    by_key = {(batch.principal, batch.resource, batch.context): batch for batch in batches(asked)}
    found = []
    for question in asked:
        batch = by_key[question.principal, question.resource, question.context]
        decision = answers.decisions.get((batch, question.action.lower()))
        found.append({**_asked(question), **_answered(question, decision, answers.unseen.get(batch, "the simulator did not answer this"))})
    return found


def limits(table: Iterable[Mapping[str, Any]]) -> List[str]:
    """Return what these answers do not say."""
    table = list(table)
    said = [_NOT_SIMULATED]
    if any(row["organization_allows"] is not None for row in table):
        said.append("Service control policies are part of it, those without conditions.")
    else:
        said.append("AWS said nothing of service control policies: the account is in no organisation, or they were not looked at.")
    missing = sorted({key for row in table for key in row["missing_context"]})
    if missing:
        said.append(f"Policies look at condition keys that no check gave: {', '.join(missing)}. Give them in context.")
    return said


def _asked(question: Question) -> Dict[str, Any]:
    return {
        "principal": question.principal,
        "action": question.action,
        "resource": question.resource,
        "context": {name: list(values) for name, values in question.context},
        "expected": question.expected,
    }


def _answered(question: Question, decision: Optional[Decision], unseen: str) -> Dict[str, Any]:
    if decision is None:
        return {"decision": None, "agrees": None, "policies": [], "missing_context": [], "organization_allows": None,
                "boundary_allows": None, "not_seen": unseen}  # fmt: skip
    return {
        "decision": decision.decision,
        "agrees": (decision.decision == "allowed") == (question.expected == MAY),
        "policies": [{"id": name, "type": kind} for name, kind in decision.policies],
        "missing_context": list(decision.missing),
        "organization_allows": decision.by_organization,
        "boundary_allows": decision.by_boundary,
        "not_seen": None,
    }


def _entry(
    entry: Mapping[str, Any], over: Mapping[str, Any], principals: List[str], expected: str, context: Context, where: str
) -> List[Question]:
    for action in entry["actions"]:
        if not _ACTION.fullmatch(action):
            raise InputError(f"{where}: {action!r} is no action. Write it in full, as iam:CreateUser: the simulator takes no wildcards.")
    resources = [_filled(resource, context, where) for resource in entry["resources"] or ["*"]]
    for resource in resources:
        if resource != "*" and not resource.startswith("arn:"):
            raise InputError(f"{where}: {resource!r} is no ARN of a resource. Write * for all of them.")
    keys = {**entry["context"], **over}
    told = tuple((str(name), _values(value, context, where)) for name, value in sorted(keys.items()))
    return [
        Question(principal, action, resource, told, expected)
        for principal in principals
        for resource in resources
        for action in entry["actions"]
    ]


def _values(value: Any, context: Context, where: str) -> Tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_filled(str(one).lower() if isinstance(one, bool) else str(one), context, where) for one in values)


def _type(name: str, values: Tuple[str, ...]) -> str:
    kind = _TYPES.get(name.lower(), "string")
    return f"{kind}List" if len(values) > 1 and not kind.endswith("List") else kind


def _principal(name: str, context: Context, where: str) -> str:
    arn = context.arn("iam", name) if _SHORT.fullmatch(name) else _filled(name, context, where)
    if not _PRINCIPAL.fullmatch(arn):
        raise InputError(
            f"{where}: {name!r} is no role or user. Give its ARN, or role/NAME, user/NAME with the path, as user/hybridops/cwagent-web1."
        )
    return arn


def _filled(text: str, context: Context, where: str) -> str:
    known = {"partition": context.partition, "account": context.account, "region": context.region}
    missing = [name for name in _BRACES.findall(text) if not known[name] and not context.assumed]
    if missing:
        raise InputError(f"{where}: {text!r} needs to know the {missing[0]}, which the connection does not say.")
    return _BRACES.sub(lambda match: known[match.group(1)], text)


def _refuse_contradictions(asked: Iterable[Question]) -> None:
    seen: Dict[Tuple[str, str, str, Entries], str] = {}
    for one in asked:
        key = (one.principal, one.action.lower(), one.resource, one.context)
        if seen.setdefault(key, one.expected) != one.expected:
            raise InputError(f"checks: {one.principal} both may and may not {one.action} on {one.resource}. Keep one of the two.")


def difference(row: Mapping[str, Any]) -> str:
    """Return in words how a row differs from what is expected; empty where it agrees."""
    if row["agrees"]:
        return ""
    where = "" if row["resource"] == "*" else f" on {row['resource']}"
    if row["agrees"] is None:
        return f"{row['action']}{where}: not seen: {row['not_seen']}"
    by = ", ".join(policy["id"] for policy in row["policies"])
    said = {"allowed": "is allowed, and should not be", "explicitDeny": "is denied, and should be allowed"}
    return f"{row['action']}{where} {said.get(row['decision'], 'is not allowed, and should be')}{f' (by {by})' if by else ''}"
