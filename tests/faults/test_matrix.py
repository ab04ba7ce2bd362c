# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That the engine lets happen what it says, and takes no for an answer."""

from __future__ import annotations

import signal
from typing import Any, List

import pytest

from tests.faults import matrix as engine
from tests.faults.bench import Ledger
from tests.faults.kinds import HARD, REFUSALS, TRANSIENT, Fault, Faulty, places, refusal
from tests.faults.matrix import Matrix, Stage, cases
from tests.support.playbook import Run, TaskResult
from tests.support.recording_proxy import Call, Dropped, Response

OK = Response(200)


def call(operation: str, body: bytes = b"", service: str = "iam") -> Call:
    return Call(service, operation, "AKIA", "us-east-1", "POST", "/", "query", body)


class Wire:
    """Sends calls as botocore does, again where it was told or heard nothing."""

    def __init__(self, faulty: Faulty, attempts: int = 3) -> None:
        self.faulty, self.attempts = faulty, attempts
        self.effects: List[str] = []

    def send(self, operation: str, **more: Any) -> bool:
        for _attempt in range(self.attempts):
            made = call(operation, **more)
            try:
                if self.faulty(made, lambda made=made: (self.effects.append(made.operation), OK)[1]).status == 200:
                    return True
            except Dropped:
                pass
        return False


def wire(fault: Fault, **more: Any) -> Wire:
    signals: List[int] = []
    faulty = Faulty(fault, lambda _call, forward: forward(), signals.append, **more)
    made = Wire(faulty)
    made.signals = signals  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize("kind", [kind for kind in TRANSIENT if kind != "timeout"])
def test_a_storm_meets_each_call_once_each_time_it_is_made(kind: str) -> None:
    one = wire(Fault(kind))
    assert [one.send("CreateUser"), one.send("TagUser", body=b"a"), one.send("TagUser", body=b"b"), one.send("CreateUser")] == [True] * 4
    assert len(one.faulty.hits) == 4 and one.effects == ["CreateUser", "TagUser", "TagUser", "CreateUser"]


def test_a_storm_spares_what_nobody_repeats_and_busy_is_what_writes_to_iam_are_told() -> None:
    one = wire(Fault("internal"), spared=["iam:CreateAccessKey"])
    one.attempts = 1
    assert one.send("CreateAccessKey") and not one.send("CreateUser")
    busy = wire(Fault("ConcurrentModification"))
    busy.attempts = 1
    assert busy.send("GetUser") and busy.send("RunInstances", service="ec2") and not busy.send("CreateUser")


EFFECTS = {
    "lost answer": (["A", "B", "B"], []),
    "dead": (["A"], []),
    "denied": (["A", "B", "C"], []),
    "SIGINT": (["A", "B", "C"], [signal.SIGINT]),
    "SIGTERM": (["A", "B", "C"], [signal.SIGTERM]),
    "SIGKILL before": (["A"], [signal.SIGKILL]),
    "SIGKILL after": (["A", "B"], [signal.SIGKILL]),
}


@pytest.mark.parametrize("kind", HARD)
def test_a_hard_kind_at_the_second_call(kind: str) -> None:
    one = wire(Fault(kind, 1))
    one.attempts = 2 if kind == "denied" else 1
    for operation in ("A", "B", *(["B"] if kind == "lost answer" else ["C"])):
        one.send(operation)
    assert (one.effects, one.signals) == EFFECTS[kind]  # type: ignore[attr-defined]
    assert one.faulty.hits[0].operation == "B"


@pytest.mark.parametrize("service", ["iam", "ec2", "ssm"])
@pytest.mark.parametrize("kind", REFUSALS)
def test_refusals_are_read_by_botocore(kind: str, service: str) -> None:
    import boto3
    from botocore.awsrequest import AWSResponse

    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
    code, status = REFUSALS[kind]
    protocol = "json" if service == "ssm" else "query"
    answer = refusal(Call(service, "X", "", "", "POST", "/", protocol), code, status)

    class Raw:
        def stream(self) -> Any:
            yield answer.body

    operation = {"iam": "GetUser", "ec2": "DescribeInstances", "ssm": "GetParameter"}[service]
    client.meta.events.register("before-send", lambda **_event: AWSResponse("http://x", status, dict(answer.headers), Raw()))
    client.meta.events.register_first("needs-retry", lambda **_event: False)
    with pytest.raises(client.exceptions.ClientError) as caught:
        getattr(client, {"GetUser": "get_user", "DescribeInstances": "describe_instances"}.get(operation, "get_parameter"))(
            **({"Name": "x"} if service == "ssm" else {})
        )
    assert caught.value.response["Error"]["Code"] == code


