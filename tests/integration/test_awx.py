# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX set up by its own modules, against a stand-in of its API; and what is set up there against the playbooks that it is for."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any, Dict, Iterator

import jinja2
import pytest
import yaml

from tests.support.awx import Awx, Refused, check_answers, check_rule, check_survey, launched
from tests.support.playbook import LOCALHOST, Run, run_playbook
from tests.support.tree import ROOT, collections_path

pytestmark = pytest.mark.skipif(
    not (collections_path() / "ansible_collections" / "awx").exists(),
    reason="rows of the matrix take collections out of a release of ansible that holds no awx.awx",
)

PROJECT = ROOT / "examples" / "awx-project"
PREFIX = "AWS agents: "
CREDENTIALS = {"vault": "vault", "aws": "AWS admin", "hosts": "AWS keys of hosts", "audit": "AWS read-only", "machine": "ssh"}
GIVEN = {"aws_agents_awx_scm_url": "https://git.example.com/ops/aws-agents.git", "aws_agents_awx_credentials": CREDENTIALS}


DATA: Dict[str, Any] = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text())


@pytest.fixture
def awx() -> Iterator[Awx]:
    with Awx(PROJECT) as made:
        for name in CREDENTIALS.values():
            made.add("credentials", name=name)
        yield made


def set_up(awx: Awx, scratch: Path, *arguments: str, **variables: Any) -> Run:
    awx.writes.clear()
    return run_playbook("hybridops.aws_agents.awx", scratch, arguments, LOCALHOST, {**GIVEN, **variables}, awx.environment)


def test_all_of_it(awx: Awx, tmp_path: Path) -> None:
    set_up(awx, tmp_path).ok()
    templates = {each["name"].removeprefix(PREFIX): each for each in awx.objects["job_templates"]}
    assert {each["playbook"] for each in templates.values()} == {path.name for path in PROJECT.glob("*.yml")} - {"site.yml"}
    assert awx.members("job_templates", PREFIX + "Hosts on premises", "credentials") == ["AWS keys of hosts", "ssh", "vault"]
    assert templates["Hosts on premises"]["become_enabled"] and not templates["Audit"]["become_enabled"]
    assert not any(each["ask_credential_on_launch"] for each in templates.values())
    assert awx.members("workflow_job_template_nodes", "access", "success_nodes") == ["hosts"]
    assert awx.members("workflow_job_template_nodes", "hosts", "always_nodes") == ["audit"]
    assert {each["name"] for each in awx.objects["schedules"]} == {PREFIX + "Rotate keys", PREFIX + "Audit"}
    assert awx.named("projects", PREFIX + "project")["scm_url"] == GIVEN["aws_agents_awx_scm_url"]


def test_once_more_and_in_check_mode(awx: Awx, tmp_path: Path) -> None:
    set_up(awx, tmp_path).ok()
    assert not set_up(awx, tmp_path).ok().changed
    assert not set_up(awx, tmp_path, "--check").ok().changed and not awx.writes


def test_what_changes_is_brought_back_and_what_was_added_stays(awx: Awx, tmp_path: Path) -> None:
    set_up(awx, tmp_path).ok()
    awx.named("job_templates", PREFIX + "Audit").update(playbook="site.yml", forks=7)
    awx.add("job_templates", name="mine", playbook="site.yml")
    changed = set_up(awx, tmp_path, aws_agents_awx_slices=4).ok().changed
    assert len(changed) == 1 and {method for method, _path in awx.writes} == {"PATCH"} and len(awx.writes) == 2
    audit = awx.named("job_templates", PREFIX + "Audit")
    assert audit["playbook"] == "audit.yml" and audit["forks"] == 7
    assert awx.named("job_templates", PREFIX + "Hosts on premises")["job_slice_count"] == 4
    assert awx.named("job_templates", "mine")["playbook"] == "site.yml"


