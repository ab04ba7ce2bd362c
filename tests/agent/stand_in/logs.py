# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following log files and sending their lines to CloudWatch Logs."""

from __future__ import annotations

import glob
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from . import paths
from .aws import Client
from .errors import AwsError
from .log import Log, Sent

POLL_SECONDS = 1.0
STOP_SECONDS = 20.0
RETRY_DURATION = 14 * 24 * 3600.0
LONG_CODES = ("ServiceUnavailableException", "ThrottlingException", "RequestTimeout", "RequestError")
FINAL_CODES = ("InvalidParameterException", "DataAlreadyAcceptedException")
LONGEST_REQUEST = 1000
RETENTION_ATTEMPTS = 5
PREFIX = "[outputs.cloudwatchlogs]"


@dataclass
class Event:
    path: str
    end: int
    """Where the file is read on when this event has been sent."""
    timestamp: int
    message: str


@dataclass
class Target:
    group: str
    stream: str
    retention: int
    files: List[str]
    """Patterns of paths."""
    queue: List[Event] = field(default_factory=list)
    offsets: Dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.group}/{self.stream}"


def targets(tables: Mapping[str, Any]) -> List[Target]:
    """Return the streams that the agent's TOML names, with the files that go to each."""
    found: Dict[Tuple[str, str], Target] = {}
    for entry in tables["inputs"].get("logfile", []):
        name = (entry["log_group_name"], entry["log_stream_name"])
        target = found.setdefault(name, Target(*name, entry["retention_in_days"], []))
        target.files.append(entry["file_path"])
    return list(found.values())


