# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator, by what the IAM user guide says of each part. Where it is wrong, what it judges proves nothing."""

from __future__ import annotations

import pytest

from tests.support.policy_simulator import ALLOWED, DENIED, NOT_ALLOWED, Request, decide


def allow(action="s3:GetObject", resource="*", when=None, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **({"Condition": when} if when else {}), **more}


def deny(action="s3:GetObject", resource="*", when=None):
    return {**allow(action, resource, when), "Effect": "Deny"}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


OBJECT = "arn:aws:s3:::bucket/a/b"
READ = Request("s3:GetObject", OBJECT)

EVALUATION = {
    "nothing allows it": ([], None, NOT_ALLOWED),
    "one policy of several allows it": ([document(allow("s3:PutObject")), document(allow())], None, ALLOWED),
    "a Deny wins": ([document(allow(), deny())], None, DENIED),
    "a Deny elsewhere does not": ([document(allow(), deny(resource="arn:aws:s3:::other/*"))], None, ALLOWED),
    "the boundary must allow it too": ([document(allow())], document(allow("s3:PutObject")), NOT_ALLOWED),
    "the boundary allows it too": ([document(allow())], document(allow("s3:*")), ALLOWED),
    "the boundary alone gives nothing": ([], document(allow()), NOT_ALLOWED),
    "a Deny in the boundary wins": ([document(allow())], document(allow(), deny()), DENIED),
    "actions ignore letter case": ([document(allow("S3:getobject"))], None, ALLOWED),
    "wildcards in actions": ([document(allow("s3:Get*"))], None, ALLOWED),
    "resources do not ignore letter case": ([document(allow(resource="arn:aws:s3:::Bucket/*"))], None, NOT_ALLOWED),
    "a wildcard reaches over slashes": ([document(allow(resource="arn:aws:s3:::bucket/*"))], None, ALLOWED),
    "a question mark is one character": ([document(allow(resource="arn:aws:s3:::bucket/?/?"))], None, ALLOWED),
    "a dot is a dot": ([document(allow(resource="arn:aws:s3:::bucket.a.b"))], None, NOT_ALLOWED),
    "not this action": ([document({"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"})], None, ALLOWED),
    "not this resource": ([document({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::bucket/*"})], None, NOT_ALLOWED),
}


@pytest.mark.parametrize("name", EVALUATION)
def test_evaluation(name):
    policies, boundary, expected = EVALUATION[name]
    assert decide(READ, policies, boundary) == expected


POLICY = "arn:aws:iam::111122223333:policy/ours/P"
# Operator, key and values of the policy; the request's keys; whether it holds.
CONDITIONS = {
    "equal": ("StringEquals", "k", "v", {"k": "v"}, True),
    "equal, any of them": ("StringEquals", "k", ["u", "v"], {"k": "v"}, True),
    "equal, letter case of the value": ("StringEquals", "k", "v", {"k": "V"}, False),
    "equal, letter case of the key": ("StringEquals", "aws:TagKeys", "v", {"aws:tagkeys": "v"}, True),
    "equal knows no wildcard": ("StringEquals", "k", "v*", {"k": "vv"}, False),
    "a key that is missing": ("StringEquals", "k", "v", {}, False),
    "a key that is missing, IfExists": ("StringEqualsIfExists", "k", "v", {}, True),
    "another value, IfExists": ("StringEqualsIfExists", "k", "v", {"k": "w"}, False),
    "a key that is missing, negated": ("StringNotEquals", "k", "v", {}, True),
    "negated, none of them": ("StringNotEquals", "k", ["u", "v"], {"k": "v"}, False),
    "like": ("StringLike", "k", "a/*", {"k": "a/b/c"}, True),
    "not like": ("StringNotLike", "k", "a/*", {"k": "a/b"}, False),
    "ignoring letter case": ("StringEqualsIgnoreCase", "k", "V", {"k": "v"}, True),
    "ARN": ("ArnLike", "iam:PolicyARN", "arn:aws:iam::111122223333:policy/ours/*", {"iam:PolicyARN": POLICY}, True),
    "ARN, by parts": ("ArnLike", "k", "arn:aws:iam:*:policy/ours/P", {"k": POLICY}, False),
    "ARN that is missing": ("ArnLike", "iam:PolicyARN", "arn:aws:iam::*:policy/*", {}, False),
    "ARN, negated and missing": ("ArnNotLike", "k", "arn:aws:iam::*:policy/*", {}, True),
    "no ARN": ("ArnLike", "k", "*", {"k": POLICY}, False),
    "Null true, missing": ("Null", "k", "true", {}, True),
    "Null true, there": ("Null", "k", "true", {"k": "v"}, False),
    "Null false, there": ("Null", "k", "false", {"k": "v"}, True),
    "Null false, missing": ("Null", "k", False, {}, False),
    "Bool": ("Bool", "aws:SecureTransport", "true", {"aws:SecureTransport": "true"}, True),
    "Bool, other": ("Bool", "aws:SecureTransport", True, {"aws:SecureTransport": False}, False),
    "before": ("DateLessThan", "aws:CurrentTime", "2026-01-01T12:00:00Z", {"aws:CurrentTime": "2026-01-01T11:59:59Z"}, True),
    "after": ("DateLessThan", "aws:CurrentTime", "2026-01-01T12:00:00Z", {"aws:CurrentTime": "2026-01-01T12:00:00Z"}, False),
    "seconds of the epoch": ("DateGreaterThan", "aws:EpochTime", "0", {"aws:EpochTime": "1700000000"}, True),
    "numbers": ("NumericLessThanEquals", "k", "900", {"k": "0900"}, True),
    "an address": ("IpAddress", "aws:SourceIp", "203.0.113.0/24", {"aws:SourceIp": "203.0.113.7"}, True),
    "not an address": ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", {"aws:SourceIp": "203.0.113.7"}, False),
    "all of several": ("ForAllValues:StringLike", "aws:TagKeys", "ours/*", {"aws:TagKeys": ["ours/a", "ours/b"]}, True),
    "not all of several": ("ForAllValues:StringLike", "aws:TagKeys", "ours/*", {"aws:TagKeys": ["ours/a", "theirs"]}, False),
    "all of none": ("ForAllValues:StringLike", "aws:TagKeys", "ours/*", {}, True),
    "one of several": ("ForAnyValue:StringEquals", "aws:TagKeys", "b", {"aws:TagKeys": ["a", "b"]}, True),
    "one of none": ("ForAnyValue:StringEquals", "aws:TagKeys", "b", {}, False),
    "a variable": ("StringEquals", "k", "${aws:username}", {"k": "bob", "aws:username": "bob"}, True),
    "a variable that is missing": ("StringLike", "k", "${aws:username}*", {"k": "bob"}, False),
    "a variable with a default": ("StringEquals", "k", "${aws:username, 'ann'}", {"k": "ann"}, True),
    "a variable holds no pattern": ("StringLike", "k", "${aws:username}", {"k": "bob", "aws:username": "*"}, False),
    "a star, literally": ("StringLike", "k", "a${*}", {"k": "ab"}, False),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions(name):
    operator, key, wanted, keys, expected = CONDITIONS[name]
    policy = document(allow(when={operator: {key: wanted}}))
    assert (decide(Request("s3:GetObject", OBJECT, keys), [policy]) == ALLOWED) == expected


def test_every_condition_must_hold():
    policy = document(allow(when={"StringEquals": {"k": "v", "m": "n"}, "Null": {"x": "true"}}))
    assert decide(Request("s3:GetObject", OBJECT, {"k": "v", "m": "n"}), [policy]) == ALLOWED
    for keys in ({"k": "v"}, {"k": "v", "m": "n", "x": "1"}):
        assert decide(Request("s3:GetObject", OBJECT, keys), [policy]) == NOT_ALLOWED


def test_a_variable_in_a_resource():
    policy = document(allow("iam:GetUser", "arn:aws:iam::111122223333:user/${aws:username}"))
    own = "arn:aws:iam::111122223333:user/bob"
    assert decide(Request("iam:GetUser", own, {"aws:username": "bob"}), [policy]) == ALLOWED
    assert decide(Request("iam:GetUser", own, {"aws:username": "b*"}), [policy]) == NOT_ALLOWED
    assert decide(Request("iam:GetUser", own), [policy]) == NOT_ALLOWED


@pytest.mark.parametrize("wrong", [{"Principal": "*"}, {"Condition": {"StringAlmost": {"k": "v"}}}])
def test_what_is_not_known_is_an_error(wrong):
    with pytest.raises((AssertionError, KeyError)):
        decide(Request("s3:GetObject", OBJECT, {"k": "v"}), [document({**allow(), **wrong})])
