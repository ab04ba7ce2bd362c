# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits of the account: what does not fit is refused before the first write, and a limit met on the way leaves nothing half made.

Quotas of whole accounts are laid over what the emulator says it has. A limit on the way is AWS's own answer to the k-th write.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Tuple

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure

from tests.faults.account import AGENT, CORE, OWNER, Account, document, trust
from tests.faults.bench import SEED, Ledger, sample
from tests.support import iam_state
from tests.support.emulators import Emulator
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure

FRONT, MIDWAY = "Limits: refused before the first write", "Limits: met on the way"


class Row(NamedTuple):
    asked: Dict[str, Any]
    says: Tuple[str, ...]
    there: Callable[[Account], Any] = lambda _account: None
    summary: Mapping[str, int] = MappingProxyType({})
    fits: Mapping[str, int] = MappingProxyType({})
    """The summary with which the same goes through; empty for a limit that is never raised."""
    before_any_call: bool = False


def named(kind: str, count: int, **entry: Any) -> Dict[str, Any]:
    return {kind: [{"name": f"n{number}", **entry} for number in range(count)]}


def crowded_user(account: Account) -> None:
    account.make_user()
    account.iam.put_user_policy(UserName="u", PolicyName="old", PolicyDocument=json.dumps(document(size=1500)))


def tagged_user(account: Account) -> None:
    account.make_user()
    account.iam.tag_user(UserName="u", Tags=[{"Key": f"k{number}", "Value": ""} for number in range(49)])


def long_trust(characters: int) -> Dict[str, Any]:
    result = trust()
    result["Statement"][0]["Sid"] = "x" * characters
    return result


INLINE: List[Dict[str, Any]] = [{"name": "new", "document": document(size=1500)}]
SECOND = {"name": "second", "document": document(size=600)}
LONG = {"name": "i", "document": document(size=10200)}
ELEVEN: List[Dict[str, Any]] = [{"name": f"p{number}", "document": document()} for number in range(11)]
ROWS: Dict[str, Row] = {
    "policies": Row(
        named("policies", 3, document=document()),
        ("3 of Customer managed policies per account", "1,498", "1,500", "L-E95E4862"),
        summary={"Policies": 1498},
        fits={"Policies": 1497},
    ),
    "roles": Row(
        named("roles", 2, trust="ec2"), ("2 of Roles per account", "999", "1,000", "L-FE177D64"), lambda _account: None, {"Roles": 999},
        {"Roles": 998},
    ),
    "users": Row(
        named("users", 2), ("2 of Users per account", "5,000", "onprem_ssm"), summary={"Users": 5000}, fits={"Users": 4998}
    ),
    "instance profiles": Row(
        named("roles", 2, trust="ec2", instance_profile=True),
        ("2 of Instance profiles per account", "1,000", "L-6E65F664"),
        summary={"InstanceProfiles": 1000},
        fits={"InstanceProfiles": 0},
    ),
    "an instance profile for a role that is there": Row(
        {"roles": [{"name": "R", "instance_profile": True}]},
        ("1 of Instance profiles per account",),
        there=lambda account: account.make_role(),
        summary={"InstanceProfiles": 1000},
        fits={"InstanceProfiles": 0},
    ),
    "versions of policies": Row(
        named("policies", 1, document=document()),
        ("1 of Policy versions in use per account", "10,000"),
        summary={"PolicyVersionsInUse": 10000},
        fits={"PolicyVersionsInUse": 9999},
    ),
    "several at a time": Row(
        {**named("roles", 1, trust="ec2"), **named("users", 1)},
        ("Roles per account", "Users per account"),
        summary={"Roles": 1000, "Users": 5000},
        fits={"Roles": 0, "Users": 0},
    ),
    "policies attached to a role": Row(
        {"policies": ELEVEN, "roles": [{"name": "R", "trust": "ec2", "policies": [policy["name"] for policy in ELEVEN]}]},
        ("role R: 11 managed policies", "quota of 10", "L-0DA4ABF3"),
        fits={"AttachedPoliciesPerRoleQuota": 20},
    ),
    "policies attached to a user": Row(
        {"policies": ELEVEN, "users": [{"name": "u", "policies": [policy["name"] for policy in ELEVEN]}]},
        ("user u: 11 managed policies", "quota of 10", "L-4019AD8B"),
        fits={"AttachedPoliciesPerUserQuota": 20},
    ),
    "inline policies beside those that are there": Row(
        {"users": [{"name": "u", "inline_policies": INLINE}]}, ("user u", "2,048", "purge_inline_policies"), there=crowded_user
    ),
    "tags beside those that are there": Row(
        {"users": [{"name": "u", "tags": {"a": "1"}}]}, ("user u", "51 tags", "50"), there=tagged_user
    ),
    "a managed policy": Row(
        named("policies", 1, document=document(size=6100)), ("policy n0", "6,144"), before_any_call=True
    ),
    "inline policies of a user": Row(
        named("users", 1, inline_policies=[*INLINE, SECOND]), ("user n0", "2048"), before_any_call=True
    ),
    "inline policies of a role": Row(
        named("roles", 1, trust="ec2", inline_policies=[LONG]), ("role n0", "10,240"), before_any_call=True
    ),
    "a trust policy": Row(
        named("roles", 1, assume_role_policy_document=long_trust(2000)), ("role n0", "2,048"), before_any_call=True
    ),
    "the trust policy of somebody's role": Row(
        {"roles": [{"name": "R", "existing": True, "trust": "ssm", "trust_options": {"regions": ["us-east-1"]}, "add_trust": True}]},
        ("role R", "2,048", "L-C07B4B0D"),
        there=lambda account: account.iam.create_role(RoleName="R", AssumeRolePolicyDocument=json.dumps(long_trust(1900))),
        fits={"AssumeRolePolicySizeQuota": 4096},
    ),
    "tags of a new role": Row(
        named("roles", 1, trust="ec2", tags={f"k{n}": "" for n in range(50)}), ("role n0", "51 tags"), before_any_call=True
    ),
}  # fmt: skip


