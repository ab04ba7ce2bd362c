# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, stores and ends the access key that all hosts share. It works on AWS and the store alone, and contacts no host."""

from __future__ import annotations

from typing import Any, Mapping

from ..module_utils._model.shared_key import SharedRules
from ..module_utils._model.shared_key_options import ARGUMENT_SPEC, place, shared_rules
from ..plugin_utils.aws_action import AwsAction
from ..plugin_utils.controller import vault_secrets
from ..plugin_utils.key_store import open_store
from ..plugin_utils.shared_access_key import SharedAccessKey


class ActionModule(AwsAction):
    """The store is opened before anything is read."""

    ansible_name = "hybridops.aws_agents.shared_access_key"
    _requires_connection = False
    arguments = ARGUMENT_SPEC

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> SharedRules:
        return shared_rules(options, task_vars)

    def _converges(self, wanted: SharedRules) -> SharedAccessKey:
        store = open_store(place(self._options["store"], writes=True), self.client, vault_secrets(self), wanted.keys.owned_by)
        return SharedAccessKey(wanted, self._options, self.client, store)
