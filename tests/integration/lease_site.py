# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One parameter, an admin role, user and instance on the emulator that enforces IAM, and an operator who may not write parameters."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

from tests.support.playbook import run_playbook

NAME = "AmazonCloudWatch-linux"
ROLE, SERVER, USER = "CloudWatchAgentAdminRole", "CloudWatchAgentServerRole", "cwagent-admin"
LEASE_POLICY, LEASE_TAG = "hybridops-aws-agents-lease", "hybridops.aws_agents/lease"
HURRY, WATCH = (Path(__file__).parents[1] / "support" / name for name in ("hurry", "watch"))
PASSWORD = "vault-pa55word"
CONFIG = {"metrics": {"namespace": "Web", "metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}}}
OTHER = {"metrics": {"namespace": "Other", "metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}}}
OWNED = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]

OPERATOR = (
    # What all ways read, and the tags.
    "ssm:GetParameter", "ssm:ListTagsForResource", "ssm:DescribeParameters", "ssm:AddTagsToResource", "ssm:DeleteParameter",
    "iam:SimulatePrincipalPolicy", "kms:Decrypt",
    # The role's session.
    "sts:AssumeRole", "iam:GetRole", "iam:GetRolePolicy", "iam:DeleteRolePolicy",
    # The instance.
    "ec2:DescribeInstances", "ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeIamInstanceProfileAssociations",
    "ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation", "ec2:DisassociateIamInstanceProfile",
    "iam:PassRole", "iam:GetInstanceProfile", "iam:PutRolePolicy",
    # The user's key.
    "iam:GetUser", "iam:GetUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy", "iam:TagUser", "iam:UntagUser", "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed", "iam:CreateAccessKey", "iam:DeleteAccessKey",
)  # fmt: skip
"""The rights that the module's documentation lists, and no other: whoever runs this may not write a parameter."""


class LeaseSite:
    """The emulator with what the role ``cwagent_admin`` makes, and plays of one task."""

    def __init__(self, emulator, scratch):
        self.emulator, self.scratch = emulator, scratch
        self.iam, self.ssm, self.ec2 = (emulator.client(service) for service in ("iam", "ssm", "ec2"))
        self.operator = emulator.operator("operator", OPERATOR)
        self.password = scratch / "password"
        self.password.write_text(PASSWORD)
        self.runs = 0

    def make_role(self, policy="CloudWatchAgentAdminPolicy"):
        operator = self.iam.get_user(UserName="operator")["User"]["Arn"]
        for name, who in ((ROLE, [{"Service": "ec2.amazonaws.com"}, {"AWS": operator}]), (SERVER, [{"Service": "ec2.amazonaws.com"}])):
            statements = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} for principal in who]
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
            self.iam.create_instance_profile(InstanceProfileName=name)
            self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        if policy:
            self.iam.attach_role_policy(RoleName=ROLE, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")

    def make_user(self):
        self.iam.create_user(UserName=USER, Path="/hybridops/", Tags=OWNED)

    def make_instance(self, profile=SERVER):
        more = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = self.ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, **more)
        return made["Instances"][0]["InstanceId"]

    def task(self, task=None, **options):
        options = {"name": NAME, "config": CONFIG, **options}
        options = {name: value for name, value in options.items() if value is not None}
        return {"name": "store", "hybridops.aws_agents.agent_config_parameter": options, **(task or {})}

    def tried(self, name, **options):
        """Return a task of that name, after which the play goes on whatever comes of it."""
        return self.task({"name": name, "ignore_errors": True, **options.pop("task", {})}, **options)

    def play(self, tasks, arguments=(), environment=None):
        self.runs += 1
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        plays = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        variables = {
            **self.emulator.environment(self.operator),
            "PYTHONPATH": str(HURRY),
            "SCRATCH": str(self.scratch),
            **(environment or {}),
        }
        arguments = ["--vault-password-file", str(self.password), *arguments]
        inventory = {"all": {"hosts": {"localhost": local}}}
        self.last = run_playbook(plays, self.scratch / f"run{self.runs}", arguments, inventory, environment=variables)
        return self.last

    def store(self, **options):
        """Run the task and return its result."""
        return self.play([self.task(**options)]).task("store")

    def killed(self, when, number, tasks, environment=None):
        """Run tasks and end their processes with a signal as soon as ``when`` is set; return the run."""
        pids = []

        def end():
            when.wait(60)
            pids.extend(sorted(self.processes()))
            for pid in pids if number == signal.SIGKILL else pids[:1]:
                os.kill(pid, number)

        killer = threading.Thread(target=end)
        killer.start()
        run = self.play(tasks, environment=environment)
        killer.join()
        deadline = time.monotonic() + 20
        while list(self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert pids and run.rc != 0, run
        return run

    def processes(self):
        """Yield this site's own processes: they have its folder in their environment."""
        for file in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"SCRATCH={self.scratch}".encode() in file.read_bytes().split(b"\0"):
                    yield int(file.parent.name)
            except OSError:
                continue

    # What is where

    def stored(self):
        try:
            return json.loads(self.ssm.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]["Value"])
        except self.ssm.exceptions.ParameterNotFound:
            return None

    def version(self):
        return self.ssm.get_parameter(Name=NAME)["Parameter"]["Version"]

    def keys(self):
        return [key["AccessKeyId"] for key in self.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]]

    def profile(self, instance):
        found = self.ec2.describe_iam_instance_profile_associations(Filters=[{"Name": "instance-id", "Values": [instance]}])
        current = [each for each in found["IamInstanceProfileAssociations"] if each["State"] == "associated"]
        named = current[0]["IamInstanceProfile"] if current else {}
        return (named.get("Arn") or named.get("Name") or "").rpartition("/")[2]

    def marks(self, instance=""):
        """Return all that a lease leaves while it lasts."""
        found = []
        existing = {role["RoleName"] for role in self.iam.list_roles()["Roles"]}
        if ROLE in existing:
            found += [f"role {name}" for name in self.iam.list_role_policies(RoleName=ROLE)["PolicyNames"]]
        if any(user["UserName"] == USER for user in self.iam.list_users()["Users"]):
            found += [f"user {name}" for name in self.iam.list_user_policies(UserName=USER)["PolicyNames"]]
            found += [tag["Value"] for tag in self.iam.list_user_tags(UserName=USER)["Tags"] if tag["Key"] == LEASE_TAG]
        if instance:
            tags = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]
            found += [tag["Value"] for tag in tags if tag["Key"] == LEASE_TAG]
        return found

    def written(self, run):
        """Return all that a run wrote below its folder, removed files too."""
        folders = (self.scratch / f"run{run}", self.scratch / "removed")
        files = [Path(root) / name for folder in folders for root, _folders, names in os.walk(folder) for name in names]
        return "".join(file.read_text(errors="replace") for file in files)
