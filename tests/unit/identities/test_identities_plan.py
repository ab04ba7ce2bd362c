# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planner of identities as tables: what is there, what is asked for, and the changes in words and order."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Outdated, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.records import Version
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.tags import OWNER_TAG

from .cases import AGENT, CORE, EC2_TRUST, MINE, P_ARN, account, document, planned, policy, profile, role, user, words

OTHER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
VERSIONS = tuple(Version(f"v{number}", number == 6) for number in range(2, 7))


def trusting(who):
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::123456789012:{who}"}, "Action": "sts:AssumeRole"}],
    }


P = {"name": "P", "document": document("s3:GetObject")}

CASES = {
    "nothing asked for, nothing done": (account(), {}, []),
    # Policies
    "policy made": (account(), {"policies": [P]}, ["create policy P"]),
    "policy equal": (account(policy()), {"policies": [P]}, []),
    "policy equal in another spelling makes no version": (
        account(policy(document={"Version": "2012-10-17", "Statement": {"Effect": "allow", "Action": "S3:getobject", "Resource": "*"}})),
        {"policies": [P]},
        [],
    ),
    "policy differs": (
        account(policy()),
        {"policies": [{"name": "P", "document": document("s3:PutObject")}]},
        ["update document of policy P"],
    ),
    "policy differs, four versions: none pruned": (
        account(policy(versions=VERSIONS[1:])),
        {"policies": [{"name": "P", "document": document("s3:PutObject")}]},
        ["update document of policy P"],
    ),
    "policy differs, five versions: the oldest that is not the default pruned": (
        account(policy(versions=VERSIONS)),
        {"policies": [{"name": "P", "document": document("s3:PutObject")}]},
        ["delete version v2 from policy P", "update document of policy P"],
    ),
    "policy differs, five versions, the oldest is the default": (
        account(policy(versions=(Version("v2", True), *[Version(f"v{n}", False) for n in range(3, 7)]))),
        {"policies": [{"name": "P", "document": document("s3:PutObject")}]},
        ["delete version v3 from policy P", "update document of policy P"],
    ),
    "policy deleted with its versions": (
        account(policy(versions=VERSIONS)),
        {"policies": [{"name": "P", "state": "absent"}]},
        [*[f"delete version v{n} from policy P" for n in range(2, 6)], "delete policy P"],
    ),
    "policy already gone": (account(), {"policies": [{"name": "P", "state": "absent"}]}, []),
    # Roles
    "role with everything, in one go": (
        account(),
        {
            "policies": [P],
            "roles": [
                {"name": "R", "trust": "ec2", "instance_profile": True, "boundary": "P", "policies": ["P", "AmazonSSMManagedInstanceCore"]}
            ],
        },
        [
            "create policy P",
            "create role R",
            f"attach managed policy {P_ARN} to role R",
            f"attach managed policy {CORE} to role R",
            "create instance profile R",
            "add role R to instance profile R",
        ],
    ),
    "profile empty: role put in": (
        account(role(profile=profile("R"))),
        {"roles": [{"name": "R", "instance_profile": True}]},
        ["add role R to instance profile R"],
    ),
    "profile right: kept": (account(role(profile=profile("R", "R"))), {"roles": [{"name": "R", "instance_profile": True}]}, []),
    "profile not asked about: left": (account(role()), {"roles": [{"name": "R"}]}, []),
    "profile not wanted, ours: deleted": (
        account(role(profile=profile("R", "R"))),
        {"roles": [{"name": "R", "instance_profile": False}]},
        ["remove role R from instance profile R", "delete instance profile R"],
    ),
    "profile not wanted, somebody's: role taken out": (
        account(role(profile=profile("R", "R", tags={}))),
        {"roles": [{"name": "R", "instance_profile": False}]},
        ["remove role R from instance profile R"],
    ),
    "trust differs": (account(role(trust=OTHER)), {"roles": [{"name": "R", "trust": "ec2"}]}, ["update trust policy of role R"]),
    "settings differ": (
        account(role()),
        {"roles": [{"name": "R", "description": "d", "max_session_duration": 7200}]},
        ["update description and max_session_duration of role R"],
    ),
    "session duration differs": (
        account(role()),
        {"roles": [{"name": "R", "max_session_duration": 7200}]},
        ["update max_session_duration of role R"],
    ),
    "boundary put": (account(role()), {"roles": [{"name": "R", "boundary": P_ARN}]}, ["create permissions boundary for role R"]),
    "boundary changed": (
        account(role(boundary=CORE)),
        {"roles": [{"name": "R", "boundary": P_ARN}]},
        ["update permissions boundary of role R"],
    ),
    "boundary left alone": (account(role(boundary=CORE)), {"roles": [{"name": "R"}]}, []),
    "boundary taken away": (
        account(role(boundary=CORE)),
        {"roles": [{"name": "R", "boundary": ""}]},
        ["delete permissions boundary from role R"],
    ),
    "policies added, others kept": (
        account(role(attached=(CORE,))),
        {"roles": [{"name": "R", "policies": ["CloudWatchAgentServerPolicy"]}]},
        [f"attach managed policy {AGENT} to role R"],
    ),
    "policies purged: attach before detach": (
        account(role(attached=(CORE,))),
        {"roles": [{"name": "R", "policies": ["CloudWatchAgentServerPolicy"], "purge_policies": True}]},
        [f"attach managed policy {AGENT} to role R", f"detach managed policy {CORE} from role R"],
    ),
    "policies left out are left alone, even with purge": (
        account(role(attached=(CORE,))),
        {"roles": [{"name": "R", "purge_policies": True}]},
        [],
    ),
    "policies empty with purge: made empty": (
        account(role(attached=(CORE,))),
        {"roles": [{"name": "R", "policies": [], "purge_policies": True}]},
        [f"detach managed policy {CORE} from role R"],
    ),
    "policies empty without purge: nothing": (account(role(attached=(CORE,))), {"roles": [{"name": "R", "policies": []}]}, []),
    "inline policies": (
        account(role(inline={"a": document("s3:GetObject"), "b": document("s3:GetObject"), "c": document("s3:GetObject")})),
        {
            "roles": [
                {
                    "name": "R",
                    "purge_inline_policies": True,
                    "inline_policies": [
                        {"name": "a", "document": document("s3:GetObject")},
                        {"name": "b", "document": document("s3:PutObject")},
                    ],
                }
            ]
        },
        ["put inline policy b on role R", "delete inline policy c from role R"],
    ),
    "role deleted: dependants first, profile with it": (
        account(role(attached=(CORE,), inline={"i": {}}, profile=profile("R", "R"), other_profiles=(profile("X", "R", tags={}),))),
        {"roles": [{"name": "R", "state": "absent"}]},
        [
            "remove role R from instance profile R",
            "delete instance profile R",
            "remove role R from instance profile X",
            f"detach managed policy {CORE} from role R",
            "delete inline policy i from role R",
            "delete role R",
        ],
    ),
    "role, user and policy deleted: the policy last": (
        account(policy(attached_to=("role R", "user u")), role(attached=(P_ARN,)), user(attached=(P_ARN,))),
        {
            "policies": [{"name": "P", "state": "absent"}],
            "roles": [{"name": "R", "state": "absent"}],
            "users": [{"name": "u", "state": "absent"}],
        },
        [
            f"detach managed policy {P_ARN} from role R",
            "delete role R",
            f"detach managed policy {P_ARN} from user u",
            "delete user u",
            "delete policy P",
        ],
    ),
    "what replaces comes after what takes over": (
        account(policy(), role(attached=(P_ARN,), inline={"i": document("s3:GetObject", "s3:PutObject")})),
        {
            "policies": [{"name": "P", "document": document("s3:PutObject")}, {"name": "Q", "document": document("s3:GetObject")}],
            "roles": [
                {
                    "name": "R",
                    "policies": ["P", "Q"],
                    "inline_policies": [
                        {"name": "i", "document": document("s3:PutObject")},
                        {"name": "j", "document": document("s3:GetObject")},
                    ],
                }
            ],
        },
        [
            "create policy Q",
            "put inline policy j on role R",
            "attach managed policy arn:aws:iam::123456789012:policy/Q to role R",
            "update document of policy P",
            "put inline policy i on role R",
        ],
    ),
    "a boundary limits before more is attached": (
        account(role()),
        {"roles": [{"name": "R", "boundary": P_ARN, "policies": [CORE]}]},
        ["create permissions boundary for role R", f"attach managed policy {CORE} to role R"],
    ),
    "who is trusted is made first": (
        account(),
        {
            "roles": [
                {"name": "A", "assume_role_policy_document": trusting("role/B")},
                {"name": "B", "assume_role_policy_document": trusting("user/u")},
            ],
            "users": [{"name": "u"}],
        },
        ["create user u", "create role B", "create role A"],
    ),
    "boundary taken away and deleted in one task": (
        account(policy(attached_to=("boundary of role R",)), role(boundary=P_ARN)),
        {"policies": [{"name": "P", "state": "absent"}], "roles": [{"name": "R", "boundary": ""}]},
        ["delete permissions boundary from role R", "delete policy P"],
    ),
    "a profile that another role is in stays": (
        account(role(profile=profile("R", "Other"))),
        {"roles": [{"name": "R", "instance_profile": False}]},
        [],
    ),
    "all profiles of ours go with the role": (
        account(role(profile=profile("R2", "R"), other_profiles=(profile("R", "R"),))),
        {"roles": [{"name": "R", "state": "absent", "instance_profile_name": "R2"}]},
        [
            "remove role R from instance profile R2",
            "delete instance profile R2",
            "remove role R from instance profile R",
            "delete instance profile R",
            "delete role R",
        ],
    ),
    "a profile that a broken-off run left goes too": (
        account(orphaned_profiles={"R": profile("R")}),
        {"roles": [{"name": "R", "state": "absent"}]},
        ["delete instance profile R"],
    ),
    "a profile that somebody else left stays": (
        account(orphaned_profiles={"R": profile("R", tags={})}),
        {"roles": [{"name": "R", "state": "absent"}]},
        [],
    ),
    "an empty profile gets the new role": (
        account(orphaned_profiles={"R": profile("R")}),
        {"roles": [{"name": "R", "trust": "ec2", "instance_profile": True}]},
        ["create role R", "add role R to instance profile R"],
    ),
    # Somebody else's role
    "existing role: only added to": (
        account(role(trust=EC2_TRUST, attached=(AGENT,), tags={"theirs": "yes"}, profile=profile("Theirs", "R", tags={}))),
        {
            "roles": [
                {"name": "R", "existing": True, "trust": "ec2", "instance_profile": True, "policies": ["AmazonSSMManagedInstanceCore"]}
            ]
        },
        [f"attach managed policy {CORE} to role R"],
    ),
    "existing role: trust added on request, theirs kept": (
        account(role(trust=OTHER, tags={})),
        {"roles": [{"name": "R", "existing": True, "trust": "ec2", "add_trust": True}]},
        ["update trust policy of role R"],
    ),
    "existing role: its own inline policy of that name stays when it is taken back": (
        account(role(tags={}, inline={"i": document("s3:GetObject"), "j": document("s3:PutObject")})),
        {
            "roles": [
                {
                    "name": "R",
                    "existing": True,
                    "state": "absent",
                    "inline_policies": [
                        {"name": "i", "document": document("s3:PutObject")},
                        {"name": "j", "document": document("s3:PutObject")},
                    ],
                }
            ]
        },
        ["delete inline policy j from role R"],
    ),
    "existing role: profile added on request": (
        account(role(tags={})),
        {"roles": [{"name": "R", "existing": True, "instance_profile": True, "add_instance_profile": True}]},
        ["create instance profile R", "add role R to instance profile R"],
    ),
    "existing role: taken back is what is ours": (
        account(role(attached=(AGENT, CORE), tags={}, profile=profile("R", "R"))),
        {"roles": [{"name": "R", "existing": True, "state": "absent", "policies": ["AmazonSSMManagedInstanceCore"]}]},
        [f"detach managed policy {CORE} from role R", "remove role R from instance profile R", "delete instance profile R"],
    ),
    "existing role: their profile stays": (
        account(role(attached=(CORE,), tags={}, profile=profile("R", "R", tags={}))),
        {"roles": [{"name": "R", "existing": True, "state": "absent", "policies": ["AmazonSSMManagedInstanceCore"]}]},
        [f"detach managed policy {CORE} from role R"],
    ),
    "existing role gone: nothing to take back": (account(), {"roles": [{"name": "R", "existing": True, "state": "absent"}]}, []),
    # Users
    "user made": (
        account(),
        {"users": [{"name": "u", "path": "/h/", "policies": ["CloudWatchAgentServerPolicy"]}]},
        ["create user u", f"attach managed policy {AGENT} to user u"],
    ),
    "user moved to another path": (account(user()), {"users": [{"name": "u", "path": "/h/"}]}, ["update path of user u"]),
    "user deleted: what signs in first": (
        account(
            user(
                dependants={
                    "access key": ("AKIA1", "AKIA2"),
                    "login profile": ("u",),
                    "virtual MFA device": ("arn:mfa",),
                    "group membership": ("g",),
                }
            )
        ),
        {"users": [{"name": "u", "state": "absent"}]},
        [
            "delete login profile u from user u",
            "delete access key AKIA1 from user u",
            "delete access key AKIA2 from user u",
            "delete virtual MFA device arn:mfa from user u",
            "delete group membership g from user u",
            "delete user u",
        ],
    ),
    # Tags
    "tags put, others kept": (
        account(role(tags={**MINE, "a": "1"})),
        {"roles": [{"name": "R", "tags": {"b": "2"}}]},
        ["put tags b on role R"],
    ),
    "tags purged, ours and AWS's kept": (
        account(role(tags={**MINE, "a": "1", "aws:created": "x", "hybridops.aws_agents/retired/AKIA": "t"})),
        {"roles": [{"name": "R", "tags": {"b": "2"}, "purge_tags": True}]},
        ["put tags b on role R", "remove tags a from role R"],
    ),
    "tags left out stay, even with purge": (account(role(tags={**MINE, "a": "1"})), {"roles": [{"name": "R", "purge_tags": True}]}, []),
    "tag in another spelling replaces the old one": (
        account(role(tags={**MINE, "Team": "a"})),
        {"roles": [{"name": "R", "tags": {"team": "b"}}]},
        ["remove tags Team from role R", "put tags team on role R"],
    ),
    "common tags are for what is made only": (account(role()), {"roles": [{"name": "R"}], "tags": {"team": "ops"}}, []),
    # Ownership
    "somebody's object that is right already is no concern": (account(role(tags={})), {"roles": [{"name": "R", "trust": "ec2"}]}, []),
    "adopted: changed, not tagged": (
        account(role(tags={})),
        {"roles": [{"name": "R", "description": "d"}], "adopt": True},
        ["update description of role R"],
    ),
    "unowned, deleted on request": (
        account(user(tags={})),
        {"users": [{"name": "u", "state": "absent"}], "delete_unowned": True},
        ["delete user u"],
    ),
}


