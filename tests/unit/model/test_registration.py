# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done to a host that is to be a node, or none: by its disk and by what AWS lists."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import plan as deciding
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.files import drop_in
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.state import (
    NEW,
    SHARED_FILE,
    Activation,
    Host,
    Node,
    Rules,
    State,
    host_of,
    online,
    same_computer,
)

MI = "mi-0123456789abcdef0"
CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
DROP_IN = "/etc/systemd/system/amazon-ssm-agent.service.d/hybridops.conf"
RULES = Rules(region="eu-west-1", name="web1", iam_role="SSMServiceRole")
FORCED = replace(RULES, force=True)
ABSENT = replace(RULES, present=False, iam_role="")
SHARES = replace(RULES, settings={"Profile": {"ShareCreds": True}})
PROXY = replace(RULES, environment={"https_proxy": "http://p:1"})
TEMPLATE = json.dumps({"Profile": {"ShareCreds": True, "ShareProfile": ""}, "Ssm": {"Endpoint": ""}})

FRESH = Host(kinds=("package",), binary="/usr/bin/amazon-ssm-agent", hostname="web1", template=TEMPLATE, running=True, enabled=True)
"""As its package leaves it: started, and registered nowhere."""
DONE = replace(FRESH, instance=MI, region="eu-west-1", remembered=MI, remembered_region="eu-west-1", registered_for=259200.0)
NODE = Node(MI, "Online", "3.3.1142.0", "web1.example.com", "web1", "SSMServiceRole")
LEFT = (Activation("a-1"), Activation("a-2"))
JOIN = ["stop service", "register node web1", "start service"]
LEAVE = ["stop service", "disable service", f"deregister node {MI}", f"clear registration {MI}"]


def planned(actual, rules):
    wanted = deciding.target(actual, rules)
    changes = [str(change) for change in deciding.plan(wanted, actual, rules)]
    settled = replace(wanted, node=NODE if rules.present else None)
    if wanted.host.instance == NEW:
        settled = replace(settled, host=replace(settled.host, instance=MI))
    again = replace(rules, force=False)
    assert deciding.plan(deciding.target(settled, again), settled, again) == [], "what is reached is left alone"
    return changes


