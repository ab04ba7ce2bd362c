# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes each result of a run as one line of JSON, as the runner saw it, ``no_log`` applied."""

from __future__ import annotations

DOCUMENTATION = """
name: record
type: notification
short_description: Write results as JSON lines
description: Test support. Not part of the collection.
options:
  path:
    description: The file to append to.
    type: path
    required: true
    env: [{name: RECORD_RESULTS_TO}]
"""

import json
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def _record(self, outcome: str, result: Any) -> None:
        row = {
            "outcome": outcome,
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "action": result._task.action,
            # _dump_results removes internals and invocation, as the built-in callbacks do before they print. It leaves the diff out too.
            "result": json.loads(self._dump_results(result._result)),
        }
        if "diff" in result._result:
            row["result"]["diff"] = json.loads(json.dumps(result._result["diff"], default=str))
        with open(self.get_option("path"), "a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        row = {"stats": {host: stats.summarize(host) for host in sorted(stats.processed)}, "custom": stats.custom}
        with open(self.get_option("path"), "a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
