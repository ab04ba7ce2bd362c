# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may happen to a call on its way to AWS and back, and a proxy's handler that lets it happen to the calls of a run.

Transient kinds pass by themselves: whoever asks again gets an answer. Hard kinds break a run off, or seem to.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Mapping, Tuple

from tests.support.recording_proxy import Call, Dropped, Forward, Response, failure

EVERY = -1
"""As the place of a fault: a storm. Each call meets the kind once, and the same call after it does not."""

REFUSALS: Mapping[str, Tuple[str, int]] = {
    "Throttling": ("Throttling", 400),
    "RequestLimitExceeded": ("RequestLimitExceeded", 503),
    "internal": ("InternalFailure", 500),
    "unavailable": ("ServiceUnavailable", 503),
    "ConcurrentModification": ("ConcurrentModification", 409),
    "EntityTemporarilyUnmodifiable": ("EntityTemporarilyUnmodifiable", 409),
    "denied": ("AccessDenied", 403),
}
"""Kinds that AWS says, by the code and status it says. The call has no effect."""

SIGNALS: Mapping[str, Tuple[int, bool]] = {
    "SIGINT": (signal.SIGINT, True),
    "SIGTERM": (signal.SIGTERM, True),
    "SIGKILL before": (signal.SIGKILL, False),
    "SIGKILL after": (signal.SIGKILL, True),
}
"""Kinds that end the run: the signal, and whether the call takes effect all the same."""

TRANSIENT = (
    "Throttling", "RequestLimitExceeded", "internal", "unavailable", "reset before", "timeout", "ConcurrentModification",
    "EntityTemporarilyUnmodifiable",
)  # fmt: skip
HARD = ("lost answer", "dead", "denied", *SIGNALS)

BUSY = frozenset({"ConcurrentModification", "EntityTemporarilyUnmodifiable"})
"""Kinds that IAM alone knows, and of a write."""

CLIENT: Mapping[str, Mapping[str, object]] = {
    "timeout": {"read_timeout": 1},
    "dead": {"retries": {"mode": "standard", "total_max_attempts": 2}},
}
"""Options of botocore's without which a run of that kind would take hours. They are given as users give them, by ``aws_config``."""
LATE = 1.5
"""Seconds after which nobody waits for an answer any more."""


@dataclass(frozen=True)
class Fault:
    """What happens to a run. Without a ``kind`` nothing does."""

    kind: str = ""
    at: int = EVERY
    """At which call, counted from 0 in the order in which they come to the wire; or ``EVERY``."""

    def __str__(self) -> str:
        if not self.kind:
            return "undisturbed"
        return f"{self.kind} at {'every call' if self.at == EVERY else f'call {self.at}'}"


class Faulty:
    """A proxy's handler for one run: it counts the calls and lets the fault happen.

    :param watch: sees each call that gets through, and passes it on.
    :param kill: sends a signal to the run; whoever gets SIGKILL is gone when it returns.
    :param spared: the calls that no storm happens to, since nobody repeats them.
    """

    def __init__(
        self, fault: Fault, watch: Callable[[Call, Forward], Response], kill: Callable[[int], None], spared: Iterable[str] = ()
    ) -> None:
        self.fault = fault
        self._spared = frozenset(spared)
        self.calls: List[Call] = []
        self.hits: List[Call] = []
        """The calls that the fault happened to."""
        self._watch = watch
        self._kill = kill
        self._met: Counter[Tuple[str, str, bytes]] = Counter()
        self._lock = threading.Lock()
        self._over = False

    def __call__(self, call: Call, forward: Forward) -> Response:
        with self._lock:
            number = len(self.calls)
            self.calls.append(call)
            kind = self._kind(call, number)
            if kind:
                self.hits.append(call)
        return self._happens(kind, call, forward)

    def _kind(self, call: Call, number: int) -> str:
        """Return what happens to this call, empty for nothing."""
        if self._over:
            return "nobody asks"
        fault = self.fault
        if fault.kind == "dead":
            return fault.kind if number >= fault.at else ""
        if fault.at != EVERY:
            return fault.kind if number == fault.at else ""
        if not fault.kind or str(call) in self._spared or (fault.kind in BUSY and not (call.service == "iam" and call.write)):
            return ""
        # Whoever asks again asks for the very same. What asks for the same later, once it had its answer, meets the fault anew.
        same = (str(call), call.path, call.body)
        self._met[same] += 1
        return fault.kind if self._met[same] % 2 else ""

    def _happens(self, kind: str, call: Call, forward: Forward) -> Response:
        if not kind:
            return self._watch(call, forward)
        if kind in REFUSALS:
            code, status = REFUSALS[kind]
            return refusal(call, code, status)
        if kind == "timeout":
            time.sleep(LATE)
        if kind in ("reset before", "timeout", "dead", "nobody asks"):
            raise Dropped
        if kind == "lost answer":
            self._watch(call, forward)
            raise Dropped
        number, takes_effect = SIGNALS[kind]
        if number != signal.SIGKILL:
            self._kill(number)
            return self._watch(call, forward)
        # No call of the run but this one takes effect once it is to be dead.
        self._over = True
        if takes_effect:
            self._watch(call, forward)
        self._kill(number)
        raise Dropped


def refusal(call: Call, code: str, status: int) -> Response:
    """Return the error answer that AWS would give to ``call``. EC2 speaks a form of its own, and S3 has its own word for too many calls."""
    if call.service == "s3" and code in ("Throttling", "RequestLimitExceeded"):
        code, status = "SlowDown", 503
    if call.service != "ec2":
        return failure(call, code, status=status)
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>injected by a test</Message></Error></Errors></Response>"
    return Response(status, (("Content-Type", "text/xml"),), body.encode())


def shape(calls: Iterable[object]) -> Dict[str, int]:
    """Return how often each call came, whatever their order was: reads run side by side."""
    return dict(Counter(map(str, calls)))


def places(calls: List[str]) -> List[int]:
    """Return the numbers of the calls at which a run is to be broken off: of equal ones in a row the first and the last two will do."""
    return [at for at in range(len(calls)) if not (0 < at < len(calls) - 2 and len(set(calls[at - 1 : at + 3])) == 1)]
