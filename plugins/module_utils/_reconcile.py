# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one loop for all that converges: read, plan, apply unless in check mode, report.

No other file of the collection knows check mode. This one knows neither AWS nor a host.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ._model.errors import InputError, Refusal
from ._model.plan import Change


class Resource:
    """What the loop needs. Subclasses read and write in ``_aws`` or ``_host``; they plan with ``_model``."""

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


def converge(resource: Resource, check: bool, diff: bool = False) -> Dict[str, Any]:
    """Bring ``resource`` to its target and return an Ansible result.

    :param check: plan only; the result then shows the predicted object.
    :param diff: add both records, rendered, under ``diff``.
    :raises Failure: when reading, planning or a change fails.
    """
    applied: List[Change] = []
    changes: List[Change] = []
    doing = "read what is there"
    try:
        actual = resource.read()
        doing = "plan"
        target = resource.target(actual)
        changes = resource.plan(target, actual)
        if not check:
            for change in changes:
                doing = str(change)
                resource.apply(change)
                applied.append(change)
            doing = "wait until the changes can be used" if changes else "see whether what is there can be used"
            resource.settle(changes)
    except (InputError, Refusal) as error:
        raise Failure(str(error), error, dict(resource.report(), **_progress(applied, changes))) from error
    except Exception as error:
        raise Failure(f"Could not {doing}", error, dict(resource.report(), **_progress(applied, changes))) from error
    after = resource.view(target)
    result: Dict[str, Any] = dict(after, **resource.report(), changed=bool(changes), changes=[str(change) for change in changes])
    if diff:
        result["diff"] = {"before": resource.view(actual), "after": after}
    return result


def converge_module(module: Any, resource: Resource) -> None:
    """Run ``resource`` for an ``AnsibleAWSModule`` or a plain ``AnsibleModule`` and exit it."""
    try:
        result = converge(resource, module.check_mode, module._diff)
    except Failure as failure:
        if isinstance(failure.cause, (InputError, Refusal)):
            module.fail_json(msg=failure.text, **failure.result)
        fail_json_aws = getattr(module, "fail_json_aws", None)
        if fail_json_aws:
            fail_json_aws(failure.cause, msg=failure.text, **failure.result)
        module.fail_json(msg=f"{failure.text}: {failure.cause}", **failure.result)
    module.exit_json(**result)


def converge_action(action: Any, resource: Resource) -> Dict[str, Any]:
    """Run ``resource`` for an action plugin and return its result; failures are returned, not raised."""
    task = action._task
    try:
        return converge(resource, task.check_mode, task.diff)
    except Failure as failure:
        text = failure.text if isinstance(failure.cause, (InputError, Refusal)) else f"{failure.text}: {failure.cause}"
        return dict(failure.result, failed=True, msg=text)


def _progress(applied: List[Change], changes: List[Change]) -> Dict[str, Any]:
    return {
        "changed": bool(applied),
        "changes_applied": [str(change) for change in applied],
        "changes_left": [str(change) for change in changes[len(applied) :]],
    }
