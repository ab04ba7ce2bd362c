# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody may do by one set of policy documents and not by another.

The texts are compared, nothing is evaluated: boundaries, policies of resources and of the organisation are no part of it. Where the texts
do not show that one permission lies within another, it counts as another: a loss may be reported that is none, never the other way round.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

from . import document as documents


@dataclass(frozen=True)
class Grant:
    """One action on one resource, both as patterns, of a statement."""

    effect: str
    action: str
    resource: str
    condition: str = ""
    """JSON text of the condition, in canonical form; empty without one."""
    not_actions: Tuple[str, ...] = ()
    """What ``action`` leaves out, of a statement with ``NotAction``."""
    not_resources: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Actions that the other documents do not give on this resource."""

    actions: Tuple[str, ...]
    resource: str
    condition: str = ""
    still: Tuple[str, ...] = ()
    """Narrower resources on which the other documents give some of it."""

    def __str__(self) -> str:
        when = f" when {self.condition}" if self.condition else ""
        still = f" (only on {', '.join(self.still)})" if self.still else ""
        return f"{', '.join(self.actions)} on {self.resource}{when}{still}"


@dataclass(frozen=True)
class Comparison:
    loses: Tuple[Difference, ...]
    gains: Tuple[Difference, ...]
    denied: Tuple[Difference, ...]
    """What is denied by the new documents and was not by the old ones, whatever else allows it."""


def compare(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Comparison:
    """Return what the documents ``after`` give and take, compared with the documents ``before``."""
    old, new = _grants(before), _grants(after)
    return Comparison(_missing("Allow", old, new), _missing("Allow", new, old), _missing("Deny", new, old))


def covers(wide: Grant, narrow: Grant) -> bool:
    """Return whether the texts show that ``narrow`` lies within ``wide``."""
    return (
        wide.effect == narrow.effect
        and wide.condition in ("", narrow.condition)
        and _within(wide.action.lower(), _lower(wide.not_actions), narrow.action.lower(), _lower(narrow.not_actions))
        and _within(wide.resource, wide.not_resources, narrow.resource, narrow.not_resources)
    )


def _lower(actions: Tuple[str, ...]) -> Tuple[str, ...]:
    return tuple(action.lower() for action in actions)


def _within(wide: str, wide_excludes: Tuple[str, ...], narrow: str, narrow_excludes: Tuple[str, ...]) -> bool:
    if not _contains(wide, narrow):
        return False
    return all(not overlap(excluded, narrow) or any(_contains(other, excluded) for other in narrow_excludes) for excluded in wide_excludes)


def _contains(pattern: str, other: str) -> bool:
    """Return whether all that the pattern ``other`` matches, ``pattern`` matches too. ``*`` in it is met by ``*`` alone."""
    expression = "".join(".*" if sign == "*" else "[^*]" if sign == "?" else re.escape(sign) for sign in pattern)
    return re.fullmatch(expression, other, re.DOTALL) is not None


@lru_cache(maxsize=None)
def overlap(one: str, other: str) -> bool:
    """Return whether there is anything that both patterns match."""
    if not one or not other:
        return not (one or other).strip("*")
    if one[0] == "*":
        return overlap(one[1:], other) or overlap(one, other[1:])
    if other[0] == "*":
        return overlap(one, other[1:]) or overlap(one[1:], other)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and overlap(one[1:], other[1:])


def _missing(effect: str, of: List[Grant], among: List[Grant]) -> Tuple[Difference, ...]:
    gone = [grant for grant in of if grant.effect == effect and not any(covers(other, grant) for other in among)]
    # What lies within another that is gone needs no line of its own.
    gone = [grant for grant in gone if not any(other != grant and covers(other, grant) and not covers(grant, other) for other in gone)]
    grouped: Dict[Tuple[str, str, Tuple[str, ...]], List[str]] = defaultdict(list)
    for grant in gone:
        grouped[_resource(grant), grant.condition, _still(grant, among)].append(_action(grant))
    return tuple(
        Difference(tuple(sorted(set(actions), key=str.lower)), resource, condition, still)
        for (resource, condition, still), actions in sorted(grouped.items())
    )


def _still(grant: Grant, among: List[Grant]) -> Tuple[str, ...]:
    meeting = [
        other
        for other in among
        if other.effect == grant.effect
        and _meet(other.action, grant.action)
        and _within(grant.resource, grant.not_resources, other.resource, other.not_resources)
        and (other.resource, other.condition) != (grant.resource, grant.condition)
    ]
    return tuple(sorted({f"{_resource(other)}{f' when {other.condition}' if other.condition else ''}" for other in meeting}))


def _meet(one: str, other: str) -> bool:
    return overlap(one.lower(), other.lower())


def _action(grant: Grant) -> str:
    return f"all but {' and '.join(grant.not_actions)}" if grant.not_actions else grant.action


def _resource(grant: Grant) -> str:
    return f"all but {' and '.join(grant.not_resources)}" if grant.not_resources else grant.resource


def _grants(texts: Iterable[Mapping[str, Any]]) -> List[Grant]:
    # A dictionary keeps the order and each grant once.
    return list(dict.fromkeys(grant for text in texts for statement in documents.readable(text)["Statement"] for grant in _of(statement)))


def _of(statement: Mapping[str, Any]) -> Iterator[Grant]:
    not_actions = tuple(documents.members(statement.get("NotAction")))
    not_resources = tuple(documents.members(statement.get("NotResource")))
    condition = statement.get("Condition")
    (folded,) = documents.canonical({"Statement": [{"Condition": condition}]})["Statement"]
    text = documents.render(folded["Condition"]) if condition else ""
    for action in documents.members(statement.get("Action")) or ["*"]:
        for resource in documents.members(statement.get("Resource")) or ["*"]:
            yield Grant(statement["Effect"], action, resource, text, not_actions, not_resources)
