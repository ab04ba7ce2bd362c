# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust policies: what each form says, and what it refuses."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import trust as trusts
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

REGIONS = frozenset(("eu-west-1", "us-east-1"))
HERE = Context("aws", "111122223333", "eu-west-1", REGIONS)
CHINA = Context("aws-cn", "111122223333", "cn-north-1", frozenset(("cn-north-1",)))
GOV = Context("aws-us-gov", "111122223333", "us-gov-west-1")
NOWHERE = Context()
GITHUB = "token.actions.githubusercontent.com"


def let(principal, action="sts:AssumeRole", **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return documents.document({**statement, "Condition": condition} if condition else statement)


def ssm(*arns, account="111122223333"):
    return let({"Service": "ssm.amazonaws.com"}, StringEquals={"aws:SourceAccount": account}, ArnLike={"aws:SourceArn": list(arns)})


FORMS = {
    "ec2": ("ec2", {}, HERE, let({"Service": "ec2.amazonaws.com"})),
    "ec2 in China": ("ec2", {}, CHINA, let({"Service": "ec2.amazonaws.com.cn"})),
    "ec2 in GovCloud": ("ec2", {}, GOV, let({"Service": "ec2.amazonaws.com"})),
    "ec2 in China, the other spelling": ("ec2", {"service": "ec2.amazonaws.com"}, CHINA, let({"Service": "ec2.amazonaws.com"})),
    "ec2, and an administrator": (
        "ec2",
        {"principals": ["arn:aws:iam::111122223333:role/ops/deploy", "arn:aws:iam::111122223333:user/ann"]},
        HERE,
        documents.document(
            *let({"Service": "ec2.amazonaws.com"})["Statement"],
            *let({"AWS": ["arn:aws:iam::111122223333:role/ops/deploy", "arn:aws:iam::111122223333:user/ann"]})["Statement"],
        ),
    ),
    "ec2, and nobody else": ("ec2", {"principals": []}, HERE, let({"Service": "ec2.amazonaws.com"})),
    "ssm in the caller's Region": ("ssm", {}, HERE, ssm("arn:aws:ssm:eu-west-1:111122223333:*")),
    "ssm, an ARN for each Region": (
        "ssm",
        {"regions": ["eu-west-1", "us-east-1", "eu-west-1"]},
        HERE,
        ssm("arn:aws:ssm:eu-west-1:111122223333:*", "arn:aws:ssm:us-east-1:111122223333:*"),
    ),
    "ssm in China": ("ssm", {}, CHINA, ssm("arn:aws-cn:ssm:cn-north-1:111122223333:*")),
    "ssm in a newer Region": (
        "ssm",
        {"regions": "eu-new-9", "allow_unknown_region": "yes"},
        HERE,
        ssm("arn:aws:ssm:eu-new-9:111122223333:*"),
    ),
    "service": ("service", {"services": ["lambda.amazonaws.com"]}, HERE, let({"Service": ["lambda.amazonaws.com"]})),
    "service for this account": (
        "service",
        {
            "services": "lambda.amazonaws.com, ecs-tasks.amazonaws.com",
            "source_account": True,
            "source_arns": ["arn:aws:ecs:*:111122223333:*"],
        },
        HERE,
        let(
            {"Service": ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]},
            StringEquals={"aws:SourceAccount": "111122223333"},
            ArnLike={"aws:SourceArn": ["arn:aws:ecs:*:111122223333:*"]},
        ),
    ),
    "account with external id": (
        "account",
        {"accounts": ["444455556666"], "external_ids": ["abc"]},
        HERE,
        let({"AWS": "arn:aws:iam::444455556666:root"}, StringEquals={"sts:ExternalId": "abc"}),
    ),
    "account of an organisation, with MFA": (
        "account",
        {"accounts": ["444455556666"], "organizations": ["o-a1b2c3d4e5"], "mfa": True},
        GOV,
        let(
            {"AWS": "arn:aws-us-gov:iam::444455556666:root"},
            StringEquals={"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
            Bool={"aws:MultiFactorAuthPresent": "true"},
        ),
    ),
    "a role of an account": (
        "account",
        {"principals": ["arn:aws:iam::444455556666:role/ops/deploy"]},
        HERE,
        let({"AWS": "arn:aws:iam::444455556666:role/ops/deploy"}),
    ),
    "saml by name": (
        "saml",
        {"provider": "Corp"},
        HERE,
        let(
            {"Federated": "arn:aws:iam::111122223333:saml-provider/Corp"},
            "sts:AssumeRoleWithSAML",
            StringEquals={"SAML:aud": "https://signin.aws.amazon.com/saml"},
        ),
    ),
    "saml in China": (
        "saml",
        {"provider": "Corp"},
        CHINA,
        let(
            {"Federated": "arn:aws-cn:iam::111122223333:saml-provider/Corp"},
            "sts:AssumeRoleWithSAML",
            StringEquals={"SAML:aud": "https://signin.amazonaws.cn/saml"},
        ),
    ),
    "oidc, one subject": (
        "oidc",
        {"provider": GITHUB, "audiences": ["sts.amazonaws.com"], "subjects": ["repo:o/r:ref:refs/heads/main"]},
        HERE,
        let(
            {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
            "sts:AssumeRoleWithWebIdentity",
            StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:o/r:ref:refs/heads/main"},
        ),
    ),
    "oidc, a pattern, https and a path": (
        "oidc",
        {"provider": "https://oidc.example.com/id/A1", "audiences": ["sts.amazonaws.com"], "subjects": ["system:serviceaccount:agents:*"]},
        HERE,
        let(
            {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/A1"},
            "sts:AssumeRoleWithWebIdentity",
            StringEquals={"oidc.example.com/id/A1:aud": "sts.amazonaws.com"},
            StringLike={"oidc.example.com/id/A1:sub": "system:serviceaccount:agents:*"},
        ),
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_form(case):
    form, options, context, expected = FORMS[case]
    built = trusts.trust(form, options, context, "role r")
    assert documents.equal(built, expected)
    documents.check(built, documents.TRUST_LIMIT, "role r", trust=True)
    trusts.refuse_wide(built, "role r", context)


WRONG = {
    "no such form": ("lambda", {}, HERE, "no form of trust. Allowed are: ec2, ssm, service, account, saml, oidc"),
    "unknown option": ("ec2", {"region": "x"}, HERE, "unknown option: region. Allowed are: service, principals"),
    "ec2 and every role": ("ec2", {"principals": ["arn:aws:iam::111122223333:role/*"]}, HERE, "is no ARN of a role or user"),
    "ec2 and anyone": ("ec2", {"principals": ["*"]}, HERE, r"'\*' is no ARN of a role or user"),
    "ec2 and a whole account": ("ec2", {"principals": ["arn:aws:iam::111122223333:root"]}, HERE, "is no ARN of a role or user"),
    "options that are a list": ("ec2", ["service"], HERE, "must be a dictionary"),
    "missing option": ("service", {}, HERE, "services is required"),
    "empty required list": ("service", {"services": []}, HERE, "services is required and must not be empty"),
    "a service that is none": ("service", {"services": ["lambda"]}, HERE, "'lambda' is no service principal"),
    "ssm with a wildcard": ("ssm", {"regions": ["*"]}, HERE, "wildcards are not accepted"),
    "ssm with a part of a wildcard": ("ssm", {"regions": ["eu-west-*"]}, HERE, "wildcards are not accepted"),
    "ssm in an unknown Region": ("ssm", {"regions": ["eu-west-9"]}, HERE, "no Region known to .* in the partition aws"),
    "ssm without any Region": ("ssm", {}, Context("aws", "111122223333"), "regions is required"),
    "ssm with an empty list": ("ssm", {"regions": []}, HERE, "regions is required"),
    "ssm without account": ("ssm", {"regions": ["eu-west-1"]}, NOWHERE, "needs to know the account"),
    "source_account without account": ("service", {"services": "a.amazonaws.com", "source_account": True}, NOWHERE, "needs to know"),
    "a flag that is none": ("account", {"principals": [], "mfa": "maybe"}, HERE, "mfa must be true or false, and 'maybe'"),
    "anyone": ("account", {"accounts": ["*"]}, HERE, r"'\*' is no account id"),
    "anyone as principal": ("account", {"principals": ["*"]}, HERE, r"'\*' is no ARN of a role or user"),
    "a root as principal": ("account", {"principals": ["arn:aws:iam::444455556666:root"]}, HERE, "is no ARN of a role or user"),
    "a whole account": ("account", {"accounts": ["444455556666"]}, HERE, "a whole account is too wide.*Add external_ids or organizations"),
    "the own account": ("account", {"accounts": ["111122223333"], "mfa": True}, HERE, "a whole account is too wide"),
    "an account id that YAML read as a number": ("account", {"accounts": [444455556666]}, HERE, "Put it in quotes"),
    "no account at all": ("account", {}, HERE, "needs accounts .* or principals"),
    "an organisation that is none": ("account", {"accounts": ["444455556666"], "organizations": ["*"]}, HERE, "no organisation id"),
    "saml without provider": ("saml", {}, HERE, "provider is required"),
    "oidc without provider": ("oidc", {"audiences": ["a"], "subjects": ["b"]}, HERE, "provider is required"),
    "oidc without audience": ("oidc", {"provider": GITHUB, "subjects": ["repo:o/r:*"]}, HERE, "audiences is required"),
    "oidc without subject": ("oidc", {"provider": GITHUB, "audiences": ["sts.amazonaws.com"]}, HERE, "subjects is required"),
    "oidc with any subject": ("oidc", {"provider": GITHUB, "audiences": ["a"], "subjects": ["*"]}, HERE, r"'\*' lets anyone"),
    "oidc with any repository": ("oidc", {"provider": GITHUB, "audiences": ["a"], "subjects": ["repo:*"]}, HERE, "lets anyone"),
    "oidc with any audience": ("oidc", {"provider": GITHUB, "audiences": ["*"], "subjects": ["repo:o/r:*"]}, HERE, "lets anyone"),
    "oidc without account": ("oidc", {"provider": GITHUB, "audiences": ["a"], "subjects": ["b"]}, NOWHERE, "give the provider's ARN"),
    "the ARN of another kind": ("saml", {"provider": "arn:aws:iam::111122223333:role/r"}, HERE, "no ARN of an identity provider"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options(case):
    form, options, context, rule = WRONG[case]
    with pytest.raises(InputError, match=f"^role r: .*{rule}"):
        trusts.trust(form, options, context, "role r")


def test_placeholder_judges_no_partition_and_all_forms_work_with_it():
    before = Context.placeholder("cn-north-1", ["cn-north-1", "eu-west-1"])
    for form, options, _context, expected in FORMS.values():
        assert len(documents.render(trusts.trust(form, {**options, **_unknown(form)}, before, "r"))) <= len(documents.render(expected)) + 99


def _unknown(form):
    return {"allow_unknown_region": True} if form == "ssm" else {}
