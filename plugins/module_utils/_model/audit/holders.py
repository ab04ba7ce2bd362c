# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be said of single roles and users: what they may do, who may be them, and what they are in."""

from __future__ import annotations

import json
import re
from typing import Any, Iterable, Iterator, List, Mapping

from .. import retired, trust
from ..context import Context
from ..document import members
from ..errors import InputError
from ..identities import references
from ..lease import LEASE_POLICY
from ..offboarding import POLICY as DENIAL
from .kinds import Finding, finding
from .records import Holder, Rules, Seen

_ALL_POWERFUL = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "AmazonSSMFullAccess")
"""AWS managed policies that no agent needs."""
_WIDE = ("*", "*:*", "iam:*", "sts:*")
_DELETED = re.compile(r'"(A(?:ROA|IDA)[A-Z0-9]{12,})"')
"""How IAM writes a role or user into a trust policy that was deleted after it was named there ("IAM identifiers")."""
_OURS_INLINE = frozenset((LEASE_POLICY, DENIAL))
"""Said elsewhere, or a user's containment."""


def judge(seen: Seen, rules: Rules) -> Iterator[Finding]:
    """Yield what is found at the roles and users that the audit is about."""
    context = Context(seen.partition, seen.account, seen.region)
    documents = {policy.arn: policy.document for policy in seen.policies}
    for holder in seen.holders:
        if not rules.covers(holder):
            continue
        yield from _power(holder, documents)
        yield from _boundary(holder, rules, context)
        extra = set(holder.inline) - rules.expected_inline.get(holder.of, frozenset()) - _OURS_INLINE
        yield from (finding("policy-inline", holder.of, f"inline policy {name}") for name in sorted(extra))
        if holder.kind == "role":
            yield from _trust(holder, context)
        elif holder.groups:
            yield finding("group-member", holder.of, f"member of {', '.join(holder.groups)}")
        if seen.passwords.get(holder.name) and holder.kind == "user":
            yield finding("password", holder.of, "has a login profile")


def missing(seen: Seen, rules: Rules) -> Iterator[Finding]:
    """Yield what was named and is not there: it would pass for sound otherwise."""
    there = {holder.of.lower() for holder in seen.holders} | {unseen.part.lower() for unseen in seen.unseen}
    for of in sorted(rules.asked):
        if of.lower() not in there:
            yield finding("identity-missing", of, f"IAM has no {of.split()[0]} of this name")


def retired_policies(seen: Seen, rules: Rules) -> Iterator[Finding]:
    """Yield what carries a policy of earlier editions, wherever it is in the account."""
    texts = {policy.arn: retired.custom(policy.document, seen.partition) for policy in seen.policies}
    for holder in seen.holders:
        whose = "" if rules.covers(holder) else ", which this audit is not about otherwise"
        for arn in holder.attached:
            deprecated, old = retired.managed(arn), texts.get(arn)
            if deprecated:
                yield finding("policy-deprecated", holder.of, f"{arn}{whose}: {deprecated.why}. {_successor(deprecated)}")
            if old:
                yield finding("policy-of-2018", holder.of, f"{arn}{whose}: {old.why}. {_successor(old)}")
        for name, document in sorted(holder.inline.items()):
            old = retired.custom(document, seen.partition)
            if old:
                yield finding("policy-of-2018", holder.of, f"inline policy {name}{whose}: {old.why}. {_successor(old)}")


def profiles(seen: Seen, rules: Rules) -> Iterator[Finding]:
    """Yield empty instance profiles of roles that the audit is about, and such roles of EC2's without a profile."""
    covered = {holder.name: holder for holder in seen.holders if holder.kind == "role" and rules.covers(holder)}
    for profile in seen.profiles:
        if not profile.roles and (profile.name in covered or profile.name in rules.roles):
            yield finding("profile-empty", f"instance profile {profile.name}", "instances that carry it get no credentials")
    for holder in covered.values():
        # Whom it trusts besides can take it without a profile, such as who saves the agent's configuration.
        others = any("AWS" in (statement.get("Principal") or ()) for statement in members(holder.trust.get("Statement")))
        if not holder.profiles and not others and trust.trusts_service(holder.trust, trust.ec2_service(seen.partition), seen.partition):
            yield finding("role-without-profile", holder.of, "trusts EC2, and no instance profile holds it")


def _successor(old: retired.Retired) -> str:
    more = f"; {', '.join(old.may_need)} where that is used" if old.may_need else ""
    return f"Its successor is {', '.join(old.replaced_by)}{more}"


def _power(holder: Holder, documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for arn in holder.attached:
        owner, _policy, name = arn.partition(":policy/")
        if owner.endswith(":aws") and name in _ALL_POWERFUL:
            yield finding("admin-policy", holder.of, arn)
        elif arn in documents:
            yield from (finding("admin-policy", holder.of, f"{arn} allows {what}") for what in wide(documents[arn]))
    for name, document in sorted(holder.inline.items()):
        yield from (finding("admin-policy", holder.of, f"inline policy {name} allows {what}") for what in wide(document))


def wide(document: Mapping[str, Any]) -> List[str]:
    """Return what a policy allows that no agent needs: everything, or everything of IAM or STS, on every resource."""
    found: List[str] = []
    for statement in members(document.get("Statement")):
        if str(statement.get("Effect", "")).lower() != "allow" or not _everywhere(statement):
            continue
        if "NotAction" in statement:
            found.append("all but some actions on every resource")
        found += [f"{action} on every resource" for action in members(statement.get("Action")) if str(action).lower() in _WIDE]
    return list(dict.fromkeys(found))


def _everywhere(statement: Mapping[str, Any]) -> bool:
    resources: Iterable[Any] = members(statement.get("Resource"))
    return "NotResource" in statement or any(str(resource).strip("*") in ("", ":") for resource in resources)


def _boundary(holder: Holder, rules: Rules, context: Context) -> Iterator[Finding]:
    if not rules.boundary:
        return
    if not holder.boundary:
        yield finding("boundary-missing", holder.of, "has no permissions boundary")
    elif rules.boundary != "any" and holder.boundary not in references.to_look_up(rules.boundary, {}, context):
        yield finding("boundary-other", holder.of, f"{holder.boundary} in place of {rules.boundary}")


def _trust(holder: Holder, context: Context) -> Iterator[Finding]:
    try:
        trust.refuse_wide(holder.trust, holder.of, context)
    except InputError as error:
        yield finding("trust-wide", holder.of, str(error).split(": ", 1)[-1])
    for principal in sorted(set(_DELETED.findall(json.dumps(holder.trust)))):
        yield finding("trust-of-deleted", holder.of, f"its trust policy holds {principal}, the id of a role or user that was deleted")
