# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-playbook`` and the modules on localhost without the time that Python takes to import them.

Two processes import all there is to import once, and fork for each run. A run is a process of its own still, with its own
environment, and so is each module: what is saved is reading and compiling. ``ANSIBLE_TESTS_COLD=1`` starts everything anew.
"""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

LIVE = {
    "ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_CALLBACKS_ENABLED",
    "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP", "ANSIBLE_SSH_EXECUTABLE", "ANSIBLE_CONNECTION_PLUGINS", "ANSIBLE_FORKS",
}  # fmt: skip
"""Variables that Ansible reads when it runs, or that are the same in all runs. With any other, Ansible must be started anew."""


def suits(environment: Mapping[str, str], usual: Mapping[str, str]) -> bool:
    """Return whether a run with ``environment`` is the same when it is forked."""
    same = ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_CALLBACKS_ENABLED")
    return (
        "ANSIBLE_TESTS_COLD" not in os.environ
        # Whoever looks for processes by what is in their environment finds those of a new start alone.
        and "SCRATCH" not in environment
        and {name for name in environment if name.startswith("ANSIBLE_")} <= LIVE
        and all(environment.get(name) == usual[name] for name in same)
    )


class Warm:
    """The two processes. They end with this one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        said = self._server.stdout.readline()
        assert said, "the process that imports Ansible ended"
        self._place: str = json.loads(said)["playbooks"]

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        on_start: Optional[Callable[[int], None]],
    ) -> Tuple[int, str, str]:
        """Run ``ansible-playbook`` with arguments; return its status, standard output and standard error."""
        with socket.socket(socket.AF_UNIX) as place, open(os.devnull) as nothing:
            place.settimeout(timeout)
            place.connect("\0" + self._place)
            out, said = _reader()
            err, complained = _reader()
            request = {"arguments": list(arguments), "environment": dict(environment), "cwd": os.getcwd()}
            send(place, request, [nothing.fileno(), out, err])
            os.close(out)
            os.close(err)
            answers = place.makefile()
            pid = json.loads(answers.readline())["pid"]
            if on_start:
                on_start(pid)
            try:
                status = json.loads(answers.readline())["status"]
            except TimeoutError:
                from tests.support.playbook import kill_session

                kill_session(pid)
                raise subprocess.TimeoutExpired(list(arguments), timeout, said(), complained()) from None
            return status, said(), complained()


def _reader() -> Tuple[int, Callable[[], str]]:
    """Return a descriptor to write to, and a function that waits for its end and returns what was written."""
    reading, writing = os.pipe()
    parts: List[bytes] = []

    def read() -> None:
        with open(reading, "rb") as file:
            parts.append(file.read())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()

    def text() -> str:
        # A service that the run started may hold the other end for as long as it lives.
        thread.join(5)
        return b"".join(parts).decode("utf-8", "replace")

    return writing, text


def send(place: socket.socket, request: Dict[str, Any], descriptors: Sequence[int]) -> None:
    """Send a request and three open files."""
    place.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])
    place.sendall(json.dumps(request).encode() + b"\n")
