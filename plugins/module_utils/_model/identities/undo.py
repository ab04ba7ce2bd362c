# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What takes back a new role or user that could not be finished, because the account has no room for the rest of it."""

from __future__ import annotations

from typing import List, Sequence

from ..plan import Change

_BACK = {"attach": "detach", "put": "delete", "add": "remove", "create": "delete"}


def identity(change: Change) -> str:
    """Return whose a change is, in words: that of an instance profile is the role's."""
    if change.what == "instance profile":
        return f"role {change.after.roles[0]}" if getattr(change.after, "roles", ()) else ""
    if change.step == "add" and change.what == "role":
        return f"role {change.key}"
    return change.of or f"{change.what} {change.key}"


def undo(applied: Sequence[Change], failed: Change) -> List[Change]:
    """Return the changes that take back a role or user which this run has made and cannot finish, the latest first.

    What was there before the run is not taken back: it is whole, and the next run goes on from there.

    :param applied: the changes made so far.
    """
    whose = identity(failed)
    made = [change for change in applied if identity(change) == whose]
    if not made or (made[0].step, f"{made[0].what} {made[0].key}") != ("create", whose) or made[0].what not in ("role", "user"):
        return []
    return [
        Change(_BACK[change.step], change.what, change.key, change.of, before=change.after)
        for change in reversed(made)
        # Tags go with what they are on.
        if change.step in _BACK and change.what != "tags"
    ]
