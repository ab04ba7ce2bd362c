# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent on a real host, with systemd, over ssh: configured, proven, changed, wrong in every way that its log tells, and left."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

from tests.support.agent_package import build
from tests.support.emulators import Credentials, Emulator
from tests.support.playbook import TaskResult, run_playbook
from tests.support.recording_proxy import RecordingProxy
from tests.support.systemd_hosts import PODMAN, Host, Hosts

HOME = "/opt/aws/amazon-cloudwatch-agent"
UNIT = "amazon-cloudwatch-agent"
FILE = "/etc/agent/credentials"
WRITE = "import os, sys; open(sys.argv[1], 'w').write(sys.argv[2]); os.chmod(sys.argv[1], int(sys.argv[3], 8))"
COUNT = '#!/bin/sh\necho "$*" >>{}\nexec ssh "$@"\n'


class Site:
    """One host that has the agent's package, and a task."""

    def __init__(self, hosts: Hosts, emulator: Emulator, proxy: RecordingProxy, scratch: Path) -> None:
        self.host: Host = hosts.hosts[0]
        self._inventory = hosts.inventory()
        self._emulator = emulator
        self._scratch = scratch
        self.config: Dict[str, Any] = {
            "agent": {"metrics_collection_interval": 1},
            "metrics": {"endpoint_override": proxy.url, "force_flush_interval": 1, "metrics_collected": {"mem": {"measurement": ["used"]}}},
        }
        self._ssh = scratch / "ssh"
        self._ssh.write_text(COUNT.format(scratch / "calls"))
        self._ssh.chmod(0o755)
        self.used = 0

    def run(self, *arguments: str, **options: Any) -> TaskResult:
        """Run the task and count its commands on the host."""
        calls = self._scratch / "calls"
        calls.unlink(missing_ok=True)
        defaults = {"credentials_file": FILE, "agent_region": self._emulator.region, "config": self.config, "prove_timeout": "20s"}
        options = {name: value for name, value in {**defaults, **options}.items() if value is not None}
        task = {"name": "agent", "hybridops.aws_agents.cloudwatch_agent": options}
        environment = {**self._emulator.environment(), "ANSIBLE_SSH_EXECUTABLE": str(self._ssh)}
        play = {"hosts": "onprem", "gather_facts": False, "tasks": [task]}
        self.last = run_playbook([play], self._scratch / "controller", arguments, self._inventory, environment=environment)
        self.used = len(calls.read_text().splitlines()) if calls.exists() else 0
        return self.last.task("agent")

    def ok(self, *arguments: str, **options: Any) -> Dict[str, Any]:
        task = self.run(*arguments, **options)
        assert task.outcome == "ok", f"{task.msg}\n{self.log()[-2000:]}"
        return task.result

    def refused(self, **options: Any) -> str:
        task = self.run(**options)
        assert task.outcome == "failed", task.result
        return task.msg

    def with_agent(self, **agent: Any) -> Dict[str, Any]:
        return {**self.config, "agent": {**self.config["agent"], **agent}}

    def write(self, path: str, text: str, mode: str = "600") -> None:
        self.host.run("mkdir", "-p", os.path.dirname(path))
        self.host.run("python3", "-c", WRITE, path, text, mode)

    def write_key(self, key: Credentials) -> None:
        lines = ["[AmazonCloudWatchAgent]", f"aws_access_key_id = {key.access_key_id}", f"aws_secret_access_key = {key.secret_access_key}"]
        self.write(FILE, "\n".join([*lines, f"region = {self._emulator.region}", ""]))

    def log(self) -> str:
        return self.host.run("cat", f"{HOME}/logs/amazon-cloudwatch-agent.log", check=False).stdout

    def pid(self) -> str:
        return self.host.run("systemctl", "show", "--property=MainPID", "--value", UNIT).stdout.strip()


@pytest.fixture
def site(onprem_hosts: Callable[..., Hosts], ministack: Emulator, tmp_path: Path) -> Iterator[Site]:
    hosts = onprem_hosts(1)
    with RecordingProxy(ministack.endpoint_url, hosts.controller_address) as proxy:
        package = build(tmp_path, environment={"STAND_IN_SSM_ENDPOINT": proxy.url})
        site = Site(hosts, ministack, proxy, tmp_path)
        subprocess.run([*PODMAN, "cp", str(package), f"{site.host.name}:/root/agent.deb"], check=True)
        site.host.run("dpkg", "-i", "-E", "/root/agent.deb")
        yield site


