# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks and examples as a user runs them. No host is contacted: those of the inventory are at addresses that answer nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Tuple

import pytest

from tests.support import iam_state
from tests.support.emulators import Emulator
from tests.support.playbook import HOST, Run, run_playbook
from tests.support.recording_proxy import RecordingProxy
from tests.support.tree import ROOT

EXAMPLES = ROOT / "examples"
COLLECTION = "hybridops.aws_agents"


def inventory(hosts: Mapping[str, Any], **variables: Any) -> Dict[str, Any]:
    nowhere = {name: {"ansible_host": "192.0.2.1", **given} for name, given in hosts.items()}
    return {"all": {"vars": variables, "children": {"onprem": {"hosts": nowhere}}}}


TWO_HOSTS = {"web1": {}, "Web_2": {"onprem_agent_user_name": "agent-{{ inventory_hostname | lower }}"}}

SHARING = {"web1": {}, "web2": {"onprem_agent_user_name": "cwagent-web1"}}


class Site:
    """One emulated account, and playbooks that are told where it is by the variables that users have for that."""

    def __init__(self, aws: Emulator, proxy: RecordingProxy, scratch: Path) -> None:
        self.aws, self.proxy, self.scratch = aws, proxy, scratch
        aws.operator()

    def run(self, playbook: Any, *arguments: str, inventory: Any, **variables: Any) -> Run:
        self.proxy.clear()
        environment = self.aws.environment()
        del environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"]
        where = {"aws_agents_endpoint_url": self.proxy.url, "aws_agents_region": self.aws.region}
        return run_playbook(playbook, self.scratch, arguments, inventory, {**where, **variables}, environment)


@pytest.fixture
def site(moto: Emulator, tmp_path: Path) -> Iterator[Site]:
    with RecordingProxy(moto.endpoint_url) as proxy:
        yield Site(moto, proxy, tmp_path)


def published(run: Run) -> Any:
    return run.custom_stats["_run"]["aws_agents_access"]


def test_the_aws_side(site: Site) -> None:
    hosts = inventory(TWO_HOSTS, cwagent_server_tags={"team": "ops"})
    predicted = site.run(f"{COLLECTION}.aws_access", "--check", inventory=hosts).ok()
    assert not site.proxy.writes
    made = site.run(f"{COLLECTION}.aws_access", inventory=hosts).ok()
    assert published(made) == published(predicted)
    assert site.proxy.calls, "the playbook's variables name the endpoint"
    assert {call.region for call in site.proxy.calls if call.service == "sts"} == {site.aws.region}
    arns = published(made)
    assert [arn.rpartition(":")[2] for arn in arns["users"]] == ["user/hybridops/agent-web_2", "user/hybridops/cwagent-web1"]
    assert [len(arns[kind]) for kind in ("roles", "instance_profiles", "policies")] == [4, 4, 1]
    assert arns["changes"] == 21
    users = iam_state.of(site.aws)["users"]
    assert {name: (user["tags"]["team"], user["keys"]) for name, user in users.items()} == {
        "agent-web_2": ("ops", 0),
        "cwagent-web1": ("ops", 0),
    }
    again = site.run(f"{COLLECTION}.aws_access", inventory=hosts).ok()
    assert again.changed == []
    assert published(again) == {**arns, "changes": 0}


def test_the_aws_side_where_iam_is_enforced(ministack: Emulator, tmp_path: Path) -> None:
    with RecordingProxy(ministack.endpoint_url) as proxy:
        site = Site(ministack, proxy, tmp_path)
        # As text, which is what a survey of AWX gives.
        some = {"aws_agents_roles": "cwagent_server, session_manager", "cwagent_server_user_policy": "scoped"}
        run = site.run(EXAMPLES / "awx-project" / "aws_access.yml", inventory=inventory(TWO_HOSTS), **some).ok()
    assert [len(published(run)[kind]) for kind in ("roles", "users", "policies")] == [2, 2, 2]
    assert sorted(iam_state.of(ministack)["roles"]) == ["CloudWatchAgentServerRole", "MySessionManagerRole"]


