# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who calls, and what is repeated: with a clock that only moves when somebody sleeps."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws import session
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.regions import known_regions
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from botocore.exceptions import ClientError


def error(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Sts:
    def __init__(self, arn: str) -> None:
        self.arn = arn

    def get_caller_identity(self):
        return {"Arn": self.arn, "Account": self.arn.split(":")[4]}


@pytest.mark.parametrize(
    ("arn", "partition"),
    [
        ("arn:aws:iam::123456789012:user/a", "aws"),
        ("arn:aws-cn:sts::123456789012:assumed-role/R/s", "aws-cn"),
        ("arn:aws-us-gov:iam::123456789012:user/a", "aws-us-gov"),
        ("arn:aws-eusc:sts::123456789012:federated-user/x", "aws-eusc"),
    ],
)
def test_account_and_partition_come_from_the_callers_arn(arn, partition):
    who = session.caller(Sts(arn), allow_root=False)
    assert (who.account, who.partition) == ("123456789012", partition)


def test_the_root_user_is_refused_unless_told():
    root = Sts("arn:aws:iam::123456789012:root")
    with pytest.raises(Refusal, match="allow_root"):
        session.caller(root, allow_root=False)
    assert session.caller(root, allow_root=True).is_root


def test_a_user_named_root_is_not_the_root_user():
    assert not session.caller(Sts("arn:aws:iam::123456789012:user/root"), allow_root=False).is_root


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Answers:
    """An operation that gives these answers in turn, the last one for ever."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self, **_arguments):
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


PRINCIPAL = error("MalformedPolicyDocument", "Invalid principal in policy")
FRESH = session.NOT_YET_VISIBLE | session.NOT_YET_KNOWN
OTHERS: frozenset[str] = frozenset()
RETRIES = [
    (error("ConcurrentModification"), OTHERS, True),
    (error("ConcurrentModificationException"), OTHERS, True),
    (error("EntityTemporarilyUnmodifiable"), OTHERS, True),
    (error("NoSuchEntity"), FRESH, True),
    (error("NoSuchEntity"), OTHERS, False),
    (error("DeleteConflict"), FRESH, True),
    (PRINCIPAL, FRESH, True),
    (PRINCIPAL, OTHERS, False),
    (error("MalformedPolicyDocument", "Syntax errors in policy"), FRESH, False),
    (error("AccessDenied"), FRESH, False),
    (error("LimitExceeded"), FRESH, False),
    (OSError("no network"), FRESH, False),
]


@pytest.mark.parametrize(("failure", "passing", "repeated"), RETRIES)
def test_what_is_repeated(failure, passing, repeated):
    clock = Clock()
    answers = Answers(failure, failure, {"ok": True})
    retry = session.Retry(60, clock, clock.sleep)
    if repeated:
        assert retry(answers, {}, passing) == {"ok": True}
        assert answers.calls == 3
    else:
        with pytest.raises(type(failure)):
            retry(answers, {}, passing)
        assert answers.calls == 1


def test_repeating_is_bounded():
    clock = Clock()
    with pytest.raises(ClientError):
        session.Retry(30, clock, clock.sleep)(Answers(error("NoSuchEntity")), {}, FRESH)
    assert 20 < clock.now <= 30


def test_waiting_wants_answers_in_a_row():
    clock = Clock()
    answers = iter([True, False, True, True, False, True, True, True])
    session.wait_until_stable({"role R": lambda: next(answers)}, 60, sleep=clock.sleep)
    assert next(answers, "all used") == "all used"


def test_all_are_waited_for_side_by_side():
    """As long as the last one takes, and none is asked again after it was seen."""
    clock = Clock()
    early, late = iter([True] * 3), iter([False, True, False, True, True, True])
    session.wait_until_stable({"role R": lambda: next(early), "user u": lambda: next(late)}, 60, sleep=clock.sleep)
    assert clock.now == pytest.approx(1 + 0.2 + 1 + 0.2 + 0.2)
    assert next(early, "all used") == next(late, "all used") == "all used"


def test_waiting_gives_up_with_the_remedy():
    reads = {"role R": lambda: False, "user u": lambda: False}
    with pytest.raises(Refusal, match="role R and user u were made, but .* raise wait_timeout"):
        session.wait_until_stable(reads, 0, sleep=lambda _seconds: None)
    with pytest.raises(Refusal, match="^role R was made"):
        session.wait_until_stable({"role R": lambda: False}, 0, sleep=lambda _seconds: None)


def test_what_a_look_says_otherwise_is_passed_on():
    def denied():
        raise error("AccessDenied")

    with pytest.raises(ClientError, match="AccessDenied"):
        session.wait_until_stable({"role R": lambda: True, "user u": denied}, 60, sleep=lambda _seconds: None)


def test_nothing_to_wait_for():
    session.wait_until_stable({}, 0, sleep=lambda _seconds: pytest.fail("slept"))


def test_known_regions_of_one_partition_and_of_all(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    assert {"us-east-1", "cn-north-1", "us-gov-west-1"} <= known_regions()
    assert {"cn-north-1"} <= known_regions("aws-cn") and "us-east-1" not in known_regions("aws-cn")