@pytest.mark.parametrize(
    ("actual", "rules", "changes"),
    [
        (State(FRESH), RULES, JOIN),
        (State(replace(FRESH, running=False, enabled=False)), RULES, ["register node web1", "enable service", "start service"]),
        (State(FRESH, None, LEFT), RULES, ["delete activation a-1", "delete activation a-2", *JOIN]),
        (State(Host(systemd=True)), RULES, ["require agent", "register node web1", "enable service", "start service"]),
        (State(FRESH), replace(SHARES, environment={SHARED_FILE: "/etc/x/credentials"}),
         ["stop service", f"create configuration Profile.ShareCreds for {CONFIG}", f"create environment for {DROP_IN}",
          "register node web1", "start service"]),
        (State(replace(FRESH, folder=False)), replace(RULES, environment={SHARED_FILE: "/etc/x/credentials"}),
         ["stop service", "create folder /etc/x", f"create environment for {DROP_IN}", "register node web1", "start service"]),
        (State(DONE, NODE), RULES, []),
        (State(replace(DONE, instance=MI, config=TEMPLATE), NODE), SHARES, []),
        (State(replace(DONE, config='{"Profile": {"ShareCreds": false}}'), NODE), SHARES,
         [f"update configuration Profile.ShareCreds of {CONFIG}", "restart service"]),
        (State(DONE, NODE), PROXY, [f"create environment for {DROP_IN}", "restart service"]),
        (State(replace(DONE, environment=drop_in({"https_proxy": "http://p:1"})), NODE), PROXY, []),
        (State(replace(DONE, environment=drop_in({"https_proxy": "http://p:2"})), NODE), PROXY,
         [f"update environment of {DROP_IN}", "restart service"]),
        (State(replace(DONE, environment=drop_in({"https_proxy": "x"})), NODE), replace(RULES, environment={"https_proxy": None}),
         [f"delete environment from {DROP_IN}", "restart service"]),
        (State(replace(DONE, outdated=True), NODE), RULES, ["restart service"]),
        (State(replace(DONE, running=False), NODE), RULES, ["start service"]),
        (State(replace(DONE, running=False, outdated=True), NODE), PROXY, [f"create environment for {DROP_IN}", "start service"]),
        (State(replace(DONE, enabled=False), NODE), RULES, ["enable service"]),
        (State(DONE, replace(NODE, ping="ConnectionLost")), RULES, []),
        (State(DONE, replace(NODE, role="Other")), RULES, [f"update role SSMServiceRole of node {MI}"]),
        (State(DONE, replace(NODE, role="service-role/SSMServiceRole")), RULES, []),
        (State(DONE, replace(NODE, role="")), RULES, []),
        (State(replace(DONE, running=False)), RULES, ["start service"]),
        (State(replace(DONE, registered_for=30.0)), RULES, []),
        (State(replace(DONE, registered_for=30.0), NODE, LEFT), RULES, ["delete activation a-1", "delete activation a-2"]),
        (State(DONE, NODE), FORCED, JOIN),
        (State(replace(DONE, region="us-east-1")), FORCED, JOIN),
        (State(replace(FRESH, broken=True)), FORCED, JOIN),
        (State(DONE, NODE), ABSENT, LEAVE),
        (State(DONE, NODE, LEFT), ABSENT, ["delete activation a-1", "delete activation a-2", *LEAVE]),
        (State(replace(DONE, registered_for=30.0)), ABSENT, LEAVE),
        (State(DONE), ABSENT, [change for change in LEAVE if not change.startswith("deregister")]),
        (State(replace(DONE, instance="", running=False, enabled=False), NODE), ABSENT, LEAVE[2:]),
        (State(replace(DONE, instance="", running=False, enabled=False)), ABSENT, [f"clear registration {MI}"]),
        (State(replace(DONE, instance="", running=False, enabled=False), replace(NODE, computer="db1")), ABSENT, LEAVE[3:]),
        (State(replace(DONE, instance="", running=False, enabled=False), replace(NODE, name="db1")), ABSENT, LEAVE[3:]),
        (State(DONE, replace(NODE, name="")), ABSENT, LEAVE),
        (State(DONE, replace(NODE, name="db1")), replace(ABSENT, force=True), LEAVE),
        (State(replace(DONE, kinds=(), running=False, enabled=False), NODE), ABSENT, LEAVE[2:]),
        (State(replace(DONE, shares=True), NODE), replace(ABSENT, shared=("/etc/x/credentials", "P")),
         [*LEAVE, "remove profile P from /etc/x/credentials"]),
        (State(replace(FRESH, running=False, enabled=False)), ABSENT, []),
        (State(Host(systemd=False)), ABSENT, []),
        (State(replace(DONE, config=TEMPLATE.replace("true", "false"), environment=drop_in({"https_proxy": "x"})), NODE),
         replace(ABSENT, settings={"Profile": {"ShareCreds": False}}),
         [*LEAVE, f"delete configuration from {CONFIG}", f"delete environment from {DROP_IN}"]),
    ],
)  # fmt: skip
def test_plan(actual, rules, changes):
    assert planned(actual, rules) == changes


