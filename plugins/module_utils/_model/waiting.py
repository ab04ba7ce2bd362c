# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a wait, and when."""

from __future__ import annotations

from typing import Callable

Tell = Callable[[str, float], None]
"""Gets what is waited for, and for how many seconds at most."""

_SHORT = 1.0
"""Seconds; what waits no longer at a time has always been over before anybody wonders."""


class Announced:
    """A sleep that says what it is for when it first takes a while, and again when it took as long as it said: another wait has begun.

    :param what: what is waited for, in words that follow "waiting for".
    :param limit: for how many seconds at most.
    :param sleep: sleeps so many seconds.
    """

    def __init__(self, tell: Tell, what: str, limit: float, sleep: Callable[[float], None]) -> None:
        self._tell = tell
        self._what = what
        self._limit = limit
        self._sleep = sleep
        self._left = 0.0

    def __call__(self, seconds: float) -> None:
        if seconds >= _SHORT and self._left <= 0:
            self._tell(self._what, self._limit)
            self._left = self._limit
        self._left -= seconds
        self._sleep(seconds)