@pytest.mark.parametrize(("actual", "asked", "expected"), CASES.values(), ids=CASES.keys())
def test_plan(actual, asked, expected):
    assert words(actual, **asked) == expected


REFUSALS = {
    "role without trust": (account(), {"roles": [{"name": "R"}]}, "Give trust"),
    "role path changed": (account(role()), {"roles": [{"name": "R", "path": "/x/"}]}, "IAM never changes a role's path"),
    "policy description changed": (
        account(policy(description="old")),
        {"policies": [dict(P, description="new")]},
        "IAM never changes a policy's description",
    ),
    "existing role missing": (account(), {"roles": [{"name": "R", "existing": True}]}, "it does not exist"),
    "existing role not trusted": (
        account(role(trust=OTHER)),
        {"roles": [{"name": "R", "existing": True, "trust": "ec2"}]},
        "does not let ec2.amazonaws.com assume it. Set add_trust",
    ),
    "existing role without profile": (
        account(role()),
        {"roles": [{"name": "R", "existing": True, "trust": "ec2", "instance_profile": True}]},
        "no instance profile holds it",
    ),
    "existing role: another text under that name": (
        account(role(tags={}, inline={"i": document("s3:GetObject")})),
        {"roles": [{"name": "R", "existing": True, "inline_policies": [{"name": "i", "document": document("s3:PutObject")}]}]},
        "an inline policy i with another text",
    ),
    "policy of the account that is not there": (
        account(),
        {"users": [{"name": "u", "policies": ["account:/x/Nope"]}]},
        "there is no policy arn:aws:iam::123456789012:policy/x/Nope",
    ),
    "boundary that is not there": (account(), {"users": [{"name": "u", "boundary": "account:Nope"}]}, "boundary of u: there is no policy"),
    "policy under another path": (
        account(local_policies={"p": "arn:aws:iam::123456789012:policy/x/P"}),
        {"policies": [P]},
        "the account has arn:aws:iam::123456789012:policy/x/P",
    ),
    "more tags than IAM stores": (
        account(role(tags={**MINE, **{f"k{n}": "" for n in range(40)}})),
        {"roles": [{"name": "R", "tags": {f"t{n}": "" for n in range(10)}}]},
        "it would have 51 tags",
    ),
    "profile holds another role": (
        account(role(profile=profile("R", "Other"))),
        {"roles": [{"name": "R", "instance_profile": True}]},
        "holds the role Other",
    ),
    "unknown AWS managed policy": (account(), {"users": [{"name": "u", "policies": ["NoSuchPolicy"]}]}, "account:/path/NoSuchPolicy"),
    "not ours to change": (account(role(tags={})), {"roles": [{"name": "R", "description": "d"}]}, "adopt: true"),
    "another owner's": (
        account(role(tags={OWNER_TAG: "team-b"})),
        {"roles": [{"name": "R", "description": "d"}]},
        "it belongs to 'team-b'",
    ),
    "not ours to delete": (account(user(tags={})), {"users": [{"name": "u", "state": "absent"}]}, "delete_unowned: true"),
    "adopting is not owning": (
        account(user(tags={})),
        {"users": [{"name": "u", "state": "absent"}], "adopt": True},
        "delete_unowned: true",
    ),
    "policy still used elsewhere": (
        account(policy(attached_to=("role X", "boundary of user y"))),
        {"policies": [{"name": "P", "state": "absent"}]},
        "still in use by role X, boundary of user y",
    ),
    "more removals than the guard allows": (
        account(role(attached=(AGENT, CORE))),
        {"roles": [{"name": "R", "policies": [], "purge_policies": True}], "guard": 1},
        "would remove 2 things",
    ),
}


