# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine as a host in a folder, and a connection that something happens to at one of its commands.

``CUT_FOLDER`` holds what is written down of a run, ``CUT`` is ``how:number``, and ``CUT_ROOT`` the folder in place of ``/``.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: cut
short_description: local, until it is not
description:
  - Test support. Not part of the collection.
author: HybridOps contributors
options: {}
"""

PLACES = ("/etc/amazon/", "/etc/systemd/", "/var/lib/amazon/", "/var/log/amazon/", "/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent/")


class Connection(Local):
    transport = "cut"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        return carried(os.getppid(), in_data, lambda data: super(Connection, self).exec_command(cmd, data, sudoable))

    def reset(self):
        pass


def carried(run, data, execute):
    """Have a command executed with data on its standard input, and let happen what shall.

    :param run: the process that a signal to the run goes to.
    """
    folder, root = Path(os.environ["CUT_FOLDER"]), os.environ.get("CUT_ROOT", "")
    for place in PLACES if data and root else ():
        data = data.replace(b'"' + place.encode(), b'"' + (root + place).encode())
    number = _number(folder / "commands", data)
    how, _colon, at = os.environ.get("CUT", "").partition(":")
    ours = bool(how) and number == int(at)
    if ours and how.startswith("gone"):
        (folder / "gone").touch()
    elif (folder / "gone").exists():
        raise AnsibleConnectionFailure("no route to host")
    if ours and how.endswith("before"):
        _happens(how, run)
    if ours and how in ("SIGINT", "SIGTERM"):
        # What this process has to undo, it does when the run has ended.
        (folder / "pids").write_text(str(os.getpid()))
        os.kill(run, signal.Signals[how])
        time.sleep(0.1)
    answer = execute(data)
    if ours and how.endswith("after"):
        _happens(how, run)
    return answer


def _happens(how, run):
    if not how.startswith("SIGKILL"):
        raise AnsibleConnectionFailure("connection dropped")
    for entry in Path("/proc").glob("[0-9]*/stat"):
        if int(entry.read_text().rpartition(")")[2].split()[1]) == run and int(entry.parent.name) != os.getpid():
            os.kill(int(entry.parent.name), signal.SIGKILL)
    os.kill(run, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _number(path, data):
    """Write a command down; return how many were before it. Commands that pass nothing on standard input are Ansible's own."""
    if not data:
        return -1
    with path.open("a") as commands:
        fcntl.flock(commands, fcntl.LOCK_EX)
        commands.seek(0, os.SEEK_END)
        number = commands.tell()
        commands.write(".")
        return number
