# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iam_identities as a user runs it: a task in a playbook, on the emulator that enforces IAM."""

from __future__ import annotations

import pytest

from tests.support.playbook import WAYS, run_playbook, run_task
from tests.support.recording_proxy import RecordingProxy, failure

MODULE = "hybridops.aws_agents.iam_identities"
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/hybridops.aws_agents.aws: {region: us-east-1}
  tasks:
    - name: a date
      hybridops.aws_agents.iam_identities:
        policies: [{name: P, document: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*"}]}}]
        wait: "no"
    - name: again
      hybridops.aws_agents.iam_identities:
        policies: [{name: P, document: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*"}]}}]
    - name: wrong
      hybridops.aws_agents.iam_identities: {guard: many}
      ignore_errors: true
    - name: denied
      hybridops.aws_agents.iam_identities: {users: [{name: u}]}
      ignore_errors: true
    - name: in the background
      hybridops.aws_agents.iam_identities: {roles: []}
      async: 60
      poll: 1
"""
ASKED = {
    "policies": [{"name": "AgentPolicy", "preset": "cwagent_server"}],
    "roles": [{"name": "AgentRole", "trust": "ec2", "instance_profile": True, "policies": ["AgentPolicy", "AmazonSSMManagedInstanceCore"]}],
    "users": [{"name": "agent-1", "path": "/hybridops/", "policies": ["AgentPolicy"]}],
}
CHANGES = [
    "create policy AgentPolicy",
    "create user agent-1",
    "attach managed policy arn:aws:iam::000000000000:policy/AgentPolicy to user agent-1",
    "create role AgentRole",
    "attach managed policy arn:aws:iam::000000000000:policy/AgentPolicy to role AgentRole",
    "attach managed policy arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore to role AgentRole",
    "create instance profile AgentRole",
    "add role AgentRole to instance profile AgentRole",
]


@pytest.mark.parametrize("way", WAYS)
def test_check_then_run_then_again(ministack, tmp_path, way):
    """Check mode returns the whole predicted object, and no write reaches AWS."""

    with RecordingProxy(ministack.endpoint_url) as proxy:
        environment = dict(ministack.environment(), AWS_ENDPOINT_URL=proxy.url)
        proxy.clear()
        checked = run_task(MODULE, ASKED, tmp_path, ["--check", "--diff"], environment=environment, inventory=WAYS[way])
        assert checked.outcome == "ok", checked.msg
        assert checked.result["changes"] == CHANGES and checked.changed
        assert not proxy.writes
        assert checked.result["diff"]["before"] == {"policies": {}, "roles": {}, "users": {}}
        done = run_task(MODULE, ASKED, tmp_path, ["--diff"], environment=environment, inventory=WAYS[way])
        for key in ("changes", "policies", "roles", "users", "diff"):
            assert done.result[key] == checked.result[key], key
        proxy.clear()
        again = run_task(MODULE, ASKED, tmp_path, environment=environment, inventory=WAYS[way])
        assert not again.changed and again.result["changes"] == [] and not proxy.writes
        assert len(proxy.calls) <= 8, proxy.counts()


@pytest.mark.parametrize("inject", ["false", "true"])
def test_options_are_taken_the_same_way_everywhere(ministack, tmp_path, inject):
    """A date that YAML makes of a policy's Version, words for booleans, wrong types, what AWS says.

    From ansible-core 2.21 on results hold a task's options only where that is set.
    """
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(PLAYBOOK)
    said = {}
    for way, hosts in WAYS.items():
        ministack.reset()
        may = ministack.operator("operator", ["iam:Get*", "iam:List*", "iam:CreatePolicy", "iam:TagPolicy"])
        environment = {**ministack.environment(may), "ANSIBLE_ASYNC_DIR": str(tmp_path / "async"), "ANSIBLE_INJECT_INVOCATION": inject}
        run = run_playbook(playbook, tmp_path / "run", ["-vvv"], inventory=hosts, environment=environment)
        for task in run.tasks:
            # Its id is the run's own; options that were refused are told by modules alone.
            told = task.result.pop("invocation", {}).get("module_args", {})
            task.result["told"] = {name: value for name, value in told.items() if name != "access_key"} if task.outcome == "ok" else {}
        kept = ("told", "changed", "changes", "policies", "roles", "users", "msg", "error", "changes_applied", "changes_left")
        said[way] = [(task.task, task.outcome, {name: task.result.get(name) for name in kept}) for task in run.tasks]
        assert [outcome for _task, outcome, _result in said[way]] == ["ok", "ok", "ignored", "ignored", "ok"], str(run)
    assert said["in this process"] == said["as a module"]
    assert said["as a module"][0][2]["told"] or inject == "false"
    denied = said["as a module"][3][2]
    assert denied["error"]["code"] == "AccessDenied" and denied["changes_left"] == ["create user u"]


def test_a_failure_says_what_was_done_and_what_is_left(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        environment = dict(ministack.environment(), AWS_ENDPOINT_URL=proxy.url)
        proxy.handler = lambda call, forward: (
            failure(call, "AccessDenied", "not you", 403) if call.operation == "CreateInstanceProfile" else forward()
        )
        failed = run_task(MODULE, ASKED, tmp_path, environment=environment)
        assert failed.outcome == "failed" and failed.changed
        assert failed.msg.startswith("Could not create instance profile AgentRole: ") and "not you" in failed.msg
        assert failed.result["changes_applied"] == CHANGES[:6] and failed.result["changes_left"] == CHANGES[6:]


def test_wrong_input_makes_no_call(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        environment = dict(ministack.environment(), AWS_ENDPOINT_URL=proxy.url)
        proxy.clear()
        failed = run_task(MODULE, {"roles": [{"name": "R", "max_session_duration": 60}]}, tmp_path, environment=environment)
        assert failed.outcome == "failed" and "role R: max_session_duration=60 is out of range" in failed.msg
        assert proxy.calls == []


@pytest.mark.parametrize("asked", [{"task": True}, {"environment": "yes"}])
def test_calls_are_listed_where_amazon_aws_is_asked_to(ministack, tmp_path, asked):
    """It listens below AWS's own names, which an emulator has not; the list is there all the same."""
    options = {"roles": [], **({"debug_botocore_endpoint_logs": True} if "task" in asked else {})}
    environment = {**ministack.environment(), **({"ANSIBLE_DEBUG_BOTOCORE_LOGS": "yes"} if "environment" in asked else {})}
    assert "resource_actions" in run_task(MODULE, options, tmp_path, environment=environment).result
    assert "resource_actions" not in run_task(MODULE, {"roles": []}, tmp_path, environment=ministack.environment()).result
