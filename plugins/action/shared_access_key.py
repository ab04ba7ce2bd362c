# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, stores and ends the access key that all hosts share. It works on AWS and the store alone, and contacts no host."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase

from ..module_utils._model.errors import InputError
from ..module_utils._model.shared_key_options import ARGUMENT_SPEC, place, shared_rules
from ..module_utils._reconcile import converge_action
from ..plugin_utils.controller import laid_over, vault_secrets
from ..plugin_utils.key_store import open_store
from ..plugin_utils.shared_access_key import SharedAccessKey

with suppress(ImportError):  # require_aws_sdk says so
    import boto3  # noqa: F401  pylint: disable=unused-import  # imported once by the parent, shared by its forks


class ActionModule(AWSPluginBase, ActionBase):
    """Reads the options, opens the store, and leaves the rest to the resource."""

    ansible_name = "hybridops.aws_agents.shared_access_key"
    _requires_connection = False
    _options: Dict[str, Any]

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        result = super().run(tmp, task_vars)
        environment: Dict[str, Any] = {}
        self._compute_environment_string(environment)
        with laid_over(environment):
            self._options = self.validate_argument_spec(dict(aws_argument_spec(), **ARGUMENT_SPEC))[1]
            try:
                wanted = shared_rules(dict(self._options, region=self.region), task_vars or {})
                where = place(self._options["store"], writes=True)
                self.require_aws_sdk()
                store = open_store(where, self.client, vault_secrets(self), wanted.keys.owned_by)
            except (InputError, AnsibleBotocoreError) as error:
                raise AnsibleActionFail(str(error)) from error
            result.update(converge_action(self, SharedAccessKey(wanted, self._options, self.client, store)))
        return result

    def get_options(self) -> Dict[str, Any]:
        """Return the task's options, validated; what ``AWSPluginBase`` makes its clients from."""
        return self._options
