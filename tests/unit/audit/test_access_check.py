# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions for the policy simulator, and what its answers mean."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.simulation import Simulator, decision_of
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_check import questions
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_check.expectations import PRESETS, SESSION_CHANNELS
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_check.questions import Answers, Batch, Decision
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import subjects
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from botocore.stub import Stubber

HERE = Context("aws-cn", "123456789012", "cn-north-1")
WEB = "arn:aws-cn:iam::123456789012:role/shop/web"


def check(*principals: str, **given: Any) -> dict[str, Any]:
    return {"principals": list(principals or ["role/shop/web"]), "preset": None, "may": [], "may_not": [], "context": {}, **given}


def entry(*actions: str, resources: Any = ("*",), **context: Any) -> dict[str, Any]:
    return {"actions": list(actions), "resources": list(resources), "context": context}


def test_questions_of_one_resource_go_together() -> None:
    parameter = "arn:{partition}:ssm:{region}:{account}:parameter/x"
    may_not = [entry("iam:CreateUser", "iam:PassRole"), entry("iam:PassRole")]
    asked = questions.questions([check(may=[entry("ssm:GetParameter", resources=[parameter])], may_not=may_not)], HERE)
    assert [(batch.principal, batch.resource, batch.actions) for batch in questions.batches(asked)] == [
        (WEB, "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/x", ("ssm:GetParameter",)),
        (WEB, "*", ("iam:CreateUser", "iam:PassRole")),
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_no_partition_and_contradict_nothing(preset: str) -> None:
    asked = questions.questions([check(preset=preset, context={"cloudwatch:namespace": "Shop"})], HERE)
    assert {one.expected for one in asked} == {"may", "may_not"}
    assert not [one for one in asked if "{" in one.resource or "arn:aws:" in one.resource]
    assert {dict(one.context)["cloudwatch:namespace"] for one in asked} == {("Shop",)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (check(), "expects nothing"),
        (check(may=[entry("iam:*")]), "takes no wildcards"),
        (check(may=[entry("CreateUser")]), "is no action"),
        (check(may=[entry("s3:GetObject", resources=["bucket/key"])]), "is no ARN"),
        (check("web", preset="ssm_node"), "is no role or user"),
        (check("arn:aws:sts::123456789012:assumed-role/a/b", preset="ssm_node"), "is no role or user"),
        (check(may=[entry("iam:PassRole")], may_not=[entry("iam:passrole")]), "both may and may not"),
    ],
)
def test_wrong_checks(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        questions.questions([given], Context.placeholder())


def test_a_region_that_is_not_known() -> None:
    with pytest.raises(InputError, match="needs to know the region"):
        questions.questions([check(preset="cwagent_server")], Context("aws", "123456789012"))


def test_the_context_of_a_request() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    given = (("aws:MultiFactorAuthPresent", ("true",)), ("aws:SecureTransport", ("false",)), ("ec2:ResourceTag/a", ("x", "y")))
    assert questions.context_entries(given, now) == [
        {"ContextKeyName": "aws:CurrentTime", "ContextKeyValues": ["2026-06-01T12:00:00Z"], "ContextKeyType": "date"},
        {"ContextKeyName": "aws:MultiFactorAuthPresent", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"},
        {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["false"], "ContextKeyType": "boolean"},
        {"ContextKeyName": "ec2:ResourceTag/a", "ContextKeyValues": ["x", "y"], "ContextKeyType": "stringList"},
    ]


ROWS = [
    ("may", "allowed", True, ""),
    ("may", "implicitDeny", False, "iam:CreateUser is not allowed, and should be"),
    ("may", "explicitDeny", False, "iam:CreateUser is denied, and should be allowed (by own)"),
    ("may_not", "allowed", False, "iam:CreateUser is allowed, and should not be (by own)"),
    ("may_not", "implicitDeny", True, ""),
    ("may_not", "explicitDeny", True, ""),
]


@pytest.mark.parametrize(("expected", "decision", "agrees", "said"), ROWS)
def test_rows(expected: str, decision: str, agrees: bool, said: str) -> None:
    asked = questions.questions([check(**{expected: [entry("iam:CreateUser")]})], HERE)
    batch = Batch(WEB, "*", (), ("iam:CreateUser",))
    policies = () if decision == "implicitDeny" else (("own", "user"),)
    (row,) = questions.rows(asked, Answers({(batch, "iam:createuser"): Decision(decision, policies)}))
    assert (row["agrees"], questions.difference(row)) == (agrees, said)


def test_no_answer_is_no_agreement() -> None:
    asked = questions.questions([check(may_not=[entry("iam:CreateUser")])], HERE)
    batch = Batch(WEB, "*", (), ("iam:CreateUser",))
    (row,) = questions.rows(asked, Answers(unseen={batch: "AccessDenied"}))
    assert row["agrees"] is None and questions.difference(row) == "iam:CreateUser: not seen: AccessDenied"


def test_answers_of_the_simulator() -> None:
    """A result for one resource, as the API reference describes it: what is summed up says less than the resource's own."""
    matched = [{"SourcePolicyId": "own", "SourcePolicyType": "IAM Policy", "StartPosition": {}, "EndPosition": {}}]
    own = {
        "EvalResourceName": "arn:x",
        "EvalResourceDecision": "allowed",
        "MatchedStatements": matched,
        "MissingContextValues": ["aws:SourceIp"],
    }
    result = {
        "EvalActionName": "iam:CreateUser",
        "EvalDecision": "explicitDeny",
        "ResourceSpecificResults": [{"EvalResourceName": "arn:y", "EvalResourceDecision": "explicitDeny"}, own],
        "OrganizationsDecisionDetail": {"AllowedByOrganizations": False},
        "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": True},
    }
    assert decision_of(result, "arn:x") == Decision("allowed", (("own", "IAM Policy"),), ("aws:SourceIp",), False, True)
    assert decision_of({"EvalActionName": "a:B", "EvalDecision": "implicitDeny"}, "*") == Decision("implicitDeny")


def test_limits_are_said() -> None:
    row = {"organization_allows": None, "missing_context": ["aws:SourceIp"]}
    silent, told = questions.limits([row]), questions.limits([{**row, "organization_allows": True, "missing_context": []}])
    assert "said nothing of service control policies" in silent[1] and "aws:SourceIp" in silent[2]
    assert told[1:] == ["Service control policies are part of it, those without conditions."]


def test_what_is_asked_of_the_collections_identities() -> None:
    server = {
        "changes": ["create role New"],
        "roles": {"New": {"arn": "arn:new"}, "Server": {"arn": "arn:server"}},
        "users": {"cwagent-web1": {"arn": "arn:user"}},
    }
    variables = {
        "cwagent_server_result": server,
        "cwagent_server_policy": "scoped",
        "cwagent_server_scope": {"namespaces": ["Shop", "CWAgent"]},
        "cwagent_admin_result": {"roles": {"Admin": {"arn": "arn:admin"}}, "changes": []},
        "ssm_profile_result": {"failed": True, "msg": "It belongs to 'blue'."},
    }
    roles = ["cwagent_server", "cwagent_admin", "ssm_profile", "session_manager"]
    parameter = "arn:{partition}:ssm:{region}:{account}:parameter/AmazonCloudWatch-linux"
    assert subjects.checks(roles, variables) == [
        {"principals": ["arn:server"], "preset": "cwagent_server", "context": {"cloudwatch:namespace": "Shop"}},
        {"principals": ["arn:user"], "preset": "cwagent_user", "context": {"cloudwatch:namespace": "Shop"}},
        {"principals": ["arn:admin"], "preset": "cwagent_admin", "may": [{"actions": ["ssm:PutParameter"], "resources": [parameter]}],
         "context": {"cloudwatch:namespace": "CWAgent"}},
    ]  # fmt: skip
    assert [(one["changes"], one["refusal"]) for one in subjects.predicted(roles, variables)] == [
        (["create role New"], ""),
        ([], ""),
        ([], "It belongs to 'blue'."),
        ([], "it ended before its identities were planned; the output above says why"),
    ]


SCOPED = {"cwagent_server_policy": "scoped", "cwagent_admin_policy": "scoped"}
PARAMETER = "arn:{partition}:ssm:{region}:{account}:parameter/"
OTHER_PLACE = "arn:aws:ssm:us-east-1:210987654321:parameter/agent"
ASKED: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a scope that says nothing of namespaces": (
        "cwagent_server", {"cwagent_server_scope": {"log_groups": ["/a"]}}, {"context": {"cloudwatch:namespace": "CWAgent"}},
    ),
    "a scope of another kind of policy": (
        "cwagent_server", {"cwagent_server_policy": "managed", "cwagent_server_scope": {"namespaces": []}},
        {"preset": "cwagent_server", "context": {"cloudwatch:namespace": "CWAgent"}},
    ),
    "addresses that requests come from": (
        "cwagent_server", {"cwagent_server_scope": {"source_cidrs": "203.0.113.0/24,198.51.100.7"}},
        {"context": {"cloudwatch:namespace": "CWAgent", "aws:SourceIp": "203.0.113.0"}},
    ),
    "logs without metrics": (
        "cwagent_server", {"cwagent_server_scope": {"namespaces": []}},
        {"preset": None, "may_not": PRESETS["cwagent_server"]["may_not"], "context": {}},
    ),
    "an administrator's namespace and parameter": (
        "cwagent_admin", {"cwagent_admin_scope": {"namespaces": ["Shop"], "parameters": ["/shop/agent"]}},
        {"context": {"cloudwatch:namespace": "Shop"}, "may": [{"actions": ["ssm:PutParameter"], "resources": [PARAMETER + "shop/agent"]}]},
    ),
    "an administrator's parameter elsewhere": (
        "cwagent_admin", {"cwagent_admin_parameters": [OTHER_PLACE]},
        {"may": [{"actions": ["ssm:PutParameter"], "resources": [OTHER_PLACE]}]},
    ),
    "a node with sessions": ("ssm_profile", {}, {"preset": "ssm_node", "may": [SESSION_CHANNELS]}),
    "a node that has them by a custom policy": (
        "ssm_profile", {"ssm_profile_policy": "custom", "ssm_profile_core": {"sessions": "yes"}}, {"may": [SESSION_CHANNELS]},
    ),
    "a node without them": ("ssm_profile", {"ssm_profile_policy": "custom", "ssm_profile_core": {"inventory": True}}, {"may": None}),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_what_the_roles_variables_change_in_that(name: str) -> None:
    role, variables, expected = ASKED[name]
    (asked,) = subjects.checks([role], {**SCOPED, f"{role}_result": {"roles": {"R": {"arn": "arn:r"}}}, **variables})
    assert {key: asked.get(key) for key in expected} == expected


