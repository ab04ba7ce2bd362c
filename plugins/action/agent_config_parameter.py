# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saves the CloudWatch agent's configuration in Parameter Store, with a permission that lasts as long as the save."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ..module_utils._model.agent_parameter import SECURE, Rules
from ..module_utils._model.agent_parameter_options import ARGUMENT_SPEC, LeaseRules, rules, with_config
from ..module_utils._model.errors import InputError
from ..module_utils._reconcile import Resource
from ..plugin_utils.agent_config_parameter import AgentConfigParameter, configuration
from ..plugin_utils.aws_action import AwsAction
from ..plugin_utils.config_lease import Lease
from ..plugin_utils.config_lease_instance import SOURCES, InstanceRole
from ..plugin_utils.config_lease_role import AssumedRole
from ..plugin_utils.config_lease_user import KeyFile, UserKey
from ..plugin_utils.controller import Trap, vault_secrets


class ActionModule(AwsAction):
    """Reads the options, chooses the lease, and leaves the rest to the resource."""

    ansible_name = "hybridops.aws_agents.agent_config_parameter"
    arguments = ARGUMENT_SPEC
    travels = "the configuration"
    _region = ""
    _warned: List[str]

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        # The host is asked in this one way only; for the others it may be anything.
        lease = self._task.args.get("lease")
        self._requires_connection = isinstance(lease, Mapping) and lease.get("via") == "instance"
        return super().run(tmp, task_vars)

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Tuple[Rules, LeaseRules]:  # noqa: ARG002
        wanted, lease = rules(options)
        self._region = options["region"] or ""
        if not self._region:
            raise InputError("region: name the Region in which the parameter lies.")
        self._warned = []
        if wanted.present:
            wanted = with_config(wanted, configuration(options["config"], self._warned, secret=wanted.kind == SECURE))
        return wanted, lease

    def _converges(self, wanted: Tuple[Rules, LeaseRules]) -> Resource:
        parameter, lease = wanted
        return AgentConfigParameter(parameter, self.client, self._region, self._lease(lease), self._warned)

    def _lease(self, wanted: LeaseRules) -> Lease:
        trap = Trap()
        if wanted.via == "assume_role":
            return AssumedRole(wanted, self.client, trap, self._region)
        if wanted.via == "instance":
            return InstanceRole(wanted, self.client, trap, self._channel(SOURCES), self._region)
        if wanted.via == "user":
            sink = KeyFile(wanted.sink, vault_secrets(self)) if wanted.sink else None
            return UserKey(wanted, self.client, trap, self._options, self._region, sink)
        return Lease(wanted, self.client, trap)