@pytest.mark.parametrize(
    ("actual", "rules", "words"),
    [
        (State(replace(DONE, region="us-east-1")), RULES, "node mi-.* of Region us-east-1, and eu-west-1 was asked for.*force: true"),
        (State(DONE), RULES, "lists no such node in eu-west-1.*force: true"),
        (State(replace(FRESH, instance="i-0123456789abcdef0")), RULES, "no hybrid node"),
        (State(replace(FRESH, instance="i-0123456789abcdef0")), ABSENT, "no hybrid node"),
        (State(replace(FRESH, broken=True)), RULES, "cannot be understood.*force: true to register the host anew"),
        (State(replace(FRESH, broken=True)), ABSENT, "cannot be understood.*force: true to clear it"),
        (State(replace(FRESH, kinds=("package", "snap"))), FORCED, "twice"),
        (State(replace(FRESH, systemd=False)), FORCED, "no systemctl"),
        (State(replace(FRESH, config="{")), SHARES, "amazon-ssm-agent.json on the host is no JSON"),
        (State(replace(FRESH, config="[]")), SHARES, "no JSON object"),
        (State(DONE, replace(NODE, computer="db1")), ABSENT, "is computer db1.*force: true"),
        (State(DONE, replace(NODE, name="db1")), ABSENT, "node is db1 by what AWS lists, not web1.*Set name.*force: true"),
    ],
)
def test_refusals(actual, rules, words):
    with pytest.raises(Refusal, match=words):
        deciding.target(actual, rules)


def test_what_cannot_be_written_is_refused_before_anything_is_made():
    actual = State(replace(FRESH, hindrance="/etc cannot be written: is become set?"))
    with pytest.raises(Refusal, match="become"):
        planned(actual, RULES)
    assert planned(State(replace(DONE, hindrance="x"), NODE), RULES) == []
    missing = State(Host(hindrance="x"))
    assert deciding.plan(deciding.target(missing, RULES), missing, RULES)[0].step == "require"


@pytest.mark.parametrize(
    ("actual", "rules", "words"),
    [
        (State(DONE, NODE), RULES, []),
        (State(FRESH), RULES, []),
        (State(DONE, replace(NODE, computer="")), RULES, []),
        (State(DONE, replace(NODE, computer="WEB1")), RULES, []),
        (State(DONE, replace(NODE, computer="db1")), RULES, ["copy of that computer"]),
        (State(DONE, NODE), FORCED, [f"was node {MI} of eu-west-1"]),
        (State(replace(FRESH, remembered=MI, remembered_region="us-east-1")), RULES, [f"--region us-east-1 --instance-id {MI}"]),
        (State(DONE, replace(NODE, computer="db1")), ABSENT, []),
        (State(replace(DONE, region="us-east-1")), ABSENT, [f"no node {MI} in us-east-1: it is deregistered already, or .* another"]),
        (State(replace(DONE, registered_for=30.0)), ABSENT, []),
        (State(replace(DONE, instance="")), ABSENT, []),
    ],
)
def test_warnings(actual, rules, words):
    found = deciding.warnings(actual, rules)
    assert len(found) == len(words) and all(re.search(word, text) for word, text in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("host", "rules", "asked", "looks"),
    [
        (FRESH, RULES, "", True),
        (DONE, RULES, MI, False),
        (replace(DONE, registered_for=86400.0), RULES, MI, True),
        (replace(DONE, registered_for=86400.0, region="us-east-1"), RULES, "", False),
        (replace(DONE, region="us-east-1"), RULES, "", False),
        (DONE, FORCED, "", True),
        (replace(FRESH, instance="i-1", region="eu-west-1"), RULES, "", False),
        (DONE, ABSENT, MI, True),
        (replace(DONE, instance=""), ABSENT, MI, True),
        (replace(DONE, instance="", remembered="i-1"), ABSENT, "", True),
    ],
)
def test_what_aws_is_asked(host, rules, asked, looks):
    assert (deciding.asked_id(host, rules), deciding.wants_activations(host, rules)) == (asked, looks)


def test_a_node_is_left_in_the_region_it_is_of():
    assert deciding.asked_region(replace(DONE, region="us-east-1"), ABSENT) == "us-east-1"
    assert deciding.asked_region(replace(DONE, instance="", region="", remembered_region="us-west-2"), ABSENT) == "us-west-2"
    assert deciding.asked_region(FRESH, ABSENT) == deciding.asked_region(replace(DONE, region="x"), RULES) == "eu-west-1"