def test_users_have_the_scope_of_the_role_unless_they_have_their_own() -> None:
    variables = {**SCOPED, "cwagent_server_scope": {"namespaces": ["Shop"]}, "cwagent_server_result": {"users": {"u": {"arn": "arn:u"}}}}
    asked = [subjects.checks(["cwagent_server"], {**variables, **own})[0] for own in ({}, {"cwagent_server_user_scope": {}})]
    assert [one["context"]["cloudwatch:namespace"] for one in asked] == ["Shop", "CWAgent"]


def test_what_a_predicted_role_asks_for_besides_its_changes() -> None:
    result = {"changes": [], "users": {"admin": {}}, "roles": {"R": {"inline_policies": {"Own": {}}}, "S": {"inline_policies": None}}}
    variables = {"session_manager_result": result, "session_manager_inline": "true"}
    (told,) = subjects.predicted(["session_manager"], variables)
    assert (told["users"], told["inline_policies"]) == (["admin"], {"role R": ["Own"]})
    # Where the role makes none, those that are there are somebody's.
    (told,) = subjects.predicted(["session_manager"], {"session_manager_result": result})
    assert told["inline_policies"] == {}


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ({"failed": True, "msg": "AccessDenied"}, ([], "AccessDenied")),
        ({"changes": ["update document"]}, (["update document"], "")),
        ({"changes": []}, None),
        ({"skipped": True, "changed": False}, None),
    ],
)
def test_preferences_that_a_role_keeps_are_told_too(preferences: Any, said: Any) -> None:
    variables = {"session_manager_result": {"changes": []}, "session_manager_preferences_result": preferences}
    told = [(one["changes"], one["refusal"]) for one in subjects.predicted(["session_manager"], variables)]
    assert told == [([], ""), *([said] if said else [])]


