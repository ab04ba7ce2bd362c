# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan takes from agents that run, as tables: who would lose what, and what is refused once it is known who is in use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import in_use, plan, target
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.records import Texts

from .cases import AGENT, CONTEXT, CORE, EC2_TRUST, P_ARN, account, document, everything, policy, profile, request, role, user

OTHER = "arn:aws:iam::123456789012:policy/Other"
RETIRED = "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM"
DIRECTORY = "arn:aws:iam::aws:policy/AmazonSSMDirectoryServiceAccess"
METRICS, NOTHING = document("cloudwatch:PutMetricData"), document("s3:GetObject")


def purged(kind="roles", **entry):
    return {kind: [{"name": {"roles": "R", "users": "u"}[kind], "policies": [], "purge_policies": True, **entry}]}


def lost(actual, **asked):
    wanted = request(**asked)
    there = everything(wanted, actual)
    after = target.target(wanted, there, CONTEXT)
    return [(loss.of, loss.how) for loss in in_use.losses(plan.plan(wanted, after, there), after, there)], there, after, wanted


LOSSES = {
    "nothing": (account(role(attached=(AGENT,))), {"roles": [{"name": "R", "policies": [AGENT]}]}, []),
    "what no agent needs": (account(role(attached=(DIRECTORY,))), purged(), []),
    "the last policy": (account(role(attached=(AGENT,))), purged(), [("role R", "")]),
    "one of two": (account(role(attached=(AGENT, CORE))), purged(policies=[AGENT]), [("role R", "")]),
    "the retired one, where its successors stay": (account(role(attached=(AGENT, CORE, RETIRED))), purged(policies=[AGENT, CORE]), []),
    "the retired one, where one successor stays": (account(role(attached=(CORE, RETIRED))), purged(policies=[CORE]), [("role R", "")]),
    "a text that is not known": (account(role(attached=(OTHER,))), purged(), [("role R", "")]),
    "a text that is not known stays": (account(role(attached=(OTHER, DIRECTORY))), purged(policies=[OTHER]), []),
    "of a user": (account(user(attached=(AGENT,))), purged("users"), [("user u", "")]),
    "an inline policy": (
        account(role(inline={"i": METRICS})),
        {"roles": [{"name": "R", "inline_policies": [], "purge_inline_policies": True}]},
        [("role R", "")],
    ),
    "an inline policy that no agent needs": (
        account(role(inline={"i": NOTHING})),
        {"roles": [{"name": "R", "inline_policies": [], "purge_inline_policies": True}]},
        [],
    ),
    "an inline policy, put anew with as much": (
        account(role(inline={"i": METRICS})),
        {"roles": [{"name": "R", "inline_policies": [{"name": "i", "document": document("cloudwatch:*")}]}]},
        [],
    ),
    "a policy of the call, written anew": (
        account(policy(document=METRICS), role(attached=(P_ARN,))),
        {"policies": [{"name": "P", "document": NOTHING}], "roles": [{"name": "R"}]},
        [("role R", "")],
    ),
    "a role that goes, by that alone": (
        account(role(attached=(AGENT,), inline={})),
        {"roles": [{"name": "R", "state": "absent"}]},
        [("role R", "would be deleted")],
    ),
    "the instance profile": (
        account(role(profile=profile("R", "R"))),
        {"roles": [{"name": "R", "instance_profile": False}]},
        [("role R", "would be taken out of instance profile R, so that instances with it get no credentials")],
    ),
    "the trust of EC2": (
        account(role()),
        {"roles": [{"name": "R", "trust": "service", "trust_options": {"services": ["lambda.amazonaws.com"]}}]},
        [("role R", "would no longer trust ec2.amazonaws.com, which hands its credentials to agents")],
    ),
    "the trust of EC2 in another spelling": (
        account(role(trust={"Version": "2012-10-17", "Statement": [dict(EC2_TRUST["Statement"][0], Sid="a")]})),
        {"roles": [{"name": "R", "trust": "ec2"}]},
        [],
    ),
}


