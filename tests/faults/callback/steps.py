# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes down with which options the collection's own tasks ran, those of action plugins too."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: steps
type: notification
short_description: Write down the options of tasks
description:
  - Test support. Not part of the collection.
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "steps"

    def v2_runner_on_ok(self, result: Any) -> None:
        if result._task.action.startswith("hybridops.aws_agents."):
            row = [result._task.get_name(), result._task.action, dict(result.task_fields["args"])]
            with open(os.environ["STEPS_TO"], "a", encoding="utf-8") as lines:
                lines.write(json.dumps(row, default=str) + "\n")
