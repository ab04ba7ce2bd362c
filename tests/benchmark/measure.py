# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run of ``ansible-playbook`` costs: seconds, API calls at the wire, memory, executions on hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from tests.support.playbook import clean_environment
from tests.support.recording_proxy import Call, Forward, Handler, RecordingProxy, Response

HERE = Path(__file__).parent
PLAYBOOKS = HERE / "playbooks"


class RunFailed(Exception):
    """A playbook of the benchmark failed. The text is its first errors, or the end of what it said."""


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    seconds: float
    calls: int
    """API calls, polls left out."""
    writes: int
    polls: int
    """Reads that only wait, see ``count``."""
    memory_mb: float
    """The most that one process of the run held."""
    tasks: int
    trips: int
    """Commands and files that went to hosts."""
    modules: int
    """Those that ran a module. Over ssh each one does, since it is pipelined."""
    operations: Dict[str, int]


def delayed(seconds: float) -> Handler:
    """Return a handler that makes each call slower, as a network does."""

    def handle(call: Call, forward: Forward) -> Response:
        time.sleep(seconds)
        return forward()

    return handle


def count(calls: List[Call]) -> Tuple[List[Call], List[Call]]:
    """Return the calls that do work, and the polls: reads that wait for what was written, and repeat one of before, word by word.

    That is the call before it, or any since the last write. A run that writes nothing waits for nothing, and what it asks twice it asks
    for two. Hosts that take turns do so with keys of their own, so each key is looked at alone.
    """
    if not any(call.write for call in calls):
        return calls, []
    work: List[Call] = []
    polls: List[Call] = []
    read: Dict[str, List[Tuple[str, str, bytes]]] = {}
    wrote = set()
    for call in calls:
        words = (call.method, call.path, call.body)
        since = read.setdefault(call.access_key_id, [])
        if call.write:
            since.clear()
            wrote.add(call.access_key_id)
        waits = not call.write and words in (since if call.access_key_id in wrote else since[-1:])
        (polls if waits else work).append(call)
        since.append(words)
    return work, polls


def run(playbook: str, scratch: Path, proxy: RecordingProxy, environment: Mapping[str, str], inventory: Any, **variables: Any) -> Cost:
    """Run a playbook of the benchmark in a process of its own, started as a user starts it.

    :raises RunFailed: when it fails.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    files = {"inventory": inventory, "variables": variables}
    for name, data in files.items():
        (scratch / f"{name}.json").write_text(json.dumps(data))
    trips = scratch / "trips"
    trips.unlink(missing_ok=True)
    results = scratch / "results.jsonl"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(scratch / "inventory.json"), "-e", f"@{scratch / 'variables.json'}"]
    given = {
        **clean_environment(scratch),
        **environment,
        "AWS_ENDPOINT_URL": proxy.url,
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
        "ANSIBLE_FORKS": "10",
        "COUNTED_TRIPS_TO": str(trips),
        "ROUND_TRIPS_CALLS": str(trips),
        "RECORD_RESULTS_TO": str(results),
    }
    proxy.clear()
    with (scratch / "output").open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen([*command, str(PLAYBOOKS / playbook)], env=given, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = (scratch / "output").read_text()
        why = [line for line in said.splitlines() if line.startswith(("[ERROR]", "fatal:"))]
        raise RunFailed(f"{playbook} ended with {process.returncode}:\n" + "\n".join(why[:5] or [said[-4000:]]))
    work, polls = count(proxy.calls)
    sent = Counter(trips.read_text().split()) if trips.exists() else Counter()
    return Cost(
        seconds=round(seconds, 3),
        calls=len(work),
        writes=sum(call.write for call in work),
        polls=len(polls),
        memory_mb=round(usage.ru_maxrss / 1024, 1),
        tasks=sum("stats" not in json.loads(line) for line in results.read_text().splitlines()),
        trips=sum(sent.values()),
        modules=sum(sent.values()) - sent["command"] - sent["file"],
        operations=dict(sorted(Counter(map(str, work)).items())),
    )