@pytest.fixture
def account(moto: Emulator) -> Iterator[Account]:
    with RecordingProxy(moto.endpoint_url) as proxy:
        yield Account(moto, proxy)


@pytest.mark.parametrize("name", ROWS)
def test_what_does_not_fit_is_refused(account: Account, ledger: Ledger, name: str) -> None:
    row = ROWS[name]
    row.there(account)
    account.summary = dict(row.summary)
    context = f"{name}, SEED={SEED}"
    for check in (True, False):
        refused = account.refused(check=check, **row.asked)
        assert isinstance(refused.cause, (Refusal, InputError)), f"{context}: {refused.cause!r}"
        for word in row.says:
            assert word in refused.text, f"{context}: {word!r} is not in {refused.text!r}"
        assert not (row.before_any_call and account.proxy.calls), context
        ledger.add(FRONT, cases=1, refused=1)
    if row.fits:
        account.summary = dict(row.fits)
        assert account.run(**row.asked)["changed"], context
        ledger.add(FRONT, runs=1, converged=1)


def test_the_summary_is_asked_for_only_where_something_is_made(account: Account) -> None:
    asked: Dict[str, Any] = {**named("policies", 1, document=document()), **named("users", 2, policies=["n0"])}
    account.run(**asked)
    assert account.proxy.counts()["iam:GetAccountSummary"] == 1
    for options in (asked, named("users", 2, policies=[AGENT]), named("users", 2, state="absent")):
        account.run(**options)
        assert "iam:GetAccountSummary" not in account.proxy.counts(), options


def test_who_may_not_read_the_summary_goes_without(account: Account) -> None:
    account.summary = {"Users": 5000}
    account.interfere = lambda call, forward: (
        failure(call, "AccessDenied", status=403) if call.operation == "GetAccountSummary" else forward()
    )
    assert account.run(**named("users", 1))["changed"]


def test_tags_make_room_for_each_other(account: Account) -> None:
    """Fifty are there, and fifty others shall be: IAM counts them at any moment."""
    tagged_user(account)
    most = {"now": 0}

    def counted(call: Call, forward: Forward) -> Response:
        answer = forward()
        most["now"] = max(most["now"], len(account.iam.list_user_tags(UserName="u")["Tags"]))
        return answer

    account.interfere = counted
    wanted: Dict[str, Any] = {f"new{number}": "" for number in range(49)}
    account.run(users=[{"name": "u", "tags": wanted, "purge_tags": True}], guard=-1)
    assert most["now"] == 50 and set(wanted) < {tag["Key"] for tag in account.iam.list_user_tags(UserName="u")["Tags"]}


