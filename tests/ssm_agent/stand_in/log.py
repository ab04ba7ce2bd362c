# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is logged, to the file and to the console, as the agent's default logger writes it: in local time."""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

from . import paths


def info(text: str) -> None:
    _write("INFO", text)


def warn(text: str) -> None:
    _write("WARN", text)


def error(text: str) -> None:
    _write("ERROR", text)


def announce() -> None:
    """Say what each program says first where no ``seelog.xml`` is: nobody makes one, since the package brings a template alone."""
    if not paths.SEELOG.exists():
        say(f"Error occurred fetching the seelog config file path:  open {paths.SEELOG}: no such file or directory")
        say("Initializing new seelog logger")
        say("New Seelog Logger Creation Complete")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _write(level: str, text: str) -> None:
    now = datetime.datetime.now()
    line = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 100:04d} {level} {text}"
    say(line)
    _append(paths.LOG, line)
    if level == "ERROR":
        _append(paths.LOG.with_name("errors.log"), line)


def _append(path: Path, line: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
            file.write(f"{line}\n")
    except PermissionError:
        # A user who may not write the log still gets an answer, as from Amazon's programs.
        return
