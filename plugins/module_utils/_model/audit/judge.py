# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that an audit has to say, the gravest first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ..access_check.questions import MAY_NOT
from . import drift, holders, keys, leftovers
from .kinds import SEVERITIES, Finding, finding
from .records import Acceptance, Rules, Seen


@dataclass(frozen=True)
class Verdict:
    findings: Tuple[Finding, ...]
    accepted: Tuple[Tuple[Finding, str], ...]
    """With the reason that was given."""

    @property
    def counts(self) -> Dict[str, int]:
        """Return how many findings there are of each severity."""
        return {level: sum(one.severity == level for one in self.findings) for level in SEVERITIES}


Rows = Iterable[Mapping[str, Any]]


def judge(seen: Seen, rules: Rules, predicted: Rows = (), checked: Rows = ()) -> Verdict:
    """Return what was found.

    :param predicted: results of tasks that Ansible predicted.
    :param checked: rows of ``access_check``.
    """
    found = chain(
        drift.judge(seen),
        drift.predicted(predicted),
        _checked(checked),
        holders.judge(seen, rules),
        holders.missing(seen, rules),
        holders.retired_policies(seen, rules),
        holders.profiles(seen, rules),
        keys.judge(seen, rules),
        leftovers.leases(seen),
        leftovers.activations(seen),
        leftovers.nodes(seen, rules),
        leftovers.quick_setup(seen),
        (finding("not-seen", unseen.part, unseen.says) for unseen in seen.unseen),
    )
    graded = [replace(one, severity=rules.severities.get(one.id, one.severity)) for one in dict.fromkeys(found)]
    graded.sort(key=lambda one: (SEVERITIES.index(one.severity), one.id, one.object, one.what))
    accepted: List[Tuple[Finding, str]] = []
    open_ones: List[Finding] = []
    for one in graded:
        reason = _reason(one, rules.accept, seen)
        if reason is None:
            open_ones.append(one)
        else:
            accepted.append((one, reason))
    return Verdict(tuple(open_ones), tuple(accepted))


def _reason(one: Finding, accept: Iterable[Acceptance], seen: Seen) -> Optional[str]:
    for entry in accept:
        if entry.id == one.id and fnmatchcase(one.object, entry.object) and (entry.until is None or seen.now < entry.until):
            return entry.reason
    return None


def _checked(rows: Rows) -> Iterator[Finding]:
    """Yield what differs, for each principal and way of differing together: a wrong policy mostly differs in many rows."""
    groups: Dict[Tuple[str, str], List[Mapping[str, Any]]] = {}
    for row in rows:
        if not row["agrees"]:
            kind = "not-seen" if row["agrees"] is None else "may-too-much" if row["expected"] == MAY_NOT else "may-too-little"
            groups.setdefault((kind, row["principal"].split(":", 5)[-1]), []).append(row)
    for (kind, who), differing in groups.items():
        of = f"what {who} may do" if kind == "not-seen" else " ".join(who.split("/", 1))
        yield finding(kind, of, differing[0]["not_seen"] if kind == "not-seen" else _told(differing))


def _told(rows: List[Mapping[str, Any]]) -> str:
    actions = [row["action"] + ("" if row["resource"] == "*" else f" on {row['resource']}") for row in rows]
    by = sorted({policy["id"] for row in rows for policy in row["policies"]})
    return ", ".join(actions) + (f" (by {', '.join(by)})" if by else "")
