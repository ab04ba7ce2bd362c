# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop for all that converges, with a resource of a few lines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils import _reconcile
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Outdated, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change, field, guard
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import (
    REREADING,
    Failure,
    Resource,
    converge,
    converge_action,
    converge_module,
)


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


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(_reconcile, "time", made)
    return made


class Late(Letters):
    """Letters whose reads lag behind: until ``until``, what was there at first is read."""

    def __init__(self, clock: Clock, seconds: float, there: str, wanted: str) -> None:
        super().__init__(there, wanted)
        self.seen, self.clock, self.until = there, clock, clock.now + seconds
        self.reads = 0

    def read(self) -> Any:
        self.reads += 1
        return self.seen if self.clock.now < self.until else super().read()

    def apply(self, change: Change) -> None:
        if change.key in self.there:
            raise Outdated(f"{change.key} is there")
        super().apply(change)

    def outdated(self, error: Exception) -> bool:
        return isinstance(error, Outdated)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 20.0])
def test_what_turns_out_to_be_outdated_is_read_again(clock, seconds):
    letters = Late(clock, seconds, "", "abc")
    letters.there = {"a"}  # by another run, which this one does not see yet
    result = converge(letters, check=False, diff=True)
    assert letters.there == set("abc")
    assert result["changes"] == ["create letter b", "create letter c"] and result["diff"]["after"] == {"letters": "abc"}
    assert letters.settled == result["changes"] and clock.now - 1000 < seconds + 6


def test_what_was_made_before_is_told_with_what_is_made_after(clock):
    letters = Late(clock, 20.0, "", "abc")
    letters.there = {"b"}
    result = converge(letters, check=False, diff=True)
    assert result["changes"] == ["create letter a", "create letter c"] and result["diff"]["before"] == {"letters": ""}


def test_what_stays_outdated_fails_in_its_own_words(clock):
    letters = Late(clock, 1000.0, "", "ab")
    letters.there = {"b"}
    with pytest.raises(Failure, match="a is there") as caught:
        converge(letters, check=False)
    assert caught.value.result["changes_applied"] == ["create letter a"]
    assert caught.value.result["changes_left"] == ["create letter a", "create letter b"]
    assert REREADING < clock.now - 1000 < REREADING + 7


def test_one_who_is_slow_gets_a_last_look_all_the_same(clock):
    """A round may take longer than the time for reading again, and what it learns in its end must count."""
    letters = Late(clock, 45.0, "", "a")
    letters.there = {"a"}
    read = letters.read
    letters.read = lambda: (read(), clock.sleep(30.0))[0]
    assert converge(letters, check=False)["changed"] is False and letters.reads == 3


def test_one_who_is_behind_another_all_the_way_fails_at_nothing(clock):
    """A round takes longer than the time for reading again. What the other made meanwhile is progress, though it is not this run's."""
    letters = Late(clock, 0.0, "", "abcdef")
    read = letters.read

    def while_another_writes():
        seen = read()
        if letters.reads == 1:  # before there is a plan
            raise Outdated("there was something a moment ago")
        clock.sleep(2 * REREADING + 10)
        letters.there |= set(sorted(set(letters.wanted) - letters.there)[:1])
        return seen

    letters.read = while_another_writes
    assert converge(letters, check=False)["changed"] is False and letters.reads == 8


def test_other_failures_are_not_repeated(clock):
    letters = Late(clock, 20.0, "", "ab")

    def refuse(_change):
        raise Refusal("no")

    letters.apply = refuse
    with pytest.raises(Failure, match="no"):
        converge(letters, check=False)
    assert letters.reads == 1 and clock.now == 1000.0


DENIED = (
    "An error occurred (AccessDenied) when calling the GetRole operation: User: a is not authorized to perform: iam:GetRole with an "
    "explicit deny in a service control policy"
)


@pytest.mark.parametrize("cause", [RuntimeError(DENIED), Refusal(f"{DENIED}. Allow iam:GetRole.")])
def test_failures_say_what_to_do_about_aws_s_words(cause):
    """Whoever runs the loop, and whether the failure has a remedy of its own or not."""

    def fail():
        raise cause

    letters = Letters("", "a")
    letters.read = fail
    action = SimpleNamespace(_task=SimpleNamespace(check_mode=False, diff=False))
    said = converge_action(action, letters)["msg"]
    told = []

    def failed(msg="", **_result):
        told.append(msg)
        raise SystemExit

    module = SimpleNamespace(check_mode=False, _diff=False, fail_json=failed)
    with pytest.raises(SystemExit):
        converge_module(module, letters)
    for text in (said, *told):
        assert DENIED in text and "A service control policy of the organization" in text
    if not isinstance(cause, Refusal):
        module.fail_json_aws = lambda error, msg="", **_result: failed(f"{msg}: {error}")
        with pytest.raises(SystemExit):
            converge_module(module, letters)
        assert told[-1] == told[0] == said


@pytest.mark.parametrize("fails", [False, True])
def test_warnings_of_a_module_take_the_way_of_modules(monkeypatch, fails):
    """Among the result's own fields ansible-core 2.19 calls them deprecated."""
    warned, ended = [], []
    monkeypatch.setattr(_reconcile, "warn", warned.append)

    def end(**result):
        ended.append(result)
        raise SystemExit

    letters = Letters("", "a")
    letters.report = lambda: {"warnings": ["the letter is\x1b[31m red"], "more": 1}
    if fails:
        letters.read = lambda: 1 / 0
    with pytest.raises(SystemExit):
        converge_module(SimpleNamespace(check_mode=False, _diff=False, fail_json=end, exit_json=end), letters)
    assert [shown["more"] for shown in ended] == [1] and "warnings" not in ended[0]
    assert len(warned) == 1 and warned[0].startswith("the letter is") and "\x1b" not in warned[0]


class Repeated(Letters):
    """Makes what it is asked for, and is told that it is there already, as by a call whose first answer was lost."""

    def apply(self, change):
        super().apply(change)
        if change.key == "b":
            raise Outdated("EntityAlreadyExists", maybe_made=True)

    def outdated(self, error):
        return isinstance(error, Outdated)


def test_what_was_made_with_a_lost_answer_is_told_as_made(clock):
    letters = Repeated("a", "abc")
    result = converge(letters, check=False, diff=True)
    assert result["changes"] == ["create letter b", "create letter c"] and result["changed"]
    assert result["diff"]["before"] == {"letters": "a"}


def test_what_was_left_is_told_when_reading_again_fails(clock):
    letters = Repeated("a", "abc")
    reads = iter(["a"])
    letters.read = lambda: next(reads)
    with pytest.raises(Failure) as failed:
        converge(letters, check=False)
    assert failed.value.result["changes_left"] == ["create letter b", "create letter c"]
