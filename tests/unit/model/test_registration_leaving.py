# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes in AWS of a host that is not asked: what was made for it, and nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.activations import Activations
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import leaving
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.options import leaver
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.state import Activation, Node

OPTIONS = {"name": "web1", "owned_by": "default", "region": "eu-west-1"}
NODE = Node("mi-0123456789abcdef0", "Online", computer="web1.example.com", name="web1", role="SSMServiceRole")


class Ssm:
    """Answers in pages, and does not filter."""

    def __init__(self, *found):
        self.found = found
        self.asked = {}

    def get_paginator(self, name):
        self.asked["operation"] = name
        return self

    def paginate(self, **arguments):
        self.asked.update(arguments)
        return [{"InstanceInformationList": [one]} for one in self.found]


def test_activations_go_first():
    listed = leaving.Listed((NODE,), (Activation("a-1"),))
    assert [str(change) for change in leaving.plan(listed, allow_online=True)] == ["delete activation a-1", f"deregister node {NODE.id}"]
    assert leaving.plan(leaving.Listed()) == []


@pytest.mark.parametrize(("ping", "allowed", "refused"), [
    ("Online", False, True), ("Online", True, False), ("ConnectionLost", False, False), ("Inactive", False, False), ("", False, False),
])  # fmt: skip
def test_a_node_whose_agent_runs(ping, allowed, refused):
    listed = leaving.Listed((replace(NODE, id="mi-00000000000000000", ping="Inactive"), replace(NODE, ping=ping)))
    if not refused:
        assert len(leaving.plan(listed, allowed)) == 2
        return
    with pytest.raises(Refusal, match=f"{NODE.id} as Online.*allow_online: true.*offboard_in_use=true"):
        leaving.plan(listed, allowed)


def test_view():
    shown = {"instance_id": NODE.id, "computer_name": "web1.example.com", "ping_status": "Online", "iam_role": "SSMServiceRole"}
    assert leaving.view(leaving.Listed((NODE,), (Activation("a-1"),))) == {"nodes": [shown], "activations": ["a-1"]}


def test_nodes_are_found_by_tags_and_name_and_on_all_pages():
    def row(instance, name):
        return {"InstanceId": instance, "Name": name}

    ssm = Ssm(row("mi-1", "web1"), row("i-1", "web1"), row("mi-2", "db1"), {"InstanceId": "mi-3"}, row("mi-4", "web1"))
    clients = []
    aws = Activations(lambda service, **more: (clients.append((service, more["region"])), ssm)[1], leaver(OPTIONS), None, lambda _s: None)
    assert [node.id for node in aws.nodes()] == ["mi-1", "mi-4"] and clients == [("ssm", "eu-west-1")]
    assert ssm.asked == {
        "operation": "describe_instance_information",
        "Filters": [
            {"Key": "tag:hybridops.aws_agents/owner", "Values": ["default"]},
            {"Key": "tag:hybridops.aws_agents/host", "Values": ["web1"]},
        ],
    }, "filters for tags go with no others"


@pytest.mark.parametrize(("option", "value"), [("region", None), ("region", "here"), ("name", ""), ("name", "a;b")])
def test_wrong_input(option, value):
    with pytest.raises(InputError, match=option):
        leaver({**OPTIONS, option: value})
