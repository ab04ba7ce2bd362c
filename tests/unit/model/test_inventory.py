# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.inventory import agent_user_names, identity_arns, shared_users


def test_a_host_has_the_user_of_its_variable_or_of_its_name() -> None:
    hostvars: Dict[str, Dict[str, Any]] = {
        "web1": {},
        "web2": {"onprem_agent_user_name": "special"},
        "web3": {"onprem_agent_user_name": ""},
    }
    assert agent_user_names(["web2", "web1", "web3"], hostvars) == ["special", "cwagent-web1", "cwagent-web3"]


def test_a_host_with_the_credentials_of_ssm_agent_has_no_user() -> None:
    shared = {"onprem_agent_user_scope": "shared", "onprem_agent_user_name": "pool", "onprem_agent_store": {"parameter": "/p"}}
    hostvars: Dict[str, Dict[str, Any]] = {
        "web1": {"onprem_agent_credentials": "ssm"},
        "web2": {"onprem_agent_credentials": "access_key"},
        "web3": {**shared, "onprem_agent_credentials": "ssm"},
        "web4": shared,
    }
    assert agent_user_names(hostvars, hostvars) == ["cwagent-web2", "pool"]
    assert [entry["hosts"] for entry in shared_users(hostvars, hostvars)] == [{"web4": ""}]
    with pytest.raises(InputError, match="host web1: onprem_agent_credentials is 'keys'. Write access_key or ssm"):
        agent_user_names(["web1"], {"web1": {"onprem_agent_credentials": "keys"}})


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


SHARED = {"onprem_agent_user_scope": "shared", "onprem_agent_user_name": "fleet"}


def test_hosts_that_share_a_user_are_one() -> None:
    hostvars: Dict[str, Dict[str, Any]] = {"web1": SHARED, "web2": SHARED, "db1": {"onprem_agent_user_scope": "host"}, "db2": {}}
    assert agent_user_names(["web1", "db1", "web2", "db2"], hostvars) == ["fleet", "cwagent-db1", "cwagent-db2"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"onprem_agent_user_name": "fleet"}, "or both onprem_agent_user_scope: shared"),
        ({**SHARED, "onprem_agent_user_name": "Fleet"}, "letter case alone"),
        ({"onprem_agent_user_scope": "shared"}, "has no onprem_agent_user_name"),
        ({**SHARED, "onprem_agent_user_scope": "all"}, "Write host or shared"),
    ],
)
def test_users_that_are_not_shared_by_both(other: Dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        agent_user_names(["web1", "web2"], {"web1": SHARED, "web2": other})


STORED = {**SHARED, "onprem_agent_store": {"parameter": "/fleet"}}


def test_what_hosts_of_a_shared_user_were_seen_with() -> None:
    hostvars: Dict[str, Dict[str, Any]] = {
        "ok": {**STORED, "onprem_agent_key": {"key_id": "AKIA1", "changed": False}},
        "failed": {**STORED, "onprem_agent_key": {"key_id": "AKIA1", "failed": True}},
        "gone": {**STORED, "onprem_agent_key": {"unreachable": True}},
        "skipped": {**STORED, "onprem_agent_key": {"skipped": True}},
        "elsewhere": STORED,
        "other": {**STORED, "onprem_agent_user_name": "other", "onprem_agent_key": {"key_id": "AKIA2"}},
        "own": {"onprem_agent_user_name": "own", "onprem_agent_key": {"key_id": "AKIA3"}},
        "plain": {},
    }
    run = [host for host in hostvars if host != "elsewhere"]
    fleet, other = sorted(shared_users(run, hostvars), key=lambda user: user["user"] != "fleet")
    assert fleet["hosts"] == {"ok": "AKIA1", "failed": "", "gone": "", "skipped": "", "elsewhere": ""}
    assert (other["user"], other["hosts"], other["store"]) == ("other", {"other": "AKIA2"}, {"parameter": "/fleet"})
    assert shared_users(["own", "plain"], hostvars) == []


def test_the_options_of_a_shared_key() -> None:
    hostvars = {"web1": {**STORED, "onprem_agent_key_grace": "1d", "onprem_agent_owned_by": "team"}}
    (fleet,) = shared_users(["web1"], hostvars)
    assert {name: value for name, value in fleet.items() if value} == {
        "user": "fleet",
        "store": {"parameter": "/fleet"},
        "grace": "1d",
        "owned_by": "team",
        "hosts": {"web1": ""},
    }


def test_hosts_that_do_not_agree_on_the_key_they_share() -> None:
    hostvars = {"web1": STORED, "web2": {**STORED, "onprem_agent_store": {"parameter": "/other"}}}
    with pytest.raises(InputError, match="host web2: its onprem_agent_store is not that of the host web1, and both share the user fleet"):
        shared_users(["web1", "web2"], hostvars)


@pytest.mark.parametrize("other", [{"onprem_agent_user_name": "fleet"}, {**STORED, "onprem_agent_user_name": "Fleet"}])
def test_a_host_that_has_a_shared_user_as_its_own(other: Dict[str, Any]) -> None:
    """It would rotate and end the key of the others. It may be a host that is not in this run."""
    with pytest.raises(InputError, match=r"host web2: its onprem_agent_user_name is .* share the user fleet"):
        shared_users(["web1"], {"web1": STORED, "web2": other})