def test_the_life_of_an_agent(site: Site, ministack: Emulator) -> None:
    site.write_key(ministack.operator("agent", ["cloudwatch:PutMetricData"]))
    checked = site.ok("--check", "--diff")
    assert checked["changed"] and site.used == 1 and site.pid() == "0"

    # From nothing to metrics that have arrived; CloudWatch is asked as well.
    first = site.ok("--diff", verify_metrics=True, verify_metrics_timeout="20s")
    assert first["changes"] == checked["changes"] and first["diff"] == checked["diff"]
    assert first["health"] == "proven" and site.host.name in first["verified"]
    assert (first["version"], first["package"], first["status"]) == ("1.300071.0", "1.300071.0-1", "running")
    assert site.host.run("systemctl", "is-enabled", UNIT).stdout.strip() == "enabled"

    # Nothing to do is one command, and proven all the same.
    again = site.ok("--diff")
    assert (again["changed"], site.used, again["health"]) == (False, 1, "proven")
    assert again["diff"]["before"] == again["diff"]["after"]
    site.host.run("systemctl", "restart", UNIT)
    assert not site.ok()["changed"]

    # What the agent reads at its start only makes it start anew.
    pid = site.pid()
    assert site.ok(no_proxy="169.254.169.254")["changes"][-1] == "restart service" and site.pid() != pid
    assert "NO_PROXY" in site.host.run("cat", f"{HOME}/etc/env-config.json").stdout

    # Others' configurations stay or go, as asked.
    site.write("/etc/other.json", json.dumps({"agent": {"debug": False}}), "644")
    site.host.run("amazon-cloudwatch-agent-ctl", "-a", "append-config", "-m", "onPremise", "-c", "file:/etc/other.json")
    assert not site.ok(exclusive=False)["changed"]
    assert "remove configuration file_other.json" in site.ok()["changes"]

    # The host fetches its configuration itself, once it may.
    fetching: Dict[str, Any] = {"config": "ssm:AmazonCloudWatch-linux"}
    text = json.dumps(site.with_agent(region=ministack.region))
    ministack.client("ssm").put_parameter(Name="AmazonCloudWatch-linux", Type="SecureString", Value=text)
    pid = site.pid()
    assert "its user needs ssm:GetParameter" in site.refused(**fetching) and site.pid() == pid
    site.write_key(ministack.operator("fetching", ["cloudwatch:PutMetricData", "ssm:GetParameter"]))
    fetched = site.ok("--diff", **fetching)
    assert set(fetched["configurations"]) == {"ssm_AmazonCloudWatch-linux"} and "endpoint_override" not in str(fetched["diff"]["after"])
    assert not site.ok(**fetching)["changed"] and site.used == 1

    # Left alone.
    gone = site.ok(state="absent", no_proxy="")
    assert (gone["status"], gone["enabled"], gone["configurations"]) == ("stopped", False, {}) and site.pid() == "0"
    assert not site.ok(state="absent", no_proxy="")["changed"]


def test_what_is_wrong_is_said(site: Site, ministack: Emulator) -> None:
    user = ministack.operator("agent", ["cloudwatch:PutMetricData"])
    denied = ministack.operator("denied", ["cloudwatch:ListMetrics"])

    # A key that AWS does not know, in this run and in the next.
    site.write_key(Credentials("AKIANOTKNOWN00000000", "wrong"))
    assert "AWS does not know the access key of profile AmazonCloudWatchAgent" in site.refused(prove_timeout="15s")
    again = site.run(prove_timeout="15s")
    assert again.outcome == "failed" and not again.changed and again.result["health"] == "failing"
    assert site.ok(prove=False)["health"] == "failing"

    # It is replaced: the agent would read it in ten minutes, and is started anew.
    site.write_key(user)
    mended = site.ok()
    assert (mended["changes"], mended["health"]) == (["restart service"], "proven")
    assert not site.ok()["changed"]

    # A policy that does not allow it.
    site.write_key(denied)
    site.host.run("systemctl", "restart", UNIT)
    assert "denies cloudwatch:PutMetricData" in site.refused(prove_timeout="15s")

    # A user that cannot read the key is refused before anything is written.
    site.write_key(user)
    before = site.host.run("sha256sum", f"{HOME}/etc/amazon-cloudwatch-agent.d/file_config.json").stdout
    refused = site.refused(config=site.with_agent(run_as_user="cwagent"))
    assert f"{FILE} belongs to root:root with mode 0600" in refused and "group cwagent and mode 0640" in refused
    predicted = site.ok("--check", config=site.with_agent(run_as_user="cwagent"))["changes"]
    assert predicted[0] == f"require credentials readable by cwagent of {FILE}"
    assert "knows no such user" in site.refused(config=site.with_agent(run_as_user="nobody-here"))
    assert site.host.run("sha256sum", f"{HOME}/etc/amazon-cloudwatch-agent.d/file_config.json").stdout == before
    site.host.run("chgrp", "cwagent", FILE)
    site.host.run("chmod", "0640", FILE)
    assert site.ok(config=site.with_agent(run_as_user="cwagent"))["health"] == "proven"
    assert not site.ok(config=site.with_agent(run_as_user="cwagent"))["changed"] and site.used == 1

    # A name that cannot be looked up.
    elsewhere = site.with_agent()
    elsewhere["metrics"] = {**elsewhere["metrics"], "endpoint_override": "http://monitoring.nowhere.invalid"}
    assert "is no name that the host can look up" in site.refused(config=elsewhere, prove_timeout="15s")
