# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are forked are what runs that are started are: the same output, environment, signals and ends."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.playbook import clean_environment, kill_session, run_playbook
from tests.support.warm import suits

SCRIPT = "import os, sys; print(os.getcwd(), os.environ['GIVEN'], sys.argv[1:], 'boto3' in sys.modules)"
TELL = {
    "hosts": "localhost",
    "gather_facts": False,
    "tasks": [
        {"name": "module", "ansible.builtin.stat": {"path": "/"}},
        {"name": "home", "ansible.builtin.debug": {"msg": "{{ lookup('env', 'HOME') }} {{ lookup('env', 'GIVEN') }} {{ playbook_dir }}"}},
        {"name": "script", "ansible.builtin.command": {"argv": ["{{ ansible_playbook_python }}", "-c", SCRIPT]}},
        {"name": "fails", "ansible.builtin.stat": {"path": "/", "no_such_option": 1}, "ignore_errors": True},
        {"name": "said", "ansible.builtin.shell": "echo out; echo err >&2; exit 3", "failed_when": False},
    ],
}
WAIT = {
    "hosts": "localhost",
    "gather_facts": False,
    "tasks": [{"name": "wait", "ansible.builtin.command": {"argv": ["tail", "-f", "{{ playbook_dir }}/playbook.json"]}}],
}


def told(scratch: Path, monkeypatch: pytest.MonkeyPatch, cold: bool) -> object:
    if cold:
        monkeypatch.setenv("ANSIBLE_TESTS_COLD", "1")
    run = run_playbook([TELL], scratch, ["-v"], environment={"GIVEN": "value"})
    keys = ("failed", "rc", "msg", "stdout", "stderr", "changed")
    results = [(task.task, task.outcome, {key: task.result.get(key) for key in keys}) for task in run.tasks]
    return run.rc, run.stats, run.stderr, json.dumps(results).replace(str(scratch), "SCRATCH")


def test_forked_and_started_runs_say_the_same(tmp_path, monkeypatch):
    warm = told(tmp_path / "a", monkeypatch, cold=False)
    assert warm == told(tmp_path / "b", monkeypatch, cold=True) and "boto3" not in warm


def test_a_broken_playbook(tmp_path):
    run = run_playbook([{"hosts": "localhost", "tasks": [{"no_such_module": {}}]}], tmp_path)
    assert run.rc not in (0, -9) and "no_such_module" in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("number", "cold"), [(signal.SIGKILL, False), (signal.SIGKILL, True), (signal.SIGTERM, False), (signal.SIGINT, False)]
)
def test_a_run_is_ended_with_all_its_processes(tmp_path, monkeypatch, number, cold):
    if cold:
        monkeypatch.setenv("ANSIBLE_TESTS_COLD", "1")
    ended: list[int] = []
    ender: list[threading.Thread] = []

    def end(pid):
        def later():
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not waiting(tmp_path):
                time.sleep(0.1)
            ended.extend(kill_session(pid, number))

        ender.append(threading.Thread(target=later))
        ender[0].start()

    started = time.monotonic()
    run = run_playbook([WAIT], tmp_path, on_start=end)
    ender[0].join()
    assert time.monotonic() - started < 50 and len(ended) > 2
    assert run.rc == -9 if number == signal.SIGKILL else run.rc != 0
    deadline = time.monotonic() + 10
    while waiting(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not waiting(tmp_path)


def waiting(scratch):
    """Return the processes of the module, by what it runs."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if entry.read_bytes().split(b"\0")[:2] == [b"tail", b"-f"] and str(scratch).encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found


def test_a_run_that_does_not_end(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        run_playbook([WAIT], tmp_path, timeout=5)


def test_what_is_forked(tmp_path):
    usual = clean_environment(tmp_path)
    assert suits(usual, usual) and suits({**usual, "AWS_REGION": "x"}, usual)
    for more in ({"ANSIBLE_LOG_PATH": "x"}, {"ANSIBLE_CONFIG": "other"}, {"ANSIBLE_DEBUG": "1"}, {"SCRATCH": "x"}):
        assert not suits({**usual, **more}, usual)