class Logs:
    """A thread for each stream, which reads and sends, and one that looks after retention."""

    def __init__(self, chosen: List[Target], flush_interval: float, client: Client, log: Log, sent: Sent, stop: threading.Event) -> None:
        self._flush_interval, self._client, self._log, self._sent, self._stop = flush_interval, client, log, sent, stop
        self._threads = [threading.Thread(target=self._follow, args=(target,), daemon=True) for target in chosen]
        self._threads += [threading.Thread(target=self._retain, args=(each, False), daemon=True) for each in chosen if each.retention > 0]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Wait until the threads have sent what they had."""
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _follow(self, target: Target) -> None:
        due = time.monotonic() + self._flush_interval
        while not self._stop.wait(min(POLL_SECONDS, self._flush_interval)):
            _read(target)
            if time.monotonic() >= due:
                self._flush(target)
                due = time.monotonic() + self._flush_interval
        _read(target)
        self._flush(target)

    def _flush(self, target: Target) -> None:
        while target.queue:
            batch, target.queue = target.queue[:LONGEST_REQUEST], target.queue[LONGEST_REQUEST:]
            self._send(target, batch)
            for event in batch:
                _remember(event)

    def _send(self, target: Target, batch: List[Event]) -> None:
        """Send a batch, trying again for days; it ends early when the agent does."""
        events = [{"timestamp": event.timestamp, "message": event.message} for event in batch]
        request = {"logGroupName": target.group, "logStreamName": target.stream, "logEvents": events}
        started, short, long = time.monotonic(), 0, 0
        while True:
            try:
                key, _answer = self._client.json("Logs_20140328.PutLogEvents", request, packed=True)
            except AwsError as error:
                failed = error
            else:
                self._record(target, batch, key, "sent", "", short + long + 1)
                return
            if failed.code in FINAL_CODES:
                self._log.say(f"E! {PREFIX} {failed}, will not retry the request")
                self._record(target, batch, failed.access_key_id, "dropped", failed.code, short + long + 1)
                return
            self._answer(target, failed)
            if failed.code in LONG_CODES or failed.status in (500, 503):
                wait, long = _wait(2.0, 2, long), long + 1
            else:
                wait, short = _wait(0.2, 5, short), short + 1
            tried = short + long - 1
            if time.monotonic() - started + wait > RETRY_DURATION:
                self._log.say(f"E! {PREFIX} All {tried} retries to {target} failed for PutLogEvents, request dropped.")
            else:
                self._log.say(f"W! {PREFIX} Retried {tried} time, going to sleep {_duration(wait)} before retrying.")
                if not self._stop.wait(wait):
                    continue
                self._log.say(f"E! {PREFIX} Stop requested after {tried} retries to {target} failed for PutLogEvents, request dropped.")
            self._record(target, batch, failed.access_key_id, "dropped", failed.code, short + long)
            return

    def _answer(self, target: Target, failed: AwsError) -> None:
        if failed.code != "ResourceNotFoundException":
            self._log.say(f"E! {PREFIX} Aws error received when sending logs to {target}: {failed}")
            return
        try:
            new_group = self._create(target)
        except AwsError as error:
            self._log.say(f"E! {PREFIX} Unable to create log stream {target}: {error}")
            return
        if new_group and target.retention > 0:
            self._retain(target, True)

    def _create(self, target: Target) -> bool:
        """Create the stream, and the group where that is missing.

        :returns: whether the group is new.
        :raises AwsError: when AWS refuses.
        """
        stream = {"logGroupName": target.group, "logStreamName": target.stream}
        try:
            self._make("CreateLogStream", stream)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            self._make("CreateLogGroup", {"logGroupName": target.group})
            self._make("CreateLogStream", stream)
            return True
        return False

    def _make(self, operation: str, fields: Dict[str, str]) -> None:
        try:
            self._client.json(f"Logs_20140328.{operation}", fields)
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    def _retain(self, target: Target, new_group: bool) -> None:
        """Set the group's retention where it is another. A failure is logged, and the data flow on."""
        named = f"{{{target.group} {target.stream}  {target.retention}}}"
        for attempt in range(RETENTION_ATTEMPTS):
            try:
                if new_group or self._retention_differs(target):
                    fields = {"logGroupName": target.group, "retentionInDays": target.retention}
                    self._client.json("Logs_20140328.PutRetentionPolicy", fields)
            except AwsError as error:
                self._log.say(f"E! {PREFIX} failed to batch describe log group retention for targets map[{target.group}:{named}]: {error}")
                if self._stop.wait(2.0**attempt):
                    return
            else:
                return
        self._log.say(f"E! {PREFIX} failed to update retention policy for target {named} after {RETENTION_ATTEMPTS} attempts")

    def _retention_differs(self, target: Target) -> bool:
        fields = {"logGroupIdentifiers": [target.group], "limit": 50}
        _key, answer = self._client.json("Logs_20140328.DescribeLogGroups", fields)
        found = [group for group in answer.get("logGroups", []) if group.get("logGroupName") == target.group]
        return any(group.get("retentionInDays") != target.retention for group in found)

    def _record(self, target: Target, batch: List[Event], key: str, outcome: str, code: str, attempts: int) -> None:
        line = {"kind": "logs", "key": key, "outcome": outcome, "code": code, "attempts": attempts}
        self._sent.add({**line, "sequences": [], "count": len(batch), "target": str(target)})


def _read(target: Target) -> None:
    """Queue the whole lines that files have got since the last time."""
    for path in sorted({path for pattern in target.files for path in glob.glob(pattern, recursive=True)}):
        try:
            with open(path, "rb") as file:
                size = file.seek(0, 2)
                start = target.offsets.get(path, _recall(path))
                start = start if start <= size else 0
                file.seek(start)
                lines = file.read().splitlines(keepends=True)
        except OSError:
            continue
        for line in lines:
            if not line.endswith(b"\n"):
                break
            start += len(line)
            text = line.decode(errors="replace").rstrip("\r\n")
            if text:
                target.queue.append(Event(path, start, int(time.time() * 1000), text))
        target.offsets[path] = start


def _state(path: str) -> Path:
    return paths.LOGS / "state" / path.replace("/", "_")


def _recall(path: str) -> int:
    try:
        return int(_state(path).read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _remember(event: Event) -> None:
    state = _state(event.path)
    state.parent.mkdir(exist_ok=True)
    state.write_text(f"{event.end}\n{event.path}", encoding="utf-8")


def _wait(base: float, steps: int, count: int) -> float:
    longest = base * 2**count if count < steps else 60.0
    return longest / 2 + random.random() * longest / 2  # noqa: S311


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms" if seconds < 1 else f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"
