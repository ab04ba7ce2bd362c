# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lease as a task holds it: opened, used for one save, and ended whatever became of the save.

What is opened is written down before it is done, so that the end undoes what may have happened as well. Signals wait until that is done.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ansible.utils.display import Display

from ..module_utils._aws.agent_parameter import ConfigParameter, NotSaved, request
from ..module_utils._aws.lease import Holder, LeaseMarks
from ..module_utils._model import lease as leases
from ..module_utils._model.agent_parameter import SECURE, Parameter
from ..module_utils._model.agent_parameter_options import SESSION_SECONDS, LeaseRules
from ..module_utils._model.errors import Refusal
from ..module_utils._model.lease import Left
from .controller import Trap

GAP = 2.0
"""Seconds between two attempts to save, while AWS does not know everywhere what was granted."""


class Failed(Exception):
    """A step did not succeed. The text says what became of the lease."""


@dataclass(frozen=True)
class Saving:
    """What is to be saved."""

    parameter: ConfigParameter
    name: str
    arn: str
    wanted: Parameter
    exists: bool

    @property
    def encrypts(self) -> bool:
        """Whether the writer needs rights on a customer's key."""
        key = self.wanted.kms_key_id
        return self.wanted.kind == SECURE and bool(key) and not key.endswith("alias/aws/ssm")

    @property
    def request(self) -> Dict[str, Any]:
        return request(self.name, self.wanted, self.exists)

    def put(self, credentials: Optional[Mapping[str, str]] = None) -> int:
        """Save with the credentials of a lease, or with the caller's own."""
        return self.parameter.put(self.wanted, self.exists, with_tags=credentials is None, credentials=credentials)


@dataclass(frozen=True)
class Step:
    """One thing that the end of a lease undoes."""

    left: str
    """What is left where that fails, and how to end it by hand."""
    undo: Callable[[], None]


class Lease:
    """No lease: the caller's own permissions, which is also what all others have in common.

    :param client: makes a boto3 client with the caller's options.
    """

    words = ""
    """How the permission is had, as a change says it."""
    granted = False
    """The lease grants the write itself; no other policy of its holder has to."""

    def __init__(self, rules: LeaseRules, client: Callable[..., Any], trap: Trap) -> None:
        self._rules = rules
        self._client = client
        self._trap = trap
        self._marks = LeaseMarks(client)
        self._steps: List[Step] = []
        self.until = ""
        """Until when it held at the latest; empty as long as it was not opened."""
        self.warnings: List[str] = []

    @property
    def via(self) -> str:
        return self._rules.via

    def left(self) -> List[Left]:
        """Return the leases that are there before this one. Nothing is changed."""
        return []

    def prepare(self) -> None:
        """Refuse, before anything is changed, what could not end well."""

    def writer(self, caller: str) -> Tuple[str, str]:
        """Return the ARN of who writes, and the same in words."""
        return caller, "the caller"

    def end_left(self, left: Left) -> None:
        """End one of those that ``left`` returned."""
        raise NotImplementedError

    def hold(self, saving: Saving) -> int:
        """Open the lease, save, end it; return the version that was saved.

        :raises Failed: when the save did not succeed, or the lease did not end.
        """
        with self._trap:
            try:
                version = self._save(saving)
            except BaseException as error:
                remains = self._end()
                if remains:
                    raise self._failed(f"{error}. {remains}") from error
                raise
            remains = self._end()
            if remains:
                raise self._failed(f"parameter {saving.name} was saved as version {version}. {remains}")
        return version

    def _save(self, saving: Saving) -> int:
        return saving.put()

    def _opens(self, left: str, undo: Callable[[], None], act: Callable[[], Any]) -> Any:
        """Do one thing that the end undoes."""
        self._trap.check()
        self._steps.append(Step(left, undo))
        return act()

    def _end(self) -> str:
        """Undo all steps, the last one first; return what is left, empty when all is undone.

        What the first step did is the mark by which the next run finds the lease. It stays as long as anything else does.
        """
        remains: List[str] = []
        for step in reversed(self._steps):
            if remains and step is self._steps[0]:
                break
            try:
                step.undo()
            except Exception as error:  # noqa: BLE001  (whatever it was, the other steps are to be undone too)
                remains.append(f"{step.left} ({error})")
        self._steps = []
        return f"The lease has not ended: {'; '.join(remains)}. The next run finds it and ends it" if remains else ""

    def _failed(self, text: str) -> Failed:
        if self._trap.caught:  # the signal goes on before a result is shown
            Display().error(text)
        return Failed(text)

    def _start(self, length: timedelta) -> Any:
        """Return until when the lease holds."""
        until = self._marks.now + length
        self.until = leases.told(until)
        return until

    def _until_known(self, attempt: Callable[[], int]) -> int:
        """Repeat a save that AWS refuses while it does not know everywhere what was just granted."""
        deadline = time.monotonic() + self._rules.wait_timeout
        while True:
            try:
                return attempt()
            except NotSaved as error:
                if not error.passing or time.monotonic() + GAP > deadline:
                    raise
            self._trap.pause(GAP)


class RoleLease(Lease):
    """What the two ways that use a role have in common."""

    def __init__(self, rules: LeaseRules, client: Callable[..., Any], trap: Trap) -> None:
        super().__init__(rules, client, trap)
        self._role: Optional[Holder] = None

    @property
    def role_arn(self) -> str:
        if self._rules.role.startswith("arn:"):
            return self._rules.role
        if self._role is None:
            self._role = self._marks.holder("Role", self._rules.role)
        if self._role is None:
            raise Refusal(f"lease.role: there is no role {self._rules.role}. The role cwagent_admin makes it.")
        return self._role.arn

    def writer(self, caller: str) -> Tuple[str, str]:
        account = caller.split(":")[4]
        if self.role_arn.split(":")[4] != account:
            raise Refusal(
                f"lease.role: {self.role_arn} belongs to another account than the caller ({account}), and would write a parameter there. "
                "Run with credentials of that account."
            )
        return self.role_arn, f"role {self._rules.role_name}"

    def _role_left(self) -> Optional[Left]:
        document = self._marks.policy("Role", self._rules.role_name)
        return leases.found(f"role {self._rules.role_name}", self._marks.now, inline=document)

    def end_left(self, left: Left) -> None:
        self._marks.delete_policy("Role", left.holder.partition(" ")[2])


class AssumedRole(RoleLease):
    """A session of the role, narrowed to the parameter. Its credentials are in this process's memory only, and end by themselves."""

    @property
    def words(self) -> str:  # type: ignore[override]  # says more than that there is none
        return f"with a session of role {self._rules.role_name}, which ends after {leases.lengths(SESSION_SECONDS)}"

    def left(self) -> List[Left]:
        # One that holds is that of an instance, and nothing to a session; one that is over denies the session its save.
        left = self._role_left()
        return [left] if left and left.expired else []

    def _save(self, saving: Saving) -> int:
        policy = leases.session_policy(saving.arn, saving.encrypts)
        credentials = self._marks.session(self.role_arn, policy, SESSION_SECONDS, self._rules.external_id)
        self._start(timedelta(seconds=SESSION_SECONDS))
        self._trap.check()
        return saving.put(credentials)
