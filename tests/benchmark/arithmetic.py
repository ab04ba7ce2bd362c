# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet costs that no machine here can hold: calls, seconds, users, forks. The numbers of docs/scale.md come from here.

Three kinds of constants: what was counted with this collection, which tests hold to; quotas, out of AWS's documents; and what is assumed,
since it is yours to measure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class Calls:
    """API calls by service: each has token buckets of its own."""

    iam: int = 0
    sts: int = 0
    ssm: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.iam + other.iam, self.sts + other.sts, self.ssm + other.ssm)

    def __mul__(self, times: int) -> Calls:
        return Calls(self.iam * times, self.sts * times, self.ssm * times)


@dataclass(frozen=True)
class Bucket:
    """The tokens of an account, of which each call takes one."""

    rate: float
    """Calls a second that it is refilled by."""
    burst: float = 0
    """Calls that it holds at most, and at first."""


@dataclass(frozen=True)
class Work:
    """What one host has to have done in a task, or in several that wait for nothing of each other."""

    commands: int
    """Programs executed on the host, each one ssh command."""
    waits: float = 0
    """Seconds in which a fork does nothing but wait."""
    calls: Calls = Calls()


# Counted: tests/integration/test_scale.py holds this to what the modules do

USER_FIRST, USER_AGAIN_SINGLY = 2, 2
"""IAM calls of ``iam_identities`` for a user with a policy and tags: CreateUser, AttachUserPolicy; GetUser, ListAttachedUserPolicies."""
USER_LOOK = 1
"""GetUser, for a user that is not there yet and is not read by the page."""
TASK_FIRST = 5
"""IAM calls of the whole task besides: GetPolicy, GetAccountSummary, and GetUser three times until the last user is seen."""
KEY_FIRST = Calls(iam=5, sts=4)
"""``host_access_key`` for a new key. Of STS three until it is accepted, where the first one is, and the proof on the host."""
KEY_AGAIN, KEY_SHARED_AGAIN = Calls(iam=1, sts=1), Calls(iam=2, sts=1)
"""With nothing to do; the second with ``store``, where tests/integration/test_shared_access_key.py counts it."""
KEY_COMMANDS_FIRST, KEY_COMMANDS_AGAIN = 2, 1
ROTATION = (Calls(iam=6, sts=20), Calls(iam=9, sts=1), Calls(iam=8, sts=1))
"""The three runs of a rotation: a new key; the old one retired; the old one deleted."""
COMMANDS_FIRST, COMMANDS_AGAIN = 12, 3
"""Programs on a host that gets the agent, the package and the key, or has it all: docs/hosts.md."""
PROOF = 80.0
"""Seconds until an agent with the default interval has been seen to send: docs/hosts.md."""
NODE_FIRST, NODE_AGAIN = Calls(ssm=4), Calls(ssm=1)
"""``ssm_registration``: an activation looked for, made and deleted, and the node seen; the node looked at. Polls are left out."""
PAGE = 100
"""Users in an answer of GetAccountAuthorizationDetails at most, where nobody asks for another number."""

# AWS's documents

USERS_OF_ACCOUNT, KEYS_OF_USER = 5_000, 2
STANDARD_NODES = 1_000
"""Hybrid nodes of an account and Region on the standard tier."""
STS_RATE, PARAMETER_RATE = 600.0, 40.0
"""Calls a second: of STS with credentials in an account and Region, and of Parameter Store for reads unless more is switched on."""
AWX_FORK_MB, AWX_RESERVED_MB, AWX_FORKS_OF_CORE = 100, 2_048, 4
"""How AWX counts what a node can take."""

# Assumed

BUCKET = Bucket(rate=10.0, burst=20.0)
"""Of IAM. AWS publishes no figure."""
LATENCY = 0.1
"""Seconds of a call."""
COMMAND, COMMAND_CPU = 1.0, 0.3
"""Seconds of a command over ssh, and of the controller's processor in it."""
ACCEPTED = 10.0
"""Seconds until AWS accepts a new key."""

CALLERS: Dict[int, float] = {10: 1.0, 20: 5.0, 30: 10.0}
"""How many may call at once for each call a second of the bucket, by attempts (``max_attempts``), so that no call runs out of them."""

KEY_WAVE = {
    "first": Work(KEY_COMMANDS_FIRST, ACCEPTED, KEY_FIRST),
    "again": Work(KEY_COMMANDS_AGAIN, 0, KEY_AGAIN),
}
OTHER_WAVES = {
    "first": Work(COMMANDS_FIRST - KEY_COMMANDS_FIRST, PROOF),
    "again": Work(COMMANDS_AGAIN - KEY_COMMANDS_AGAIN),
}
"""By turn. Ansible ends a task on all hosts before it begins the next one, so that the key's calls come in a wave of their own."""


def pages(users: int) -> int:
    """Return the calls that read all users of an account, at least one."""
    return max(1, math.ceil(users / PAGE))


