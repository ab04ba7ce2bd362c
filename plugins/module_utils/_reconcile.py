# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one loop for all that converges: read, plan, apply unless in check mode, report.

No other file of the collection knows check mode. This one knows neither AWS nor a host.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any, Dict, List, Set

from ansible.module_utils.common.warnings import warn

from ._model.errors import InputError, Outdated, Refusal
from ._model.plan import Change
from ._model.says_aws.remedies import Answered, told, told_besides
from ._model.shown import shown
from ._model.waiting import Announced, Tell

REREADING = 25.0
"""Seconds without progress after which what was read is no longer read again. AWS's copies usually agree after less."""


class Resource:
    """What the loop needs. Subclasses read and write in ``_aws`` or ``_host``; they plan with ``_model``."""

    announce: Tell = staticmethod(lambda _what, _seconds: None)
    """Called with what is waited for, and for how many seconds at most. Whoever shows it to somebody sets it."""

    def say(self, what: str, seconds: float) -> None:
        """Announce a wait. For a sleep that is made before anybody can have set ``announce``."""
        self.announce(what, seconds)

    def read(self) -> Any:
        """Return what is there now, as a record. No write of any kind."""
        raise NotImplementedError

    def target(self, actual: Any) -> Any:
        """Return what the options ask for, laid over ``actual``: a record of the same type."""
        raise NotImplementedError

    def plan(self, target: Any, actual: Any) -> List[Change]:
        """Return the ordered changes from ``actual`` to ``target``."""
        raise NotImplementedError

    def apply(self, change: Change) -> None:
        """Make one change."""
        raise NotImplementedError

    def settle(self, changes: List[Change]) -> None:
        """Wait until what is there can be used. Called once, after the last change or without any, never in check mode."""

    def outdated(self, error: Exception) -> bool:  # noqa: ARG002  (for subclasses)
        """Return whether ``error`` shows that what was read is not what is there, so that reading again and planning anew helps.

        Reads lag behind writes, and other runs change the same things at the same time.
        """
        return False

    def report(self) -> Dict[str, Any]:
        """Return what else the result tells, without any secret: what is no part of a record, so that the diff has no line of it.

        Called at the end, after a failure as well.
        """
        return {}

    def view(self, record: Any) -> Dict[str, Any]:
        """Return ``record`` as plain data for the result and the diff, without any secret."""
        raise NotImplementedError


class Failure(Exception):
    """A run that ended early. ``result`` says what was applied and what is left."""

    def __init__(self, text: str, cause: Exception, result: Dict[str, Any]) -> None:
        super().__init__(text)
        self.text = text
        self.cause = cause
        self.result = result


class _Loop:
    """What a run knows of itself while it reads, plans and applies, once or several times."""

    def __init__(self, resource: Resource, check: bool) -> None:
        self._resource = resource
        self._check = check
        self.applied: Dict[str, Change] = {}
        """By their words, in order: a change that was made again, since its effect did not show yet, is one."""
        self.changes: List[Change] = []
        self._maybe: List[Change] = []
        """What failed on being repeated: this run's own when it need not be made any more."""
        self.left: List[Change] = []
        """What is still to be made; the one that failed is the first."""
        self._befores: List[Any] = []
        self.target: Any = None
        self._doing = ""

    @property
    def before(self) -> Any:
        """What was there before the first change."""
        return self._befores[0]

    def once(self) -> None:
        self._doing = "read what is there"
        actual = self._resource.read()
        if not self.applied and not self._maybe:
            self._befores = [actual]
        self._doing = "plan"
        self.target = self._resource.target(actual)
        self.left = self.changes = self._resource.plan(self.target, actual)
        planned = {str(change) for change in self.changes}
        self.applied.update({str(change): change for change in self._maybe if str(change) not in planned})
        self._maybe = [change for change in self._maybe if str(change) in planned]
        if not self._check:
            self._apply()

    def _apply(self) -> None:
        for at, change in enumerate(self.changes):
            self.left, self._doing = self.changes[at:], str(change)
            try:
                self._resource.apply(change)
            except Outdated as error:
                self._maybe += [change] if error.maybe_made else []
                raise
            self.applied[str(change)] = change
        self.left, self.changes = [], list(self.applied.values())
        self._doing = "wait until the changes can be used" if self.changes else "see whether what is there can be used"
        self._resource.settle(self.changes)

    def failure(self, error: Exception) -> Failure:
        result = dict(
            _reported(self._resource),
            changed=bool(self.applied),
            changes_applied=list(self.applied),
            changes_left=[str(change) for change in self.left],
        )
        text = told_besides(str(error)) if isinstance(error, (InputError, Refusal)) else f"Could not {self._doing}"
        return Failure(text, error, result)