@pytest.mark.parametrize(("actual", "asked", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal(actual, asked, message):
    with pytest.raises(Refusal) as caught:
        planned(actual, **asked)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("users", "asked_again"),
    [(("role R",), True), (("boundary of role R", "user u"), True), (("role R", "role X"), False)],
)
def test_a_list_that_names_whom_their_own_reads_did_not_find(users, asked_again):
    """One of the two answers is old, so both are asked for again. What somebody else uses stays refused."""
    asked = {"policies": [{"name": "P", "state": "absent"}], "roles": [{"name": "R", "state": "absent"}]}
    with pytest.raises(Refusal) as caught:
        planned(account(policy(attached_to=users)), **asked, users=[{"name": "u", "state": "absent"}])
    assert isinstance(caught.value, Outdated) is asked_again and "still in use by" in str(caught.value)


def test_added_trust_is_as_narrow_as_the_form():
    entry = {"name": "R", "existing": True, "trust": "ssm", "add_trust": True}
    (change,) = planned(account(role(tags={})), roles=[entry])
    assert change.after["Statement"][:-1] == EC2_TRUST["Statement"]
    assert change.after["Statement"][-1] == {
        "Effect": "Allow",
        "Principal": {"Service": "ssm.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": ["arn:aws:ssm:eu-west-1:123456789012:*"]},
        },
    }


