# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of the scenarios, and how executions on hosts are counted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support import molecule_scenarios
from tests.support.molecule_scenarios import HEAD, Outcome, environment, markdown, names
from tests.support.playbook import run_playbook

ROUND_TRIPS = Path(molecule_scenarios.__file__).with_name("round_trips")


def converged(seconds, check=False, **round_trips):
    return {"playbook": "converge.yml", "check": check, "seconds": seconds, "changed": {}, "round_trips": round_trips}


def test_the_table_has_the_first_run_and_the_repeat_of_each_host():
    runs = [converged(3.0, True, web1=9), converged(40.4, web1=8, web2=7), {**converged(1.0, web1=5), "playbook": "verify.yml"},
            converged(5.6, web1=3)]  # fmt: skip
    outcome = Outcome("one_host", True, 90.0, Path("log"), runs)
    assert outcome.table() == [["one_host", "web1", "8", "3", "40", "6"], ["one_host", "web2", "7", "0", "40", "6"]]


@pytest.mark.parametrize(("runs", "rows"), [([converged(4.0), converged(2.0)], 1), ([converged(4.0)], 0), ([], 0)])
def test_a_scenario_without_hosts_has_a_row_and_one_that_broke_off_has_none(runs, rows):
    assert len(Outcome("aws_side", True, 1.0, Path("log"), runs).table()) == rows


def test_the_table_is_markdown():
    assert markdown([["a"] * len(HEAD)]).splitlines()[1:] == ["| --- | --- | --- | --- | --- | --- |", "| a | a | a | a | a | a |"]


def test_every_folder_of_a_scenario_is_one():
    assert names()[0] == "three_hosts_rotation" and names()[-1] == "aws_side"
    assert set(names()) >= {"default", "one_host", "three_hosts_rotation", "shared_user", "offboarding", "air_gapped"}


def test_an_engine_of_the_users_is_left_as_it_is():
    mine = environment({"PATH": "/bin", "MOLECULE_ENGINE": "docker"})
    assert mine["MOLECULE_ENGINE"] == "docker" and "MOLECULE_RUN_ARGUMENTS" not in mine and "MOLECULE_IMAGE_BOOKWORM" not in mine


def test_ssh_is_counted_by_the_alias_of_the_host(tmp_path):
    fake = tmp_path / "ssh"
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    calls = tmp_path / "calls"
    told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ROUND_TRIPS_CALLS": str(calls)}
    command = [str(ROUND_TRIPS / "count_ssh.sh"), "-o", "HostKeyAlias=web1", "host", "a command"]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=True)
    assert done.stdout == "-o HostKeyAlias=web1 host a command\n"
    subprocess.run([command[0], "-V"], env=told, check=True, capture_output=True)
    assert calls.read_text() == "web1\n"


def test_a_run_is_written_down(tmp_path):
    record = tmp_path / "runs.jsonl"
    tasks = [{"name": "task", "ansible.builtin.command": "true"}]
    told = {"ANSIBLE_CALLBACK_PLUGINS": str(ROUND_TRIPS), "ANSIBLE_CALLBACKS_ENABLED": "round_trips", "ROUND_TRIPS_TO": str(record)}
    run_playbook([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], tmp_path / "run", environment=told).ok()
    row = json.loads(record.read_text())
    assert row.pop("seconds") > 0
    assert row == {"playbook": "playbook.json", "check": False, "changed": {"localhost": 1}, "round_trips": {}}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("runs")] == ["runs.jsonl"]
