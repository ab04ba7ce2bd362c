# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands an access key over to a host: made, verified, delivered and proven from the controller, in one task."""

from __future__ import annotations

from typing import Any, Mapping

from ..module_utils._model.access_key import Rules
from ..module_utils._model.key_options import ARGUMENT_SPEC, rules
from ..module_utils._model.shared_key_options import place
from ..plugin_utils.access_key import HostAccessKey
from ..plugin_utils.aws_action import AwsAction
from ..plugin_utils.controller import vault_secrets
from ..plugin_utils.key_store import open_store
from ..plugin_utils.shared_host_key import StoredHostKey


class ActionModule(AwsAction):
    """A key of the host's own, or the one in a store."""

    ansible_name = "hybridops.aws_agents.host_access_key"
    _requires_connection = True
    arguments = ARGUMENT_SPEC
    travels = "a secret"
    secret = True

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Rules:  # noqa: ARG002
        return rules(options)

    def _converges(self, wanted: Rules) -> HostAccessKey:
        reach = wanted, self._options, self.client, self._channel(), self._on_host, self._connection.reset
        if not self._options.get("store"):
            return HostAccessKey(*reach)
        store = open_store(place(self._options["store"], writes=False), self.client, vault_secrets(self), wanted.owned_by)
        return StoredHostKey(*reach, store, self._options.get("stored_key_id") or "")
