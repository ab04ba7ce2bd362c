# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong input fails before the first call, with a message that names the entry, the rule and the remedy."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import requests

from .cases import CONTEXT, document, options, request

BIG = document(*[f"s3:Get{'x' * 100}{number}" for number in range(100)])
D = document("s3:GetObject")
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}

WRONG = {
    "policy name": ({"policies": [{"name": "a b", "document": D}]}, ["policies", "'a b'", "not a valid managed policy name", "1 to 128"]),
    "policy name too long": ({"policies": [{"name": "a" * 129, "document": D}]}, ["1 to 128"]),
    "role name too long": ({"roles": [{"name": "r" * 65}]}, ["role name", "1 to 64"]),
    "user name empty": ({"users": [{"name": ""}]}, ["user name"]),
    "user name with a newline": ({"users": [{"name": "a\n"}]}, ["user name"]),
    "user name not ASCII": ({"users": [{"name": "jürgen"}]}, ["user name"]),
    "inline policy name": (
        {"roles": [{"name": "R", "inline_policies": [{"name": "a/b", "document": D}]}]},
        ["role R: 'a/b'", "inline policy name"],
    ),
    "profile name": ({"roles": [{"name": "R", "instance_profile_name": "a b"}]}, ["role R", "instance profile name"]),
    "path without slash": ({"users": [{"name": "u", "path": "hybridops"}]}, ["user u", "begins and ends with /"]),
    "path too long": ({"users": [{"name": "u", "path": "/" + "a" * 511 + "/"}]}, ["at most 512"]),
    "policy path with a character that only roles may have": (
        {"policies": [{"name": "P", "path": "/a!b/", "document": D}]},
        ["policy P", "path"],
    ),
    "description with an em dash": ({"roles": [{"name": "R", "description": "a — b"}]}, ["role R", "Latin-1"]),
    "description too long": ({"policies": [{"name": "P", "document": D, "description": "d" * 1001}]}, ["policy P", "1,000"]),
    "session too short": ({"roles": [{"name": "R", "max_session_duration": 60}]}, ["role R", "3600 to 43200"]),
    "session too long": ({"roles": [{"name": "R", "max_session_duration": 43201}]}, ["3600 to 43200"]),
    "tag keys differ in case only": ({"users": [{"name": "u", "tags": {"Team": "a", "team": "b"}}]}, ["user u", "IAM ignores letter case"]),
    "tag key of AWS": ({"users": [{"name": "u", "tags": {"aws:x": "a"}}]}, ["reserved for AWS"]),
    "tag key of ours": ({"users": [{"name": "u", "tags": {"hybridops.aws_agents/owner": "me"}}]}, ["owned_by"]),
    "tag key too long": ({"users": [{"name": "u", "tags": {"k" * 129: "a"}}]}, ["1 to 128"]),
    "tag key character": ({"users": [{"name": "u", "tags": {"a;b": "a"}}]}, ["tag key"]),
    "tag value too long": ({"users": [{"name": "u", "tags": {"a": "v" * 257}}]}, ["at most 256"]),
    "tag value character": ({"tags": {"a": "x\ny"}}, ["value of the tag 'a'"]),
    "too many tags": ({"users": [{"name": "u", "tags": {f"k{n}": "" for n in range(51)}}]}, ["51 tags", "50"]),
    "owner empty": ({"owned_by": ""}, ["owned_by"]),
    "owner character": ({"owned_by": "a;b"}, ["owned_by"]),
    "neither document nor preset": ({"policies": [{"name": "P"}]}, ["policy P", "either document", "cwagent_server"]),
    "document and preset": ({"policies": [{"name": "P", "document": D, "preset": "cwagent_server"}]}, ["either document"]),
    "options without preset": ({"policies": [{"name": "P", "document": D, "options": {"a": 1}}]}, ["options belong to a preset"]),
    "unknown preset": ({"policies": [{"name": "P", "preset": "nope"}]}, ["nope", "cwagent_server"]),
    "unknown option of a preset": (
        {"policies": [{"name": "P", "preset": "session_manager", "options": {"bucket": "b"}}]},
        ["policy P", "bucket", "s3_bucket"],
    ),
    "document that is no JSON": ({"policies": [{"name": "P", "document": "{"}]}, ["policy P", "JSON"]),
    "document encoded twice": ({"policies": [{"name": "P", "document": '"{}"'}]}, ["twice"]),
    "document too large": ({"policies": [{"name": "P", "document": BIG}]}, ["policy P", "6,144"]),
    "document with an emoji": ({"policies": [{"name": "P", "document": document("s3:GetObject\U0001f600")}]}, ["policy P"]),
    "inline policies too large together": (
        {
            "users": [
                {
                    "name": "u",
                    "inline_policies": [
                        {"name": f"i{n}", "document": document(*[f"s3:Get{'x' * 90}{m}" for m in range(12)])} for n in range(2)
                    ],
                }
            ]
        },
        ["user u", "2048"],
    ),
    "inline policy of a user too large": ({"users": [{"name": "u", "inline_policies": [{"name": "i", "document": BIG}]}]}, ["2,048"]),
    "inline policy of a role too large": ({"roles": [{"name": "R", "inline_policies": [{"name": "i", "document": BIG}]}]}, ["10,240"]),
    "two policies that differ in case": (
        {"policies": [{"name": "P", "document": D}, {"name": "p", "document": D}]},
        ["IAM ignores letter case"],
    ),
    "the same role twice": ({"roles": [{"name": "R"}, {"name": "R"}]}, ["given twice"]),
    "two users that differ in case": ({"users": [{"name": "u"}, {"name": "U"}]}, ["IAM ignores letter case"]),
    "two roles in one profile": (
        {"roles": [{"name": "R", "instance_profile": True}, {"name": "S", "instance_profile": True, "instance_profile_name": "R"}]},
        ["instance profile 'R'", "twice"],
    ),
    "the same policy attached twice": ({"users": [{"name": "u", "policies": ["A", "a"]}]}, ["user u", "IAM ignores letter case"]),
    "trust and a trust policy": ({"roles": [{"name": "R", "trust": "ec2", "assume_role_policy_document": WIDE}]}, ["either trust"]),
    "trust options without a form": (
        {"roles": [{"name": "R", "assume_role_policy_document": WIDE, "trust_options": {"a": 1}}]},
        ["trust_options"],
    ),
    "trust in everyone": ({"roles": [{"name": "R", "assume_role_policy_document": WIDE}]}, ["role R"]),
    "trust in a bare account": (
        {"roles": [{"name": "R", "trust": "account", "trust_options": {"accounts": ["210987654321"]}}]},
        ["role R", "external_ids"],
    ),
    "trust in every account": ({"roles": [{"name": "R", "trust": "account", "trust_options": {"accounts": ["*"]}}]}, ["role R"]),
    "trust oidc without a subject": (
        {"roles": [{"name": "R", "trust": "oidc", "trust_options": {"provider": "idp.example", "audiences": ["a"]}}]},
        ["subjects is required"],
    ),
    "trust form": ({"roles": [{"name": "R", "trust": "lambda"}]}, ["lambda", "ec2"]),
    "ARN that is none": ({"users": [{"name": "u", "policies": ["arn:aws:iam::12:policy/x"]}]}, ["user u", "ARN of a managed policy"]),
    "ARN of a role": ({"users": [{"name": "u", "policies": ["arn:aws:iam::123456789012:role/x"]}]}, ["ARN of a managed policy"]),
    "ARN of another partition": ({"users": [{"name": "u", "policies": ["arn:aws-cn:iam::aws:policy/x"]}]}, ["aws-cn", "by its name"]),
    "reference that cannot be a name": ({"users": [{"name": "u", "policies": ["a b"]}]}, ["user u", "managed policy name"]),
    "account reference": ({"users": [{"name": "u", "policies": ["account:/a b/c"]}]}, ["user u", "path"]),
    "boundary": ({"roles": [{"name": "R", "boundary": "a b"}]}, ["role R"]),
    "policy that the same task deletes": (
        {"policies": [{"name": "P", "state": "absent"}], "users": [{"name": "u", "policies": ["P"]}]},
        ["user u", "P, which the same task deletes"],
    ),
    "existing role with what is theirs": (
        {"roles": [{"name": "R", "existing": True, "description": "d", "purge_policies": True}]},
        ["role R", "only adds", "description, purge_policies"],
    ),
    "existing role trusted by a form that is no service": (
        {
            "roles": [
                {"name": "R", "existing": True, "trust": "account", "trust_options": {"accounts": ["210987654321"], "external_ids": ["x"]}}
            ]
        },
        ["role R", "ec2, ssm or service"],
    ),
    "ARN of another account": (
        {"users": [{"name": "u", "policies": ["arn:aws:iam::210987654321:policy/x"]}]},
        ["user u", "another account"],
    ),
    "tag without a value": ({"tags": {"a": None}}, ["the tag 'a' has no value"]),
    "tag key of ours in another spelling": ({"users": [{"name": "u", "tags": {"HybridOps.aws_agents/Owner": "me"}}]}, ["owned_by"]),
    "too many tags with the call's": (
        {"users": [{"name": "u", "tags": {f"k{n}": "" for n in range(49)}}], "tags": {"common": ""}},
        ["user u", "51 tags"],
    ),
    "waiting for no time": ({"wait_timeout": 0}, ["wait_timeout", "wait: false"]),
    "add_trust without existing": ({"roles": [{"name": "R", "add_trust": True}]}, ["existing: true"]),
}