def test_view_shows_no_password():
    host = replace(DONE, environment=drop_in({"https_proxy": "http://u:s3cret@p:1"}), config=TEMPLATE)
    shown = deciding.view(State(host, NODE, LEFT), SHARES)
    assert "s3cret" not in str(shown) and shown["environment"] == {"https_proxy": "http://u:***@p:1"}
    assert shown["agent_config"] == {"Profile": {"ShareCreds": True}} and shown["activations"] == ["a-1", "a-2"]
    assert (shown["instance_id"], shown["region"], shown["iam_role"], shown["status"]) == (MI, "eu-west-1", "SSMServiceRole", "running")
    assert deciding.view(State(replace(host, config="{")), RULES)["agent_config"] == {}


def answer(**more):
    plain = {
        "installed": ["package"], "agent": {"kind": "package", "binary": "/b", "unit": "u"}, "version": "3.3", "systemd": True,
        "enabled": True, "running": True, "started": 1000.0, "now": 5000.0, "instance": MI, "region": "eu-west-1", "broken": False,
        "registered_at": 4000.0, "remembered": MI, "remembered_region": "eu-west-1", "config": None, "config_written": None,
        "template": None, "drop_in": "/d", "environment": "", "environment_written": None, "folder": True, "shares": False,
        "hostname": "web1",
        "hindrance": "", "errors": [], "status": "active/running", "process": "1",
    }  # fmt: skip
    return {**plain, **more}


def test_what_a_host_answers():
    assert host_of(answer()) == Host(
        kinds=("package",), binary="/b", unit="u", version="3.3", enabled=True, running=True, instance=MI, region="eu-west-1",
        registered_for=1000.0, remembered=MI, remembered_region="eu-west-1", drop_in="/d", hostname="web1",
    )  # fmt: skip
    gone = host_of(answer(installed=[], registered_at=None))
    assert (gone.binary, gone.installed, gone.registered_for) == ("", False, 0.0)


def test_an_agent_that_ends_and_is_started_again_and_again_runs():
    """It would come up in the middle of a registration, or go on after its host has left."""
    host = host_of(answer(running=False, status="activating/auto-restart", started=None, instance="", enabled=True))
    assert planned(State(host), RULES) == JOIN and planned(State(replace(host, remembered="")), ABSENT) == LEAVE[:2]
    assert not host_of(answer(running=False, status="inactive/dead", started=None)).running


@pytest.mark.parametrize(
    ("node", "since", "expected"),
    [
        (None, 0, False),
        (replace(NODE, ping="ConnectionLost"), None, False),
        (NODE, None, True),
        (NODE, 0, True),
        (replace(NODE, heard=-3600), None, True),
        (replace(NODE, heard=-60), 0, False),
        (replace(NODE, heard=-1), 0, True),
        (replace(NODE, heard=5), 0, True),
    ],
)
def test_online_is_what_was_heard_since_the_agent_was_started(node, since, expected):
    moment = datetime(2026, 1, 31, 10, tzinfo=UTC)
    if node and node.heard is not None:
        node = replace(node, heard=moment + timedelta(seconds=node.heard))
    assert online(node, None if since is None else moment) is expected


@pytest.mark.parametrize(
    ("more", "outdated"),
    [
        ({}, False),
        ({"config_written": 900.0}, False),
        ({"config_written": 2000.0}, True),
        ({"environment_written": 2000.0}, True),
        ({"environment_written": 2000.0, "running": False}, False),
        ({"environment_written": 9000.0}, False),
    ],
)
def test_a_process_older_than_what_it_should_have_read(more, outdated):
    assert host_of(answer(**more)).outdated is outdated


@pytest.mark.parametrize(("one", "other", "same"), [("a", "A", True), ("a.b", "a", True), ("a.b", "a.c", True), ("a", "b", False)])
def test_names_of_computers(one, other, same):
    assert same_computer(one, other) is same
