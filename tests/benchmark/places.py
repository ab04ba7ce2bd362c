# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the playbooks of a scenario run, and what is there afterwards."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, Mapping, Optional, Self, Tuple, Type

from tests.support import iam_state
from tests.support.agent_package import build
from tests.support.emulators import Emulator, Ministack, Moto
from tests.support.playbook import LOCALHOST
from tests.support.recording_proxy import RecordingProxy, forward_all
from tests.support.systemd_hosts import PODMAN, Host, Hosts

from .measure import delayed, run
from .scenarios import AGAIN, FIRST, PEER, Scenario

NARROWER = "/policies/SessionManagerPermissions/document/Statement"
"""The one place where end states may differ: ours lets s3:GetEncryptionConfiguration be asked of the bucket, the peer's of all."""
COUNT_SSH = Path(__file__).parents[1] / "support" / "round_trips" / "count_ssh.sh"
MARKS_OF_OWNERS = ("hybridops.aws_agents/owner", "managed-by")
"""Tags that say who made something. Each contender has its own."""


class Place:
    """An account, and rooms: folders that stand for hosts. Use it as a context manager."""

    turns: Tuple[str, ...] = (FIRST, AGAIN)
    """What is measured here."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.scratch = Path(tempfile.mkdtemp(prefix="aws_agents-benchmark-"))
        self._stack = ExitStack()
        self.emulator: Emulator = self._emulator()

    def _emulator(self) -> Emulator:
        return Moto()

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        self._stack.enter_context(self.emulator)
        handler = delayed(self.scenario.delay) if self.scenario.delay else forward_all
        self.proxy = self._stack.enter_context(RecordingProxy(self.emulator.endpoint_url, handler=handler))
        (self.scratch / "vault").write_text(secrets.token_hex())
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._stack.close()

    def empty(self, contender: str) -> None:
        """Forget what the contender before this one made."""
        self.emulator.reset()
        self._rooms = self.scratch / f"rooms-{secrets.token_hex(4)}"
        for name in (".", *self._hosts()):
            (self._rooms / name).mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> Dict[str, str]:
        return {**self.emulator.environment(), "ANSIBLE_VAULT_PASSWORD_FILE": str(self.scratch / "vault")}

    def inventory(self) -> Dict[str, Any]:
        hosts = LOCALHOST["all"]["hosts"]
        return {"all": {"hosts": hosts, "children": {"fleet": {"hosts": self._hosts()}}}}

    def variables(self) -> Dict[str, Any]:
        return {"n": self.scenario.n, "stores": str(self._rooms)}

    def _hosts(self) -> Dict[str, Any]:
        reached = {"ansible_connection": "counted", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        names = [f"fleet-{number}" for number in range(self.scenario.n)] if self.scenario.place == "rooms" else []
        return {name: {**reached, "room": str(self._rooms / name)} for name in names}

    def end_state(self) -> Any:
        """Return what a contender left, in a form that two of them can be compared in."""
        state = iam_state.of(self.emulator)
        for kind in ("policies", "roles", "users"):
            for found in state[kind].values():
                found["tags"] = {name: value for name, value in found["tags"].items() if name not in MARKS_OF_OWNERS}
        keys = {name: (self._rooms / name / "credentials").is_file() for name in self._hosts()}
        return plain({**state, "keys on hosts": keys})


class SystemdPlace(Place):
    """A systemd host for each contender, with the agent's package, a user and a key. Several names may lead to the same host.

    From nothing to all done is another comparison: one contender starts an agent, the other waits until it has sent.
    """

    turns = (AGAIN,)

    def _emulator(self) -> Emulator:
        return Ministack()

    def __enter__(self) -> Self:
        super().__enter__()
        self._machines = self._stack.enter_context(Hosts(2))
        self._sent = self._stack.enter_context(RecordingProxy(self.emulator.endpoint_url, host=self._machines.controller_address))
        package = build(self.scratch)
        for host in self._machines.hosts:
            subprocess.run([*PODMAN, "cp", str(package), f"{host.name}:/root/agent.deb"], check=True)
            host.run("dpkg", "-i", "-E", "/root/agent.deb")
        return self

    def empty(self, contender: str) -> None:
        """Bring the host to its end state by one of its names: several at once would each make it a key."""
        self._of_peer = contender == PEER
        self._rooms = self.scratch
        self._name = f"agent-{'peer' if self._of_peer else 'ours'}"
        if self._name not in iam_state.of(self.emulator)["users"]:
            self._user(self._name)
            playbook = self.scenario.contenders[contender]
            run(playbook, self.scratch / "before", self.proxy, self.environment, self._names(1), **self.variables())

    def _user(self, name: str) -> None:
        iam = self.emulator.client("iam")
        iam.create_user(UserName=name, Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"}]}
        iam.put_user_policy(UserName=name, PolicyName="send", PolicyDocument=json.dumps(allowed))
        if self._of_peer:
            made = iam.create_access_key(UserName=name)["AccessKey"]
            self._key = {"id": made["AccessKeyId"], "secret": made["SecretAccessKey"]}

    @property
    def _host(self) -> Host:
        return self._machines.hosts[0 if self._of_peer else 1]

    def inventory(self) -> Dict[str, Any]:
        return self._names(self.scenario.n)

    def _names(self, number: int) -> Dict[str, Any]:
        made = self._machines.inventory("fleet")
        reached = made["all"]["children"]["fleet"]["hosts"]["host1" if self._of_peer else "host2"]
        arguments = reached["ansible_ssh_common_args"]
        made["all"]["children"]["fleet"]["hosts"] = {
            f"fleet-{each}": {**reached, "ansible_ssh_common_args": f"{arguments} -o HostKeyAlias=fleet-{each}"} for each in range(number)
        }
        return dict(made)

    @property
    def environment(self) -> Dict[str, str]:
        return {**super().environment, "ANSIBLE_SSH_EXECUTABLE": str(COUNT_SSH)}

    def variables(self) -> Dict[str, Any]:
        config = {
            "agent": {"metrics_collection_interval": 1, "run_as_user": "cwagent", "region": self.emulator.region},
            "metrics": {
                "endpoint_override": self._sent.url,
                "force_flush_interval": 1,
                "metrics_collected": {"mem": {"measurement": ["used_percent"]}},
            },
        }
        given = {"user": self._name, "config": config, "aws_agents_region": self.emulator.region}
        return {**given, "key": self._key} if self._of_peer else given

    def end_state(self) -> Any:
        home = "/opt/aws/amazon-cloudwatch-agent"
        read = self._host.run
        return {
            "service": read("systemctl", "is-active", "amazon-cloudwatch-agent", check=False).stdout,
            "enabled": read("systemctl", "is-enabled", "amazon-cloudwatch-agent", check=False).stdout,
            "configuration": json.loads(read("sh", "-c", f"cat {home}/etc/amazon-cloudwatch-agent.d/*.json").stdout),
            "key": read("stat", "-c", "%a %U %G %F", "/etc/agent/credentials").stdout,
            "sends": any(call.operation == "PutMetricData" and call.status == 200 for call in self._sent.calls),
        }


def plain(state: Any) -> Any:
    """Return a state in which one value and a list of it are the same, and the order of a list means nothing, as in IAM's documents."""
    if isinstance(state, Mapping):
        return {name: plain(value) for name, value in state.items()}
    if isinstance(state, list):
        values = [plain(value) for value in state]
        return values[0] if len(values) == 1 else sorted(values, key=repr)
    return state


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yield each place in which two states differ, and what is there."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in {**one, **other}:
            yield from differences(one.get(name), other.get(name), f"{where}/{name}")
    elif one != other and where != NARROWER:
        yield f"{where}: {one!r}, and {other!r}"


PLACES = {"account": Place, "rooms": Place, "hosts": SystemdPlace}
