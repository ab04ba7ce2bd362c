# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``access_info`` to its rules, and to the tasks whose identities are expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Dict, FrozenSet, Iterable, Mapping, Optional

from .. import names
from ..context import Context
from ..duration import duration
from ..identities import references
from ..identities.requests import Request
from . import records
from .kinds import KINDS, SEVERITIES
from .records import Rules


def rules(options: Mapping[str, Any]) -> Rules:
    """Return what the module's options ask for.

    :raises InputError: naming the option and the remedy.
    """
    for kind in ("role", "user"):
        for name in options[f"{kind}s"]:
            names.name(kind, name, f"{kind}s")
    boundary = options["required_boundary"] or ""
    if boundary not in ("", "any"):
        references.check(boundary, Context.placeholder(), "required_boundary")
    return Rules(
        owned_by=options["owned_by"] or None,
        roles=frozenset(options["roles"]),
        users=frozenset(options["users"]),
        asked=frozenset(f"{kind} {name}" for kind in ("role", "user") for name in options[f"{kind}s"]),
        hosts_users=None if options["hosts_users"] is None else frozenset(options["hosts_users"]),
        max_key_age=_length(options, "max_key_age"),
        unused_after=_length(options, "unused_after"),
        grace=duration(options["grace"], "grace"),
        offline_after=_length(options, "offline_after"),
        boundary=boundary,
        severities=records.severities(options["severities"], KINDS, SEVERITIES),
        accept=tuple(records.acceptance(entry, KINDS) for entry in options["accept"]),
    )


def _length(options: Mapping[str, Any], name: str) -> Optional[timedelta]:
    return None if options[name] in (None, "", "never") else duration(options[name], name)


def predicting(wanted: Rules, predicted: Iterable[Mapping[str, Any]]) -> Rules:
    """Return the rules with what predicted tasks ask for: their users need no host, and their identities may have these inline policies."""
    for task in predicted:
        inline: Dict[str, FrozenSet[str]] = {of: frozenset(names) for of, names in task["inline_policies"].items()}
        users = wanted.users.union(task["users"])
        wanted = replace(wanted, users=users, expected_inline=_both(wanted.expected_inline, inline))
    return wanted


def _both(one: Mapping[str, FrozenSet[str]], other: Mapping[str, FrozenSet[str]]) -> Dict[str, FrozenSet[str]]:
    return {of: one.get(of, frozenset()) | other.get(of, frozenset()) for of in {**one, **other}}


def expecting(wanted: Rules, request: Request) -> Rules:
    """Return the rules with the identities of one task that are expected: they are looked at, and may have their inline policies."""
    inline: Dict[str, FrozenSet[str]] = {}
    for kind, entries in (("role", request.roles), ("user", request.users)):
        for entry in entries:
            of = f"{kind} {entry.name}"
            inline[of] = inline.get(of, frozenset()) | frozenset(entry.inline or ())
    return replace(
        wanted,
        roles=wanted.roles | {entry.name for entry in request.roles if entry.present},
        users=wanted.users | {entry.name for entry in request.users if entry.present},
        expected_inline=_both(wanted.expected_inline, inline),
    )


def strict(request: Request) -> Request:
    """Return a task that would also remove what it does not ask for, so that its plan names it. It is planned, and never made.

    Whose objects they are is no question for a plan, and no number of removals is too many.
    """
    return replace(
        request,
        roles=tuple(entry if entry.existing else _strict(entry) for entry in request.roles),
        users=tuple(_strict(entry) for entry in request.users),
        adopt=True,
        delete_unowned=True,
        allow_gap=True,
        guard=-1,
    )


def _strict(entry: Any) -> Any:
    """An entry that says nothing of policies leaves them alone, and this does too."""
    return replace(entry, purge_policies=entry.policies is not None, purge_inline=entry.inline is not None) if entry.present else entry