def test_s3_asks_to_slow_down_as_s3_does() -> None:
    """By an answer to HEAD, which has a status and no code."""
    head = Call("s3", "HeadBucket", "", "", "HEAD", "/logs", "")
    assert {refusal(head, *REFUSALS[kind]).status for kind in ("Throttling", "RequestLimitExceeded")} == {503}
    assert refusal(head, *REFUSALS["denied"]).status == 403


def test_of_equal_calls_in_a_row_the_first_and_the_last_two_will_do() -> None:
    assert places(["a", "b", "b", "b", "b", "b", "c"]) == [0, 1, 4, 5, 6]


# The matrix


class Nothing:
    """As much of an emulator and its proxy as the engine asks for."""

    handler: Any = None

    def reset(self) -> None:
        pass

    def clear(self) -> None:
        pass


class World(Stage):
    """A run of two calls that make one thing. What is wrong with it, a test says."""

    name = "world"

    def __init__(self, **wrong: Any) -> None:
        super().__init__(Nothing(), Nothing(), None)  # type: ignore[arg-type]
        self.wrong = wrong

    def prepare(self) -> None:
        self.made: List[str] = []

    def plain(self) -> Any:
        return {}

    def run(self, environment: Any) -> Run:
        finishing = self.proxy.handler != self.watch and not isinstance(self.proxy.handler, Faulty)
        done, changed = True, False
        for operation in ("GetUser", "CreateUser"):
            for _attempt in range(self.wrong.get("attempts", 2)):
                done = False
                try:
                    answer = self.proxy.handler(call(operation), lambda operation=operation: self._effect(operation))
                except Dropped:
                    continue
                done = answer.status == 200
                changed = changed or (done and operation == "CreateUser" and self.new)
                if done or answer.status == 403:
                    break
            if not done:
                break
        killed = isinstance(self.proxy.handler, Faulty) and self.proxy.handler.fault.kind.startswith("SIGKILL")
        status = -9 if killed else 0 if done or self.wrong.get("lies") else 2
        tasks = [TaskResult("make", "localhost", "x", "ok" if done else "failed", {"changed": changed, "msg": self.wrong.get("msg", "no")})]
        assert not finishing
        return Run(status, "", self.wrong.get("stderr", "") if status else "", tasks, {}, {})

    def _effect(self, operation: str) -> Response:
        self.new = operation == "CreateUser" and ("user" not in self.made or bool(self.wrong.get("twice")))
        if self.new:
            self.made.append("user")
        return OK

    def end_state(self) -> Any:
        return list(self.made)

    def broken(self) -> List[str]:
        return [self.wrong["breaks"]] if self.wrong.get("breaks") and self.proxy.handler == self.watch and self.hit else []

    @property
    def hit(self) -> bool:
        return self.armed

    armed = False


def test_a_world_without_a_fault_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "kill_session", lambda _pid, _number: [])
    ledger = Ledger()
    matrix = Matrix(World(), ledger)
    undisturbed = matrix.undisturbed()
    assert undisturbed.calls == ("iam:GetUser", "iam:CreateUser") and undisturbed.end_state == ["user"]
    assert matrix.storm("internal", undisturbed) == 2
    for fault in cases(undisturbed):
        matrix.case(fault, undisturbed)
    assert ledger._counts["A fault at every call: world"] == {"calls": 2, "faults": 16, "runs": 15, "converged": 15}


WRONG = {
    "a traceback": ({"stderr": "Traceback (most recent call last):"}, Fault("denied", 1), "did not fail clearly"),
    "no message": ({"msg": " "}, Fault("denied", 1), "did not fail clearly"),
    "success that is none": ({"lies": True}, Fault("denied", 1), "another end"),
    "a second user": ({"twice": True}, Fault("lost answer", 1), "another end"),
    "no second attempt": ({"attempts": 1}, Fault("lost answer", 1), "did not get over one lost answer"),
    "a rule that does not hold": ({"breaks": "a second key"}, Fault("lost answer", 1), "a second key"),
    "a place that is never reached": ({}, Fault("denied", 7), "never got there"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "kill_session", lambda _pid, _number: [])
    wrong, fault, words = WRONG[name]
    undisturbed = Matrix(World(), Ledger()).undisturbed()
    stage = World(**wrong)
    stage.armed = True
    with pytest.raises(AssertionError, match=words) as caught:
        Matrix(stage, Ledger()).case(fault, undisturbed)
    assert "SEED=" in str(caught.value) and fault.kind in str(caught.value)


def test_a_storm_that_nobody_gets_through_is_noticed() -> None:
    undisturbed = Matrix(World(), Ledger()).undisturbed()
    with pytest.raises(AssertionError, match="did not get through"):
        Matrix(World(attempts=1), Ledger()).storm("internal", undisturbed)
