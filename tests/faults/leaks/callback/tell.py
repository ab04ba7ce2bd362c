# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that gives secrets away, so that a search can be seen to find them. They come in the file that ``LEAKED_SECRETS`` names."""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: tell
type: aggregate
short_description: Give secrets away
description: Test support. Not part of the collection.
options:
  path:
    description: A file with secrets by where to leave them.
    type: path
    required: true
    env: [{name: LEAKED_SECRETS}]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "tell"

    def v2_playbook_on_stats(self, stats: Any) -> None:
        with open(self.get_option("path")) as file:
            secret = json.load(file)
        if "log" in secret:
            self._display.display(json.dumps(secret["log"]).replace("/", "\\/"), log_only=True)
        if "output" in secret:
            sys.stdout.write(secret["output"].encode().hex() + "\n")
        if "standard error" in secret:
            sys.stderr.write(secret["standard error"][::-1] + "\n")
