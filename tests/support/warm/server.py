# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that have imported everything, and fork. Started by ``Warm``, never imported.

The one for playbooks holds Ansible as on a controller. The one for modules holds what is outside the payloads that Ansible sends, boto3
above all, and remembers what it compiled of payloads, whose code is read from them each time.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable

# The script's own directory would let its neighbours shadow what is imported, and the checkout is no place for a module to look.
sys.path[0] = str(Path(__file__).resolve().parents[3])
from tests.support.warm.preparing import Request, Runner, prepare_modules, prepare_playbooks  # noqa: E402

del sys.path[0]

PARENT_DIES = 1
"""PR_SET_PDEATHSIG of <sys/prctl.h>."""
CLIENT = """#!{python} -IS
import array, json, os, signal, socket, sys
arguments = sys.argv[1:]
known = not arguments or (len(arguments) == 1 and arguments[0][:1] == "/") or (len(arguments) == 3 and arguments[:2] == ["-I", "-c"])
if not known:
    os.execv({python!r}, [{python!r}, *arguments])
place = socket.socket(socket.AF_UNIX)
place.connect({place!r})
place.sendmsg([b"\\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
mask = os.umask(0)
request = dict(arguments=arguments, environment=dict(os.environ), cwd=os.getcwd(), mask=mask)
place.sendall(json.dumps(request).encode() + b"\\n")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _frame: place.sendall(b"%d\\n" % number))
status = int(place.makefile().readline() or 137)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def main() -> None:
    scratch = tempfile.mkdtemp(prefix="aws_agents-warm-")
    name = f"aws_agents-{os.getpid()}-"
    client = Path(scratch) / "python3"
    client.write_text(CLIENT.format(python=sys.executable, place=f"\0{name}modules"))
    client.chmod(0o755)
    parent = os.getpid()
    ready = [
        _fork(lambda written: _serve(name + "modules", prepare_modules(scratch), written), parent),
        _fork(lambda written: _serve(name + "playbooks", prepare_playbooks(str(client), scratch), written), parent),
    ]
    for read in ready:
        if os.read(read, 1) != b"+":
            sys.exit("one of the processes that import ended")
    sys.stdout.write(json.dumps({"playbooks": name + "playbooks"}) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    import shutil

    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


def _fork(serve: Callable[[int], None], parent: int) -> int:
    """Serve in a child that dies with this process. Return where it says that it is ready."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _die_with(parent)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(nothing, number)
        with contextlib.suppress(KeyboardInterrupt):
            serve(writing)
        os._exit(1)
    os.close(writing)
    return reading


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PARENT_DIES, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _serve(name: str, run: Runner, written: int) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0" + name)
    listening.listen(100)
    os.write(written, b"+")
    os.close(written)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        place, _address = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _attend(place, run)
            os._exit(0)
        place.close()


def _attend(place: socket.socket, run: Runner) -> None:
    """Run what one client asks for in a child. Pass signals on to it, and end it with the client."""
    _byte, rights, _flags, _address = place.recvmsg(1, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    descriptors = array.array("i")
    descriptors.frombytes(rights[0][2])
    lines = place.makefile()
    request = json.loads(lines.readline())
    child = os.fork()
    if child == 0:
        # The client's end must be seen to close when the client dies, so nobody else may hold this one.
        os.close(place.fileno())
        _become(request, descriptors)
        run(request)
        os._exit(1)
    for descriptor in descriptors:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        place.sendall(json.dumps({"pid": child}).encode() + b"\n" if "mask" not in request else b"")

    def pass_on() -> None:
        with contextlib.suppress(ProcessLookupError):
            for line in lines:
                os.killpg(child, int(line))
            if "mask" in request:
                os.killpg(child, signal.SIGKILL)

    threading.Thread(target=pass_on, daemon=True).start()
    _pid, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        place.sendall((f"{code}" if "mask" in request else json.dumps({"status": code})).encode() + b"\n")


def _become(request: Request, descriptors: array.array[int]) -> None:
    """Take the client's files, environment and folder, and what a new process would have."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    streams: Any = sys
    for number, name, errors in ((0, "stdin", "surrogateescape"), (1, "stdout", "surrogateescape"), (2, "stderr", "backslashreplace")):
        # Open as long as the process lives.
        stream = open(number, "w" if number else "r", encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        setattr(streams, name, stream)
        setattr(streams, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    os.umask(request.get("mask", 0o022))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    tempfile.tempdir = None
    random.seed()
    if "-I" not in request["arguments"]:
        _customize(os.environ.get("PYTHONPATH", ""))


def _customize(folders: str) -> None:
    for folder in folders.split(os.pathsep) if folders else ():
        sys.path.insert(0, folder)
        file = Path(folder) / "sitecustomize.py"
        if file.exists():
            exec(compile(file.read_text(), str(file), "exec"), {"__name__": "sitecustomize"})  # noqa: S102  (as Python does)


if __name__ == "__main__":
    main()
