# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans that would do harm are refused before the first write, in check mode too, and the message names the switch that allows them.

A row is such a plan: what is there, what is asked for, what the message must say, and what is added to go through. A plan without such a
switch is one that nothing allows.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Tuple

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal

from tests.faults.account import AGENT, AWS, CORE, Account, document
from tests.faults.bench import SEED, Ledger
from tests.support.emulators import Emulator
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure

PART = "Unsafe plans"
ABSENT = {"state": "absent"}
LAST = "would lose the last policy by which"
PURGED: Dict[str, Any] = {"policies": [], "purge_policies": True}


class Row(NamedTuple):
    there: Callable[[Account], Any]
    asked: Dict[str, Any]
    says: Tuple[str, ...]
    """Object and reason."""
    switch: Optional[Dict[str, Any]]
    """Options that allow it."""
    module: str = "iam_identities"


def roles(**entry: Any) -> Dict[str, Any]:
    return {"roles": [{"name": "R", **entry}]}


def users(**entry: Any) -> Dict[str, Any]:
    return {"users": [{"name": "u", **entry}]}


def policies(**entry: Any) -> Dict[str, Any]:
    return {"policies": [{"name": "P", **entry}]}


def used_role(*attached: str, **more: Any) -> Callable[[Account], None]:
    def make(account: Account) -> None:
        account.make_role("R", *attached, **more)
        account.used.append("R")

    return make


def running_role(*attached: str) -> Callable[[Account], None]:
    """A role that an instance runs with, and whose use AWS has not reported yet."""

    def make(account: Account) -> None:
        account.make_role("R", *attached)
        account.make_instance(account.make_profile())

    return make


def used_user(*attached: str) -> Callable[[Account], None]:
    return lambda account: account.make_user("u", *attached, in_use=True)


def own_policy(*actions: str, to: str = "role") -> Callable[[Account], None]:
    """A role or user in use that works by a policy of the account."""

    def make(account: Account) -> None:
        arn = account.make_policy("P", *actions)
        if to == "role":
            used_role(arn)(account)
        else:
            used_user(arn)(account)

    return make


def inline_policy(account: Account) -> None:
    account.make_user("u", in_use=True)
    account.iam.put_user_policy(UserName="u", PolicyName="i", PolicyDocument=json.dumps(document("cloudwatch:Put*")))


def their_inline_policy(account: Account) -> None:
    account.make_role(owner="")
    account.iam.put_role_policy(RoleName="R", PolicyName="i", PolicyDocument=json.dumps(document("s3:*")))


def many_policies(account: Account) -> None:
    account.make_role("R", *(account.make_policy(f"p{number}") for number in range(4)))


def many_tags(account: Account) -> None:
    account.make_user()
    account.iam.tag_user(UserName="u", Tags=[{"Key": f"k{number}", "Value": ""} for number in range(4)])


def full_role(account: Account) -> None:
    account.make_role("R", *(account.make_policy(f"p{number}") for number in range(10)))


def full_inline(account: Account) -> None:
    account.make_user()
    account.iam.put_user_policy(UserName="u", PolicyName="old", PolicyDocument=json.dumps(document(size=1500)))


def person(account: Account) -> None:
    account.make_user()
    account.iam.create_login_profile(UserName="u", Password="Some-Password-1")


def in_group(account: Account) -> None:
    account.make_user()
    account.iam.create_group(GroupName="people")
    account.iam.add_user_to_group(GroupName="people", UserName="u")


def attached_elsewhere(account: Account) -> None:
    account.make_role("Other", account.make_policy())


def other_profile(account: Account) -> None:
    account.make_role("Other")
    account.make_profile("Other", "R")
    account.make_role("R")


def instance_of_other(account: Account) -> None:
    account.make_role("Other")
    account.make_role("R")
    account.make_profile()
    account.instance = account.make_instance(account.make_profile("Other", "Other"))  # type: ignore[attr-defined]


def fleet(account: Account) -> None:
    account.make_role("R")
    profile = account.make_profile()
    for _count in range(3):
        instance = account.make_instance(profile)
        account.ec2.create_tags(Resources=[instance], Tags=[{"Key": "Tier", "Value": "web"}])


EVERY = {"tag:Tier": "web"}

