# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is there to what was asked for: the request laid over the actual records."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Optional, Tuple

from .. import trust as trusts
from ..context import Context
from ..errors import Outdated, Refusal
from ..names import TAGS_PER_OBJECT
from ..tags import OWNER_TAG
from . import overlay
from .overlay import Resolver
from .records import Document, Identities, InstanceProfile, Policy, Role, User
from .requests import PolicyRequest, Request, RoleRequest, UserRequest

DEFAULT_SESSION_SECONDS = 3600


def target(request: Request, actual: Identities, context: Context) -> Identities:
    """Return the records that the request leads to.

    :raises Refusal: when an immutable value differs, a role cannot serve, or a referenced policy does not exist.
    """
    resolver = Resolver(request, actual, context)
    result = replace(
        actual,
        policies={entry.name: _policy(entry, actual.policies[entry.name], request, context) for entry in request.policies},
        users={entry.name: _user(entry, actual.users[entry.name], request, resolver, context) for entry in request.users},
        roles={entry.name: _role(entry, actual, request, resolver, context) for entry in request.roles},
    )
    for kind, records in (("policy", result.policies), ("role", result.roles), ("user", result.users)):
        for name, record in records.items():
            if record and len(record.tags) > TAGS_PER_OBJECT:
                raise Refusal(f"{kind} {name}: it would have {len(record.tags)} tags, more than the {TAGS_PER_OBJECT} that IAM stores.")
    return result


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
            tags=overlay.new_tags(request, entry.tags),
        )
    if entry.description is not None and entry.description != actual.description:
        raise Refusal(
            f"policy {entry.name}: its description is {actual.description!r} and IAM never changes a policy's description. Leave "
            "description out or give the present one; for a new one delete the policy first or choose another name."
        )
    return replace(
        actual,
        document=overlay.kept(actual.document, entry.document, context),
        tags=overlay.tags(actual.tags, entry.tags, entry.purge_tags, fold=False),
    )


def _user(entry: UserRequest, actual: Optional[User], request: Request, resolver: Resolver, context: Context) -> Optional[User]:
    if not entry.present:
        return None
    where = f"user {entry.name}"
    path = entry.path or (actual.path if actual else "/")
    return User(
        name=entry.name,
        path=path,
        arn=context.arn("iam", f"user{path}{entry.name}", region=""),
        boundary=overlay.boundary(entry, actual, resolver),
        attached=overlay.attached(entry, actual, resolver, where),
        inline=overlay.inline(entry, actual.inline if actual else None, context),
        tags=overlay.tags(actual.tags, entry.tags, entry.purge_tags, fold=True) if actual else overlay.new_tags(request, entry.tags),
    )


def _role(entry: RoleRequest, there: Identities, request: Request, resolver: Resolver, context: Context) -> Optional[Role]:
    actual = there.roles[entry.name]
    if entry.existing:
        return _existing_role(entry, actual, request, resolver, context)
    if not entry.present:
        return None
    if actual is None:
        return _new_role(entry, there.orphaned_profiles.get(entry.name), request, resolver, context)
    where = f"role {entry.name}"
    if entry.path is not None and entry.path != actual.path:
        raise Refusal(
            f"{where}: its path is {actual.path} and IAM never changes a role's path, but path={entry.path} was given. "
            "Leave path out or give the present one; for another path delete the role first or choose another name."
        )
    return replace(
        actual,
        trust=actual.trust if entry.trust is None else overlay.kept(actual.trust, entry.trust, context),
        description=actual.description if entry.description is None else entry.description,
        max_session_duration=entry.max_session_duration or actual.max_session_duration,
        boundary=overlay.boundary(entry, actual, resolver),
        attached=overlay.attached(entry, actual, resolver, where),
        inline=overlay.inline(entry, actual.inline, context),
        tags=overlay.tags(actual.tags, entry.tags, entry.purge_tags, fold=True),
        profile=_profile(entry, actual.profile, actual.path, overlay.new_tags(request, entry.tags), context),
    )


