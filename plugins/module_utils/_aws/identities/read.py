# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what IAM holds of the identities of a request: only what the request needs, side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ..._model import document as documents
from ..._model.context import Context
from ..._model.errors import Refusal
from ..._model.identities import quotas, references
from ..._model.identities.overlay import held
from ..._model.identities.records import Document, Identities, InstanceProfile, Policy, Role, User, Version
from ..._model.identities.requests import PermissionsRequest, PolicyRequest, Request, RoleRequest, UserRequest
from ..._model.identities.target import target
from ..session import READERS, error_code
from . import dependants
from .in_use import Uses, document


class Reader:
    """Reads for one request.

    :param iam: a boto3 IAM client (clients may be shared by threads).
    :param ec2: makes an EC2 client of the Region in which running instances are looked for; ``None`` where no Region is known.
    """

    def __init__(
        self,
        iam: Any,
        request: Request,
        context: Context,
        bulk_above: Optional[int] = None,
        ec2: Optional[Callable[[], Any]] = None,
    ) -> None:
        self._iam = iam
        self._request = request
        self._context = context
        self._bulk_above = bulk_above
        self._ec2 = ec2

    def identities(self) -> Identities:
        """Return all that is there of what the request names; ``None`` for what is not."""
        request = self._request
        with ThreadPoolExecutor(READERS) as pool:
            policies = {entry.name: pool.submit(self._policy, entry) for entry in request.policies}
            roles = {entry.name: pool.submit(self._role, entry) for entry in request.roles}
            bulk = self._users_in_bulk()
            users = {entry.name: pool.submit(self._user, entry) for entry in request.users} if bulk is None else None
            found = Identities(
                policies={name: future.result() for name, future in policies.items()},
                roles={name: future.result() for name, future in roles.items()},
                users=bulk if users is None else {name: future.result() for name, future in users.items()},  # type: ignore[arg-type]
            )
            alone = [entry for entry in request.roles if self._may_leave_profile(entry, found)]
            orphans = dict(zip((entry.name for entry in alone), pool.map(self.profile, [entry.profile_name for entry in alone])))
            unknown = self._unknown_references(found)
            looked_up = dict(zip(unknown, pool.map(self._look_up, unknown)))
        found = replace(
            found,
            found={reference: arn for reference, arn in looked_up.items() if arn},
            local_policies=self._local_policies(found),
            orphaned_profiles={name: profile for name, profile in orphans.items() if profile},
        )
        try:
            after = target(request, found, self._context)
        except Refusal:
            return found  # the planner says so
        found = self._with_summary(found, after)
        return Uses(self._iam, self._ec2, request).added_to(found, after)

    @staticmethod
    def _may_leave_profile(entry: RoleRequest, found: Identities) -> bool:
        return found.roles[entry.name] is None and not entry.existing and (entry.instance_profile is True or not entry.present)

    def profile(self, name: str) -> Optional[InstanceProfile]:
        answer = self._get(self._iam.get_instance_profile, InstanceProfileName=name)
        return None if answer is None else _profile(answer["InstanceProfile"])

    def _policy(self, entry: PolicyRequest) -> Optional[Policy]:
        arn = entry.arn(self._context)
        answer = self._get(self._iam.get_policy, PolicyArn=arn)
        if answer is None:
            return None
        policy = answer["Policy"]
        current = self._iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        text = document(current["PolicyVersion"]["Document"])
        differs = entry.document is None or not documents.equal(text, entry.document, self._context.partition)
        return Policy(
            name=policy["PolicyName"],
            path=policy["Path"],
            arn=policy["Arn"],
            description=policy.get("Description", ""),
            document=text,
            tags=_tags(policy),
            versions=self._versions(arn) if differs else (),
            attached_to=() if entry.present else self._attached_to(arn),
        )

    def _versions(self, arn: str) -> Tuple[Version, ...]:
        versions = self._all("list_policy_versions", "Versions", PolicyArn=arn)
        versions.sort(key=lambda version: int(version["VersionId"].lstrip("v")))
        return tuple(Version(version["VersionId"], version["IsDefaultVersion"]) for version in versions)

    def _attached_to(self, arn: str) -> Tuple[str, ...]:
        result = []
        for usage, prefix in (("PermissionsPolicy", ""), ("PermissionsBoundary", "boundary of ")):
            pages = self._iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, PolicyUsageFilter=usage)
            for page in pages:
                result += [f"{prefix}role {role['RoleName']}" for role in page.get("PolicyRoles", ())]
                result += [f"{prefix}user {user['UserName']}" for user in page.get("PolicyUsers", ())]
                result += [f"{prefix}group {group['GroupName']}" for group in page.get("PolicyGroups", ())]
        return tuple(result)

    def _role(self, entry: RoleRequest) -> Optional[Role]:
        answer = self._get(self._iam.get_role, RoleName=entry.name)
        if answer is None:
            return None
        role = answer["Role"]
        profile, others = self._profiles(entry)
        return Role(
            name=role["RoleName"],
            path=role["Path"],
            arn=role["Arn"],
            trust=document(role["AssumeRolePolicyDocument"]),
            description=role.get("Description", ""),
            max_session_duration=role.get("MaxSessionDuration", 3600),
            boundary=_boundary(role),
            attached=self._attached("list_attached_role_policies", RoleName=entry.name),
            inline=self._inline(entry, "role", RoleName=entry.name),
            tags=_tags(role),
            profile=profile,
            other_profiles=others,
            used=_used(role, answer),
        )

    def _profiles(self, entry: RoleRequest) -> Tuple[Optional[InstanceProfile], Tuple[InstanceProfile, ...]]:
        if entry.present and not entry.existing:
            return (None if entry.instance_profile is None else self.profile(entry.profile_name)), ()
        if entry.existing and not entry.instance_profile:
            return None, ()
        # The listing may leave out tags, as IAM's other listings do, so each is read by its name.
        listed = self._all("list_instance_profiles_for_role", "InstanceProfiles", RoleName=entry.name)
        holding = [profile for profile in (self.profile(item["InstanceProfileName"]) for item in listed) if profile]
        named = next((profile for profile in holding if profile.name == entry.profile_name), None)
        if named is None:
            named = holding[0] if holding and entry.existing else self.profile(entry.profile_name)
        return named, tuple(profile for profile in holding if profile is not named)

    def _user(self, entry: UserRequest) -> Optional[User]:
        answer = self._get(self._iam.get_user, UserName=entry.name)
        if answer is None:
            return None
        user = answer["User"]
        return User(
            name=user["UserName"],
            path=user["Path"],
            arn=user["Arn"],
            boundary=_boundary(user),
            attached=self._attached("list_attached_user_policies", UserName=entry.name),
            inline=self._inline(entry, "user", UserName=entry.name),
            tags=_tags(user),
            dependants={} if entry.present else dependants.read(self._iam, entry.name),
        )

    def _users_in_bulk(self) -> Optional[Dict[str, Optional[User]]]:
        """Read the whole account's users page by page, where that is cheaper and allowed; ``None`` otherwise."""
        wanted = {entry.name: entry for entry in self._request.users}
        if self._bulk_above is None or len(wanted) <= self._bulk_above or not all(entry.present for entry in wanted.values()):
            return None
        result: Dict[str, Optional[User]] = dict.fromkeys(wanted)
        with self._unless_denied():
            for page in self._iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"]):
                for detail in page["UserDetailList"]:
                    if detail["UserName"] in result:
                        result[detail["UserName"]] = _user_detail(detail, wanted[detail["UserName"]])
            return result
        return None

    def _unknown_references(self, found: Identities) -> List[str]:
        """Return the references that must be looked up: those that neither the call nor anything in use answers."""
        own = self._request.own_policies(self._context)
        return sorted(
            {
                reference
                for entry, record in self._holders(found)
                if entry.present
                for reference in (*(entry.policies or ()), *([entry.boundary] if entry.boundary else []))
                if not references.answered(reference, own, held(record), self._context)
            }
        )

    def _holders(self, found: Identities) -> Iterable[Tuple[PermissionsRequest, Any]]:
        for role in self._request.roles:
            yield role, found.roles[role.name]
        for user in self._request.users:
            yield user, found.users[user.name]

    def _look_up(self, reference: str) -> str:
        for arn in references.to_look_up(reference, self._request.own_policies(self._context), self._context):
            if self._get(self._iam.get_policy, PolicyArn=arn):
                return arn
        return ""

    def _local_policies(self, found: Identities) -> Dict[str, str]:
        """List the account's own policies where one shall be made: it may be there under another path or in another spelling."""
        if not any(entry.present and found.policies[entry.name] is None for entry in self._request.policies):
            return {}
        with self._unless_denied():
            listed = self._all("list_policies", "Policies", Scope="Local", PaginationConfig={"PageSize": 1000})
            return {policy["PolicyName"].lower(): policy["Arn"] for policy in listed}
        return {}

    def _with_summary(self, found: Identities, after: Identities) -> Identities:
        """Ask what the account has and may have only where something is made, or where the usual quotas may not do."""
        if not (quotas.creates(found, after) or quotas.crowded(found, after)):
            return found
        with self._unless_denied():
            summary = self._iam.get_account_summary()["SummaryMap"]
            allowed = {kind: summary.get(f"AttachedPoliciesPer{kind.title()}Quota") for kind in ("role", "user")}
            return replace(found, summary=summary, attachments_quota={kind: quota for kind, quota in allowed.items() if quota})
        return found

    @contextmanager
    def _unless_denied(self) -> Iterator[None]:
        """Go without what the caller may not read, where that only makes a later message better or a read cheaper."""
        try:
            yield
        except self._iam.exceptions.ClientError as error:
            if error_code(error) not in ("AccessDenied", "UnauthorizedOperation"):
                raise

    def _attached(self, operation: str, **name: str) -> Tuple[str, ...]:
        return tuple(sorted(policy["PolicyArn"] for policy in self._all(operation, "AttachedPolicies", **name)))

    def _inline(self, entry: PermissionsRequest, kind: str, **name: str) -> Optional[Dict[str, Document]]:
        if not entry.reads_inline:
            return None
        read = getattr(self._iam, f"get_{kind}_policy")
        found = {policy: self._get(read, PolicyName=policy, **name) for policy in self._all(f"list_{kind}_policies", "PolicyNames", **name)}
        return {policy: document(answer["PolicyDocument"]) for policy, answer in found.items() if answer}

    def _get(self, operation: Callable[..., Dict[str, Any]], **arguments: str) -> Optional[Dict[str, Any]]:
        try:
            return operation(**arguments)
        except self._iam.exceptions.NoSuchEntityException:
            return None

    def _all(self, operation: str, key: str, **arguments: Any) -> List[Any]:
        return [item for page in self._iam.get_paginator(operation).paginate(**arguments) for item in page[key]]


