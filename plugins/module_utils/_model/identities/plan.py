# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ordered changes that turn the identities that are there into those that were asked for.

Everything is made before anything is removed: policies, then roles, then users; removals go the other way round.
So no identity is without a permission that it had before and keeps, and nothing is deleted while something hangs on it.
"""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Optional, Sequence, Union

from ..errors import Refusal
from ..plan import Change, field, guard
from .records import DEPENDANTS, OWNER_TAG, Identities, InstanceProfile, Policy, Role, User
from .requests import Request

VERSIONS_PER_POLICY = 5
DEFAULT_ATTACHMENTS = 10


class Steps(NamedTuple):
    """The changes of one object: what adds, and what takes away."""

    build: List[Change]
    remove: List[Change]


def plan(request: Request, target: Identities, actual: Identities) -> List[Change]:
    """Return the ordered changes.

    :raises Refusal: when a change would touch what is not ours, exceed the guard, or need a gap in permissions.
    """
    steps: List[Steps] = []
    for policy in request.policies:
        before, after = actual.policies[policy.name], target.policies[policy.name]
        steps.append(_owned(f"policy {policy.name}", before, after, plan_policy(after, before), request))
    for role in request.roles:
        there, wanted = actual.roles[role.name], target.roles[role.name]
        of = f"role {role.name}"
        quota = _room(of, there, wanted, actual.attachments_quota.get("role", DEFAULT_ATTACHMENTS), request.allow_gap)
        found = plan_role(wanted, there, actual.orphaned_profiles.get(role.name), quota, not role.present, request.owned_by)
        steps.append(found if role.existing else _owned(of, there, wanted, found, request))
    for user in request.users:
        held, asked = actual.users[user.name], target.users[user.name]
        of = f"user {user.name}"
        quota = _room(of, held, asked, actual.attachments_quota.get("user", DEFAULT_ATTACHMENTS), request.allow_gap)
        steps.append(_owned(of, held, asked, plan_user(asked, held, detach_first=quota), request))
    changes = [change for step in steps for change in step.build]
    changes += [change for step in reversed(steps) for change in step.remove]
    _refuse_dangling(request, actual, changes)
    guard(changes, request.guard)
    return changes


def plan_policy(target: Optional[Policy], actual: Optional[Policy]) -> Steps:
    """Return the changes of a customer managed policy."""
    if target is None:
        if actual is None:
            return Steps([], [])
        of = f"policy {actual.name}"
        old = [Change("delete", "version", version.id, of, before=actual.arn) for version in actual.versions if not version.is_default]
        return Steps([], old + [Change("delete", "policy", actual.name, before=actual)])
    of = f"policy {target.name}"
    if actual is None:
        return Steps([Change("create", "policy", target.name, after=target)], [])
    build: List[Change] = []
    if target.document != actual.document:
        spare = [version for version in actual.versions if not version.is_default]
        if len(actual.versions) >= VERSIONS_PER_POLICY:
            build.append(Change("delete", "version", spare[0].id, of, before=actual.arn))
        build.append(Change("update", "document", of=of, before=actual, after=target))
    tags = _plan_tags(of, actual.tags, target.tags, arn=actual.arn)
    return Steps(build + tags.build, tags.remove)


def plan_role(
    target: Optional[Role],
    actual: Optional[Role],
    orphan: Optional[InstanceProfile] = None,
    detach_first: bool = False,
    named: bool = False,
    owner: str = "",
) -> Steps:
    """Return the changes of a role and of its instance profile.

    :param orphan: the instance profile that is there although the role is not.
    :param detach_first: detach before attaching, where the quota has no room for both.
    :param named: the policies that go were named in the task, rather than found and purged.
    :param owner: whose instance profile may be deleted, when the role shall have none.
    """
    if target is None:
        return Steps([], [] if actual is None else _delete_role(actual))
    of = f"role {target.name}"
    if actual is None:
        build = [Change("create", "role", target.name, after=target)]
        build += _plan_inline(of, {}, target.inline).build
        build += [Change("attach", "managed policy", arn, of) for arn in target.attached]
        profile = _plan_profile(target.name, target.profile, orphan, None)
        return Steps(build + profile.build, profile.remove)
    build = []
    if target.trust != actual.trust:
        build.append(Change("update", "trust policy", of=of, before=actual.trust, after=target.trust))
    differing = [name for name in ("description", "max_session_duration") if getattr(target, name) != getattr(actual, name)]
    if differing:
        build.append(Change("update", " and ".join(differing), of=of, before=actual, after=target))
    return _merge(
        Steps(build, []),
        _plan_boundary(of, actual.boundary, target.boundary),
        _plan_inline(of, actual.inline, target.inline, named),
        _plan_attached(of, actual.attached, target.attached, detach_first, named),
        _plan_tags(of, actual.tags, target.tags),
        _plan_profile(target.name, target.profile, actual.profile, owner),
    )


def plan_user(target: Optional[User], actual: Optional[User], detach_first: bool = False) -> Steps:
    """Return the changes of a user. Keys and passwords are no part of it, except that they go with the user."""
    if target is None:
        return Steps([], [] if actual is None else _delete_user(actual))
    of = f"user {target.name}"
    if actual is None:
        build = [Change("create", "user", target.name, after=target)]
        build += _plan_inline(of, {}, target.inline).build
        return Steps(build + [Change("attach", "managed policy", arn, of) for arn in target.attached], [])
    return _merge(
        Steps(field("path", actual.path, target.path, of), []),
        _plan_boundary(of, actual.boundary, target.boundary),
        _plan_inline(of, actual.inline, target.inline),
        _plan_attached(of, actual.attached, target.attached, detach_first),
        _plan_tags(of, actual.tags, target.tags),
    )


def _plan_boundary(of: str, actual: Optional[str], target: Optional[str]) -> Steps:
    changes = field("permissions boundary", actual, target, of)
    return Steps([], changes) if target is None else Steps(changes, [])


def _plan_attached(of: str, actual: Sequence[str], target: Sequence[str], detach_first: bool, named: bool = False) -> Steps:
    attach = [Change("attach", "managed policy", arn, of) for arn in target if arn not in actual]
    detach = [Change("detach", "managed policy", arn, of, implied=not named) for arn in actual if arn not in target]
    return Steps(detach + attach, []) if detach_first else Steps(attach, detach)


def _plan_inline(of: str, actual: Optional[Mapping[str, object]], target: Optional[Mapping[str, object]], named: bool = False) -> Steps:
    before, after = actual or {}, target or {}
    put = [
        Change("put", "inline policy", name, of, before.get(name), after[name]) for name in sorted(after) if after[name] != before.get(name)
    ]
    gone = [Change("delete", "inline policy", name, of, before[name], implied=not named) for name in sorted(before) if name not in after]
    return Steps(put, gone)


def _plan_tags(of: str, actual: Mapping[str, str], target: Mapping[str, str], arn: str = "") -> Steps:
    put = {key: value for key, value in sorted(target.items()) if actual.get(key) != value}
    gone = sorted(key for key in actual if key not in target)
    respelled = [key for key in gone if key.lower() in {new.lower() for new in put}]
    build = []
    if respelled:
        build.append(Change("remove", "tags", ", ".join(respelled), of, before=respelled, after=arn))
    if put:
        build.append(Change("put", "tags", ", ".join(put), of, before=arn, after=put))
    rest = [key for key in gone if key not in respelled]
    return Steps(build, [Change("remove", "tags", ", ".join(rest), of, before=rest, after=arn, implied=True)] if rest else [])


def _plan_profile(role: str, target: Optional[InstanceProfile], actual: Optional[InstanceProfile], owner: Optional[str]) -> Steps:
    if target is None:
        return Steps([], [] if actual is None else _drop_profile(actual, role, owner))
    of = f"instance profile {target.name}"
    build = [Change("create", "instance profile", target.name, after=target)] if actual is None else []
    if actual is None or role not in actual.roles:
        build.append(Change("add", "role", role, of))
    return Steps(build, [])


def _drop_profile(profile: InstanceProfile, role: str, owner: Optional[str]) -> List[Change]:
    """Take the role out of the profile, and delete the profile when it has the same owner as what it was made for."""
    changes = [Change("remove", "role", role, f"instance profile {profile.name}")] if role in profile.roles else []
    if profile.tags.get(OWNER_TAG) == owner:
        changes.append(Change("delete", "instance profile", profile.name, before=profile))
    return changes


def _delete_role(role: Role) -> List[Change]:
    of = f"role {role.name}"
    changes = _drop_profile(role.profile, role.name, role.tags.get(OWNER_TAG)) if role.profile else []
    changes += [Change("remove", "role", role.name, f"instance profile {name}") for name in role.other_profiles]
    changes += [Change("detach", "managed policy", arn, of) for arn in role.attached]
    changes += [Change("delete", "inline policy", name, of) for name in sorted(role.inline or {})]
    return changes + [Change("delete", "role", role.name, before=role)]


def _delete_user(user: User) -> List[Change]:
    of = f"user {user.name}"
    changes = [Change("delete", kind, key, of) for kind in DEPENDANTS for key in user.dependants.get(kind, ())]
    changes += [Change("detach", "managed policy", arn, of) for arn in user.attached]
    changes += [Change("delete", "inline policy", name, of) for name in sorted(user.inline or {})]
    return changes + [Change("delete", "user", user.name, before=user)]


def _merge(*parts: Steps) -> Steps:
    return Steps([change for part in parts for change in part.build], [change for part in parts for change in part.remove])


Record = Union[Policy, Role, User]


def _owned(of: str, actual: Optional[Record], target: Optional[Record], steps: Steps, request: Request) -> Steps:
    """Refuse to change or delete what this owner did not make, unless told."""
    if actual is None or not (steps.build or steps.remove):
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
        f"It would: {'; '.join(map(str, steps.build + steps.remove))}."
    )


def _room(of: str, actual: Optional[Union[Role, User]], target: Optional[Union[Role, User]], quota: int, allow_gap: bool) -> bool:
    """Tell whether policies must be detached before others are attached, since both do not fit into the account's quota."""
    if target is None:
        return False
    before = set(actual.attached) if actual else set()
    after = set(target.attached)
    if len(after) > quota:
        raise Refusal(
            f"{of}: {len(after)} managed policies would be attached, more than the account's quota of {quota}. Join some policies, use "
            "inline_policies, or have the quota raised."
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


def _refuse_dangling(request: Request, actual: Identities, changes: Sequence[Change]) -> None:
    """A policy that somebody still uses is not deleted, nor taken from them."""
    detached = {(change.key, change.of) for change in changes if change.step == "detach"}
    gone = {f"{change.what} {change.key}" for change in changes if change.step == "delete" and change.what in ("role", "user")}
    for entry in request.policies:
        policy = actual.policies[entry.name]
        if policy is None or entry.present:
            continue
        released = gone | {f"boundary of {of}" for of in gone}
        users = [of for of in policy.attached_to if of not in released and (policy.arn, of) not in detached]
        if users:
            raise Refusal(
                f"policy {policy.name}: it is not deleted, since it is still in use by {', '.join(users)}. Detach it there first, or "
                "name them in the same task."
            )
