# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways a run ends before it changes anything."""

from __future__ import annotations

from .shown import shown


class _Told(Exception):
    """Its text is shown to people."""

    def __str__(self) -> str:
        return shown(super().__str__())


class InputError(_Told, ValueError):
    """What the user wrote cannot be: the text names the entry, the rule and the remedy. Raised before the first call."""


class Refusal(_Told):
    """What was found must not be acted on without a person's decision. The text names what would allow it."""


class Outdated(Refusal):
    """What was read is not what is there, or not yet: it is read again for a while. The text is for where that does not help.

    :param maybe_made: the call that failed was a repetition, so what is there may be this run's own.
    """

    def __init__(self, text: str, maybe_made: bool = False) -> None:
        super().__init__(text)
        self.maybe_made = maybe_made
