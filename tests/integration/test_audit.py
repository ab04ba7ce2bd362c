# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of an account in which much is not as it should be, on both emulators."""

from __future__ import annotations

import json
import re
import stat
from fnmatch import fnmatchcase
from typing import Any, Dict, Iterator, List

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue.by_name import build
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.modules import access_check, access_info

from tests.integration.audit_site import EXPECTED, MESS, make_mess
from tests.support.emulators import Emulator
from tests.support.playbook import Run, run_playbook, run_task
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure

INFO = "hybridops.aws_agents.access_info"
CHECK = "hybridops.aws_agents.access_check"
HOSTS_USERS = ["cwagent-web1", "cwagent-web2", "cwagent-web3"]
ONCE = {"retries": {"total_max_attempts": 1}}
DENIED = "is not authorized to perform this"


@pytest.fixture
def site(aws: Emulator) -> Iterator[Any]:
    yield from behind_a_proxy(aws)


@pytest.fixture
def enforced(ministack: Emulator) -> Iterator[Any]:
    yield from behind_a_proxy(ministack)


def behind_a_proxy(aws: Emulator) -> Iterator[Any]:
    with RecordingProxy(aws.endpoint_url) as proxy:
        proxy.aws = aws  # type: ignore[attr-defined]
        aws.operator()
        yield proxy


def environment(site: Any) -> Dict[str, str]:
    return {**site.aws.environment(), "AWS_ENDPOINT_URL": site.url}


def found(result: Dict[str, Any]) -> Dict[str, List[str]]:
    kinds: Dict[str, List[str]] = {}
    for one in result["findings"]:
        kinds.setdefault(one["id"], []).append(one["object"])
    return kinds


def test_a_messy_account(site: Any, tmp_path: Any) -> None:
    secrets = make_mess(site.aws)
    options = {"hosts_users": HOSTS_USERS, "expected": EXPECTED, "required_boundary": "account:/Boundary", "aws_config": ONCE}
    result = run_task(INFO, options, tmp_path, ["--check"], environment=environment(site))
    assert result.outcome == "ok" and not result.changed, result
    kinds = found(result.result)
    missing = {kind: where for kind, where in MESS.items() if not any(fnmatchcase(one, where) for one in kinds.get(kind, ()))}
    assert not missing, kinds
    assert "not-seen" not in kinds, result.result["findings"]
    assert not site.writes
    documented = set(re.findall(r"C\((?:\w+:)?(\w+)\)", " ".join(yaml.safe_load(access_info.DOCUMENTATION)["notes"])))
    identities = {"GetPolicy", "GetPolicyVersion", "ListPolicies", "ListPolicyVersions"}
    assert {call.operation for call in site.calls} <= documented | identities
    assert site.counts()["iam:GetAccountAuthorizationDetails"] >= 1
    assert not [secret for secret in secrets.values() if secret in json.dumps(result.result)]
    order = [one["severity"] for one in result.result["findings"]]
    assert order == sorted(order, key=["high", "medium", "low", "info"].index)


def test_what_may_not_be_read_is_a_finding(enforced: Any, tmp_path: Any) -> None:
    site = enforced
    make_mess(site.aws)

    def deny(call: Call, forward: Forward) -> Response:
        if call.operation in (
            "GetCallerIdentity",
            "GetRole",
            "ListAttachedRolePolicies",
            "ListRolePolicies",
            "ListInstanceProfilesForRole",
            "GetInstanceProfile",
        ):
            return forward()
        return failure(call, "AccessDenied", DENIED, 403)

    site.handler = deny
    result = run_task(INFO, {"roles": ["Open"], "users": ["cwagent-web1"], "aws_config": ONCE}, tmp_path, environment=environment(site))
    assert result.outcome == "ok", result
    kinds = found(result.result)
    # The role could be read by its name, so what is wrong with it is found all the same.
    assert kinds.get("trust-wide") == ["role Open"], result.result["findings"]
    assert result.result["whole_account"] is False
    unseen = {one["object"]: one["what"] for one in result.result["findings"] if one["id"] == "not-seen"}
    assert {"all roles and users of the account at once", "user cwagent-web1", "instance profiles"} <= set(unseen)
    assert [part.partition(" in ")[0] for part in sorted(unseen) if " in " in part] == [
        "activations", "hybrid nodes", "instances with a lease", "service settings of Systems Manager",
    ]  # fmt: skip
    assert all(DENIED in says for says in unseen.values())


INVENTORY = {"all": {"children": {"onprem": {"hosts": {"web1": {}, "web2": {}}}}}}


VARIABLES = {
    "aws_agents_roles": ["cwagent_server", "session_manager"],
    # What is right here, and what an audit that knows less of the roles would take for wrong.
    "cwagent_server_user_policy": "scoped",
    "cwagent_server_user_scope": {"source_cidrs": ["203.0.113.0/24"]},
    "session_manager_inline": True,
}


def playbooks(site: Any, tmp_path: Any, names: List[str], *arguments: str, **variables: Any) -> Run:
    where = {"aws_agents_endpoint_url": site.url, "aws_agents_region": site.aws.region, "aws_agents_aws_config": ONCE}
    inventory = {"all": {**INVENTORY["all"], "vars": VARIABLES}}
    # Who audits holds the document that is made for it, and nothing else.
    who = site.aws.operator("auditor", policy=build("operator_audit", {}, Context("aws"), "auditor")) if names == ["audit"] else None
    credentials = {key: value for key, value in site.aws.environment(who).items() if key not in ("AWS_ENDPOINT_URL", "AWS_REGION")}
    imports = [{"ansible.builtin.import_playbook": f"hybridops.aws_agents.{name}"} for name in names]
    return run_playbook(imports, tmp_path, arguments, inventory, {**where, **variables}, credentials)


