# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From tasks that are expected to what an audit takes for expected: who, which inline policies, and what a strict plan would remove."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.records import Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.rules import expecting, predicting, strict

from tests.unit.identities.cases import AGENT, document, request

INLINE = [{"name": "i", "document": document("s3:GetObject")}]


def test_a_strict_task_purges_what_it_speaks_of():
    entries = {
        "none": {},
        "policies": {"policies": [AGENT]},
        "no policies": {"policies": []},
        "inline": {"inline_policies": INLINE},
    }
    given = [{"name": name.replace(" ", "-"), **more} for name, more in entries.items()]
    wanted = strict(request(roles=deepcopy(given), users=given))
    for kind in (wanted.roles, wanted.users):
        assert [(entry.purge_policies, entry.purge_inline) for entry in kind] == [
            (False, False),
            (True, False),
            (True, False),
            (False, True),
        ]


def test_a_strict_task_leaves_alone_what_is_not_its_own():
    there = request(roles=[{"name": "old", "existing": True, "policies": [AGENT]}, {"name": "gone", "state": "absent"}])
    assert strict(there).roles == there.roles


def test_a_strict_task_asks_nobody():
    wanted = request()
    assert strict(wanted) == replace(wanted, adopt=True, delete_unowned=True, allow_gap=True, guard=-1)


def test_who_is_expected():
    wanted = request(
        roles=[{"name": "web", "inline_policies": INLINE}, {"name": "gone", "state": "absent"}],
        users=[{"name": "u1"}, {"name": "u2", "state": "absent"}],
    )
    rules = expecting(Rules(roles=frozenset(["db"]), users=frozenset(["u0"])), wanted)
    assert (rules.roles, rules.users) == ({"db", "web"}, {"u0", "u1"})
    assert rules.expected_inline == {"role web": {"i"}, "role gone": set(), "user u1": set(), "user u2": set()}


def test_inline_policies_of_several_tasks_add_up():
    wanted = request(roles=[{"name": "web", "inline_policies": INLINE}])
    before = Rules(expected_inline={"role web": frozenset(["j"]), "role db": frozenset(["k"])})
    assert expecting(before, wanted).expected_inline == {"role web": {"i", "j"}, "role db": {"k"}}


def test_what_predicted_tasks_make():
    tasks = [{"users": ["u1"], "inline_policies": {"role web": ["i"]}}, {"users": ["u2"], "inline_policies": {"role web": ["j"]}}]
    rules = predicting(Rules(users=frozenset(["u0"])), tasks)
    assert rules.users == {"u0", "u1", "u2"} and rules.expected_inline == {"role web": {"i", "j"}}
    assert predicting(Rules(), []) == Rules()
