# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's work done by users who hold just the policies of operators, where IAM is enforced.

A call that the table of calls forgot is denied here, and the run fails.
"""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.session import error_code
from botocore.exceptions import ClientError

from tests.support import iam_state
from tests.support.emulators import Credentials, Emulator
from tests.support.playbook import HOST, LOCALHOST, Run, run_playbook
from tests.support.tree import ROOT

PAGE = ROOT / "docs" / "operator.md"
HURRY = ROOT / "tests" / "support" / "hurry"

ROLES = ("cwagent_server", "ssm_profile", "session_manager")
"""The fourth, cwagent_admin, makes the same calls as the first."""
WHAT = {
    "aws_agents_roles": list(ROLES),
    "cwagent_server_policy": "managed",
    "cwagent_server_user_policy": "scoped",
    "ssm_profile_service_role": True,
    "ssm_profile_s3_buckets": [{"name": "session-logs"}],
    "session_manager_s3_bucket": "session-logs",
    "session_manager_inline": True,
}
ACCESS = {"ansible.builtin.import_playbook": "hybridops.aws_agents.aws_access"}
USER = "cwagent-web1"


def block(begin: str) -> Any:
    """Return the YAML block of the page that begins so."""
    found = re.search(rf"```yaml\n({begin}.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, begin
    return yaml.safe_load(found.group(1))


class Account:
    """An account whose administrator made the boundary and the two operators, as docs/operator.md says."""

    def __init__(self, aws: Emulator, scratch: Path) -> None:
        self.aws, self.scratch, self.runs = aws, scratch, 0
        self.administrator = aws.operator(actions=["iam:*"])
        self.run(block("- name:"), self.administrator).ok()
        self.iam = aws.client("iam")
        self.operator_aws, self.operator_hosts = self._key("operator-aws"), self._key("operator-hosts")

    def _key(self, user: str) -> Credentials:
        key = self.iam.create_access_key(UserName=user)["AccessKey"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def run(self, playbook: Any, who: Credentials, *arguments: str, **variables: Any) -> Run:
        self.runs += 1
        inventory = {"all": {**LOCALHOST["all"], "children": {"onprem": {"hosts": {"web1": HOST}}}}}
        environment = {**self.aws.environment(who), "PYTHONPATH": str(HURRY)}
        return run_playbook(playbook, self.scratch / str(self.runs), arguments, inventory, variables, environment)


@pytest.fixture
def account(ministack: Emulator, tmp_path: Path) -> Account:
    return Account(ministack, tmp_path)


def hand_over(path: Path, name: str, **options: Any) -> Dict[str, Any]:
    return {
        "name": name,
        "hybridops.aws_agents.host_access_key": {"user": USER, "path": str(path), "credentials_region": "us-east-1", **options},
    }


def test_the_whole_work_and_nothing_beyond_it(account: Account) -> None:
    """One account, from its administrator's first run to the last user's end: an enforcing emulator takes its time to be set up."""
    wanted = {**block("cwagent_server_path:"), **WHAT}
    twice = account.run([ACCESS, ACCESS], account.operator_aws, **wanted).ok()
    found = iam_state.of(account.aws)
    profiles = {"CloudWatchAgentServerRole", "SSMInstanceProfile", "MySessionManagerRole"}
    roles = {*profiles, "SSMServiceRole"}
    assert roles <= set(found["roles"]) and {found["roles"][name]["path"] for name in roles} == {"/hybridops/"}
    boundary = iam_state.own(account.aws, "HybridOpsAgentsBoundary", "/operators/")
    assert {found["roles"][name]["boundary"] for name in roles} == {found["users"][USER]["boundary"]} == {boundary}
    assert set(found["profiles"]) == profiles
    first = twice.tasks[: len(twice.tasks) // 2]
    assert len(twice.changed) == len(ROLES) == len([task for task in first if task.changed]), "the second time does nothing"

    keys(account)
    denied(account)

    gone = {f"{role}_state": "absent" for role in ROLES}
    leave = {"name": "offboard", "hybridops.aws_agents.iam_user_offboarding": {"users": [USER], "compromised": True}}
    account.run([{"hosts": "localhost", "gather_facts": False, "tasks": [leave]}, ACCESS], account.operator_aws, **wanted, **gone).ok()
    left = iam_state.of(account.aws)
    assert not roles & set(left["roles"]) and not left["profiles"] and USER not in left["users"]
    assert {policy["path"] for policy in left["policies"].values()} == {"/operators/"}


def keys(account: Account) -> None:
    """A key's life, by whoever may do nothing else: handed over, idle, rotated, retired, deleted."""
    path = account.scratch / "etc" / "credentials"
    tasks = [
        hand_over(path, "first"),
        hand_over(path, "rotate", rotate_after="0"),
        {"name": "time passes", "ansible.builtin.command": {"argv": ["touch", "-d", "20 minutes ago", str(path)]}},
        hand_over(path, "retire"),
        hand_over(path, "delete", grace="0"),
        hand_over(path, "last"),
    ]
    run = account.run([{"hosts": "web1", "gather_facts": False, "tasks": tasks}], account.operator_hosts).ok()
    assert [run.task(name).changed for name in ("first", "rotate", "retire", "delete", "last")] == [True, True, True, True, False]
    parser = configparser.RawConfigParser()
    parser.read(path)
    held = parser["AmazonCloudWatchAgent"]["aws_access_key_id"]
    assert [key["AccessKeyId"] for key in account.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]] == [held]


