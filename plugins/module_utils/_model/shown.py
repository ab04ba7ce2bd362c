# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts for people. What stands in them may come from AWS or from a host, whose words a terminal must not obey."""

from __future__ import annotations

import re
from typing import Match

LONGEST = 6000
"""Characters of a text. Of a longer one, the beginning and the end are shown."""
_BEGINNING, _END = 4400, 1500
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters that move the cursor, colour, ring, or turn the direction of what stands beside them; and halves of characters."""


def shown(text: str) -> str:
    """Return a text in which each character that a terminal obeys is written out, as in ``\\x1b``. Line feeds stay."""
    text = _OBEYED.sub(_written_out, text)
    return text if len(text) <= LONGEST else f"{text[:_BEGINNING]} … ({len(text) - _BEGINNING - _END} characters left out) … {text[-_END:]}"


def on_a_line(text: str) -> str:
    """Return the same on one line, for texts that are names."""
    return shown(text).replace("\n", "\\n")


def _written_out(found: Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")
