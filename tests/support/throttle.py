# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account that others keep busy: AWS answers so many calls a second, and refuses all above as each service does."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Callable, Dict, Tuple

from tests.support.recording_proxy import Call, Forward, Response, failure

REFUSALS: Dict[str, Tuple[str, str, int]] = {
    "iam": ("Throttling", "Rate exceeded", 400),
    "sts": ("Throttling", "Rate exceeded", 400),
    "ssm": ("ThrottlingException", "Rate exceeded", 400),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
}


class Throttle:
    """A handler for ``RecordingProxy``: a token bucket for each service.

    :param rate: tokens that come in a second. A call takes one, and one that is refused takes none.
    :param burst: tokens that a bucket holds at most, and at first.
    :param clock: by which they come.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.refused: Counter[str] = Counter()
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens: Dict[str, Tuple[float, float]] = defaultdict(lambda: (burst, clock()))
        self._lock = threading.Lock()

    def __call__(self, call: Call, forward: Forward) -> Response:
        with self._lock:
            tokens, then = self._tokens[call.service]
            now = self._clock()
            tokens = min(self._burst, tokens + (now - then) * self._rate)
            takes = tokens >= 1
            self._tokens[call.service] = (tokens - takes, now)
        if takes:
            return forward()
        self.refused[str(call)] += 1
        code, message, status = REFUSALS[call.service]
        return failure(call, code, message, status)
