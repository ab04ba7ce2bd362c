# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options, as a person writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.options import ARGUMENT_SPEC, check_parameter, origin, rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.state import Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.common_config import SETTINGS
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

ROOT = "/opt/aws/amazon-cloudwatch-agent"
OURS = {"shared_credential_profile": "AmazonCloudWatchAgent", "shared_credential_file": "/etc/c"}


def options(**given):
    return {**{name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}, **given}


def test_defaults_are_those_of_the_record():
    assert rules(options()) == Rules()


def test_all_of_them():
    found = rules(options(credentials_file="/etc/c", agent_region="eu-west-1", region="us-east-1", prove_timeout="90s", exclusive=False))
    assert (found.region, found.prove_timeout, found.exclusive) == ("eu-west-1", timedelta(seconds=90), False)
    assert rules(options(region="us-east-1")).region == "us-east-1"
    assert rules(options(run_as_user="cwagent")).run_as_user == "cwagent"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        (None, ("", None)),
        ("", ("", None)),
        ({}, ("", None)),
        ({"logs": {}}, ("content", {"logs": {}})),
        ('{"logs": {}}', ("content", {"logs": {}})),
        ("file:/srv/agent.json", ("file", "/srv/agent.json")),
        ("ssm:AmazonCloudWatch-linux", ("ssm", "AmazonCloudWatch-linux")),
    ],
)
def test_where_a_configuration_is_found(config, found):
    assert origin(config) == found


@pytest.mark.parametrize("config", ["/srv/agent.json", "file:", "ssm:", "all", "default", "[1]", "{", 7, ["a"], "http://x/y"])
def test_what_is_no_configuration(config):
    with pytest.raises(InputError, match="config: give the agent's configuration as a mapping, file:/absolute"):
        origin(config)


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({}, {}),
        ({"credentials_file": "/etc/c"}, OURS),
        ({"http_proxy": "http://p:1", "imds_retries": "2"}, {"http_proxy": "http://p:1", "imds_retries": "2"}),
        ({"https_proxy": "", "no_proxy": "", "ca_bundle": "", "imds_retries": ""},
         {"https_proxy": None, "no_proxy": None, "ca_bundle_path": None, "imds_retries": None}),
        ({"state": "absent"}, dict.fromkeys(OURS)),
        ({"state": "absent", "credentials_file": "/etc/c", "ca_bundle": "/ca"}, {**dict.fromkeys(OURS), "ca_bundle_path": None}),
    ],
)  # fmt: skip
def test_settings_left_out_are_left_alone_and_empty_ones_taken_out(given, settings):
    found = rules(options(**given)).settings
    assert found == settings and set(found) <= set(SETTINGS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"run_as_user": "a b"}, "run_as_user"),
        ({"root": "opt"}, "root"),
        ({"credentials_file": "~/.aws/credentials"}, "credentials_file"),
        ({"credentials_profile": "a]b"}, "credentials_profile"),
        ({"agent_region": "Ireland"}, "agent_region"),
        ({"http_proxy": "proxy:3128"}, "http_proxy"),
        ({"https_proxy": "http://a b"}, "https_proxy"),
        ({"ca_bundle": "ca.pem"}, "ca_bundle"),
        ({"config_path": f"{ROOT}/etc/amazon-cloudwatch-agent.json"}, "deletes"),
        ({"config_path": f"{ROOT}/etc/amazon-cloudwatch-agent.d/mine.json"}, "the agent's own copy"),
        ({"config_path": "/etc/x.json.tmp"}, ".tmp"),
        ({"config_path": "/etc/../x"}, "config_path"),
        ({"config_path": "/etc//x"}, "config_path"),
        ({"prove_timeout": "soon"}, "prove_timeout"),
        ({"verify_metrics_timeout": "-1"}, "verify_metrics_timeout"),
    ],
)
def test_what_cannot_be(given, words):
    with pytest.raises(InputError, match=words) as error:
        rules(options(**given))
    assert "s3cret" not in str(error.value)


def test_the_password_of_a_proxy_is_not_quoted():
    with pytest.raises(InputError) as error:
        rules(options(https_proxy="u:s3cret@proxy"))
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "prefixes", "good"),
    [
        ("AmazonCloudWatch-linux", ["AmazonCloudWatch-"], True),
        ("/agents/linux", ["AmazonCloudWatch-"], False),
        ("/agents/linux", ["AmazonCloudWatch-", "/agents/"], True),
        ("amazoncloudwatch-linux", ["AmazonCloudWatch-"], False),
        ("AmazonCloudWatch-linux", [], False),
        ("AmazonCloudWatch-linux", [""], False),
        ("AmazonCloudWatch-a b", ["AmazonCloudWatch-"], False),
    ],
)
def test_parameters_that_a_host_may_read(name, prefixes, good):
    if good:
        check_parameter(name, prefixes)
    else:
        with pytest.raises(InputError, match="^config: "):
            check_parameter(name, prefixes)
