# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the benchmark counts, compares and tells."""

from __future__ import annotations

import pytest

from tests.benchmark import page
from tests.benchmark.measure import PLAYBOOKS, count
from tests.benchmark.places import NARROWER, differences, plain
from tests.benchmark.scenarios import AGAIN, FIRST, ONE_CALL, PEER, ROLES, SCENARIOS
from tests.support.recording_proxy import Call


def call(operation, name="", key="operator"):
    return Call("iam", operation, key, "us-east-1", "POST", "/", "query", f"Action={operation}&Name={name}".encode())


def test_a_read_that_repeats_the_one_before_it_waits():
    """Also by somebody who writes nothing, as a new key that is tried."""
    calls = [call("GetRole", "a"), call("GetRole", "a"), call("GetRole", "b"), call("GetRole", "a"), call("CreateRole"), call("CreateRole")]
    work, polls = count(calls)
    assert [str(one) for one in work] == ["iam:GetRole"] * 3 + ["iam:CreateRole"] * 2
    assert len(polls) == 1, "a write that is repeated was refused at first, and costs twice"


def test_a_run_that_writes_nothing_waits_for_nothing():
    calls = [call("GetUser", "x"), call("GetUser", "x")]
    assert count(calls) == (calls, [])


def test_what_was_written_is_waited_for_in_turns():
    calls = [
        call("CreateRole"),
        *(call("GetRole", name) for name in "abab"),
        call("GetRole", "a"),
        call("CreateUser"),
        call("GetRole", "a"),
    ]
    work, polls = count(calls)
    assert [str(one) for one in work] == ["iam:CreateRole", "iam:GetRole", "iam:GetRole", "iam:CreateUser", "iam:GetRole"]
    assert len(polls) == 3


def test_those_who_take_turns_are_told_apart_by_their_keys():
    work, polls = count([call("CreateUser", "x", "operator"), *(call("GetUser", "x", key) for key in ("one", "two", "one", "two"))])
    assert len(work) == 3 and len(polls) == 2


def cost(seconds, calls=10, modules=0, memory_mb=50.0):
    return {"seconds": seconds, "calls": calls, "writes": 0, "polls": 0, "memory_mb": memory_mb, "modules": modules}


def figures(**samples):
    return {name: {"date": "2026-01-01", "machine": "m", "samples": turns} for name, turns in samples.items()}


DOCUMENTS = {
    FIRST: {PEER: [cost(10), cost(30), cost(20)], ROLES: [cost(3, 76), cost(12, 76), cost(5, 76)], ONE_CALL: [cost(1), cost(3), cost(2)]},
    AGAIN: {PEER: [cost(10)], ROLES: [cost(3)], ONE_CALL: [cost(1)]},
}


def test_the_ratio_is_the_median_of_the_rounds_own():
    found = {(row.turn, row.who): row for row in page.rows(figures(documents=DOCUMENTS))}
    assert found[FIRST, ROLES].ratio == pytest.approx(0.3) and found[FIRST, ROLES].seconds == 5
    assert found[FIRST, ONE_CALL].ratio == pytest.approx(0.1)


def test_missed_goals_are_told_with_what_was_measured():
    said = page.missed(figures(documents=DOCUMENTS))
    assert len(said) == 1 and said[0].endswith("by the four roles: 76 calls for 50.")
    assert page.missed({}) == ["None."]


def test_goals_for_each():
    calls = {turn: {PEER: [cost(100, 900)], "iam_identities": [cost(1, 440)]} for turn in (FIRST, AGAIN)}
    assert [line.rpartition(": ")[2] for line in page.missed(figures(users=calls))] == ["2.2 calls each for 0.1."]
    hosts = {turn: {PEER: [cost(2)], "onprem_agent": [cost(1.5, modules=200)]} for turn in (FIRST, AGAIN)}
    assert [line.rpartition(": ")[2] for line in page.missed(figures(hosts=hosts))] == [
        "0.75 of the peer's time for 0.5.",
        "4 modules on each host for 3.",
    ]


def test_growth():
    sizes = {f"growth-{n}": {FIRST: {"iam_identities": [cost(n / 100, memory_mb=50 + n / 200)]}} for n in (500, 1000)}
    (said,) = page.growth(figures(**sizes))
    assert "2.00 times" in said and "0.50 MB" in said
    assert page.growth({}) == []


def test_the_table_has_a_cell_for_each_head():
    lines = page.table(figures(documents=DOCUMENTS))
    assert len({line.count("|") for line in lines}) == 1 and len(lines) == 2 + 6


def test_the_page_keeps_what_stands_around_the_figures():
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    assert page.laid_into(text, ["new"]) == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n"
    with pytest.raises(ValueError, match="has lost its marks"):
        page.laid_into("no marks", ["new"])


def test_the_page_has_its_marks():
    assert page.laid_into(page.PAGE.read_text(), [])


def test_states():
    one = {"policies": {"P": {"Action": ["a", "b"], "Resource": "*"}}}
    assert plain(one) == plain({"policies": {"P": {"Action": ["b", "a"], "Resource": ["*"]}}})
    other = {"policies": {"P": {"Action": ["a"], "Resource": "*"}}, "users": {}}
    assert list(differences(plain(one), plain(other))) == ["/policies/P/Action: ['a', 'b'], and 'a'", "/users: None, and {}"]
    assert not list(differences(1, 2, NARROWER))


def test_every_playbook_of_a_scenario_is_there():
    for scenario in SCENARIOS.values():
        assert all((PLAYBOOKS / playbook).is_file() for playbook in scenario.contenders.values())
        assert {who for _turn, who in scenario.goals} <= set(scenario.contenders)