def test_names_and_an_inventory_of_ones_own(awx: Awx, tmp_path: Path) -> None:
    awx.add("organizations", name="Ops")
    awx.add("execution_environments", name="agents")
    own = {"organization": "Ops", "prefix": "", "inventory": "Sites", "inventory_path": "inventory.yml", "environment": "agents"}
    set_up(awx, tmp_path, **{f"aws_agents_awx_{name}": value for name, value in own.items()}, aws_agents_awx_timezone="Europe/Vienna").ok()
    assert awx.named("inventory_sources", "inventory.yml")["source"] == "scm"
    assert awx.named("job_templates", "Audit")["inventory"] == awx.named("inventories", "Sites")["id"]
    assert "execution_environment" in awx.named("job_templates", "Audit")
    assert awx.named("schedules", "Audit")["rrule"].startswith("DTSTART;TZID=Europe/Vienna:")


def test_without_credentials_each_launch_asks_and_nothing_is_scheduled(awx: Awx, tmp_path: Path) -> None:
    refused = set_up(awx, tmp_path, aws_agents_awx_credentials={"aws": "AWS admin"})
    assert refused.rc and not awx.writes and "nobody is there to give it" in refused.stdout
    set_up(awx, tmp_path, aws_agents_awx_credentials={"aws": "AWS admin"}, aws_agents_awx_schedules="false").ok()
    asks = {each["name"].removeprefix(PREFIX): each["ask_credential_on_launch"] for each in awx.objects["job_templates"]}
    assert asks["Audit"] and not asks["AWS access"] and not awx.objects["schedules"]


@pytest.mark.parametrize("wrong", [{"aws_agents_awx_scm_url": ""}, {"aws_agents_awx_credentials": {"AWS": "x"}}])
def test_wrong_input_fails_before_the_first_call(awx: Awx, tmp_path: Path, wrong: Dict[str, Any]) -> None:
    refused = set_up(awx, tmp_path, **wrong)
    assert refused.rc and not awx.writes and "names the Git repository" in refused.failures[0].msg


# What is set up, against the playbooks


@pytest.mark.parametrize("template", DATA["__awx_templates"], ids=lambda template: str(template["name"]))
def test_a_survey_asks_for_what_the_playbook_takes(template: Dict[str, Any]) -> None:
    text = str(yaml.safe_load((ROOT / "playbooks" / template["playbook"]).read_text()))
    for question in template["survey"]:
        assert question["variable"] in text, f"{template['playbook']} knows no {question['variable']}"
        # Those that AWX's own form writes, so that one that was saved there is the same as before.
        assert set(question) == set(DATA["__awx_questions"]["hosts"])
    check_survey({"name": "", "description": "", "spec": template["survey"]})
    # An empty answer goes before the inventory as any other, so it must be one that nobody has there.
    empty = {variable for variable, answer in launched(template["survey"]).items() if not answer}
    assert empty <= {"aws_agents_migrate", "instance_profiles_replace"}


def test_answers_of_ones_own(awx: Awx, tmp_path: Path) -> None:
    """They are defaults of all surveys, and what schedules answer."""
    answers = {"aws_agents_roles": ["cwagent_server", "ssm_profile"], "aws_agents_hosts": "linux", "aws_agents_audit_fail_on": "high"}
    set_up(awx, tmp_path, aws_agents_awx_answers=answers).ok()
    assert {each["name"]: each["extra_data"] for each in awx.objects["schedules"]} == {
        PREFIX + "Audit": answers,
        PREFIX + "Rotate keys": {"aws_agents_hosts": "linux", "rotate_keys_shared_now": "false"},
    }
    asked = {question["variable"]: question["default"] for question in awx.survey("job_templates", PREFIX + "AWS access")}
    assert asked == {"aws_agents_roles": "cwagent_server\nssm_profile", "aws_agents_hosts": "linux"}
    assert awx.survey("workflow_job_templates", PREFIX + "Site")[0]["default"] == "linux"
    assert {node["identifier"]: node["extra_data"] for node in awx.objects["workflow_job_template_nodes"]} == {
        "access": {name: answers[name] for name in ("aws_agents_roles", "aws_agents_hosts")},
        "hosts": {"aws_agents_hosts": "linux"},
        "audit": answers,
    }
    leaving = awx.survey("job_templates", PREFIX + "Offboard")[0]
    assert (leaving["variable"], leaving["default"]) == ("aws_agents_hosts", ""), "who leaves is asked each time"
    for wrong, said in (
        ({"aws_agents_region": "eu-west-1"}, "Answers can be given for aws_agents_audit_fail_on"),
        ({"instance_profiles_ids": "i-0123456789abcdef0"}, "is asked each time"),
        ({"aws_agents_roles": "all"}, "is no answer"),
        ({"aws_agents_hosts": ""}, "an answer is needed"),
    ):
        refused = set_up(awx, tmp_path, aws_agents_awx_answers=wrong)
        assert refused.rc and said in refused.failures[0].msg and not awx.writes


