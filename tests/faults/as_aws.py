# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks on an emulator that answers one call as AWS would: modules by their own ``main``, actions with this machine as their host."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple
from xml.sax.saxutils import escape

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import converge_action

from tests.faults.aws_row import Row
from tests.support.emulators import Emulator
from tests.support.recording_proxy import Call, Forward, Response, failure

PLUGINS = "ansible_collections.hybridops.aws_agents.plugins"
EC2_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com", "AWS": "*"}, "Action": "sts:AssumeRole"}],
}
OWNED = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]
RETIRED = "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM"
CONFIG = {"metrics": {"namespace": "Web", "metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}}}
SHORT = {"retries": {"mode": "standard", "total_max_attempts": 2}}
"""As a user gives it, so that what stays refused is not asked for a minute long."""


def module(named: str, /, **options: Any) -> Dict[str, Any]:
    """Run a module's own ``main``, and return what it prints."""
    run = importlib.import_module(f"{PLUGINS}.modules.{named}")
    said = io.StringIO()
    with patch_module_args({"aws_config": SHORT, **options}), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        run.main()
    return dict(json.loads(said.getvalue().splitlines()[-1]))


def action(named: str, /, **options: Any) -> Dict[str, Any]:
    """Do what an action plugin does, with this machine in the place of its host."""
    plugin = importlib.import_module(f"{PLUGINS}.action.{named}").ActionModule

    class Here(plugin):  # type: ignore[misc, valid-type]
        """The plugin with a host's command line, and nothing else of Ansible."""

        def __init__(self) -> None:
            self._task = SimpleNamespace(check_mode=False, diff=False, args=options)
            self._loader, self._python = SimpleNamespace(), sys.executable
            self._connection = SimpleNamespace(reset=lambda: None)

        def _on_host(self, command: str, data: bytes) -> Dict[str, Any]:
            done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
            return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

    here = Here()
    given = ArgumentSpecValidator({**aws_argument_spec(), **plugin.arguments}, **plugin.constraints).validate(
        {"aws_config": SHORT, **options}
    )
    assert not given.error_messages, given.error_messages
    here._options = given.validated_parameters
    return converge_action(here, here._converges(here._rules({**here._options, "region": here.region}, {})))


@dataclass
class Scene:
    """What a stage works on."""

    aws: Emulator
    folder: Path
    ids: Dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in _CLIENTS:
            _CLIENTS[service] = self.aws.client(service)
        return _CLIENTS[service]


_CLIENTS: Dict[str, Any] = {}
"""Of the tests' own, for all scenes on one emulator."""


def streams(group: str) -> Dict[str, Any]:
    return {"name": "streams", "preset": "log_streams", "options": {"log_streams": [{"group": group, "streams": ["web1"]}]}}


def identities() -> Dict[str, Any]:
    """Return the options of a task that makes one of each."""
    return {
        "policies": [{"name": "AgentPolicy", "preset": "cwagent_server_scoped", "options": {"namespaces": ["CWAgent"]}}],
        "roles": [
            {"name": "Web", "trust": "ec2", "instance_profile": True, "policies": ["AgentPolicy"], "inline_policies": [streams("/app")]}
        ],
        "users": [{"name": "cwagent-web1", "path": "/hybridops/", "policies": ["AgentPolicy"]}],
        "wait_timeout": 5,
        "wait": False,
    }


def changed() -> Dict[str, Any]:
    """Return the same with something else of everything."""
    more = identities()
    more["policies"][0]["options"] = {"namespaces": ["Other"]}
    more["roles"][0].update(
        trust_options={"principals": ["arn:aws:iam::123456789012:user/test/operator"]},
        description="of the shop",
        tags={"team": "ops"},
        inline_policies=[streams("/other")],
    )
    return more


REMOVED: Mapping[str, Any] = {
    "policies": [{"name": "AgentPolicy", "state": "absent"}],
    "roles": [{"name": "Web", "state": "absent"}],
    "users": [{"name": "cwagent-web1", "state": "absent"}],
    "wait_timeout": 5,
}
SESSIONS: Mapping[str, Any] = {
    "s3_bucket": "session-logs", "log_group": "/sessions", "log_group_encrypted": False, "log_group_retention": 30, "create": True,
    "activation_tier": "advanced",
}  # fmt: skip


def _identities(_scene: Scene) -> None:
    assert not module("iam_identities", **identities()).get("failed")


def _parameter(scene: Scene) -> None:
    scene.client("ssm").put_parameter(Name="AmazonCloudWatch-linux", Value="{}", Type="String", Tags=OWNED)


def _admin_role(scene: Scene) -> None:
    scene.client("iam").create_role(RoleName="CloudWatchAgentAdminRole", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))


def _user(scene: Scene, name: str = "cwagent-web1") -> None:
    scene.client("iam").create_user(UserName=name, Path="/hybridops/", Tags=OWNED)


def _store(scene: Scene) -> None:
    _user(scene, "cwagent-shared")
    scene.ids["key"] = scene.client("kms").create_key()["KeyMetadata"]["KeyId"]


def _instance(scene: Scene) -> None:
    iam = scene.client("iam")
    iam.create_role(RoleName="Web", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    iam.create_instance_profile(InstanceProfileName="Web")
    iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="Web")
    made = scene.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    scene.ids["instance"] = made["Instances"][0]["InstanceId"]


def _retired(scene: Scene) -> None:
    _user(scene, "web1")
    scene.client("iam").attach_user_policy(UserName="web1", PolicyArn=RETIRED)


def _preferences(_scene: Scene) -> None:
    assert not module("session_preferences", idle_timeout=15).get("failed")


Prepare = Callable[[Scene], None]
Run = Callable[[Scene], Dict[str, Any]]
STORE = "AmazonCloudWatch-linux"
CHECKS = [{"principals": ["role/Web"], "may": [{"actions": ["ssm:GetParameter"]}]}]

STAGES: Mapping[str, Tuple[Sequence[Prepare], Run, str]] = {
    "make": ((), lambda _scene: module("iam_identities", **identities()), ""),
    "change": ((_identities,), lambda _scene: module("iam_identities", **changed()), ""),
    "remove": ((_identities,), lambda _scene: module("iam_identities", **REMOVED), ""),
    "contain": (
        (_identities,),
        lambda _scene: module("iam_user_offboarding", users=["cwagent-web1"], state="contained", wait_timeout=5),
        "",
    ),
    "migrate": ((_retired,), lambda _scene: module("policy_migration", state="migrated", all=True, settle=0, wait_timeout=5), ""),
    "profile": (
        (_instance,),
        lambda scene: module("instance_profile_association", instance_profile="Web", instance_ids=[scene.ids["instance"]], wait_timeout=5),
        "",
    ),
    "sessions": ((), lambda _scene: module("session_preferences", **SESSIONS), ""),
    "newer preferences": ((_preferences,), lambda _scene: module("session_preferences", idle_timeout=20), ""),
    "no preferences": ((_preferences,), lambda _scene: module("session_preferences", state="absent", allow_weaker=True), ""),
    "nodes": ((), lambda _scene: module("ssm_node_offboarding", name="web1"), ""),
    "check": (
        (),
        lambda _scene: module("access_check", checks=CHECKS),
        "",
    ),
    "audit": ((), lambda _scene: module("access_info"), ""),
    "parameter": ((_parameter,), lambda _scene: action("agent_config_parameter", name=STORE, config=CONFIG), STORE),
    "tags of a parameter": (
        (_parameter,),
        lambda _scene: action("agent_config_parameter", name=STORE, config=CONFIG, tags={"team": "ops"}),
        STORE,
    ),
    "assume": (
        (_parameter, _admin_role),
        lambda _scene: action(
            "agent_config_parameter", name=STORE, config=CONFIG, lease={"via": "assume_role", "role": "CloudWatchAgentAdminRole"}
        ),
        STORE,
    ),
    "key": ((_user,), lambda scene: action("host_access_key", user="cwagent-web1", path=str(scene.folder / "credentials")), "cwagent-web1"),
    "shared": (
        (_store,),
        lambda scene: action(
            "shared_access_key", user="cwagent-shared", store={"parameter": "/hybridops/shared", "kms_key_id": scene.ids["key"]}
        ),
        "/hybridops/shared",
    ),
}
"""By name: what is there before, the task, and what its messages name besides what a row says."""


class Answering:
    """A proxy's handler that gives one call AWS's answer, and in front of moto knows what that lacks."""

    def __init__(self, row: Row | None = None, moto: bool = True) -> None:
        self.row = row
        self.hits = 0
        self.tier = "standard"
        self._moto = moto

    def __call__(self, call: Call, forward: Forward) -> Response:
        row = self.row
        if row and str(call) == row.at:
            self.hits += 1
            words = escape(row.words) if call.protocol in ("query", "rest") else row.words
            return failure(call, row.code, words, row.status)
        return self._for_moto(call, forward) if self._moto else forward()

    def _for_moto(self, call: Call, forward: Forward) -> Response:
        if call.operation == "SimulatePrincipalPolicy":
            return failure(call, "AccessDenied", "no simulator here", 403)
        if call.operation == "UpdateServiceSetting":
            self.tier = call.parameters["SettingValue"]
            return _answer({})
        if call.operation == "GetServiceSetting":
            return _answer({"ServiceSetting": {"SettingId": call.parameters["SettingId"], "SettingValue": self.tier}})
        if call.operation == "DescribeInstanceInformation":
            return _answer({"InstanceInformationList": []})
        if call.operation == "DescribeActivations":
            return _answer({"ActivationList": []})
        if call.operation == "ListServiceSpecificCredentials":
            inner = "<ServiceSpecificCredentials></ServiceSpecificCredentials>"
            body = f"<{call.operation}Response><{call.operation}Result>{inner}</{call.operation}Result></{call.operation}Response>"
            return Response(200, (("Content-Type", "text/xml"),), body.encode())
        return forward()


def _answer(data: Mapping[str, Any]) -> Response:
    return Response(200, (("Content-Type", "application/x-amz-json-1.1"),), json.dumps(data).encode())