def identities_first(users: int, there: int = 0) -> int:
    """Return the IAM calls of one task that makes ``users``, in an account that has ``there`` others, read by the page."""
    return pages(there) + TASK_FIRST + users * USER_FIRST


def identities_again(users: int, there: int = 0) -> int:
    """Return the IAM calls of that task with nothing to do."""
    return pages(users + there)


def identities_singly(users: int, first: bool) -> int:
    """Return the same where users are read one by one."""
    return TASK_FIRST + users * (USER_LOOK + USER_FIRST) if first else users * USER_AGAIN_SINGLY


def bucket_seconds(calls: float, bucket: Bucket) -> float:
    """Return the seconds in which a bucket gives so many tokens: those above the burst, at the rate of its refill."""
    return max(0.0, calls - bucket.burst) / bucket.rate


def one_by_one_seconds(calls: float, bucket: Bucket, latency: float = LATENCY) -> float:
    """Return the seconds of one process that makes calls one after the other."""
    return max(calls * latency, bucket_seconds(calls, bucket))


def host_seconds(work: Work, latency: float = LATENCY) -> float:
    """Return the seconds that a fork is busy with one host, where nothing is throttled."""
    calls = work.calls.iam + work.calls.sts + work.calls.ssm
    return work.commands * COMMAND + work.waits + calls * latency


def forks_seconds(hosts: int, work: Work, workers: int) -> float:
    """Return the seconds that all hosts take by their forks. ``workers`` are forks times slices."""
    return hosts * host_seconds(work) / min(workers, hosts)


def cpu_seconds(hosts: int, work: Work, cores: int) -> float:
    """Return the seconds that the processors of all controllers take."""
    return hosts * work.commands * COMMAND_CPU / cores


@dataclass(frozen=True)
class Wave:
    """What bounds some work on all hosts, in seconds. The largest one decides."""

    bucket: float
    forks: float
    cpu: float

    @property
    def seconds(self) -> float:
        return max(self.bucket, self.forks, self.cpu)


def wave(hosts: int, work: Work, workers: int, cores: int, bucket: Bucket = BUCKET) -> Wave:
    """Return what bounds ``work`` on ``hosts`` of one account, by so many forks in all, on so many cores in all."""
    return Wave(bucket_seconds(hosts * work.calls.iam, bucket), forks_seconds(hosts, work, workers), cpu_seconds(hosts, work, cores))


def onprem_seconds(hosts: int, turn: str, workers: int, cores: int, bucket: Bucket = BUCKET) -> float:
    """Return the seconds of ``onprem``, whose waves come one after the other. ``turn`` is ``first`` or ``again``."""
    return sum(wave(hosts, works[turn], workers, cores, bucket).seconds for works in (KEY_WAVE, OTHER_WAVES))


def slices_that_help(hosts: int, work: Work, forks: int, cores: int, bucket: Bucket = BUCKET) -> int:
    """Return from how many slices on, of so many forks and cores each, the account's bucket alone decides; 0 when it never does."""
    floor = bucket_seconds(hosts * work.calls.iam, bucket)
    alone = wave(hosts, work, forks, cores, bucket)
    return math.ceil(max(alone.forks, alone.cpu) / floor) if floor else 0


def workers_at_most(bucket: Bucket, attempts: int = 10) -> int:
    """Return how many forks, in all slices, may ask IAM at once so that every call gets its turn within its attempts."""
    return max(1, math.floor(bucket.rate * CALLERS[attempts]))


def node_forks(cores: int, memory_mb: int) -> Tuple[int, int]:
    """Return the forks that AWX gives a node by its processors, and by its memory."""
    return cores * AWX_FORKS_OF_CORE, max(0, memory_mb - AWX_RESERVED_MB) // AWX_FORK_MB


def users_for(hosts: int, hosts_per_user: int = 1) -> int:
    """Return the IAM users that so many hosts need."""
    return math.ceil(hosts / hosts_per_user)


def accounts_for(users: int, taken: int = 0) -> int:
    """Return the accounts that so many users need, each of which has ``taken`` others."""
    return math.ceil(users / (USERS_OF_ACCOUNT - taken))


def places_for(nodes: int) -> int:
    """Return the pairs of account and Region in which so many hybrid nodes fit on the standard tier."""
    return math.ceil(nodes / STANDARD_NODES)


def due_each_day(hosts: int, days: int) -> int:
    """Return the keys that are due on a day, where they were made evenly over so many days."""
    return math.ceil(hosts / days)


def rotation_calls(hosts: int, due: int) -> int:
    """Return the IAM calls of a daily ``rotate_keys`` in which ``due`` keys are in each of the three steps, and the rest are looked at."""
    return due * sum(step.iam for step in ROTATION) + max(0, hosts - due * len(ROTATION)) * KEY_AGAIN.iam
