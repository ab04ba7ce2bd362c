# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit saw of an account. It holds no secret: IAM gives none out again, and an activation's code is shown once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple

from ..access_key import Key
from ..errors import InputError
from ..identities.records import Document
from ..plan import Change
from ..tags import OWNER_TAG


@dataclass(frozen=True)
class Holder:
    """A role or a user, with all that says what it may do and who may be it."""

    kind: str
    """``role`` or ``user``."""
    name: str
    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)
    boundary: Optional[str] = None
    """ARN of the permissions boundary."""
    attached: Tuple[str, ...] = ()
    """ARNs of the managed policies, sorted."""
    inline: Mapping[str, Document] = field(default_factory=dict)
    groups: Tuple[str, ...] = ()
    trust: Document = field(default_factory=dict)
    profiles: Tuple[str, ...] = ()
    """Names of the instance profiles that hold the role."""
    created: Optional[datetime] = None
    last_used: Optional[datetime] = None
    """Of a role, as AWS reports it for the last 400 days. A user is used by its keys."""

    @property
    def of(self) -> str:
        """Return it in words."""
        return f"{self.kind} {self.name}"

    @property
    def owner(self) -> Optional[str]:
        """Return the value of the ownership tag, ``None`` without one."""
        return self.tags.get(OWNER_TAG)


@dataclass(frozen=True)
class OwnPolicy:
    """A customer managed policy of the account."""

    name: str
    arn: str
    document: Document


@dataclass(frozen=True)
class Profile:
    """An instance profile."""

    name: str
    roles: Tuple[str, ...]


@dataclass(frozen=True)
class Activation:
    """A hybrid activation. Its code is no part of it."""

    id: str
    role: str
    limit: int
    used: int
    created: Optional[datetime]
    expires: Optional[datetime]
    expired: bool = False
    name: str = ""
    """What the machines are called by it."""


@dataclass(frozen=True)
class Node:
    """A hybrid node of Systems Manager."""

    id: str
    name: str
    status: str
    """``Online``, ``ConnectionLost`` or ``Inactive``."""
    last_ping: Optional[datetime]
    role: str = ""


@dataclass(frozen=True)
class Unseen:
    """A part that could not be read."""

    part: str
    """In words: ``the access keys of user cwagent-web1``."""
    says: str
    """What AWS said."""


@dataclass(frozen=True)
class Drift:
    """What one task of ``iam_identities`` would change."""

    of: str
    """Which task, in words."""
    changes: Tuple[Change, ...] = ()
    refusal: str = ""
    """Why there is no plan."""


@dataclass(frozen=True)
class Seen:
    """All that was read."""

    now: datetime
    account: str
    partition: str
    region: str = ""
    holders: Tuple[Holder, ...] = ()
    policies: Tuple[OwnPolicy, ...] = ()
    profiles: Tuple[Profile, ...] = ()
    keys: Mapping[str, Tuple[Key, ...]] = field(default_factory=dict)
    """By user. One that is missing was not read."""
    passwords: Mapping[str, bool] = field(default_factory=dict)
    """By user, whether it has one. One that is missing was not read."""
    leased_instances: Mapping[str, str] = field(default_factory=dict)
    """Id of an instance to the value of its lease's tag."""
    activations: Tuple[Activation, ...] = ()
    nodes: Tuple[Node, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of Systems Manager: id to value."""
    drifts: Tuple[Drift, ...] = ()
    whole_account: bool = True
    """All roles and users were listed, and not only those that were named."""
    unseen: Tuple[Unseen, ...] = ()


@dataclass(frozen=True)
class Acceptance:
    """A finding that somebody has decided to live with."""

    id: str
    object: str
    """A pattern with ``*`` and ``?``."""
    reason: str
    until: Optional[datetime] = None
    """From then on it is a finding again."""


@dataclass(frozen=True)
class Rules:
    """What the task asked for."""

    owned_by: Optional[str] = None
    """``None``: every owner's."""
    roles: FrozenSet[str] = frozenset()
    users: FrozenSet[str] = frozenset()
    asked: FrozenSet[str] = frozenset()
    """Those of them that somebody named one by one, as ``role web``."""
    hosts_users: Optional[FrozenSet[str]] = None
    """``None``: nothing is said of orphans."""
    expected_inline: Mapping[str, FrozenSet[str]] = field(default_factory=dict)
    """``role web`` to the names of the inline policies that it should have. One that is missing here should have none."""
    max_key_age: Optional[timedelta] = timedelta(days=90)
    unused_after: Optional[timedelta] = timedelta(days=45)
    grace: timedelta = timedelta(days=7)
    offline_after: Optional[timedelta] = timedelta(days=30)
    boundary: str = ""
    """Empty: none is required; ``any``; or a reference to a policy."""
    severities: Mapping[str, str] = field(default_factory=dict)
    accept: Tuple[Acceptance, ...] = ()

    def covers(self, holder: Holder) -> bool:
        """Return whether the audit is about this one."""
        named = self.roles if holder.kind == "role" else self.users
        if holder.name in named or (holder.kind == "user" and holder.name in (self.hosts_users or ())):
            return True
        return holder.owner is not None and self.owned_by in (None, holder.owner)


def acceptance(given: Mapping[str, Any], known: Mapping[str, Any]) -> Acceptance:
    """Return a member of the option ``accept``.

    :raises InputError: for a kind that does not exist, a missing reason, or a date that is none.
    """
    if given["id"] not in known:
        raise InputError(f"accept: {given['id']!r} is no kind of finding. There are: {', '.join(known)}.")
    if not given["reason"].strip():
        raise InputError(f"accept: {given['id']} of {given['object']} needs a reason, which the report shows.")
    until = None
    if given["until"]:
        try:
            until = datetime.strptime(given["until"] + " +0000", "%Y-%m-%d %z")
        except ValueError as error:
            raise InputError(f"accept: until {given['until']!r} is no date. Write it as 2027-01-31.") from error
    return Acceptance(given["id"], given["object"], given["reason"], until)


def severities(given: Mapping[str, Any], known: Mapping[str, Any], levels: Tuple[str, ...]) -> Dict[str, str]:
    """Return the option ``severities``.

    :raises InputError: for a kind or a level that does not exist.
    """
    for name, level in given.items():
        if name not in known:
            raise InputError(f"severities: {name!r} is no kind of finding. There are: {', '.join(known)}.")
        if level not in levels:
            raise InputError(f"severities: {name}: {level!r} is none of {', '.join(levels)}.")
    return {str(name): str(level) for name, level in given.items()}
