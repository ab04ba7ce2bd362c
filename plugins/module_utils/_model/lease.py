# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lease: the permission to save the agent's configuration, for as long as a save takes.

"Create IAM Roles and Users for Use With CloudWatch Agent" warns of the permission to write to Parameter Store: it belongs on one instance
only, and there only while the configuration is saved. What a lease changes in AWS says itself until when it holds, so that one left
behind by a run that was killed grants nothing after that, and is found.

An instance and a user carry it as a tag, a role and a user as an inline policy. Each is there for the length of one task.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .access_key import Key
from .document import Document, allow, document, members
from .tags import TAG_PREFIX

LEASE_POLICY = "hybridops-aws-agents-lease"
"""Name of the inline policy on a role or user."""
LEASE_TAG = TAG_PREFIX + "lease"
"""Tag on an instance or user. Its value is that of ``tag_value``."""

WRITE = "ssm:PutParameter"
ENCRYPT = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
"""What Parameter Store calls in the writer's name for a SecureString under a customer's key."""
SLACK = timedelta(seconds=5)
"""Between AWS's date of an answer and the creation of what the next answer tells of."""
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Lease:
    """What a tag says of a lease."""

    until: Optional[datetime] = None
    """``None`` where the tag does not say it in a form that is known."""
    since: Optional[datetime] = None
    profile: str = ""
    """On an instance: name of the instance profile it had before, empty for none."""
    role: str = ""
    """On an instance: the role whose inline policy is part of the lease."""
    key_id: str = ""
    """On a user: the key that was made for the lease; empty where the run ended before that, or before it could say so."""
    kept: Tuple[str, ...] = ()
    """On a user: the keys it had before."""

    def expired(self, now: datetime) -> bool:
        """Return whether it is over. One that does not say until when counts as over."""
        return self.until is None or self.until <= now


@dataclass(frozen=True)
class Left:
    """A lease that is there, and should not be when no run holds it."""

    holder: str
    """Who has it, in words: ``instance i-0123``, ``user cwagent-admin``, ``role CloudWatchAgentAdminRole``."""
    lease: Lease
    expired: bool
    says: str
    """What is left and until when it holds, in words."""


def tag_value(lease: Lease) -> str:
    """Return the value of the tag, of at most 256 characters and only such as tags may have."""
    words = {"until": told(lease.until), "since": told(lease.since), "profile": lease.profile, "role": lease.role, "key": lease.key_id,
             "kept": "/".join(lease.kept)}  # fmt: skip
    return " ".join(f"{name}={value}" for name, value in words.items() if value)


def lease_of(value: str) -> Lease:
    """Return what the value of a tag says. Words that are not known are passed over, so that any value has a meaning."""
    words = dict(word.split("=", 1) for word in value.split() if "=" in word)
    return Lease(
        until=moment(words.get("until", "")),
        since=moment(words.get("since", "")),
        profile=words.get("profile", ""),
        role=words.get("role", ""),
        key_id=words.get("key", ""),
        kept=tuple(key_id for key_id in words.get("kept", "").split("/") if key_id),
    )


def policy(parameter_arn: str, until: datetime, encrypts: bool = False) -> Document:
    """Return the inline policy of a lease: the one parameter may be written before ``until``, and none after it.

    The denial ends what other policies of the holder allow as well, CloudWatchAgentAdminPolicy above all. Without it, a lease left
    behind would end in name only.

    :param encrypts: the parameter is a SecureString under a customer's key.
    """
    end = told(until)
    statements = [_within(grant, end) for grant in grants(parameter_arn, encrypts)]
    late: Document = {"Sid": "LeaseIsOver", "Effect": "Deny", "Action": [WRITE], "Resource": ["*"]}
    late["Condition"] = {"DateGreaterThanEquals": {"aws:CurrentTime": end}}
    return document(*statements, late)


def session_policy(parameter_arn: str, encrypts: bool = False) -> Document:
    """Return what narrows a session of the role to this one parameter. A session ends by itself."""
    return document(*grants(parameter_arn, encrypts, reads=True))


