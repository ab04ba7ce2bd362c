# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each job template as AWX runs its job: ansible-runner on the example project, credentials in the environment alone, answers of the survey
as extra variables, no terminal, the job type *Check*. The Region is the inventory's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
import yaml

from tests.support.awx import launched
from tests.support.emulators import Emulator
from tests.support.playbook import clean_environment
from tests.support.recording_proxy import RecordingProxy
from tests.support.tree import ROOT

TEMPLATES: Dict[str, Any] = {
    each["name"]: each for each in yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text())["__awx_templates"]
}
STORED = {"AmazonCloudWatch-linux": {"metrics": {"metrics_collected": {"mem": {"measurement": ["used_percent"]}}}}}
ANSWERS: Dict[str, Dict[str, Any]] = {
    "AWS access": {"aws_agents_roles": ["cwagent_server", "ssm_profile"]},
    "Audit": {"aws_agents_roles": ["cwagent_server"], "aws_agents_audit_fail_on": "never"},
    "Hosts on premises": {"aws_agents_host_roles": ["onprem_agent"]},
    "Offboard": {"aws_agents_hosts": "web1"},
    "Store configuration": {"store_agent_config_via": "none", "store_agent_config_parameters": STORED},
}
"""What a person answers, beside the defaults."""
ARTIFACTS: Dict[str, str] = {
    "AWS access": "aws_agents_access", "Audit": "aws_agents_audit", "Migrate": "aws_agents_migration",
    "Instance profiles": "aws_agents_instance_profiles", "Store configuration": "aws_agents_configurations",
}  # fmt: skip
SILENT = {"Hosts on premises", "Rotate keys", "Offboard"}
"""Their host answers nobody here. What they do on hosts that answer is the other tests'."""


def job(template: Dict[str, Any], extra: Dict[str, Any], aws: Emulator, endpoint: str, scratch: Path) -> Tuple[int, str, Dict[str, Any]]:
    """Run a job and return its status, what it printed and its artifacts."""
    data = scratch / "job"
    shutil.copytree(ROOT / "examples" / "awx-project", data / "project")
    (data / "inventory").mkdir()
    host = {"ansible_host": "192.0.2.1", "ansible_ssh_timeout": 1, "ansible_ssh_retries": 0}
    inventory = {
        "all": {
            # As AWX has it, where an inventory is a file of the project.
            "vars": {"aws_agents_region": aws.region, "aws_agents_endpoint_url": endpoint, "ansible_become_exe": str(scratch / "sudo")},
            "children": {"onprem": {"hosts": {"web1": host}}},
        }
    }
    (data / "inventory" / "hosts.json").write_text(json.dumps(inventory))
    (data / "env").mkdir()
    (data / "env" / "extravars").write_text(json.dumps(extra))
    # Privilege escalation is switched on in templates that have a machine's credential. The stand-in for sudo lets nobody through.
    (scratch / "sudo").write_text("#!/bin/sh\necho nobody passes >&2\nexit 1\n")
    (scratch / "sudo").chmod(0o755)
    become = ["--become", "--become-user", "nobody"] if "machine" in template["credentials"] else []
    (data / "env" / "cmdline").write_text(" ".join(["--check", "--diff", *become]))
    environment = {**clean_environment(scratch), **aws.environment(), "RECORD_RESULTS_TO": str(scratch / "results")}
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION"):
        del environment[name]
    command = [sys.executable, "-m", "ansible_runner", "run", str(data), "-p", template["playbook"], "-i", "one"]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
    events = [json.loads(file.read_text()) for file in (data / "artifacts" / "one" / "job_events").glob("*.json")]
    artifacts = [each["event_data"]["artifact_data"] for each in events if each.get("event_data", {}).get("artifact_data")]
    return done.returncode, done.stdout + done.stderr, artifacts[0] if artifacts else {}


def instance_of(aws: Emulator) -> str:
    """Return the id of an instance in an account that has the profile of the survey's default."""
    ec2, iam = aws.client("ec2"), aws.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName="SSMInstanceProfile", AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName="SSMInstanceProfile")
    iam.add_role_to_instance_profile(InstanceProfileName="SSMInstanceProfile", RoleName="SSMInstanceProfile")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    return str(ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"])


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_job_as_awx_runs_it(ministack: Emulator, tmp_path: Path, name: str) -> None:
    template = TEMPLATES[name]
    asked = {"instance_profiles_ids": instance_of(ministack)} if name == "Instance profiles" else ANSWERS.get(name, {})
    with RecordingProxy(ministack.endpoint_url) as proxy:
        rc, output, artifacts = job(template, {**launched(template["survey"]), **asked}, ministack, proxy.url, tmp_path)
        assert not proxy.writes, output
        assert {call.region for call in proxy.calls if call.service in ("sts", "ec2", "ssm")} <= {ministack.region}
        assert proxy.calls or name in SILENT, output
    if name in SILENT:
        assert rc and "web1" in output and ("UNREACHABLE" in output or "does not answer" in output), output
        assert "nobody passes" not in output and "no Region" not in output, output
        return
    assert rc == 0, output
    assert list(artifacts) == [ARTIFACTS[name]], output
    assert ministack.environment()["AWS_SECRET_ACCESS_KEY"] not in json.dumps(artifacts)
