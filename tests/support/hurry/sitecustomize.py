# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let time pass faster in a Python process that waits: half a minute, after which a new key may replace another, takes a second.

Python loads this by its name from PYTHONPATH. What a process sleeps beyond a twentieth is added to its monotonic clock, so that it sees the
time it asked for go by. The time of day stays as it is, since signatures are judged by it.
"""

import time

SPEED = 20
SHORTEST = 0.05
"""Seconds. What sleeps less than this polls, and goes on doing so."""

_sleep, _monotonic = time.sleep, time.monotonic
_skipped = [0.0]


def sleep(seconds: float) -> None:
    if seconds < SHORTEST:
        _sleep(seconds)
        return
    _sleep(seconds / SPEED)
    _skipped[0] += seconds - seconds / SPEED


def monotonic() -> float:
    return _monotonic() + _skipped[0]


time.sleep, time.monotonic = sleep, monotonic  # type: ignore[assignment]  # all who sleep here count in floats
