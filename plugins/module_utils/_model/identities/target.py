# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is there to what was asked for: the request laid over the actual records.

What the request leaves out stays as it is. A document that means the same as the one in place is kept in its
present spelling, so that plain ``==`` compares records and a diff shows real differences only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterable, Mapping, Optional, Tuple, TypeVar, Union

from .. import document as documents
from .. import trust as trusts
from ..context import Context
from ..errors import Refusal
from . import references
from .records import OWNER_TAG, TAG_PREFIX, Document, Identities, InstanceProfile, Policy, Role, User
from .requests import PermissionsRequest, PolicyRequest, Request, RoleRequest, UserRequest

DEFAULT_SESSION_SECONDS = 3600


def target(request: Request, actual: Identities, context: Context) -> Identities:
    """Return the records that the request leads to.

    :raises Refusal: when an immutable value differs, a role cannot serve, or a referenced policy does not exist.
    """
    resolver = _Resolver(request, actual, context)
    return replace(
        actual,
        policies={entry.name: _policy(entry, actual.policies[entry.name], request, context) for entry in request.policies},
        roles={entry.name: _role(entry, actual, request, resolver, context) for entry in request.roles},
        users={entry.name: _user(entry, actual.users[entry.name], request, resolver, context) for entry in request.users},
    )


class _Resolver:
    def __init__(self, request: Request, actual: Identities, context: Context) -> None:
        self._own = request.own_policies(context)
        self._managed = actual.managed
        self._context = context

    def __call__(self, reference: str, attached: Iterable[str], entry: str) -> str:
        known = references.known_arn(reference, self._own, self._context)
        match = known or references.attached_match(reference, attached, self._context)
        return match or references.resolve(reference, self._own, self._managed, self._context, entry)


def _policy(entry: PolicyRequest, actual: Optional[Policy], request: Request, context: Context) -> Optional[Policy]:
    if entry.document is None:
        return None
    if actual is None:
        return Policy(
            name=entry.name,
            path=entry.path,
            arn=entry.arn(context),
            description=entry.description or "",
            document=entry.document,
            tags=_new_tags(request, entry.tags),
        )
    if entry.description is not None and entry.description != actual.description:
        raise Refusal(
            f"policy {entry.name}: its description is {actual.description!r} and IAM never changes a policy's description. Leave "
            "description out or give the present one; for a new one delete the policy first or choose another name."
        )
    return replace(
        actual,
        document=_kept(actual.document, entry.document, context),
        tags=_tags(actual.tags, entry.tags, entry.purge_tags),
    )


def _role(entry: RoleRequest, there: Identities, request: Request, resolver: _Resolver, context: Context) -> Optional[Role]:
    where = f"role {entry.name}"
    actual = there.roles[entry.name]
    if entry.existing:
        return _existing_role(entry, actual, request, resolver, context)
    if not entry.present:
        return None
    boundary = _boundary(entry, actual, resolver)
    if actual is None:
        if entry.trust is None:
            raise Refusal(
                f"{where}: it does not exist yet, and to create it IAM must know who may assume it. Give trust, such as trust: ec2."
            )
        path, tags = entry.path or "/", _new_tags(request, entry.tags)
        return Role(
            name=entry.name,
            path=path,
            arn=context.arn("iam", f"role{path}{entry.name}", region=""),
            trust=entry.trust,
            description=entry.description or "",
            max_session_duration=entry.max_session_duration or DEFAULT_SESSION_SECONDS,
            boundary=boundary,
            attached=_attached(entry, actual, resolver, where),
            inline=_inline(entry, None, context),
            tags=tags,
            profile=_profile(entry, there.orphaned_profiles.get(entry.name), path, tags, context),
        )
    _refuse_new_path(entry, actual, where)
    return replace(
        actual,
        trust=actual.trust if entry.trust is None else _kept(actual.trust, entry.trust, context),
        description=actual.description if entry.description is None else entry.description,
        max_session_duration=entry.max_session_duration or actual.max_session_duration,
        boundary=boundary,
        attached=_attached(entry, actual, resolver, where),
        inline=_inline(entry, actual.inline, context),
        tags=_tags(actual.tags, entry.tags, entry.purge_tags),
        profile=_profile(entry, actual.profile, actual.path, _new_tags(request, entry.tags), context),
    )


def _existing_role(entry: RoleRequest, actual: Optional[Role], request: Request, resolver: _Resolver, context: Context) -> Optional[Role]:
    """Add to, or take back from, a role that somebody else made. Its trust, tags and other policies are theirs."""
    where = f"role {entry.name}"
    if actual is None:
        if not entry.present:
            return None
        raise Refusal(
            f"{where}: it does not exist, but existing: true says so. Check the name and the account, or drop existing to create it."
        )
    if not entry.present:
        mine = {
            resolver(reference, actual.attached, where)
            for reference in entry.policies or ()
            if _may_be_attached(reference, actual, resolver)
        }
        inline = (
            actual.inline
            if entry.inline is None
            else {key: value for key, value in (actual.inline or {}).items() if key not in entry.inline}
        )
        profile = None if actual.profile and actual.profile.tags.get(OWNER_TAG) == request.owned_by else actual.profile
        return replace(actual, attached=tuple(arn for arn in actual.attached if arn not in mine), inline=inline, profile=profile)
    trust = actual.trust
    for service in trusts.services(entry.trust or {}):
        if not trusts.trusts_service(trust, service, context.partition):
            if not entry.add_trust:
                raise Refusal(
                    f"{where}: it cannot serve, since its trust policy does not let {service} assume it. Set add_trust: true to add that, "
                    "or choose another role."
                )
            trust = trusts.add_service(trust, service)
    profile = actual.profile
    if entry.instance_profile and (profile is None or entry.name not in profile.roles):
        if not entry.add_instance_profile:
            raise Refusal(
                f"{where}: it cannot serve, since no instance profile holds it and EC2 instances take a role through one only. "
                "Set add_instance_profile: true to have one, or choose another role."
            )
        profile = _profile(entry, profile, "/", _new_tags(request, None), context)
    return replace(
        actual,
        trust=trust,
        attached=_attached(entry, actual, resolver, where),
        inline=_inline(entry, actual.inline, context),
        profile=profile,
    )


