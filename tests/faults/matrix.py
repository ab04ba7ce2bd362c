# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault at every call of a playbook: the run fails clearly or succeeds, and the next plain run comes to the same end."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from tests.faults.bench import SEED, Ledger
from tests.faults.kinds import BUSY, CLIENT, EVERY, HARD, Fault, Faulty
from tests.support.emulators import Emulator
from tests.support.playbook import Run, kill_session, run_playbook
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response

UNCLEAR = re.compile(r"Traceback \(most recent call last\)|MODULE FAILURE|Unexpected failure|unexpected exception|object has no attribute")
"""What output says that was not written for its reader."""
PLAIN_RUNS = 4
"""So many plain runs are far more than a stage may need to converge."""


class Stage:
    """A playbook, and the account and host that it runs on.

    :param aws: the emulator, which has been emptied.
    :param proxy: stands before it.
    :param scratch: a folder of this stage's own.
    """

    name = ""
    """The row of the ledger: the playbook and, where it has several stages, what the run does."""
    emulator = "moto"
    single: Sequence[str] = ("iam:CreateAccessKey", "ssm:CreateActivation")
    """Calls that are never repeated: where their answer is lost, the run says so and fails. All others are, and it succeeds."""

    def __init__(self, aws: Emulator, proxy: RecordingProxy, scratch: Path) -> None:
        self.aws, self.proxy, self.scratch = aws, proxy, scratch
        self.aws_config: Dict[str, Any] = {}
        """What a run is to be given as ``aws_agents_aws_config``, for the kind that is tried now."""
        self.pid = 0
        """The run's."""

    # What a stage says

    def prepare(self) -> None:
        """Bring account and host to the start. The emulator is empty."""

    def run(self, environment: Mapping[str, str]) -> Run:
        """Run the playbook as a user does; ``play`` is the way."""
        raise NotImplementedError

    def end_state(self) -> Any:
        """Return all that the account and the host hold, without ids, dates and secrets."""
        raise NotImplementedError

    def broken(self) -> List[str]:
        """Return the rules that do not hold now, in words."""
        return []

    def left(self, fault: Fault, run: Run) -> List[str]:
        """Return what a run that failed should not have left behind, before anything finishes it."""
        return []

    def finish(self) -> int:
        """Run the plain playbook until it has nothing left to do; return how often it changed something."""
        for done in range(PLAIN_RUNS):
            if not self.run(self.plain()).ok().changed:
                return done
        raise AssertionError(f"{self.name}: {PLAIN_RUNS} plain runs in a row changed something")

    def close(self) -> None:
        """End what ``prepare`` started on this machine."""

    def watch(self, call: Call, forward: Forward) -> Response:
        """Look at a call that gets through, and pass it on."""
        return forward()

    # What a stage uses

    def kill(self, number: int) -> None:
        """Send a signal to all processes of the run."""
        kill_session(self.pid, number)

    def plain(self) -> Dict[str, str]:
        """Return the environment of a run: the operator, by the proxy."""
        return {**self.aws.environment(), "AWS_ENDPOINT_URL": self.proxy.url}

    def play(
        self,
        playbook: Union[str, Sequence[Mapping[str, Any]]],
        environment: Mapping[str, str],
        inventory: Union[Path, Mapping[str, Any], None] = None,
        variables: Optional[Mapping[str, Any]] = None,
        arguments: Sequence[str] = (),
    ) -> Run:
        """Run a playbook so that the engine finds its processes."""
        given = {**(variables or {}), **({"aws_agents_aws_config": self.aws_config} if self.aws_config else {})}
        return run_playbook(playbook, self.scratch / "run", arguments, inventory, given, environment, timeout=900, on_start=self.started)

    def started(self, pid: int) -> None:
        """Take down which process the run is, for the kinds that end it."""
        self.pid = pid


@dataclass(frozen=True)
class Undisturbed:
    """What a run does when nothing happens to it."""

    calls: Tuple[str, ...]
    end_state: Any
    run: Run


