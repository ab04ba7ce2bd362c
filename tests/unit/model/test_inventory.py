# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.inventory import agent_user_names, identity_arns


def test_a_host_has_the_user_of_its_variable_or_of_its_name() -> None:
    hostvars: Dict[str, Dict[str, Any]] = {
        "web1": {},
        "web2": {"onprem_agent_user_name": "special"},
        "web3": {"onprem_agent_user_name": ""},
    }
    assert agent_user_names(["web2", "web1", "web3"], hostvars) == ["special", "cwagent-web1", "cwagent-web3"]


@pytest.mark.parametrize("name", ["cwagent-web1", "CWAgent-Web1"])
def test_two_hosts_never_share_a_user(name: str) -> None:
    """IAM ignores letter case, so names that differ in it are one user."""
    with pytest.raises(InputError, match=f"host web2: its user {name} is that of the host web1 too"):
        agent_user_names(["web1", "web2"], {"web1": {}, "web2": {"onprem_agent_user_name": name}})


def test_arns_of_all_results_are_joined_and_skipped_tasks_count_for_nothing() -> None:
    first = {
        "changes": ["create role R", "create user u"],
        "policies": {},
        "roles": {"R": {"arn": "role/R", "instance_profile": {"arn": "instance-profile/R"}}},
        "users": {"u": {"arn": "user/u"}},
    }
    second = {
        "changes": [],
        "policies": {"P": {"arn": "policy/P"}},
        "roles": {"Q": {"arn": "role/Q", "instance_profile": None}},
        "users": {},
    }
    assert identity_arns([first, {}, {"skipped": True, "changed": False}, second, first]) == {
        "policies": ["policy/P"],
        "roles": ["role/Q", "role/R"],
        "instance_profiles": ["instance-profile/R"],
        "users": ["user/u"],
        "changes": 4,
    }
