# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulated account that unsafe plans, and plans too large for it, are tried on: modules' own loops run in this process."""

from __future__ import annotations

import functools
import importlib
import json
import re
from datetime import UTC, datetime
from typing import Any, Callable, Dict, List, Mapping

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from botocore.config import Config

from tests.support.emulators import REGION, Credentials, Emulator
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response

AWS = "arn:aws:iam::aws:policy/"
AGENT, CORE = "CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore"
OWNER = "hybridops.aws_agents/owner"
MODULES = {
    "iam_identities": "Identities",
    "iam_user_offboarding": "Leavers",
    "instance_profile_association": "Profiles",
    "ssm_node_offboarding": "Leaver",
    "session_preferences": "Preferences",
}
"""Modules and the class that each converges."""


def document(*actions: str, size: int = 0) -> Dict[str, Any]:
    """Return a policy; with ``size`` a statement's id makes it so many characters longer."""
    statement = {"Effect": "Allow", "Action": list(actions) or ["s3:GetObject"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Sid": "x" * size} if size else {})}]}


def trust(service: str = "ec2.amazonaws.com") -> Dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


class Account:
    """An account behind a proxy.

    ``used`` are roles that were used this moment, since no emulator tells that of what an instance does; ``summary`` is laid over the
    account's own.
    """

    def __init__(self, emulator: Emulator, proxy: RecordingProxy) -> None:
        self.emulator, self.proxy = emulator, proxy
        self.region = emulator.region
        self.iam = _client("iam", emulator.root, emulator.endpoint_url)
        self.used: List[str] = []
        self.summary: Dict[str, int] = {}
        self.interfere: Callable[[Call, Forward], Response] = lambda call, forward: forward()
        self._clients: Dict[str, Any] = {}
        self._operator = emulator.operator()
        proxy.handler = self._answer

    # What stands in for AWS's own answers, where emulators have none

    def _answer(self, call: Call, forward: Forward) -> Response:
        if call.operation == "ListServiceSpecificCredentials":  # moto has none
            return _xml(call.operation, "<ServiceSpecificCredentials/><IsTruncated>false</IsTruncated>")
        answer = self.interfere(call, forward)
        if call.operation == "GetRole" and call.parameters["RoleName"] in self.used:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            last = f"<RoleLastUsed><LastUsedDate>{now}</LastUsedDate><Region>us-east-1</Region></RoleLastUsed></Role>"
            body = re.sub(rb"<RoleLastUsed>.*?</RoleLastUsed>|<RoleLastUsed/>", b"", answer.body, flags=re.DOTALL)
            return Response(answer.status, answer.headers, body.replace(b"</Role>", last.encode()))
        if call.operation == "GetAccountSummary":
            body = answer.body
            for key, value in self.summary.items():
                body = re.sub(rb"(<key>%s</key>\s*<value>)\d+" % key.encode(), rb"\g<1>%d" % value, body)
            return Response(answer.status, answer.headers, body)
        return answer

    # What a test does

    def client(self, service: str, **_options: Any) -> Any:
        """Make a client as a module does; it waits for no more than a moment before it tries again."""
        if service not in self._clients:
            self._clients[service] = _client(service, self._operator, self.proxy.url)
        return self._clients[service]

    def run(self, module: str = "iam_identities", check: bool = False, **options: Any) -> Dict[str, Any]:
        """Return what a task with this module returns. Calls from before are forgotten."""
        code = importlib.import_module(f"ansible_collections.hybridops.aws_agents.plugins.modules.{module}")
        waits = {"wait": False} if "wait" in code.ARGUMENT_SPEC else {}
        found = ArgumentSpecValidator(code.ARGUMENT_SPEC).validate({**waits, **options})
        assert not found.error_messages, found.error_messages
        self.params = found.validated_parameters
        self.proxy.clear()
        return converge(getattr(code, MODULES[module])(self), check)

    def refused(self, module: str = "iam_identities", check: bool = False, **options: Any) -> Failure:
        """Return how a task fails, having written nothing."""
        with pytest.raises(Failure) as caught:
            self.run(module, check, **options)
        assert not self.proxy.writes, f"{[str(call) for call in self.proxy.writes]} before: {caught.value.text}"
        assert not caught.value.result["changed"] and not caught.value.result["changes_applied"]
        return caught.value

    # What is there

    @functools.cached_property
    def ec2(self) -> Any:
        return _client("ec2", self.emulator.root, self.emulator.endpoint_url)

    def arn(self, resource: str) -> str:
        return f"arn:aws:iam::{self.emulator.account}:{resource}"

    def make_role(self, name: str = "R", *policies: str, owner: str = "default", service: str = "ec2.amazonaws.com") -> None:
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(service)), Tags=_tags(owner))
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy if policy.startswith("arn:") else AWS + policy)

    def make_user(self, name: str = "u", *policies: str, owner: str = "default", in_use: bool = False) -> None:
        self.iam.create_user(UserName=name, Tags=_tags(owner))
        for policy in policies:
            self.iam.attach_user_policy(UserName=name, PolicyArn=policy if policy.startswith("arn:") else AWS + policy)
        if in_use:
            self.use_key(name)

    def use_key(self, name: str) -> None:
        """Make a key and sign a call with it, as a host does."""
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        who = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        _client("sts", who, self.emulator.endpoint_url).get_caller_identity()

    def make_policy(self, name: str = "P", *actions: str, owner: str = "default") -> str:
        made = self.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document(*actions)), Tags=_tags(owner))
        return str(made["Policy"]["Arn"])

    def make_profile(self, role: str = "R", name: str = "R") -> str:
        arn = self.iam.create_instance_profile(InstanceProfileName=name, Tags=_tags("default"))["InstanceProfile"]["Arn"]
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
        return str(arn)

    def make_instance(self, profile: str) -> str:
        """Run an instance with a profile and return its id."""
        image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        made = self.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile={"Arn": profile})
        return str(made["Instances"][0]["InstanceId"])


@functools.lru_cache(maxsize=1)
def _session() -> Any:
    """Return what has read the services' models: that takes most of the time."""
    return boto3.session.Session()


def _client(service: str, who: Credentials, url: str) -> Any:
    return _session().client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=who.access_key_id,
        aws_secret_access_key=who.secret_access_key,
        config=Config(retries={"mode": "standard", "max_attempts": 1}),
    )


def _tags(owner: str) -> List[Mapping[str, str]]:
    return [{"Key": OWNER, "Value": owner}] if owner else []


def _xml(operation: str, content: str) -> Response:
    body = f'<{operation}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{operation}Result>{content}</{operation}Result>'
    return Response(200, (("Content-Type", "text/xml"),), f"{body}</{operation}Response>".encode())
