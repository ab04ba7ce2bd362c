# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ordered changes that turn the identities that are there into those that were asked for.

Everything is made before anything is replaced, and replaced before anything is removed: policies, then users, then roles, since a role
may trust users; removals go the other way round. So no identity is for a moment without a permission that it had before and keeps, and
nothing is deleted while something hangs on it.
"""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, Optional, Sequence, Union

from ..errors import Outdated, Refusal
from ..plan import Change, guard
from ..tags import OWNER_TAG
from . import in_use, quotas
from .records import Identities, Policy, Role, User
from .requests import Request, RoleRequest
from .steps import Steps, plan_policy, plan_role, plan_user

DEFAULT_ATTACHMENTS = quotas.SMALLEST


def plan(request: Request, target: Identities, actual: Identities) -> List[Change]:
    """Return the ordered changes.

    :raises Refusal: when a change would touch what is not ours, exceed the guard or a quota, stop an agent that runs, or need a gap in
        permissions.
    """
    steps: List[Steps] = []
    for policy in request.policies:
        before, after = actual.policies[policy.name], target.policies[policy.name]
        if before is None and after is not None:
            _refuse_other_path(after, actual)
        steps.append(_owned(f"policy {policy.name}", before, after, plan_policy(after, before), request))
    for user in request.users:
        of, held, asked = f"user {user.name}", actual.users[user.name], target.users[user.name]
        gap = _needs_gap(of, held, asked, actual.attachments_quota.get("user", DEFAULT_ATTACHMENTS), request.allow_gap)
        first = asked is not None and quotas.inline_first(of, held.inline if held else None, asked.inline, request.allow_gap)
        steps.append(_owned(of, held, asked, plan_user(asked, held, gap, first), request))
    for role in _trusted_first(request.roles, target.roles):
        of, there, wanted = f"role {role.name}", actual.roles[role.name], target.roles[role.name]
        gap = _needs_gap(of, there, wanted, actual.attachments_quota.get("role", DEFAULT_ATTACHMENTS), request.allow_gap)
        first = wanted is not None and quotas.inline_first(of, there.inline if there else None, wanted.inline, request.allow_gap)
        if wanted is not None:
            quotas.trust_room(role.name, wanted.trust, there.trust if there else None, actual.summary)
        found = plan_role(wanted, there, actual.orphaned_profiles.get(role.name), gap, not role.present, request.owned_by, first)
        steps.append(found if role.existing else _owned(of, there, wanted, found, request))
    changes = [change for step in steps for change in step.build]
    changes += [change for step in steps for change in step.replace]
    changes += [change for step in reversed(steps) for change in step.remove]
    _refuse_dangling(request, actual, changes)
    _refuse_of_aws(changes)
    guard(changes, request.guard)
    quotas.refuse(changes, actual.summary)
    if not request.allow_in_use:
        in_use.refuse(target, actual, changes)
    return changes


def _trusted_first(entries: Sequence[RoleRequest], roles: Mapping[str, Optional[Role]]) -> List[RoleRequest]:
    """Put roles behind those that they trust: IAM refuses a trust policy that names somebody who is not there yet."""
    by_arn: Dict[str, RoleRequest] = {}
    for entry in entries:
        record = roles[entry.name]
        if record:
            by_arn[record.arn] = entry
    ordered: List[RoleRequest] = []
    visited = set()

    def visit(entry: RoleRequest) -> None:
        if entry.name in visited:
            return
        visited.add(entry.name)
        record = roles[entry.name]
        trust = json.dumps(record.trust) if record else ""
        for arn, trusted in by_arn.items():
            if f'"{arn}"' in trust:
                visit(trusted)
        ordered.append(entry)

    for entry in entries:
        visit(entry)
    return ordered


Record = Union[Policy, Role, User]


def _owned(of: str, actual: Optional[Record], target: Optional[Record], steps: Steps, request: Request) -> Steps:
    """Refuse to change or delete what this owner did not make, unless told."""
    if actual is None or not steps.all:
        return steps
    owner = actual.tags.get(OWNER_TAG)
    if owner == request.owned_by:
        return steps
    whose = f"it belongs to {owner!r}" if owner else "this collection did not make it"
    why = f"{of} exists, but {whose} (its tag {OWNER_TAG} is not {request.owned_by!r})"
    if target is None:
        if request.delete_unowned:
            return steps
        raise Refusal(f"{why}, so it is not deleted. Set delete_unowned: true if it shall go all the same.")
    if request.adopt:
        return steps
    only_add = ", existing: true to add to it without changing what is there" if isinstance(actual, Role) else ""
    raise Refusal(
        f"{why}, so it is not changed. Set adopt: true to let this call manage it{only_add}, or choose another name. "
        f"It would: {'; '.join(map(str, steps.all))}."
    )


def _refuse_other_path(target: Policy, actual: Identities) -> None:
    arn = actual.local_policies.get(target.name.lower())
    if arn == target.arn:
        raise Outdated(
            f"policy {target.name}: the account lists {arn}, and does not show it. It was made or deleted a moment ago: run again."
        )
    if arn:
        raise Refusal(
            f"policy {target.name}: it cannot be made as {target.arn}, since the account has {arn}, and IAM ignores path and letter case "
            "when it compares names. Give that spelling and path, or choose another name."
        )


def _needs_gap(of: str, actual: Optional[Union[Role, User]], target: Optional[Union[Role, User]], quota: int, allow_gap: bool) -> bool:
    """Tell whether policies must be detached before others are attached, since both do not fit into the account's quota."""
    if target is None:
        return False
    before = set(actual.attached) if actual else set()
    after = set(target.attached)
    if len(after) > max(quota, len(before)):
        raise Refusal(
            f"{of}: {len(after)} managed policies would be attached, more than the account's quota of {quota}. Join some policies, use "
            f"inline_policies{quotas.raised(*quotas.ATTACHMENTS[of.partition(' ')[0]])}."
        )
    if len(before | after) <= quota or not after - before:
        return False
    if allow_gap:
        return True
    raise Refusal(
        f"{of}: attaching {len(after - before)} policies before detaching {len(before - after)} needs {len(before | after)} attachments "
        f"for a moment, more than the account's quota of {quota}. Set allow_gap: true to detach first, which leaves a moment without those "
        "permissions."
    )