def grants(parameter_arn: str, encrypts: bool = False, reads: bool = False) -> List[Document]:
    """Return the statements that let somebody write one parameter."""
    statements = [allow(["ssm:GetParameter", WRITE] if reads else [WRITE], parameter_arn, "SaveConfiguration")]
    if encrypts:
        # Parameter Store names the parameter in the encryption context, which narrows a key that may be known by its alias only.
        when = {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": parameter_arn}}
        statements.append(allow(list(ENCRYPT), "*", "EncryptConfiguration", when))
    return statements


def until_of(lease_policy: Mapping[str, Any]) -> Optional[datetime]:
    """Return until when an inline policy of a lease holds; ``None`` where it does not say it in a form that is known."""
    ends = [
        moment(str(value))
        for statement in members(lease_policy.get("Statement"))
        if str(statement.get("Effect", "")).lower() == "deny"
        for keys in (statement.get("Condition") or {}).values()
        for name, values in keys.items()
        if name.lower() == "aws:currenttime"
        for value in members(values)
    ]
    return ends[0] if ends else None


def region_of(lease_policy: Mapping[str, Any]) -> str:
    """Return the Region of the parameter that an inline policy of a lease is for; empty where it does not say it."""
    resources = [str(arn) for statement in members(lease_policy.get("Statement")) for arn in members(statement.get("Resource"))]
    return next((arn.split(":")[3] for arn in resources if arn.count(":") >= 5), "")


def found(holder: str, now: datetime, tag: Optional[str] = None, inline: Optional[Mapping[str, Any]] = None) -> Optional[Left]:
    """Return the lease of a role, user or instance; ``None`` where it has none.

    A run that saves a configuration right now has one too: it is left behind for sure only once it is ``expired``.

    :param holder: in words, as in ``Left``.
    :param tag: the value of its ``LEASE_TAG``, ``None`` without one.
    :param inline: its inline policy ``LEASE_POLICY``, ``None`` without one.
    """
    if tag is None and inline is None:
        return None
    lease = lease_of(tag or "")
    if lease.until is None and inline is not None:
        lease = Lease(until_of(inline), lease.since, lease.profile, lease.role, lease.key_id, lease.kept)
    return Left(holder, lease, lease.expired(now), _says(lease, tag is not None, inline is not None, now, holder.startswith("instance ")))


def keys_of(lease: Lease, keys: Sequence[Key], now: datetime) -> List[Key]:
    """Return the keys of a user that a lease may have made: the one it names, or else those made in its time.

    A run that was killed right after it made a key could not say which one it is.
    """
    if lease.key_id or lease.since is None:
        return [key for key in keys if key.id == lease.key_id]
    end = lease.until or now
    return [key for key in keys if key.id not in lease.kept and lease.since - SLACK <= key.created <= end]


def told(time: Optional[datetime]) -> str:
    """Return a time as tags, policies and people read it; empty for none."""
    return time.astimezone(timezone.utc).strftime(_FORMAT) if time else ""


def moment(text: str) -> Optional[datetime]:
    """Return a time of a tag or policy; ``None`` for what is none."""
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def lengths(seconds: float) -> str:
    """Return a length of time in words."""
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _within(statement: Document, end: str) -> Document:
    when: Dict[str, Any] = {**statement.get("Condition", {}), "DateLessThan": {"aws:CurrentTime": end}}
    return {**statement, "Condition": when}


def _says(lease: Lease, tagged: bool, granted: bool, now: datetime, instance: bool) -> str:
    parts: Sequence[str] = [
        f"inline policy {LEASE_POLICY}" if granted else "",
        f"tag {LEASE_TAG}" if tagged else "",
        f"access key {lease.key_id}" if lease.key_id else "",
        f"{'instance profile ' + lease.profile if lease.profile else 'no instance profile'} before" if tagged and instance else "",
        f"role {lease.role}" if lease.role else "",
    ]
    when = f"{'over since' if lease.expired(now) else 'until'} {told(lease.until)}" if lease.until else "without a time at which it ends"
    return f"{when} ({', '.join(part for part in parts if part)})"