ROWS: Dict[str, Row] = {
    # What the collection does not own
    "a policy that nobody made": Row(
        lambda a: a.make_policy(owner=""), policies(**ABSENT), ("policy P", "did not make it"), {"delete_unowned": True}
    ),
    "a role of another owner": Row(
        lambda a: a.make_role(owner="blue"), roles(**ABSENT), ("role R", "belongs to 'blue'"), {"delete_unowned": True}
    ),
    "a user that nobody made": Row(
        lambda a: a.make_user(owner=""), users(**ABSENT), ("user u", "did not make it"), {"delete_unowned": True}
    ),
    "a role of another owner changed": Row(
        lambda a: a.make_role("R", owner="blue"), roles(policies=[CORE]), ("role R", "belongs to 'blue'"), {"adopt": True}
    ),
    "a policy of another owner rewritten": Row(
        lambda a: a.make_policy(owner="blue"), policies(document=document("s3:*")), ("policy P", "belongs to 'blue'"), {"adopt": True}
    ),
    "an inline policy of somebody's role rewritten": Row(
        their_inline_policy,
        roles(existing=True, inline_policies=[{"name": "i", "document": document()}]),
        ("role R", "another text"),
        {"adopt": True},
    ),
    "a policy that others use": Row(attached_elsewhere, policies(**ABSENT), ("policy P", "role Other", "Detach it there"), None),
    "an instance profile of another role": Row(other_profile, roles(instance_profile=True), ("role R", "holds the role Other"), None),
    "somebody's role that does not serve": Row(
        lambda a: a.make_role(owner="", service="lambda.amazonaws.com"),
        roles(existing=True, trust="ec2"),
        ("role R", "ec2.amazonaws.com"),
        {"roles": [{"name": "R", "existing": True, "trust": "ec2", "add_trust": True}]},
    ),
    "the user of another owner offboarded": Row(
        lambda a: a.make_user(owner="blue"), {"users": ["u"]}, ("user u", "'blue'"), {"delete_unowned": True}, "iam_user_offboarding"
    ),
    "a person offboarded": Row(person, {"users": ["u"]}, ("user u", "login profile"), {"delete_people": True}, "iam_user_offboarding"),
    "somebody in a group offboarded": Row(in_group, {"users": ["u"]}, ("user u", "people"), {"groups": ["people"]}, "iam_user_offboarding"),
    "a user that others need offboarded": Row(
        lambda a: a.make_user(), {"users": ["u"], "protected": ["u"]}, ("u", "protected"), None, "iam_user_offboarding"
    ),
    # More than the guard allows
    "attachments beyond the guard": Row(many_policies, {**roles(**PURGED), "guard": 3}, ("role R", "4 things"), {"guard": 4}),
    "tags beyond the guard": Row(many_tags, {**users(tags={}, purge_tags=True), "guard": 3}, ("user u", "4 things"), {"guard": -1}),
    "instances beyond the guard": Row(
        fleet,
        {"instance_profile": "R", "filters": EVERY, "state": "absent", "guard": 2},
        ("filters", "3 instances"),
        {"guard": 3},
        "instance_profile_association",
    ),
    # Room that is there only with a gap
    "attachments that need a gap": Row(
        full_role, roles(policies=[CORE], purge_policies=True), ("role R", "quota of 10"), {"allow_gap": True}
    ),
    "inline policies that need a gap": Row(
        full_inline,
        users(inline_policies=[{"name": "new", "document": document(size=1500)}], purge_inline_policies=True),
        ("user u", "2,048"),
        {"allow_gap": True},
    ),
    # AWS managed policies
    "an ARN of AWS as a policy of one's own": Row(
        lambda a: None, {"policies": [{"name": AWS + AGENT, "state": "absent"}]}, ("policies", "not a valid managed policy name"), None
    ),
    # Agents that run
    "a user in use loses its agent's last policy": Row(
        used_user(AGENT), users(**PURGED), ("user u", LAST, "CloudWatch agent", "AKIA"), {"allow_in_use": True}
    ),
    "a user in use gets another policy in its place": Row(
        used_user(AGENT), users(policies=[CORE], purge_policies=True), ("user u", LAST, "CloudWatch agent"), {"allow_in_use": True}
    ),
    "a role in use loses its agent's last policy": Row(
        used_role(AGENT, CORE), roles(policies=[AGENT], purge_policies=True), ("role R", LAST, "SSM Agent"), {"allow_in_use": True}
    ),
    "a role that an instance runs with loses its agents' last policies": Row(
        running_role(AGENT, CORE), roles(**PURGED), ("role R", LAST, "SSM Agent and the CloudWatch agent", "i-"), {"allow_in_use": True}
    ),
    "somebody's role in use has its policy taken back": Row(
        used_role(CORE, owner=""),
        roles(existing=True, state="absent", policies=[CORE]),
        ("role R", LAST, "SSM Agent"),
        {"allow_in_use": True},
    ),
    "a role in use loses a policy of the account": Row(
        own_policy("cloudwatch:PutMetricData"), roles(**PURGED), ("role R", LAST, "CloudWatch agent"), {"allow_in_use": True}
    ),
    "a role in use has its policy rewritten": Row(
        own_policy("ssm:Update*"),
        {**policies(document=document("s3:GetObject")), **roles()},
        ("role R", LAST, "SSM Agent"),
        {"allow_in_use": True},
    ),
    "a user in use loses an inline policy": Row(
        inline_policy, users(inline_policies=[], purge_inline_policies=True), ("user u", LAST, "CloudWatch agent"), {"allow_in_use": True}
    ),
    "a user in use has its inline policy rewritten": Row(
        inline_policy,
        users(inline_policies=[{"name": "i", "document": document()}]),
        ("user u", LAST, "CloudWatch agent"),
        {"allow_in_use": True},
    ),
    "a role in use deleted": Row(used_role(), roles(**ABSENT), ("role R would be deleted", "last used"), {"allow_in_use": True}),
    "a role deleted that an instance runs with": Row(
        running_role(), roles(**ABSENT), ("role R would be deleted", "i-", "runs with it"), {"allow_in_use": True}
    ),
    "a user in use deleted": Row(used_user(), users(**ABSENT), ("user u would be deleted", "AKIA"), {"allow_in_use": True}),
    "a role taken out of the profile that an instance has": Row(
        running_role(CORE), roles(instance_profile=False), ("role R would be taken out of instance profile R",), {"allow_in_use": True}
    ),
    "a role in use no longer trusts EC2": Row(
        used_role(),
        roles(trust="service", trust_options={"services": ["lambda.amazonaws.com"]}),
        ("role R would no longer trust ec2.amazonaws.com",),
        {"allow_in_use": True},
    ),
    "a user in use offboarded": Row(
        used_user(AGENT), {"users": ["u"]}, ("user u is in use", "AKIA"), {"allow_in_use": True}, "iam_user_offboarding"
    ),
    "the profile of an instance replaced": Row(
        instance_of_other,
        {"instance_profile": "R", "filters": {"instance-state-name": "running"}},
        ("i-", "has Other"),
        {"replace": True},
        "instance_profile_association",
    ),
}


