# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose process is killed or stands still at a step of a delivery, and whose connection drops, cuts, or adds noise."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from ansible.errors import AnsibleConnectionFailure

from tests.faults.rotation import Rotation, ThisMachine

CUTTER = Path(__file__).with_name("cut_python.py")


@dataclass(frozen=True)
class Cut:
    """What happens to one command of a run.

    ``kill``: the process ends. ``kill, gone``: so does the host, for the rest of the run. ``stop``: it stands still, the connection drops,
    and it goes on after the run. ``stop, late``: it goes on after the run that follows. ``stop, long``: an hour later. ``signal, SIGINT``:
    the run on the controller gets the signal, and the host knows nothing of it. ``in``: of what is sent, so many bytes come there.
    ``out``: of what it says, so many bytes come back. ``noise``, ``garbled``: it comes back as that number of ``NOISE`` or ``GARBLED``.
    """

    how: str = ""
    at: int = -1


NOISE = (
    b"Welcome to web1!\n%s",
    b"\x1b[31mWe trust you have received the usual lecture\x1b[0m: %s",
    b"%slogout\n",
    b"\xff\xfe no UTF-8 \n%s",
    b"HYBRIDOPS-ANSWERS \n%s",
    b"\r\n%s\r\n",
)
"""What leaves an answer that can be understood."""
_MARK = b"HYBRIDOPS-ANSWER "
GARBLED: Tuple[Callable[[bytes], bytes], ...] = (
    lambda said: said.replace(_MARK, b"HYBRIDOPS "),
    lambda said: said.replace(b'"', b"'"),
    lambda said: said.replace(b"{", b"[").replace(b"}", b"]"),
    lambda said: said.replace(b"true", b"yes"),
    lambda _said: _MARK + b"5\n",
)
"""What makes an answer one that cannot be understood."""


class CutHost(ThisMachine):
    """This machine, with one command that goes wrong.

    :param scratch: where steps are written down, and the processes that stand still.
    """

    def __init__(self, path: Path, scratch: Path, cut: Cut = Cut(), do: str = "deliver") -> None:
        self.path, self.scratch, self.cut, self.do = path, scratch, cut, do
        self.python = f"{sys.executable} -I {CUTTER}"
        self._gone = False

    def execute(self, command: str, data: bytes) -> Dict[str, Any]:
        if self._gone:
            raise AnsibleConnectionFailure("no route to host")
        ours = f'"do": "{self.do}"'.encode() in data
        how, _comma, then = self.cut.how.partition(", ")
        at = self.cut.at if ours and how in ("kill", "stop", "signal") else -1
        sent = data[: self.cut.at] if ours and how == "in" else data
        more = {
            "CUT_AT": str(at), "CUT_HOW": "kill" if how == "kill" else "stop", "CUT_FOLDER": str(self.scratch / "etc"), "CUT_DO": self.do,
            "CUT_LOG": str(self.scratch / "steps"), "CUT_LONG": "yes" if then == "long" else "",
        }  # fmt: skip
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **more}, start_new_session=True)  # fmt: skip
        if ours and how == "stop":
            _send(process, sent)
            if _stands_still(process.pid):
                (self.scratch / "still").write_text(str(process.pid))
                raise AnsibleConnectionFailure("connection dropped")
        if ours and how == "signal":
            _send(process, sent)
            if _stands_still(process.pid):
                os.kill(os.getpid(), signal.Signals[then])
                os.kill(process.pid, signal.SIGCONT)
        out, err = process.communicate(sent if process.stdin else None)
        if ours and then == "gone":
            self._gone = True
            raise AnsibleConnectionFailure("connection dropped")
        if ours:
            out = self._came_back(how, out)
        return {"rc": process.returncode, "stdout": out.decode("utf-8", "replace"), "stderr": err.decode("utf-8", "replace")}

    def _came_back(self, how: str, out: bytes) -> bytes:
        if how == "out":
            return out[: self.cut.at]
        if how == "noise":
            return NOISE[self.cut.at].replace(b"%s", out)
        return GARBLED[self.cut.at](out) if how == "garbled" else out

    def go_on(self) -> None:
        """Let a process that stands still go on, and wait until it has ended."""
        with suppress(FileNotFoundError):
            pid = int((self.scratch / "still").read_text())
            (self.scratch / "still").unlink()
            os.kill(pid, signal.SIGCONT)
            while _state(pid) not in ("Z", ""):
                time.sleep(0.01)


def _send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.write(data)
        process.stdin.close()
    process.stdin = None


def _stands_still(pid: int) -> bool:
    """Wait until a process stands still or has ended; tell which."""
    while (state := _state(pid)) not in ("T", "Z", ""):
        time.sleep(0.01)
    return state == "T"


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


class CutRotation(Rotation):
    """A host and its user. Remembers all secrets that were ever made."""

    def __init__(self, emulator: Any, proxy: Any, scratch: Path) -> None:
        super().__init__(emulator, proxy, scratch)
        self.scratch = scratch
        self.path = self.holder.path = scratch / "etc" / "app" / "credentials"
        self.secrets: List[str] = []
        self.host = CutHost(self.path, scratch)
        handle = self.handle

        def remembering(call: Any, forward: Any) -> Any:
            answer = handle(call, forward)
            self.secrets += [found.decode() for found in re.findall(rb"<SecretAccessKey>([^<]+)<", answer.body)]
            return answer

        proxy.handler = remembering

    def hand_over_long_ago(self) -> str:
        self.path.parent.mkdir(parents=True)
        return str(super().hand_over_long_ago())

    def cut(self, cut: Cut, **rules: Any) -> Dict[str, Any]:
        """Return the result of a run that something happens to on its host."""
        self.host = CutHost(self.path, self.scratch, cut)
        result: Dict[str, Any] = self.run(**rules)
        self.host = CutHost(self.path, self.scratch)
        return result

    def steps(self) -> List[str]:
        """Return the steps of the last delivery that came to its end."""
        return (self.scratch / "steps").read_text().split(",")
