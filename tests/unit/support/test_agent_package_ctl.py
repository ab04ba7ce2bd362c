# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in's control script, run below a folder of its own with a systemctl that only remembers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from tests.support.agent_package import HOME, lay_out
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure

SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"${state}/calls"
case "$1" in
'') echo '-.mount loaded active mounted Root Mount'; if [ -e "${state}/other" ]; then echo 'x-.mount '; fi ;;
is-active) if [ -e "${state}/running" ]; then echo active; else echo inactive; exit 3; fi ;;
restart) touch "${state}/running" ;;
stop) rm "${state}/running" ;;
show) echo MainPID=0 ;;
esac
"""
CREDENTIALS = "[AmazonCloudWatchAgent]\naws_access_key_id=AKIAEXAMPLE\naws_secret_access_key=secret\n"
DOCUMENT = {"agent": {"region": "eu-west-1"}, "metrics": {"metrics_collected": {"mem": {}}}}
RESTARTED = ["daemon-reload", "enable amazon-cloudwatch-agent.service", "restart amazon-cloudwatch-agent.service"]
STOPPED = "stop amazon-cloudwatch-agent.service"


class Root:
    """A folder with everything the package installs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "state"
        self.etc = path / HOME / "etc"
        self.documents = self.etc / "amazon-cloudwatch-agent.d"
        self.toml = self.etc / "amazon-cloudwatch-agent.toml"
        lay_out(path)
        self.state.mkdir()
        self.systemctl = path / "fakes/systemctl"
        self.systemctl.parent.mkdir()
        self.systemctl.write_text(SYSTEMCTL)
        self.systemctl.chmod(0o755)
        self.common_config()
        self.credentials("region=eu-west-1\n")

    def common_config(self, text: str = "") -> None:
        credentials = f'[credentials]\nshared_credential_file = "{self.path}/credentials"\n'
        (self.etc / "common-config.toml").write_text(text or credentials)

    def credentials(self, more: str = "") -> None:
        (self.path / "credentials").write_text(CREDENTIALS + more)

    def document(self, name: str = "wanted.json", content: Any = None) -> str:
        path = self.path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content or DOCUMENT))
        return f"file:{path}"

    def ctl(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {
            "PATH": f"{self.systemctl.parent}:/usr/bin:/bin",
            "STAND_IN_ROOT": str(self.path),
            "STAND_IN_IMDS_ENDPOINT": "http://127.0.0.1:9",
            "state": str(self.state),
        }
        command = [str(self.path / HOME / "bin/amazon-cloudwatch-agent-ctl"), *arguments]
        return subprocess.run(command, env={**variables, **environment}, capture_output=True, text=True, check=False)

    def fetch(self, source: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.ctl("-a", "fetch-config", "-m", "onPremise", "-c", source, *more, **environment)

    def kept(self) -> Dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.documents.iterdir())}

    def calls(self) -> List[str]:
        """Return what systemctl was asked to do since the last time."""
        file = self.state / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if line and not line.startswith(("is-active", "show"))]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("-a", "status"), 0, '"configstatus": "not configured"'),
        (("-a", "status", "-m", "onPremise"), 0, '"status": "stopped"'),
        (("-a", "stop"), 0, "has already been stopped"),
        (("-h",), 0, "usage:"),
        (("-a", "nothing"), 1, "Invalid action: nothing"),
        (("-a", "status", "-m", "moon"), 1, "Invalid mode: moon"),
        (("-o", "default", "-a", "status"), 1, "Invalid option: -o"),
        (("-a",), 1, "Option -a requires an argument"),
        (("-a", "fetch-config", "-c", "all"), 0, 'ignore cwa configuration "all"'),
        (("-a", "set-log-level", "-l", "LOUD"), 1, "Invalid log level: LOUD"),
        (("-a", "set-log-level", "-l", "WARN"), 0, "Set CWAGENT_LOG_LEVEL to WARN"),
        (("-a", "set-env", "-e", "NAME"), 1, "expected KEY=VALUE"),
        (("-a", "fetch-config", "-m", "onPremise", "-c", "wanted.json"), 1, "downloadLocation wanted.json is malformed"),
        (("-a", "fetch-config", "-m", "onPremise", "-c", "ftp:x"), 1, "location type ftp is not supported"),
        (
            ("-a", "fetch-config", "-m", "onPremise", "-c", "file:/no/such"),
            1,
            "E! fail to fetch/remove json config: open /no/such: no such file",
        ),
        (("-a", "fetch-config", "-c", "file:/no/such"), 1, "please check if you can access the metadata service"),
        (("-a", "remove-config", "-m", "onPremise", "-c", "ssm:x"), 1, "failed to remove the json file"),
    ],
)
def test_actions(root: Root, arguments: Tuple[str, ...], code: int, said: str) -> None:
    done = root.ctl(*arguments)
    assert done.returncode == code
    assert said in (done.stderr if code else done.stdout)
    # `set -e` ends the script before it shows what a helper printed that failed.
    assert not code or "Starting config-downloader" not in done.stdout
    assert root.calls() == []


