# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that send all the time while their keys are rotated: what they sent, what AWS received, and what is missing."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

from tests.support.agent_package import PackageServer, SigningKey, build
from tests.support.calls_seen import metrics
from tests.support.emulators import Emulator
from tests.support.playbook import Run, run_playbook
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure
from tests.support.systemd_hosts import Host, Hosts

ROOT = "/opt/aws/amazon-cloudwatch-agent"
FILE = "/etc/hybridops/cloudwatch-agent/credentials"
SPREADS = 6.0
"""Seconds that the emulated CloudWatch takes to learn of a key. AWS says seconds; the collection allows for 30."""
REREAD = 4.0
FLUSH = 2
AS_AMAZONS = {"STAND_IN_FLUSH_ON_STOP": "no"}
"""Amazon's agent throws away what it has not pushed when it is stopped."""


class CloudWatch:
    """Receives what the hosts send, counts it, and knows a new key only after a while, as AWS does."""

    def __init__(self) -> None:
        self.received: Dict[str, Set[int]] = defaultdict(set)
        self.spreads = 0.0
        self._made: Dict[str, float] = {}
        self._lock = threading.Lock()

    def handle(self, call: Call, forward: Forward) -> Response:
        if call.operation == "CreateAccessKey":
            answer = forward()
            found = re.search(rb"<AccessKeyId>(\w+)<", answer.body)
            if found:
                self._made[found.group(1).decode()] = time.monotonic()
            return answer
        if call.operation != "PutMetricData":
            return forward()
        if time.monotonic() - self._made.get(call.access_key_id, 0.0) < self.spreads:
            return failure(call, "InvalidClientTokenId", "The security token included in the request is invalid", 403)
        answer = forward()
        if answer.status == 200:
            seen = metrics(call.body)
            with self._lock:
                self.received[seen["host"]].update(seen["sequences"])
        return answer


def sent(host: Host) -> List[Dict[str, Any]]:
    """Return what the agent says of its batches of metrics."""
    lines = [json.loads(line) for line in host.run("cat", f"{ROOT}/var/sent.jsonl").stdout.splitlines()]
    return [line for line in lines if line["kind"] == "metrics"]


def keys_in_use(host: Host) -> List[str]:
    return list(dict.fromkeys(line["key"] for line in sent(host)))


def wait_for(what: str, true: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)


def test_a_rotation_loses_no_metric(onprem_hosts: Callable[..., Hosts], ministack: Emulator, tmp_path: Path) -> None:
    hosts = onprem_hosts(["bookworm", "trixie"])
    restarted, reread = hosts.hosts
    cloudwatch, signer = CloudWatch(), SigningKey(tmp_path / "gpg")
    with (
        RecordingProxy(ministack.endpoint_url, host=hosts.controller_address, handler=cloudwatch.handle) as proxy,
        PackageServer([build(tmp_path, reread_seconds=REREAD, environment=AS_AMAZONS)], signer, host=hosts.controller_address) as packages,
    ):
        inventory = hosts.inventory()
        group = inventory["all"]["children"]["onprem"]
        group["hosts"]["host1"]["onprem_agent_key_settle"] = "restart"
        group["vars"] = {
            "aws_agents_region": ministack.region,
            "aws_agents_endpoint_url": proxy.url,
            "onprem_agent_package_url": packages.package_url("good"),
            "onprem_agent_package_key": packages.key_url,
            "onprem_agent_package_key_fingerprint": signer.fingerprint,
            "onprem_agent_config": {
                "agent": {"metrics_collection_interval": 1},
                "metrics": {
                    "endpoint_override": proxy.url,
                    "force_flush_interval": FLUSH,
                    "metrics_collected": {"mem": {"measurement": ["used_percent"]}},
                },
            },
        }
        inventory["all"]["vars"] = {"aws_agents_region": ministack.region, "aws_agents_endpoint_url": proxy.url}

        def run(playbook: str, **variables: Any) -> Run:
            acting = ministack.operator().environment()
            return run_playbook(f"hybridops.aws_agents.{playbook}", tmp_path / "controller", (), inventory, variables, acting, 600).ok()

        run("site", aws_agents_roles="cwagent_server")
        first = {host.name: keys_in_use(host) for host in hosts.hosts}
        assert all(len(keys) == 1 for keys in first.values()), first

        cloudwatch.spreads = SPREADS
        # One host's agent is restarted by the run; the other's takes the key up by itself, and a later run retires the old one.
        rotated = run("rotate_keys", onprem_agent_key_rotate_after="1s")
        for host in hosts.hosts:
            wait_for(f"{host.name} takes the new key up", lambda host=host: len(keys_in_use(host)) == 2)
        assert statuses(ministack, "cwagent-host1") == ["Inactive", "Active"], str(rotated)
        assert statuses(ministack, "cwagent-host2") == ["Active", "Active"]
        age = "touch -d '16 minutes ago' "
        reread.run("sh", "-c", age + FILE)
        run("rotate_keys")
        assert statuses(ministack, "cwagent-host2") == ["Inactive", "Active"]
        time.sleep(2 * REREAD)
        run("rotate_keys", onprem_agent_key_grace="1s")
        assert [statuses(ministack, f"cwagent-host{number}") for number in (1, 2)] == [["Active"], ["Active"]]
        time.sleep(2 * REREAD)

        lost = {}
        for host in hosts.hosts:
            made = set(range(1, 1 + int(host.run("cat", f"{ROOT}/var/sequence").stdout)))
            time.sleep(2 * FLUSH)
            host.run("systemctl", "stop", "amazon-cloudwatch-agent")
            assert len(made) > 30 and len(keys_in_use(host)) == 2
            assert [line for line in sent(host) if line["outcome"] != "sent"] == []
            lost[host.name] = made - cloudwatch.received[host.run("hostname").stdout.strip()]
            print(f"{host.name}: made {len(made)}, received {len(made) - len(lost[host.name])}, lost {len(lost[host.name])}")  # noqa: T201
        assert not lost[reread.name], lost
        # A restart is the quick way; what it may cost is what the agent had not pushed yet.
        assert len(lost[restarted.name]) <= FLUSH + 1, lost


def statuses(emulator: Emulator, user: str) -> List[str]:
    """Return the states of a user's keys, the oldest key first."""
    keys = emulator.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [key["Status"] for key in sorted(keys, key=lambda key: key["CreateDate"])]
