# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.emulators import Emulator
from tests.support.playbook import run_playbook, run_task


def test_results_are_recorded(tmp_path: Path) -> None:
    run = run_playbook(
        [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "tasks": [
                    {"name": "Say", "ansible.builtin.debug": {"msg": "{{ word }}"}},
                    {"name": "Skip", "ansible.builtin.debug": {"msg": "no"}, "when": False},
                    {"name": "Change", "ansible.builtin.command": "true"},
                    {"name": "Hide", "ansible.builtin.debug": {"msg": "sesame"}, "no_log": True},
                    {"name": "Count", "ansible.builtin.set_stats": {"data": {"hosts": 1}}},
                    {"name": "Fail", "ansible.builtin.fail": {"msg": "so it is"}},
                ],
            }
        ],
        tmp_path,
        extra_vars={"word": "hello"},
    )
    assert run.rc == 2
    assert run.task("Say").msg == "hello"
    assert run.task("Skip").outcome == "skipped"
    assert run.changed == ["Change"]
    assert "sesame" not in str(run.task("Hide").result)
    assert [(task.task, task.msg) for task in run.failures] == [("Fail", "so it is")]
    assert run.stats["localhost"]["failures"] == 1
    assert run.custom_stats["_run"] == {"hosts": 1}
    with pytest.raises(AssertionError, match="so it is"):
        run.ok()


def test_nothing_of_the_users_environment_reaches_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEUSER")
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "0")
    result = run_task("ansible.builtin.command", {"cmd": "env"}, tmp_path)
    assert "AKIAOFTHEUSER" not in result.result["stdout"]
    assert f"HOME={tmp_path}/home" in result.result["stdout"]


def test_a_deprecation_fails_a_run(tmp_path: Path) -> None:
    task = {"name": "Old", "ansible.builtin.debug": {"msg": "x"}, "when": "'a string'"}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
    run = run_playbook([play], tmp_path, environment={"ANSIBLE_ALLOW_BROKEN_CONDITIONALS": "true"})
    assert run.rc == 0
    with pytest.raises(AssertionError, match="DEPRECATION"):
        run.ok()


def test_a_playbook_reaches_the_emulator_as_the_operator(aws: Emulator, tmp_path: Path) -> None:
    result = run_task("amazon.aws.aws_caller_info", {}, tmp_path, environment=aws.environment())
    assert result.result["arn"] == f"arn:aws:iam::{aws.account}:user/test/operator"