def test_status_is_a_document(root: Root) -> None:
    status = json.loads(root.ctl("-a", "status").stdout)
    assert status == {"status": "stopped", "starttime": "", "configstatus": "not configured", "version": "1.300071.0"}
    assert json.loads(root.ctl("-a", "status-with-workloads").stdout) == {**status, "workloads": []}


@pytest.mark.parametrize("action", ["status", "stop", "fetch-config"])
def test_every_action_needs_exactly_one_root_mount(root: Root, action: str) -> None:
    (root.state / "other").touch()
    done = root.ctl("-a", action)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", "unknown init system")


def test_fetch_replaces_append_keeps_and_remove_removes(root: Root) -> None:
    (root.etc / "amazon-cloudwatch-agent.json").write_text("{}")
    content = '{\n"agent": {"region":\t"eu-west-1"}, "metrics": {"metrics_collected": {"mem": {}}}}\n\n'
    assert root.fetch(root.document("a b.json", content)).returncode == 0
    assert root.kept() == {"file_a_b.json": content}
    assert (root.documents / "file_a_b.json").stat().st_mode & 0o777 == 0o644
    assert not (root.etc / "amazon-cloudwatch-agent.json").exists()
    assert root.toml.exists() and root.calls() == []

    appended = root.ctl("-a", "append-config", "-m", "onPrem", "-c", root.document("more.json", {"logs": {"logs_collected": {}}}))
    assert (appended.returncode, sorted(root.kept())) == (0, ["file_a_b.json", "file_more.json"])
    assert "cloudwatchlogs" in root.toml.read_text() and "[outputs.cloudwatch]" in root.toml.read_text()

    assert root.fetch(root.document("other.json")).returncode == 0
    assert list(root.kept()) == ["file_other.json"]

    assert root.ctl("-a", "remove-config", "-m", "onPremise", "-c", "file:/elsewhere/other.json").returncode == 0
    assert root.kept() == {} and not root.toml.exists()


def test_restart_stops_first_and_starts_what_is_configured(root: Root) -> None:
    source = root.document()
    assert root.fetch(source, "-s").returncode == 0
    assert root.calls() == RESTARTED
    assert root.fetch(source, "-s").returncode == 0
    assert root.calls() == [STOPPED, *RESTARTED]
    assert "has already been started" in root.ctl("-a", "start").stdout
    assert json.loads(root.ctl("-a", "status").stdout)["status"] == "running"


def test_a_failure_leaves_the_running_agent_and_its_configuration(root: Root) -> None:
    assert root.fetch(root.document(), "-s").returncode == 0
    before, toml = root.kept(), root.toml.read_text()
    root.calls()
    failed = root.fetch(root.document("bad.json", "{"), "-s")
    assert failed.returncode == 1 and "failed to generate merged json config" in failed.stderr
    assert root.kept() == {**before, "file_bad.json.tmp": "{"}
    assert (root.toml.read_text(), root.calls()) == (toml, [])
    assert root.fetch("file:/no/such").returncode == 1
    assert root.kept() == before


def test_removing_all_and_restarting_starts_the_default(root: Root) -> None:
    assert root.fetch(root.document(), "-s").returncode == 0
    root.calls()
    done = root.ctl("-a", "remove-config", "-m", "onPremise", "-c", "all")
    assert "all amazon-cloudwatch-agent configurations have been removed" in done.stdout
    assert (root.kept(), root.calls(), root.toml.exists()) == ({}, [], False)
    done = root.ctl("-a", "remove-config", "-m", "onPremise", "-c", "all", "-s")
    assert "Applying amazon-cloudwatch-agent default configuration" in done.stdout
    assert list(root.kept()) == ["default"] and json.loads(root.kept()["default"])["agent"] == {"run_as_user": "cwagent"}
    assert root.calls() == [STOPPED, *RESTARTED]


