# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine as several hosts, each in a folder of its own below ``ROOMS`` that stands for ``/`` where the SSM agent is concerned.

A host whose folder holds ``fails`` loses the connection: at a request whose ``do`` the file names, ``before`` or ``after`` it was done.
"""

from __future__ import annotations

import os
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: room
short_description: local, in a folder
description:
  - Test support. Not part of the collection.
author: HybridOps contributors
options: {}
"""

PLACES = ("/etc/amazon/", "/etc/systemd/", "/var/lib/amazon/", "/var/log/amazon/", "/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent/")


class Connection(Local):
    transport = "room"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        root = f"{os.environ['ROOMS']}/{self._play_context.remote_addr}"
        for place in PLACES if in_data else ():
            in_data = in_data.replace(b'"' + place.encode(), b'"' + (root + place).encode())
        fails = Path(root, "fails")
        what, _space, when = fails.read_text().partition(" ") if fails.exists() else ("", "", "")
        ours = bool(what and in_data and f'"do": "{what}"'.encode() in in_data)
        if ours and when == "before":
            raise AnsibleConnectionFailure("connection dropped")
        answer = super().exec_command(f"PATH={root}/bin:$PATH {cmd}", in_data, sudoable)
        if ours and when == "after":
            raise AnsibleConnectionFailure("connection dropped")
        return answer

    def reset(self):
        pass