def test_the_credential_type_gives_boto3_a_role(awx: Awx, tmp_path: Path) -> None:
    """AWX renders what it was given with Jinja, and writes the files. They are read as botocore reads them."""
    set_up(awx, tmp_path).ok()
    injectors = awx.named("credential_types", PREFIX + "AWS, assumed role")["injectors"]
    fields = {"access_key": "AKIAEXAMPLE", "secret_key": "a%b", "role_arn": "arn:aws:iam::123456789012:role/ops", "region": "eu-west-1"}
    for external in ({}, {"external_id": "ours"}):
        files = {}
        for name in ("config", "credentials"):
            files[name] = configparser.RawConfigParser()
            files[name].read_string(jinja2.Template(injectors["file"][f"template.{name}"]).render(**fields, **external))
        assert dict(files["config"]["profile job"]) == {"source_profile": "key", "role_arn": fields["role_arn"], **external}
        assert files["credentials"]["key"]["aws_secret_access_key"] == "a%b"
    assert injectors["env"] == {"AWS_CONFIG_FILE": "{{ tower.filename.config }}", "AWS_PROFILE": "job", "AWS_REGION": "{{ region }}",
                                "AWS_SHARED_CREDENTIALS_FILE": "{{ tower.filename.credentials }}"}  # fmt: skip


# The stand-in itself


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20300308T050000 RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20300308T050000Z RRULE:FREQ=DAILY",
        "DTSTART;TZID=Not-A-Zone:20300308T050000 RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20300308T050000Z RRULE:FREQ=REGULARLY;INTERVAL=1",
    ],
)  # fmt: skip
def test_rules_that_awx_refuses(rule: str) -> None:
    with pytest.raises(Refused):
        check_rule(rule)


@pytest.mark.parametrize(
    "answers", [{}, {"a": "x", "b": "high"}, {"a": ["x"], "b": ["high"]}, {"a": "", "b": ["high"]}, {"a": "x", "b": ["y"]}]
)
def test_answers_that_awx_refuses(answers: Dict[str, Any]) -> None:
    text = {**DATA["__awx_questions"]["hosts"], "variable": "a"}
    several = {**DATA["__awx_questions"]["fail_on"], "variable": "b", "type": "multiselect"}
    check_answers([text, several], {"a": "x", "b": ["high"]})
    with pytest.raises(Refused):
        check_answers([text, several], answers)


def test_what_awx_gives_a_job_whose_survey_nobody_was_asked() -> None:
    hosts, fail_on = DATA["__awx_questions"]["hosts"], DATA["__awx_questions"]["fail_on"]
    note = {**hosts, "variable": "note", "required": False, "default": "", "min": 0}
    asked = [hosts, {**fail_on, "default": ""}, note, {**fail_on, "variable": "several", "type": "multiselect", "default": "high"}]
    assert launched(asked) == {"aws_agents_hosts": "onprem", "note": ""}


@pytest.mark.parametrize(
    "wrong", [{"default": "ever"}, {"choices": ""}, {"required": "true"}, {"type": "choice"}, {"min": "1"}, {"default": "high\nlow"}]
)
def test_surveys_that_awx_refuses(wrong: Dict[str, Any]) -> None:
    right = {**DATA["__awx_questions"]["fail_on"], "default": "high"}
    check_survey({"name": "", "description": "", "spec": [right]})
    for spec in ([{**right, **wrong}], [right, right], []):
        with pytest.raises(Refused):
            check_survey({"name": "", "description": "", "spec": spec})