@pytest.mark.parametrize(("given", "parts"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input(given, parts):
    with pytest.raises(InputError) as caught:
        request(**given)
    for part in parts:
        assert part in str(caught.value)


def test_a_message_does_not_repeat_ten_thousand_characters():
    with pytest.raises(InputError) as caught:
        request(users=[{"name": "x" * 10_000}])
    assert len(str(caught.value)) < 400


def test_the_partition_of_an_arn_is_not_judged_before_it_is_known():
    given = options(users=[{"name": "u", "policies": ["arn:aws-cn:iam::aws:policy/x"]}])
    requests.request(given, Context.placeholder("cn-north-1"))


def test_inline_policies_are_read_only_where_they_matter():
    assert [
        user.reads_inline
        for user in request(users=[{"name": "a"}, {"name": "b", "inline_policies": []}, {"name": "c", "state": "absent"}]).users
    ] == [
        False,
        True,
        True,
    ]


def test_presets_are_built_for_the_partition():
    context = Context("aws-cn", "123456789012", "cn-north-1")
    given = options(policies=[{"name": "P", "preset": "ssm_s3", "options": {"buckets": [{"name": "my-bucket"}]}}])
    assert "arn:aws-cn:s3:::my-bucket" in str(requests.request(given, context).policies[0].document)


def test_own_policies_are_found_by_their_path():
    wanted = request(policies=[{"name": "P", "path": "/a/b/", "document": D}])
    assert wanted.own_policies(CONTEXT) == {"P": "arn:aws:iam::123456789012:policy/a/b/P"}
