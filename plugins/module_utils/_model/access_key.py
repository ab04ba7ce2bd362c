# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys, the host that holds one, and the words the decisions are made of.

Times are aware datetimes in UTC. "Now" is the date of AWS's own answer, not a clock of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Optional, Tuple

NEW = "(new)"
"""The id of a key that is planned and not made yet."""

VERIFYING = timedelta(minutes=15)
"""How long after its creation a use of ``sts`` counts as our own verification."""
TAKE_UP = timedelta(minutes=15)
"""The CloudWatch agent reads its credentials file again every ten minutes."""
LAST_USES = timedelta(minutes=30)
"""Uses of the old key up to this long after the new one was written are the agent's own: AWS keeps coarse times."""

USES_LAG = timedelta(hours=4)
"""How late AWS may report a use."""


class Proof(Enum):
    """What AWS said to a call signed on the host with the secret in its file."""

    PROVEN = "proven"
    """Accepted, and the caller is the expected user."""
    WRONG = "wrong secret"
    """The id exists, the secret on the host is not its secret, or there is none."""
    FOREIGN = "another identity"
    """Accepted, for somebody else."""
    UNKNOWN = "unknown id"
    """AWS does not accept the id: deleted, inactive, too young, or of another partition."""
    UNTRIED = "not tried"


@dataclass(frozen=True)
class Key:
    """An access key as IAM lists it."""

    id: str
    active: bool
    created: datetime
    used: Optional[datetime] = None
    """Last use as AWS reports it: hours late, coarse; ``None`` doesn't prove that it was never used."""
    used_service: str = ""
    used_region: str = ""
    tagged: Optional[datetime] = None
    """When our tag says it was retired."""

    @property
    def retired(self) -> bool:
        """Inactive and carrying our tag. A tagged key that is Active was activated again by somebody, or never deactivated."""
        return not self.active and self.tagged is not None


@dataclass(frozen=True)
class User:
    """The IAM user whose keys these are. ``None`` for what was not read."""

    name: str
    arn: str
    owner: Optional[str] = None
    """The value of the ownership tag, empty without one."""
    console_password: Optional[bool] = None
    groups: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class HostState:
    """Our profile in the host's credentials file. Never the secret."""

    key_id: str = ""
    """H: the key id in our profile, empty without one."""
    proof: Proof = Proof.UNTRIED
    says: str = ""
    """AWS's words to the proof: the caller's ARN, or the error."""
    holder: str = ""
    """Name of the user the key belongs to, where IAM told and it is not ours."""
    error: str = ""
    """Why the file cannot be worked on: not a regular file, does not parse …"""
    written: Optional[datetime] = None
    """When the file was last written, on AWS's clock."""
    restarted: bool = False
    """The agent was started after the file was written."""
    region: str = ""
    owner: str = ""
    group: str = ""
    mode: str = ""
    hindrance: str = ""
    """Why a write would fail, where that can be told before."""
    leftover: bool = False
    """Beside the file lies what a run left that was killed while it wrote: there may be a secret in it."""
    unknown: Tuple[Tuple[str, str], ...] = ()
    """Asked-for owner or group that the host does not know: ``("group", "cwagent")``."""
    session: bool = False
    """The profile holds credentials of a session: a token, or an id that begins as theirs do."""


@dataclass(frozen=True)
class Rules:
    """What the user asked for. Defaults are those of the module's options."""

    user: str
    profile: str = "AmazonCloudWatchAgent"
    path: str = ""
    present: bool = True
    region: str = ""
    owner: str = ""
    group: str = ""
    mode: str = "0600"
    owned_by: str = "default"
    adopt: bool = False
    groups: Tuple[str, ...] = ()
    """Groups the user may belong to."""
    rotate_after: Optional[timedelta] = None
    """``None``: keys are not rotated for their age."""
    in_use_within: timedelta = timedelta(hours=24)
    orphan_grace: timedelta = timedelta(minutes=15)
    grace: timedelta = timedelta(days=7)
    settle: str = "next_run"
    verify_timeout: timedelta = timedelta(minutes=2)
    replace_foreign: bool = False
    replace_inactive: bool = False
    drop_key: str = ""


@dataclass(frozen=True)
class State:
    """All that a decision looks at."""

    now: datetime
    user: Optional[User]
    keys: Tuple[Key, ...]
    host: HostState

    def key(self, key_id: str) -> Optional[Key]:
        """Return the user's key of that id."""
        return next((key for key in self.keys if key.id == key_id), None)


def fresh(key: Key, now: datetime, rules: Rules) -> bool:
    """Return whether another run may still be handing it over."""
    # The date of an answer is in whole seconds, and the clocks of AWS's services differ a little: no key is younger than new.
    return max(now - key.created, timedelta(0)) < rules.orphan_grace


def virgin(key: Key) -> bool:
    """Return whether nobody used it, our own verification aside."""
    return key.used is None or (key.used_service == "sts" and key.used - key.created <= VERIFYING)


def quiet(key: Key, now: datetime, rules: Rules) -> bool:
    """Return whether it was neither made nor used lately."""
    return now - max(key.created, key.used or key.created) >= rules.in_use_within


def due(key: Key, now: datetime, rules: Rules) -> bool:
    """Return whether it is old enough to be replaced."""
    return rules.rotate_after is not None and now - key.created > rules.rotate_after


def beyond_grace(key: Key, now: datetime, rules: Rules) -> bool:
    """Return whether a retired key has waited long enough, and nobody used it since."""
    return key.retired and key.tagged is not None and now - key.tagged >= rules.grace and not used_since_retired(key)


def used_since_retired(key: Key) -> bool:
    """Return whether it was used after its retirement: a session token that outlived it, or somebody who activated it for a while."""
    return key.used is not None and key.tagged is not None and key.used > key.tagged


def belonging(host: HostState, arn: str) -> HostState:
    """Return the host with the verdict on a key that AWS accepted: whether its caller is the user of that ARN."""
    return replace(host, proof=Proof.FOREIGN) if host.proof is Proof.PROVEN and host.says != arn else host


def settled(state: State, rules: Rules) -> bool:
    """Return whether nothing needs a decision, so that last uses, groups and password need not be read."""
    if not rules.present or len(state.keys) != 1 or rules.drop_key:
        return False
    (key,) = state.keys
    return key.active and key.id == state.host.key_id and state.host.proof is Proof.PROVEN and not due(key, state.now, rules)


def told(key: Key, now: datetime) -> str:
    """Return a key in words: id, status, age, last use."""
    status = "Active" if key.active else "retired" if key.retired else "Inactive"
    use = (
        "no use known"
        if key.used is None
        else f"last used {age(now - key.used)} ago by {key.used_service or '?'} in {key.used_region or '?'}"
    )
    return f"{key.id} ({status}, made {age(now - key.created)} ago, {use})"


def age(length: timedelta) -> str:
    """Return a length of time in the largest unit that fits."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
