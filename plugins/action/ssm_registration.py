# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a host a hybrid node of Systems Manager: activation made, host registered, activation deleted, node online, in one task."""

from __future__ import annotations

from typing import Any, Mapping

from ..module_utils._host.channel import SSM_AGENT
from ..module_utils._model.registration.options import ARGUMENT_SPEC, rules
from ..module_utils._model.registration.state import Rules
from ..plugin_utils.aws_action import AwsAction
from ..plugin_utils.ssm_registration import SsmRegistration


class ActionModule(AwsAction):
    """The code of an activation is a secret, though it lives for minutes."""

    ansible_name = "hybridops.aws_agents.ssm_registration"
    _requires_connection = True
    arguments = ARGUMENT_SPEC
    travels = "the code of an activation"
    secret = True

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Rules:
        return rules(options, str(task_vars.get("inventory_hostname", "")))

    def _converges(self, wanted: Rules) -> SsmRegistration:
        return SsmRegistration(wanted, self._options, self.client, self._channel(SSM_AGENT), self._connection.reset)
