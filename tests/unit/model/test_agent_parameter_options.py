# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``agent_config_parameter``: what they come to, and what is refused before the first call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter_options import (
    LeaseRules,
    Sink,
    lease_rules,
    rules,
    with_config,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

DEFAULTS = {"state": "present", "tier": "auto", "tags": {}, "parameter_prefixes": ["AmazonCloudWatch-"], "owned_by": "default",
            "adopt": False, "delete_unowned": False, "wait_timeout": 120, "name": "AmazonCloudWatch-linux", "config": {}}  # fmt: skip
ROLE = "arn:aws:iam::111122223333:role/ops/CloudWatchAgentAdminRole"

LEASES = {
    "none": ({}, LeaseRules()),
    "a role is assumed": ({"role": "Admin"}, LeaseRules("assume_role", role="Admin")),
    "by its ARN": ({"role": ROLE, "external_id": "x1"}, LeaseRules("assume_role", role=ROLE, external_id="x1")),
    "an instance": (
        {"via": "instance", "role": ROLE, "minutes": 5, "metadata_endpoint": "http://169.254.169.254/"},
        LeaseRules("instance", role=ROLE, length=timedelta(minutes=5), instance_profile="CloudWatchAgentAdminRole",
                   metadata_endpoint="http://169.254.169.254"),
    ),
    "an instance and a profile by names": (
        {"via": "instance", "role": "Admin", "instance_id": "i-0123456789abcdef0", "instance_profile": "Profile"},
        LeaseRules("instance", role="Admin", instance_id="i-0123456789abcdef0", instance_profile="Profile"),
    ),
    "a user": ({"via": "user", "user": "cwagent-admin"}, LeaseRules("user", user="cwagent-admin")),
    "a user and a sink": (
        {"via": "user", "user": "u", "sink": {"vault_file": "/srv/key.yml", "vault_id": "prod", "file": None}},
        LeaseRules("user", user="u", sink=Sink(vault_file="/srv/key.yml", vault_id="prod")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEASES)
def test_lease(case):
    options, expected = LEASES[case]
    assert lease_rules(options, 120) == expected


def test_the_name_of_a_role_is_the_end_of_its_arn():
    assert lease_rules({"role": ROLE}, 1).role_name == lease_rules({"role": "CloudWatchAgentAdminRole"}, 1).role_name


WRONG = {
    "no configuration": ({"config": None}, "state: present needs a configuration"),
    "a configuration to delete": ({"state": "absent"}, "state: absent takes none"),
    "a key for a String": ({"type": "String", "kms_key_id": "k"}, "a String is not encrypted"),
    "no name": ({"name": "a b"}, "no name of a parameter"),
    "levels without a beginning": ({"name": "web/agent"}, "Write /web/agent"),
    "a name of AWS's": ({"name": "aws-agent"}, "AWS keeps for itself"),
    "our own tag": ({"tags": {"hybridops.aws_agents/owner": "me"}}, "kept by this collection"),
    "assume nothing": ({"lease": {"via": "assume_role"}}, "lease.role: via: assume_role needs it"),
    "an instance without a role": ({"lease": {"via": "instance"}}, "lease.role"),
    "no user": ({"lease": {"via": "user"}}, "lease.user"),
    "a user that is not used": ({"lease": {"role": "r", "user": "u"}}, "belongs to via: user"),
    "an instance that is not used": ({"lease": {"role": "r", "instance_id": "i-0123456789abcdef0"}}, "belongs to via: instance"),
    "a role that is none": ({"lease": {"role": "a b"}}, "not a valid role name"),
    "no instance": ({"lease": {"via": "instance", "role": "r", "instance_id": "web1"}}, "no id of an instance"),
    "a minute": ({"lease": {"via": "user", "user": "u", "minutes": 1}}, "not between 2 and 60"),
    "a day": ({"lease": {"via": "user", "user": "u", "minutes": 1440}}, "not between 2 and 60"),
    "two sinks": ({"lease": {"via": "user", "user": "u", "sink": {"file": "/a", "vault_file": "/b"}}}, "not both"),
    "no sink": ({"lease": {"via": "user", "user": "u", "sink": {"vault_id": "x"}}}, "either a file or a vault_file"),
    "a sink somewhere": ({"lease": {"via": "user", "user": "u", "sink": {"file": "key"}}}, "no absolute path"),
    "no endpoint": ({"lease": {"via": "instance", "role": "r", "ssm_endpoint": "ssm"}}, "is no address"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options(case):
    options, words = WRONG[case]
    with pytest.raises(InputError, match=words):
        rules({**DEFAULTS, **options})


def test_what_was_asked_for():
    wanted, lease = rules({**DEFAULTS, "tags": {"cost": 7}, "lease": {"role": "r", "take_over": True}})
    assert (wanted.tags, wanted.take_over, lease.via) == ({"cost": "7"}, True, "assume_role")
    with pytest.raises(InputError, match="8192"):
        with_config(wanted, {"metrics": {"namespace": "n" * 9000}})
