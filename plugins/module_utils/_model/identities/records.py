# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IAM holds of an identity. The same records say what is there and what was asked for.

Documents are plain dicts. ``None`` in a collection means that it was neither read nor asked for, so it is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

Document = Dict[str, Any]
Tags = Mapping[str, str]


@dataclass(frozen=True)
class Version:
    """A version of a customer managed policy."""

    id: str
    is_default: bool


@dataclass(frozen=True)
class Policy:
    """A customer managed policy."""

    name: str
    path: str
    arn: str
    description: str
    document: Document
    tags: Tags
    versions: Tuple[Version, ...] = field(default=(), compare=False)
    """Oldest first. Read only when a version may have to make room, or the policy goes."""
    attached_to: Tuple[str, ...] = field(default=(), compare=False)
    """In words (``role web``). Read only when the policy goes."""


@dataclass(frozen=True)
class InstanceProfile:
    name: str
    path: str
    arn: str
    roles: Tuple[str, ...]
    """Names. IAM allows one."""
    tags: Tags


@dataclass(frozen=True)
class Role:
    name: str
    path: str
    arn: str
    trust: Document
    description: str
    max_session_duration: int
    boundary: Optional[str]
    """ARN of the permissions boundary."""
    attached: Tuple[str, ...]
    """ARNs of the managed policies, sorted."""
    inline: Optional[Mapping[str, Document]]
    tags: Tags
    profile: Optional[InstanceProfile] = None
    """The instance profile that the request is about."""
    other_profiles: Tuple[InstanceProfile, ...] = field(default=(), compare=False)
    """Further profiles that hold the role. Read only when the role goes."""
    used: Optional[timedelta] = field(default=None, compare=False)
    """How long ago it was last used, as AWS reports it: up to four hours late. ``None`` when it is not known to have been used."""


@dataclass(frozen=True)
class User:
    name: str
    path: str
    arn: str
    boundary: Optional[str]
    attached: Tuple[str, ...]
    inline: Optional[Mapping[str, Document]]
    tags: Tags
    dependants: Mapping[str, Tuple[str, ...]] = field(default_factory=dict, compare=False)
    """What else hangs on the user, by kind (see ``DEPENDANTS``). Read only when the user goes."""


DEPENDANTS = (
    "login profile",
    "access key",
    "signing certificate",
    "SSH public key",
    "service-specific credential",
    "virtual MFA device",
    "MFA device",
    "group membership",
)
"""In the order in which they are removed: first what signs in, then what says who one is."""


class Texts(NamedTuple):
    """Texts of policies that are no part of the call."""

    managed: Mapping[str, Document]
    """By ARN."""
    inline: Mapping[str, Sequence[Document]]
    """All inline policies of an identity, by ``role web`` and ``user web``."""


@dataclass(frozen=True)
class Identities:
    """All objects of one call by name; ``None`` where there is none."""

    policies: Mapping[str, Optional[Policy]]
    roles: Mapping[str, Optional[Role]]
    users: Mapping[str, Optional[User]]
    found: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Managed policies that were looked up: reference to ARN. A reference that is missing here does not exist."""
    local_policies: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The account's customer managed policies: name in small letters to ARN. Read only when one shall be made."""
    orphaned_profiles: Mapping[str, InstanceProfile] = field(default_factory=dict, compare=False)
    """Instance profiles that are there although the role, by whose name they are listed, is not."""
    attachments_quota: Mapping[str, int] = field(default_factory=dict, compare=False)
    """``role`` and ``user`` to the account's quota of attached managed policies. Read only when it may matter."""
    summary: Mapping[str, int] = field(default_factory=dict, compare=False)
    """What the account has and may have, as ``GetAccountSummary`` calls it. Read only when something is made."""
    uses: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Roles and users that are in use (``role web``), and by what that is known, in words. Read only when they lose something."""
    texts: Texts = field(default=Texts({}, {}), compare=False)
    """Read only when somebody who is in use loses a policy."""
