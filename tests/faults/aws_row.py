# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One row of the table of AWS's answers."""

from __future__ import annotations

from dataclasses import dataclass

ENCODED = "Encoded authorization failure message: " + "3Qv7xJpQ0l-KPWQJ8q5z" * 60
"""Longer than most; none may be cut, since nothing decodes a part."""


@dataclass(frozen=True)
class Row:
    """One answer."""

    stage: str
    """Who is at work, see ``as_aws``."""
    at: str
    """The call that is answered so, each time."""
    code: str
    words: str
    remedy: str
    """Part of what the message must say about what to do."""
    about: str = ""
    """Part of the message that names the object; the stage's own where it is empty."""
    status: int = 400
    hidden: bool = False
    """Whether the message says it in words of its own, or hides what may hold a secret."""

    def __str__(self) -> str:
        return f"{self.stage}: {self.at}: {self.code}: {' '.join(self.words.split())[:60]}"