def test_the_playbook(enforced: Any, tmp_path: Any) -> None:
    """What aws_access made is found to be right; what somebody does to it afterwards is found, and fails the run when told to."""
    site = enforced
    iam = site.aws.client("iam")
    page, data = tmp_path / "audit.html", tmp_path / "audit.json"
    files = {"aws_agents_audit_html": str(page), "aws_agents_audit_json": str(data)}
    run = playbooks(site, tmp_path, ["aws_access", "audit"], aws_agents_audit_title="<i>Site</i> {{ 1 }}", **files).ok()
    document = json.loads(data.read_text())
    assert document["findings"] == [] and len(document["identities"]) == 4
    assert run.custom_stats["_run"]["aws_agents_audit"]["counts"] == document["counts"]
    assert stat.S_IMODE(page.stat().st_mode) == stat.S_IMODE(data.stat().st_mode) == 0o600
    text = page.read_text()
    assert "cwagent-web1" in text and "<i>" not in text and "{{" not in text

    iam.attach_user_policy(UserName="cwagent-web1", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.put_user_permissions_boundary(UserName="cwagent-web2", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_user(UserName="theirs", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "blue"}])
    site.clear()
    run = playbooks(site, tmp_path, ["audit"], "--check", aws_agents_audit_fail_on="high", **files)
    assert run.rc != 0 and not site.writes and page.read_text() == text and json.loads(data.read_text()) == document
    assert [task.task for task in run.failures] == ["Fail on grave findings"], run
    kinds = found(run.task("Look at what is there").result)
    assert kinds["admin-policy"] == ["user cwagent-web1"] and kinds["policy-extra"] == ["user cwagent-web1"]
    assert kinds["may-too-much"] == ["user hybridops/cwagent-web1"] and kinds["may-too-little"] == ["user hybridops/cwagent-web2"]
    assert set(kinds) == {"admin-policy", "policy-extra", "may-too-much", "may-too-little"}, kinds


def test_checks(ministack: Emulator, tmp_path: Any) -> None:
    """On the emulator that judges, since moto has no simulator."""
    iam = ministack.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    grants = [
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "Shop"}},
        },
        {"Effect": "Allow", "Action": ["s3:*", "iam:CreateUser"], "Resource": "*"},
        {"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": "arn:aws:ec2:*:*:instance/*"},
    ]
    boundary = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["cloudwatch:*", "s3:*", "ssm:*"], "Resource": "*"}]}
    limit = iam.create_policy(PolicyName="Limit", PolicyDocument=json.dumps(boundary))["Policy"]["Arn"]
    iam.create_role(RoleName="web", Path="/shop/", AssumeRolePolicyDocument=trust, PermissionsBoundary=limit)
    iam.put_role_policy(RoleName="web", PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": grants}))
    who = ["role/shop/web"]
    shop = {"cloudwatch:namespace": "Shop"}
    options = {"checks": [{"principals": [*who, "role/nobody"], "preset": "cwagent_server", "context": shop}]}
    with RecordingProxy(ministack.endpoint_url) as proxy:
        variables = {**ministack.environment(), "AWS_ENDPOINT_URL": proxy.url}
        result = run_task(CHECK, options, tmp_path, environment=variables)
        assert result.outcome == "ok" and not result.changed and not proxy.writes, result
        rows = {(row["principal"].rpartition("/")[2], row["action"]): row for row in result.result["rows"]}
        allowed = rows["web", "cloudwatch:PutMetricData"]
        assert (allowed["decision"], allowed["agrees"], allowed["policies"]) == ("allowed", True, [{"id": "own", "type": "user-managed"}])
        assert rows["web", "s3:GetObject"]["agrees"] is rows["web", "ssm:SendCommand"]["agrees"] is False
        assert rows["web", "iam:CreateUser"]["agrees"] is True, "the boundary denies it"
        assert rows["nobody", "iam:CreateUser"]["agrees"] is None and "cannot be found" in rows["nobody", "iam:CreateUser"]["not_seen"]
        # Questions of one resource go together: all, a role, a user, a policy, an instance, the object and two parameters, for each of two.
        assert proxy.counts()["iam:SimulatePrincipalPolicy"] == 16
        context = {call.parameters["ContextEntries.member.3.ContextKeyName"] for call in proxy.calls if call.operation.startswith("Sim")}
        assert context == {"cloudwatch:namespace"}
    checks = [{"principals": [*who, "role/nobody"], "preset": "cwagent_server"}]
    other = run_task(CHECK, {"checks": checks, "fail_on_difference": True}, tmp_path, environment=ministack.environment())
    assert other.outcome == "failed" and "cloudwatch:PutMetricData is not allowed, and should be" in other.msg
    assert "role/nobody: cloudwatch:PutMetricData: not seen: " in other.msg, "no answer is a difference"
    assert "s3:GetObject on arn:aws:s3:::some-other-bucket/object is allowed, and should not be (by own)" in " ".join(
        other.result["differences"]
    )
    documented = yaml.safe_load(access_check.DOCUMENTATION)["options"]["checks"]["suboptions"]["preset"]["choices"]
    assert documented == list(access_check.PRESETS)
