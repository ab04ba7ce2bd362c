# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An activation on its way: made, used by one host, deleted; and what becomes of it at each place where that can end.

It is deleted in every case, as soon as the host has had its turn. What the host is then registered as decides what is told.
"""

from __future__ import annotations

import signal
import time
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.utils.display import Display

from ..module_utils._aws.activations import Activations, Made
from ..module_utils._host.channel import NoAnswer
from ..module_utils._model.registration.says import explain
from ..module_utils._model.registration.state import Host, Rules
from .controller import Trap

_READ_BACKS = (1.0, 3.0, 6.0)
_LOST = (AnsibleError, NoAnswer)


class Failed(Exception):
    """A step did not succeed. The text says what became of the activation and of the host."""


class Registration:
    """One host, one activation.

    :param ask: asks the host, as ``Channel.ask`` does, with its places filled in.
    :param reconnect: forgets the connection, so that the next command makes a new one.
    :param host: what the host was when it was decided.
    """

    def __init__(self, rules: Rules, aws: Activations, ask: Callable[..., Dict[str, Any]], reconnect: Callable[[], None], trap: Trap,
                 host: Host) -> None:  # fmt: skip
        self._rules = rules
        self._aws = aws
        self._ask = ask
        self._reconnect = reconnect
        self._trap = trap
        self._host = host
        self.left: List[str] = []
        """What is to be deleted by hand, in words."""

    def run(self, environment: Mapping[str, str]) -> str:
        """Return the id of the node that the host is now.

        :param environment: with which the agent registers: it needs the same proxy as its service.
        """
        with self._trap:
            made = self._aws.create()
            try:
                self._trap.check()
                # From here on a task's time limit may end a command that hangs: the activation dies all the same.
                self._trap.release(signal.SIGALRM)
                answer, why = self._sent(made, environment)
            finally:
                self._drop(made)
            if not answer:
                answer = self._read_back()
            return self._judged(answer, why)

    def _sent(self, made: Made, environment: Mapping[str, str]) -> Any:
        """Return the host's answer, or an empty one and why there is none."""
        try:
            answer = self._ask("register", binary=self._host.binary, code=made.code, activation=made.id, region=self._rules.region,
                               expected=self._host.instance, environment=dict(environment))  # fmt: skip
        except _LOST as error:
            return {}, str(error).replace(made.code, "***")
        if not answer["ok"]:
            return answer, answer["error"]
        said = [*answer["stdout"].splitlines(), *answer["stderr"].splitlines()]
        return answer, f"amazon-ssm-agent -register ended with status {answer['rc']}. {explain(said)}"

    def _drop(self, made: Made) -> None:
        failed: Optional[Exception] = None
        try:
            self._aws.delete(made.id)
        except Exception as error:  # noqa: BLE001  (whatever it was, the activation is there, and nobody else knows of it)
            failed = error
        if failed:
            minutes = self._rules.expires_in.total_seconds() / 60
            text = (
                f"Activation {made.id} could not be deleted: {failed}. It serves one host, and ends {minutes:.0f} minutes after it was "
                f"made. Delete it (aws ssm delete-activation --region {self._rules.region} --activation-id {made.id})"
            )
            self.left.append(text)
            if self._trap.caught:  # the signal goes on before a result is shown
                Display().error(text)

    def _read_back(self) -> Dict[str, Any]:
        """Return what the host is registered as after a command whose outcome is not known; nothing where it cannot be asked."""
        for seconds in _READ_BACKS:
            time.sleep(seconds)
            try:
                self._reconnect()
                answer = self._ask("look", unit=self._host.unit, since=None)
            except AnsibleConnectionFailure:
                if self._trap.caught:
                    return {}
                continue
            except _LOST:
                continue
            if answer["ok"]:
                return answer
        return {}

    def _judged(self, answer: Mapping[str, Any], why: str) -> str:
        told = "".join(f". {text}" for text in self.left)
        if not answer:
            raise Failed(
                f"{why}. It is not known whether the host registered; its activation is gone, so it will not do so any more. The next run "
                f"decides from what the host is then{told}"
            )
        instance, before = str(answer.get("instance") or ""), self._host.instance
        if instance.startswith("mi-") and instance != before and answer.get("region") == self._rules.region:
            return instance
        if not answer["ok"]:
            raise Failed(f"the host was not registered: {why}. The activation is gone again{told}")
        lost = f"The registration that it had ({before}) is lost. " if before and instance != before else ""
        raise Failed(f"the host was not registered: {why}. {lost}The activation is gone again; run again when that is mended{told}")
