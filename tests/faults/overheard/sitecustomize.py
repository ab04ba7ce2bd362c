# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write down what a Python process does that a secret could show in: what it starts, logs, makes, opens up, moves and removes.

Python loads this by its name, as it does ``tests/support/watch``, which it loads in turn, and ``tests/support/hurry`` where asked.
Notes are lines of JSON in the folder OVERHEARD, one file for each process; removed files go to WATCH_REMOVED.
"""

import builtins
import io
import json
import os
import re
import stat
import sys
import time
from typing import Any, Dict, List, Sequence

FOLDER = os.environ.get("OVERHEARD", "")
KEPT = os.environ.get("WATCH_REMOVED", "") or "/nowhere"
HERE = os.path.dirname(os.path.abspath(__file__))
REMOVES = re.compile(r"rm -f -r ((?:'[^']+'|[^\s&;>]+)(?: (?:'[^']+'|/[^\s&;>]+))*)")
"""How Ansible has a shell remove its temporary folders, which no hook of Python's sees."""

_open, _os_open, _write = builtins.open, os.open, os.write
_notes: Dict[int, int] = {}
_last: List[Dict[str, str]] = [{}]


def note(**row: Any) -> None:
    handle = _notes.get(os.getpid())
    if handle is None:
        handle = _os_open(f"{FOLDER}/{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        _notes.clear()
        _notes[os.getpid()] = handle
    _write(handle, json.dumps(dict(row, at=time.monotonic_ns()), default=repr).encode() + b"\n")


def _words(given: Any) -> List[str]:
    many = [given] if isinstance(given, (str, bytes, os.PathLike)) else list(given or ())
    return [os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else repr(word) for word in many]


def _environment(given: Any) -> Dict[str, str]:
    """Return what a child gets in its environment, empty when that was noted already."""
    now = {os.fsdecode(name): os.fsdecode(value) for name, value in (os.environ if given is None else given).items()}
    if now == _last[0]:
        return {}
    _last[0] = now
    return now


def _started(arguments: Any, environment: Any) -> None:
    words = _words(arguments)
    for found in REMOVES.finditer(" ".join(words)):
        for root in re.findall(r"'([^']+)'|(/[^\s]+)", found.group(1)):
            _keep(root[0] or root[1])
    note(what="started", words=words, environment=_environment(environment))


def _keep(root: str) -> None:
    """Have all below a folder kept that is about to go."""
    for folder, _folders, names in os.walk(root):
        for name in names:
            sys.audit("os.remove", os.path.join(folder, name), -1)


def _file(what: str, path: Any, **more: Any) -> None:
    try:
        status = os.fstat(path) if isinstance(path, int) else os.lstat(path)
        name = os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else os.path.abspath(os.fsdecode(path))
    except (OSError, TypeError, ValueError):
        return
    if stat.S_ISREG(status.st_mode) and not name.startswith(KEPT):
        note(what=what, path=name, file=[status.st_dev, status.st_ino], mode=stat.S_IMODE(status.st_mode), **more)


def _heard(event: str, arguments: Sequence[Any]) -> None:
    if event == "subprocess.Popen":
        _started(arguments[1], arguments[3])
    elif event in ("os.exec", "os.posix_spawn"):
        _started(arguments[1], arguments[2])
    elif event == "os.system":
        _started([arguments[0]], None)
    elif event == "os.chmod":
        _file("mode", arguments[0], becomes=arguments[1])
    elif event == "os.rename":
        _file("moved", arguments[0], to=os.path.abspath(os.fsdecode(arguments[1])))
    elif event == "os.remove":
        folder = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], int) else -1
        name = os.fsdecode(arguments[0])
        _file("removed", f"/proc/self/fd/{folder}/{name}" if folder >= 0 else name, as_named=name)


def os_open(path: Any, flags: int, *more: Any, **named: Any) -> int:
    handle = _os_open(path, flags, *more, **named)
    if flags & (os.O_WRONLY | os.O_RDWR):
        _file("opened", handle)
    return handle


def opened(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
    made = _open(file, mode, *more, **named)
    if not isinstance(file, int) and set(mode) & set("wax+"):
        _file("opened", made.fileno())
    return made


def _log() -> None:
    """Note each record that some level lets through, and whether it goes anywhere but to memory."""
    import logging

    call = logging.Logger.callHandlers

    def called(self: Any, record: Any) -> None:
        logger, sinks = self, []
        while logger:
            sinks += logger.handlers
            logger = logger.parent if logger.propagate else None
        sinks = [sink for sink in sinks if not isinstance(sink, logging.NullHandler)]
        memory = bool(sinks) and all(isinstance(getattr(sink, "stream", None), io.StringIO) for sink in sinks)
        note(what="logged", logger=record.name, level=record.levelname, text=record.getMessage(), memory=memory)
        call(self, record)

    logging.Logger.callHandlers = called  # type: ignore[method-assign]


def _also(name: str) -> None:
    path = os.path.join(HERE, "..", "..", "support", name, "sitecustomize.py")
    with _open(path, "rb") as source:
        exec(compile(source.read(), path, "exec"), {"__name__": "sitecustomize", "__file__": path})  # noqa: S102


if os.path.isdir(FOLDER):
    if os.environ.get("OVERHEARD_HURRY"):
        _also("hurry")
    _also("watch")
    note(what="is", words=_words(getattr(sys, "orig_argv", sys.argv)), environment=_environment(None))
    sys.addaudithook(_heard)
    os.open = os_open  # type: ignore[assignment]
    builtins.open = io.open = opened  # type: ignore[assignment]
    if not sys.flags.isolated:
        _log()
