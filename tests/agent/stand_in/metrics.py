# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collecting data points and pushing them to CloudWatch, each at its interval."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from . import paths
from .aws import Client
from .errors import AwsError
from .log import Log, Sent
from .measure import Datum, measure

ATTEMPTS = 5
BACKOFF_SECONDS = 0.2
LONGEST_BACKOFF_SECONDS = 60.0
STOP_SECONDS = 20.0
SEQUENCE = "stand_in_sequence"
RETRIED = ("LimitExceeded", "InternalServiceError")


@dataclass(frozen=True)
class Settings:
    namespace: str
    interval: float
    flush_interval: float
    plugins: Tuple[Tuple[str, List[str]], ...]
    dimensions: Tuple[Tuple[str, str], ...]


def settings(tables: Mapping[str, Any]) -> Settings:
    """Return what the agent's TOML says of metrics."""
    agent, output = tables["agent"], tables["outputs"]["cloudwatch"]
    return Settings(
        output["namespace"],
        float(agent["interval"].rstrip("s")),
        float(output["force_flush_interval"].rstrip("s")),
        tuple((each["name"], each["measurement"]) for each in tables["inputs"].get("metrics", [])),
        () if agent["omit_hostname"] else (("host", agent["hostname"] or socket.gethostname()),),
    )


class Metrics:
    """Two threads, one that collects and one that pushes, and one more for each batch on its way."""

    def __init__(self, chosen: Settings, client: Client, log: Log, sent: Sent, stop: threading.Event) -> None:
        self._settings, self._client, self._log, self._sent, self._stop = chosen, client, log, sent, stop
        self._pending: List[Datum] = []
        self._lock = threading.Lock()
        self._retries = 0
        self._batches: List[threading.Thread] = []
        self._threads = [
            threading.Thread(target=self._each, args=(self._collect, chosen.interval, 0.0), daemon=True),
            threading.Thread(target=self._each, args=(self._push, chosen.flush_interval, chosen.flush_interval), daemon=True),
        ]

    def start(self) -> None:
        interval = f"{self._settings.flush_interval:g}s"
        self._log.say(f"I! cloudwatch: publish with ForceFlushInterval: {interval}, Publish Jitter: 0s")
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Push what is left, and wait for all batches, but not for ever."""
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if paths.setting("STAND_IN_FLUSH_ON_STOP") != "no":
            self._push()
        for batch in self._batches:
            batch.join(max(0.0, deadline - time.monotonic()))

    def _each(self, do: Any, interval: float, first: float) -> None:
        due = time.monotonic() + first
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            do()
            due += interval

    def _collect(self) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        dimensions = self._settings.dimensions
        data = list(measure(list(self._settings.plugins), now, dimensions))
        with self._lock:
            data.append(Datum(SEQUENCE, _next_sequence(), "None", now, dimensions))
            self._pending += data

    def _push(self) -> None:
        with self._lock:
            batch, self._pending = self._pending, []
        if batch:
            self._batches = [each for each in self._batches if each.is_alive()]
            self._batches.append(threading.Thread(target=self._write, args=(batch,), daemon=True))
            self._batches[-1].start()

    def _write(self, batch: List[Datum]) -> None:
        """Send a batch, or drop it: only two of AWS's errors are worth another try to this agent."""
        request = put_metric_data(self._settings.namespace, batch)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                key, _answer = self._client.query("PutMetricData", "2010-08-01", request)
            except AwsError as error:
                if error.code in RETRIED:
                    self._log.say(f"W! cloudwatch: PutMetricData, error: {error.code}, message: {error.message}")
                    if attempt < ATTEMPTS:
                        self._back_off()
                        continue
                else:
                    cause = error.cause or "<nil>"
                    self._log.say(f"E! cloudwatch: code: {error.code}, message: {error.message}, original error: {cause}")
                self._record(batch, error.access_key_id, "dropped", error.code, attempt)
                self._back_off()
                self._log.say(f"E! cloudwatch: WriteToCloudWatch failure, err:  {error}")
            else:
                self._retries = 0
                self._record(batch, key, "sent", "", attempt)
            return

    def _back_off(self) -> None:
        seconds = BACKOFF_SECONDS * 2**self._retries if self._retries <= ATTEMPTS else LONGEST_BACKOFF_SECONDS
        seconds = seconds / 2 + random.random() * seconds / 2  # noqa: S311
        self._log.say(f"W! cloudwatch: {self._retries} retries, going to sleep {seconds * 1000:.0f} ms before retrying.")
        self._retries += 1
        self._stop.wait(seconds)

    def _record(self, batch: List[Datum], key: str, outcome: str, code: str, attempts: int) -> None:
        self._sent.add(
            {
                "kind": "metrics",
                "key": key,
                "outcome": outcome,
                "code": code,
                "attempts": attempts,
                "sequences": [int(each.value) for each in batch if each.name == SEQUENCE],
                "count": len(batch),
                "target": self._settings.namespace,
            }
        )


def put_metric_data(namespace: str, batch: List[Datum]) -> Dict[str, str]:
    """Return the form fields of a PutMetricData request."""
    fields = {"Namespace": namespace, "StrictEntityValidation": "false"}
    for number, datum in enumerate(batch, 1):
        member = f"MetricData.member.{number}"
        fields[f"{member}.MetricName"] = datum.name
        fields[f"{member}.Value"] = repr(float(datum.value))
        fields[f"{member}.Unit"] = datum.unit
        fields[f"{member}.Timestamp"] = datum.timestamp
        for place, (name, value) in enumerate(datum.dimensions, 1):
            fields[f"{member}.Dimensions.member.{place}.Name"] = name
            fields[f"{member}.Dimensions.member.{place}.Value"] = value
    return fields


def _next_sequence() -> int:
    """Count one further, and keep the count across restarts."""
    try:
        number = int(paths.SEQUENCE.read_text(encoding="ascii")) + 1
    except FileNotFoundError:
        number = 1
    new = paths.SEQUENCE.with_suffix(".new")
    new.write_text(f"{number}\n", encoding="ascii")
    os.replace(new, paths.SEQUENCE)
    return number
