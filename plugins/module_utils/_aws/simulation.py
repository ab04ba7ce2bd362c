# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks AWS's policy simulator. Calls: sts GetCallerIdentity, iam SimulatePrincipalPolicy, which changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from .._model.access_check.questions import Answers, Batch, Decision, context_entries
from . import session

with suppress(ImportError):  # the module says so before anything is called
    from botocore import exceptions as boto

READERS = 4
"""Calls at a time. The simulator is throttled earlier than the rest of IAM."""
_APART = "InvalidInput"
"""The error of a call whose actions "require different authorization information", such as iam:PassRole beside others. Which ones do is
written down nowhere, so they are asked one by one then."""


class Simulator:
    """The simulator of the caller's account."""

    def __init__(self, iam: Any) -> None:
        self._iam = iam

    def answers(self, asked: Iterable[Batch]) -> Answers:
        """Return what it says to each batch, or why it says nothing."""
        asked = list(asked)
        now = datetime.now(timezone.utc)
        with ThreadPoolExecutor(READERS) as pool:
            said = list(pool.map(lambda batch: self._answer(batch, now), asked))
        decisions: Dict[Tuple[Batch, str], Decision] = {}
        unseen: Dict[Batch, str] = {}
        for batch, (found, error) in zip(asked, said):
            if error:
                unseen[batch] = error
            decisions.update({(batch, action): decision for action, decision in found.items()})
        return Answers(decisions, unseen)

    def _answer(self, batch: Batch, now: datetime) -> Tuple[Dict[str, Decision], str]:
        """A role that is not there yet, or one of another account, must not hide what is known of the others."""
        found, error, code = self._ask(batch, batch.actions, now)
        if code == _APART and len(batch.actions) > 1:
            alone = [self._ask(batch, (action,), now) for action in batch.actions]
            found = {action: decision for answer, _error, _code in alone for action, decision in answer.items()}
            error = next((error for _answer, error, _code in alone if error), "")
        return found, error

    def _ask(self, batch: Batch, actions: Tuple[str, ...], now: datetime) -> Tuple[Dict[str, Decision], str, str]:
        """Return the decisions by action in small letters, or what AWS said in their place and the code of that."""
        arguments = {
            "PolicySourceArn": batch.principal,
            "ActionNames": list(actions),
            "ResourceArns": [batch.resource],
            "ContextEntries": context_entries(batch.context, now),
        }
        results: List[Mapping[str, Any]] = []
        try:
            for page in self._iam.get_paginator("simulate_principal_policy").paginate(**arguments):
                results += page["EvaluationResults"]
        except (boto.ClientError, boto.BotoCoreError) as error:
            code = session.error_code(error)
            says = str(error) if code else f"{type(error).__name__}: {error}"
            return {}, " ".join(says.split())[:400], code
        return {result["EvalActionName"].lower(): decision_of(result, batch.resource) for result in results}, "", ""


def decision_of(result: Mapping[str, Any], resource: str) -> Decision:
    """Return what a result says of one resource. Where the resource has a result of its own, that one decides."""
    own: Mapping[str, Any] = next((one for one in result.get("ResourceSpecificResults") or () if one["EvalResourceName"] == resource), {})
    matched = own.get("MatchedStatements") or result.get("MatchedStatements") or ()
    policies = {(one.get("SourcePolicyId", ""), one.get("SourcePolicyType", "")) for one in matched}
    missing = {*(own.get("MissingContextValues") or ()), *(result.get("MissingContextValues") or ())}
    return Decision(
        decision=own.get("EvalResourceDecision") or result["EvalDecision"],
        policies=tuple(sorted(policies)),
        missing=tuple(sorted(missing)),
        by_organization=_said(result, "OrganizationsDecisionDetail", "AllowedByOrganizations"),
        by_boundary=_said({**result, **own}, "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"),
    )


def _said(result: Mapping[str, Any], detail: str, name: str) -> Optional[bool]:
    found: Optional[bool] = (result.get(detail) or {}).get(name)
    return found
