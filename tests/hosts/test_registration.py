# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that become hybrid nodes, real but for both agents (the tests' stand-ins) and AWS: registered, online, and sending with the
credentials that the SSM agent renews, without an IAM user; until they leave.
"""

from __future__ import annotations

import base64
import configparser
import json
import re
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Set

import pytest

from tests.support import agent_package, ssm_agent_package
from tests.support.activations import TOKEN_TAG
from tests.support.calls_seen import metrics
from tests.support.emulators import Credentials, Emulator
from tests.support.playbook import Run, run_playbook
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response
from tests.support.signing_key import SigningKey
from tests.support.systemd_hosts import SUITES, Host, Hosts

from .test_agent import COUNT
from .test_site import HOST_WATCH, WATCH, Processes, watch

SHARED = "/etc/hybridops/cloudwatch-agent/credentials"
VAULT = "/var/lib/amazon/ssm/Vault/Store/RegistrationKey"
TOKEN_SECONDS = 20
SECRET_MEMBERS = ("ActivationCode", "SecretAccessKey", "SessionToken")
TASKS_ON_A_HOST = 4
"""Package and registration of the one agent, package and configuration of the other."""


class Site:
    """Two hosts, an emulator behind two proxies, and what passed them that must be found nowhere else."""

    def __init__(self, hosts: Hosts, emulator: Emulator, variables: Dict[str, Any], scratch: Path) -> None:
        self.hosts: List[Host] = hosts.hosts
        self.scratch = scratch
        self.codes: Set[str] = set()
        self.tokens: Set[str] = set()
        self._inventory = hosts.inventory()
        self._emulator = emulator
        self._variables = variables
        self._ssh = scratch / "ssh"
        self._ssh.write_text(COUNT.format(scratch / "calls"))
        self._ssh.chmod(0o755)

    def watch(self, _call: Call, forward: Forward) -> Response:
        """Keep the secrets of what is answered."""
        response = forward()
        text = response.body.decode(errors="replace")
        for name in SECRET_MEMBERS:
            found = re.findall(rf'"{name}": "([^"]+)"', text)
            (self.codes if name == "ActivationCode" else self.tokens).update(found)
        return response

    def run(self, playbook: str, *arguments: str, **environment: str) -> Run:
        (self.scratch / "calls").unlink(missing_ok=True)
        acting = {**self._emulator.operator().environment(), "ANSIBLE_SSH_EXECUTABLE": str(self._ssh), **environment}
        folder = self.scratch / "controller"
        return run_playbook(f"hybridops.aws_agents.{playbook}", folder, arguments, self._inventory, self._variables, acting, timeout=600)

    @property
    def executions(self) -> int:
        return len((self.scratch / "calls").read_text().splitlines())

    def nodes(self) -> Dict[str, Dict[str, Any]]:
        listed = self._emulator.client("ssm").describe_instance_information()["InstanceInformationList"]
        return {str(each["Name"]): each for each in listed}


@pytest.fixture
def site(onprem_hosts: Callable[..., Hosts], ministack: Emulator, tmp_path: Path) -> Iterator[Any]:
    """The site; it carries the proxy of the controller and that of the hosts."""
    hosts = onprem_hosts(SUITES)
    key = SigningKey(tmp_path / "gpg")
    with (
        RecordingProxy(ministack.endpoint_url) as proxy,
        RecordingProxy(ministack.endpoint_url, host=hosts.controller_address) as sent,
        agent_package.PackageServer(
            [agent_package.build(tmp_path / "cwagent", reread_seconds=2)], key, hosts.controller_address
        ) as cwagent,
        ssm_agent_package.PackageServer([ssm_agent_package.build(tmp_path / "ssm")], key, hosts.controller_address) as ssm,
    ):
        variables = {
            "aws_agents_region": ministack.region,
            "aws_agents_endpoint_url": proxy.url,
            "aws_agents_roles": ["ssm_profile"],
            "ssm_profile_role_name": "",
            "ssm_profile_service_role": True,
            "ssm_profile_policy": "custom",
            "ssm_profile_cloudwatch": "scoped",
            "onprem_agent_credentials": "ssm",
            "onprem_ssm_package_url": ssm.package_url(),
            "onprem_ssm_package_key": ssm.key_url,
            "onprem_ssm_package_key_fingerprint": key.fingerprint,
            "onprem_ssm_agent_config": {"Ssm": {"Endpoint": sent.url}},
            "onprem_ssm_tags": {TOKEN_TAG: str(TOKEN_SECONDS)},
            "onprem_agent_package_url": cwagent.package_url(),
            "onprem_agent_package_key": cwagent.key_url,
            "onprem_agent_package_key_fingerprint": key.fingerprint,
            "onprem_agent_config": {
                "agent": {"metrics_collection_interval": 1},
                "metrics": {
                    "endpoint_override": sent.url,
                    "force_flush_interval": 1,
                    "metrics_collected": {"mem": {"measurement": ["used_percent"]}},
                },
            },
        }
        built: Any = Site(hosts, ministack, variables, tmp_path)
        built.proxy, built.sent, built.ssm_packages = proxy, sent, ssm
        proxy.handler = sent.handler = built.watch
        yield built


def shared(host: Host) -> Credentials:
    parser = configparser.RawConfigParser()
    parser.read_string(host.run("cat", SHARED).stdout)
    section = parser["AmazonCloudWatchAgent"]
    return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"], section["aws_session_token"])


def registered(host: Host) -> str:
    return str(json.loads(host.run("cat", VAULT).stdout)["instanceID"])


def until(holds: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def metrics_of(site: Any, since: int = 0) -> List[Call]:
    return [call for call in site.sent.calls[since:] if call.operation == "PutMetricData" and call.status is not None]


def keys_by_host(calls: List[Call]) -> Dict[str, Set[str]]:
    """Return the access keys that each host has sent with."""
    found: Dict[str, Set[str]] = {}
    for call in calls:
        found.setdefault(metrics(call.body)["host"], set()).add(call.access_key_id)
    return found


def test_hosts_become_nodes_send_without_a_user_and_leave(site: Any, ministack: Emulator) -> None:
    hosts: List[Host] = site.hosts
    removed = site.scratch / "removed"
    removed.mkdir()
    for host in hosts:
        watch(host)
    processes = Processes()
    processes.start()
    log = site.scratch / "ansible.log"
    first = site.run("site", "-vvv", "--diff", PYTHONPATH=str(WATCH), WATCH_REMOVED=str(removed), ANSIBLE_LOG_PATH=str(log)).ok()
    command_lines = processes.end()

    nodes = site.nodes()
    assert {name: (node["PingStatus"], node["InstanceId"]) for name, node in nodes.items()} == {
        f"host{number}": ("Online", registered(host)) for number, host in enumerate(hosts, 1)
    }
    assert ministack.client("ssm").describe_activations()["ActivationList"] == []
    assert [user["UserName"] for user in ministack.client("iam").list_users()["Users"]] == ["operator"]
    for number, host in enumerate(hosts, 1):
        arn = ministack.client("sts", shared(host)).get_caller_identity()["Arn"]
        assert arn.endswith(f":assumed-role/SSMServiceRole/{nodes[f'host{number}']['InstanceId']}")
        assert host.run("systemctl", "is-active", "amazon-ssm-agent").stdout == "active\n"

    site.proxy.clear()
    again = site.run("site").ok()
    assert again.changed == []
    assert site.executions == TASKS_ON_A_HOST * len(hosts)
    assert not site.proxy.writes

    # The first tokens are over by now, or soon will be: whatever is sent is sent with what is good.
    known = keys_by_host(metrics_of(site))
    assert set(known) == {host.name for host in hosts} and all(key.startswith("ASIA") for keys in known.values() for key in keys)
    mark = len(site.sent.calls)

    def rotated() -> bool:
        """Whether each host has sent with another key since."""
        since = keys_by_host(metrics_of(site, mark))
        return all(since.get(name, set()) - known[name] for name in known)

    until(rotated, 2 * TOKEN_SECONDS, "a host did not send with the credentials of another token")
    assert {call.status for call in metrics_of(site)} == {200}

    # Before they leave, which removes the file that is shared.
    assert_nowhere(site, first, log, removed, command_lines)

    forget = site.run("offboard", "-e", "offboard_all=true", "-e", "aws_agents_hosts=onprem").ok()
    assert not site.nodes()
    assert all(
        "deregister" in str(forget.task("Register the host with Systems Manager", name).result["changes"]) for name in ("host1", "host2")
    )
    for host in hosts:
        assert registered(host) == ""
        for unit in ("amazon-ssm-agent", "amazon-cloudwatch-agent"):
            assert host.run("systemctl", "is-active", unit, check=False).stdout != "active\n"


def assert_nowhere(site: Any, run: Run, log: Path, removed: Path, command_lines: bytes) -> None:
    """Search everything the run said, wrote, kept, removed or started for codes and tokens."""
    assert len(site.codes) == 2 and len(site.tokens) >= 8, "the proxies saw next to nothing, so this proves nothing"
    copies = [path.read_bytes() for path in removed.iterdir()]
    assert copies, "the watcher saw nothing, so it proves nothing"
    places = {
        "output": (run.stdout + run.stderr).encode(),
        "results": repr(run.tasks).encode(),
        "log": log.read_bytes(),
        "removed files of the controller": b"\n".join(copies),
        "files of the controller": b"\n".join(path.read_bytes() for path in site.scratch.rglob("*") if path.is_file()),
    }
    commands = {
        "removed files": f"cat {HOST_WATCH}/* 2>/dev/null",
        "files": f"cat $(find /tmp /var/log /etc -type f -not -path {SHARED})",
        "journal": "journalctl --no-pager --all",
    }
    for host in site.hosts:
        for what, command in commands.items():
            places[f"{what} of {host.name}"] = base64.b64decode(host.run("sh", "-c", f"{command} | base64").stdout)
    for place, content in places.items():
        for secret in site.codes | site.tokens:
            assert secret.encode() not in content, place
    assert b"Next credential rotation" in places[f"files of {site.hosts[0].name}"], "the search reads no files"
    # The one place where a code is: an argument of the agent that registers, which takes it in no other way.
    with_code = {line for line in command_lines.split(b"\n") if any(code.encode() in line for code in site.codes)}
    assert with_code and all(b"\0-register\0" in line for line in with_code), with_code
    assert not any(token.encode() in command_lines for token in site.tokens)
