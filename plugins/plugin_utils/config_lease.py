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
from ..module_utils._aws.lease import LeaseMarks
from ..module_utils._model import lease as leases
from ..module_utils._model.agent_parameter import SECURE, Parameter
from ..module_utils._model.agent_parameter_options import LeaseRules
from ..module_utils._model.errors import Outdated
from ..module_utils._model.lease import Left
from ..module_utils._model.waiting import Announced, Tell
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
    bounds: bool = False
    """It marks the lease, or ends the permission in time: to be undone only when nothing else is left."""


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
        self._ended: List[leases.Lease] = []
        """Those of other runs that this one has ended."""
        self.until = ""
        """Until when it held at the latest; empty as long as it was not opened."""
        self.warnings: List[str] = []
        self.announce: Tell = lambda _what, _seconds: None
        """Says what is waited for, and for how many seconds at most."""

    @property
    def via(self) -> str:
        return self._rules.via

    @property
    def saves_as(self) -> str:
        """How the ARN ends of who saves; empty for the caller, who writes the owner down in the same call."""
        return ""

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

    def _opens(self, left: str, undo: Callable[[], None], act: Callable[[], Any], bounds: bool = False) -> Any:
        """Do one thing that the end undoes.

        :param bounds: as in ``Step``.
        """
        self._trap.check()
        self._steps.append(Step(left, undo, bounds))
        return act()

    def _end(self) -> str:
        """Undo all steps, the last one first; return what is left, empty when all is undone.

        What ``bounds`` the lease stays as long as anything else does: a key or profile that is left would else grant for good what its
        holder's other policies allow, and the next run would not find it.
        """
        remains: List[str] = []
        for step in reversed(self._steps):
            if remains and step.bounds:
                continue
            try:
                step.undo()
            except Exception as error:  # noqa: BLE001  (whatever it was, the other steps are to be undone too)
                remains.append(f"{step.left} ({error})")
        self._steps = []
        return f"The lease has not ended: {'; '.join(remains)}. The next run finds it and ends it" if remains else ""

    def _refuse_another(self, holder: str, tag: Optional[str]) -> None:
        """Refuse a holder that was marked by another run since it was looked at: what that run changed would be taken for what was there.

        :param tag: the value of its mark now.
        """
        if tag is not None and leases.lease_of(tag) not in self._ended:
            raise Outdated(f"Another run has opened a lease on {holder} meanwhile: {tag}. Wait until it is over, then run again.")

    def _failed(self, text: str) -> Failed:
        if self._trap.caught:  # the signal goes on before a result is shown
            Display().error(text)
        return Failed(text)

    def _start(self, length: timedelta) -> Any:
        """Return until when the lease holds."""
        until = self._marks.now + length
        self.until = leases.told(until)
        return until

    def _announced(self, what: str, sleep: Callable[[float], None]) -> Announced:
        return Announced(self._say, what, self._rules.wait_timeout, sleep)

    def _say(self, what: str, seconds: float) -> None:
        """Announce a wait. For a sleep that is made before anybody can have set ``announce``."""
        self.announce(what, seconds)

    def _until_known(self, attempt: Callable[[], int]) -> int:
        """Repeat a save that AWS refuses while it does not know everywhere what was just granted."""
        limit = self._rules.wait_timeout
        deadline = time.monotonic() + limit
        pause = self._announced("AWS to know everywhere what was granted", self._trap.pause)
        while True:
            try:
                return attempt()
            except NotSaved as error:
                if not error.passing or time.monotonic() + GAP > deadline:
                    raise
            pause(GAP)
