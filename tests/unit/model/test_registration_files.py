# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the SSM agent reads, the options that go into them, and what its last words mean."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import files
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.options import ARGUMENT_SPEC, rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.says import explain
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.state import SHARED_FILE, Rules

TEMPLATE = {"Profile": {"ShareCreds": True, "ShareProfile": ""}, "Ssm": {"Endpoint": "", "RunCommandLogsRetentionDurationHours": 336}}


@pytest.mark.parametrize(
    ("before", "settings", "after"),
    [
        ({}, {"Profile": {"ShareCreds": False}}, {"Profile": {"ShareCreds": False}}),
        ({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 9}}, {"a": {"b": 9, "c": 2}, "d": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ({"a": 1}, {"b": None}, {"a": 1}),
    ],
)
def test_merge(before, settings, after):
    assert files.merged(before, settings) == after
    assert files.merged(after, settings) == after
    assert list(files.merged(TEMPLATE, settings))[:2] == list(TEMPLATE), "others keep their place"


@pytest.mark.parametrize(
    ("settings", "before"),
    [
        ({"Profile": {"ShareCreds": False}}, TEMPLATE),
        ({"Profile": {"ShareProfile": "x", "New": 1}, "Other": {"a": {"b": 1}}}, TEMPLATE),
        ({"Ssm": {"Endpoint": "https://x"}}, TEMPLATE),
        ({"Other": {"a": 1}}, {**TEMPLATE, "Other": {"b": 2}}),
    ],
)
def test_what_was_merged_is_taken_out_again(settings, before):
    assert files.restored(files.merged(before, settings), settings, TEMPLATE) == before


def test_settings_are_named_and_chosen():
    settings = {"Profile": {"ShareCreds": True, "ShareProfile": "x"}, "Ssm": {"Endpoint": "y"}, "Empty": {}}
    assert files.named(settings) == ["Profile.ShareCreds", "Profile.ShareProfile", "Ssm.Endpoint", "Empty"]
    assert files.chosen(TEMPLATE, settings) == {"Profile": {"ShareCreds": True, "ShareProfile": ""}, "Ssm": {"Endpoint": ""}}


VARIABLES = {"https_proxy": 'http://u:p%40"\\s@p:1', "no_proxy": "a,b c", SHARED_FILE: "/etc/x/credentials"}


def test_a_drop_in_says_what_it_was_told():
    text = files.drop_in(VARIABLES)
    assert files.variables(text) == VARIABLES and files.drop_in(files.variables(text)) == text
    assert files.drop_in({}) == "" and files.variables("") == {} and text.count("\n") == 5


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd's own reader is not here")
def test_a_drop_in_is_one_for_systemd(tmp_path):
    unit = tmp_path / "probe.service"
    unit.write_text(files.drop_in(VARIABLES) + "ExecStart=/bin/true\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert "probe.service:" not in done.stderr


def options(**more):
    plain = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    return {**plain, "region": "eu-west-1", "iam_role": "SSMServiceRole", **more}


def test_rules_of_plain_options():
    assert rules(options(), "web1") == Rules(region="eu-west-1", name="web1", iam_role="SSMServiceRole")


def test_rules_of_all_options():
    made = rules(
        options(
            name="other", iam_role="/service-role/R", tags={"a": 1}, expires_in=5, https_proxy="http://p:1", no_proxy="", verify=False,
            credentials_file="/etc/x/credentials", share_credentials=True, share_profile="P", agent_config={"Profile": {"K": 1}, "Ssm": {}},
            verify_timeout="90s", owned_by="me",
        ),
        "web1",
    )  # fmt: skip
    assert (made.name, made.iam_role, made.tags, made.expires_in) == ("other", "service-role/R", {"a": "1"}, timedelta(minutes=5))
    assert made.environment == {"https_proxy": "http://p:1", "no_proxy": None, SHARED_FILE: "/etc/x/credentials"}
    assert made.settings == {"Profile": {"K": 1, "ShareCreds": True, "ShareProfile": "P"}, "Ssm": {}}
    assert (made.folder, made.verify_timeout, made.owned_by) == ("/etc/x", timedelta(seconds=90), "me")


def test_who_leaves_needs_no_role_and_loses_the_whole_drop_in():
    made = rules(options(iam_role=None, state="absent", https_proxy="http://p:1", share_credentials=False), "web1")
    assert (made.present, made.iam_role, made.environment) == (False, "", {})
    assert made.settings == {"Profile": {"ShareCreds": False}}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"region": None}, "region: '' is no Region"),
        ({"iam_role": None}, "iam_role"),
        ({"iam_role": "arn:x:iam::1:role/R"}, "is an ARN"),
        ({"iam_role": "a b"}, "iam_role"),
        ({"iam_role": "p/" + "x" * 63}, "64 characters at most"),
        ({"name": "wéb;1"}, "name"),
        ({"tags": {"aws:x": "y"}}, "reserved"),
        ({"tags": {"hybridops.aws_agents/host": "y"}}, "owned_by"),
        ({"tags": {str(number): "y" for number in range(49)}}, "two are this collection's own"),
        ({"expires_in": 1}, "from 2 to 1440"),
        ({"https_proxy": "p:1"}, "https_proxy"),
        ({"no_proxy": "a\nb"}, "no_proxy"),
        ({"credentials_file": "~/x"}, "credentials_file"),
        ({"share_profile": "a b"}, "share_profile"),
        ({"share_profile": "a", "agent_config": {"Profile": {"ShareProfile": "b"}}}, "not what share_profile says"),
        ({"share_profile": "a", "agent_config": {"Profile": 1}}, "must be a mapping"),
        ({"agent_config": {"a": float("nan")}}, "JSON"),
        ({"verify_timeout": "soon"}, "verify_timeout"),
    ],
)
def test_options_that_cannot_be(more, words):
    with pytest.raises(InputError, match=words):
        rules(options(**more), "web1")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "ERROR Registration failed due to error registering the instance with AWS SSM. InvalidActivation: ",
            "does not accept the activation",
        ),
        ("MachineFingerprintDoesNotMatch: Fingerprint does not match", "copy of another"),
        ("dial tcp: lookup ssm.eu-west-1.amazonaws.com: no such host", "does not reach AWS"),
        ("x509: certificate signed by unknown authority", "is not trusted"),
        ("AccessDeniedException: ", "AmazonSSMManagedInstanceCore"),
        ("nothing known", "The agent said: nothing known"),
        ("", ""),
    ],
)
def test_last_words(line, words):
    said = explain([line])
    assert words in said and line.strip() in said


@pytest.mark.parametrize(
    ("more", "shared"),
    [
        ({}, ("", "")),
        ({"share_profile": "P"}, ("", "")),
        ({"credentials_file": "/etc/x/c"}, ("/etc/x/c", "default")),
        ({"credentials_file": "/etc/x/c", "share_profile": "P"}, ("/etc/x/c", "P")),
        ({"credentials_file": "/etc/x/c", "agent_config": {"Profile": {"ShareProfile": "P"}}}, ("/etc/x/c", "P")),
        ({"credentials_file": "/etc/x/c", "agent_config": {"Profile": None}}, ("/etc/x/c", "default")),
    ],
)
def test_where_credentials_are_shared_whichever_option_says_so(more, shared):
    options = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    assert rules({**options, "region": "eu-west-1", "state": "absent", **more}, "web1").shared == shared
