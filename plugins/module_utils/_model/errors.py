# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways a run ends before it changes anything."""

from __future__ import annotations


class InputError(ValueError):
    """What the user wrote cannot be: the text names the entry, the rule and the remedy. Raised before the first call."""


class Refusal(Exception):
    """What was found must not be acted on without a person's decision. The text names what would allow it."""
