# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every action plugin that calls AWS does before and after its own part."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any, Dict, Mapping, Sequence, Set

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase

from ..module_utils._aws import session
from ..module_utils._host.channel import CREDENTIALS, Channel
from ..module_utils._model.errors import InputError
from ..module_utils._model.host_says import remedy
from ..module_utils._reconcile import Resource, converge_action
from .controller import host_python, laid_over
from .waiting import announce

with suppress(ImportError):  # require_aws_sdk says so, where AWS is to be called
    import boto3  # noqa: F401  pylint: disable=unused-import  # imported once by the parent, shared by its forks


class AwsAction(AWSPluginBase, ActionBase):
    """Reads the options, makes sure that the host can be asked, and converges the resource of a subclass.

    A subclass is named ``ActionModule`` and says what is its own: the attributes, ``_rules`` and ``_converges``.
    """

    ansible_name = ""
    """In full, as a playbook writes it."""
    arguments: Mapping[str, Any] = {}
    """The options without those of the connection to AWS."""
    constraints: Mapping[str, Any] = {}
    """Which options go together, by the names that ``AnsibleModule`` has for that."""
    travels = "what the host is asked"
    """What goes to the host on standard input, in words."""
    secret = False
    """Whether a secret is part of that."""

    _options: Dict[str, Any]
    _python = ""

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        if self._requires_connection:
            self._refuse_unfit()
        environment: Dict[str, Any] = {}
        facts: Dict[str, Any] = {}
        self._compute_environment_string(environment)
        with laid_over(environment):
            self._options = self._validated()
            try:
                wanted = self._rules(dict(self._options, region=self.region), task_vars or {})
                if self._calls_aws(wanted):
                    self.require_aws_sdk()
                if self._requires_connection:
                    self._python, facts = host_python(self, task_vars)
                resource = self._converges(wanted)
                resource.announce = partial(announce, (task_vars or {}).get("inventory_hostname", ""))
            except (InputError, AnsibleBotocoreError) as error:
                raise AnsibleActionFail(str(error)) from error
            result.update(converge_action(self, resource))
        if getattr(resource, "unreachable", False) and result.pop("failed", False):
            result["unreachable"] = True
        if facts:
            result["ansible_facts"] = facts
        return result

    def _validated(self) -> Dict[str, Any]:
        """Return the options, each under its name alone, with their defaults.

        ``ActionBase.validate_argument_spec`` hands the options to its error, and Ansible shows them there as they are, keys too.
        """
        spec = dict(aws_argument_spec(), **self.arguments)
        found = ArgumentSpecValidator(spec, **self.constraints).validate(self._task.args)
        for error in found.errors.errors[:1]:
            unknown = f"Unsupported parameters for ({self.ansible_name}) module: " if isinstance(error, UnsupportedError) else ""
            raise AnsibleActionFail(remove_values(f"{unknown}{error.msg}", self._secrets(found.validated_parameters)))
        return {name: value for name, value in found.validated_parameters.items() if name in spec}

    def _secrets(self, options: Mapping[str, Any]) -> Set[str]:
        """Return the values that Ansible is to show nobody."""
        names = (name for name, option in {**aws_argument_spec(), **self.arguments}.items() if option.get("no_log"))
        return {str(options[name]) for name in names if options.get(name)}

    def _rules(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Any:
        """Return what the options ask for.

        :param options: validated, with the Region of the connection as ``region``.
        :raises InputError: for what cannot be.
        """
        raise NotImplementedError

    def _calls_aws(self, _wanted: Any) -> bool:
        """Return whether boto3 is needed."""
        return True

    def _converges(self, wanted: Any) -> Resource:
        """Return the resource. One that has ``unreachable`` tells with it that the host could not be reached.

        :param wanted: what ``_rules`` returned.
        :raises InputError: for what cannot be.
        """
        raise NotImplementedError

    def client(self, service: str, **more: Any) -> Any:
        """Return a boto3 client with the caller's options, which repeats what AWS refuses for now.

        :param service: as boto3 calls it.
        :param more: what ``AWSPluginBase.client`` takes besides.
        """
        return session.patient(super().client)(service, **more)

    def get_options(self) -> Dict[str, Any]:
        """Return the task's options, validated; what ``AWSPluginBase`` makes its clients from."""
        return self._options

    def _channel(self, sources: Sequence[str] = CREDENTIALS) -> Channel:
        return Channel(self._on_host, self._python, sources)

    def _on_host(self, command: str, data: bytes) -> Dict[str, Any]:
        try:
            said: Dict[str, Any] = self._low_level_execute_command(command, in_data=data)
        except AnsibleError as error:
            todo = "" if isinstance(error, AnsibleConnectionFailure) else remedy(str(error))
            if not todo:
                raise
            raise AnsibleError(f"{error} on the host. {todo}") from None  # its text would stand there twice
        return said

    def _refuse_unfit(self) -> None:
        """Refuse, before anything is made, what standard input could not pass or a secret would stay in."""
        name = self.ansible_name.rpartition(".")[2]
        if getattr(self._connection._shell, "SHELL_FAMILY", "") in ("powershell", "cmd"):
            raise AnsibleActionFail(f"{name} works on hosts with a POSIX shell and Python; Windows hosts are not supported.")
        if not self._connection.has_pipelining:
            raise AnsibleActionFail(
                f"Connection {self._connection.transport} does not pass standard input to commands (has_pipelining is false), "
                f"and {self.travels} travels no other way. Use ssh, or local."
            )
        if self.secret and constants.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"):
            raise AnsibleActionFail("ANSIBLE_KEEP_REMOTE_FILES (keep_remote_files) is set: switch it off where secrets are handed over.")
