# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes about each run of a playbook what it changed, how long it took, and how often each host was called."""

from __future__ import annotations

DOCUMENTATION = """
name: round_trips
type: notification
short_description: Count the executions on each host
description:
  - Test support. Not part of the collection.
  - Works together with count_ssh.sh, which Ansible has to be told to use in place of ssh.
options:
  path:
    description: The file to append to.
    type: path
    required: true
    env: [{name: ROUND_TRIPS_TO}]
"""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "round_trips"

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._started = time.monotonic()
        self._playbook = Path(playbook._file_name).name
        self._calls = Path(f"{self.get_option('path')}.{os.getpid()}")
        # The processes that Ansible forks for its tasks inherit it, and so does ssh.
        os.environ["ROUND_TRIPS_CALLS"] = str(self._calls)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        calls: Counter[str] = Counter(self._calls.read_text().split()) if self._calls.exists() else Counter()
        self._calls.unlink(missing_ok=True)
        row = {
            "playbook": self._playbook,
            "check": bool(context.CLIARGS.get("check")),
            "seconds": round(time.monotonic() - self._started, 2),
            "changed": {host: stats.summarize(host)["changed"] for host in sorted(stats.processed)},
            "round_trips": dict(sorted(calls.items())),
        }
        with open(self.get_option("path"), "a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
