# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that hold a key of one user, their agents, and a clock that a pause moves on.

The present stays where it is, since signatures are judged by it. What moves is the past: the dates of keys, of their uses and of their
retirement, and those of the hosts' files. So fifteen minutes and seven days pass at once.
"""

from __future__ import annotations

import configparser
import gzip
import multiprocessing
import os
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.key_site import PROFILE
from tests.support.emulators import Credentials
from tests.support.recording_proxy import Response

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
REREAD = 10 * MINUTE
"""How long the agent may go on with a key that is no longer in its file."""
OWNER = {"Key": "hybridops.aws_agents/owner", "Value": "default"}
RETIRED = "hybridops.aws_agents/retired/"

FORKS = multiprocessing.get_context("fork")


@dataclass
class Holder:
    """A host's file, and when which key was in it."""

    path: Path
    held: list = field(default_factory=list)
    """Once a run has said that the host has its key: moments and ids."""

    def profile(self):
        parser = configparser.RawConfigParser()
        parser.read(self.path)
        return dict(parser[PROFILE]) if PROFILE in parser else {}

    @property
    def key_id(self):
        return self.profile().get("aws_access_key_id", "")

    def note(self, now):
        if self.held and self.held[-1][1] != self.key_id:
            self.held.append((now, self.key_id))

    def may_use(self, key_id, now):
        """Tell whether the agent may have read this key at its last look into the file."""
        if not self.held:
            return False
        ends = [moment for moment, _key in self.held[1:]] + [float("inf")]
        return any(held == key_id and now - end < REREAD for (_since, held), end in zip(self.held, ends, strict=True))


