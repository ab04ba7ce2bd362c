# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for the CloudWatch agent on a host with systemd: installed, configured, sending, upgraded, refused, removed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from tests.support.agent_package import PackageServer, SigningKey, build
from tests.support.emulators import Credentials, Emulator
from tests.support.recording_proxy import Call, RecordingProxy
from tests.support.systemd_hosts import SUITES, Host, Hosts

HOME = "/opt/aws/amazon-cloudwatch-agent"
UNIT = "amazon-cloudwatch-agent"
CTL = "amazon-cloudwatch-agent-ctl"
FETCH = "import sys, urllib.request; open(sys.argv[2], 'wb').write(urllib.request.urlopen(sys.argv[1], timeout=30).read())"
WRITE = "import os, sys; open(sys.argv[1], 'w').write(sys.argv[2]); os.chmod(sys.argv[1], int(sys.argv[3], 8))"


def install(host: Host, url: str) -> str:
    host.run("python3", "-c", FETCH, url, "/root/agent.deb")
    return host.run("dpkg", "-i", "-E", "/root/agent.deb").stdout


def write(host: Host, path: str, text: str, mode: str = "600") -> None:
    host.run("python3", "-c", WRITE, path, text, mode)


def write_key(host: Host, key: Credentials) -> None:
    lines = ["[AmazonCloudWatchAgent]", f"aws_access_key_id = {key.access_key_id}", f"aws_secret_access_key = {key.secret_access_key}"]
    write(host, "/etc/agent-credentials", "\n".join([*lines, "region = us-east-1", ""]))


def configure(host: Host, endpoint: str, **agent: Any) -> None:
    metrics = {"endpoint_override": endpoint, "force_flush_interval": 1, "metrics_collected": {"mem": {"measurement": ["used_percent"]}}}
    document = {"agent": {"metrics_collection_interval": 1, "region": "us-east-1", **agent}, "metrics": metrics}
    write(host, "/etc/wanted.json", json.dumps(document))
    host.run(CTL, "-a", "fetch-config", "-m", "onPremise", "-c", "file:/etc/wanted.json", "-s")


def status(host: Host) -> Dict[str, str]:
    found: Dict[str, str] = json.loads(host.run(CTL, "-a", "status").stdout)
    return found


def sent(host: Host) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in host.run("cat", f"{HOME}/var/sent.jsonl", check=False).stdout.splitlines()]


def log(host: Host) -> str:
    return host.run("cat", f"{HOME}/logs/amazon-cloudwatch-agent.log", check=False).stdout


