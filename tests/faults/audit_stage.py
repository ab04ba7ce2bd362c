# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``audit`` as a stage for ``matrix``: it changes nothing, and what it could not see it never takes for sound."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from tests.faults.aws_stages import HOSTS, TaskStage
from tests.faults.direct import steps_of
from tests.faults.matrix import Matrix, Undisturbed
from tests.integration.audit_site import make_mess
from tests.support import iam_state
from tests.support.playbook import Run
from tests.support.recording_proxy import Call, Forward, Response

INFO = "hybridops.aws_agents.access_info"
Findings = Set[Tuple[str, str]]


class Audited(TaskStage):
    """An account in which much is not as it should be."""

    name = "audit"
    playbook = "audit"
    emulator = "ministack"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.wrong: Optional[Findings] = None
        """What there is to find, as an undisturbed run says it."""

    def prepare(self) -> None:
        make_mess(self.aws)
        self.wrote: List[str] = []
        self.last: Optional[Run] = None

    def variables(self) -> Dict[str, Any]:
        return {"aws_agents_roles": ["cwagent_server"]}

    def inventory(self) -> Any:
        return HOSTS

    def learn(self, run: Run) -> None:
        """What a role would change, the playbook asks in check mode. The other tasks are told what came of it."""
        self.steps[self.name] = [step for step in steps_of(run) if not step.action.endswith(".iam_identities")]

    def both(self, matrix: Matrix) -> Undisturbed:
        self.whole, self.wrong = True, None
        self.learn(matrix.seen().run)
        self.whole = False
        return matrix.undisturbed()

    def run(self, environment: Mapping[str, str]) -> Run:
        self.last = super().run(environment)
        return self.last

    def watch(self, call: Call, forward: Forward) -> Response:
        if call.write:
            self.wrote.append(str(call))
        return forward()

    def end_state(self) -> Any:
        return iam_state.of(self.aws)

    def broken(self) -> List[str]:
        found = [f"it wrote: {write}" for write in self.wrote]
        if self.last is None or self.last.rc:
            return found
        said = _findings(self.last)
        if self.wrong is None:
            assert len(said) > 15, f"there is more to find: {said}"
            self.wrong = said
        missed = self.wrong - said
        if missed and not any(kind == "not-seen" for kind, _object in said):
            found.append(f"it missed, and says that it saw all: {sorted(missed)}")
        return found

    def finish(self) -> int:
        run = self.run(self.plain())
        assert run.rc == 0 and _findings(run) >= (self.wrong or set()), run
        return 0


def _findings(run: Run) -> Findings:
    (seen,) = [task for task in run.tasks if task.action == INFO]
    # An activation's id is another in each account.
    return {(one["id"], one["object"].split(" ")[0] if one["id"].startswith("activation") else _named(one["object"]))
            for one in seen.result["findings"]}  # fmt: skip


def _named(words: str) -> str:
    return " ".join("…" if word.startswith(("AKIA", "LKIA", "mi-")) else word for word in words.split())
