# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands an access key over to a host: made, verified, delivered and proven from the controller, in one task."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase

from ..module_utils._host.channel import Channel
from ..module_utils._model.access_key import Rules
from ..module_utils._model.errors import InputError
from ..module_utils._model.key_options import ARGUMENT_SPEC, rules
from ..module_utils._model.shared_key_options import place
from ..module_utils._reconcile import converge_action
from ..plugin_utils.access_key import HostAccessKey
from ..plugin_utils.controller import host_python, laid_over, vault_secrets
from ..plugin_utils.key_store import open_store
from ..plugin_utils.shared_host_key import StoredHostKey

with suppress(ImportError):  # require_aws_sdk says so
    import boto3  # noqa: F401  pylint: disable=unused-import  # imported once by the parent, shared by its forks


class ActionModule(AWSPluginBase, ActionBase):
    """Reads the options, makes sure that a secret can travel, and leaves the rest to the resource."""

    ansible_name = "hybridops.aws_agents.host_access_key"
    _requires_connection = True
    _options: Dict[str, Any]

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        result = super().run(tmp, task_vars)
        self._refuse_unsafe()
        environment: Dict[str, Any] = {}
        self._compute_environment_string(environment)
        with laid_over(environment):
            self._options = self.validate_argument_spec(dict(aws_argument_spec(), **ARGUMENT_SPEC))[1]
            try:
                wanted = rules(dict(self._options, region=self.region))
                self.require_aws_sdk()
            except (InputError, AnsibleBotocoreError) as error:
                raise AnsibleActionFail(str(error)) from error
            python, facts = host_python(self, task_vars)
            resource = self._resource(wanted, Channel(self._on_host, python))
            result.update(converge_action(self, resource))
        if resource.unreachable and result.pop("failed", False):
            result["unreachable"] = True
        if facts:
            result["ansible_facts"] = facts
        return result

    def _resource(self, wanted: Rules, channel: Channel) -> HostAccessKey:
        """Return what is converged: a key of the host's own, or the one in a store."""
        reach = wanted, self._options, self.client, channel, self._on_host, self._connection.reset
        if not self._options.get("store"):
            return HostAccessKey(*reach)
        try:
            store = open_store(place(self._options["store"], writes=False), self.client, vault_secrets(self), wanted.owned_by)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        return StoredHostKey(*reach, store, self._options.get("stored_key_id") or "")

    def get_options(self) -> Dict[str, Any]:
        """Return the task's options, validated; what ``AWSPluginBase`` makes its clients from."""
        return self._options

    def _on_host(self, command: str, data: bytes) -> Dict[str, Any]:
        said: Dict[str, Any] = self._low_level_execute_command(command, in_data=data)
        return said

    def _refuse_unsafe(self) -> None:
        """Refuse, before a key is made, what a secret could not pass or would stay in."""
        transport = self._connection.transport
        if getattr(self._connection._shell, "SHELL_FAMILY", "") in ("powershell", "cmd"):
            raise AnsibleActionFail("host_access_key works on hosts with a POSIX shell and Python; Windows hosts are not supported.")
        if not self._connection.has_pipelining:
            raise AnsibleActionFail(
                f"Connection {transport} does not pass standard input to commands (has_pipelining is false), "
                "and a secret travels no other way. Use ssh, or local."
            )
        if constants.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"):
            raise AnsibleActionFail("ANSIBLE_KEEP_REMOTE_FILES (keep_remote_files) is set: switch it off where secrets are handed over.")