def test_actions_that_aws_judges_apart_are_asked_one_by_one() -> None:
    iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    batch = Batch("arn:aws:iam::123456789012:role/web", "*", (), ("iam:PassRole", "sts:AssumeRole", "iam:CreateUser"))
    apart = "Actions: [iam:PassRole] and [sts:AssumeRole] require different authorization information."
    with Stubber(iam) as said:
        said.add_client_error("simulate_principal_policy", "InvalidInput", apart)
        for action in batch.actions[:2]:
            said.add_response(
                "simulate_principal_policy", {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": "implicitDeny"}]}
            )
        said.add_client_error("simulate_principal_policy", "Throttling", "Rate exceeded")
        answers = Simulator(iam).answers([batch])
        said.assert_no_pending_responses()
    assert {action: decision.decision for (_batch, action), decision in answers.decisions.items()} == {
        "iam:passrole": "implicitDeny", "sts:assumerole": "implicitDeny",
    }  # fmt: skip
    assert "Rate exceeded" in answers.unseen[batch]


def test_a_single_question_that_is_invalid_is_asked_once() -> None:
    iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    batch = Batch("arn:aws:iam::123456789012:role/web", "*", (), ("iam:Nothing",))
    with Stubber(iam) as said:
        said.add_client_error("simulate_principal_policy", "InvalidInput", "Invalid Action: iam:Nothing")
        assert "Invalid Action" in Simulator(iam).answers([batch]).unseen[batch]


@pytest.mark.parametrize("preset", PRESETS)
def test_power_over_many_is_found_as_power_over_all_is(preset: str) -> None:
    """A grant on role/* does not fit a question about "*", so what can be granted on a part is asked about one of it."""
    asked = questions.questions([check(preset=preset)], Context("aws", "123456789012", "eu-west-1"))
    grants = {"iam": "arn:aws:iam::123456789012:*", "ssm": "arn:aws:ec2:*:*:instance/*"}
    denied = [
        one for one in asked if one.expected == "may_not" and one.action != "ssm:CreateActivation" and one.action.split(":")[0] in grants
    ]
    powers = [one for one in denied if ":parameter/" not in one.resource]
    assert len(powers) == 11 and not [one for one in powers if not fnmatchcase(one.resource, grants[one.action.split(":")[0]])]
