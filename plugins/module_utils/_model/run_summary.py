# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, in a few lines for whoever started it: what it changed or would change, what failed, what comes later."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

ON_HOSTS = (
    "aws_agents_contained", "aws_agents_cut_off", "aws_agents_replaced",
    "onprem_ssm_package", "onprem_ssm_result", "onprem_agent_package", "onprem_agent_key", "onprem_agent_result",
    "aws_agents_deregistered", "aws_agents_taken_away",
)  # fmt: skip
"""What the roles for hosts register, in the order that makes a host ready, and around it what offboard does in AWS for a host."""

_CHANGES = 4
_SUBJECTS = 10
_WORDS = 300

Results = Mapping[str, Iterable[Mapping[str, Any]]]


def host_results(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]],
                 failed: Iterable[str] = ()) -> Dict[str, List[Mapping[str, Any]]]:  # fmt: skip
    """Return what was registered for each host, see ``ON_HOSTS``, as ``run_summary`` takes it.

    :param failed: hosts that failed, wherever that was. One whose results have no failure, as after a role's check of its variables, gets
        a result that says no more.
    """
    results = {host: [hostvars[host][name] for name in ON_HOSTS if name in hostvars[host]] for host in hosts}
    lost = {*failed}
    for host, several in results.items():
        if host in lost and not _failure(_each(several)):
            several.append({"failed": True})
    return results


def run_summary(results: Results) -> List[str]:
    """Return the lines.

    :param results: the results of tasks by whom they are about: a host, a role. Those of a loop may be among them.
    """
    each = {subject: _each(several) for subject, several in results.items()}
    changed = {subject: [*_changes(several)] for subject, several in each.items()}
    failed = {subject: _failure(several) for subject, several in each.items()}
    later = {subject: "; ".join(_awaited(several)) for subject, several in each.items()}
    silent = [subject for subject, several in each.items() if not several]
    same = [subject for subject in each if subject not in silent and not changed[subject] and not failed[subject]]
    lines = _told(((subject, _shortened(steps)) for subject, steps in changed.items()), "Changes")
    lines += [f"Nothing to change: {_names(same)}."] if same else []
    lines += _told(failed.items(), "Failed")
    lines += _told(later.items(), "To come in a later run")
    lines += [f"Nothing was done for: {_names(silent)}."] if silent else []
    return lines or ["Nothing was asked for."]


def run_changes(results: Results) -> Dict[str, List[str]]:
    """Return all changes by whom they are about, each once."""
    return {subject: [*dict.fromkeys(_changes(_each(several)))] for subject, several in results.items()}


def run_counts(results: Results) -> Dict[str, Any]:
    """Return what programs want to know of the same: how many hosts there are and were changed, by how many changes, and which failed."""
    each = {subject: _each(several) for subject, several in results.items()}
    changes = [len([*_changes(several)]) for several in each.values()]
    return {
        "hosts": len(each),
        "changed": sum(1 for number in changes if number),
        "changes": sum(changes),
        "failed": sorted(subject for subject, several in each.items() if _failure(several)),
        "untouched": sorted(subject for subject, several in each.items() if not several),
    }


def _each(several: Iterable[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    return [single for result in several for single in _singles(result)]


def _singles(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the results of a task, or of each turn of its loop, that was not skipped."""
    for single in result.get("results", [result]):
        if single and not single.get("skipped"):
            yield single


def _changes(several: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for single in several:
        # What failed half way says what it came to.
        yield from map(str, single.get("changes") or single.get("changes_applied") or ())


def _awaited(several: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for single in several:
        if single.get("awaiting"):
            yield str(single["awaiting"])


def _failure(several: Iterable[Mapping[str, Any]]) -> str:
    for single in several:
        if single.get("failed") or single.get("unreachable"):
            text = " ".join(str(single.get("msg") or "see above").split()).rstrip(".")
            return text if len(text) <= _WORDS else f"{text[:_WORDS]}…"
    return ""


def _shortened(steps: List[str]) -> str:
    rest = len(steps) - _CHANGES
    return ", ".join(steps) if rest <= 1 else f"{', '.join(steps[:_CHANGES])} and {rest} more"


def _told(texts: Iterable[Tuple[str, str]], heading: str) -> List[str]:
    told = [(subject, text) for subject, text in texts if text]
    lines = [f"{heading}: {subject}: {text}." for subject, text in told[:_SUBJECTS]]
    return [*lines, f"{heading}: {len(told) - _SUBJECTS} more."] if len(told) > _SUBJECTS else lines


def _names(subjects: List[str]) -> str:
    rest = len(subjects) - _SUBJECTS
    return ", ".join(subjects) if rest <= 0 else f"{', '.join(subjects[:_SUBJECTS])} and {rest} more"
