# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts are what the scenarios take them for."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from tests.support.emulators import Emulator
from tests.support.playbook import run_playbook
from tests.support.recording_proxy import RecordingProxy
from tests.support.systemd_hosts import SUITES, Hosts


def test_hosts_run_systemd_answer_ansible_and_reach_the_emulator(
    onprem_hosts: Callable[..., Hosts], ministack: Emulator, tmp_path: Path
) -> None:
    hosts = onprem_hosts(SUITES)
    ask = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).status)"
    with RecordingProxy(ministack.endpoint_url, host=hosts.controller_address) as proxy:
        play = {
            "hosts": "onprem",
            "gather_facts": False,
            "tasks": [
                {"name": "Ping", "ansible.builtin.ping": {}},
                {"name": "State", "ansible.builtin.command": "systemctl is-system-running"},
                {"name": "Mounts", "ansible.builtin.shell": r"systemctl | grep -c -E '\-\.mount\s'"},
                {"name": "Suite", "ansible.builtin.command": "sed -n s/^VERSION_CODENAME=//p /etc/os-release"},
                {"name": "Emulator", "ansible.builtin.command": {"argv": ["python3", "-c", ask, f"{proxy.url}/_ministack/ready"]}},
            ],
        }
        run = run_playbook([play], tmp_path, inventory=hosts.inventory()).ok()
    for host, suite in (("host1", "bookworm"), ("host2", "trixie")):
        assert run.task("Suite", host).result["stdout"] == suite
        assert run.task("Ping", host).result["ping"] == "pong"
        assert run.task("State", host).result["stdout"] == "running"
        # The CloudWatch agent's control script takes a host for one with systemd when there is exactly one.
        assert run.task("Mounts", host).result["stdout"] == "1"
        assert run.task("Emulator", host).result["stdout"] == "200"


def test_hosts_are_removed(onprem_hosts: Callable[..., Hosts]) -> None:
    hosts = onprem_hosts(1)
    host = hosts.hosts[0]
    assert host.run("true").returncode == 0
    hosts.close()
    assert host.run("true", check=False).returncode != 0
    assert not hosts.key.exists()