def _new_role(entry: RoleRequest, orphan: Optional[InstanceProfile], request: Request, resolver: Resolver, context: Context) -> Role:
    where = f"role {entry.name}"
    if entry.trust is None:
        raise Refusal(f"{where}: it does not exist yet, and to create it IAM must know who may assume it. Give trust, such as trust: ec2.")
    path, tags = entry.path or "/", overlay.new_tags(request, entry.tags)
    return Role(
        name=entry.name,
        path=path,
        arn=context.arn("iam", f"role{path}{entry.name}", region=""),
        trust=entry.trust,
        description=entry.description or "",
        max_session_duration=entry.max_session_duration or DEFAULT_SESSION_SECONDS,
        boundary=overlay.boundary(entry, None, resolver),
        attached=overlay.attached(entry, None, resolver, where),
        inline=overlay.inline(entry, None, context),
        tags=tags,
        profile=_profile(entry, orphan, path, tags, context),
    )


def _existing_role(entry: RoleRequest, actual: Optional[Role], request: Request, resolver: Resolver, context: Context) -> Optional[Role]:
    """Add to, or take back from, a role that somebody else made. Its trust, tags and other policies are theirs."""
    where = f"role {entry.name}"
    if actual is None:
        if not entry.present:
            return None
        raise Outdated(
            f"{where}: it does not exist, but existing: true says so. Check the name and the account, or drop existing to create it."
        )
    if not entry.present:
        return _taken_back(entry, actual, request, resolver, context)
    for name, document in (entry.inline or {}).items():
        other = (actual.inline or {}).get(name)
        if other is not None and overlay.kept(other, document, context) is document and not request.adopt:
            raise Refusal(
                f"{where}: it has an inline policy {name} with another text, and existing: true only adds. Choose another name, or set "
                "adopt: true to put this text in its place."
            )
    return replace(
        actual,
        trust=_serving_trust(entry, actual, context, where),
        attached=overlay.attached(entry, actual, resolver, where),
        inline=overlay.inline(entry, actual.inline, context),
        profile=_serving_profile(entry, actual, request, context, where),
    )


def _taken_back(entry: RoleRequest, actual: Role, request: Request, resolver: Resolver, context: Context) -> Role:
    """Return the role without the policies that the entry lists, and without an instance profile that was made for it here."""
    mine = {_arn_or_nothing(reference, actual, resolver) for reference in entry.policies or ()}
    asked = entry.inline or {}
    inline = actual.inline and {
        name: document
        for name, document in actual.inline.items()
        if name not in asked or overlay.kept(document, asked[name], context) is not document
    }
    ours = actual.profile is not None and actual.profile.tags.get(OWNER_TAG) == request.owned_by
    return replace(
        actual,
        attached=tuple(arn for arn in actual.attached if arn not in mine),
        inline=inline,
        profile=None if ours else actual.profile,
    )


def _arn_or_nothing(reference: str, actual: Role, resolver: Resolver) -> str:
    try:
        return resolver(reference, actual, "")
    except Refusal:
        return ""


def _serving_trust(entry: RoleRequest, actual: Role, context: Context, where: str) -> Document:
    trust = actual.trust
    for service in trusts.services(entry.trust or {}):
        if trusts.trusts_service(trust, service, context.partition):
            continue
        if not entry.add_trust:
            raise Refusal(
                f"{where}: it cannot serve, since its trust policy does not let {service} assume it. Set add_trust: true to add that, "
                "or choose another role."
            )
        trust = trusts.add_service(trust, service, entry.trust or {})
    return trust


def _serving_profile(entry: RoleRequest, actual: Role, request: Request, context: Context, where: str) -> Optional[InstanceProfile]:
    profile = actual.profile
    if not entry.instance_profile or (profile is not None and entry.name in profile.roles):
        return profile
    if not entry.add_instance_profile:
        raise Refusal(
            f"{where}: it cannot serve, since no instance profile holds it and EC2 instances take a role through one only. "
            "Set add_instance_profile: true to have one, or choose another role."
        )
    return _profile(entry, profile, "/", overlay.new_tags(request, None), context)


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
