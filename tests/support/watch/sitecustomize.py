# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep a copy of every file that a Python process removes, so that a test can search what was there for a moment only.

Python loads this by its name from PYTHONPATH, or from the folder of the distribution's packages. Copies go to WATCH_REMOVED, by default
``/var/tmp/watch-removed``, when that folder exists.
"""

import os
import stat
import sys
import time
from typing import Any, Sequence

KEEP = os.environ.get("WATCH_REMOVED", "/var/tmp/watch-removed")  # noqa: S108  (a folder of the test's own)


def _copy(event: str, arguments: Sequence[Any]) -> None:
    if event not in ("os.remove", "os.truncate") or not os.path.isdir(KEEP):
        return
    path, folder = arguments[0], arguments[1] if len(arguments) > 1 else -1
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str):
        return
    if isinstance(folder, int) and folder >= 0:
        path = f"/proc/self/fd/{folder}/{path}"
    if path.startswith(KEEP):
        return
    try:
        # Opening a pipe would wait for its other end.
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return
        with open(path, "rb") as removed:
            content = removed.read()
    except OSError:
        return
    # Not by tempfile: it may hold its lock while it removes what brought us here.
    with open(f"{KEEP}/{os.getpid()}-{time.monotonic_ns()}", "xb") as kept:
        kept.write(os.fsencode(path) + b"\n" + content)


sys.addaudithook(_copy)
