# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks that end a key's life say of users and keys."""

from __future__ import annotations

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.leaving import kept_users, key_report


def test_users_of_hosts_that_stay():
    hostvars = {"web1": {}, "web2": {"onprem_agent_user_name": "cwagent-web1"}, "Web3": {}, "web4": {"onprem_agent_user_name": ""}}
    assert kept_users(hostvars, ["web1", "Web3"], hostvars) == ["cwagent-web1", "cwagent-web4"]
    assert kept_users(hostvars, hostvars, hostvars) == []


def key(name, age, **more):
    return {"id": name, "status": "Active", "created": "x", "age_days": age, "last_used": None, "last_used_service": "",
            "last_used_region": "", "retired": None, **more}  # fmt: skip


def result(held, *keys, **more):
    return {"onprem_agent_key": {"key_id": held, "user": "u", "access_keys": list(keys), "changes": [], "awaiting": "", **more}}


def test_keys_that_are_on_no_host():
    hostvars = {
        "quiet": result("A", key("A", 3)),
        "rotating": result("C", key("B", 91, status="Inactive", retired="then"), key("C", 0), changes=["hand over"], awaiting="grace"),
        "orphan": result("E", key("D", 400), key("E", 3)),
        "failed": {"onprem_agent_key": {"failed": True, "msg": "no"}},
        "never": {},
    }
    report = key_report(hostvars, hostvars)
    assert [(key["id"], key["host"], key["age_days"], key["retired"]) for key in report["spare"]] == [
        ("D", "orphan", 400, None),
        ("B", "rotating", 91, "then"),
    ]
    assert report["changes"] == {"rotating": ["hand over"]} and report["awaiting"] == {"rotating": "grace"}
    assert report["unknown"] == ["failed", "never"]


def test_keys_of_a_user_that_several_hosts_share():
    """One host is on the new key and one still on the old: neither is a spare, and the third is named once."""
    keys = [key("OLD", 90), key("NEW", 0)]
    hostvars = {"a": result("NEW", *keys), "b": result("OLD", *keys)}
    assert key_report(hostvars, hostvars)["spare"] == []
    hostvars = {"a": result("NEW", *keys), "b": result("NEW", *keys)}
    assert [key["id"] for key in key_report(hostvars, hostvars)["spare"]] == ["OLD"]