@pytest.fixture
def account(moto: Emulator) -> Iterator[Account]:
    with RecordingProxy(moto.endpoint_url) as proxy:
        yield Account(moto, proxy)


@pytest.mark.parametrize("name", ROWS)
def test_an_unsafe_plan(account: Account, ledger: Ledger, name: str) -> None:
    row = ROWS[name]
    row.there(account)
    context = f"{name}, SEED={SEED}"
    for check in (True, False):
        refused = account.refused(row.module, check, **row.asked)
        assert isinstance(refused.cause, (Refusal, InputError)), f"{context}: {refused.cause!r}"
        for word in row.says:
            assert word in refused.text, f"{context}: {word!r} is not in {refused.text!r}"
        ledger.add(PART, cases=1, refused=1)
    if row.switch is None:
        return
    for option in row.switch:
        if option not in ("roles", "users"):
            assert re.search(rf"\b{option}\b", refused.text), f"{context}: the switch {option} is not in {refused.text!r}"
    assert account.run(row.module, **{**row.asked, **row.switch})["changed"], context
    ledger.add(PART, runs=1, converged=1)
    # What was allowed once is done, and asks for nothing again.
    assert not account.run(row.module, **{**row.asked, **row.switch})["changed"] or "existing" in str(row.asked), context


def listed_node(call: Call, ping: str) -> Response:
    node = (
        f'{{"InstanceInformationList": [{{"InstanceId": "mi-0123456789abcdef0", "PingStatus": "{ping}", "Name": "web1", '
        '"LastPingDateTime": 1767225600}]}'
    )
    return Response(200, (("Content-Type", "application/x-amz-json-1.1"),), node.encode())