def test_what_is_named_does_not_count_for_the_guard():
    actual = account(role(attached=(AGENT, CORE)), user(dependants={"access key": ("AKIA1",)}))
    planned(actual, roles=[{"name": "R", "state": "absent"}], users=[{"name": "u", "state": "absent"}], guard=0)
    planned(
        account(role(attached=(CORE,), tags={})), roles=[{"name": "R", "existing": True, "state": "absent", "policies": [CORE]}], guard=0
    )


TEN = tuple(f"arn:aws:iam::123456789012:policy/p{number}" for number in range(10))


CORE_ONLY = {"roles": [{"name": "R", "policies": [CORE], "purge_policies": True}]}


class TestRoomForAttachments:
    """Attaching comes before detaching, so for a moment both count toward the quota."""

    def test_refused_without_room(self):
        with pytest.raises(Refusal, match="allow_gap: true"):
            planned(account(role(attached=TEN)), **CORE_ONLY)

    def test_a_gap_on_request(self):
        steps = [change.step for change in planned(account(role(attached=TEN)), allow_gap=True, **CORE_ONLY)]
        assert steps == ["detach"] * 10 + ["attach"]

    def test_a_larger_quota_has_room(self):
        steps = [change.step for change in planned(account(role(attached=TEN), attachments_quota={"role": 20}), **CORE_ONLY)]
        assert steps == ["attach"] + ["detach"] * 10

    def test_too_many_in_the_end(self):
        with pytest.raises(Refusal, match="11 managed policies would be attached"):
            planned(account(role(attached=TEN)), roles=[{"name": "R", "policies": [CORE]}])


def test_a_new_object_carries_the_owner_and_the_common_tags():
    entry = {"name": "R", "trust": "ec2", "instance_profile": True, "tags": {"a": "1"}}
    changes = planned(account(), roles=[entry], tags={"team": "ops"}, owned_by="me")
    made = {change.what: change.after for change in changes if change.step == "create"}
    assert made["role"].tags == made["instance profile"].tags == {"team": "ops", "a": "1", OWNER_TAG: "me"}


def test_the_name_of_the_same_call_wins_over_aws():
    changes = words(
        account(),
        policies=[{"name": "CloudWatchAgentServerPolicy", "document": document("s3:GetObject")}],
        users=[{"name": "u", "policies": ["CloudWatchAgentServerPolicy"]}],
    )
    assert changes[-1] == "attach managed policy arn:aws:iam::123456789012:policy/CloudWatchAgentServerPolicy to user u"
