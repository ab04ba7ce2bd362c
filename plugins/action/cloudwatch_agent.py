# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configures the CloudWatch agent of a host, and proves that it sends."""

from __future__ import annotations

from typing import Any, Mapping

from ..module_utils._host.channel import AGENT
from ..module_utils._model.agent.options import ARGUMENT_SPEC, rules
from ..module_utils._model.agent.state import Rules
from ..plugin_utils.aws_action import AwsAction
from ..plugin_utils.cloudwatch_agent import CloudWatchAgent


class ActionModule(AwsAction):
    """AWS is called for a parameter and for the check of metrics alone."""

    ansible_name = "hybridops.aws_agents.cloudwatch_agent"
    _requires_connection = True
    arguments = ARGUMENT_SPEC

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Rules:  # noqa: ARG002
        return rules(options)

    def _calls_aws(self, wanted: Rules) -> bool:
        return wanted.origin[0] == "ssm" or wanted.verify_metrics

    def _converges(self, wanted: Rules) -> CloudWatchAgent:
        return CloudWatchAgent(wanted, self._options, self.client, self._channel(AGENT))
