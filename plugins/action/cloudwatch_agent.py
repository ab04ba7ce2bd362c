# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configures the CloudWatch agent of a host, and proves that it sends."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase

from ..module_utils._host.channel import AGENT, Channel
from ..module_utils._model.agent.options import ARGUMENT_SPEC, rules
from ..module_utils._model.errors import InputError
from ..module_utils._reconcile import converge_action
from ..plugin_utils.cloudwatch_agent import CloudWatchAgent
from ..plugin_utils.controller import host_python, laid_over

with suppress(ImportError):  # only a parameter and the check of metrics need it
    import boto3  # noqa: F401  pylint: disable=unused-import  # imported once by the parent, shared by its forks


class ActionModule(AWSPluginBase, ActionBase):
    """Reads the options, makes sure that the host can be asked, and leaves the rest to the resource."""

    ansible_name = "hybridops.aws_agents.cloudwatch_agent"
    _requires_connection = True
    _options: Dict[str, Any]

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        result = super().run(tmp, task_vars)
        self._refuse_unfit()
        environment: Dict[str, Any] = {}
        self._compute_environment_string(environment)
        with laid_over(environment):
            self._options = self.validate_argument_spec(dict(aws_argument_spec(), **ARGUMENT_SPEC))[1]
            try:
                wanted = rules(dict(self._options, region=self.region))
                if wanted.origin[0] == "ssm" or wanted.verify_metrics:
                    self.require_aws_sdk()
            except (InputError, AnsibleBotocoreError) as error:
                raise AnsibleActionFail(str(error)) from error
            python, facts = host_python(self, task_vars)
            resource = CloudWatchAgent(wanted, self._options, self.client, Channel(self._on_host, python, AGENT))
            result.update(converge_action(self, resource))
        if resource.unreachable and result.pop("failed", False):
            result["unreachable"] = True
        if facts:
            result["ansible_facts"] = facts
        return result

    def get_options(self) -> Dict[str, Any]:
        """Return the task's options, validated; what ``AWSPluginBase`` makes its clients from."""
        return self._options

    def _on_host(self, command: str, data: bytes) -> Dict[str, Any]:
        said: Dict[str, Any] = self._low_level_execute_command(command, in_data=data)
        return said

    def _refuse_unfit(self) -> None:
        if getattr(self._connection._shell, "SHELL_FAMILY", "") in ("powershell", "cmd"):
            raise AnsibleActionFail("cloudwatch_agent works on hosts with a POSIX shell and Python; Windows hosts are not supported.")
        if not self._connection.has_pipelining:
            raise AnsibleActionFail(
                f"Connection {self._connection.transport} does not pass standard input to commands (has_pipelining is false), "
                "and what the host is asked travels no other way. Use ssh, or local."
            )