def wait(until: Callable[[], Any], host: Host, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, log(host)[-3000:]
        time.sleep(0.3)


def arrived(calls: List[Call]) -> List[int]:
    """Return the sequence numbers that AWS took."""
    numbers = []
    for call in calls:
        fields = call.parameters if call.operation == "PutMetricData" and call.status == 200 else {}
        names = [field.rpartition(".")[0] for field, value in fields.items() if value == "stand_in_sequence"]
        numbers += [int(float(fields[f"{name}.Value"])) for name in names]
    return numbers


@pytest.mark.parametrize("suite", SUITES)
def test_the_stand_in_lives_on_a_host(onprem_hosts: Callable[..., Hosts], ministack: Emulator, tmp_path: Path, suite: str) -> None:
    hosts = onprem_hosts([suite])
    host = hosts.hosts[0]
    packages = [build(tmp_path, version, reread_seconds=1) for version in ("1.300070.0-1", "1.300071.0-1")]
    user = ministack.operator("agent", ["cloudwatch:PutMetricData"])
    address = hosts.controller_address
    with PackageServer(packages, SigningKey(tmp_path / "key"), address) as server, RecordingProxy(ministack.endpoint_url, address) as proxy:
        # A new package makes a user, and neither starts nor enables anything.
        assert "create user cwagent, result: 0" in install(host, server.package_url(version="1.300070.0"))
        assert status(host) == {"status": "stopped", "starttime": "", "configstatus": "not configured", "version": "1.300070.0"}
        assert host.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip() == "disabled"
        assert host.run("id", "-un", "cwagent").stdout.strip() == "cwagent"

        # Configured, it sends what CloudWatch then knows.
        write(host, f"{HOME}/etc/common-config.toml", '[credentials]\nshared_credential_file = "/etc/agent-credentials"\n', "644")
        write_key(host, user)
        configure(host, proxy.url)
        wait(lambda: sent(host), host)
        assert sent(host)[0]["outcome"] == "sent" and sent(host)[0]["key"] == user.access_key_id
        listed = ministack.client("cloudwatch").list_metrics(Namespace="CWAgent", Dimensions=[{"Name": "host", "Value": host.name}])
        assert {metric["MetricName"] for metric in listed["Metrics"]} == {"mem_used_percent", "stand_in_sequence"}
        before = status(host)
        assert (before["status"], before["configstatus"]) == ("running", "configured") and before["starttime"].endswith("+00:00")

        # An upgrade keeps settings and data, and goes on.
        install(host, server.package_url())
        after = status(host)
        assert (after["status"], after["version"]) == ("running", "1.300071.0") and after["starttime"] >= before["starttime"]
        assert "agent-credentials" in host.run("cat", f"{HOME}/etc/common-config.toml").stdout

        # Another key is taken up without a restart, be it one that AWS does not know.
        count = len(sent(host))
        write_key(host, Credentials("AKIANOTKNOWN00000000", "wrong"))
        wait(lambda: "WriteToCloudWatch failure" in log(host), host)
        assert {(line["key"], line["outcome"]) for line in sent(host)[count:] if line["code"]} == {("AKIANOTKNOWN00000000", "dropped")}
        assert "E! cloudwatch: code: InvalidClientTokenId, message: The security token included in the request is invalid" in log(host)
        assert status(host)["status"] == "running"

        # What the lines say of each batch is what arrived.
        host.run("systemctl", "stop", UNIT)
        batches = sent(host)
        assert sorted(arrived(proxy.calls)) == sorted(
            number for line in batches if line["outcome"] == "sent" for number in line["sequences"]
        )
        collected = int(host.run("cat", f"{HOME}/var/sequence").stdout)
        assert sorted(number for line in batches for number in line["sequences"]) == list(range(1, collected + 1))

        # As a user of its own it needs a file that this user may read, and owns its own folders.
        write_key(host, user)
        configure(host, proxy.url, run_as_user="cwagent")
        wait(lambda: "permission denied" in log(host), host)
        cause = "FailedRead: unable to open file\ncaused by: open /etc/agent-credentials: permission denied"
        assert f"SharedCredsLoad: failed to load shared credentials file\ncaused by: {cause}" in log(host)
        pid = host.run("cat", f"{HOME}/var/amazon-cloudwatch-agent.pid").stdout.strip()
        assert host.run("ps", "-o", "user=", pid).stdout.strip() == "cwagent"
        assert host.run("stat", "-c", "%U", f"{HOME}/etc/common-config.toml", f"{HOME}/var").stdout.split() == ["cwagent", "cwagent"]
        host.run("chgrp", "cwagent", "/etc/agent-credentials")
        host.run("chmod", "640", "/etc/agent-credentials")
        wait(lambda: sent(host)[-1]["outcome"] == "sent", host)


def test_the_forgotten_mode_append_dimensions_and_removal(onprem_hosts: Callable[..., Hosts], ministack: Emulator, tmp_path: Path) -> None:
    """Whatever mode it was configured with, systemd starts it with ``auto``."""
    hosts = onprem_hosts(1)
    host = hosts.hosts[0]
    with PackageServer([build(tmp_path)], SigningKey(tmp_path / "key"), hosts.controller_address) as server:
        install(host, server.package_url())
    # Enabled without a configuration, it fails at each start.
    host.run("systemctl", "start", UNIT)
    wait(lambda: "E! Cannot translate JSON, ERROR is exit status 1" in log(host), host)
    write(host, f"{HOME}/etc/common-config.toml", '[credentials]\nshared_credential_file = "/etc/agent-credentials"\n', "644")
    write_key(host, ministack.operator("agent"))
    dimensions = {"InstanceId": "${aws:InstanceId}"}
    document = {"metrics": {"append_dimensions": dimensions, "metrics_collected": {"mem": {}}}}
    write(host, "/etc/wanted.json", json.dumps(document))
    host.run(CTL, "-a", "fetch-config", "-m", "onPremise", "-c", "file:/etc/wanted.json", "-s")
    wait(lambda: "ec2tagger: Unable to retrieve EC2 Metadata." in log(host), host)
    wait(lambda: status(host)["status"] == "stopped", host)
    assert 'mode = "onPrem"' in host.run("cat", f"{HOME}/etc/amazon-cloudwatch-agent.toml").stdout
    # While systemd waits to start it again, the control script takes it for stopped, and so does not stop it.
    assert "has already been stopped" in host.run(CTL, "-a", "stop").stdout
    assert host.run("systemctl", "is-active", UNIT, check=False).stdout.strip() == "activating"
    host.run("systemctl", "stop", UNIT)

    # Removed, nothing of it runs; what it made stays, as with Amazon's.
    host.run("dpkg", "--remove", UNIT)
    assert host.run("systemctl", "is-active", UNIT, check=False).stdout.strip() == "inactive"
    assert host.run("test", "-e", f"{HOME}/etc/common-config.toml", check=False).returncode == 0
    host.run("dpkg", "--purge", UNIT)
    assert host.run("test", "-e", f"{HOME}/etc/common-config.toml", check=False).returncode == 1
    assert host.run("id", "cwagent", check=False).returncode == 0
