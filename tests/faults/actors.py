# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of single tasks as processes of their own, with time made short. Clients are the product's own, with all their retries.

One process imports everything and forks for each run, which so takes a tenth of a second. A run that is alone does not wait: its sleeps
move a clock on that the test sees too, so that what happens depends on no machine's speed. Runs that race sleep, a twentieth of the time.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Self, Sequence

from tests.faults import pace
from tests.support.playbook import clean_environment

ROOT = Path(__file__).resolve().parents[2]
SPEED = 20
"""How much faster time passes for runs that race. Sleeps of less than its inverse poll, and go on doing so."""


class Clock:
    """Seconds that passed without anybody waiting, in a file that processes share."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)

    def now(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0])

    def advance(self, seconds: float) -> None:
        self._memory[:8] = struct.pack("d", self.now() + seconds)


class Actors:
    """The process that forks, for a test session. Use it as a context manager."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="aws_agents-actors-")
        scratch = Path(self._folder.name)
        (scratch / "clock").write_bytes(bytes(8))
        self.clock = Clock(scratch / "clock")
        environment = {**clean_environment(scratch), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.actors", str(scratch / "clock")],
            env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._count = 0
        self._waiting: Dict[int, threading.Event] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def start(self, do: str, url: str, speed: float = SPEED, **arguments: Any) -> int:
        """Start a run and return its number.

        :param do: the name of a function of this file, without its underscore.
        :param speed: how much faster its time passes; 0 for a run that is alone and does not wait at all.
        """
        with self._lock:
            self._count += 1
            number = self._count
            self._waiting[number] = threading.Event()
        request = {"number": number, "do": do, "url": url, "speed": speed, "answer": str(self._answer(number)), "arguments": arguments}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return number

    def result(self, number: int, timeout: float = 120) -> Dict[str, Any]:
        """Return what came of a run: the result of its task, or ``failed`` with why, with the run's ``cpu`` seconds."""
        assert self._waiting[number].wait(timeout), f"run {number} did not end within {timeout} s"
        answer: Dict[str, Any] = json.loads(self._answer(number).read_text())
        return answer

    def run(self, do: str, url: str, **arguments: Any) -> Dict[str, Any]:
        """Run one alone, as long as no ``speed`` is given, and return its result."""
        return self.result(self.start(do, url, **{"speed": 0, **arguments}))

    def race(self, runs: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
        """Start runs at once, each given as arguments of ``start``, and return their results."""
        return [self.result(number) for number in [self.start(**run) for run in runs]]

    def _answer(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.json"

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._waiting[int(line)].set()


# In the process that forks, and in those of the runs


class _Time:
    """In place of what the product sleeps by. The time of day stays as it is, since signatures are judged by it."""

    def __init__(self, clock: Clock) -> None:
        self.speed = 0.0
        self._clock = clock
        self._sleep, self._monotonic = time.sleep, time.monotonic
        self._skipped = 0.0

    def sleep(self, seconds: float) -> None:
        if not self.speed:
            self._clock.advance(seconds)
        elif seconds < 1 / SPEED:
            self._sleep(seconds)
        else:
            self._sleep(seconds / self.speed)
            self._skipped += seconds - seconds / self.speed

    def now(self) -> float:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._monotonic() + (self._skipped if self.speed else self._clock.now())


def _main() -> None:
    import signal

    sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"])
    made = _Time(Clock(Path(sys.argv[1])))
    time.sleep, time.monotonic = made.sleep, made.monotonic  # type: ignore[assignment]
    pace.follow(made.sleep, lambda: None if made.speed else made.now())
    _imports()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            request = json.loads(line)
            made.speed = request["speed"]
            _attend(request)
            os._exit(0)


def _attend(request: Dict[str, Any]) -> None:
    try:
        answer = globals()[f"_{request['do']}"](request["url"], **request["arguments"])
    except BaseException:  # noqa: BLE001  (whatever it was, the test is to see it)
        answer = {"failed": traceback.format_exc()}
    Path(request["answer"]).write_text(json.dumps(dict(answer, cpu=sum(os.times()[:4])), default=str))
    os.write(1, b"%d\n" % request["number"])


def _imports() -> None:
    from ansible_collections.hybridops.aws_agents.plugins.modules import iam_identities, iam_user_offboarding, instance_profile_association  # noqa: F401  # fmt: skip
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import access_key, agent_config_parameter  # noqa: F401

    for service in ("iam", "sts", "ssm", "ec2"):  # read once, for all runs that fork from here
        _session().client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


_SESSIONS: List[Any] = []


def _session() -> Any:
    import boto3

    if not _SESSIONS:
        _SESSIONS.append(boto3.session.Session())
    return _SESSIONS[0]


def _maker(url: str, credentials: Sequence[str]) -> Any:
    """Return what makes clients as amazon.aws does, for the emulator."""
    from botocore.config import Config

    def client(
        service: str, region: str = "", config: Optional[Mapping[str, Any]] = None, aws_config: Optional[Mapping[str, Any]] = None,
        profile_name: Optional[str] = None, **keys: Any
    ) -> Any:  # fmt: skip
        assert profile_name is None
        named = {"aws_access_key_id": credentials[0], "aws_secret_access_key": credentials[1], **keys}
        options = {**(config or {}), **(aws_config or {})}
        return _session().client(service, region_name=region or "us-east-1", endpoint_url=url, config=Config(**options), **named)

    return client


def _patient(url: str, credentials: Sequence[str]) -> Any:
    """Return what makes clients for action plugins."""
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws import session

    return session.patient(_maker(url, credentials))


class _Module:
    """As much of ``AnsibleAWSModule`` as a resource asks for."""

    region = "us-east-1"

    def __init__(self, spec: Mapping[str, Any], options: Mapping[str, Any], client: Any) -> None:
        from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

        found = ArgumentSpecValidator(dict(spec)).validate(dict(options))
        assert not found.error_messages, found.error_messages
        self.params = found.validated_parameters
        self.client = client


def _converged(resource: Any, check: bool = False) -> Dict[str, Any]:
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge

    try:
        return converge(resource, check)
    except Failure as failure:
        return {"failed": f"{failure.text}: {failure.cause}", "changes": failure.result["changes_applied"]}


def _identities(url: str, options: Mapping[str, Any], credentials: Sequence[str], check: bool = False) -> Dict[str, Any]:
    from ansible_collections.hybridops.aws_agents.plugins.modules.iam_identities import ARGUMENT_SPEC, Identities

    return _converged(Identities(_Module(ARGUMENT_SPEC, options, _maker(url, credentials))), check)


def _offboarding(url: str, options: Mapping[str, Any], credentials: Sequence[str]) -> Dict[str, Any]:
    from ansible_collections.hybridops.aws_agents.plugins.modules.iam_user_offboarding import ARGUMENT_SPEC, Leavers

    return _converged(Leavers(_Module(ARGUMENT_SPEC, options, _maker(url, credentials))))


def _host_key(url: str, options: Mapping[str, Any], credentials: Sequence[str]) -> Dict[str, Any]:
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.channel import Channel
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Rules
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.duration import duration
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.access_key import HostAccessKey

    def execute(command: str, data: bytes) -> Dict[str, Any]:
        done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

    channel = Channel(execute, sys.executable)
    # An agent that runs on this machine for another test is none of this host's.
    channel._code.append(b"started = lambda *_process: ('', 0.0)")
    rules = Rules(region="us-east-1", **{name: duration(value) if name in DURATIONS else value for name, value in options.items()})
    return _converged(HostAccessKey(rules, {}, _patient(url, credentials), channel, execute, lambda: None))


DURATIONS = ("rotate_after", "in_use_within", "orphan_grace", "grace", "verify_timeout")


def _parameter(url: str, options: Mapping[str, Any], credentials: Sequence[str]) -> Dict[str, Any]:
    """Save a configuration with the user's key, with a session of the role, or with the caller's own permissions."""
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter_options import (
        ARGUMENT_SPEC,
        rules,
        with_config,
    )
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.agent_config_parameter import AgentConfigParameter
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease import Lease
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease_role import AssumedRole
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease_user import UserKey
    from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.controller import Trap

    module = _Module(ARGUMENT_SPEC, options, _patient(url, credentials))
    wanted, lease = rules(module.params)
    held: Any = Lease(lease, module.client, Trap())
    if lease.via == "user":
        held = UserKey(lease, module.client, Trap(), module.params, module.region, None)
    if lease.via == "assume_role":
        held = AssumedRole(lease, module.client, Trap(), module.region)
    return _converged(AgentConfigParameter(with_config(wanted, module.params["config"]), module.client, module.region, held, []))


def _profiles(url: str, options: Mapping[str, Any], credentials: Sequence[str]) -> Dict[str, Any]:
    from ansible_collections.hybridops.aws_agents.plugins.modules import instance_profile_association as module

    return _converged(module.Profiles(_Module(module.ARGUMENT_SPEC, options, _maker(url, credentials))))


if __name__ == "__main__":
    _main()
