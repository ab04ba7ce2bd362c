# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints a run as one document of JSON, as the callback ``ansible.posix.json`` does, and leaves nothing out of a result."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List

from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = """
name: whole
type: stdout
short_description: Print all of a run as JSON
description: Test support. Not part of the collection.
extends_documentation_fragment: [default_callback]
"""


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "whole"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._all: List[Dict[str, Any]] = []

    def _keep(self, event: str, result: Any) -> None:
        task = result._task
        self._all.append({"event": event, "host": result._host.get_name(), "task": task.get_name(), "result": result._result})

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep("ok", result)
        super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep("failed", result)
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._keep("unreachable", result)
        super().v2_runner_on_unreachable(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._keep("item ok", result)
        super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._keep("item failed", result)
        super().v2_runner_item_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        super().v2_playbook_on_stats(stats)
        sys.stdout.write(json.dumps(self._all, default=repr) + "\n")
