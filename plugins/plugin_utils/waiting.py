# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says on the terminal what a host's task waits for: until a task ends, Ansible shows nothing of it."""

from __future__ import annotations

import math
import time
from typing import Callable, Optional

from ansible.utils.display import Display

_SHORT = 1.0
"""Seconds; what waits no longer at a time has always been over before anybody wonders."""


def announce(host: str, what: str, seconds: float) -> None:
    """Say what is waited for, and for how many seconds at most. To standard error: what some callbacks print is read by programs."""
    longest = f"{math.ceil(seconds)} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
    Display().display(f"{host}: waiting for {what}, {longest} at most", stderr=True)


class Announced:
    """A sleep that says what it is for when it first takes a while.

    :param tell: gets what is waited for, and how many seconds at most.
    :param sleep: ``time.sleep`` if not given.
    """

    def __init__(
        self, tell: Callable[[str, float], None], what: str, limit: float, sleep: Optional[Callable[[float], None]] = None
    ) -> None:
        self._tell = tell
        self._what = what
        self._limit = limit
        self._sleep = sleep
        self._told = False

    def __call__(self, seconds: float) -> None:
        if seconds >= _SHORT and not self._told:
            self._tell(self._what, self._limit)
            self._told = True
        (self._sleep or time.sleep)(seconds)
