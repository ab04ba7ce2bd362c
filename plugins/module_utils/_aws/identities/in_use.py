# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads whether those are in use from whom a plan takes something away, and what the policies say that decide.

Calls besides those of ``read``: iam ListAccessKeys, GetAccessKeyLastUsed, ListInstanceProfilesForRole; ec2 DescribeInstances. What the
caller may not read is no evidence, and keeps nobody from the rest.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence
from urllib.parse import unquote

from ..._model.access_key import age
from ..._model.errors import Refusal
from ..._model.identities import in_use
from ..._model.identities.plan import plan
from ..._model.identities.records import Document, Identities, Texts
from ..._model.identities.requests import Request
from ..access_keys import AccessKeys
from ..session import error_code

with suppress(ImportError):  # the plugin says so before anything is called
    from botocore import exceptions as boto

EC2_CONFIG = {"retries": {"mode": "standard", "max_attempts": 3}, "connect_timeout": 10}
"""Not every controller reaches EC2: then it is gone without soon."""
_NO_ANSWER = ("AccessDenied", "UnauthorizedOperation", "NoSuchEntity")
_RUNNING = {"Name": "instance-state-name", "Values": ["pending", "running"]}
PROFILES_PER_FILTER = 200
"""EC2 takes no more values in one filter."""


class Uses:
    """What is in use of the identities of one request.

    :param ec2: makes a client of EC2; ``None`` where no Region is known.
    """

    def __init__(self, iam: Any, ec2: Optional[Callable[[], Any]], request: Request) -> None:
        self._iam = iam
        self._ec2 = ec2
        self._request = request

    def added_to(self, actual: Identities, target: Identities) -> Identities:
        """Return ``actual`` with what is in use, and with the texts that decide whether that may lose what it loses."""
        if self._request.allow_in_use:
            return actual
        try:
            losing = in_use.losses(plan(self._request, target, actual), target, actual)
        except Refusal:
            return actual  # it is refused anyway
        uses = self._uses([loss.of for loss in losing], actual)
        if not uses:
            return actual
        policies: Dict[str, Document] = {}
        inline: Dict[str, Sequence[Document]] = {}
        for loss in losing:
            if loss.of in uses and not loss.how:
                arns, inline_too = in_use.unread(loss.of, target, actual)
                policies.update({arn: text for arn in sorted(arns - set(policies)) for text in self._texts(arn)})
                if inline_too:
                    inline[loss.of] = self._inline(loss.of)
        return replace(actual, uses=uses, texts=Texts(policies, inline))

    def _uses(self, losing: List[str], actual: Identities) -> Dict[str, str]:
        uses: Dict[str, str] = {}
        profiles: Dict[str, str] = {}
        for of in losing:
            kind, _space, name = of.partition(" ")
            if kind == "user":
                uses[of] = self._key_used(name)
                continue
            role = actual.roles[name]
            if role is not None and role.used is not None and role.used < in_use.WITHIN:
                uses[of] = f"it was last used {age(role.used)} ago"
            else:
                profiles.update(dict.fromkeys(self._profiles(name), of))
        for profile, instances in self._running(sorted(profiles)).items():
            uses[profiles[profile]] = f"{', '.join(instances)} {'runs' if len(instances) == 1 else 'run'} with it"
        return {of: says for of, says in uses.items() if says}

    def _key_used(self, user: str) -> str:
        keys = AccessKeys(lambda *_service, **_options: self._iam, user, None, time.sleep)
        for key in self._allowed(partial(keys.keys, {})) or ():
            used = key.active and self._allowed(partial(keys.with_use, key))
            if used and used.used is not None and keys.now - used.used < in_use.WITHIN:
                where = " in ".join(filter(None, (used.used_service, used.used_region)))
                return f"its key {key.id} was last used {age(keys.now - used.used)} ago{f' by {where}' if where else ''}"
        return ""

    def _profiles(self, role: str) -> List[str]:
        if self._ec2 is None:
            return []
        pages = self._iam.get_paginator("list_instance_profiles_for_role")
        listed = self._allowed(partial(_pages, pages, "InstanceProfiles", RoleName=role))
        return [str(found["Arn"]) for found in listed or ()]

    def _running(self, profiles: List[str]) -> Dict[str, List[str]]:
        """Return the ids of the instances that run with each profile. EC2 that cannot be reached says nothing."""
        found: Dict[str, List[str]] = {}
        if profiles and self._ec2 is not None:
            pages = self._ec2().get_paginator("describe_instances")
            with suppress(boto.ConnectionError, boto.HTTPClientError):
                for start in range(0, len(profiles), PROFILES_PER_FILTER):
                    some = {"Name": "iam-instance-profile.arn", "Values": profiles[start : start + PROFILES_PER_FILTER]}
                    listed = self._allowed(partial(_pages, pages, "Reservations", Filters=[some, _RUNNING]))
                    for instance in (one for reservation in listed or () for one in reservation["Instances"]):
                        found.setdefault(instance.get("IamInstanceProfile", {}).get("Arn", ""), []).append(instance["InstanceId"])
        return {profile: found[profile] for profile in profiles if profile in found}

    def _texts(self, arn: str) -> List[Document]:
        """Return the text of a managed policy, alone in a list; nothing where it may not be read."""

        def read() -> Document:
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            return document(self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])

        text = self._allowed(read)
        return [] if text is None else [text]

    def _inline(self, of: str) -> List[Document]:
        kind, _space, name = of.partition(" ")
        who = {f"{kind.title()}Name": name}
        pages = self._iam.get_paginator(f"list_{kind}_policies")
        read = getattr(self._iam, f"get_{kind}_policy")
        names = self._allowed(partial(_pages, pages, "PolicyNames", **who)) or ()
        answers = [self._allowed(partial(read, PolicyName=policy, **who)) for policy in names]
        return [document(answer["PolicyDocument"]) for answer in answers if answer is not None]

    def _allowed(self, ask: Callable[[], Any]) -> Any:
        """Return the answer; ``None`` where the caller may not ask."""
        try:
            return ask()
        except boto.ClientError as error:
            if error_code(error) not in _NO_ANSWER:
                raise
            return None


def _pages(paginator: Any, items: str, **asked: Any) -> List[Any]:
    return [item for page in paginator.paginate(**asked) for item in page[items]]


def document(value: Any) -> Document:
    """boto3 decodes policy documents; a text, as other endpoints give it, is decoded here."""
    return json.loads(unquote(value)) if isinstance(value, str) else value
