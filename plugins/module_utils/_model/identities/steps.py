# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of one policy, role or user."""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Optional, Sequence

from ..names import TAGS_PER_OBJECT
from ..plan import Change, field
from ..tags import OWNER_TAG
from . import quotas
from .records import DEPENDANTS, InstanceProfile, Policy, Role, User

VERSIONS_PER_POLICY = 5


class Steps(NamedTuple):
    """The changes of one object by what they do to permissions."""

    build: List[Change]
    """Make, attach, and limit by a boundary before more is attached."""
    replace: List[Change]
    """Put one document in another's place, which may take something away. What takes over is attached by then."""
    remove: List[Change]

    @property
    def all(self) -> List[Change]:
        return self.build + self.replace + self.remove


NOTHING = Steps([], [], [])


def plan_policy(target: Optional[Policy], actual: Optional[Policy]) -> Steps:
    """Return the changes of a customer managed policy."""
    if target is None:
        return NOTHING if actual is None else Steps([], [], _delete_policy(actual))
    of = f"policy {target.name}"
    if actual is None:
        return Steps([Change("create", "policy", target.name, after=target)], [], [])
    update: List[Change] = []
    if target.document != actual.document:
        spare = [version for version in actual.versions if not version.is_default]
        if len(actual.versions) >= VERSIONS_PER_POLICY:
            update.append(Change("delete", "version", spare[0].id, of, before=actual.arn))
        update.append(Change("update", "document", of=of, before=actual, after=target))
    return _merge(Steps([], update, []), _plan_tags(of, actual.tags, target.tags, arn=actual.arn))


def plan_role(
    target: Optional[Role],
    actual: Optional[Role],
    orphan: Optional[InstanceProfile] = None,
    detach_first: bool = False,
    named: bool = False,
    owner: str = "",
    inline_first: bool = False,
) -> Steps:
    """Return the changes of a role and of its instance profile.

    :param orphan: the instance profile that is there although the role is not.
    :param detach_first: detach before attaching, where the quota has no room for both.
    :param named: the policies that go were named in the task, rather than found and purged.
    :param owner: whose instance profiles may be deleted.
    :param inline_first: delete inline policies before others are put, where their limit has no room for both.
    """
    if target is None:
        return Steps([], [], _drop_profile(orphan, "", owner) if actual is None else _delete_role(actual, owner))
    of = f"role {target.name}"
    if actual is None:
        return _merge(
            Steps([Change("create", "role", target.name, after=target)], [], []),
            _plan_inline(of, {}, target.inline),
            _plan_attached(of, (), target.attached),
            _plan_profile(target.name, target.profile, orphan, owner),
        )
    settings: List[Change] = []
    if target.trust != actual.trust:
        settings.append(Change("update", "trust policy", of=of, before=actual.trust, after=target.trust))
    differing = [name for name in ("description", "max_session_duration") if getattr(target, name) != getattr(actual, name)]
    if differing:
        settings.append(Change("update", " and ".join(differing), of=of, before=actual, after=target))
    return _merge(
        Steps(settings, [], []),
        _plan_boundary(of, actual.boundary, target.boundary),
        _plan_inline(of, actual.inline, target.inline, inline_first, named),
        _plan_attached(of, actual.attached, target.attached, detach_first, named),
        _plan_tags(of, actual.tags, target.tags),
        _plan_profile(target.name, target.profile, actual.profile, owner),
    )


def plan_user(target: Optional[User], actual: Optional[User], detach_first: bool = False, inline_first: bool = False) -> Steps:
    """Return the changes of a user. Keys and passwords are no part of it, except that they go with the user."""
    if target is None:
        return NOTHING if actual is None else Steps([], [], _delete_user(actual))
    of = f"user {target.name}"
    if actual is None:
        return _merge(
            Steps([Change("create", "user", target.name, after=target)], [], []),
            _plan_inline(of, {}, target.inline),
            _plan_attached(of, (), target.attached),
        )
    return _merge(
        Steps(field("path", actual.path, target.path, of), [], []),
        _plan_boundary(of, actual.boundary, target.boundary),
        _plan_inline(of, actual.inline, target.inline, inline_first),
        _plan_attached(of, actual.attached, target.attached, detach_first),
        _plan_tags(of, actual.tags, target.tags),
    )


