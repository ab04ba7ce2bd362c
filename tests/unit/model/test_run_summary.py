# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that a run ends with."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.run_summary import (
    host_results,
    run_changes,
    run_counts,
    run_summary,
)


def did(*changes, **more):
    return {"changed": bool(changes), "changes": list(changes), **more}


SKIPPED = {"changed": False, "skipped": True, "changes": ["never"]}
MANY = [f"create user u{number}" for number in range(7)]

ROWS = {
    "nothing at all": ({}, ["Nothing was asked for."]),
    "one of two": (
        {"web1": [did("hand over access key of user web1"), did("restart service")], "web2": [did()]},
        ["Changes: web1: hand over access key of user web1, restart service.", "Nothing to change: web2."],
    ),
    "five changes are told": ({"roles": [did(*MANY[:5])]}, [f"Changes: roles: {', '.join(MANY[:5])}."]),
    "more are counted": ({"roles": [did(*MANY)]}, [f"Changes: roles: {', '.join(MANY[:4])} and 3 more."]),
    "what waits is no change": (
        {"web1": [did(awaiting="the grace of AKIA")]},
        ["Nothing to change: web1.", "To come in a later run: web1: the grace of AKIA."],
    ),
    "a loop": (
        {"stores": [{"changed": True, "results": [did("replace access key"), SKIPPED, did(awaiting="all hosts")]}]},
        ["Changes: stores: replace access key.", "To come in a later run: stores: all hosts."],
    ),
    "a loop without turns is none": ({"stores": [{"changed": False, "results": []}]}, ["Nothing was done for: stores."]),
    "failed after a change": (
        {"web1": [did("install package"), did("hand over access key", failed=True, msg="AWS says\nno.")]},
        ["Changes: web1: install package, hand over access key.", "Failed: web1: AWS says no."],
    ),
    "failed half way": (
        {"web1": [{"failed": True, "changed": True, "changes_applied": ["create user u"], "msg": "AWS says no."}]},
        ["Changes: web1: create user u.", "Failed: web1: AWS says no."],
    ),
    "unreachable": ({"web1": [{"unreachable": True, "msg": "no route"}]}, ["Failed: web1: no route."]),
    "failed without a word": ({"web1": [{"failed": True}]}, ["Failed: web1: see above."]),
    "a long text": ({"web1": [{"failed": True, "msg": "x" * 301}]}, [f"Failed: web1: {'x' * 300}…."]),
    "skipped is not known": ({"web1": [SKIPPED], "web2": []}, ["Nothing was done for: web1, web2."]),
}


@pytest.mark.parametrize(("results", "lines"), ROWS.values(), ids=ROWS.keys())
def test_lines(results, lines):
    assert run_summary(results) == lines


def test_a_fleet_is_counted():
    hosts = [f"web{number}" for number in range(40)]
    same = run_summary({host: [did()] for host in hosts})
    assert same == [f"Nothing to change: {', '.join(hosts[:10])} and 30 more."]
    changed = run_summary({host: [did("restart service")] for host in hosts})
    assert changed == [*(f"Changes: {host}: restart service." for host in hosts[:10]), "Changes: 30 more."]


def test_counts():
    results = {
        "web1": [did("install package", "hand over access key"), did()],
        "web2": [did("install package"), did(failed=True, msg="no")],
        "web3": [SKIPPED],
        "web4": [did()],
        "web5": [{"failed": True, "changed": True, "changes_applied": ["install package"], "msg": "no"}],
    }
    assert run_counts(results) == {"hosts": 5, "changed": 3, "changes": 4, "failed": ["web2", "web5"], "untouched": ["web3"]}


def test_changes():
    results = {
        "web1": [did("install package", "restart"), did("restart"), {"failed": True, "changes_applied": ["tag"], "changes_left": ["go"]}],
        "web2": [SKIPPED, did()],
    }
    assert run_changes(results) == {"web1": ["install package", "restart", "tag"], "web2": []}


def test_hosts():
    hostvars = {
        "web1": {"onprem_agent_result": did("restart service"), "onprem_agent_key": did("hand over"), "onprem_agent_root": "/opt"},
        "web2": {},
    }
    assert host_results(["web1", "web2"], hostvars) == {"web1": [did("hand over"), did("restart service")], "web2": []}


def test_hosts_that_failed_where_nothing_is_registered():
    said = {"failed": True, "msg": "no"}
    hostvars = {"web1": {"onprem_agent_key": did("hand over")}, "web2": {"onprem_agent_key": said}, "web3": {}}
    results = host_results(["web1", "web2", "web3"], hostvars, ["web1", "web2", "web3", "of another play"])
    assert results["web2"] == [said], "what it said is kept, and nothing is put beside it"
    assert run_counts(results)["failed"] == ["web1", "web2", "web3"]
    assert run_summary(results) == [
        "Changes: web1: hand over.",
        "Failed: web1: see above.",
        "Failed: web2: no.",
        "Failed: web3: see above.",
    ]
