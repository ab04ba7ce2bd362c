# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""botocore's own limit of calls a second, by a clock of the bench."""

from __future__ import annotations

from typing import Any, Callable, Optional


def follow(sleep: Callable[[float], None], now: Callable[[], Optional[float]]) -> None:
    """Let the limit go by this clock, for the whole process. It waits on a condition and reads the time of day, so that a replaced
    ``time.sleep`` alone would leave it waiting.

    :param now: ``None`` while time passes as it does elsewhere.
    """
    from botocore.retries.bucket import Clock, TokenBucket

    real_time, lacks = Clock.current_time, TokenBucket._sleep_amount

    def current_time(clock: Any) -> float:
        moment = now()
        return float(real_time(clock)) if moment is None else moment

    def sleep_amount(bucket: Any, tokens: float) -> float:
        seconds = float(lacks(bucket, tokens))
        if now() is None or seconds <= 0:
            return seconds
        sleep(seconds + 1e-6)  # a rounded wait would be a part of a token short, and begin again
        bucket._refill()
        return 0.0

    Clock.current_time, TokenBucket._sleep_amount = current_time, sleep_amount
