# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identities as plain data, for results and diffs. They hold no secret."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ..document import readable
from .records import Document, Identities, Policy, Role, User


def view(identities: Identities) -> Dict[str, Any]:
    """Return what is present, by name. Documents are in canonical order, so that a diff shows real differences only."""
    return {
        "policies": {name: _policy(policy) for name, policy in identities.policies.items() if policy},
        "roles": {name: _role(role) for name, role in identities.roles.items() if role},
        "users": {name: _user(user) for name, user in identities.users.items() if user},
    }


def _policy(policy: Policy) -> Dict[str, Any]:
    return {
        "name": policy.name,
        "path": policy.path,
        "arn": policy.arn,
        "description": policy.description,
        "document": readable(policy.document),
        "tags": dict(policy.tags),
    }


def _role(role: Role) -> Dict[str, Any]:
    profile = role.profile
    return {
        "name": role.name,
        "path": role.path,
        "arn": role.arn,
        "description": role.description,
        "max_session_duration": role.max_session_duration,
        "assume_role_policy_document": readable(role.trust),
        "boundary": role.boundary,
        "policies": list(role.attached),
        "inline_policies": _inline(role.inline),
        "tags": dict(role.tags),
        "instance_profile": profile and {"name": profile.name, "path": profile.path, "arn": profile.arn, "roles": list(profile.roles)},
    }


def _user(user: User) -> Dict[str, Any]:
    return {
        "name": user.name,
        "path": user.path,
        "arn": user.arn,
        "boundary": user.boundary,
        "policies": list(user.attached),
        "inline_policies": _inline(user.inline),
        "tags": dict(user.tags),
    }


def _inline(inline: Optional[Mapping[str, Document]]) -> Optional[Dict[str, Document]]:
    return None if inline is None else {name: readable(document) for name, document in sorted(inline.items())}
