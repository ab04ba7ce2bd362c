# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands, services and texts of a host. Sent there behind ``ground.py``: standard library alone."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from contextlib import suppress

with suppress(ImportError):  # sent as one text, that in front
    from .ground import LARGEST, Conflict, Unfit, make_folders, read, replace, since_boot, started

LONGEST = 180.0
"""Seconds after which a command is ended: it may wait for a network that does not answer."""


def run(command, environment=None, hidden=""):
    """Return a command's status and the end of what it said. Its children end with it when it takes too long.

    :param hidden: an argument of it that is in no answer, whatever it says.
    """
    try:
        # No AnsibleModule has started this: it is sent to the host's Python as it is.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        return {"rc": 127, "stdout": "", "stderr": f"{command[0]}: {error.strerror}"}
    late = ""
    try:
        out, err = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        late = f"\nit was ended after {LONGEST:.0f} s: i/o timeout"
    return {"rc": process.returncode, "stdout": _end(out, hidden), "stderr": _end(err, hidden) + late}


def service(unit):
    """Return whether a unit of systemd is enabled and runs, and since when."""
    names = ("ActiveState", "SubState", "MainPID", "UnitFileState")
    done = run(["systemctl", "show", "--property", ",".join(names), unit])
    said = dict(line.split("=", 1) for line in done["stdout"].splitlines() if "=" in line)
    process = said.get("MainPID", "0")
    start = started(process, time.time() - since_boot())[1] if process != "0" else 0.0
    return {
        "systemd": done["rc"] != 127,
        "status": "/".join(said[name] for name in names[:2] if said.get(name)),
        "running": said.get("ActiveState") == "active",
        "enabled": said.get("UnitFileState") == "enabled",
        "process": process,
        "started": start,
    }


def content(path):
    """Return a file's text and when it was written; nothing for one that is not there.

    :raises Unfit: naming the file, for one that is a link, no file, or too large to be written back whole.
    """
    try:
        data, status = read(path)
    except Unfit as error:
        raise Unfit(f"{path}: {error}") from None
    if len(data) > LARGEST:
        raise Unfit(f"{path}: it is larger than 1 MiB")
    return data.decode("utf-8", "surrogateescape"), status and status.st_mtime


def overwrite(path, text, expected, mode=0o644):
    """Replace a text file; missing folders are made, and a file with nothing in it goes.

    :param expected: checksum of the content that the caller saw.
    :param mode: of a file that is new.
    :raises Conflict: when the content is neither that nor the new one.
    """
    new, there = text.encode("utf-8", "surrogateescape"), os.path.lexists(path)

    def checked(data):
        if hashlib.sha256(data).hexdigest() != expected and data != new:
            raise Conflict("somebody changed it meanwhile")
        return new

    if new:
        make_folders(os.path.dirname(path))
    if new or there:
        replace(path, checked, mode=None if there else mode)


def _end(data, hidden):
    said = data.decode("utf-8", "replace")
    # Before it is cut, so that no part is left.
    return (said.replace(hidden, "***") if hidden else said)[-4000:]
