# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameter that holds the agent's configuration as a resource: what is read, and what each change of the plan does."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure

from ..module_utils._aws.agent_parameter import ConfigParameter
from ..module_utils._aws.session import caller, outdated
from ..module_utils._model import agent_parameter as deciding
from ..module_utils._model.agent.configuration import check, plain
from ..module_utils._model.agent_parameter import Parameter, Rules
from ..module_utils._model.context import Context
from ..module_utils._model.errors import InputError
from ..module_utils._model.lease import Left
from ..module_utils._model.plan import Change
from ..module_utils._reconcile import Resource
from .cloudwatch_agent_schema import validate
from .cloudwatch_agent_wanted import from_file
from .config_lease import Failed, Lease, Saving

_READ_BACKS = (0.0, 1.0, 3.0)
"""Seconds before each look for leases of before: AWS may show those that are over."""
_SAVED = (*_READ_BACKS, 6.0, 12.0)
"""The same for what was just saved."""


class AgentConfigParameter(Resource):
    """One parameter, and the lease it is saved with.

    :param client: makes a boto3 client with the caller's options.
    """

    def __init__(self, rules: Rules, client: Callable[..., Any], region: str, lease: Lease, warnings: List[str]) -> None:
        self._rules = rules
        self._client = client
        self._region = region
        self._lease = lease
        self._warnings = warnings
        self._parameter = ConfigParameter(client, rules.name)
        self._arn = ""
        self._left: List[Left] = []
        self._same_key = False
        self._before: Optional[Parameter] = None
        self._target: Optional[Parameter] = None
        self._saved = 0
        self.unreachable = False
        """Whether the run ended because the host could not be reached."""

    # Read and decide

    def read(self) -> Optional[Parameter]:
        who = caller(self._client("sts"), allow_root=True)
        context = Context(who.partition, who.account, self._region)
        self._arn = context.arn_here("ssm", f"parameter/{self._rules.name.lstrip('/')}")
        self._before = self._parameter.read()
        self._same_key = self._is_same_key()
        self._left = self._reach(self._look_for_leases)
        self._rules = replace(self._rules, saves_as=self._lease.saves_as)
        wanted = deciding.target(self._before, self._rules, self._same_key)
        if deciding.writes(wanted, self._before):
            writer, words = self._lease.writer(who.arn)
            self._reach(self._lease.prepare)
            verdict = self._parameter.simulated(writer, self._arn)
            if verdict and verdict.decision == "explicitDeny" and self._left:
                verdict = None  # what was left behind denies it, and ends first
            self._warnings += deciding.judge_name(self._rules, verdict, words, self._lease.granted)
        return self._before

    def target(self, actual: Optional[Parameter]) -> Optional[Parameter]:
        self._target = deciding.target(actual, self._rules, self._same_key)
        return self._target

    def plan(self, target: Optional[Parameter], actual: Optional[Parameter]) -> List[Change]:
        return deciding.plan(target, actual, self._rules, self._left, self._lease.words)

    def _look_for_leases(self) -> List[Left]:
        """Return the leases that are there. What the task before this one ended may be seen for some more seconds."""
        found: List[Left] = []
        for seconds in _READ_BACKS:
            time.sleep(seconds)
            found = self._lease.left()
            if self._rules.take_over or all(left.expired for left in found):
                break
        return found

    def _is_same_key(self) -> bool:
        asked, has = self._rules.kms_key_id, self._before.kms_key_id if self._before else ""
        return bool(asked and has) and self._parameter.same_key(asked, has)

    # Apply

    def apply(self, change: Change) -> None:
        self._lease.announce = self.announce
        {
            ("end", "lease"): self._end_left,
            ("create", "parameter"): self._save,
            ("update", "parameter"): self._save,
            ("tag", "parameter"): self._tag,
            ("delete", "parameter"): lambda _change: self._parameter.delete(),
        }[change.step, change.what](change)

    def _end_left(self, change: Change) -> None:
        self._lease.end_left(change.before)

    def _save(self, _change: Change) -> None:
        if self._target is None:
            raise AssertionError("what is absent is not saved")
        saving = Saving(self._parameter, self._rules.name, self._arn, self._target, self._before is not None)
        self._saved = self._reach(lambda: self._lease.hold(saving))

    def _tag(self, _change: Change) -> None:
        before = self._before.tags if self._before else {}
        after: Mapping[str, str] = self._target.tags if self._target else {}
        self._parameter.tag({key: value for key, value in after.items() if before.get(key) != value})

    def settle(self, changes: List[Change]) -> None:  # noqa: ARG002  (what was saved says it)
        if not self._saved:
            return
        seen = 0
        for seconds in _SAVED:
            time.sleep(seconds)
            seen = self._parameter.version()
            if seen >= self._saved:
                break
        if seen != self._saved and not self._says_the_same():
            raise Failed(
                f"version {self._saved} of parameter {self._rules.name} was saved, and version {seen} is there: somebody else saved one "
                "meanwhile, or it was saved in another account or Region than this run reads"
            )

    def _says_the_same(self) -> bool:
        """Return whether what somebody saved after this run is what it saved, as another run of the same task does."""
        now = self._parameter.read()
        return now is not None and not deciding.writes(deciding.target(now, self._rules, self._same_key), now)

    def outdated(self, error: Exception) -> bool:
        return outdated(error)

    def _reach(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except AnsibleConnectionFailure:
            self.unreachable = True
            raise

    # Report

    def report(self) -> Dict[str, Any]:
        warnings = list(dict.fromkeys([*self._warnings, *self._lease.warnings, *self._still_running()]))
        told: Dict[str, Any] = {"name": self._rules.name, "lease": {"via": self._lease.via, "until": self._lease.until}}
        if self._saved:
            told["version"] = self._saved
        return dict(told, **({"warnings": warnings} if warnings else {}))

    def view(self, record: Optional[Parameter]) -> Dict[str, Any]:
        return deciding.view(record)

    def _still_running(self) -> List[str]:
        return [
            f"Another run has a lease now: {left.holder}, {left.says}."
            for left in self._left
            if not left.expired and not self._rules.take_over
        ]


def configuration(given: Any, warnings: List[str], secret: bool = False) -> Dict[str, Any]:
    """Return the configuration that an option names, if the agent would take it.

    :param given: a dictionary, or ``file:`` and the absolute path of a file on the controller.
    :param warnings: gets what looks wrong and may be meant.
    :param secret: no value of it may be quoted, as that of a SecureString.
    :raises InputError: with the place and what is wrong there.
    """
    if isinstance(given, str) and given.startswith("file:"):
        where, config = f"config: {given}", from_file(given[len("file:") :], f"config: {given}")
    elif isinstance(given, Mapping):
        where, config = "config", plain(given, "config")
    else:
        raise InputError("config: give the configuration as a dictionary, or file: and the absolute path of a file on the controller.")
    validate(config, where, secret)
    everywhere = deciding.without_ec2(config)
    warnings += check(everywhere, where)
    if everywhere != config:
        warnings.append(
            f"{where} holds what only EC2 instances can fill in (append_dimensions, ${{aws:...}}): hosts on premises refuse it."
        )
    return config