def _refuse_of_aws(changes: Sequence[Change]) -> None:
    """AWS managed policies are attached and detached, and never anything else. No option allows it."""
    for change in changes:
        if change.what == "policy" or change.of.startswith("policy "):
            for value in (change.before, change.after):
                arn = getattr(value, "arn", value)
                if isinstance(arn, str) and arn.partition(":policy/")[0].endswith(":iam::aws"):
                    raise Refusal(f"{change}: {arn} is a managed policy of AWS, which nobody here may change. Make a policy of your own.")


def _refuse_dangling(request: Request, actual: Identities, changes: Sequence[Change]) -> None:
    """A policy that somebody still uses is not deleted, nor taken from them."""
    gone = {f"{change.what} {change.key}" for change in changes if change.step == "delete" and change.what in ("role", "user")}
    detached = {(change.key, change.of) for change in changes if change.step == "detach"}
    lifted = {(change.before, f"boundary of {change.of}") for change in changes if change.what == "permissions boundary"}
    released = gone | {f"boundary of {of}" for of in gone}
    missing = {f"role {name}" for name, role in actual.roles.items() if role is None}
    missing |= {f"user {name}" for name, user in actual.users.items() if user is None}
    for entry in request.policies:
        policy = actual.policies[entry.name]
        if policy is None or entry.present:
            continue
        users = [of for of in policy.attached_to if of not in released and (policy.arn, of) not in detached | lifted]
        if users:
            # The policy's list names whom their own reads did not find: one of the two lags behind.
            contradicted = all(of.rpartition("boundary of ")[2] in missing for of in users)
            raise (Outdated if contradicted else Refusal)(
                f"policy {policy.name}: it is not deleted, since it is still in use by {', '.join(users)}. Detach it there first, or "
                "name them in the same task."
            )
