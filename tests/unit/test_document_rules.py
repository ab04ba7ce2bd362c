# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents: reading and writing them, what IAM takes, and how large they are."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

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


PARSED = {
    "dictionary": doc(A),
    "JSON text": json.dumps(doc(A)),
    "JSON bytes": json.dumps(doc(A)).encode(),
    "URL-encoded JSON": "%7B%22Version%22%3A%20%222012-10-17%22%2C%20%22Statement%22%3A%20" + json.dumps([A]).replace("{", "%7B") + "%7D",
    "Version that YAML read as a date": doc(A, Version=datetime.date(2012, 10, 17)),
    "empty member of YAML": doc({**A, "Sid": None}),
    "tuples": doc({**A, "Action": tuple(A["Action"])}),
}


@pytest.mark.parametrize("case", PARSED)
def test_parse(case):
    assert documents.parse(PARSED[case], "policy p") == doc(A)


UNPARSABLE = {
    "no JSON": ("{'Version': 1}", "is no JSON: .* line 1, column 2"),
    "encoded twice": (json.dumps(json.dumps(doc(A))), "JSON-encoded twice"),
    "statements encoded on their own": (doc(A, Statement=json.dumps([A])), "encoded on their own"),
    "a list": ([A], "this is a list"),
    "a list as JSON": (json.dumps([A]), "this is a list"),
    "nothing": (None, "this is a NoneType"),
    "no Statement": ({"Version": "2012-10-17"}, "needs a Statement"),
    "Statement is a number": (doc(A, Statement=3), "needs a Statement"),
    "a statement is text": (doc("Allow"), "needs a Statement"),
    "a member twice": ('{"Statement": [{"Sid": "A", "Sid": "B"}]}', "Sid stands twice"),
    "a set": (doc({**A, "Action": {"s3:*"}}), "holds a set"),
}


@pytest.mark.parametrize("case", UNPARSABLE)
def test_unparsable(case):
    value, rule = UNPARSABLE[case]
    with pytest.raises(InputError, match=f"^policy p: .*{rule}"):
        documents.parse(value, "policy p")


def test_size_counts_characters_without_white_space():
    assert documents.size({"Statement": [{"Sid": "Ä"}]}) == len('{"Statement":[{"Sid":"Ä"}]}')


def test_render_is_compact_sorted_and_encoded_once():
    text = documents.render(doc(A))
    assert json.loads(text) == doc(A)
    assert " " not in text
    assert text.index('"Action"') < text.index('"Effect"') < text.index('"Resource"')


def test_builders():
    built = documents.document(documents.allow("s3:GetObject", "arn:aws:s3:::a/*", "One", {"Bool": {"aws:SecureTransport": "true"}}))
    assert built == doc(
        {
            "Sid": "One",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::a/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        }
    )
    assert documents.allow(["s3:*"]) == {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}