def _user_detail(detail: Mapping[str, Any], entry: UserRequest) -> User:
    inline = {policy["PolicyName"]: document(policy["PolicyDocument"]) for policy in detail.get("UserPolicyList", ())}
    return User(
        name=detail["UserName"],
        path=detail["Path"],
        arn=detail["Arn"],
        boundary=_boundary(detail),
        attached=tuple(sorted(policy["PolicyArn"] for policy in detail.get("AttachedManagedPolicies", ()))),
        inline=inline if entry.reads_inline else None,
        tags=_tags(detail),
    )


def _profile(found: Mapping[str, Any]) -> InstanceProfile:
    roles = tuple(role["RoleName"] for role in found["Roles"])
    return InstanceProfile(found["InstanceProfileName"], found["Path"], found["Arn"], roles, _tags(found))


def _used(role: Mapping[str, Any], answer: Mapping[str, Any]) -> Optional[timedelta]:
    """Return how long ago a role was last used, by AWS's own clock."""
    last = role.get("RoleLastUsed", {}).get("LastUsedDate")
    now = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return None if last is None or now is None else parsedate_to_datetime(now) - last


def _boundary(found: Mapping[str, Any]) -> Optional[str]:
    return found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")


def _tags(found: Mapping[str, Any]) -> Dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
