# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the roles and users that an audit names, one by one: for a caller who may not list the whole account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, ContextManager, List, Optional, Tuple

from .._model.audit.records import Holder, Rules
from .._model.context import Context
from .._model.identities.records import Role, User
from .._model.identities.requests import Request, RoleRequest, UserRequest
from .identities.read import Reader
from .session import READERS

_PERMISSIONS = {"present": True, "path": None, "boundary": None, "policies": None, "purge_policies": False, "inline": None,
                "purge_inline": True, "tags": None, "purge_tags": False}  # fmt: skip
"""Of a request that has inline policies read. It is never planned."""


class NamedReader:
    """Reads single roles and users.

    :param or_unseen: a context that writes down what AWS does not show.
    """

    def __init__(self, iam: Any, context: Context, or_unseen: Callable[[str], ContextManager[None]]) -> None:
        self._iam = iam
        self._context = context
        self._or_unseen = or_unseen

    def holders(self, rules: Rules) -> List[Holder]:
        """Return those that are there."""
        users = rules.users | (rules.hosts_users or frozenset())
        wanted = [("role", name) for name in sorted(rules.roles)] + [("user", name) for name in sorted(users)]
        with ThreadPoolExecutor(READERS) as pool:
            return [holder for holder in pool.map(self._holder, wanted) if holder is not None]

    def _holder(self, which: Tuple[str, str]) -> Optional[Holder]:
        kind, name = which
        with self._or_unseen(f"{kind} {name}"):
            found = Reader(self._iam, _request(kind, name), self._context).identities()
            if kind == "role":
                role = found.roles[name]
                return None if role is None else _role(role)
            user = found.users[name]
            return None if user is None else _user(user, self._groups(name))
        return None

    def _groups(self, user: str) -> Tuple[str, ...]:
        pages = self._iam.get_paginator("list_groups_for_user").paginate(UserName=user)
        return tuple(group["GroupName"] for page in pages for group in page["Groups"])


def _request(kind: str, name: str) -> Request:
    roles: Tuple[RoleRequest, ...] = ()
    users: Tuple[UserRequest, ...] = ()
    if kind == "role":
        # As somebody else's role it is read with all its instance profiles.
        roles = (RoleRequest(name=name, existing=True, trust=None, add_trust=False, description=None, max_session_duration=None,
                             instance_profile=True, profile_name=name, add_instance_profile=False, **_PERMISSIONS),)  # type: ignore[arg-type]  # fmt: skip
    else:
        users = (UserRequest(name=name, **_PERMISSIONS),)  # type: ignore[arg-type]
    return Request((), roles, users, {}, "", adopt=False, delete_unowned=False, allow_gap=False, guard=0)


def _role(role: Role) -> Holder:
    held = [profile for profile in (role.profile, *role.other_profiles) if profile is not None and role.name in profile.roles]
    return Holder(
        "role", role.name, role.arn, role.tags, role.boundary, role.attached, role.inline or {}, (), role.trust, tuple(p.name for p in held)
    )


def _user(user: User, groups: Tuple[str, ...]) -> Holder:
    return Holder("user", user.name, user.arn, user.tags, user.boundary, user.attached, user.inline or {}, groups)
