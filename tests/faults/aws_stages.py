# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of AWS's side as stages for ``matrix``.

A stage runs whole, as a user runs the playbook, or its tasks alone with the options they have there: see ``direct``.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from typing import Any, ClassVar, Dict, List, Mapping, Tuple

from tests.faults.direct import HURRY, ROOT, Step, run_steps, steps_of
from tests.faults.kinds import shape
from tests.faults.matrix import Matrix, Stage, Undisturbed
from tests.support import iam_state
from tests.support.emulators import Emulator
from tests.support.playbook import Run
from tests.support.recording_proxy import Call, Forward, Response, failure

COLLECTION = "hybridops.aws_agents"
OWNER = {"Key": "hybridops.aws_agents/owner", "Value": "default"}
Write = Tuple[str, str, str, bytes]


class TaskStage(Stage):
    """A playbook whose tasks all work on the controller."""

    playbook = ""
    steps: ClassVar[Dict[str, List[Step]]] = {}
    """By stage, what the tasks of an undisturbed playbook were told."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.whole = True

    def variables(self) -> Dict[str, Any]:
        return {}

    def inventory(self) -> Any:
        return None

    def run(self, environment: Mapping[str, str]) -> Run:
        if self.whole:
            more = {**environment, "PYTHONPATH": str(HURRY)}
            arguments = [] if self.name in self.steps else ["-vvv"]
            return self.play(f"{COLLECTION}.{self.playbook}", more, self.inventory(), self.variables(), arguments)
        steps = self.tasks()
        if self.aws_config:
            steps = [replace(step, options={**step.options, "aws_config": self.aws_config}) for step in steps]
        return run_steps(steps, environment, self.started)

    def learn(self, run: Run) -> None:
        """Take down what the tasks of a whole run were told."""
        self.steps[self.name] = steps_of(run)

    def tasks(self) -> List[Step]:
        """Return what the playbook's tasks are told."""
        return self.steps[self.name]

    def both(self, matrix: Matrix) -> Undisturbed:
        """Run undisturbed, whole and by the tasks, which makes no difference. The stage goes on by its tasks."""
        self.whole = True
        whole = matrix.seen()
        self.learn(whole.run)
        self.whole = False
        alone = matrix.undisturbed()
        assert shape(whole.calls) == shape(alone.calls), f"{self.name}: {shape(whole.calls)}\n{shape(alone.calls)}"
        assert whole.end_state == alone.end_state, f"{self.name}: {whole.end_state}\n{alone.end_state}"
        return alone


def writes_of(calls: List[Call]) -> List[Write]:
    """Return what changed something, to be done again by ``again``."""
    return [(call.service, call.method, call.path, call.body) for call in calls if call.write and call.status == 200]


def again(aws: Emulator, writes: List[Write]) -> None:
    """Make calls of IAM again, on an emulator that asks nobody for a signature."""
    for service, method, path, body in writes:
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={aws.root.access_key_id}/20260101/{aws.region}/{service}/aws4_request",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        with urllib.request.urlopen(urllib.request.Request(aws.endpoint_url + path, body, headers, method=method), timeout=60):
            pass


HOSTS = {"all": {"children": {"onprem": {"hosts": {name: {"ansible_host": "192.0.2.1"} for name in ("web1", "web2")}}}}}
TRUST: Dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW: Dict[str, Any] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}


class Access(TaskStage):
    """The AWS side of one role, on an account in which somebody else has things too."""

    name = "aws_access, from nothing"
    playbook = "aws_access"
    made: ClassVar[Dict[str, List[Write]]] = {}
    """What a playbook did once, for the stages that begin where it ended."""

    def prepare(self) -> None:
        iam = self.aws.client("iam")
        iam.create_user(UserName="somebody", Path="/hybridops/")
        iam.create_role(RoleName="Somebodys", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.create_policy(PolicyName="Somebodys", PolicyDocument=json.dumps(ALLOW))

    def variables(self) -> Dict[str, Any]:
        return {"aws_agents_roles": ["cwagent_server"], "cwagent_server_user_policy": "scoped"}

    def inventory(self) -> Any:
        return HOSTS

    def end_state(self) -> Any:
        return iam_state.of(self.aws)

    def broken(self) -> List[str]:
        iam = self.aws.client("iam")
        found = []
        for policy in iam.list_policies(Scope="Local")["Policies"]:
            versions = iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
            if len(versions) > 5:
                found.append(f"{len(versions)} versions of {policy['PolicyName']}")
        users = [user["UserName"] for user in iam.list_users()["Users"] if user["UserName"].startswith("cwagent-")]
        return found + [f"a second user: {user}" for user in users if user not in ("cwagent-web1", "cwagent-web2")]


class FourRoles(Access):
    name = "aws_access, four roles from nothing"

    def variables(self) -> Dict[str, Any]:
        return {}


class AfterAccess(Access):
    """Begins where ``Access`` ended."""

    def prepare(self) -> None:
        super().prepare()
        if not self.made:
            before = Access(self.aws, self.proxy, self.scratch)
            self.proxy.clear()
            before.run(before.plain()).ok()
            self.made["writes"] = writes_of(self.proxy.calls)
            return
        again(self.aws, self.made["writes"])


class Changed(AfterAccess):
    """Another text for a policy that has all the versions it may, other tags, and a policy too many."""

    name = "aws_access, changed"

    def prepare(self) -> None:
        super().prepare()
        iam = self.aws.client("iam")
        arn = iam_state.own(self.aws, "CloudWatchAgentServerUserPolicy")
        for number in range(4):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps({**ALLOW, "Id": str(number)}), SetAsDefault=True)
        iam.attach_role_policy(RoleName="CloudWatchAgentServerRole", PolicyArn=iam_state.own(self.aws, "Somebodys"))
        iam.attach_user_policy(UserName="cwagent-web1", PolicyArn=iam_state.own(self.aws, "Somebodys"))

    def variables(self) -> Dict[str, Any]:
        return {
            **super().variables(),
            "cwagent_server_user_scope": {"namespaces": ["Web"]},
            "cwagent_server_purge_policies": True,
            "cwagent_server_tags": {"team": "ops"},
            "cwagent_server_role_description": "Agents",
        }


