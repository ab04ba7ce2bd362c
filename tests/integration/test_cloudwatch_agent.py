# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module from a task to the host and back, the way users call it."""

from __future__ import annotations

import json
import time

import pytest

from tests.integration.agent_site import AgentSite

CONFIG = {
    "agent": {"metrics_collection_interval": 1},
    "metrics": {"metrics_collected": {"mem": {"measurement": ["used_percent"]}}, "force_flush_interval": 1},
}
PROVE = {"prove": True, "prove_timeout": "20s"}
LOADED = "-a fetch-config -m onPremise -c file:/kept/config.json eu-west-1"


@pytest.fixture
def site(tmp_path):
    made = AgentSite(tmp_path)
    yield made
    made.close()


def ok(task):
    assert task.outcome == "ok", task.msg
    return task.result


def test_life_of_an_agent(site):
    options = {"credentials_file": "/etc/c", "https_proxy": "http://user:s3cret@proxy:1", "config": CONFIG, **PROVE}
    checked = ok(site.run("--check", "--diff", **options))
    assert checked["changed"] and not site.calls() and not site.source.exists() and site.common() == "# shipped\n"

    made = ok(site.run("--diff", **options))
    assert {**made, "health": "", "says": ""} == {**checked, "health": "", "says": ""}
    assert site.calls() == [LOADED, "systemctl enable", "systemctl start"]
    assert (made["health"], made["status"], made["enabled"], made["version"]) == ("proven", "running", True, "1.300071.0")
    assert made["common_config"]["https_proxy"] == "http://user:***@proxy:1" and "s3cret" not in str(made)
    assert json.loads(site.source.read_text()) == {**CONFIG, "agent": {"metrics_collection_interval": 1, "region": "eu-west-1"}}
    assert site.configurations() == {"file_config.json": site.source.read_text()}
    assert site.common().startswith("# shipped\n\n[credentials]\n")

    again = ok(site.run("--diff", **options))
    assert (again["changed"], again["changes"], site.calls(), site.used) == (False, [], [], 1)
    assert again["diff"]["before"] == again["diff"]["after"] and again["health"] == "proven"

    gone, nothing = map(ok, site.run_all([{"state": "absent", "https_proxy": "", "config": CONFIG}] * 2))
    assert gone["status"] == "stopped" and not nothing["changed"]
    assert site.calls() == ["-a remove-config -m onPremise -c all eu-west-1", "systemctl stop", "systemctl disable"]
    assert not site.source.exists() and not site.configurations() and "=" not in site.common()


def test_a_changed_setting_is_translated_and_read_anew(site):
    ok(site.run(config=CONFIG))
    site.calls()
    before = site.service["pid"]
    result = ok(site.run(config=CONFIG, imds_retries=3))
    assert result["changes"] == [
        f"update common settings imds_retries of {site.root}/etc/common-config.toml",
        "load configuration file_config.json",
        "restart service",
    ]
    assert site.calls() == [LOADED, "systemctl restart"] and site.service["pid"] != before


def test_others_configurations(site):
    folder = site.root / "etc" / "amazon-cloudwatch-agent.d"
    folder.mkdir()
    (folder / "default").write_text("{}")
    (folder / "file_old.json.tmp").write_text("left by a run that failed")
    kept = ok(site.run(config=CONFIG, exclusive=False))
    assert set(kept["configurations"]) == {"default", "file_config.json"}
    assert "append-config" in site.calls()[0] and "default" in site.configurations()
    result, again = map(ok, site.run_all([{"config": CONFIG}] * 2))
    assert "remove configuration default" in result["changes"] and set(site.configurations()) == {"file_config.json"}
    assert not again["changed"]


def test_a_control_script_that_fails_and_the_run_after(site):
    ok(site.run(config=CONFIG))
    site.calls()
    before = site.service["pid"]
    (site.root / "broken").write_text("E! Failed to open Common Config\n")
    other = {**CONFIG, "metrics": {**CONFIG["metrics"], "namespace": "N"}}
    failed = site.run(config=other)
    assert failed.outcome == "failed" and "failed to open common config" in failed.msg.lower() and "The agent goes on" in failed.msg
    assert failed.result["changes_applied"] == [f"update file {site.source}"] and site.service["pid"] == before
    assert failed.result["changes_left"] == ["load configuration file_config.json", "restart service"]
    (site.root / "broken").unlink()
    finished, again = map(ok, site.run_all([{"config": other}] * 2))
    assert finished["changes"] == failed.result["changes_left"] and not again["changed"]


def test_a_run_that_ended_before_the_restart(site):
    ok(site.run(config=CONFIG))
    time.sleep(1.2)
    for path in (site.root / "etc" / "amazon-cloudwatch-agent.d" / "file_config.json", site.root / "etc" / "amazon-cloudwatch-agent.toml"):
        path.touch()
    assert ok(site.run(config=CONFIG))["changes"] == ["restart service"]


