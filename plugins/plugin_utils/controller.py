# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action plugin needs of its controller process and of its host, and ansible-core has no public name for."""

from __future__ import annotations

import datetime
import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, final

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.executor.interpreter_discovery import InterpreterDiscoveryRequiredError, discover_interpreter
from ansible.executor.module_common import _get_shebang

_ENVIRONMENT = threading.RLock()


@contextmanager
def laid_over(variables: Mapping[str, Any]) -> Iterator[None]:
    """Lay a task's ``environment`` over the process's, for botocore to find; one at a time, and gone afterwards."""
    with _ENVIRONMENT:
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update({name: str(value) for name, value in variables.items()})
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def host_python(action: Any, task_vars: Dict[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """Return the host's interpreter as a module would get it, and the facts that discovery adds.

    There is no public way to ask; these two functions are what ``_execute_module`` itself goes through, in ansible-core 2.17 to 2.21.
    """
    delegate = action._task.delegate_to
    variables = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
    local = bool(getattr(action._connection, "_remote_is_local", False))
    facts: Dict[str, Any] = {}
    try:
        python = _get_shebang("/usr/bin/python", variables, action._templar, remote_is_local=local)[1]
    except InterpreterDiscoveryRequiredError as required:
        python = discover_interpreter(
            action=action, interpreter_name=required.interpreter_name, discovery_mode=required.discovery_mode, task_vars=variables
        )
        name = f"discovered_interpreter_{required.interpreter_name}"
        variables.setdefault("ansible_facts", {})[name] = python
        if not delegate or action._task.delegate_facts:
            facts = {name: python}
    if not python:
        raise AnsibleActionFail("No Python was found on the host. Install Python 3.8 or later there, or set ansible_python_interpreter.")
    return str(python), facts


def would_run_here(action: Any, task_vars: Mapping[str, Any]) -> bool:
    """Return whether the task's module would run on the controller, as the same user and with the same Python as this process."""
    task, connection = action._task, action._connection
    variables = task_vars["ansible_delegated_vars"][task.delegate_to] if task.delegate_to else task_vars
    python = action._templar.template(variables.get("ansible_python_interpreter"))
    return connection.transport == "local" and connection.become is None and not task.async_val and python == sys.executable


def tells_invocation(task_vars: Optional[Mapping[str, Any]]) -> bool:
    """Return whether a module's result is to hold its options. Up to ansible-core 2.20 each does; from then on a setting says so."""
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
    except AnsibleError:
        return True


def run_module(action: Any, task_vars: Dict[str, Any]) -> Dict[str, Any]:
    """Run the module of the action's name, as if there were no action plugin."""
    given = {name: getattr(action, f"_{name}") for name in ("task", "connection", "play_context", "loader", "templar", "shared_loader_obj")}
    normal = action._shared_loader_obj.action_loader.get("ansible.legacy.normal", **given)
    result: Dict[str, Any] = normal.run(task_vars=task_vars)
    return result


def as_a_module_gets_it(value: Any) -> Any:
    """Return an option's value as it would come out of the JSON that a module is sent: dates as text, secrets of a vault opened."""
    return json.loads(json.dumps(value, default=_as_text))


def _as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def vault_secrets(action: Any) -> List[Tuple[str, Any]]:
    """Return the run's secrets of ansible-vault, by vault id.

    The loader has them in all of ansible-core 2.17 to 2.21, and no public way to ask for them.
    """
    return list(getattr(getattr(action._loader, "_vault", None), "secrets", None) or [])


class Interrupted(Exception):
    """A signal asked the run to end, at a place where it can."""


_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@final
class Trap:
    """Holds SIGINT, SIGTERM and a task's time limit (SIGALRM) back while there is a secret that only this process knows.

    The signals are written down and ``pause`` raises; when the trap is left, what was caught is sent again to the handlers of before.
    A worker of Ansible is a process of its own, so its main thread is the one that runs a task; elsewhere signals cannot be trapped.
    A trap may be set within itself: it holds until it is left as often.
    """

    def __init__(self) -> None:
        self._caught: List[int] = []
        self._before: Dict[int, Any] = {}
        self._depth = 0

    def __enter__(self) -> Trap:
        self._depth += 1
        if self._depth == 1 and threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._catch) for number in _ENDS}
        return self

    def __exit__(self, *_error: object) -> None:
        self._depth -= 1
        if self._depth:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
        if self._caught:
            os.kill(os.getpid(), self._caught[0])

    def _catch(self, number: int, _frame: Optional[FrameType]) -> None:
        self._caught.append(number)

    @property
    def caught(self) -> bool:
        return bool(self._caught)

    def release(self, number: int) -> None:
        """Let one of the signals through again."""
        if number in self._before:
            signal.signal(number, self._before.pop(number))

    def check(self) -> None:
        """Raise when a signal was caught."""
        if self._caught:
            raise Interrupted(f"ended by {signal.Signals(self._caught[0]).name}")

    def pause(self, seconds: float) -> None:
        """Sleep; raise as soon as a signal is caught."""
        end = time.monotonic() + seconds
        self.check()
        while time.monotonic() < end:
            time.sleep(min(0.2, max(0.0, end - time.monotonic())))
            self.check()