def test_one_role_by_its_tag_and_another_owner(site: Site) -> None:
    hosts = inventory(TWO_HOSTS, aws_agents_owned_by="blue")
    run = site.run(f"{COLLECTION}.aws_access", "--tags", "ssm_profile", inventory=hosts).ok()
    found = iam_state.of(site.aws)
    assert list(found["roles"]) == ["SSMInstanceProfile"]
    assert found["roles"]["SSMInstanceProfile"]["tags"] == {"hybridops.aws_agents/owner": "blue"}
    assert published(run)["users"] == []
    green = {"aws_agents_roles": ["ssm_profile"], "aws_agents_owned_by": "green", "ssm_profile_role_description": "green's"}
    assert "it belongs to 'blue'" in site.run(f"{COLLECTION}.aws_access", inventory=hosts, **green).failures[0].msg
    site.run(f"{COLLECTION}.aws_access", inventory=hosts, aws_agents_adopt="true", **green).ok()
    assert iam_state.of(site.aws)["roles"]["SSMInstanceProfile"]["description"] == "green's"


@pytest.mark.parametrize("escalation", [("-b",), ()], ids=["-b", "by the inventory"])
def test_escalation_is_the_hosts_alone(site: Site, tmp_path: Path, escalation: Tuple[str, ...]) -> None:
    """The side of AWS runs as who started it: under sudo it would be somebody else, without the credentials of the environment."""
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\necho somebody else >&2\nexit 1\n")
    sudo.chmod(0o755)
    everywhere = {"ansible_become_exe": str(sudo), "ansible_become_user": "nobody", **({} if escalation else {"ansible_become": True})}
    hosts = inventory(TWO_HOSTS, **everywhere)
    task = {"name": "look", "ansible.builtin.command": "id", "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}
    others = site.run([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}], *escalation, inventory=hosts)
    assert "somebody else" in str(others.failures[0].result)
    assert site.run(f"{COLLECTION}.aws_access", *escalation, inventory=hosts, aws_agents_roles=["cwagent_server"]).ok().changed
    gone = {"aws_agents_hosts": "web1", "offboard_compromised": True, "ansible_ssh_timeout": 1}
    left = site.run(f"{COLLECTION}.offboard", *escalation, inventory=hosts, **gone)
    assert left.task("Contain the user and take it away").changed, str(left)
    assert list(iam_state.of(site.aws)["users"]) == ["agent-web_2"]


