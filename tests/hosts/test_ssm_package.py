# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSM Agent's package on a real host. What it shares with the CloudWatch agent's is tested there (``test_package``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from tests.support.playbook import run_playbook
from tests.support.ssm_agent_package import PackageServer, SigningKey, build
from tests.support.systemd_hosts import SUITES, Hosts

MODULE = "hybridops.aws_agents.ssm_agent_package"
OLD, NEW = "3.3.987.0-1", "3.3.1142.0-1"
SNAP = "/snap/amazon-ssm-agent"


def test_the_package_of_ssm_agent(onprem_hosts: Callable[..., Hosts], tmp_path: Path) -> None:
    hosts = onprem_hosts(SUITES[1:])
    host = hosts.hosts[0]
    key = SigningKey(tmp_path / "key")
    packages = [build(tmp_path / "packages", version) for version in (OLD, NEW)]
    for package in packages:
        key.sign(package)
    signed = {"key": str(key.file), "fingerprint": key.fingerprint}
    tasks: List[Tuple[str, Dict[str, Any]]] = [
        ("refuse without a key", {}),
        ("make a snap", {}),
        ("refuse beside a snap", signed),
        ("remove the snap", {}),
        ("install a file of the controller", {**signed, "source": "file", "file": str(packages[0])}),
        ("have any version, without a key", {}),
        ("look", {}),
        ("upgrade to the latest", {**signed, "version": "latest"}),
        ("have the latest", {**signed, "version": "latest"}),
        ("remove", {"state": "absent"}),
    ]
    commands = {
        "make a snap": f"mkdir -p {SNAP}",
        "remove the snap": f"rm -r {SNAP}",
        "look": "systemctl is-enabled amazon-ssm-agent; systemctl show --property ActiveState,SubState,ExecMainStatus amazon-ssm-agent",
    }
    with PackageServer(packages, key, hosts.controller_address) as server:
        written = [
            {"name": name, "ansible.builtin.shell": commands[name]}
            if name in commands
            else {"name": name, MODULE: {"base_url": server.base("good"), **options}, "ignore_errors": name.startswith("refuse")}
            for name, options in tasks
        ]
        play = {"hosts": "onprem", "gather_facts": False, "tasks": written}
        run = run_playbook([play], tmp_path / "run", inventory=hosts.inventory()).ok()
        assert server.downloads == 1

    assert "key: no key is built in for SSM Agent." in run.task("refuse without a key").msg
    assert f"SSM Agent is on the host already, in {SNAP}" in run.task("refuse beside a snap").msg
    assert [(name, run.task(name).changed, run.task(name).result["version"]) for name, _options in tasks[4:] if name not in commands] == [
        ("install a file of the controller", True, OLD),
        ("have any version, without a key", False, OLD),
        ("upgrade to the latest", True, NEW),
        ("have the latest", False, NEW),
        ("remove", True, ""),
    ]
    # The package started the agent, which found that it is nobody, and systemd will start it again.
    looked = set(run.task("look").result["stdout_lines"])
    assert looked == {"enabled", "ActiveState=activating", "SubState=auto-restart", "ExecMainStatus=0"}
    assert host.run("systemctl", "is-active", "amazon-ssm-agent", check=False).stdout != "active\n"
