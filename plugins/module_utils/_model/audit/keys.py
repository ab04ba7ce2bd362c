# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be said of access keys, and of users without hosts and hosts without users."""

from __future__ import annotations

from datetime import datetime
from typing import Iterator, Tuple

from ..access_key import Key, age, beyond_grace, told, used_since_retired
from ..access_key import Rules as KeyRules
from .kinds import Finding, finding
from .records import Holder, Rules, Seen


def judge(seen: Seen, rules: Rules) -> Iterator[Finding]:
    """Yield what is found at the users that the audit is about."""
    users = [holder for holder in seen.holders if holder.kind == "user" and rules.covers(holder)]
    for user in users:
        keys = seen.keys.get(user.name, ())
        for key in keys:
            yield from _key(user.name, key, seen.now, rules)
        active = sorted(key.created for key in keys if key.active)
        # Between two runs of a rotation both keys work: that is no more than a rotation until the newer one is out of its grace.
        if len(active) > 1 and seen.now - active[-1] > rules.grace:
            yield finding("keys-two", user.of, "; ".join(told(key, seen.now) for key in keys if key.active))
        if user.name in seen.keys:
            yield from _orphan(user, keys, seen.now, rules)
    yield from _hosts_without_user(seen, rules)


def _key(user: str, key: Key, now: datetime, rules: Rules) -> Iterator[Finding]:
    of = f"access key {key.id} of user {user}"
    if key.active:
        if rules.max_key_age is not None and now - key.created > rules.max_key_age:
            yield finding("key-old", of, f"{told(key, now)}; it may be {age(rules.max_key_age)} old")
        last = key.used or key.created
        if rules.unused_after is not None and now - last > rules.unused_after:
            yield finding("key-unused", of, f"{told(key, now)}; one that is in use is used within {age(rules.unused_after)}")
    elif not key.retired:
        yield finding("key-inactive", of, f"{told(key, now)}; no run of this collection did it")
    elif used_since_retired(key):
        yield finding("key-used-when-retired", of, told(key, now))
    elif beyond_grace(key, now, KeyRules(user=user, grace=rules.grace)):
        yield finding("key-retired-due", of, f"{told(key, now)}; its grace is {age(rules.grace)}")


def _orphan(user: Holder, keys: Tuple[Key, ...], now: datetime, rules: Rules) -> Iterator[Finding]:
    # IAM takes names as equal that differ in letter case alone.
    if rules.hosts_users is None or user.name.lower() in {name.lower() for name in rules.hosts_users | rules.users}:
        return
    active = [told(key, now) for key in keys if key.active]
    kind = "user-orphan" if active else "user-orphan-idle"
    yield finding(kind, user.of, "; ".join(["no host of the inventory has it", *active]))


def _hosts_without_user(seen: Seen, rules: Rules) -> Iterator[Finding]:
    there = {holder.name.lower() for holder in seen.holders if holder.kind == "user"}
    unread = {unseen.part for unseen in seen.unseen}
    for name in sorted(rules.hosts_users or ()):
        if name.lower() not in there and f"user {name}" not in unread:
            yield finding("host-without-user", f"user {name}", "a host of the inventory is to have it, and IAM has no such user")