def test_inline_policies_stay_within_their_limit_at_any_moment(account: Account) -> None:
    """One grows as another shrinks, and one comes as another goes."""
    account.make_user()
    for name, size in (("a", 900), ("b", 100), ("c", 300)):
        account.iam.put_user_policy(UserName="u", PolicyName=name, PolicyDocument=json.dumps(document(size=size)))
    most = {"now": 0}

    def counted(call: Call, forward: Forward) -> Response:
        answer = forward()
        if call.write:
            names = account.iam.list_user_policies(UserName="u")["PolicyNames"]
            texts = [account.iam.get_user_policy(UserName="u", PolicyName=name)["PolicyDocument"] for name in names]
            most["now"] = max(most["now"], sum(len(json.dumps(text).replace(" ", "")) for text in texts))
        return answer

    account.interfere = counted
    wanted: List[Dict[str, Any]] = [
        {"name": name, "document": document("s3:GetIt", size=size)} for name, size in (("a", 100), ("b", 900), ("d", 300))
    ]
    account.run(users=[{"name": "u", "inline_policies": wanted, "purge_inline_policies": True}])
    assert 0 < most["now"] <= 2048


def test_a_version_makes_room_only_when_five_are_there(account: Account) -> None:
    """moto keeps the limit of five by itself. The oldest that is not the default goes, and only of a policy of ours."""
    arn = account.make_policy()
    for number in range(7):
        account.run(policies=[{"name": "P", "document": document(f"s3:Get{number}")}])
        assert [call.operation for call in account.proxy.writes] == [*["DeletePolicyVersion"] * (number > 3), "CreatePolicyVersion"]
        assert len(account.iam.list_policy_versions(PolicyArn=arn)["Versions"]) == min(number + 2, 5)
    theirs = account.make_policy("Theirs", owner="")
    for number in range(4):
        account.iam.create_policy_version(PolicyArn=theirs, PolicyDocument=json.dumps(document(f"s3:Get{number}")))
    account.refused(policies=[{"name": "Theirs", "document": document("s3:Put*")}])
    assert len(account.iam.list_policy_versions(PolicyArn=theirs)["Versions"]) == 5


# On the way


def inline() -> List[Dict[str, Any]]:
    """Return what each has for itself: Ansible fills in defaults where it is."""
    return [{"name": "i", "document": document()}]


WHOLE: Dict[str, Any] = {
    "policies": [{"name": "P", "document": document()}, {"name": "Q", "document": document("s3:PutObject")}],
    "users": [{"name": "u", "policies": ["P", AGENT], "inline_policies": inline()}, {"name": "v", "policies": ["Q"]}],
    "roles": [
        {"name": "R", "trust": "ec2", "policies": ["P", CORE], "inline_policies": inline(), "instance_profile": True},
        {"name": "S", "trust": "ssm", "trust_options": {"regions": ["us-east-1"]}, "policies": [CORE]},
    ],
}  # fmt: skip
ABSENT: Dict[str, Any] = {kind: [{"name": entry["name"], "state": "absent"} for entry in entries] for kind, entries in WHOLE.items()}
WRITES = 16
"""How many it takes to make all of this."""


def limited(account: Account, at: int) -> Callable[[Call, Forward], Response]:
    """Return a handler that answers the write of that number, and no other, as AWS does when a quota is used up."""
    seen: List[str] = []

    def handler(call: Call, forward: Forward) -> Response:
        if call.write:
            seen.append(call.operation)
            if len(seen) == at + 1:
                return failure(call, "LimitExceeded", "Cannot exceed quota for Things: 7", 409)
        return forward()

    return handler


def half_made(account: Account) -> List[str]:
    """Return what there is of roles and users that lack a part of what was asked for, and profiles without a role."""
    found, result = iam_state.of(account.emulator), []
    for kind in ("users", "roles"):
        for entry in WHOLE[kind]:
            held = found[kind].get(entry["name"])
            if held is not None:
                inline = {policy["name"] for policy in entry.get("inline_policies", ())}
                profile = found["profiles"].get(entry["name"]) == [entry["name"]] or not entry.get("instance_profile")
                if len(held["policies"]) < len(entry["policies"]) or inline - set(held["inline"]) or not profile:
                    result.append(f"{kind} {entry['name']}: {held}")
    return result + [f"profile {name}" for name, roles in found["profiles"].items() if not roles]


PUTS_ROLE_IN = 13
"""The write at which the same code says that another role is in the profile, so that it is looked at again."""