class Matrix:
    """Tries faults on a stage, and counts them."""

    def __init__(self, stage: Stage, ledger: Ledger, part: str = "A fault at every call") -> None:
        self.stage, self._ledger, self._part = stage, ledger, f"{part}: {stage.name}"

    def undisturbed(self) -> Undisturbed:
        """Run once with nothing in the way. Once more changes nothing, or the end is none."""
        seen = self.seen()
        again = self.stage.finish() == 0 and self.stage.end_state() == seen.end_state
        assert again, f"{self._part}: undisturbed, and another run changed something\n{seen.run}"
        self._ledger.add(self._part, calls=len(seen.calls))
        return seen

    def seen(self) -> Undisturbed:
        """Run once with nothing in the way."""
        run, faulty = self._tried(Fault())
        self._require(Fault(), faulty, run, run.rc == 0, "it failed")
        broken = self.stage.broken()
        self._require(Fault(), faulty, run, not broken, f"broken: {broken}")
        return Undisturbed(tuple(str(call) for call in faulty.calls), self.stage.end_state(), run)

    def storm(self, kind: str, undisturbed: Undisturbed) -> int:
        """Let the first attempt of every call meet a transient kind. The run succeeds all the same; return to how many calls it happened.

        Calls of ``Stage.single`` are spared: what happens to those is a matter for ``case``.
        """
        fault = Fault(kind, EVERY)
        run, faulty = self._tried(fault)
        self._require(fault, faulty, run, run.rc == 0, "the run did not get through")
        self._ended(fault, faulty, run, undisturbed)
        due = {call for call in undisturbed.calls if call not in self.stage.single}
        least = len({str(call) for call in faulty.calls if call.write and call.service == "iam"} & due if kind in BUSY else due)
        self._require(fault, faulty, run, len(faulty.hits) >= least, "it happened to too few calls")
        self._ledger.add(self._part, faults=len(faulty.hits), runs=1, converged=1)
        return len(faulty.hits)

    def case(self, fault: Fault, undisturbed: Undisturbed) -> Run:
        """Let one call meet a hard kind: the run fails clearly or is what it says, and plain runs come to the same end."""
        run, faulty = self._tried(fault)
        self._require(fault, faulty, run, bool(faulty.hits), "the run never got there")
        self._require(fault, faulty, run, _clear(run, fault), "it did not fail clearly")
        repeated = fault.kind == "lost answer" and str(faulty.hits[0]) not in self.stage.single
        self._require(fault, faulty, run, run.rc == 0 or not repeated, "it did not get over one lost answer")
        if run.rc:
            left = self.stage.left(fault, run)
            self._require(fault, faulty, run, not left, f"it left behind: {left}")
            try:
                self.stage.finish()
            except AssertionError as error:
                raise AssertionError(
                    f"{self._where(fault, faulty)}: the next plain run failed\n{error}\nthe run before it: {run}"
                ) from error
        self._ended(fault, faulty, run, undisturbed)
        self._ledger.add(self._part, faults=1, runs=1, converged=1)
        return run

    def _tried(self, fault: Fault) -> Tuple[Run, Faulty]:
        stage = self.stage
        stage.proxy.handler = stage.watch
        stage.aws.reset()
        stage.prepare()
        stage.pid, stage.aws_config = 0, dict(CLIENT.get(fault.kind, {}))
        faulty = Faulty(fault, stage.watch, stage.kill, stage.single)
        stage.proxy.clear()
        stage.proxy.handler = faulty
        try:
            run = stage.run(stage.plain())
        finally:
            stage.proxy.handler, stage.aws_config = stage.watch, {}
        return run, faulty

    def _ended(self, fault: Fault, faulty: Faulty, run: Run, undisturbed: Undisturbed) -> None:
        end = self.stage.end_state()
        self._require(fault, faulty, run, end == undisturbed.end_state, f"another end:\n{end}\nin place of\n{undisturbed.end_state}")
        broken = self.stage.broken()
        self._require(fault, faulty, run, not broken, f"broken: {broken}")

    def _require(self, fault: Fault, faulty: Faulty, run: Run, holds: bool, what: str) -> None:
        if not holds:
            raise AssertionError(f"{self._where(fault, faulty)}: {what}\n{run}")

    def _where(self, fault: Fault, faulty: Faulty) -> str:
        hit = ", ".join(map(str, faulty.hits[:3])) + (f" and {len(faulty.hits) - 3} more" if len(faulty.hits) > 3 else "")
        return f"{self._part}: {fault} ({hit or 'none'}), SEED={SEED}"


def cases(undisturbed: Undisturbed, kinds: Sequence[str] = HARD) -> List[Fault]:
    """Return one fault per place and hard kind."""
    return [Fault(kind, at) for at in range(len(undisturbed.calls)) for kind in kinds]


def _clear(run: Run, fault: Fault) -> bool:
    if UNCLEAR.search(run.stdout + run.stderr):
        return False
    if fault.kind.startswith("SIGKILL"):
        return run.rc == -signal.SIGKILL
    if run.rc == 0:
        return True
    if fault.kind in ("SIGINT", "SIGTERM"):
        return True
    return bool(run.failures) and all(task.msg.strip() for task in run.failures)