@pytest.mark.parametrize("ping", ["Online", "ConnectionLost", "Inactive"])
def test_a_node_that_is_online_is_deregistered_only_when_that_is_said(account: Account, ledger: Ledger, ping: str) -> None:

    def answer(call: Call, forward: Forward) -> Response:
        if call.operation == "DescribeInstanceInformation":
            return listed_node(call, ping)
        if call.operation in ("DescribeActivations", "DeregisterManagedInstance"):
            return Response(200, (("Content-Type", "application/x-amz-json-1.1"),), b"{}")
        return forward()

    account.interfere = answer
    if ping == "Online":
        for check in (True, False):
            refused = account.refused("ssm_node_offboarding", check, name="web1")
            assert "mi-0123456789abcdef0" in refused.text and "allow_online: true" in refused.text
            ledger.add(PART, cases=1, refused=1)
    done = account.run("ssm_node_offboarding", name="web1", **({"allow_online": True} if ping == "Online" else {}))
    assert done["changes"] == ["deregister node mi-0123456789abcdef0"]


def used_once(account: Account) -> None:
    account.make_user("u", AGENT, in_use=True)
    key = account.iam.list_access_keys(UserName="u")["AccessKeyMetadata"][0]["AccessKeyId"]
    account.iam.update_access_key(UserName="u", AccessKeyId=key, Status="Inactive")


def ran_once(account: Account) -> None:
    running_role(CORE)(account)
    found = account.ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    account.ec2.terminate_instances(InstanceIds=[found])


SAFE: Dict[str, Tuple[Callable[[Account], Any], Dict[str, Any]]] = {
    "what an agent in use does not need goes": (used_role(AGENT, "AmazonS3ReadOnlyAccess"), roles(policies=[AGENT], purge_policies=True)),
    "one of two that do the same goes": (
        used_role(AGENT, "CloudWatchAgentAdminPolicy"),
        roles(policies=["CloudWatchAgentAdminPolicy"], purge_policies=True),
    ),
    "a policy of the account takes over": (
        used_role(CORE),
        {**policies(preset="session_manager"), **roles(policies=["P"], purge_policies=True)},
    ),
    "what stays allows everything": (used_role(CORE, "AdministratorAccess"), roles(policies=["AdministratorAccess"], purge_policies=True)),
    "nobody uses the role": (lambda a: a.make_role("R", AGENT), roles(**PURGED)),
    "nobody uses the user": (lambda a: a.make_user("u", AGENT), users(**ABSENT)),
    "its key is inactive": (used_once, users(**ABSENT)),
    "its instance is gone": (ran_once, roles(**ABSENT)),
}


@pytest.mark.parametrize("name", SAFE)
def test_a_safe_plan_is_not_refused(account: Account, ledger: Ledger, name: str) -> None:
    there, asked = SAFE[name]
    there(account)
    assert account.run(**asked)["changed"]
    ledger.add(f"{PART}: look-alikes that are safe", cases=1, runs=1, converged=1)


def test_policies_of_aws_are_never_written(account: Account) -> None:
    """Not even when they are the only ones of that name, or the last that somebody has."""
    account.make_role("R", AGENT)
    for options in (policies(name=AGENT, **ABSENT), policies(name=AGENT, document=document()), policies(name=AGENT, **ABSENT)):
        account.run(**options, delete_unowned=True, adopt=True, guard=-1, allow_in_use=True)
        assert not any(AWS in str(call.parameters) for call in account.proxy.writes)


def test_what_is_not_taken_away_is_not_asked_about(account: Account) -> None:
    """A run with nothing to do, and one that only adds, make no call more for all this."""
    used_role(AGENT)(account)
    account.make_user("u", AGENT, in_use=True)
    account.run(**roles(policies=[AGENT], purge_policies=True), **users(policies=[AGENT], purge_policies=True))
    idle = {"sts:GetCallerIdentity": 1, "iam:GetRole": 1, "iam:ListAttachedRolePolicies": 1, "iam:GetUser": 1}
    assert account.proxy.counts() == {**idle, "iam:ListAttachedUserPolicies": 1}
    account.run(**roles(policies=[AGENT, CORE]))
    assert set(account.proxy.counts()) == {*list(idle)[:3], "iam:GetPolicy", "iam:AttachRolePolicy"}


def test_who_may_not_look_is_not_held_up(account: Account) -> None:
    """What the caller may not read is no evidence. What AWS fails to answer is a failure."""
    account.make_user("u", AGENT, in_use=True)
    code = {"now": "AccessDenied"}
    account.interfere = lambda call, forward: (
        failure(call, code["now"], status=403 if code["now"] == "AccessDenied" else 500)
        if call.operation == "GetAccessKeyLastUsed"
        else forward()
    )
    code["now"] = "ServiceFailure"
    assert "ServiceFailure" in str(account.refused(**users(**PURGED)).cause)
    code["now"] = "AccessDenied"
    assert account.run(**users(**PURGED))["changed"]
