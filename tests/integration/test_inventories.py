# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories among the examples: what Ansible makes of them, and what the playbooks do with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import yaml

from tests.support import iam_state
from tests.support.emulators import Emulator
from tests.support.playbook import LOCALHOST, clean_environment, run_playbook
from tests.support.tree import ROOT

EXAMPLES = ROOT / "examples"
TRUST = '{"Version": "2012-10-17", "Statement": []}'


def listed(inventory: str, scratch: Path, environment: Dict[str, str]) -> Any:
    """Return what ansible-inventory says."""
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(EXAMPLES / inventory), "--list"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env={**clean_environment(scratch), **environment})
    assert run.returncode == 0 and "parse" not in run.stderr, run.stderr
    return json.loads(run.stdout)


def connection_variables() -> Dict[str, str]:
    """Return the variables that amazon.aws.aws_ssm reads, and its options."""
    command = [sys.executable, "-m", "ansible", "doc", "--json", "-t", "connection", "amazon.aws.aws_ssm"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    options = said["amazon.aws.aws_ssm"]["doc"]["options"]
    return {variable["name"]: name for name, option in options.items() for variable in option.get("vars", ())}


def test_instances_are_found_and_get_their_profile(moto: Emulator, tmp_path: Path) -> None:
    iam, ec2 = moto.client("iam"), moto.client("ec2")
    iam.create_role(RoleName="SSMInstanceProfile", AssumeRolePolicyDocument=TRUST)
    iam.create_instance_profile(InstanceProfileName="SSMInstanceProfile")
    iam.add_role_to_instance_profile(InstanceProfileName="SSMInstanceProfile", RoleName="SSMInstanceProfile")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ids = []
    for team in ("ops", "ops", "dev"):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": team}, {"Key": "role", "Value": "web"}]}]
        made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
        ids.append(made["Instances"][0]["InstanceId"])
    environment = moto.environment()
    found = listed("instances", tmp_path, environment)
    assert sorted(found["aws_ec2"]["hosts"]) == sorted(found["role_web"]["hosts"]) == sorted(ids[:2]) and "reachable" not in found
    given = {"instance_profiles_name": "SSMInstanceProfile", "instance_profiles_ids": ids[:1], "instance_profiles_restart": "never"}
    run = run_playbook("hybridops.aws_agents.instance_profiles", tmp_path, (), EXAMPLES / "instances", given, environment)
    # Of deprecations amazon.aws's own plugin speaks.
    assert run.rc == 0, run
    found = listed("instances", tmp_path, environment)
    assert found["reachable"]["hosts"] == ids[:1]
    variables = found["_meta"]["hostvars"][ids[0]]
    # What AWS says is marked as no template, in the listing too.
    assert ids[0] in str(variables["ec2_instance_id"]) and moto.region in str(variables["ansible_aws_ssm_region"])
    assert variables["ansible_connection"] == "amazon.aws.aws_ssm"
    assert {name for name in variables if name.startswith("ansible_aws_ssm")} <= set(connection_variables())


def test_three_sites(moto: Emulator, tmp_path: Path) -> None:
    """The hosts stand on this machine here. Those in Dublin are others' tests: a node needs an agent."""
    (tmp_path / "password").write_text("three sites")
    here = {
        **LOCALHOST["all"]["hosts"]["localhost"],
        "onprem_agent_store": {"vault_file": str(tmp_path / "lab.yml"), "vault_id": "lab"},
        "onprem_agent_credentials_file": f"{tmp_path}/held/{{{{ inventory_hostname }}}}",
        "onprem_agent_credentials_group": "",
        "onprem_agent_package_source": "none",
        "onprem_agent_config": "",
        "onprem_agent_run_as_user": "",
        "onprem_agent_root": str(tmp_path / "agent-{{ inventory_hostname }}"),
        "aws_agents_region": moto.region,
    }
    arguments = ["--vault-id", f"lab@{tmp_path / 'password'}", "--limit", "localhost,frankfurt,lab[0:1]"]
    for playbook in ("aws_access", "onprem"):
        run = run_playbook(f"hybridops.aws_agents.{playbook}", tmp_path, arguments, EXAMPLES / "three-sites", here, moto.environment()).ok()
    held = {path.name: path.read_text() for path in (tmp_path / "held").iterdir()}
    assert len(held) == 4 and held["lab01.example.com"] == held["lab02.example.com"] and len(set(held.values())) == 3, run
    assert (tmp_path / "lab.yml").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;lab")
    assert sorted(iam_state.of(moto)["users"]) == ["cwagent-lab", *(f"cwagent-web{number}.fra.example.com" for number in (1, 2))]
    assert sorted(iam_state.of(moto)["roles"]) == ["CloudWatchAgentServerRole", "SSMInstanceProfile", "SSMServiceRole"]


def test_every_variable_of_an_example_is_one_of_ours() -> None:
    options = set()
    for specs in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        options |= set(yaml.safe_load(specs.read_text())["argument_specs"]["main"]["options"])
    for path in (EXAMPLES / "three-sites").glob("group_vars/*.yml"):
        assert {name for name in yaml.safe_load(path.read_text()) if not name.startswith("aws_agents_")} <= options, path
