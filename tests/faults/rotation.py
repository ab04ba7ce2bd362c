# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation with time made short: one host, one user. Each run is a process forked from here, which can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.channel import Channel
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.duration import duration
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import handover
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.access_key import HostAccessKey
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.controller import Trap
from botocore.config import Config

from tests.faults.world import DAY, FORKS, World, advance
from tests.integration.key_site import USER
from tests.support.recording_proxy import Dropped

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}


@dataclass(frozen=True)
class Fault:
    """What happens to a run."""

    how: str = ""
    """``before``: a call is lost on its way there. ``after``: on its way back. ``gone``: so are all after it. ``SIGKILL``: it was answered
    nobody. ``SIGINT``, ``SIGTERM``: it is answered all the same. The same of commands on the host: ``host before``, ``host after``,
    ``host SIGKILL before`` …"""
    at: int = -1
    """At which call, or command on the host, of the run; from 0."""


class ThisMachine:
    """The host: this machine, whose Python and shell are its."""

    python = sys.executable

    def execute(self, command, data):
        done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


class Rotation:
    """A host and its user."""

    host = ThisMachine()

    def __init__(self, emulator, proxy, scratch):
        self.emulator, self.proxy = emulator, proxy
        scratch.mkdir(parents=True, exist_ok=True)
        self.world = World(emulator, USER, [scratch / "credentials"])
        (self.holder,) = self.world.holders
        self.path = self.holder.path
        self.calls, self.process = [], None
        self.fault = Fault()
        proxy.handler = self.handle

    def hand_over_long_ago(self):
        """Give the user one key, a hundred days old, which the host holds and uses. Return its id."""
        key = self.world.make_key()
        self.world.give(key, self.holder)
        self.world.wait(100 * DAY)
        return key["AccessKeyId"]

    def wait(self, seconds):
        self.world.wait(seconds)

    def works(self):
        return self.world.works(self.holder)

    def handle(self, call, forward):
        with self.world.lock:
            number, fault = len(self.calls), self.fault
            self.calls.append(str(call))
            if (fault.how == "before" and number == fault.at) or (fault.how == "gone" and number > fault.at):
                raise Dropped
            answer = self.world.handle(call, forward)
            if fault.how in SIGNALS and number == fault.at:
                self.process.kill() if fault.how == "SIGKILL" else os.kill(self.process.pid, SIGNALS[fault.how])
            if fault.how in ("after", "gone", "SIGKILL") and number == fault.at:
                raise Dropped
            return answer

    def run(self, fault=Fault(), **rules):
        """Return the result of one run; what failed and what killed it is under ``failed``."""
        self.fault, self.calls = fault, []
        wanted = {"user": USER, "path": str(self.path), "region": self.emulator.region, "rotate_after": duration("90d"), **rules}
        ours, theirs = FORKS.Pipe(duplex=False)
        operator = self.emulator.operator()
        process = FORKS.Process(target=_converge, args=(theirs, self.proxy.url, operator, wanted, self.world.offset, fault, self.host))
        with self.world.lock:
            process.start()
            self.process = process
        theirs.close()
        process.join(120)
        assert process.exitcode is not None, "the run did not end"
        result = {"failed": f"ended by {process.exitcode}", "changes": []}
        with suppress(EOFError):  # it was killed
            result = ours.recv()
        if result.get("key_id"):
            self.world.delivered()
        self.world.look()
        self.fault = Fault()
        return {**result, "calls": list(self.calls)}


# In the process of a run

_SESSION = boto3.session.Session()
for _service in ("iam", "sts"):  # read once, for all runs that fork from here
    _SESSION.client(_service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def _converge(results, url, operator, wanted, offset, fault, host):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    rules = Rules(**wanted)

    def pass_time(seconds):
        advance(offset, [Path(rules.path)], seconds)

    Trap.pause = lambda trap, seconds: (trap.check(), pass_time(seconds), trap.check())[0]
    handover.time = type("Clock", (), {"sleep": staticmethod(pass_time)})
    commands = iter(range(1000))

    def client(service, region="", config=None, aws_config=None, profile_name=None, **keys):
        # One attempt each: a call that is repeated until it succeeds breaks nothing off.
        options = {**(config or {}), "retries": {"total_max_attempts": 1}}
        named = {"aws_access_key_id": operator.access_key_id, "aws_secret_access_key": operator.secret_access_key, **keys}
        return _SESSION.client(service, region_name=region or "us-east-1", endpoint_url=url, config=Config(**options), **named)

    def execute(command, data):
        ours = fault.how.startswith("host") and next(commands) == fault.at
        if ours:
            _happens(fault.how, "before")
        said = host.execute(command, data)
        if ours:
            _happens(fault.how, "after")
        return said

    channel = Channel(execute, host.python)
    # An agent that runs on this machine for another test is none of this host's.
    channel._code.append(b"started = lambda *_process: ('', 0.0)")
    resource = HostAccessKey(rules, {}, client, channel, execute, lambda: None)
    try:
        results.send(converge(resource, check=False))
    except Failure as failure:
        results.send({"failed": f"{failure.text}: {failure.cause}", "changes": failure.result["changes_applied"]})


def _happens(how, when):
    _host, *number, where = how.split()
    if where == when and number:
        os.kill(os.getpid(), SIGNALS[number[0]])
    elif where == when:
        raise AnsibleConnectionFailure("connection dropped")