def test_an_agent_that_fails_does_not_pass_the_next_time(site):
    ok(site.run(config=CONFIG))
    for ago in range(-60, 1):
        site.say("E! cloudwatch: code: InvalidClientTokenId, message: The security token included in the request is invalid", ago)
    failing = {"config": CONFIG, "credentials_file": "/etc/c"}
    *failed, reported = site.run_all([{**failing, **PROVE, "prove_timeout": "4s"}, {**failing, **PROVE, "prove_timeout": "4s"}, failing])
    for task, changed in zip(failed, (True, False), strict=True):
        assert (task.outcome, task.changed, task.result["health"]) == ("ignored", changed, "failing")
        assert "AWS does not know the access key of profile AmazonCloudWatchAgent in /etc/c" in task.msg
    assert not ok(reported)["changed"] and reported.result["health"] == "failing"


def test_failures_at_the_start_are_forgiven(site):
    ok(site.run(config=CONFIG))
    site.say("E! cloudwatch: code: AccessDenied, message: User: u is not authorized to perform: cloudwatch:PutMetricData", -8)
    result = ok(site.run(config=CONFIG, **PROVE))
    assert result["health"] == "proven" and not result["changed"] and site.used == 2


def test_common_settings_alone_need_no_agent(site):
    (site.root / "bin" / "amazon-cloudwatch-agent-ctl").unlink()
    (site.root / "etc" / "common-config.toml").unlink()
    settings = {"credentials_file": "/etc/c"}
    made, again = map(ok, site.run_all([settings] * 2))
    assert made["changed"] and (made["status"], made["health"]) == ("not installed", "unknown") and site.calls() == []
    assert (site.root / "etc" / "common-config.toml").stat().st_mode & 0o777 == 0o644
    gone, nothing = map(ok, site.run_all([{**settings, "state": "absent"}] * 2))
    assert gone["changed"] and not again["changed"] and not nothing["changed"]


def test_an_agent_that_is_not_installed(site):
    (site.root / "bin" / "amazon-cloudwatch-agent-ctl").unlink()
    assert ok(site.run("--check", config=CONFIG))["status"] == "running"
    failed = site.run(config=CONFIG, credentials_file="/etc/c")
    assert failed.outcome == "failed" and "cloudwatch_agent_package" in failed.msg
    assert not site.source.exists() and site.common() == "# shipped\n"


REFUSED = [
    ({"config": {"metrics": {"metrics_collected": {}}}}, "metrics_collected"),
    ({"config": {**CONFIG, "agent": {"run_as_usr": "cwagent"}}}, "agent.run_as_user meant"),
    ({"config": {"metrics": {**CONFIG["metrics"], "append_dimensions": {"H": "x"}}}}, "ec2tagger"),
    ({"config": "/agents/linux"}, "file:/absolute/path.json"),
    ({"config": "ssm:/agents/linux"}, "AmazonCloudWatch-"),
    ({"config": CONFIG, "prove": True, "prove_timeout": "1s"}, "prove_timeout"),
    ({"config": "file:agent.json"}, "absolute path"),
    ({"config": "file:/nowhere/agent.json"}, "cannot be read on the controller"),
    ({"config": CONFIG, "config_path": "/a/x.tmp"}, ".tmp"),
]


def test_what_cannot_be_is_refused_without_going_to_the_host(site):
    for task, (_options, words) in zip(site.run_all([options for options, _words in REFUSED]), REFUSED, strict=True):
        assert task.outcome in ("ignored", "failed") and words in task.msg, task.msg
        assert not task.result.get("exception") and not task.changed
    assert site.used == 0


def test_a_file_of_the_controller(site, tmp_path):
    (tmp_path / "agent.json").write_text(json.dumps(CONFIG))
    ok(site.run(config=f"file:{tmp_path}/agent.json"))
    assert json.loads(site.source.read_text())["agent"]["region"] == "eu-west-1"


def test_a_parameter_that_the_host_fetches(moto, tmp_path):
    site = AgentSite(tmp_path, moto)
    try:
        text = json.dumps({**CONFIG, "agent": {"region": "eu-west-1", "metrics_collection_interval": 1}, "x": "s3cret"})
        ssm = moto.client("ssm")
        region = ssm.meta.region_name
        missing = site.run(config="ssm:AmazonCloudWatch-linux", agent_region=region)
        assert missing.outcome == "failed" and "There is no parameter AmazonCloudWatch-linux" in missing.msg
        ssm.put_parameter(Name="AmazonCloudWatch-linux", Value=text, Type="SecureString")
        (site.root / "parameter").write_text(text + " ")
        differs = site.run(config="ssm:AmazonCloudWatch-linux", agent_region=region)
        assert "somebody changed it meanwhile" in differs.msg and "s3cret" not in str(site.last)
        (site.root / "parameter").write_text(text)
        result = ok(site.run("--diff", "-vvv", config="ssm:AmazonCloudWatch-linux", agent_region=region))
        assert result["configuration"] == "" and list(result["configurations"]) == ["ssm_AmazonCloudWatch-linux"]
        assert "s3cret" not in str(site.last) and not site.source.exists()
        assert not ok(site.run(config="ssm:AmazonCloudWatch-linux", agent_region=region))["changed"] and site.used == 1
    finally:
        site.close()
