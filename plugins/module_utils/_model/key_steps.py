# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ends a key: each step is a change and what it does to a state, whichever of the two kinds of state holds the keys.

And what a run that was killed left on a host, which ends as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Tuple, TypeVar

from .access_key import HostState, Key, State
from .plan import Change
from .shared_key import SharedState

S = TypeVar("S", State, SharedState)


def delete(key: Key, user: str) -> Tuple[Change, Callable[[S], S]]:
    """Delete a key of a user."""

    def effect(state: S) -> S:
        return replace(state, keys=tuple(other for other in state.keys if other.id != key.id))

    return _on(key, "delete", user), effect


def retire(key: Key, user: str) -> Tuple[Change, Callable[[S], S]]:
    """Write down when, and deactivate."""

    def effect(state: S) -> S:
        return _with(state, replace(key, active=False, tagged=state.now))

    return _on(key, "retire", user), effect


def tag(key: Key, user: str) -> Tuple[Change, Callable[[S], S]]:
    """Write down that a key is retired as of now."""

    def effect(state: S) -> S:
        return _with(state, replace(key, tagged=state.now))

    return _on(key, "tag", user), effect


def clean(host: HostState, path: str) -> Tuple[Change, ...]:
    """Remove what a killed run left beside the host's file. First of all: there may be a secret in it."""
    return (Change("remove", "temporary file", of=path),) if host.leftover else ()


def _on(key: Key, step: str, user: str) -> Change:
    return Change(step, "access key", key.id, f"user {user}")


def _with(state: S, key: Key) -> S:
    return replace(state, keys=tuple(key if other.id == key.id else other for other in state.keys))
