# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done to an agent, by what is on its host's disk."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.plan import plan, refuse_unreadable, target, view, warnings
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.state import (
    AgentState,
    Reader,
    Rules,
    Wanted,
    checksum,
    file_name,
    parameter_file_name,
    state_of,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal

COMMON = "update common settings imds_retries of /opt/aws/amazon-cloudwatch-agent/etc/common-config.toml"
WANTED = Wanted("{}\n", "file_config.json", "file:/c/config.json")
RULES = Rules(config_path="/c/config.json", credentials_file="/etc/c", wanted=WANTED)
SETTINGS = replace(RULES, settings={"imds_retries": "1"})
ABSENT = Rules(config_path="/c/config.json", present=False, settings={"imds_retries": None})
PARAMETER = replace(RULES, wanted=Wanted("{}", "ssm_P", "ssm:P"))
SUM = checksum("{}\n")
DONE = AgentState(
    installed=True, version="1", source=SUM, files=(("file_config.json", SUM),), text="{}\n", translated=True, enabled=True, running=True
)
FRESH = AgentState(installed=True)
OTHERS = replace(DONE, files=(("default", "x"), ("file_config.json", SUM)))


def planned(actual, rules, stale=False):
    wanted = target(actual, rules)
    changes = [str(change) for change in plan(wanted, actual, rules, stale)]
    assert plan(target(wanted, rules), wanted, rules) == [], "what is reached is left alone"
    return changes


@pytest.mark.parametrize(
    ("actual", "rules", "changes"),
    [
        (DONE, RULES, []),
        (FRESH, RULES, ["create file /c/config.json", "load configuration file_config.json", "enable service", "start service"]),
        (AgentState(), RULES, ["require agent of /opt/aws/amazon-cloudwatch-agent", "create file /c/config.json",
                               "load configuration file_config.json", "enable service", "start service"]),
        (replace(DONE, source=""), RULES, ["create file /c/config.json"]),
        (replace(DONE, source="old"), RULES, ["update file /c/config.json"]),
        (replace(DONE, source="old", files=(("file_config.json", "old"),)), RULES,
         ["update file /c/config.json", "load configuration file_config.json", "restart service"]),
        (replace(DONE, files=(("file_config.json", "old"),)), RULES, ["load configuration file_config.json", "restart service"]),
        (replace(DONE, translated=False), RULES, ["load configuration file_config.json", "restart service"]),
        (replace(DONE, enabled=False), RULES, ["enable service"]),
        (replace(DONE, running=False), RULES, ["start service"]),
        (replace(DONE, outdated=True), RULES, ["restart service"]),
        (DONE, SETTINGS, [COMMON, "load configuration file_config.json", "restart service"]),
        (OTHERS, RULES, ["load configuration file_config.json", "remove configuration default", "restart service"]),
        (OTHERS, replace(RULES, exclusive=False), []),
        (replace(DONE, legacy=True), RULES, ["load configuration file_config.json", "remove configuration (legacy)", "restart service"]),
        (replace(DONE, legacy=True), replace(RULES, exclusive=False), []),
        (replace(DONE, files=(("ssm_P", checksum("{}")),), source=""), PARAMETER, []),
        (DONE, PARAMETER, ["load configuration ssm_P", "remove configuration file_config.json", "restart service"]),
        (AgentState(), replace(SETTINGS, wanted=None), [COMMON]),
        (replace(DONE, running=False, outdated=True, translated=False), replace(RULES, wanted=None), []),
        (DONE, ABSENT, ["unload configuration file_config.json", "stop service", "disable service", "delete file /c/config.json"]),
        (replace(DONE, common="[imds]\nimds_retries = 2\n", source=""), ABSENT,
         ["unload configuration file_config.json", "stop service", "disable service", COMMON]),
        (FRESH, ABSENT, []),
        (AgentState(), ABSENT, []),
        (replace(FRESH, translated=True), ABSENT, ["unload configuration"]),
        (replace(DONE, installed=False, running=False, enabled=False, source=""), ABSENT, []),
        (OTHERS, replace(ABSENT, exclusive=False),
         ["unload configuration file_config.json", "delete file /c/config.json", "restart service"]),
        (replace(OTHERS, files=(("default", "x"),), source=""), replace(ABSENT, exclusive=False), []),
    ],
)  # fmt: skip
def test_plan(actual, rules, changes):
    assert planned(actual, rules) == changes


def test_credentials_that_were_replaced():
    assert planned(DONE, RULES, stale=True) == ["restart service"]
    assert planned(DONE, replace(RULES, wanted=None), stale=True) == []
    assert planned(replace(DONE, running=False), RULES, stale=True) == ["start service"]


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (Reader("u", known=False), "knows no such user"),
        (Reader("u", reads=False, barrier="/etc/c", owner="root", group="adm", mode="0600"), "/etc/c belongs to root:adm with mode 0600"),
        (Reader("u", reads=False, barrier="/etc", owner="root", group="root", mode="0700"), "Group u and mode 0750 would do"),
        (Reader("u", reads=True), ""),
        (Reader("u"), ""),
        (None, ""),
    ],
)
def test_a_user_that_cannot_read_the_credentials(reader, words):
    actual = replace(FRESH, reader=reader)
    if not words:
        assert planned(actual, RULES)
        return
    required = "require credentials readable by u of /etc/c"
    assert planned(actual, RULES)[0] == planned(replace(DONE, reader=reader), RULES)[0] == required
    assert planned(replace(actual, hindrance="nothing can be written"), RULES)[0] == required
    with pytest.raises(Refusal) as refusal:
        refuse_unreadable(actual, RULES)
    assert words in str(refusal.value) and "Nothing was changed" in str(refusal.value)
    assert target(replace(actual, installed=False), RULES).running, "its package may bring the user"
    assert planned(actual, ABSENT) == []