class World:
    """What is true, whoever asks. Used by the proxy's threads.

    :param paths: the hosts' files.
    :param make: the user, which somebody else does where this is false.
    """

    def __init__(self, aws, user, paths, make=True):
        self.aws, self.user = aws, user
        self.iam = aws.client("iam")
        self.holders = [Holder(path) for path in paths]
        self.offset = FORKS.Value("d", 0.0)
        """How many seconds have passed that did not."""
        self.broken = []
        """Rules that a run broke, in words."""
        self.lock = threading.RLock()
        self._made, self._used, self._tagged = {}, {}, {}
        if make:
            self.iam.create_user(UserName=user, Path="/hybridops/", Tags=[OWNER])

    @property
    def now(self):
        return time.time() + self.offset.value

    def keys(self):
        """Return the user's keys and their status; none for a user that is gone."""
        try:
            return {key["AccessKeyId"]: key["Status"] for key in self.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]}
        except self.iam.exceptions.NoSuchEntityException:
            return {}

    def retired(self):
        """Return the ids that tags of the user say were retired."""
        tags = [tag["Key"] for tag in self.iam.list_user_tags(UserName=self.user)["Tags"]]
        return [tag[len(RETIRED) :] for tag in tags if tag.startswith(RETIRED)]

    # What happened long ago

    def make_key(self):
        """Make a key now, without anybody holding it."""
        key = self.iam.create_access_key(UserName=self.user)["AccessKey"]
        self._made[key["AccessKeyId"]] = self.now
        return key

    def give(self, key, holder, more=""):
        """Put a key on a host, which uses it from now on."""
        holder.path.parent.mkdir(parents=True, exist_ok=True)
        holder.path.write_text(
            f"[{PROFILE}]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
            f"region = {self.aws.region}\n{more}"
        )
        holder.path.chmod(0o600)
        holder.held.append((self.now, key["AccessKeyId"]))

    def retire(self, key_id):
        self.iam.tag_user(UserName=self.user, Tags=[{"Key": RETIRED + key_id, "Value": "2026-01-01T00:00:00Z"}])
        self.iam.update_access_key(UserName=self.user, AccessKeyId=key_id, Status="Inactive")
        self._tagged[RETIRED + key_id] = self.now

    def wait(self, seconds):
        """Let time pass, in which the agents send with whichever keys they may have read."""
        for part in (min(seconds, 9 * MINUTE), max(0.0, seconds - 9 * MINUTE)):
            advance(self.offset, [holder.path for holder in self.holders], part)
            for key_id in {key_id for holder in self.holders for _since, key_id in holder.held if holder.may_use(key_id, self.now)}:
                self._used[key_id] = (self.now, "monitoring")

    # What is so

    def delivered(self):
        """From now on the hosts have a key that works, at every moment."""
        for holder in self.holders:
            if not holder.held and holder.key_id:
                holder.held.append((self.now, holder.key_id))
        self.look()

    def look(self):
        """See whether AWS accepts what the hosts hold."""
        keys = self.keys()
        for holder in self.holders:
            holder.note(self.now)
            if holder.held and keys.get(holder.key_id) != "Active":
                self.broken.append(f"{holder.path.name} holds {holder.key_id or 'no key'}, and AWS has {keys}")

    def works(self, holder):
        """Tell whether the secret in a host's file is accepted, as the agent would use it."""
        held = holder.profile()
        if not held.get("aws_secret_access_key"):
            return False
        sts = self.aws.client("sts", Credentials(held["aws_access_key_id"], held["aws_secret_access_key"]))
        try:
            return sts.get_caller_identity()["Arn"].endswith(f"/{self.user}")
        except sts.exceptions.ClientError:
            return False

    # What goes by

    def handle(self, call, forward):
        """Look at a call, pass it on, and return the answer with this world's dates."""
        with self.lock:
            self._watch(call)
            return self._dated(call, forward())

    def _watch(self, call):
        if call.service != "iam":
            self._used[call.access_key_id] = (self.now, call.service)
        for holder in self.holders:
            holder.note(self.now)
        if call.service != "iam" or not call.write or call.parameters.get("UserName") != self.user:
            return
        self.look()
        key_id = call.parameters.get("AccessKeyId", "")
        if call.operation == "CreateAccessKey" and len(self.keys()) > 1:
            self.broken.append("a third key was asked for")
        if call.operation == "UpdateAccessKey" and call.parameters["Status"] == "Active":
            self.broken.append(f"{key_id} was activated again")
        used = any(holder.may_use(key_id, self.now) for holder in self.holders)
        if call.operation in ("UpdateAccessKey", "DeleteAccessKey") and used:
            self.broken.append(f"{call} of {key_id}, which an agent may still use")

    def _dated(self, call, answer):
        if call.service != "iam" or answer.status != 200:
            return answer
        body = answer.body if answer.body[:2] != b"\x1f\x8b" else gzip.decompress(answer.body)
        if call.operation == "CreateAccessKey":
            self._made[re.search(rb"<AccessKeyId>(\w+)<", body).group(1).decode()] = self.now
        if call.operation == "TagUser":
            self._tagged[call.parameters["Tags.member.1.Key"]] = self.now
        if call.operation == "GetAccessKeyLastUsed":
            body = self._last_use(call.parameters["AccessKeyId"], body)
        if call.operation == "ListAccessKeys":
            for key_id, made in self._made.items():
                body = re.sub(
                    rb"(<AccessKeyId>%s<(?:(?!</member>).)*<CreateDate>)[^<]*" % key_id.encode(), rb"\g<1>" + self._iso(made), body
                )
        if call.operation == "GetUser":
            for name, moment in self._tagged.items():
                body = re.sub(rb"(<Key>%s</Key><Value>)[^<]*" % name.encode(), rb"\g<1>" + self._iso(moment), body)
        headers = tuple((name, value) for name, value in answer.headers if name.lower() != "content-encoding")
        return Response(answer.status, headers, body)

    def _last_use(self, key_id, body):
        if key_id not in self._used:
            return body
        moment, service = self._used[key_id]
        use = (
            b"<AccessKeyLastUsed><LastUsedDate>%s</LastUsedDate><ServiceName>%s</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>"
        )
        return re.sub(rb"<AccessKeyLastUsed>.*</AccessKeyLastUsed>", use % (self._iso(moment), service.encode()), body, flags=re.DOTALL)

    def _iso(self, moment):
        return datetime.fromtimestamp(moment - self.offset.value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def advance(offset, paths, seconds):
    """Let time pass for a clock and for files."""
    with offset.get_lock():
        offset.value += seconds
        for path in paths:
            if path.exists():
                status = path.stat()
                os.utime(path, (status.st_atime, status.st_mtime - seconds))