@pytest.mark.parametrize(("actual", "asked", "expected"), LOSSES.values(), ids=LOSSES)
def test_losses(actual, asked, expected):
    assert lost(actual, **asked)[0] == expected


USED = {"role R": "it was last used 5 minutes ago", "user u": "its key was used"}
REFUSED = {
    "the last policy": (account(role(attached=(AGENT,))), purged(), Texts({}, {}), "the last policy by which the CloudWatch agent works"),
    "both agents": (account(role(attached=(RETIRED,))), purged(), Texts({}, {}), "SSM Agent and the CloudWatch agent works"),
    "by a text that was read": (account(role(attached=(OTHER,))), purged(), Texts({OTHER: METRICS}, {}), "the CloudWatch agent works"),
    "a text that says nothing": (account(role(attached=(OTHER,))), purged(), Texts({OTHER: NOTHING}, {}), ""),
    "a text that nobody may read": (account(role(attached=(OTHER,))), purged(), Texts({}, {}), ""),
    "what stays does": (account(role(attached=(AGENT, OTHER))), purged(policies=[OTHER]), Texts({OTHER: METRICS}, {}), ""),
    "what is inline does": (account(role(attached=(AGENT,))), purged(), Texts({}, {"role R": [METRICS]}), ""),
    "a user": (account(user(attached=(AGENT,))), purged("users"), Texts({}, {}), "user u would lose"),
    "deleted": (account(role(inline={})), {"roles": [{"name": "R", "state": "absent"}]}, Texts({}, {}), "role R would be deleted"),
}


@pytest.mark.parametrize(("actual", "asked", "texts", "says"), REFUSED.values(), ids=REFUSED)
def test_refused_only_when_in_use(actual, asked, texts, says):
    _losses, there, after, wanted = lost(actual, **asked)
    known = replace(there, uses=USED, texts=texts)
    plan.plan(wanted, after, replace(there, texts=texts))
    plan.plan(replace(wanted, allow_in_use=True), after, known)
    if not says:
        plan.plan(wanted, after, known)
        return
    with pytest.raises(Refusal, match=says) as caught:
        plan.plan(wanted, after, known)
    assert "allow_in_use: true" in str(caught.value) and next(iter(USED[of] for of in USED if of in str(caught.value))) in str(caught.value)


TEXTS = {
    "an action": (document("logs:PutLogEvents"), {"the CloudWatch agent"}),
    "ignoring case, with a wildcard": (document("SSM:update*"), {"SSM Agent"}),
    "all": (document("*"), set(in_use.AGENTS)),
    "all but some": ({"Statement": {"Effect": "Allow", "NotAction": ["iam:*", "ssm*:*"], "Resource": "*"}}, {"the CloudWatch agent"}),
    "a denial": ({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}, set()),
    "nothing of theirs": (document("s3:*", "ec2:Describe*"), set()),
}


@pytest.mark.parametrize(("text", "agents"), TEXTS.values(), ids=TEXTS)
def test_works_by(text, agents):
    assert in_use.works_by(text) == agents


def test_the_texts_that_decide():
    _losses, there, after, _wanted = lost(account(role(attached=(OTHER, AGENT, P_ARN)), policy()), **purged(policies=["P"]), policies=[
        {"name": "P", "document": document("s3:GetObject")}])  # fmt: skip
    assert in_use.unread("role R", after, there) == ({OTHER}, True)


def test_no_texts_decide_about_somebody_who_comes_or_goes():
    _losses, there, after, _wanted = lost(account(user(attached=(OTHER,))), users=[{"name": "u", "state": "absent"}],
                                          roles=[{"name": "R", "policies": ["CloudWatchAgentServerPolicy"], "trust": "ec2"}])  # fmt: skip
    assert in_use.unread("role R", after, there) == in_use.unread("user u", after, there) == (set(), False)


def test_a_policy_of_aws_is_never_changed():
    """Whatever a mistake elsewhere may lead to."""
    there = account(policy(arn=AGENT))
    wanted = request(policies=[{"name": "P", "state": "absent"}])
    with pytest.raises(Refusal, match="managed policy of AWS"):
        plan.plan(wanted, replace(there, policies={"P": None}), there)
