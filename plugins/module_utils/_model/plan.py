# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan is an ordered list of changes, made by pure functions and read by people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, List

from .errors import Refusal
from .shown import on_a_line


@dataclass(frozen=True)
class Change:
    """One step from what is to what was asked for.

    ``str()`` of it is what results, diffs and errors say, so it holds no secret.
    """

    step: str
    """The verb: ``create``, ``update``, ``attach``, ``detach``, ``delete`` …"""
    what: str
    """The kind of thing the step works on: ``role``, ``tag``, ``managed policy`` …"""
    key: str = ""
    """Which one: a name, a tag key, an ARN. Empty when its owner has only one."""
    of: str = ""
    """The object it belongs to, in words (``role web``). Empty for the object itself."""
    before: Any = None
    after: Any = None
    implied: bool = False
    """A removal that nobody asked for by name: it follows from a purge option."""

    def __str__(self) -> str:
        words = [self.step, self.what, self.key]
        if self.of:
            words += [_PREPOSITIONS.get(self.step, "of"), self.of]
        return on_a_line(" ".join(word for word in words if word))


_PREPOSITIONS = {
    "create": "for",
    "attach": "to",
    "add": "to",
    "put": "on",
    "detach": "from",
    "remove": "from",
    "delete": "from",
}


def field(what: str, before: Any, after: Any, of: str) -> List[Change]:
    """Return the change of a single value: none when equal, else ``create``, ``update`` or ``delete``."""
    if before == after:
        return []
    step = "create" if before is None else "delete" if after is None else "update"
    return [Change(step, what, of=of, before=before, after=after)]


def guard(changes: Iterable[Change], limit: int) -> None:
    """Refuse a plan that removes more than ``limit`` things nobody named.

    :param limit: how many implied removals a call may make; negative means any number.
    :raises Refusal: with the list of what would go.
    """
    implied = [change for change in changes if change.implied]
    # Tags go several at a time.
    count = sum(len(change.before) if change.what == "tags" else 1 for change in implied)
    if 0 <= limit < count:
        raise Refusal(
            f"this call would remove {count} things that it does not name, more than guard={limit} allows: "
            f"{'; '.join(map(str, implied))}. Raise guard if that is meant, or turn the purge option off."
        )