def denied(account: Account) -> None:
    """Escalation, tried on the emulator, each beside what is needed and is allowed."""
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    )
    wide = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    boundary = iam_state.own(account.aws, "HybridOpsAgentsBoundary", "/operators/")
    account.iam.create_role(RoleName="Admin", AssumeRolePolicyDocument=trust)
    account.iam.create_role(RoleName="SSMAdmin", AssumeRolePolicyDocument=trust.replace("ec2.", "ssm."))
    account.iam.create_user(UserName="admin")
    aws, hosts = account.aws.client("iam", account.operator_aws), account.aws.client("iam", account.operator_hosts)
    nodes = account.aws.client("ssm", account.operator_hosts)
    service_role = block("cwagent_server_path:")["onprem_ssm_iam_role"].lstrip("/")
    registered = {"RegistrationLimit": 1, "Tags": [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]}
    ours = {"Path": "/hybridops/", "AssumeRolePolicyDocument": trust}
    attempts: List[Tuple[Any, Dict[str, Any], Dict[str, Any]]] = [
        (aws.create_role, {"RoleName": "R", **ours}, {"RoleName": "R", "PermissionsBoundary": boundary, **ours}),
        (
            aws.attach_role_policy,
            {"RoleName": "R", "PolicyArn": f"{iam_state.AWS}AdministratorAccess"},
            {"RoleName": "R", "PolicyArn": f"{iam_state.AWS}CloudWatchAgentServerPolicy"},
        ),
        (
            aws.put_role_policy,
            {"RoleName": "Admin", "PolicyName": "p", "PolicyDocument": wide},
            {"RoleName": "R", "PolicyName": "p", "PolicyDocument": wide},
        ),
        (
            aws.put_role_permissions_boundary,
            {"RoleName": "R", "PermissionsBoundary": f"{iam_state.AWS}AdministratorAccess"},
            {"RoleName": "R", "PermissionsBoundary": boundary},
        ),
        (aws.update_assume_role_policy, {"RoleName": "Admin", "PolicyDocument": trust}, {"RoleName": "R", "PolicyDocument": trust}),
        (
            aws.tag_role,
            {"RoleName": "Admin", "Tags": [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]},
            {"RoleName": "R", "Tags": [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]},
        ),
        (
            aws.create_policy_version,
            {"PolicyArn": boundary, "PolicyDocument": wide, "SetAsDefault": True},
            {"PolicyArn": iam_state.own(account.aws, "SSMInstanceProfileS3Policy", "/hybridops/"), "PolicyDocument": wide},
        ),
        (
            aws.update_user,
            {"UserName": "admin", "NewPath": "/hybridops/"},
            {},  # the emulator knows no UpdateUser, so that only its denial can be seen
        ),
        (aws.delete_role_permissions_boundary, {"RoleName": "R"}, {}),
        (aws.create_access_key, {"UserName": USER}, {}),
        (aws.create_login_profile, {"UserName": USER, "Password": "x" * 20}, {}),
        (aws.put_user_policy, {"UserName": "operator-aws", "PolicyName": "p", "PolicyDocument": wide}, {}),
        (
            aws.add_role_to_instance_profile,
            {"InstanceProfileName": "P", "RoleName": "Admin"},
            {"InstanceProfileName": "P", "RoleName": "R"},
        ),
        (hosts.create_access_key, {"UserName": "admin"}, {}),
        (hosts.create_access_key, {"UserName": "operator-aws"}, {"UserName": USER}),
        (nodes.create_activation, {"IamRole": "SSMAdmin", **registered}, {"IamRole": service_role, **registered}),
        (hosts.create_user, {"UserName": "x", "Path": "/hybridops/", "PermissionsBoundary": boundary}, {}),
        (
            hosts.tag_user,
            {"UserName": USER, "Tags": [{"Key": "hybridops.aws_agents/owner", "Value": "me"}]},
            {"UserName": USER, "Tags": [{"Key": "hybridops.aws_agents/retired/AKIAEXAMPLE", "Value": "x"}]},
        ),
    ]
    aws.create_instance_profile(InstanceProfileName="P", Path="/hybridops/")
    for call, attempt, needed in attempts:
        with pytest.raises(ClientError) as refused:
            call(**attempt)
        assert error_code(refused.value) == "AccessDenied", refused.value
        if needed:
            call(**needed)
    aws.remove_role_from_instance_profile(InstanceProfileName="P", RoleName="R")
    aws.delete_instance_profile(InstanceProfileName="P")
    aws.detach_role_policy(RoleName="R", PolicyArn=f"{iam_state.AWS}CloudWatchAgentServerPolicy")
    aws.delete_role_policy(RoleName="R", PolicyName="p")
    aws.delete_role(RoleName="R")
