# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's configuration: what its schema says, what that does not say, and what follows from it."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.configuration import (
    Facts,
    check,
    facts,
    parse,
    plain,
    port_of,
    render,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import cloudwatch_agent_schema as schema
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.cloudwatch_agent_schema import validate

MEM = {"mem": {"measurement": ["used_percent"]}}
METRICS = {"metrics": {"metrics_collected": MEM}}
LOGS = {"logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/var/log/syslog"}]}}}}


def whole(config):
    validate(config, "config", secret=False)
    return check(config, "config")


@pytest.mark.parametrize(
    "config",
    [
        METRICS,
        LOGS,
        {**METRICS, **LOGS, "agent": {"run_as_user": "cwagent", "debug": True, "region": "eu-west-1", "omit_hostname": True}},
        {"metrics": {"metrics_collected": {"statsd": {}}, "aggregation_dimensions": [[]]}},
        {"metrics": {"metrics_collected": {"mem": {"measurement": ["used"], "append_dimensions": {"rack": "7"}}}}},
        {"traces": {"traces_collected": {"xray": {}}}},
    ],
)
def test_good_ones(config):
    assert whole(config) == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "nothing to do"),
        ({"agent": {"debug": True}}, "nothing to do"),
        ({"metrics": {}}, "metrics_collected"),
        ({"metrics": {"metrics_collected": {}}}, "metrics.metrics_collected"),
        ({**METRICS, "logs": {}}, "logs: {}"),
        ({"logs": {"logs_collected": {"files": {"collect_list": []}}}}, "collect_list"),
        ({"logs": {"logs_collected": {"files": {"collect_list": [{"path": "/x"}]}}}}, "collect_list[0]"),
        ({"logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/x", "retention_in_days": 2}]}}}}, "retention_in_days"),
        ({"metrics": {"metrics_collected": MEM, "append_dimension": {}}}, "append_dimension"),
        ({"metrics": {"metrics_collected": MEM, "append_dimensions": {"Rack": "7"}}}, "ec2tagger"),
        ({"metrics": {"metrics_collected": MEM, "append_dimensions": {"InstanceId": "${aws:InstanceId}"}}}, "EC2 instance"),
        ({"metrics": {"metrics_collected": {"mem": {"measurement": ["used"], "append_dimensions": {"x": "${aws:I}"}}}}}, "x holds a ${aws"),
        ({**METRICS, "agent": {"run_as_user": 1000}}, "must be the name of a user"),
        ({**METRICS, "agent": {"run_as_user": ""}}, "must be the name of a user"),
        ({**METRICS, "agent": {"run_as_usr": "cwagent"}}, "Is agent.run_as_user meant?"),
        ({**METRICS, "agent": {"RunAsUser": "cwagent"}}, "Is agent.run_as_user meant?"),
        ({**METRICS, "agent": {"omit_host_name": True}}, "Is agent.omit_hostname meant?"),
        ({**METRICS, "agent": {"metrics_collection_interval": "60"}}, "agent.metrics_collection_interval"),
        ({**METRICS, "agents": {}}, "Is agent meant?"),
        ({"metric": METRICS["metrics"], **LOGS}, "Is metrics meant?"),
        ({**METRICS, "agent": {"region": None}}, "agent.region"),
        ({**METRICS, "agent": {"user_agent": None}}, "agent.user_agent is null"),
    ],
)  # fmt: skip
def test_bad_ones(config, words):
    with pytest.raises(InputError) as error:
        whole(config)
    assert words in str(error.value), error.value


def test_unknown_names_are_passed_on_with_a_warning():
    (warning,) = whole({**METRICS, "agent": {"something_new": 1}})
    assert "agent.something_new" in warning


def test_nothing_of_a_secret_is_quoted():
    config = {"metrics": {"metrics_collected": {"mem": {"measurement": "s3cret-value"}}}}
    with pytest.raises(InputError) as error:
        validate(config, "config: ssm:P", secret=True)
    assert "s3cret" not in str(error.value) and "measurement" in str(error.value)
    for text in ('{"a": "s3cret', '"s3cret"'):
        with pytest.raises(InputError) as error:
            parse(text, "config: ssm:P")
        assert "s3cret" not in str(error.value)


def test_without_the_library(monkeypatch):
    monkeypatch.setattr(schema, "jsonschema", None)
    with pytest.raises(InputError, match="pip install jsonschema"):
        validate(METRICS, "config", secret=False)


def test_the_schema_is_the_agents_own():
    held = hashlib.sha256(schema.SCHEMA.read_bytes()).hexdigest()
    assert held in schema.SCHEMA.with_name(schema.SCHEMA.name + ".license").read_text()


def test_text_is_the_same_for_the_same_content_and_names_a_region():
    one, other = {**METRICS, **LOGS}, {**LOGS, **METRICS}
    before = deepcopy(one)
    text = render(one, "eu-west-1")
    assert text == render(other, "eu-west-1") and text.endswith("}\n") and one == before
    assert json.loads(text) == {**one, "agent": {"region": "eu-west-1"}}
    assert json.loads(render({**METRICS, "agent": {"region": "us-east-1"}}, "eu-west-1"))["agent"] == {"region": "us-east-1"}
    assert "agent" not in json.loads(render(METRICS, ""))


def test_what_json_cannot_hold():
    with pytest.raises(InputError, match="cannot be written as JSON"):
        plain({"a": {1, 2}}, "config")


@pytest.mark.parametrize(
    ("config", "interval"),
    [
        (METRICS, 60),
        (LOGS, 5),
        ({**METRICS, **LOGS}, 60),
        ({"logs": {**LOGS["logs"], "force_flush_interval": 30}}, 30),
        ({"metrics": {"metrics_collected": MEM, "force_flush_interval": 10}}, 60),
        ({"agent": {"metrics_collection_interval": 5}, "metrics": {"metrics_collected": MEM, "force_flush_interval": 10}}, 10),
        ({"agent": {"metrics_collection_interval": 300}, **METRICS}, 300),
        ({"agent": {"metrics_collection_interval": 300},
          "metrics": {"metrics_collected": {**MEM, "cpu": {"measurement": ["x"], "metrics_collection_interval": 10}}}}, 60),
        ({"metrics": {"metrics_collected": {"procstat": [{"exe": "a", "measurement": ["x"], "metrics_collection_interval": 90}]}}}, 90),
    ],
)  # fmt: skip
def test_how_often_it_sends(config, interval):
    assert facts(config).interval == interval


def test_what_follows():
    config = {"agent": {"run_as_user": "u", "region": "r", "omit_hostname": True, "logfile": "/l"}, "metrics": {"namespace": "N"}}
    assert facts(config) == Facts("u", "r", 60.0, True, "N", False, "/l")
    assert facts(LOGS) == Facts(interval=5.0, silence=65.0)
    there = {
        "metrics": {**METRICS["metrics"], "endpoint_override": "http://a:8080"},
        "logs": {**LOGS["logs"], "endpoint_override": "https://b"},
    }
    assert facts(there).endpoints == ("http://a:8080", "https://b")


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://a:8080/", 8080), ("https://u:p@a", 443), ("http://a", 80), ("a:3128", 3128), ("http://[", 0)],
)
def test_the_port_of_a_url(url, port):
    assert port_of(url) == port