class Absent(AfterAccess):
    """All of it removed again, with a key and a password that a user has."""

    name = "aws_access, absent"

    def prepare(self) -> None:
        super().prepare()
        iam = self.aws.client("iam")
        iam.create_access_key(UserName="cwagent-web1")
        iam.create_login_profile(UserName="cwagent-web1", Password="Some-Password-1")

    def variables(self) -> Dict[str, Any]:
        return {**super().variables(), "cwagent_server_state": "absent"}

    def watch(self, call: Call, forward: Forward) -> Response:
        """AWS says of a role that is in the profile no more that there is no such entity; moto fails."""
        answer = forward()
        removed_twice = call.operation == "RemoveRoleFromInstanceProfile" and answer.status == 500
        return failure(call, "NoSuchEntity", "Role is not in the instance profile.", 404) if removed_twice else answer


class Migrated(TaskStage):
    """An account as the documents of 2018 left it, moved off the retired policies."""

    name = "migrate"
    playbook = "migrate"
    SERVER = json.loads((ROOT / "tests" / "unit" / "golden" / "documents" / "cwagent_server.json").read_text())

    def prepare(self) -> None:
        self.bare: List[str] = []
        iam = self.aws.client("iam")
        retired = iam_state.AWS + "service-role/AmazonEC2RoleforSSM"
        mine = iam.create_policy(PolicyName="AgentPolicy", PolicyDocument=json.dumps(self.SERVER))["Policy"]["Arn"]
        iam.create_policy_version(PolicyArn=mine, PolicyDocument=json.dumps(self.SERVER), SetAsDefault=True)
        iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.attach_role_policy(RoleName="web", PolicyArn=retired)
        iam.create_user(UserName="web1", Path="/hybridops/")
        for arn in (retired, mine):
            iam.attach_user_policy(UserName="web1", PolicyArn=arn)

    def variables(self) -> Dict[str, Any]:
        return {"aws_agents_migrate": True, "aws_agents_migrate_delete_policies": True, "aws_agents_migrate_settle": 0}

    def end_state(self) -> Any:
        return iam_state.of(self.aws)

    def watch(self, call: Call, forward: Forward) -> Response:
        answer = forward()
        if call.operation in ("DetachRolePolicy", "DetachUserPolicy"):
            self._look()
        return answer

    def _look(self) -> None:
        state = iam_state.of(self.aws)
        for name, one in (("role web", state["roles"]["web"]), ("user web1", state["users"]["web1"])):
            if not one["policies"]:
                self.bare.append(f"{name} had no policy at all")

    def broken(self) -> List[str]:
        found, self.bare = self.bare, []
        return found


class Profiles(TaskStage):
    """Instances that run or are stopped, with another profile or none."""

    name = "instance_profiles"
    playbook = "instance_profiles"
    START: ClassVar[Dict[str, Tuple[str, str]]] = {"bare": ("", "running"), "other": ("Old", "running"), "stopped": ("Old", "stopped")}

    def prepare(self) -> None:
        iam, ec2 = self.aws.client("iam"), self.aws.client("ec2")
        for name in ("Web", "Old"):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
            iam.create_instance_profile(InstanceProfileName=name)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        for name, (profile, state) in self.START.items():
            more = {"IamInstanceProfile": {"Name": profile}} if profile else {}
            tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}, {"Key": "Role", "Value": "web"}]}]
            made = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, TagSpecifications=tags, **more)
            if state == "stopped":
                ec2.stop_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])

    def variables(self) -> Dict[str, Any]:
        return {
            "instance_profiles_name": "Web",
            "instance_profiles_filters": {"tag:Role": "web"},
            "instance_profiles_replace": ["Old"],
            "instance_profiles_restart": "never",
        }

    def end_state(self) -> Any:
        ec2 = self.aws.client("ec2")
        found = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
        profiles = {one["InstanceId"]: one["IamInstanceProfile"]["Arn"].rpartition("/")[2] for one in found if one["State"] == "associated"}
        instances = [one for each in ec2.describe_instances()["Reservations"] for one in each["Instances"]]
        names = {one["InstanceId"]: next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "Name") for one in instances}
        return {name: profiles.get(instance) for instance, name in names.items()}
