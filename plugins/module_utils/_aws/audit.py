# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what an audit looks at, and changes nothing. What may not be read is written down as that.

Calls: sts GetCallerIdentity; iam GetAccountAuthorizationDetails (where denied GetRole, GetUser and the listings of the roles and users
that are named), ListInstanceProfiles, ListAccessKeys, GetAccessKeyLastUsed, GetLoginProfile; ec2 DescribeInstances; ssm
DescribeActivations, DescribeInstanceInformation, GetServiceSetting; for what is expected those of ``identities``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Sequence, Tuple

from .._model.access_key import Key
from .._model.audit import drift, leftovers
from .._model.audit.records import Activation, Drift, Holder, Node, OwnPolicy, Profile, Rules, Seen, Unseen
from .._model.context import Context
from .._model.identities.requests import Request
from .._model.lease import LEASE_TAG
from .._model.tags import RETIRED_TAG
from . import session
from .audit_named import NamedReader
from .audit_records import activation_of, heard_at, moment, node_of, policy_of, role_of, user_of
from .identities.read import Reader
from .session import READERS

with suppress(ImportError):  # the module says so before anything is called
    from botocore import exceptions as boto

LONGEST = 400
"""Characters of AWS's words that are kept."""

PARTS = ("keys", "passwords", "profiles", "instances", "hybrid")