REFUSED = {
    "em dash": (doc({**A, "Sid": "a\u2014b"}), r"Statement\[0\].Sid holds '—' \(U\+2014, EM DASH\) as character 2"),
    "emoji in a condition value": (when(StringEquals={"a:b": ["c", "\U0001f600"]}), r"Condition.StringEquals.a:b\[1\] holds .*U\+1F600"),
    "emoji in a key": (when(StringEquals={"a:\U0001f600": "c"}), r"U\+1F600"),
    "control character": (doc({**A, "Resource": "arn:aws:s3:::\x01"}), r"Resource holds .*U\+0001, a control character"),
    "Principal": (doc({**A, "Principal": "*"}), "names a Principal.*Remove it"),
    "NotPrincipal": (doc({**A, "NotPrincipal": "*"}), "names a Principal"),
    "no Effect": (doc({"Action": "s3:*", "Resource": "*"}), r"statement 1 needs an Effect"),
    "an unknown Effect": (permit(Effect="Permit"), "needs an Effect"),
    "an Effect in small letters": (permit(Effect="allow"), "needs an Effect, Allow or Deny, spelled so"),
    "no Action": (doc({"Effect": "Allow", "Resource": "*"}), "needs Action or NotAction, and has neither"),
    "an empty Action": (permit(Action=[]), "needs Action or NotAction, and has neither"),
    "Action and NotAction": (permit(NotAction="s3:*"), "has both"),
    "no Resource": (doc(A, {"Effect": "Allow", "Action": "s3:*", "Sid": "Two"}), r"statement 2 \(Two\) needs Resource or NotResource"),
    "an action without service": (permit(Action="GetObject"), "'GetObject' is no action"),
    "a resource that is no ARN": (permit(Resource="my-bucket"), "'my-bucket' is no ARN"),
    "an element that IAM does not know": (permit(Actions="s3:*"), "no element Actions"),
    "a document element that IAM does not know": (doc(A, Name="x"), "no element Name"),
    "a Version that IAM does not know": (doc(A, Version="2012-10-18"), "'2012-10-18' is none"),
    "no statement": (doc(), "has no statement"),
    "a Sid twice": (doc(B, B), "has the Sid of another"),
    "a Sid with blanks": (permit(Sid="a b"), "letters and digits only"),
    "a condition of another shape": (permit(Condition={"StringEquals": "x"}), "Condition reads"),
    "a resource that is a number": (permit(Resource=111122223333), "holds 111122223333, which is no text"),
    "variable without Version": ({"Statement": [{**A, "Resource": "arn:aws:s3:::b/${aws:username}"}]}, "policy variable.*Add that Version"),
    "variable with the old Version": (
        {"Version": "2008-10-17", "Statement": [{**A, "Condition": {"StringLike": {"s3:prefix": "${aws:username}/*"}}}]},
        "Condition.StringLike.s3:prefix holds the policy variable",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    document, rule = REFUSED[case]
    with pytest.raises(InputError, match=f"^policy p.*{rule}"):
        documents.check(document, documents.MANAGED_LIMIT, "policy p")


ACCEPTED = {
    "all of Latin-1, tab and line feed": permit(Condition={"StringEquals": {"a:b": "\t\n\r " + "".join(map(chr, range(0x20, 0x100)))}}),
    "variable with Version": permit(Resource="arn:aws:s3:::b/${aws:username}"),
    "old Version without variable": doc(A, Version="2008-10-17"),
    "NotAction and NotResource": doc({"Effect": "Deny", "NotAction": "iam:*", "NotResource": "*"}),
    "several statements without Sid": doc(A, A),
    "all actions": doc({**A, "Action": ["*", "*:*", "s3:*", "execute-api:Invoke", "ec2:Describe?"]}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(case):
    documents.check(ACCEPTED[case], documents.MANAGED_LIMIT, "policy p")


@pytest.mark.parametrize(
    ("limit", "remedy"),
    [
        (documents.MANAGED_LIMIT, "Split it"),
        (documents.USER_INLINE_LIMIT, "Make it a managed policy"),
        (documents.ROLE_INLINE_LIMIT, "Make it one or more managed policies"),
        (4096, "Shorten it"),
    ],
)
def test_size_at_and_above_the_limit(limit, remedy):
    fill = limit - documents.size(permit(Sid=""))
    documents.check(permit(Sid="x" * fill), limit, "policy p")
    with pytest.raises(InputError, match=rf"^policy p: .* has {limit + 1:,} characters .*{limit:,} are allowed\. {remedy}"):
        documents.check(permit(Sid="x" * (fill + 1)), limit, "policy p")


def test_trust_needs_a_principal_and_no_resource():
    documents.check(let("*"), documents.TRUST_LIMIT, "role r", trust=True)
    with pytest.raises(InputError, match=r"2,048 are allowed\. Shorten it, or have the quota"):
        documents.check(let({"AWS": "x" * 2048}), documents.TRUST_LIMIT, "role r", trust=True)
    with pytest.raises(InputError, match="names a Resource"):
        documents.check(permit(), documents.TRUST_LIMIT, "role r", trust=True)
    with pytest.raises(InputError, match="needs Principal or NotPrincipal, and has neither"):
        documents.check(let({}), documents.TRUST_LIMIT, "role r", trust=True)
    with pytest.raises(InputError, match="holds 111122223333, which is no text"):
        documents.check(let({"AWS": 111122223333}), documents.TRUST_LIMIT, "role r", trust=True)
