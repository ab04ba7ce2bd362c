# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents: when two mean the same to IAM."""

from __future__ import annotations

import copy
import random

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

A = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]}
B = {"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Sid": "NoIam"}


def doc(*statements, **more):
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


def permit(**more):
    return doc({**A, **more})


def let(principal):
    return doc({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})


def when(**block):
    return permit(Condition=block)


ROOT = "arn:{}:iam::111122223333:root"
EQUAL = {
    "statement order": (doc(A, B), doc(B, A), ""),
    "one statement alone or in a list": (doc(A), {"Version": "2012-10-17", "Statement": A}, ""),
    "one action alone or in a list": (permit(Action="s3:GetObject"), permit(Action=["s3:GetObject"]), ""),
    "one NotAction alone or in a list": (doc({"NotAction": "s3:*"}), doc({"NotAction": ["s3:*"]}), ""),
    "one resource alone or in a list": (permit(Resource="*"), permit(Resource=["*"]), ""),
    "one NotResource alone or in a list": (doc({"NotResource": "*"}), doc({"NotResource": ["*"]}), ""),
    "one principal alone or in a list": (let({"Service": "ec2.amazonaws.com"}), let({"Service": ["ec2.amazonaws.com"]}), ""),
    "one condition value alone or in a list": (when(StringEquals={"a:b": "c"}), when(StringEquals={"a:b": ["c"]}), ""),
    "order of actions": (permit(), permit(Action=A["Action"][::-1]), ""),
    "order of resources": (permit(), permit(Resource=A["Resource"][::-1]), ""),
    "order of condition values": (when(StringEquals={"a:b": ["c", "d"]}), when(StringEquals={"a:b": ["d", "c"]}), ""),
    "order of principals": (let({"AWS": ["111122223333", "444455556666"]}), let({"AWS": ["444455556666", "111122223333"]}), ""),
    "duplicate members": (permit(), permit(Action=A["Action"] + A["Action"][:1], Resource=A["Resource"] * 2), ""),
    "duplicate actions in another case": (permit(), permit(Action=[*A["Action"], "S3:getobject"]), ""),
    "letter case of Effect": (permit(), permit(Effect="allow"), ""),
    "letter case of actions": (permit(), permit(Action=["S3:GETOBJECT", "s3:putobject"]), ""),
    "letter case of what NotAction leaves out": (doc({"NotAction": "S3:GETOBJECT"}), doc({"NotAction": ["s3:getobject"]}), ""),
    "letter case of condition keys": (when(StringEquals={"aws:SourceIp": "x"}), when(StringEquals={"AWS:sourceIP": "x"}), ""),
    "letter case of condition operators": (when(StringEquals={"a:b": "x"}), when(stringequals={"a:b": "x"}), ""),
    "boolean and its text": (when(Bool={"aws:SecureTransport": True}), when(Bool={"aws:SecureTransport": "true"}), ""),
    "number and its text": (when(NumericLessThan={"a:b": 3600}), when(NumericLessThan={"a:b": ["3600"]}), ""),
    "anyone": (let("*"), let({"AWS": "*"}), ""),
    "anyone in a list": (let("*"), let({"AWS": ["*"]}), ""),
    "empty and missing Sid": (permit(), permit(Sid=""), ""),
    "empty and missing Id": (permit(), doc(A, Id=""), ""),
    "empty and missing list": (permit(), permit(NotAction=[], NotResource=[]), ""),
    "empty and missing condition": (permit(), permit(Condition={}), ""),
    "empty and missing operator": (permit(), when(StringEquals={}), ""),
    "empty and missing principal type": (let({"AWS": "*", "Service": []}), let("*"), ""),
    "missing Version and the old one": ({"Statement": [A]}, doc(A, Version="2008-10-17"), ""),
    "EC2 in China": (let({"Service": "ec2.amazonaws.com"}), let({"Service": "ec2.amazonaws.com.cn"}), "aws-cn"),
    **{
        f"account id and root in {partition}": (let({"AWS": "111122223333"}), let({"AWS": ROOT.format(partition)}), partition)
        for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso-b")
    },
}
DIFFERENT = {
    "letter case of resources": (permit(), permit(Resource=["arn:aws:s3:::A/*", "arn:aws:s3:::b/*"]), ""),
    "letter case of condition values": (when(StringEquals={"a:b": "c"}), when(StringEquals={"a:b": "C"}), ""),
    "another Sid": (permit(Sid="One"), permit(Sid="Two"), ""),
    "letter case of Sid": (permit(Sid="one"), permit(Sid="One"), ""),
    "Sid and none": (permit(Sid="One"), permit(), ""),
    "number of statements": (doc(A), doc(A, A), ""),
    "one statement or two that grant the same": (
        permit(),
        doc({**A, "Action": "s3:GetObject"}, {**A, "Action": "s3:PutObject"}),
        "",
    ),
    "missing Version and the new one": ({"Statement": [A]}, doc(A), ""),
    "Effect": (permit(), permit(Effect="Deny"), ""),
    "action and NotAction": (doc({"Action": "s3:*"}), doc({"NotAction": "s3:*"}), ""),
    "one action more": (permit(), permit(Action=[*A["Action"], "s3:DeleteObject"]), ""),
    "one resource less": (permit(), permit(Resource=A["Resource"][:1]), ""),
    "another operator": (when(StringEquals={"a:b": "c"}), when(StringLike={"a:b": "c"}), ""),
    "one condition less": (when(StringEquals={"a:b": "c", "a:d": "e"}), when(StringEquals={"a:b": "c"}), ""),
    "a key that never matches and none": (when(StringEquals={"a:b": []}), permit(), ""),
    "two spellings of a key and one of them": (
        when(StringEquals={"a:b": "c"}, stringequals={"A:B": "d"}),
        when(StringEquals={"a:b": "c"}),
        "",
    ),
    "two spellings of a key and both values in one": (
        when(StringEquals={"a:b": "c"}, stringequals={"A:B": "d"}),
        when(StringEquals={"a:b": ["c", "d"]}),
        "",
    ),
    "a role and its unique id after it was deleted": (
        let({"AWS": "arn:aws:iam::111122223333:role/web"}),
        let({"AWS": "AROAABCDEFGHIJKLMNOPQ"}),
        "",
    ),
    "a user and its unique id after it was deleted": (
        let({"AWS": "arn:aws:iam::111122223333:user/web"}),
        let({"AWS": "AIDAABCDEFGHIJKLMNOPQ"}),
        "",
    ),
    "another account": (let({"AWS": "111122223333"}), let({"AWS": "444455556666"}), ""),
    "root and a user of it": (let({"AWS": ROOT.format("aws")}), let({"AWS": "arn:aws:iam::111122223333:user/root"}), ""),
    "principal type": (let({"Service": "ec2.amazonaws.com"}), let({"Federated": "ec2.amazonaws.com"}), ""),
    "everyone and no one": (let("*"), let({}), ""),
    "EC2 of China elsewhere": (let({"Service": "ec2.amazonaws.com"}), let({"Service": "ec2.amazonaws.com.cn"}), "aws"),
    "another service of China": (let({"Service": "ssm.amazonaws.com"}), let({"Service": "ssm.amazonaws.com.cn"}), "aws-cn"),
}


