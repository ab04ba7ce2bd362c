# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the changes of a plan: one IAM call each."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Set, Tuple

from ..._model import document as documents
from ..._model.errors import Outdated, Refusal
from ..._model.identities.already import may_be_made
from ..._model.identities.records import DEPENDANTS, Policy, Role, User
from ..._model.identities.undo import identity, undo
from ..._model.plan import Change
from ..session import NOT_YET_KNOWN, NOT_YET_VISIBLE, Retry, error_code, wait_until_stable
from . import dependants
from .read import Reader

Arguments = Dict[str, Any]


class Call(NamedTuple):
    operation: str
    arguments: Callable[[Change], Arguments]
    gone_is_done: bool = False
    """The change is a removal, so that not finding its object means that it is done."""


def _owner(change: Change) -> str:
    return change.of.rpartition(" ")[2]


def _tag_list(tags: Mapping[str, str]) -> List[Dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _given(**arguments: Any) -> Arguments:
    return {key: value for key, value in arguments.items() if value}


def _create_policy(change: Change) -> Arguments:
    policy: Policy = change.after
    return _given(
        PolicyName=policy.name,
        Path=policy.path,
        Description=policy.description,
        PolicyDocument=documents.render(policy.document),
        Tags=_tag_list(policy.tags),
    )


def _create_role(change: Change) -> Arguments:
    role: Role = change.after
    return _given(
        RoleName=role.name,
        Path=role.path,
        AssumeRolePolicyDocument=documents.render(role.trust),
        Description=role.description,
        MaxSessionDuration=role.max_session_duration,
        PermissionsBoundary=role.boundary,
        Tags=_tag_list(role.tags),
    )


def _create_user(change: Change) -> Arguments:
    user: User = change.after
    return _given(UserName=user.name, Path=user.path, PermissionsBoundary=user.boundary, Tags=_tag_list(user.tags))


def _update_role(change: Change) -> Arguments:
    """Both settings always: IAM resets a session duration that is left out."""
    role: Role = change.after
    return {"RoleName": role.name, "Description": role.description, "MaxSessionDuration": role.max_session_duration}


_UPDATE_ROLE = Call("update_role", _update_role)

CALLS: Mapping[Tuple[str, str, str], Call] = {
    ("", "create", "policy"): Call("create_policy", _create_policy),
    ("", "delete", "policy"): Call("delete_policy", lambda c: {"PolicyArn": c.before.arn}, True),
    ("policy", "delete", "version"): Call("delete_policy_version", lambda c: {"PolicyArn": c.before, "VersionId": c.key}, True),
    ("policy", "update", "document"): Call(
        "create_policy_version",
        lambda c: {"PolicyArn": c.before.arn, "PolicyDocument": documents.render(c.after.document), "SetAsDefault": True},
    ),
    ("policy", "put", "tags"): Call("tag_policy", lambda c: {"PolicyArn": c.before, "Tags": _tag_list(c.after)}),
    ("policy", "remove", "tags"): Call("untag_policy", lambda c: {"PolicyArn": c.after, "TagKeys": c.before}, True),
    ("", "create", "role"): Call("create_role", _create_role),
    ("", "delete", "role"): Call("delete_role", lambda c: {"RoleName": c.key}, True),
    ("role", "update", "trust policy"): Call(
        "update_assume_role_policy", lambda c: {"RoleName": _owner(c), "PolicyDocument": documents.render(c.after)}
    ),
    ("role", "update", "description"): _UPDATE_ROLE,
    ("role", "update", "max_session_duration"): _UPDATE_ROLE,
    ("role", "update", "description and max_session_duration"): _UPDATE_ROLE,
    ("", "create", "instance profile"): Call(
        "create_instance_profile",
        lambda c: _given(InstanceProfileName=c.key, Path=c.after.path, Tags=_tag_list(c.after.tags)),
    ),
    ("", "delete", "instance profile"): Call("delete_instance_profile", lambda c: {"InstanceProfileName": c.key}, True),
    ("instance profile", "add", "role"): Call(
        "add_role_to_instance_profile", lambda c: {"InstanceProfileName": _owner(c), "RoleName": c.key}
    ),
    ("instance profile", "remove", "role"): Call(
        "remove_role_from_instance_profile", lambda c: {"InstanceProfileName": _owner(c), "RoleName": c.key}, True
    ),
    ("", "create", "user"): Call("create_user", _create_user),
    ("", "delete", "user"): Call("delete_user", lambda c: {"UserName": c.key}, True),
    ("user", "update", "path"): Call("update_user", lambda c: {"UserName": _owner(c), "NewPath": c.after}),
}


def _holder_calls(kind: str) -> Dict[Tuple[str, str, str], Call]:
    """Roles and users are given permissions and tags by calls that differ in nothing but the name."""
    name = f"{kind.title()}Name"

    def boundary(change: Change) -> Arguments:
        return {name: _owner(change), "PermissionsBoundary": change.after}

    return {
        (kind, "create", "permissions boundary"): Call(f"put_{kind}_permissions_boundary", boundary),
        (kind, "update", "permissions boundary"): Call(f"put_{kind}_permissions_boundary", boundary),
        (kind, "delete", "permissions boundary"): Call(f"delete_{kind}_permissions_boundary", lambda c: {name: _owner(c)}, True),
        (kind, "attach", "managed policy"): Call(f"attach_{kind}_policy", lambda c: {name: _owner(c), "PolicyArn": c.key}),
        (kind, "detach", "managed policy"): Call(f"detach_{kind}_policy", lambda c: {name: _owner(c), "PolicyArn": c.key}, True),
        (kind, "put", "inline policy"): Call(
            f"put_{kind}_policy", lambda c: {name: _owner(c), "PolicyName": c.key, "PolicyDocument": documents.render(c.after)}
        ),
        (kind, "delete", "inline policy"): Call(f"delete_{kind}_policy", lambda c: {name: _owner(c), "PolicyName": c.key}, True),
        (kind, "put", "tags"): Call(f"tag_{kind}", lambda c: {name: _owner(c), "Tags": _tag_list(c.after)}),
        (kind, "remove", "tags"): Call(f"untag_{kind}", lambda c: {name: _owner(c), "TagKeys": c.before}, True),
    }


CALLS = {**CALLS, **_holder_calls("role"), **_holder_calls("user")}


class Writer:
    """Makes changes, and remembers what it touched: only that is worth waiting for.

    :param wait_timeout: seconds to wait at most for IAM to see its own changes.
    :param sleep: sleeps so many seconds.
    """

    def __init__(self, iam: Any, reader: Reader, wait_timeout: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._iam = iam
        self._reader = reader
        self._wait_timeout = wait_timeout
        self._sleep = sleep
        self._retry = Retry(wait_timeout, sleep=sleep)
        self._touched: Set[str] = set()
        self._applied: List[Change] = []
        self.undone: List[str] = []
        """What this run had made and took back, in words."""

    def apply(self, change: Change) -> None:
        """Make one change. Where the account has no room for it, a role or user that this run has made is taken back: half of it is no use.

        :raises botocore.exceptions.ClientError: what IAM answered.
        :raises Refusal: where its answer has a remedy that it does not name.
        """
        self._apply(change)
        self._applied.append(change)

    def _apply(self, change: Change, just_made: bool = False) -> None:
        if change.what in DEPENDANTS and change.step == "delete":
            delete = dependants.DELETE[change.what]
            self._drop(change, delete, {"iam": self._iam, "user": _owner(change), "value": change.key})
        else:
            call = CALLS[(change.of.rpartition(" ")[0], change.step, change.what)]
            operation, arguments = getattr(self._iam, call.operation), call.arguments(change)
            # What was made a moment ago and is said not to be there is only not seen yet.
            if call.gone_is_done and not just_made:
                self._drop(change, operation, arguments)
            else:
                self._make(change, operation, arguments)
        self._touched.update(_made(change))

    def settle(self, changes: List[Change]) -> None:
        """Wait for what somebody else will use: the instance profiles, and the last role and user made without one."""
        in_profiles = {change.key: _owner(change) for change in changes if (change.step, change.what) == ("add", "role")}
        reads = {f"instance profile {profile}": partial(self._holds, profile, role) for role, profile in in_profiles.items()}
        for kind in ("role", "user"):
            made = [change.key for change in changes if (change.step, change.what) == ("create", kind) and change.key not in in_profiles]
            reads.update({f"{kind} {name}": partial(self._visible, kind, name) for name in made[-1:]})
        wait_until_stable(reads, self._wait_timeout, sleep=self._sleep)

    def _holds(self, profile: str, role: str) -> bool:
        found = self._reader.profile(profile)
        return found is not None and found.arn.startswith("arn:") and role in found.roles

    def _visible(self, kind: str, name: str) -> bool:
        try:
            answer = getattr(self._iam, f"get_{kind}")(**{f"{kind.title()}Name": name})
        except self._iam.exceptions.NoSuchEntityException:
            return False
        return str(answer[kind.title()]["Arn"]).startswith("arn:")

    def _make(self, change: Change, operation: Callable[..., Any], arguments: Arguments) -> None:
        try:
            self._retry(operation, arguments, self._passing(change))
        except self._iam.exceptions.ClientError as error:
            code = error_code(error)
            remedy = _remedy(change, code)
            if may_be_made(change, code):
                # By this very call, whose first answer was lost, or by who was faster: what is there may suit, and is read again.
                repeated = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
                raise Outdated(f"Could not {change}: {error}. {remedy}", maybe_made=repeated) from error
            if code == "LimitExceeded":
                remedy = f"{remedy} {self._taken_back(change)}"
            if remedy:
                raise Refusal(f"Could not {change}: {error}. {remedy}") from error
            raise

    def _taken_back(self, failed: Change) -> str:
        """Undo what this run has made of the role or user that cannot be finished, and say what is left of it."""
        whose, back = identity(failed), undo(self._applied, failed)
        if not back:
            there = failed.step == "create" and failed.what == whose.partition(" ")[0]
            return f"Nothing of {whose} was made." if there else f"{whose} was there before and stays; the next run goes on from here."
        for number, change in enumerate(back):
            try:
                self._apply(change, just_made=True)
            except Exception as error:  # noqa: BLE001  (whatever it is, the reader must learn what is left)
                return (
                    f"What this run had made of {whose} could not all be taken back: {error}. Left to do: "
                    f"{'; '.join(map(str, back[number:]))}. It has this owner's tag: the next run finishes it once there is room, and "
                    "state: absent takes it away."
                )
            self.undone.append(str(change))
        return f"What this run had made of {whose} was taken back, so that nothing is left half made: {'; '.join(map(str, back))}."

    def _drop(self, change: Change, operation: Callable[..., Any], arguments: Arguments) -> None:
        def gone_is_done(**given: Any) -> Any:
            try:
                return operation(**given)
            except self._iam.exceptions.NoSuchEntityException:
                return {}

        self._retry(gone_is_done, arguments, self._passing(change))

    def _passing(self, change: Change) -> FrozenSet[str]:
        """Return the answers that pass: nothing is waited for that this run did not make or change itself."""
        passing = NOT_YET_KNOWN if self._touched else frozenset()
        return passing | NOT_YET_VISIBLE if self._touched.intersection(_needs(change)) else passing


def _made(change: Change) -> Set[str]:
    """Return the names and the ARN under which later changes may need what this one made or changed."""
    names = {change.of or f"{change.what} {change.key}"}
    if change.step == "create" and not change.of:
        names.add(change.after.arn)
    if change.step in ("detach", "remove"):
        # What was let go of can be deleted once IAM sees that.
        names.update((change.key, f"{change.what} {change.key}"))
    return names


def _needs(change: Change) -> Set[str]:
    """Return what a change works on: its object, what it is attached to or takes in, and a boundary."""
    boundary = change.after if change.what == "permissions boundary" else getattr(change.after, "boundary", None)
    arn = getattr(change.before, "arn", "")
    return {change.of, f"{change.what} {change.key}", change.key, boundary or "", arn} - {""}


def _remedy(change: Change, code: str) -> str:
    if code == "PolicyNotAttachable":
        name = (change.key or str(change.after)).rpartition("/")[2]
        instead = "AmazonSSMManagedInstanceCore" if name == "AmazonEC2RoleforSSM" else "the policy that AWS names as its successor"
        return f"AWS has retired {name}: it stays where it is attached and cannot be attached anew. Use {instead} instead."
    if change.step == "add" and code in ("EntityAlreadyExists", "LimitExceeded"):
        return "Another run has put a role into the instance profile meanwhile, and it holds one only. Run the task again to see which."
    if code == "EntityAlreadyExists" and change.step == "create":
        return (
            "It was not there a moment ago: another run is making it, or it exists in another spelling or under another path, which IAM "
            "takes for the same name. Run the task again; if this stays, look the name up in IAM and give its spelling and path."
        )
    if code == "LimitExceeded":
        return (
            "An IAM quota of the account is used up. Make room or have it raised (Service Quotas, AWS Identity and Access Management), "
            "then run again."
        )
    return ""