WRONG = {
    "a typo": (
        {"metrics": {"metrics_colected": {}}},
        "Under path : /metrics | Error : Additional property metrics_colected is not allowed",
    ),
    "nothing": (
        {"metrics": {"metrics_collected": {}}},
        "Under path : /metrics/metrics_collected | Error : Must have at least 1 properties",
    ),
    "an interval": ({"agent": {"metrics_collection_interval": 0}}, "Error : Must be greater than or equal to 1"),
    "a retention": (
        {"logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/x", "retention_in_days": 2}]}}}},
        "retention_in_days must be one of the following",
    ),
}


@pytest.mark.parametrize(("document", "said"), WRONG.values(), ids=WRONG)
def test_wrong_documents_are_refused(root: Root, document: Dict[str, Any], said: str) -> None:
    done = root.fetch(root.document(content=document))
    assert done.returncode == 1 and said in done.stderr
    assert "configuration validation first phase failed. Agent version: 1.0." in done.stderr


def test_contradicting_documents_are_refused(root: Root) -> None:
    assert root.fetch(root.document()).returncode == 0
    done = root.ctl("-a", "append-config", "-m", "onPremise", "-c", root.document("two.json", {"agent": {"region": "eu-west-2"}}))
    assert done.returncode == 1 and "Under path : /agent/region | Error : Different values are specified for region" in done.stderr


NO_REGION: Dict[str, Any] = {"metrics": {"metrics_collected": {"mem": {}}}}
DOWNLOADER = "please make sure the credentials and region set correctly on your hosts"
TRANSLATOR = "Region info is missing for mode: onPremise"


@pytest.mark.parametrize(
    ("files", "document", "environment", "said"),
    [
        ({"credentials": "region=eu-west-1\n"}, NO_REGION, {}, ""),
        ({"credentials": ""}, DOCUMENT, {}, DOWNLOADER),
        ({"credentials": "[default]\nregion=eu-west-1\n"}, DOCUMENT, {}, DOWNLOADER),
        ({"credentials": "", "config": "[profile AmazonCloudWatchAgent]\nregion=eu-west-1\n"}, NO_REGION, {}, ""),
        ({"credentials": "", "config": "[AmazonCloudWatchAgent]\nregion=eu-west-1\n"}, NO_REGION, {}, ""),
        ({"credentials": ""}, NO_REGION, {"AWS_REGION": "eu-west-1"}, ""),
        ({"credentials": "region=eu-west-1\n"}, "default", {}, ""),
        ({"credentials": ""}, "default", {}, TRANSLATOR),
    ],
)
def test_where_the_region_comes_from(root: Root, files: Dict[str, str], document: Any, environment: Dict[str, str], said: str) -> None:
    for name, text in files.items():
        (root.path / name).write_text((CREDENTIALS if name == "credentials" else "") + text)
    done = root.fetch("default" if document == "default" else root.document(content=document), **environment)
    assert done.returncode == bool(said) and said in done.stderr
    if not said:
        assert 'region = "eu-west-1"' in root.toml.read_text()


def test_common_config_must_be_there_and_be_toml(root: Root) -> None:
    root.common_config("[credentials\n")
    assert "failed to parse Common Config" in root.fetch(root.document()).stderr
    (root.etc / "common-config.toml").unlink()
    done = root.fetch(root.document())
    assert done.returncode == 1 and "E! failed to open Common Config: open " in done.stderr


def test_proxy_and_bundle_go_to_the_agents_environment_and_own_variables_stay(root: Root) -> None:
    file = root.etc / "env-config.json"
    assert root.ctl("-a", "set-env", "-e", "MINE=1").returncode == 0
    credentials = f'[credentials]\nshared_credential_file = "{root.path}/credentials"\n'
    root.common_config(credentials + '[proxy]\nhttps_proxy = "http://p:1"\n[ssl]\nca_bundle_path = "/b"\n')
    assert root.fetch(root.document()).returncode == 0
    assert json.loads(file.read_text()) == {"MINE": "1", "HTTPS_PROXY": "http://p:1", "AWS_CA_BUNDLE": "/b"}
    assert file.stat().st_mode & 0o777 == 0o644
    root.common_config()
    assert root.fetch(root.document()).returncode == 0
    assert json.loads(file.read_text()) == {"MINE": "1"}


