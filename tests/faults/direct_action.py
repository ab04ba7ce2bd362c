# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action plugin without Ansible around it: its own rules, clients and resource, and this machine as its host.

Used by the process of ``direct``. A host in a folder has its connection from ``connections/cut.py``, as in a run of Ansible.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Mapping

PLUGINS = Path(__file__).resolve().parents[2] / "plugins" / "action"


def is_action(name: str) -> bool:
    """Tell whether a module's name is that of an action plugin."""
    return (PLUGINS / f"{name.rpartition('.')[2]}.py").is_file()


def prepare() -> None:
    """Import what runs use."""
    for file in PLUGINS.glob("*.py"):
        importlib.import_module(f"ansible_collections.hybridops.aws_agents.plugins.action.{file.stem}")


def perform(action: str, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Do what the plugin does in a task with these options, and return its result."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
    from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
    from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import converge_action

    base = importlib.import_module(f"ansible_collections.hybridops.aws_agents.plugins.action.{action.rpartition('.')[2]}").ActionModule
    plugin = type("Here", (_Here, base), {})(options)
    given = ArgumentSpecValidator({**aws_argument_spec(), **base.arguments}, **base.constraints).validate(dict(options))
    assert not given.error_messages, given.error_messages
    plugin._options = given.validated_parameters
    wanted = plugin._rules({**plugin._options, "region": plugin.region}, {"inventory_hostname": "web1"})
    resource = plugin._converges(wanted)
    result = converge_action(plugin, resource)
    return dict(result, unreachable=True) if getattr(resource, "unreachable", False) and result.get("failed") else result


class _Here:
    """What a plugin is when there is no Ansible: options, and a host's command line."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._task = SimpleNamespace(check_mode=False, diff=False, args=dict(options), async_val=0)
        self._loader = SimpleNamespace()
        self._python = sys.executable
        self._connection = SimpleNamespace(reset=lambda: None)

    def _on_host(self, command: str, data: bytes) -> Dict[str, Any]:
        def execute(data: bytes) -> Dict[str, Any]:
            done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
            return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

        if "CUT_FOLDER" not in os.environ:
            return execute(data)
        from tests.faults.connections.cut import carried

        return dict(carried(os.getpid(), data, execute))