class _Patience:
    """How long what turned out to be outdated is read again."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._pause = 0.5
        self._progress: Set[str] = set()
        self._left = sys.maxsize
        self._deadline = self._began = 0.0

    def lasts(self, applied: Set[str], left: int) -> bool:
        """Wait a little longer each time; return False when what failed began to read after the time was over.

        The time runs from the first call, and again from the first one after a change was made, by this run or by one that is ahead of it.

        :param applied: all changes so far.
        :param left: how many changes were still planned; none where it failed before there was a plan.
        """
        ahead = 0 < left < self._left
        self._left = left if ahead else self._left
        if not self._deadline or applied - self._progress or ahead:
            self._progress, self._deadline = set(applied), time.monotonic() + REREADING
            self._sleep = Announced(self._tell, "AWS to show what was changed a moment ago", 2 * REREADING, time.sleep)
        # What takes long to fail is tried twice.
        if self._began > self._deadline or (self._began and time.monotonic() > self._deadline + REREADING):
            return False
        # Of runs that race, one gets ahead.
        self._sleep(self._pause * random.uniform(0.5, 1.5))  # noqa: S311  (spreads runs, hides nothing)
        self._pause, self._began = min(self._pause * 2, 4.0), time.monotonic()
        return True


def converge(resource: Resource, check: bool, diff: bool = False) -> Dict[str, Any]:
    """Bring ``resource`` to its target and return an Ansible result.

    :param check: plan only; the result then shows the predicted object.
    :param diff: add both records, rendered, under ``diff``.
    :raises Failure: when reading, planning or a change fails.
    """
    loop, patience = _Loop(resource, check), _Patience(resource.announce)
    while True:
        try:
            loop.once()
            break
        except Exception as error:
            # A prediction that fails early costs nothing: whoever mistyped a name learns it at once.
            if check or not resource.outdated(error) or not patience.lasts(set(loop.applied), len(loop.left)):
                raise loop.failure(error) from error
    changes, after = loop.changes, resource.view(loop.target)
    result: Dict[str, Any] = dict(after, **_reported(resource), changed=bool(changes), changes=[str(change) for change in changes])
    if diff:
        result["diff"] = {"before": resource.view(loop.before), "after": after}
    return result


def converge_module(module: Any, resource: Resource) -> None:
    """Run ``resource`` for an ``AnsibleAWSModule`` or a plain ``AnsibleModule`` and exit it."""
    try:
        result = _warned(converge(resource, module.check_mode, module._diff))
    except Failure as failure:
        failure.result = _warned(failure.result)
        if isinstance(failure.cause, (InputError, Refusal)):
            module.fail_json(msg=failure.text, **failure.result)
        fail_json_aws = getattr(module, "fail_json_aws", None)
        if fail_json_aws:
            fail_json_aws(Answered(failure.cause), msg=failure.text, **failure.result)
        module.fail_json(msg=f"{failure.text}: {told(str(failure.cause))}", **failure.result)
    module.exit_json(**result)


def _warned(result: Dict[str, Any]) -> Dict[str, Any]:
    """Give the result's warnings to Ansible in a module's own way, and return the rest.

    ``AnsibleAWSModule.warn`` adds them to the result as well, which ansible-core 2.19 calls deprecated.
    """
    for text in result.pop("warnings", ()):
        warn(text)
    return result


def converge_action(action: Any, resource: Resource) -> Dict[str, Any]:
    """Run ``resource`` for an action plugin and return its result; failures are returned, not raised."""
    task = action._task
    try:
        return converge(resource, task.check_mode, task.diff)
    except Failure as failure:
        text = failure.text if isinstance(failure.cause, (InputError, Refusal)) else f"{failure.text}: {told(str(failure.cause))}"
        return dict(failure.result, failed=True, msg=text, **_answer(failure.cause))


def _answer(cause: Exception) -> Dict[str, Any]:
    """Return AWS's own code and words, where it answered, under the names that ``fail_json_aws`` gives them."""
    error = (getattr(cause, "response", None) or {}).get("Error")
    return {"error": {name.lower(): shown(str(text)) for name, text in error.items()}} if error else {}


def _reported(resource: Resource) -> Dict[str, Any]:
    """Return a report whose warnings hold nothing that a terminal obeys: Ansible shows them as they are."""
    found = resource.report()
    return dict(found, warnings=[shown(text) for text in found["warnings"]]) if "warnings" in found else found