def _merge(*parts: Steps) -> Steps:
    return Steps(*([change for part in parts for change in part[place]] for place in range(3)))


def _plan_boundary(of: str, actual: Optional[str], target: Optional[str]) -> Steps:
    changes = field("permissions boundary", actual, target, of)
    return Steps([], [], changes) if target is None else Steps(changes, [], [])


def _plan_attached(of: str, actual: Sequence[str], target: Sequence[str], detach_first: bool = False, named: bool = False) -> Steps:
    attach = [Change("attach", "managed policy", arn, of) for arn in target if arn not in actual]
    detach = [Change("detach", "managed policy", arn, of, implied=not named) for arn in actual if arn not in target]
    return Steps(detach + attach, [], []) if detach_first else Steps(attach, [], detach)


def _plan_inline(
    of: str,
    actual: Optional[Mapping[str, object]],
    target: Optional[Mapping[str, object]],
    delete_first: bool = False,
    named: bool = False,
) -> Steps:
    before, after = actual or {}, target or {}
    put = [
        Change("put", "inline policy", name, of, before.get(name), after[name]) for name in sorted(after) if after[name] != before.get(name)
    ]
    gone = [Change("delete", "inline policy", name, of, before[name], implied=not named) for name in sorted(before) if name not in after]
    new = [change for change in put if change.before is None]
    replaced = sorted((change for change in put if change.before is not None), key=quotas.by_growth)
    return Steps(gone + replaced + new, [], []) if delete_first else Steps(new, replaced, gone)


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
    remove = [Change("remove", "tags", ", ".join(rest), of, before=rest, after=arn, implied=True)] if rest else []
    crowded = len({*actual, *put}) - len(respelled) > TAGS_PER_OBJECT
    return Steps(remove + build, [], []) if crowded else Steps(build, [], remove)


def _plan_profile(role: str, target: Optional[InstanceProfile], actual: Optional[InstanceProfile], owner: str) -> Steps:
    if target is None:
        return Steps([], [], _drop_profile(actual, role, owner))
    build = [Change("create", "instance profile", target.name, after=target)] if actual is None else []
    if actual is None or role not in actual.roles:
        build.append(Change("add", "role", role, f"instance profile {target.name}"))
    return Steps(build, [], [])


def _drop_profile(profile: Optional[InstanceProfile], role: str, owner: str) -> List[Change]:
    """Take the role out of the profile, and delete the profile when it is the owner's and nobody else's role is in it."""
    if profile is None:
        return []
    changes = [Change("remove", "role", role, f"instance profile {profile.name}")] if role in profile.roles else []
    if profile.tags.get(OWNER_TAG) == owner and set(profile.roles) <= {role}:
        changes.append(Change("delete", "instance profile", profile.name, before=profile))
    return changes


def _delete_policy(policy: Policy) -> List[Change]:
    of = f"policy {policy.name}"
    old = [Change("delete", "version", version.id, of, before=policy.arn) for version in policy.versions if not version.is_default]
    return [*old, Change("delete", "policy", policy.name, before=policy)]


def _delete_role(role: Role, owner: str) -> List[Change]:
    of = f"role {role.name}"
    changes = [change for profile in (role.profile, *role.other_profiles) for change in _drop_profile(profile, role.name, owner)]
    changes += [Change("detach", "managed policy", arn, of) for arn in role.attached]
    changes += [Change("delete", "inline policy", name, of) for name in sorted(role.inline or {})]
    return [*changes, Change("delete", "role", role.name, before=role)]


def _delete_user(user: User) -> List[Change]:
    of = f"user {user.name}"
    changes = [Change("delete", kind, key, of) for kind in DEPENDANTS for key in user.dependants.get(kind, ())]
    changes += [Change("detach", "managed policy", arn, of) for arn in user.attached]
    changes += [Change("delete", "inline policy", name, of) for name in sorted(user.inline or {})]
    return [*changes, Change("delete", "user", user.name, before=user)]
