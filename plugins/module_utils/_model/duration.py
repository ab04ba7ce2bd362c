# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lengths of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from .errors import InputError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PARTS = re.compile(r"(\d+)([smhdw])")
_LONGEST = 40
"""Letters of any length of time that somebody means."""


def duration(text: Any, option: str = "duration") -> timedelta:
    """Return a length of time.

    :param text: seconds as a number or digits, or numbers with units in a row: ``90d``, ``15m``, ``1h30m``. Units: s, m, h, d, w.
    :param option: how errors call it.
    :raises InputError: anything else, negative numbers and more than 100 years included.
    """
    words = str(text).strip().lower()
    if len(words) > _LONGEST:
        raise InputError(f"{option}: {words[:_LONGEST]!r}… is no length of time: it is longer than any.")
    if isinstance(text, bool) or not words.isascii() or not (words.isdigit() or re.fullmatch(r"(\d+[smhdw])+", words)):
        raise InputError(
            f"{option}: {text!r} is no length of time. Write seconds (900) or numbers with units s, m, h, d, w (15m, 24h, 90d, 1h30m)."
        )
    seconds = int(words) if words.isdigit() else sum(int(number) * _SECONDS[unit] for number, unit in _PARTS.findall(words))
    if seconds > 100 * 365 * 86400:
        raise InputError(f"{option}: {text!r} is more than 100 years.")
    return timedelta(seconds=seconds)
