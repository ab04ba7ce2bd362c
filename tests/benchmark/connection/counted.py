# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This machine as several hosts, with a line for each command and file that goes to one."""

from __future__ import annotations

import os

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: counted
short_description: local, and counted
description:
  - Test support. Not part of the collection.
author: HybridOps contributors
options: {}
"""


class Connection(Local):
    transport = "counted"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        # A module is started by the name of its file, or comes on standard input.
        self._count("module" if in_data or ("AnsiballZ_" in cmd and "chmod" not in cmd) else "command")
        return super().exec_command(cmd, in_data, sudoable)

    def put_file(self, in_path, out_path):
        self._count("file")
        super().put_file(in_path, out_path)

    def fetch_file(self, in_path, out_path):
        self._count("file")
        super().fetch_file(in_path, out_path)

    @staticmethod
    def _count(what):
        with open(os.environ["COUNTED_TRIPS_TO"], "a", encoding="utf-8") as trips:
            trips.write(f"{what}\n")