def test_a_host_without_systemd():
    with pytest.raises(Refusal, match="systemctl"):
        target(replace(FRESH, systemd=False), RULES)
    assert planned(replace(FRESH, systemd=False), replace(SETTINGS, wanted=None)) == [COMMON]


def test_a_write_that_would_fail_is_refused_where_there_is_one():
    hindered = replace(FRESH, hindrance="/c cannot be written: is become set?.")
    with pytest.raises(Refusal, match="become"):
        planned(hindered, RULES)
    assert planned(replace(DONE, hindrance="x"), RULES) == []


def test_a_file_that_is_not_edited_is_named():
    with pytest.raises(Refusal, match=r"^/opt/aws/amazon-cloudwatch-agent/etc/common-config.toml: the file has more"):
        target(replace(DONE, common="[[imds]]\n"), replace(SETTINGS))


@pytest.mark.parametrize(
    ("profile", "config", "words"),
    [("a-b-1", "a-b-1", ""), ("", "a-b-1", ""), ("a-b-1", "", ""), ("a-b-2", "a-b-1", "a-b-2"), ("", "", "Neither")],
)
def test_regions_that_differ(profile, config, words):
    found = warnings(replace(DONE, profile_region=profile), RULES, config)
    assert words in found[0] if words else found == []
    assert warnings(replace(DONE, profile_region=profile), replace(RULES, wanted=None), config) == []


def test_names_that_the_agent_gives():
    assert file_name("/a/b/config.json") == "file_config.json"
    assert parameter_file_name("AmazonCloudWatch-a/b c:d") == "ssm_AmazonCloudWatch-a_b_c_d"


def answer(**more):
    plain = {
        "installed": True, "systemd": True, "version": "1", "package": "1-1", "common": "", "common_written": 100.0, "source": SUM,
        "name": "file_config.json", "files": {"file_config.json": {"sha256": SUM, "written": 100.0, "text": "{}\n"}}, "legacy": False,
        "translated": 101.0, "enabled": True, "running": True, "started": 102.0, "now": 500.0, "reader": None, "profile_region": "",
        "hostname": "h", "hindrance": "",
    }  # fmt: skip
    return {**plain, **more}


def test_what_a_host_answers():
    assert state_of(answer()) == replace(DONE, package="1-1", hostname="h")
    assert state_of(answer(reader={"user": "u", "known": False})).reader == Reader("u", known=False)


@pytest.mark.parametrize(
    ("more", "outdated"),
    [
        ({}, False),
        ({"started": 99.5}, False),
        ({"started": 90.0}, True),
        ({"started": 0.0}, False),
        ({"started": 90.0, "running": False}, False),
        ({"started": 90.0, "common_written": None}, True),
        ({"started": 90.0, "common_written": None, "files": {}}, False),
        ({"started": 90.0, "now": 95.0}, False),
    ],
)
def test_a_process_older_than_what_it_should_have_read(more, outdated):
    assert state_of(answer(**more)).outdated is outdated


@pytest.mark.parametrize(("toml", "common", "translated"), [(None, 1.0, False), (5.0, None, True), (5.0, 9.0, False), (9.0, 9.5, True)])
def test_a_translation_older_than_the_common_settings_is_none(toml, common, translated):
    assert state_of(answer(translated=toml, common_written=common)).translated is translated


def test_a_file_of_another_encoding_has_the_checksum_that_the_host_sees():
    assert checksum(b"# caf\xe9".decode("utf-8", "surrogateescape")) == hashlib.sha256(b"# caf\xe9").hexdigest()


def test_view_shows_no_password_and_no_secret():
    record = replace(DONE, common='[proxy]\nhttp_proxy = "http://u:s3cret@p:1"\n', text=None)
    shown = view(record, RULES)
    assert "s3cret" not in str(shown) and shown["configuration"] == "" and shown["configurations"] == {"file_config.json": SUM}
    secret = replace(RULES, wanted=replace(WANTED, secret=True))
    assert target(FRESH, secret).text is None and target(FRESH, RULES).text == "{}\n"