def test_a_parameter_is_fetched_with_the_shared_credentials(root: Root) -> None:
    def answer(call: Call, forward: Forward) -> Response:
        if call.parameters["Name"] == "/missing":
            return failure(call, "ParameterNotFound", "no such parameter")
        return Response(200, (), json.dumps({"Parameter": {"Value": json.dumps(DOCUMENT)}}).encode())

    with RecordingProxy("http://127.0.0.1:9", handler=answer) as ssm:
        assert root.fetch("ssm:/fleet/a:1", STAND_IN_SSM_ENDPOINT=ssm.url).returncode == 0
        assert root.kept() == {"ssm__fleet_a_1": json.dumps(DOCUMENT)}
        failed = root.fetch("ssm:/missing", STAND_IN_SSM_ENDPOINT=ssm.url)
    assert failed.returncode == 1
    assert (
        "E! fail to fetch/remove json config: error in retrieving parameter store content: ParameterNotFound: no such parameter"
        in failed.stderr
    )
    call = ssm.calls[0]
    assert (str(call), call.access_key_id, call.region) == ("ssm:GetParameter", "AKIAEXAMPLE", "eu-west-1")
    assert call.parameters == {"Name": "/fleet/a:1", "WithDecryption": True}


def test_unreadable_credentials_are_named(root: Root) -> None:
    file = root.path / "credentials"
    file.write_text("[AmazonCloudWatchAgent]\nregion=eu-west-1\naws_access_key_id=AKIAEXAMPLE\n")
    assert f"SharedCredsSecret: shared credentials AmazonCloudWatchAgent in {file} did not contain" in root.fetch("ssm:x").stderr


def test_maintainer_scripts_helpers_restart_only_what_ran(root: Root) -> None:
    for action in ("prep-restart", "cond-restart"):
        assert root.ctl("-a", action).returncode == 0
    assert root.calls() == []
    assert root.fetch(root.document(), "-s").returncode == 0
    root.calls()
    for action in ("prep-restart", "stop", "cond-restart"):
        assert root.ctl("-a", action).returncode == 0
    assert root.calls() == [STOPPED, *RESTARTED]
    assert not os.path.exists(root.etc / "restart")
    assert root.ctl("-a", "preun").returncode == 0
    assert root.calls() == [STOPPED, "disable amazon-cloudwatch-agent.service", "daemon-reload", "reset-failed"]


def test_the_program_says_that_it_is_a_stand_in(root: Root) -> None:
    program = root.path / HOME / "bin/amazon-cloudwatch-agent"
    said = subprocess.run([program, "-version"], env={"STAND_IN_ROOT": str(root.path)}, capture_output=True, text=True, check=True).stdout
    assert said.startswith("CWAgent/1.300071.0 ") and "not Amazon's agent" in said


def test_auto_is_ec2_where_instance_metadata_answer(root: Root) -> None:
    """With the same files: which profile, region and stream are used is up to who answers."""
    identity = {"region": "us-west-2", "instanceId": "i-0123456789abcdef0"}
    answers = {"/latest/api/token": "token", "/latest/dynamic/instance-identity/document": json.dumps(identity)}
    document = {
        "metrics": {"metrics_collected": {"mem": {}}},
        "logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/x.log"}]}}},
    }
    root.common_config("# nothing\n")

    def metadata(call: Call, forward: Forward) -> Response:
        return Response(200, (), answers[call.path].encode()) if call.path in answers else Response(404)

    with RecordingProxy("http://127.0.0.1:9", handler=metadata) as instance:
        arguments = ("-a", "fetch-config", "-m", "auto", "-c", root.document(content=document))
        assert root.ctl(*arguments, STAND_IN_IMDS_ENDPOINT=instance.url).returncode == 0
        toml = root.toml.read_text()
    assert 'mode = "ec2"' in toml and 'profile = ""' in toml and 'shared_credential_file = ""' in toml
    assert 'region = "us-west-2"' in toml and 'log_stream_name = "i-0123456789abcdef0"' in toml
    done = root.ctl(*arguments)
    assert done.returncode == 1 and DOWNLOADER in done.stderr
