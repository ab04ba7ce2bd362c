# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop for all that converges, with a resource of a few lines."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change, field, guard
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, Resource, converge


class Letters(Resource):
    """A set of letters; a letter in ``broken`` cannot be made."""

    def __init__(self, there: str, wanted: str, broken: str = "") -> None:
        self.there, self.wanted, self.broken = set(there), wanted, broken
        self.settled: Optional[List[str]] = None

    def read(self) -> Any:
        return "".join(sorted(self.there))

    def target(self, actual: Any) -> Any:
        return self.wanted

    def plan(self, target: Any, actual: Any) -> List[Change]:
        return [Change("create", "letter", letter) for letter in target if letter not in actual]

    def apply(self, change: Change) -> None:
        if change.key in self.broken:
            raise OSError("the pencil broke")
        self.there.add(change.key)

    def settle(self, changes: List[Change]) -> None:
        self.settled = [str(change) for change in changes]

    def view(self, record: Any) -> Dict[str, Any]:
        return {"letters": record}


def test_changes_are_made_and_told_in_words():
    letters = Letters("a", "abc")
    result = converge(letters, check=False)
    assert result == {"changed": True, "changes": ["create letter b", "create letter c"], "letters": "abc"}
    assert letters.read() == "abc" and letters.settled == result["changes"]


def test_check_mode_predicts_the_same_and_does_nothing():
    letters = Letters("a", "abc")
    predicted = converge(letters, check=True, diff=True)
    assert letters.read() == "a" and letters.settled is None
    assert predicted == converge(letters, check=False, diff=True)


def test_the_second_run_changes_nothing_and_looks_whether_it_can_be_used():
    letters = Letters("abc", "abc")
    assert converge(letters, check=False)["changed"] is False
    assert letters.settled == []


def test_what_is_no_part_of_a_record_is_told_and_not_compared():
    letters = Letters("a", "ab")
    letters.report = lambda: {"health": "good"}
    result = converge(letters, check=False, diff=True)
    assert result["health"] == "good" and "health" not in str(result["diff"])
    letters = Letters("", "b", broken="b")
    letters.report = lambda: {"health": "bad"}
    with pytest.raises(Failure) as caught:
        converge(letters, check=False)
    assert caught.value.result["health"] == "bad" and caught.value.result["changes_left"] == ["create letter b"]


@pytest.mark.parametrize(("there", "changed"), [("a", True), ("ab", False)])
def test_what_cannot_be_used_in_the_end_is_a_failure(there, changed):
    def refuse(_changes: Any) -> None:
        raise Refusal("it does not work")

    letters = Letters(there, "ab")
    letters.settle = refuse
    with pytest.raises(Failure) as caught:
        converge(letters, check=False)
    assert (caught.value.text, caught.value.result["changed"]) == ("it does not work", changed)


def test_diff_shows_both_records():
    assert converge(Letters("a", "ab"), check=True, diff=True)["diff"] == {"before": {"letters": "a"}, "after": {"letters": "ab"}}
    assert "diff" not in converge(Letters("a", "ab"), check=True)


def test_a_failure_says_what_was_done_and_what_is_left():
    with pytest.raises(Failure) as caught:
        converge(Letters("", "abc", broken="b"), check=False)
    assert caught.value.text == "Could not create letter b"
    assert caught.value.result == {
        "changed": True,
        "changes_applied": ["create letter a"],
        "changes_left": ["create letter b", "create letter c"],
    }


@pytest.mark.parametrize("error", [InputError("wrong"), Refusal("no")])
@pytest.mark.parametrize("stage", ["read", "target", "plan"])
def test_refusals_are_told_in_their_own_words(error, stage):
    def refuse(*_args: Any) -> None:
        raise error

    letters = Letters("", "a")
    setattr(letters, stage, refuse)
    with pytest.raises(Failure) as caught:
        converge(letters, check=True)
    assert (caught.value.text, caught.value.result["changed"]) == (str(error), False)


def test_words_of_a_change():
    assert str(Change("attach", "managed policy", "P", "role R")) == "attach managed policy P to role R"
    assert str(Change("update", "trust policy", of="role R")) == "update trust policy of role R"
    assert str(Change("create", "role", "R")) == "create role R"


@pytest.mark.parametrize(("before", "after", "steps"), [(1, 1, []), (None, 1, ["create"]), (1, None, ["delete"]), (1, 2, ["update"])])
def test_field(before, after, steps):
    assert [change.step for change in field("x", before, after, "role R")] == steps


@pytest.mark.parametrize(("limit", "passes"), [(-1, True), (0, False), (1, False), (2, True)])
def test_guard_counts_what_nobody_named(limit, passes):
    changes = [Change("detach", "p", "a", implied=True), Change("delete", "role", "R"), Change("detach", "p", "b", implied=True)]
    if passes:
        guard(changes, limit)
    else:
        with pytest.raises(Refusal, match="detach p a; detach p b"):
            guard(changes, limit)
