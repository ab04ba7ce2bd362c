# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all playbooks of the collection keep to, which a run as root on one machine would not show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import pytest

from .files import ROOT, name, read_yaml

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
YAML = sorted([*PLAYBOOKS, *(ROOT / "playbooks" / "tasks").glob("*.yml"), *(ROOT / "roles").rglob("*.yml")])
ON_THE_CONTROLLER = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "ansible_become": False}
"""Escalation is the hosts': with -b, or an inventory that says it for all, sudo would take the job's credentials out of the environment."""


def tasks(entries: Any) -> Iterator[Dict[str, Any]]:
    """Yield tasks, those within blocks and plays too."""
    for entry in entries if isinstance(entries, list) else []:
        yield entry
        for part in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(entry.get(part))


def published() -> Set[str]:
    return {key for path in YAML for task in tasks(read_yaml(path)) for key in task.get("ansible.builtin.set_stats", {}).get("data", {})}


@pytest.mark.parametrize("path", PLAYBOOKS, ids=name)
def test_plays_on_the_controller_run_with_its_python_and_as_who_started_them(path: Path) -> None:
    for play in read_yaml(path):
        if play.get("connection") == "local":
            assert play["hosts"] == "localhost" and ON_THE_CONTROLLER.items() <= play["vars"].items(), play["name"]


@pytest.mark.parametrize("path", YAML, ids=name)
def test_tasks_delegated_to_the_controller_do_too(path: Path) -> None:
    for task in tasks(read_yaml(path)):
        if task.get("delegate_to") == "localhost":
            assert ON_THE_CONTROLLER.items() <= task["vars"].items(), task["name"]


def test_there_are_such_plays_and_tasks() -> None:
    plays: List[Dict[str, Any]] = [play for path in PLAYBOOKS for play in read_yaml(path)]
    assert len([play for play in plays if play.get("connection") == "local"]) > 9
    assert len([task for task in tasks(plays) if task.get("delegate_to") == "localhost"]) > 4


@pytest.mark.parametrize("path", YAML, ids=name)
def test_no_variable_has_the_name_of_an_artifact(path: Path) -> None:
    """AWX gives artifacts to the later jobs of a workflow as extra variables, which go before what a play registers."""
    lines = [line.partition(" #")[0] for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    used = {word for line in lines for word in re.findall(r"\b[a-z_]+\b(?!:)", line)}
    assert not published() & used
    assert len(published()) > 7
