# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the identities that are there differ from those that were asked for: planned as ``iam_identities`` plans."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Tuple

from ..context import Context
from ..errors import Refusal
from ..identities import plan, target
from ..identities.records import Identities
from ..identities.requests import Request
from .kinds import Finding, finding
from .records import Drift, Seen

_EXTRA = {"managed policy": "policy-extra", "inline policy": "policy-extra"}
_TAKES = ("detach managed policy ", "delete inline policy ")


def drift(of: str, request: Request, actual: Identities, context: Context) -> Drift:
    """Return what a task would change.

    :param request: made ``strict``, so that what nobody asked for shows.
    """
    try:
        return Drift(of, tuple(plan.plan(request, target.target(request, actual, context), actual)))
    except Refusal as refusal:
        return Drift(of, refusal=str(refusal))


def judge(seen: Seen) -> Iterator[Finding]:
    """Yield each change that a task would make, as a finding at the object it would change."""
    for one in seen.drifts:
        if one.refusal:
            yield finding("drift-refused", one.of, one.refusal)
        for change in one.changes:
            kind = _EXTRA.get(change.what, "drift") if change.implied else "drift"
            yield finding(kind, change.of or f"{change.what} {change.key}", str(change))


def predicted(results: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield the same for results of tasks that Ansible predicted.

    :param results: each with ``name``, ``changes`` in words, and ``refusal``.
    """
    for result in results:
        if result.get("refusal"):
            yield finding("drift-refused", result["name"], result["refusal"])
        for change in result.get("changes") or ():
            kind, of = _of(change, result["name"])
            yield finding(kind, of, change)


def _of(change: str, name: str) -> Tuple[str, str]:
    """Return the kind of a change in words, and its object where the words end with one."""
    kind = "policy-extra" if change.startswith(_TAKES) else "drift"
    *_words, what, key = change.split() if " " in change else ("", "", "")
    known = {"role": "role", "user": "user", "policy": "policy", "profile": "instance profile"}
    return kind, f"{known[what]} {key}" if what in known else name
