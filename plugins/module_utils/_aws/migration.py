# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads who carries retired policies, and moves them.

Calls besides those of ``identities``: sts GetCallerIdentity, iam GetAccountAuthorizationDetails.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping
from urllib.parse import unquote

from .._model import migration_report, names
from .._model.context import Context
from .._model.identities import references
from .._model.identities.records import Document, Policy, Version
from .._model.identities.requests import Request
from .._model.migration import Account, Holder, Rules, carriers
from .._model.plan import Change
from . import session
from .identities.apply import Writer
from .identities.read import Reader
from .session import READERS

_NOBODY = Request((), (), (), {}, "", adopt=False, delete_unowned=False, allow_gap=False, guard=-1)


class Migration:
    """The identities of one account.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param wait_timeout: seconds to wait at most for IAM to see its own changes.
    :param settle: seconds between the last attachment and the first detachment.
    :param sleep: sleeps these seconds.
    :param sleep_for_iam: sleeps so many seconds, while IAM does not see a change of its own.
    """

    def __init__(
        self,
        client: Callable[..., Any],
        wanted: Rules,
        allow_root: bool,
        wait_timeout: float,
        settle: float,
        sleep: Callable[[float], None] = time.sleep,
        sleep_for_iam: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._rules = wanted
        self._allow_root = allow_root
        self._wait_timeout = wait_timeout
        self._settle = settle
        self._sleep = sleep
        self._sleep_for_iam = sleep_for_iam
        self._attached = False
        self.context = Context()

    def read(self) -> Account:
        who = session.caller(self._client("sts", config=session.CLIENT_CONFIG), self._allow_root)
        self.context = Context(who.partition, who.account)
        self._iam = self._client("iam", config=session.CLIENT_CONFIG)
        self._writer = Writer(self._iam, Reader(self._iam, _NOBODY, self.context), self._wait_timeout, self._sleep_for_iam)
        account = self._account()
        if not carriers(account, self.context.partition):
            return account
        wanted = sorted({reference for given in self._rules.instead.values() for reference in given})
        with ThreadPoolExecutor(READERS) as pool:
            found = dict(zip(wanted, pool.map(self._look_up, wanted)))
            account = replace(account, found={reference: arn for reference, arn in found.items() if arn})
            arns = sorted(migration_report.needed_texts(self._rules, account, self.context))
            account = replace(account, managed=dict(zip(arns, pool.map(self._text, arns))))
        if migration_report.needs_quota(self._rules, account, self.context):
            summary = self._iam.get_account_summary()["SummaryMap"]
            quotas = {"role": summary.get("AttachedPoliciesPerRoleQuota"), "user": summary.get("AttachedPoliciesPerUserQuota")}
            account = replace(account, attachments_quota={kind: quota for kind, quota in quotas.items() if quota})
        return account

    def apply(self, change: Change) -> None:
        if change.step in ("detach", "delete") and self._attached:
            # What was attached must be seen everywhere before what it replaces is gone.
            self._sleep(self._settle)
            self._attached = False
        self._writer.apply(change)
        self._attached = self._attached or change.step == "attach"

    def _account(self) -> Account:
        holders: List[Holder] = []
        policies: Dict[str, Policy] = {}
        kinds = ["User", "Role", "Group", "LocalManagedPolicy"]
        for page in self._iam.get_paginator("get_account_authorization_details").paginate(Filter=kinds):
            holders += [_holder("role", detail) for detail in page["RoleDetailList"]]
            holders += [_holder("user", detail) for detail in page["UserDetailList"]]
            holders += [_holder("group", detail) for detail in page["GroupDetailList"]]
            policies.update((detail["Arn"], _policy(detail)) for detail in page["Policies"])
        return Account(tuple(holders), policies)

    def _look_up(self, reference: str) -> str:
        for arn in references.to_look_up(reference, {}, self.context):
            try:
                self._iam.get_policy(PolicyArn=arn)
            except self._iam.exceptions.NoSuchEntityException:
                continue
            return arn
        return ""

    def _text(self, arn: str) -> Document:
        version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return _document(self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _holder(kind: str, detail: Mapping[str, Any]) -> Holder:
    name = kind.title()
    return Holder(
        kind,
        detail[f"{name}Name"],
        detail["Path"],
        detail["Arn"],
        tuple(sorted(policy["PolicyArn"] for policy in detail.get("AttachedManagedPolicies", ()))),
        {policy["PolicyName"]: _document(policy["PolicyDocument"]) for policy in detail.get(f"{name}PolicyList", ())},
        detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tuple(detail.get("GroupList", ())),
    )


def _policy(detail: Mapping[str, Any]) -> Policy:
    versions = sorted(detail["PolicyVersionList"], key=lambda version: int(version["VersionId"].lstrip("v")))
    text = next(version["Document"] for version in versions if version["IsDefaultVersion"])
    ids = tuple(Version(version["VersionId"], version["IsDefaultVersion"]) for version in versions)
    parts = names.policy_arn(detail["Arn"], "policy")
    return Policy(parts["name"], parts["path"], detail["Arn"], "", _document(text), {}, ids)


def _document(value: Any) -> Document:
    """boto3 decodes policy documents; a text, as other endpoints give it, is decoded here."""
    return json.loads(unquote(value)) if isinstance(value, str) else value