class Audit:
    """One audit.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param region: empty where none is known; then Systems Manager and EC2 are not looked at.
    """

    def __init__(self, client: Callable[..., Any], region: str, parts: FrozenSet[str]) -> None:
        self._client = client
        self._region = region
        self._parts = parts
        self._unseen: List[Unseen] = []

    def context(self, allow_root: bool, regions: Callable[[str], FrozenSet[str]]) -> Context:
        """Return where the caller is.

        :param regions: the names of a partition's Regions.
        """
        who = session.caller(self._client("sts", config=session.CLIENT_CONFIG), allow_root)
        self._context = Context(who.partition, who.account, self._region, regions(who.partition))
        self._iam = self._client("iam", config=session.CLIENT_CONFIG)
        return self._context

    def read(self, rules: Rules, expected: Sequence[Tuple[str, Request]]) -> Seen:
        """Return what is there."""
        seen = self._account(rules)
        covered = [holder for holder in seen.holders if holder.kind == "user" and rules.covers(holder)]
        with ThreadPoolExecutor(READERS) as pool:
            keys = pool.map(self._keys, covered) if "keys" in self._parts else ()
            passwords = pool.map(self._password, covered) if "passwords" in self._parts else ()
            seen = replace(
                seen,
                keys={name: found for name, found in keys if found is not None},
                passwords={name: found for name, found in passwords if found is not None},
            )
        seen = replace(seen, drifts=tuple(self._drift(of, request) for of, request in expected))
        if "profiles" in self._parts:
            seen = replace(seen, profiles=tuple(self._profiles()))
        if not self._region and self._parts & {"instances", "hybrid"}:
            self._unseen.append(Unseen("instances, activations and hybrid nodes", "no Region is known: set region"))
        if self._region and "instances" in self._parts:
            seen = replace(seen, leased_instances=self._leased_instances())
        if self._region and "hybrid" in self._parts:
            seen = self._hybrid(seen)
        return replace(seen, unseen=tuple(self._unseen))

    def _account(self, rules: Rules) -> Seen:
        holders: List[Holder] = []
        policies: List[OwnPolicy] = []
        now = datetime.now(timezone.utc)
        before = len(self._unseen)
        with self._or_unseen("all roles and users of the account at once"):
            pages = self._iam.get_paginator("get_account_authorization_details").paginate(Filter=["User", "Role", "LocalManagedPolicy"])
            for page in pages:
                now = heard_at(page, now)
                holders += [user_of(detail) for detail in page["UserDetailList"]]
                holders += [role_of(detail) for detail in page["RoleDetailList"]]
                policies += [policy_of(detail) for detail in page["Policies"]]
        seen = Seen(now, self._context.account, self._context.partition, self._region)
        if len(self._unseen) == before:
            return replace(seen, holders=tuple(holders), policies=tuple(policies))
        named = NamedReader(self._iam, self._context, self._or_unseen).holders(rules)
        return replace(seen, holders=tuple(named), whole_account=False)

    def _keys(self, user: Holder) -> Tuple[str, Any]:
        retired = {name[len(RETIRED_TAG) :]: moment(value) for name, value in user.tags.items() if name.startswith(RETIRED_TAG)}
        with self._or_unseen(f"the access keys of user {user.name}"):
            pages = self._iam.get_paginator("list_access_keys").paginate(UserName=user.name)
            listed = [entry for page in pages for entry in page["AccessKeyMetadata"]]
            return user.name, tuple(
                self._with_use(
                    Key(entry["AccessKeyId"], entry["Status"] == "Active", entry["CreateDate"], tagged=retired.get(entry["AccessKeyId"]))
                )
                for entry in listed
            )
        return user.name, None

    def _with_use(self, key: Key) -> Key:
        used = self._iam.get_access_key_last_used(AccessKeyId=key.id)["AccessKeyLastUsed"]
        service, region = (used.get(name, "") if used.get(name) != "N/A" else "" for name in ("ServiceName", "Region"))
        return replace(key, used=used.get("LastUsedDate"), used_service=service, used_region=region)

    def _password(self, user: Holder) -> Tuple[str, Any]:
        with self._or_unseen(f"whether user {user.name} has a password"):
            try:
                self._iam.get_login_profile(UserName=user.name)
            except self._iam.exceptions.NoSuchEntityException:
                return user.name, False
            return user.name, True
        return user.name, None

    def _profiles(self) -> Iterator[Profile]:
        with self._or_unseen("instance profiles"):
            for page in self._iam.get_paginator("list_instance_profiles").paginate():
                for found in page["InstanceProfiles"]:
                    yield Profile(found["InstanceProfileName"], tuple(role["RoleName"] for role in found["Roles"]))

    def _leased_instances(self) -> Dict[str, str]:
        found: Dict[str, str] = {}
        with self._or_unseen(f"instances with a lease in {self._region}"):
            pages = self._client("ec2", config=session.CLIENT_CONFIG).get_paginator("describe_instances")
            for page in pages.paginate(Filters=[{"Name": "tag-key", "Values": [LEASE_TAG]}]):
                for instance in (one for reservation in page["Reservations"] for one in reservation["Instances"]):
                    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
                    if instance["State"]["Name"] != "terminated":
                        found[instance["InstanceId"]] = tags.get(LEASE_TAG, "")
        return found

    def _hybrid(self, seen: Seen) -> Seen:
        activations: List[Activation] = []
        nodes: List[Node] = []
        settings: Dict[str, str] = {}
        with self._or_unseen(f"activations in {self._region}"):
            for page in self._ssm().get_paginator("describe_activations").paginate():
                activations += [activation_of(found) for found in page["ActivationList"]]
        with self._or_unseen(f"hybrid nodes in {self._region}"):
            hybrid = [{"Key": "ResourceType", "Values": ["ManagedInstance"]}]
            for page in self._ssm().get_paginator("describe_instance_information").paginate(Filters=hybrid):
                found = [node for node in page["InstanceInformationList"] if node.get("ResourceType") != "EC2Instance"]
                nodes += [node_of(node) for node in found]
        with self._or_unseen(f"service settings of Systems Manager in {self._region}"):
            for name in leftovers.SETTINGS:
                settings[name] = self._ssm().get_service_setting(SettingId=name)["ServiceSetting"]["SettingValue"]
        return replace(seen, activations=tuple(activations), nodes=tuple(nodes), settings=settings)

    def _ssm(self) -> Any:
        return self._client("ssm", config=session.CLIENT_CONFIG)

    def _drift(self, of: str, request: Request) -> Drift:
        with self._or_unseen(of):
            return drift.drift(of, request, Reader(self._iam, request, self._context).identities(), self._context)
        return Drift(of)

    @contextmanager
    def _or_unseen(self, part: str) -> Iterator[None]:
        """Go without a part that AWS does not show, and write that down: what is not seen is not sound."""
        try:
            yield
        except (boto.ClientError, boto.BotoCoreError) as error:
            says = str(error) if session.error_code(error) else f"{type(error).__name__}: {error}"
            self._unseen.append(Unseen(part, " ".join(says.split())[:LONGEST]))
