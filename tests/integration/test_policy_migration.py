# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identities that are moved off retired policies, on both emulators and by the playbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.modules.policy_migration import DOCUMENTATION

from tests.support import iam_state
from tests.support.playbook import WAYS, run_playbook
from tests.support.recording_proxy import Dropped, RecordingProxy

MODULE = "hybridops.aws_agents.policy_migration"
PLAYBOOK = "hybridops.aws_agents.migrate"
SSM, CORE, AGENT = (
    iam_state.AWS + name for name in ("service-role/AmazonEC2RoleforSSM", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
)
SERVER = json.loads((Path(__file__).parents[1] / "unit" / "golden" / "documents" / "cwagent_server.json").read_text())
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Site:
    """An account as the documents of 2018 left it: a role, a user with a policy of its own, and a group."""

    def __init__(self, aws, proxy, scratch, way="in this process"):
        self.aws, self.proxy, self.scratch, self.inventory = aws, proxy, scratch, WAYS[way]
        self.iam = aws.client("iam")
        aws.operator()
        self.mine = self.iam.create_policy(PolicyName="AgentPolicy", PolicyDocument=json.dumps(SERVER))["Policy"]["Arn"]
        self.iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.iam.attach_role_policy(RoleName="web", PolicyArn=SSM)
        self.iam.create_user(UserName="web1", Path="/hybridops/")
        for arn in (SSM, self.mine):
            self.iam.attach_user_policy(UserName="web1", PolicyArn=arn)
        self.iam.create_group(GroupName="ops")
        self.iam.attach_group_policy(GroupName="ops", PolicyArn=SSM)

    def run(self, **tasks):
        """Run one task after the other, each by its name and options, and return their results. One that fails ends nothing."""
        self.proxy.clear()
        steps = []
        for name, options in tasks.items():
            given = {"settle": 0, **options}
            keywords = {"check_mode": given.pop("check", False), "diff": True, "ignore_errors": True}
            steps.append({"name": name, MODULE: given, **keywords})
        play = {"name": "play", "hosts": "localhost", "gather_facts": False, "tasks": steps}
        environment = {**self.aws.environment(), "AWS_ENDPOINT_URL": self.proxy.url}
        run = run_playbook([play], self.scratch, inventory=self.inventory, environment=environment)
        return SimpleNamespace(stderr=run.stderr, **{name: run.task(name) for name in tasks})

    def attached(self):
        state = iam_state.of(self.aws)
        return state["roles"]["web"]["policies"], state["users"]["web1"]["policies"], sorted(state["policies"])


@pytest.fixture(params=WAYS)
def site(aws, tmp_path, request):
    with RecordingProxy(aws.endpoint_url) as proxy:
        yield Site(aws, proxy, tmp_path, request.param)


@pytest.fixture
def one(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield Site(ministack, proxy, tmp_path)


def test_an_account_of_2018(site):
    everybody = {"state": "migrated", "all": True, "delete_policies": True}
    run = site.run(predicted={"check": True, **everybody}, done=everybody, again=everybody)
    assert run.done.outcome == "ok" and run.done.result["changes"] == run.predicted.result["changes"], run.done
    # The prediction and the repetition wrote nothing.
    assert [call.operation for call in site.proxy.writes] == [
        "AttachUserPolicy", "AttachUserPolicy", "AttachRolePolicy",
        "DetachRolePolicy", "DetachUserPolicy", "DetachUserPolicy", "DeletePolicy",
    ]  # fmt: skip
    documented = set(re.findall(r"C\((\w+)\)", " ".join(yaml.safe_load(DOCUMENTATION)["notes"])))
    assert {call.operation for call in site.proxy.calls if call.service == "iam"} <= documented
    assert site.attached() == ([CORE], [CORE, AGENT], [])
    told = {f"{entry['kind']} {entry['name']}": entry for entry in run.done.result["identities"]}
    assert {name: entry["moved"] for name, entry in told.items()} == {"role web": True, "user web1": True, "group ops": False}
    assert any("logs:PutRetentionPolicy" in one["actions"] for one in told["user web1"]["gains"])
    if site.aws.name == "moto":  # which holds AWS's text of the deprecated policy
        lost = {action for one in told["role web"]["loses"] for action in one["actions"]}
        assert {"s3:GetObject", "s3:PutObject", "logs:PutLogEvents", "ds:CreateComputer"} <= lost and "ssm:GetParameters" not in lost
        assert "ssm:GetParameter" in told["role web"]["gains"][0]["actions"]
        assert told["role web"]["advice"][0].startswith("Objects in every bucket")
    assert run.predicted.result["diff"]["before"]["users"]["web1"]["policies"] == sorted([SSM, site.mine])
    assert not run.again.changed and [entry["kind"] for entry in run.again.result["identities"]] == ["group"]


def test_a_move_that_is_broken_off(one):
    """At no time has the role neither the old policy nor the new one, and the next run ends it."""

    dropped = []

    def drop_once(call, forward):
        if call.operation == "DetachRolePolicy" and not dropped:
            dropped.append(one.attached()[0])
            raise Dropped
        return forward()

    one.proxy.handler = drop_once
    web = {"state": "migrated", "identities": ["role/web"]}
    waits = {**web, "settle": 1}
    run = one.run(
        failed={**waits, "aws_config": {"retries": {"total_max_attempts": 1}}}, rest=web, slip={**web, "identities": ["role/wbe"]}
    )
    assert dropped == [[CORE, SSM]] and run.failed.outcome == "ignored"
    assert run.failed.result["changes_left"] == [f"detach managed policy {SSM} from role web"] == run.rest.result["changes"]
    assert not next(entry for entry in run.failed.result["identities"] if entry["name"] == "web")["moved"]
    assert "no role or user role/wbe" in run.slip.msg
    assert run.stderr.count("localhost: waiting for what was attached to hold everywhere, 1 second at most") == 1
    assert one.attached() == ([CORE], sorted([SSM, one.mine]), ["AgentPolicy"])


def test_the_playbook(one, tmp_path):
    environment = one.aws.environment()
    del environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"]

    given = {"aws_agents_endpoint_url": one.proxy.url, "aws_agents_region": one.aws.region, "aws_agents_migrate_settle": 0}
    plays = [{"ansible.builtin.import_playbook": PLAYBOOK, "vars": more} for more in ({}, {"aws_agents_migrate": "user/web1"})]
    run = run_playbook(plays, tmp_path / "play", (), None, given, environment).ok()
    shown, moved = (task for task in run.tasks if task.action == MODULE)
    assert not shown.changed and len(moved.result["changes"]) == len(one.proxy.writes) == 4
    said = next(task.result["msg"] for task in run.tasks if task.task == "Show who carries them and what a move changes")
    assert f"role web: AmazonEC2RoleforSSM ({SSM})" in said and "user web1: " in " ".join(said)
    assert any(line.startswith("  gains: ") and "logs:PutRetentionPolicy" in line for line in said) and "  moved" not in said
    assert run.custom_stats["_run"]["aws_agents_migration"]["changes"] == moved.result["changes"]
    assert one.attached() == ([SSM], [CORE, AGENT], ["AgentPolicy"])