@pytest.mark.parametrize("case", EQUAL)
def test_equal(case):
    *pair, partition = EQUAL[case]
    assert documents.equal(*pair, partition)
    assert documents.equal(*reversed(pair), partition)


@pytest.mark.parametrize("case", DIFFERENT)
def test_different(case):
    *pair, partition = DIFFERENT[case]
    assert not documents.equal(*pair, partition)
    assert not documents.equal(*reversed(pair), partition)


# A small vocabulary, so that equal members meet often.
_words = st.sampled_from(["s3:GetObject", "S3:getobject", "s3:PutObject", "iam:*", "ec2:DescribeTags"])
_resources = st.sampled_from(["*", "arn:aws:s3:::a", "arn:aws:s3:::A", "arn:aws:s3:::b/*"])
_names = st.sampled_from(
    ["*", "111122223333", ROOT.format("aws"), ROOT.format("aws-eusc"), "AROAEXAMPLE", "arn:aws:iam::111122223333:role/r"]
)
_scalars = st.one_of(st.sampled_from(["true", "c", "C", "3600", ""]), st.booleans(), st.integers(0, 2))


def _some(values):
    return st.one_of(values, st.lists(values, max_size=3))


_conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "stringequals", "Bool"]),
    st.dictionaries(st.sampled_from(["aws:SourceIp", "AWS:sourceip", "a:b"]), _some(_scalars), max_size=3),
    max_size=3,
)
_principals = st.one_of(
    st.just("*"),
    st.fixed_dictionaries(
        {}, optional={"AWS": _some(_names), "Service": _some(st.sampled_from(["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]))}
    ),
)
_statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "allow", "Deny"])},
    optional={
        "Sid": st.sampled_from(["", "One", "one"]),
        "Action": _some(_words),
        "NotAction": _some(_words),
        "Resource": _some(_resources),
        "Principal": _principals,
        "Condition": _conditions,
    },
)
_documents = st.fixed_dictionaries(
    {"Statement": st.one_of(_statements, st.lists(_statements, max_size=3))},
    optional={"Version": st.sampled_from(["2012-10-17", "2008-10-17"])},
)
_partitions = st.sampled_from(["", "aws", "aws-cn"])


# A busy machine is no failure.
THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(_documents, _partitions)
def test_canonical_is_idempotent_and_leaves_its_argument_alone(document, partition):
    before = copy.deepcopy(document)
    once = documents.canonical(document, partition)
    assert documents.canonical(once, partition) == once
    assert document == before


@THOROUGH
@given(_documents, _partitions, st.randoms(use_true_random=False))
def test_equal_after_shuffling_and_wrapping(document, partition, chance):
    assert documents.equal(document, _rewritten(document, chance), partition)


@THOROUGH
@given(_documents, _documents, _documents, _partitions)
def test_equal_is_an_equivalence_relation(one, two, three, partition):
    def same(a, b):
        return documents.equal(a, b, partition)

    assert same(one, one)
    assert same(one, two) == same(two, one)
    if same(one, two) and same(two, three):
        assert same(one, three)


@THOROUGH
@given(_documents)
def test_what_people_read_means_the_same(document):
    assert documents.equal(documents.readable(document), document)


def _rewritten(value, chance: random.Random):
    """Return the same document written another way: shuffled, and lists of one as scalars or the reverse."""
    if isinstance(value, dict):
        members = list(value.items())
        chance.shuffle(members)
        return {name: _wrapped(name, content, chance) for name, content in members}
    return value


def _wrapped(name, content, chance):
    if name in ("Sid", "Effect", "Version", "Principal", "Condition") or (isinstance(content, dict) and name != "Statement"):
        return _rewritten(content, chance)
    members = [_rewritten(item, chance) for item in (content if isinstance(content, list) else [content])]
    chance.shuffle(members)
    if members and name != "Statement" and chance.random() < 0.3:
        members.append(members[0])
    return members[0] if len(members) == 1 and chance.random() < 0.5 else members