def _may_be_attached(reference: str, actual: Role, resolver: _Resolver) -> bool:
    try:
        return resolver(reference, actual.attached, "") in actual.attached
    except Refusal:
        return False


def _user(entry: UserRequest, actual: Optional[User], request: Request, resolver: _Resolver, context: Context) -> Optional[User]:
    if not entry.present:
        return None
    where = f"user {entry.name}"
    boundary = _boundary(entry, actual, resolver)
    path = entry.path or (actual.path if actual else "/")
    arn = context.arn("iam", f"user{path}{entry.name}", region="")
    if actual is None:
        return User(
            name=entry.name,
            path=path,
            arn=arn,
            boundary=boundary,
            attached=_attached(entry, actual, resolver, where),
            inline=_inline(entry, None, context),
            tags=_new_tags(request, entry.tags),
        )
    return replace(
        actual,
        path=path,
        arn=arn,
        boundary=boundary,
        attached=_attached(entry, actual, resolver, where),
        inline=_inline(entry, actual.inline, context),
        tags=_tags(actual.tags, entry.tags, entry.purge_tags),
    )


def _profile(
    entry: RoleRequest, actual: Optional[InstanceProfile], path: str, tags: Mapping[str, str], context: Context
) -> Optional[InstanceProfile]:
    if entry.instance_profile is None:
        return actual
    if not entry.instance_profile:
        return None
    if actual is None:
        name = entry.profile_name
        return InstanceProfile(name, path, context.arn("iam", f"instance-profile{path}{name}", region=""), (entry.name,), tags)
    return replace(actual, roles=_sole_role(entry, actual))


def _sole_role(entry: RoleRequest, profile: InstanceProfile) -> Tuple[str, ...]:
    others = [name for name in profile.roles if name != entry.name]
    if others:
        raise Refusal(
            f"role {entry.name}: the instance profile {profile.name} holds the role {others[0]}, and a profile holds one role only. "
            "Give another instance_profile_name, or take that role out of it first."
        )
    return (entry.name,)


def _refuse_new_path(entry: RoleRequest, actual: Role, where: str) -> None:
    if entry.path is not None and entry.path != actual.path:
        raise Refusal(
            f"{where}: its path is {actual.path} and IAM never changes a role's path, but path={entry.path} was given. "
            "Leave path out or give the present one; for another path delete the role first or choose another name."
        )


Holder = TypeVar("Holder", Role, User)


def _boundary(entry: PermissionsRequest, actual: Optional[Union[Role, User]], resolver: _Resolver) -> Optional[str]:
    if entry.boundary is None:
        return actual.boundary if actual else None
    if not entry.boundary:
        return None
    return resolver(entry.boundary, _held(actual), f"boundary of {entry.name}")


def _held(actual: Optional[Union[Role, User]]) -> Tuple[str, ...]:
    """Return the ARNs that answer a reference without a look-up."""
    return () if actual is None else (*actual.attached, *([actual.boundary] if actual.boundary else []))


def _attached(entry: PermissionsRequest, record: Optional[Union[Role, User]], resolver: _Resolver, where: str) -> Tuple[str, ...]:
    actual = record.attached if record else ()
    if entry.policies is None:
        return actual
    wanted = {resolver(reference, _held(record), where) for reference in entry.policies}
    return tuple(sorted(wanted if entry.purge_policies else wanted.union(actual)))


def _inline(entry: PermissionsRequest, actual: Optional[Mapping[str, Document]], context: Context) -> Optional[Mapping[str, Document]]:
    if entry.inline is None:
        return actual
    there = actual or {}
    wanted = {name: _kept(there.get(name), document, context) for name, document in entry.inline.items()}
    return wanted if entry.purge_inline else {**there, **wanted}


def _kept(actual: Optional[Document], wanted: Document, context: Context) -> Document:
    return actual if actual is not None and documents.equal(actual, wanted, context.partition) else wanted


def _new_tags(request: Request, tags: Optional[Mapping[str, str]]) -> Dict[str, str]:
    return {**_merge(request.tags, tags or {}), OWNER_TAG: request.owned_by}


def _tags(actual: Mapping[str, str], wanted: Optional[Mapping[str, str]], purge: bool) -> Mapping[str, str]:
    if wanted is None:
        return actual
    kept = {key: value for key, value in actual.items() if not purge or key.startswith(TAG_PREFIX) or key.lower().startswith("aws:")}
    return _merge(kept, wanted)


def _merge(base: Mapping[str, str], over: Mapping[str, str]) -> Dict[str, str]:
    """Lay tags over others. IAM ignores the letter case of keys, so the spelling given last replaces the other."""
    spelled = {key.lower() for key in over}
    return {**{key: value for key, value in base.items() if key.lower() not in spelled}, **over}