@pytest.mark.parametrize("at", sample("limits on the way", [at for at in range(WRITES) if at != PUTS_ROLE_IN], 8))
def test_a_limit_on_the_way_leaves_nothing_half_made(account: Account, ledger: Ledger, at: int) -> None:
    context = f"write {at}, SEED={SEED}"
    account.interfere = limited(account, at)
    with pytest.raises(Failure) as caught:
        account.run(**WHOLE)
    text, result = caught.value.text, caught.value.result
    failed = result["changes_left"][0]
    assert isinstance(caught.value.cause, Refusal) and f"Could not {failed}" in text and "Cannot exceed quota for Things: 7" in text, (
        context
    )
    assert "Service Quotas" in text and len(result["changes_applied"]) == at, f"{context}: {text}"
    assert half_made(account) == [], f"{context}: {text}"
    undone = result.get("changes_undone", [])
    assert all(change in text for change in undone) and (undone or "Nothing of" in text), f"{context}: {text}"
    ledger.add(MIDWAY, cases=1, faults=1)
    account.interfere = lambda _call, forward: forward()
    account.run(**WHOLE)
    assert half_made(account) == [] and account.run(**WHOLE)["changes"] == [], context
    ledger.add(MIDWAY, runs=2, converged=1)


def test_a_profile_that_another_run_has_filled(account: Account, ledger: Ledger) -> None:
    """The limit is one role: whose is in it is looked up, and a role of somebody else's there stays."""
    account.interfere = limited(account, PUTS_ROLE_IN)
    assert account.run(**WHOLE)["changed"] and half_made(account) == []
    account.run(**ABSENT)

    def filled(call: Call, forward: Forward) -> Response:
        if call.operation == "AddRoleToInstanceProfile" and call.write:
            account.interfere = lambda _call, forward: forward()
            account.make_role("Theirs")
            account.iam.add_role_to_instance_profile(InstanceProfileName="R", RoleName="Theirs")
        return forward()

    account.interfere = filled
    with pytest.raises(Failure) as caught:
        account.run(**WHOLE)
    assert "Theirs" in caught.value.text and iam_state.of(account.emulator)["profiles"]["R"] == ["Theirs"]
    ledger.add(MIDWAY, cases=2, faults=2, runs=2, converged=1)


def test_the_number_of_writes_is_that_of_the_table(account: Account) -> None:
    account.run(**WHOLE)
    assert len(account.proxy.writes) == WRITES
    account.run(**ABSENT)
    assert not half_made(account) and set(iam_state.of(account.emulator)["users"]) == set()


def test_what_was_there_before_is_not_taken_back(account: Account, ledger: Ledger) -> None:
    account.make_role("R", AGENT)
    account.interfere = limited(account, 1)
    with pytest.raises(Failure) as caught:
        account.run(roles=[{"name": "R", "policies": [CORE], "instance_profile": True}])
    assert "role R was there before and stays" in caught.value.text and "changes_undone" not in caught.value.result
    assert len(iam_state.of(account.emulator)["roles"]["R"]["policies"]) == 2
    account.interfere = lambda _call, forward: forward()
    account.run(roles=[{"name": "R", "policies": [CORE], "instance_profile": True}])
    assert iam_state.of(account.emulator)["profiles"] == {"R": ["R"]}
    ledger.add(MIDWAY, cases=1, faults=1, runs=2, converged=1)


def test_what_cannot_be_taken_back_is_told(account: Account, ledger: Ledger) -> None:
    """The rest has this owner's tag: the next run finishes it, or removes it where that is asked for."""

    def handler(call: Call, forward: Forward) -> Response:
        if call.operation == "AttachUserPolicy":
            return failure(call, "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10", 409)
        if call.operation == "DeleteUser":
            return failure(call, "AccessDenied", "not you", 403)
        return forward()

    account.interfere = handler
    asked: Dict[str, Any] = {"users": [{"name": "u", "policies": [AGENT], "inline_policies": [{"name": "i", "document": document()}]}]}
    with pytest.raises(Failure) as caught:
        account.run(**asked)
    assert (
        "could not all be taken back" in caught.value.text
        and "Left to do: delete user u" in caught.value.text
        and "not you" in caught.value.text
    )
    assert caught.value.result["changes_undone"] == ["delete inline policy i from user u"]
    assert iam_state.of(account.emulator)["users"]["u"]["tags"] == {OWNER: "default"}
    account.interfere = lambda _call, forward: forward()
    account.run(**asked)
    assert account.run(**asked)["changes"] == []
    account.run(users=[{"name": "u", "state": "absent"}])
    assert iam_state.of(account.emulator)["users"] == {}
    ledger.add(MIDWAY, cases=1, faults=2, runs=3, converged=1)