WRONG: Dict[str, Tuple[str, Tuple[str, ...], Dict[str, Any], Dict[str, Any], str]] = {
    "an unknown role": (
        "aws_access",
        (),
        TWO_HOSTS,
        {"aws_agents_roles": "ssm, cwagent_server"},
        "it may name cwagent_server, cwagent_admin",
    ),
    "a limit without localhost, for instances": (
        "instance_profiles",
        ("--limit", "web1"),
        TWO_HOSTS,
        {"instance_profiles_name": "Web", "instance_profiles_ids": "i-0123456789abcdef0"},
        "--limit localhost,HOSTS",
    ),
    "a limit without localhost": ("site", ("--limit", "web1"), TWO_HOSTS, {}, "--limit web1 leaves out localhost"),
    "a limit that excludes": ("site", ("--limit", "!web1"), TWO_HOSTS, {}, "all,localhost,!HOST"),
    "two hosts of one user": (
        "aws_access",
        (),
        {"web1": {}, "web2": {"onprem_agent_user_name": "cwagent-web1"}},
        {},
        "that of the host web1 too",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_fails_before_the_first_call(site: Site, name: str) -> None:
    playbook, arguments, hosts, variables, message = WRONG[name]
    run = site.run(f"{COLLECTION}.{playbook}", *arguments, inventory=inventory(hosts), **variables)
    assert run.rc != 0
    assert [message in task.msg for task in run.failures] == [True], str(run)
    assert site.proxy.calls == []


@pytest.mark.parametrize("limit", ["localhost,web1", "all,localhost,!Web_2"])
def test_a_site_reaches_the_hosts_after_the_aws_side(site: Site, limit: str) -> None:
    """The host answers nobody here, so it is the only one that fails, and the AWS side is done."""
    variables = {"aws_agents_roles": ["cwagent_server"], "ansible_ssh_timeout": 1}
    run = site.run(f"{COLLECTION}.site", "--limit", limit, inventory=inventory(TWO_HOSTS), **variables)
    assert {task.host for task in run.failures} == {"web1"}, str(run)
    assert {task.host for task in run.tasks} == {"localhost", "web1"}
    assert sorted(iam_state.of(site.aws)["users"]) == ["agent-web_2", "cwagent-web1"]


def test_a_run_ends_with_what_it_did(site: Site) -> None:
    """One host answers nobody; the others are this machine, and one of them has a variable that its role refuses."""
    hosts: Dict[str, Any] = {"web1": {}, "web2": HOST, "web3": {**HOST, "onprem_agent_state": "gone"}}
    given = {
        "onprem_agent_credentials_file": str(site.scratch / "credentials"),
        "onprem_agent_root": str(site.scratch / "agent"),
        "onprem_agent_package_source": "none",
        "onprem_agent_config": {},
        "onprem_agent_run_as_user": "",
        "onprem_agent_credentials_group": "",
        "onprem_agent_credentials_mode": "0600",
        "onprem_agent_region": site.aws.region,
        "ansible_ssh_timeout": 1,
    }
    run = site.run(f"{COLLECTION}.aws_access", "--tags", "cwagent_server", inventory=inventory(hosts)).ok()
    made = run.task("Say what was done").result["msg"]
    assert made[0].startswith("Changes: cwagent_server: create ") and made[0].endswith(" more.")
    assert made[1] == "Nothing was done for: cwagent_admin, ssm_profile, session_manager."
    for arguments in (["--check"], []):
        run = site.run(f"{COLLECTION}.onprem", *arguments, inventory=inventory(hosts, **given))
        changed, *failed = run.task("Say what was done").result["msg"]
        assert changed.startswith("Changes: web2: hand over access key of user cwagent-web2, "), str(run)
        assert failed[0].startswith("Failed: web1: ") and failed[1:] == ["Failed: web3: see above."]
        counts = run.custom_stats["_run"]["aws_agents_onprem"]
        assert counts == {"hosts": 3, "changed": 1, "changes": counts["changes"], "failed": ["web1", "web3"], "untouched": []}
    again = site.run(f"{COLLECTION}.onprem", inventory=inventory(hosts, **given))
    assert again.task("Say what was done").result["msg"][0] == "Nothing to change: web2.", str(again)


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yml") if path.name != "inventory.yml"))
def test_an_example_runs(site: Site, example: str) -> None:
    if example == "existing_role.yml":
        site.aws.client("iam").create_role(RoleName="WebServers", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    environment = {**site.aws.environment(), "AWS_ENDPOINT_URL": site.proxy.url}
    assert run_playbook(EXAMPLES / example, site.scratch, environment=environment).ok().changed
    assert site.proxy.writes
    site.proxy.clear()
    assert run_playbook(EXAMPLES / example, site.scratch, environment=environment).ok().changed == []
    assert not site.proxy.writes


def test_the_example_of_an_inventory(site: Site) -> None:
    site.run(EXAMPLES / "awx-project" / "site.yml", "--tags", "cwagent_server", inventory=EXAMPLES / "inventory.yml").ok()
    assert sorted(iam_state.of(site.aws)["users"]) == ["cwagent-database", "cwagent-web1.example.com"]
