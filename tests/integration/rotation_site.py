# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation with time made short: one host, one user, and a clock that a pause moves on.

The present stays where it is, since signatures are judged by it. What moves is the past: the dates of keys, of their uses and of their
retirement, and that of the host's file. So fifteen minutes and seven days pass at once. Each run is a process, which can be killed.
"""

from __future__ import annotations

import configparser
import gzip
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
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

from tests.integration.key_site import PROFILE, USER
from tests.support.emulators import Credentials
from tests.support.recording_proxy import Dropped, Response

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
REREAD = 10 * MINUTE
"""How long the agent may go on with a key that is no longer in its file."""

FORKS = multiprocessing.get_context("fork")
"""A run shares all that is imported here, so that it takes a third of a second."""


@dataclass(frozen=True)
class Fault:
    """What happens to a run."""

    how: str = ""
    """``before``: a call is lost on its way there. ``after``: on its way back. ``gone``: so are all after it. ``kill``: it was answered
    nobody. On the host: ``host before``, ``host after``, ``host kill before``, ``host kill after``."""
    at: int = -1
    """At which call, or command on the host, of the run; from 0."""


@dataclass
class World:
    """What is true, whoever asks. Used by the proxy's threads."""

    iam: object
    path: Path
    offset: object = field(default_factory=lambda: FORKS.Value("d", 0.0))
    """How many seconds have passed that did not."""
    made: dict = field(default_factory=dict)
    used: dict = field(default_factory=dict)
    tagged: dict = field(default_factory=dict)
    held: list = field(default_factory=list)
    """When which key came into the host's file."""
    broken: list = field(default_factory=list)
    """Rules that a run broke."""
    fault: Fault = Fault()
    kill: object = None
    calls: list = field(default_factory=list)
    lock: object = field(default_factory=threading.RLock)

    @property
    def now(self):
        return time.time() + self.offset.value

    def keys(self):
        return {key["AccessKeyId"]: key["Status"] for key in self.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]}

    def profile(self):
        parser = configparser.RawConfigParser()
        parser.read(self.path)
        return dict(parser[PROFILE]) if PROFILE in parser else {}

    def note(self):
        """Note what the host holds, once it has had a key. Return its id."""
        key_id = self.profile().get("aws_access_key_id", "")
        if self.held and self.held[-1][1] != key_id:
            self.held.append((self.now, key_id))
        return key_id

    def look(self):
        """See whether AWS accepts what the host holds."""
        key_id, keys = self.note(), self.keys()
        if self.held and keys.get(key_id) != "Active":
            self.broken.append(f"the host holds {key_id or 'no key'}, and AWS has {keys}")

    def agent_may_use(self, key_id):
        """Tell whether the agent may have read this key at its last look into the file."""
        if not self.held:
            return False
        ends = [moment for moment, _key in self.held[1:]] + [float("inf")]
        return any(held == key_id and self.now - end < REREAD for (_since, held), end in zip(self.held, ends, strict=True))

    def handle(self, call, forward):
        with self.lock:
            number = len(self.calls)
            self.calls.append(str(call))
            self._watch(call)
            fault = self.fault
            if (fault.how == "before" and number == fault.at) or (fault.how == "gone" and number > fault.at):
                raise Dropped
            answer = self._dated(call, forward())
            if fault.how == "kill" and number == fault.at:
                self.kill()
                raise Dropped
            if fault.how in ("after", "gone") and number == fault.at:
                raise Dropped
            return answer

    def _watch(self, call):
        if call.service != "iam":
            self.used[call.access_key_id] = (self.now, call.service)
        self.note()
        if not call.write:
            return
        self.look()
        key_id = call.parameters.get("AccessKeyId", "")
        if call.operation == "CreateAccessKey" and len(self.keys()) > 1:
            self.broken.append("a third key was asked for")
        if call.operation == "UpdateAccessKey" and call.parameters["Status"] == "Active":
            self.broken.append(f"{key_id} was activated again")
        if call.operation in ("UpdateAccessKey", "DeleteAccessKey") and self.agent_may_use(key_id):
            self.broken.append(f"{call} of {key_id}, which the agent may still use")

    def _dated(self, call, answer):
        """Return the answer with this world's dates."""
        body = answer.body if answer.body[:2] != b"\x1f\x8b" else gzip.decompress(answer.body)
        if call.operation == "CreateAccessKey":
            self.made[re.search(rb"<AccessKeyId>(\w+)<", body).group(1).decode()] = self.now
        if call.operation == "TagUser":
            self.tagged[call.parameters["Tags.member.1.Key"]] = self.now
        if call.operation == "GetAccessKeyLastUsed":
            body = self._last_use(call.parameters["AccessKeyId"], body)
        if call.operation == "ListAccessKeys":
            for key_id, made in self.made.items():
                body = re.sub(
                    rb"(<AccessKeyId>%s<(?:(?!</member>).)*<CreateDate>)[^<]*" % key_id.encode(), rb"\g<1>" + self._iso(made), body
                )
        if call.operation == "GetUser":
            for name, moment in self.tagged.items():
                body = re.sub(rb"(<Key>%s</Key><Value>)[^<]*" % name.encode(), rb"\g<1>" + self._iso(moment), body)
        headers = tuple((name, value) for name, value in answer.headers if name.lower() != "content-encoding")
        return Response(answer.status, headers, body)

    def _last_use(self, key_id, body):
        if key_id not in self.used:
            return body
        moment, service = self.used[key_id]
        use = (
            b"<AccessKeyLastUsed><LastUsedDate>%s</LastUsedDate><ServiceName>%s</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>"
        )
        return re.sub(rb"<AccessKeyLastUsed>.*</AccessKeyLastUsed>", use % (self._iso(moment), service.encode()), body, flags=re.DOTALL)

    def _iso(self, moment):
        return datetime.fromtimestamp(moment - self.offset.value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


class Rotation:
    """A host and its user."""

    def __init__(self, emulator, proxy, scratch):
        self.emulator, self.proxy = emulator, proxy
        scratch.mkdir(parents=True, exist_ok=True)
        self.path = scratch / "credentials"
        self.world = World(emulator.client("iam"), self.path)
        self.world.iam.create_user(UserName=USER, Path="/hybridops/", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])
        proxy.handler = self.world.handle

    def hand_over_long_ago(self):
        """Give the user one key, a hundred days old, which the host holds and uses. Return its id."""
        key = self.world.iam.create_access_key(UserName=USER)["AccessKey"]
        self.path.write_text(
            f"[{PROFILE}]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
            f"region = {self.emulator.region}\n"
        )
        self.path.chmod(0o600)
        self.world.made[key["AccessKeyId"]] = self.world.now
        self.world.held.append((self.world.now, key["AccessKeyId"]))
        self.wait(100 * DAY)
        return key["AccessKeyId"]

    def wait(self, seconds):
        """Let time pass, in which the agent sends with whichever keys it may have read."""
        for part in (min(seconds, 9 * MINUTE), max(0.0, seconds - 9 * MINUTE)):
            _advance(self.world.offset, self.path, part)
            for key_id in {key_id for _since, key_id in self.world.held if self.world.agent_may_use(key_id)}:
                self.world.used[key_id] = (self.world.now, "monitoring")

    def run(self, fault=Fault(), **rules):
        """Return the result of one run; what failed and what killed it is under ``failed``."""
        world = self.world
        world.fault, world.calls = fault, []
        wanted = {"user": USER, "path": str(self.path), "region": self.emulator.region, "rotate_after": duration("90d"), **rules}
        ours, theirs = FORKS.Pipe(duplex=False)
        operator = self.emulator.operator()
        process = FORKS.Process(target=_converge, args=(theirs, self.proxy.url, operator, wanted, world.offset, fault))
        with world.lock:
            process.start()
            world.kill = process.kill
        theirs.close()
        process.join(120)
        assert process.exitcode is not None, "the run did not end"
        result = {"failed": f"ended by {process.exitcode}", "changes": []}
        with suppress(EOFError):  # it was killed
            result = ours.recv()
        if not world.held and result.get("key_id"):
            world.held.append((world.now, result["key_id"]))
        world.look()
        world.fault = Fault()
        return {**result, "calls": list(world.calls)}

    def works(self):
        """Tell whether the secret in the host's file is accepted, as the agent would use it."""
        held = self.world.profile()
        who = Credentials(held["aws_access_key_id"], held["aws_secret_access_key"])
        return self.emulator.client("sts", who).get_caller_identity()["Arn"].endswith(f"/{USER}")

    def tags(self):
        return [tag["Key"] for tag in self.world.iam.list_user_tags(UserName=USER)["Tags"]]


