# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust policies that somebody else wrote: what is too wide, who is trusted, and adding a service."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import trust as trusts
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

HERE = Context("aws", "111122223333", "eu-west-1")
GITHUB = "token.actions.githubusercontent.com"


def let(principal, action="sts:AssumeRole", **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return documents.document({**statement, "Condition": condition} if condition else statement)


ROOT = "arn:aws:iam::{}:root"
FOREIGN = ROOT.format("444455556666")
WIDE = {
    "anyone": let("*"),
    "anyone as AWS": let({"AWS": "*"}),
    "anyone in a list": let({"AWS": ["arn:aws:iam::444455556666:role/r", "*"]}),
    "anyone with an external id": let("*", StringEquals={"sts:ExternalId": "x"}),
    "anyone from an address": let("*", IpAddress={"aws:SourceIp": "203.0.113.0/24"}),
    "anyone with MFA": let("*", Bool={"aws:MultiFactorAuthPresent": "true"}),
    "anyone but an organisation": let("*", StringNotEquals={"aws:PrincipalOrgID": "o-a1b2c3d4e5"}),
    "anyone if there is no organisation": let("*", StringEqualsIfExists={"aws:PrincipalOrgID": "o-a1b2c3d4e5"}),
    "anyone of all organisations": let("*", StringLike={"aws:PrincipalOrgID": "*"}),
    "anyone of all accounts": let("*", ArnLike={"aws:PrincipalArn": "arn:aws:iam::*:role/admin"}),
    "anyone, set operator that an empty set satisfies": let("*", **{"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
    "everyone but one": documents.document({"Effect": "Allow", "NotPrincipal": {"AWS": FOREIGN}, "Action": "sts:AssumeRole"}),
    "a foreign root": let({"AWS": FOREIGN}),
    "a foreign account": let({"AWS": "444455556666"}),
    "a foreign root, Effect in another case": documents.document(
        {"Effect": "allow", "Principal": {"AWS": FOREIGN}, "Action": "sts:AssumeRole"}
    ),
    "a foreign root in the second statement": documents.document(
        *let({"Service": "ec2.amazonaws.com"})["Statement"], *let({"AWS": FOREIGN})["Statement"]
    ),
    "a foreign root, any external id": let({"AWS": FOREIGN}, StringLike={"sts:ExternalId": "*"}),
    "a foreign root, an external id if there is one": let({"AWS": FOREIGN}, StringEqualsIfExists={"sts:ExternalId": "x"}),
    "a web identity provider": let({"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"}, "sts:AssumeRoleWithWebIdentity"),
    "a web identity provider, any subject": let(
        {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
        "sts:AssumeRoleWithWebIdentity",
        StringLike={f"{GITHUB}:sub": "*"},
    ),
    "a web identity provider, condition on another": let(
        {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
        "sts:AssumeRoleWithWebIdentity",
        StringEquals={"oidc.example.com:sub": "x"},
    ),
}
NARROW = {
    "a service": let({"Service": "ec2.amazonaws.com"}),
    "a foreign role": let({"AWS": "arn:aws:iam::444455556666:role/r"}),
    "the own root": let({"AWS": ROOT.format("111122223333")}),
    "the own root in GovCloud": let({"AWS": "arn:aws-us-gov:iam::111122223333:root"}),
    "a foreign root with external id": let({"AWS": FOREIGN}, StringEquals={"sts:ExternalId": "x"}),
    "a foreign root, caller by ARN": let({"AWS": FOREIGN}, ArnLike={"aws:PrincipalArn": "arn:aws:iam::444455556666:role/ops-*"}),
    "anyone of an organisation": let("*", StringEquals={"AWS:principalorgid": ["o-a1b2c3d4e5"]}),
    "anyone below an organisational unit": let(
        {"AWS": "*"}, **{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"]}}
    ),
    "nobody": documents.document({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}),
    "a user pool": let(
        {"Federated": "cognito-identity.amazonaws.com"},
        "sts:AssumeRoleWithWebIdentity",
        StringEquals={"cognito-identity.amazonaws.com:aud": "eu-west-1:11111111-2222-3333-4444-555555555555"},
    ),
    "a SAML provider": let({"Federated": "arn:aws:iam::111122223333:saml-provider/Corp"}, "sts:AssumeRoleWithSAML"),
}


@pytest.mark.parametrize("case", WIDE)
def test_wide_is_refused(case):
    with pytest.raises(InputError, match=r"^role r: statement \d of the trust policy "):
        trusts.refuse_wide(WIDE[case], "role r", HERE)


@pytest.mark.parametrize("case", NARROW)
def test_narrow_is_accepted(case):
    trusts.refuse_wide(NARROW[case], "role r", HERE)


def test_roots_wait_for_the_account():
    trusts.refuse_wide(let({"AWS": FOREIGN}), "role r", Context.placeholder())
    with pytest.raises(InputError, match="anyone in the world"):
        trusts.refuse_wide(let("*"), "role r", Context.placeholder())
    with pytest.raises(InputError, match="the whole account 111122223333"):
        trusts.refuse_wide(let({"AWS": "111122223333"}), "role r")


EC2 = "ec2.amazonaws.com"
TRUSTS = {
    "the service": (let({"Service": EC2}), "aws", True),
    "the service among others": (let({"Service": ["lambda.amazonaws.com", EC2], "AWS": FOREIGN}), "aws", True),
    "all of STS": (let({"Service": EC2}, ["sts:*"]), "aws", True),
    "action in another case": (let({"Service": EC2}, "STS:assumerole"), "aws", True),
    "China's spelling": (let({"Service": "ec2.amazonaws.com.cn"}), "aws-cn", True),
    "China's spelling elsewhere": (let({"Service": "ec2.amazonaws.com.cn"}), "aws", False),
    "under a condition": (let({"Service": EC2}, StringEquals={"aws:SourceAccount": "111122223333"}), "aws", True),
    "another service": (let({"Service": "lambda.amazonaws.com"}), "aws", False),
    "another action": (let({"Service": EC2}, "sts:TagSession"), "aws", False),
    "anyone of AWS": (let({"AWS": "*"}), "aws", False),
    "nothing": ({}, "aws", False),
    "denied": (
        documents.document(
            *let({"Service": EC2})["Statement"], {"Effect": "Deny", "Principal": {"Service": EC2}, "Action": "sts:AssumeRole"}
        ),
        "aws",
        False,
    ),
    "all denied": (
        documents.document(*let({"Service": EC2})["Statement"], {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}),
        "aws",
        False,
    ),
    "denied under a condition": (
        documents.document(
            *let({"Service": EC2})["Statement"],
            {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ),
        "aws",
        True,
    ),
}


@pytest.mark.parametrize("case", TRUSTS)
def test_trusts_service(case):
    document, partition, expected = TRUSTS[case]
    assert trusts.trusts_service(document, EC2, partition) is expected


@pytest.mark.parametrize(
    "document", [let({"AWS": FOREIGN}), {"Version": "2008-10-17", "Statement": let({"AWS": FOREIGN})["Statement"][0]}, {}]
)
def test_add_service_adds_one_statement_and_keeps_the_rest(document):
    before = copy.deepcopy(document)
    after = trusts.add_service(document, EC2, let({"Service": [EC2, "a.amazonaws.com"]}))
    assert trusts.trusts_service(after, EC2, "aws")
    assert document == before
    assert after["Statement"][:-1] == documents.members(before.get("Statement"))
    assert after["Statement"][-1]["Principal"] == {"Service": EC2}
    assert after["Version"] == before.get("Version", "2012-10-17")


def test_services():
    document = documents.document(
        *let({"Service": ["a.amazonaws.com", EC2]})["Statement"],
        *let({"AWS": FOREIGN})["Statement"],
        *let({"Service": EC2})["Statement"],
        {"Effect": "Deny", "Principal": {"Service": "b.amazonaws.com"}, "Action": "sts:AssumeRole"},
    )
    assert trusts.services(document) == ["a.amazonaws.com", EC2]
    assert trusts.services(let("*")) == []
