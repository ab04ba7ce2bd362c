# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts an instance's agent is restarted on, and what is told of it."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import instance_hosts
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

I1, I2, I3 = (f"i-0123456789abcdef{number}" for number in range(3))
RESTARTED = {"results": [{"changed": True}, {"changed": False, "failed": False}]}


def instance(name=I1, **fields):
    base = {"id": name, "state": "running", "after": "arn", "changed": True, "rebooted": False, "needs_restart": True, "passed_over": ""}
    return {**base, **fields}


HOSTS = {
    "by the inventory plugin's variable": ({"web1": {"instance_id": I1}}, ["web1"]),
    "by the other variable": ({"web1": {"ec2_instance_id": I1}}, ["web1"]),
    "by its address": ({"web1": {"ansible_host": I1}}, ["web1"]),
    "by its name": ({I1: {}}, [I1]),
    "the first of two": ({"b": {"instance_id": I1}, "a": {"instance_id": I1}}, ["a"]),
    "another address": ({"web1": {"ansible_host": "10.0.0.1"}}, []),
    "another instance": ({"web1": {"instance_id": I2}}, []),
    "no text": ({"web1": {"instance_id": 5, "ec2_instance_id": None}}, []),
    "Windows": ({"web1": {"instance_id": I1, "ansible_connection": "psrp"}}, []),
    "Windows by ssh": ({"web1": {"instance_id": I1, "ansible_shell_type": "powershell"}}, []),
}


@pytest.mark.parametrize("name", HOSTS)
def test_hosts(name):
    hostvars, expected = HOSTS[name]
    assert instance_hosts.restart_hosts([instance()], hostvars) == expected


WHICH = {
    "changed": (instance(), "changed", True),
    "not changed": (instance(changed=False, needs_restart=False), "changed", False),
    "not changed, always": (instance(changed=False, needs_restart=False), "always", True),
    "stopped, always": (instance(state="stopped", needs_restart=False), "always", False),
    "rebooted, always": (instance(rebooted=True, needs_restart=False), "always", False),
    "passed over, always": (instance(passed_over="it has the profile Old", needs_restart=False), "always", False),
    "lost its profile, always": (instance(after=None, needs_restart=False), "always", False),
    "changed, never": (instance(), "never", False),
}


@pytest.mark.parametrize("name", WHICH)
def test_which(name):
    one, which, expected = WHICH[name]
    assert bool(instance_hosts.restart_hosts([one], {"web1": {"instance_id": I1}}, which)) is expected


def test_no_such_word():
    with pytest.raises(InputError, match="changed, always or never"):
        instance_hosts.restart_hosts([], {}, "yes")


WHY = {
    "restarted": ({"aws_agents_ssm_agent": RESTARTED}, None),
    "silent": ({"aws_agents_ssm_agent": {"unreachable": True}}, "web1 does not answer"),
    "silent, in each part": ({"aws_agents_ssm_agent": {"results": [{"unreachable": True}] * 2}}, "web1 does not answer"),
    "not in this run": ({}, "web1 was no part of this run"),
    "no agent": (
        {"aws_agents_ssm_agent": {"results": [{"changed": False}, {"changed": False}]}},
        "web1 has no SSM agent that systemd runs",
    ),
    "failed": ({"aws_agents_ssm_agent": {"results": [{"changed": False, "failed": True}]}}, "web1: the restart failed"),
}


@pytest.mark.parametrize("name", WHY)
def test_report(name):
    variables, why = WHY[name]
    report = instance_hosts.restart_report([instance()], {"web1": {"instance_id": I1, **variables}})
    assert report["restarted"] == ([] if why else [I1])
    assert report["not_restarted"] == ({I1: why} if why else {})


def test_report_of_all():
    fleet = [
        instance(),
        instance(I2, rebooted=True, needs_restart=False),
        instance(I3, changed=False, needs_restart=False, passed_over="it ended"),
    ]
    assert instance_hosts.restart_report(fleet, {}, "never") == {
        "changed": [I1, I2],
        "restarted": [],
        "rebooted": [I2],
        "not_restarted": {I1: "nobody asked for it"},
        "passed_over": {I3: "it ended"},
    }
    assert "no host of the inventory" in instance_hosts.restart_report(fleet, {})["not_restarted"][I1]