# In the process of a run

_SESSION = boto3.session.Session()
for _service in ("iam", "sts"):  # read once, for all runs that fork from here
    _SESSION.client(_service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def _advance(offset, path, seconds):
    with offset.get_lock():
        offset.value += seconds
        if path.exists():
            status = path.stat()
            os.utime(path, (status.st_atime, status.st_mtime - seconds))


def _converge(results, url, operator, wanted, offset, fault):
    rules = Rules(**wanted)

    def pass_time(seconds):
        _advance(offset, Path(rules.path), seconds)

    Trap.pause = lambda trap, seconds: (trap.check(), pass_time(seconds))[0]
    handover.time = type("Clock", (), {"sleep": staticmethod(pass_time)})
    commands = iter(range(1000))

    def client(service, region="", config=None, aws_config=None, profile_name=None, **keys):
        # One attempt each: a call that is repeated until it succeeds breaks nothing off.
        options = {**(config or {}), "retries": {"total_max_attempts": 1}}
        named = {"aws_access_key_id": operator.access_key_id, "aws_secret_access_key": operator.secret_access_key, **keys}
        return _SESSION.client(service, region_name=region or "us-east-1", endpoint_url=url, config=Config(**options), **named)

    def execute(command, data):
        ours = fault.how.startswith("host") and next(commands) == fault.at
        if ours and fault.how == "host before":
            raise AnsibleConnectionFailure("connection dropped")
        if ours and fault.how == "host kill before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
        if ours and fault.how == "host after":
            raise AnsibleConnectionFailure("connection dropped")
        if ours and fault.how == "host kill after":
            os.kill(os.getpid(), signal.SIGKILL)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

    channel = Channel(execute, sys.executable)
    # An agent that runs on this machine for another test is none of this host's.
    channel._code.append(b"started = lambda *_process: ('', 0.0)")
    resource = HostAccessKey(rules, {}, client, channel, execute, lambda: None)
    try:
        results.send(converge(resource, check=False))
    except Failure as failure:
        results.send({"failed": f"{failure.text}: {failure.cause}", "changes": failure.result["changes_applied"]})
