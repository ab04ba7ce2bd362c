# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of a module that calls AWS and no host, where it may do the module's work in the controller's own process."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Mapping

from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._reconcile import Resource
from .aws_action import AwsAction
from .controller import as_a_module_gets_it, run_module, tells_invocation, would_run_here


class AwsModuleAction(AwsAction):
    """The module's own class, without the module's start, and with a terminal to say on what is waited for.

    Everywhere else than on the controller the module itself runs.
    """

    resource: Callable[[Any], Resource]
    """The module's class. It is given this plugin in the place of an ``AnsibleAWSModule``."""
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        if self._lists_calls() or not would_run_here(self, task_vars):
            return run_module(self, task_vars)
        self._task.args = as_a_module_gets_it(self._task.args)
        result = super().run(tmp, task_vars)
        if tells_invocation(task_vars):
            # Under -vvv Ansible shows the options of a module, and it shows no value that no_log hides.
            result["invocation"] = {"module_args": self._options}
        told: Dict[str, Any] = remove_values(result, self._secrets(self._options))
        return told

    def _lists_calls(self) -> bool:
        """Return whether the result is to list the API calls: amazon.aws's modules can do that, its plugins cannot."""
        own: Dict[str, Any] = {}
        self._compute_environment_string(own)
        wanted = self._task.args.get("debug_botocore_endpoint_logs", {**os.environ, **own}.get("ANSIBLE_DEBUG_BOTOCORE_LOGS", False))
        return bool(boolean(wanted, strict=False))

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        return options

    def _converges(self, wanted: Mapping[str, Any]) -> Resource:  # noqa: ARG002
        return self.resource(self)

    @property
    def params(self) -> Dict[str, Any]:
        """The options by the name that a module has them under."""
        return self._options
