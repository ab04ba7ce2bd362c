# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what somebody else said quotes a secret, be it in part."""

from __future__ import annotations

PIECE = 8
"""Characters that are no accident."""


def gives_away(text: str, secret: str) -> bool:
    """Return whether a text holds a piece of a secret, or all of a short one. AWS quotes the beginning of what is long, and escapes it."""
    said, whole = text.replace("\\", ""), secret.replace("\\", "")
    return bool(whole) and any(whole[at : at + PIECE] in said for at in range(max(1, len(whole) - PIECE + 1)))
