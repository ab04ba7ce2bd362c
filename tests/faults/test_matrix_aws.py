# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault at every call of the playbooks of AWS's side, and signals at every step of a lease.

Each case runs the playbook's tasks with what the playbook tells them, which is shown to make the same calls; some run the playbook whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterator, List, Tuple, Type

import pytest

from tests.faults.audit_stage import Audited
from tests.faults.aws_stages import OWNER, Absent, Access, Changed, FourRoles, Migrated, Profiles, TaskStage
from tests.faults.bench import ALL, Ledger, drawn, sample
from tests.faults.kinds import BUSY, HARD, SIGNALS, TRANSIENT, Fault, places
from tests.faults.lease_stages import Lease, LeaseOfInstance, LeaseOfUser
from tests.faults.matrix import Matrix, Undisturbed, cases
from tests.faults.session_stage import Sessions
from tests.support.emulators import Emulator
from tests.support.recording_proxy import READS, Call, Dropped, Forward, RecordingProxy, Response

MODULES: List[Type[TaskStage]] = [Access, Changed, Absent, Sessions, Migrated, Profiles, Audited]
LEASES: List[Type[TaskStage]] = [Lease, LeaseOfUser, LeaseOfInstance]
STAGES = sample("stages of identities", MODULES, 1) + sample("stages of a lease", LEASES, 1)
CASES = 6
"""How many of a stage's cases the short form tries."""
SIGNALLED = ("SIGINT", "SIGTERM")
"""What a module on this machine dies of as of SIGKILL: tried on leases, which hold signals back, and on whole playbooks."""

_KNOWN: Dict[str, Undisturbed] = {}


@pytest.fixture
def prepared(request: pytest.FixtureRequest, tmp_path: object, ledger: Ledger) -> Iterator[Tuple[Matrix, Undisturbed]]:
    """The stage that a test names as its first parameter, and what it does undisturbed."""
    made: Type[TaskStage] = request.param
    aws = request.getfixturevalue(made.emulator)
    with RecordingProxy(aws.endpoint_url) as proxy:
        stage = made(aws, proxy, tmp_path)
        matrix = Matrix(stage, ledger)
        if made.name not in _KNOWN:
            _KNOWN[made.name] = stage.both(matrix)
        stage.whole = False
        yield matrix, _KNOWN[made.name]
        stage.close()


def kinds_of(made: Type[TaskStage]) -> List[str]:
    if made is Audited:  # nothing is half done by who reads
        return [kind for kind in HARD if kind not in SIGNALS]
    return [kind for kind in HARD if made in LEASES or kind not in SIGNALLED]


def parts() -> Iterator[Tuple[Type[TaskStage], str]]:
    for made in STAGES:
        yield from ((made, kind) for kind in (kinds_of(made) if ALL else ["a sample"]))


def tells(fault: Fault, undisturbed: Undisturbed) -> bool:
    """Return whether a case is another than the rest.

    A read has no effect: killed after it is killed before the next call, and its answer is lost as in a storm of ``reset before``.
    """
    reads = READS.match(undisturbed.calls[fault.at].partition(":")[2])
    return fault.at in places(list(undisturbed.calls)) and not (reads and fault.kind in ("SIGKILL after", "lost answer"))


@pytest.mark.parametrize(("prepared", "kind"), list(parts()), indirect=["prepared"])
def test_a_hard_fault_at_every_call(prepared: Tuple[Matrix, Undisturbed], kind: str) -> None:
    matrix, undisturbed = prepared
    kinds = kinds_of(type(matrix.stage)) if kind == "a sample" else [kind]  # type: ignore[arg-type]
    due = [fault for fault in cases(undisturbed, kinds) if tells(fault, undisturbed)]
    for fault in sample(f"{matrix.stage.name} {kind}", due, CASES):
        matrix.case(fault, undisturbed)


def storms() -> List[Tuple[Type[TaskStage], str]]:
    """All kinds on all stages; on four roles it is the playbook whole."""
    whole = [(FourRoles, kind) for kind in TRANSIENT] if ALL else []
    return whole + sample("storms", [(made, kind) for made in STAGES for kind in TRANSIENT], 2)


@pytest.mark.parametrize(("prepared", "kind"), storms(), indirect=["prepared"])
def test_the_first_attempt_of_every_call_fails(prepared: Tuple[Matrix, Undisturbed], kind: str) -> None:
    matrix, undisturbed = prepared
    if kind in BUSY and not any(call.startswith("iam:") for call in undisturbed.calls):
        pytest.skip("asks IAM nothing")
    matrix.stage.whole = isinstance(matrix.stage, FourRoles)  # type: ignore[attr-defined]
    matrix.storm(kind, undisturbed)


SINGLE = [kind for kind in TRANSIENT if kind not in BUSY]


@pytest.mark.parametrize("prepared", [LeaseOfUser], indirect=True)
@pytest.mark.parametrize("kind", sample("kinds at what is made once", SINGLE, 1))
def test_what_is_made_once_is_not_repeated(prepared: Tuple[Matrix, Undisturbed], kind: str) -> None:
    """The one attempt fails: so does the run, or AWS said that nothing was done. The next run finishes it."""
    matrix, undisturbed = prepared
    matrix.case(Fault(kind, undisturbed.calls.index("iam:CreateAccessKey")), undisturbed)


def whole() -> List[Tuple[Type[TaskStage], str, int]]:
    """Return stages, kinds, and how many of a hundred parts of the way the run has gone."""
    random = drawn("whole playbooks")
    every = [(made, kind, random.randrange(100)) for made in ((Changed, LeaseOfUser) if ALL else STAGES) for kind in HARD]
    return every if ALL else random.sample(every, 1)


@pytest.mark.parametrize(("prepared", "kind", "part"), whole(), indirect=["prepared"])
def test_the_whole_playbook(prepared: Tuple[Matrix, Undisturbed], kind: str, part: int) -> None:
    matrix, undisturbed = prepared
    matrix.stage.whole = True  # type: ignore[attr-defined]
    matrix.case(Fault(kind, part * len(undisturbed.calls) // 100), undisturbed)


def test_what_somebody_else_makes_at_that_moment_is_not_taken_for_ones_own(moto: Emulator, tmp_path: Path, ledger: Ledger) -> None:
    """The answer is lost as well: all that is heard of it is that a user of that name exists."""
    iam = moto.client("iam")

    def faster(call: Call, forward: Forward) -> Response:
        name = call.parameters["UserName"] if call.operation == "CreateUser" else ""
        if name and name not in [user["UserName"] for user in iam.list_users()["Users"]]:
            iam.create_user(UserName=name, Path="/hybridops/", Tags=[{**OWNER, "Value": "blue"}])
            raise Dropped
        return forward()

    with RecordingProxy(moto.endpoint_url, handler=faster) as proxy:
        stage = Access(moto, proxy, tmp_path)
        stage.prepare()
        run = stage.run(stage.plain())
    assert run.rc == 2 and "cwagent-web1" in run.failures[0].msg and "blue" in run.failures[0].msg, run
    assert iam.list_user_tags(UserName="cwagent-web1")["Tags"] == [{**OWNER, "Value": "blue"}]
    assert iam.list_attached_user_policies(UserName="cwagent-web1")["AttachedPolicies"] == []
    ledger.add(f"A fault at every call: {Access.name}", faults=1, runs=1, refused=1)
