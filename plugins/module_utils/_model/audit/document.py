# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit as one document, for a summary that people read in a terminal, for JSON and for the report."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..errors import InputError
from ..shown import on_a_line
from .kinds import KINDS, SEVERITIES

NEVER = "never"
_SHOWN = 40
"""Findings that the summary lists."""
_TAKEN = (
    "account", "partition", "region", "time", "whole_account", "counts", "findings", "accepted", "identities", "activations", "nodes",
)  # fmt: skip


def document(audit: Mapping[str, Any], check: Optional[Mapping[str, Any]] = None, fail_on: str = NEVER) -> Dict[str, Any]:
    """Return an audit without what Ansible adds to results.

    :param audit: the result of ``access_info``.
    :param check: the result of ``access_check``.
    :param fail_on: the severity from which on findings are to fail a run, or ``never``.
    :raises InputError: for another severity.
    """
    if fail_on not in (*SEVERITIES, NEVER):
        raise InputError(f"aws_agents_audit_fail_on is {fail_on!r}. Write one of {', '.join((*SEVERITIES, NEVER))}.")
    graver = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on != NEVER else ()
    failing = [one for one in audit["findings"] if one["severity"] in graver]
    check = check or {}
    return {
        **{name: audit[name] for name in _TAKEN},
        "checks": list(check.get("rows", ())),
        "limits": list(check.get("limits", ())),
        "fail_on": fail_on,
        "failing": len(failing),
        "summary": summary(audit),
    }


def summary(audit: Mapping[str, Any]) -> List[str]:
    """Return an audit in lines."""
    where = f"account {audit['account']}" + (f", Region {audit['region']}" if audit["region"] else "")
    told = ", ".join(f"{count} {level}" for level, count in audit["counts"].items() if count) or "nothing found"
    lines = [f"{where}, {audit['time']}: {told}"]
    lines += [f"{one['severity']}: {one['object']}: {one['what']} [{one['id']}]" for one in audit["findings"][:_SHOWN]]
    left = len(audit["findings"]) - _SHOWN
    if left > 0:
        lines.append(f"and {left} more")
    if audit["accepted"]:
        lines.append(f"{len(audit['accepted'])} accepted")
    return [on_a_line(line) for line in lines]


def title(kind: str) -> str:
    """Return what a kind of finding is called."""
    return KINDS[kind].title if kind in KINDS else kind
