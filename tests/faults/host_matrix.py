# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stages of playbooks for hosts share: hosts in folders of this machine, connections that can be cut, runs till all is settled."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.bench import SEED
from tests.faults.direct import Step, run_steps
from tests.faults.kinds import Fault, places
from tests.faults.matrix import Matrix, Stage
from tests.support import iam_state
from tests.support.playbook import kill_session

COLLECTION = "hybridops.aws_agents"
HERE = Path(__file__).parent
HURRY = HERE.parent / "support" / "hurry"
CONNECTIONS = HERE / "connections"
CUTS = (
    "cut before", "cut after", "gone before", "gone after", "SIGKILL before", "SIGKILL after", "SIGINT", "SIGTERM",
)  # fmt: skip
"""What may happen to a connection at one of the commands that are run on the host: see ``connections/cut.py``."""
PATIENCE = 60.0
"""Seconds until a process of a run that was ended must be gone."""


@dataclass(frozen=True)
class Cut(Fault):
    """What happens to the connection to a host, at a command there."""

    def __str__(self):
        return f"{self.kind} at command {self.at} on the host"


class HostStage(Stage):
    """A playbook for hosts, each of which is this machine in a folder."""

    emulator = "ministack"
    playbook = "onprem"
    hosts = ("web1",)
    writes_iam = False
    """Whether an undisturbed run changes something in IAM, which alone is busy for a moment."""
    root = ""
    """The folder in place of ``/`` for SSM Agent, where a stage has one."""
    waits = (0.0, 0.0, 0.0)
    """How long it is until each of the plain runs that follow, in seconds. The last of them has nothing left to do."""

    def __init__(self, *given):
        super().__init__(*given)
        self.cut = Fault()
        self.folder = self.scratch / "hosts"
        self.settled = False
        self.processes = set()
        self.reached = 0
        """How many commands the last run had on hosts."""
        self.said = []
        """What was wrong after a run, in words."""
        self.steps_to = None
        """Where the first run writes its tasks down."""
        self.steps = []
        """What the tasks of the playbook are told. With them runs do without the playbook around them: see ``direct``."""

    # What a stage says

    def host(self, name):
        """Return the variables of a host."""
        return {}

    def variables(self):
        return {}

    def passed(self, seconds):
        """Let time pass."""

    def looked(self, run):
        """Look at what there is after a run."""

    def unfinished(self, run):
        """Return whether something is left to do, by what a run said."""
        return bool(run.changed)

    def put_off(self, run):
        """Return whether a run did nothing, and said when to run again."""
        return False

    def places(self, calls):
        """Return the numbers of the calls at which a run is to be broken off."""
        return places(list(calls))

    def close(self):
        """End what goes on by itself."""

    # What the engine asks

    def prepare(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.said = []

    def run(self, environment):
        for name in ("commands", "gone"):
            (self.folder / name).unlink(missing_ok=True)
        self.settled = False
        self.processes = set()
        cut = {"CUT": f"{self.cut.kind}:{self.cut.at}"} if self.cut.kind else {}
        more = {
            "PYTHONPATH": str(HURRY),
            "ANSIBLE_CONNECTION_PLUGINS": str(CONNECTIONS),
            "CUT_FOLDER": str(self.folder),
            "CUT_ROOT": self.root,
            "PATH": f"{self.root or self.folder}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}",
            **cut,
        }
        if self.steps_to and not self.steps_to.exists():
            more.update(self._told())
        run = self._tasks({**environment, **more}) if self.steps else self._playbook({**environment, **more})
        self._ended()
        self.reached = self.commands()
        self.looked(run)
        return run

    def _playbook(self, environment):
        given = {"ansible_connection": "cut", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {name: {**given, **self.host(name)} for name in self.hosts}
        inventory = {"all": {"children": {"onprem": {"hosts": hosts}}}}
        return self.play(f"{COLLECTION}.{self.playbook}", environment, inventory, self.variables())

    def _tasks(self, environment):
        more = {"aws_config": self.aws_config} if self.aws_config else {}
        steps = [replace(step, options={**step.options, **more, **self.options(step)}) for step in self.steps]
        return run_steps(steps, environment, self.started)

    def _told(self):
        """Return the environment in which a run writes its tasks down."""
        folders = [HERE / "callback", HERE.parent / "support" / "callback"]
        return {
            "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(map(str, folders)),
            "ANSIBLE_CALLBACKS_ENABLED": "record,steps",
            "STEPS_TO": str(self.steps_to),
        }

    def options(self, step):
        """Return options of a task that are others now than they were in the run that it was taken from."""
        return {}

    def kill(self, number):
        """Processes that undo what they began go on when the run has ended."""
        self.processes |= set(kill_session(self.pid, number))

    def _ended(self):
        pids = self.folder / "pids"
        self.processes |= set(map(int, pids.read_text().split())) if pids.exists() else set()
        deadline = time.monotonic() + PATIENCE
        while any(_lives(pid) for pid in self.processes):
            assert time.monotonic() < deadline, f"{self.name}: a process of the run did not end"
            time.sleep(0.05)

    def commands(self):
        """Return how many commands the last run had on hosts."""
        log = self.folder / "commands"
        return len(log.read_text()) if log.exists() else 0

    def settle(self):
        """Run plainly until nothing is left to do."""
        self.cut = Fault()
        for seconds in self.waits:
            self.passed(seconds)
            run = self.run(self.plain())
            if not self.put_off(run) and not self.unfinished(run.ok()):
                self.settled = True
                return
        raise AssertionError(f"{self.name}: {len(self.waits)} plain runs were not enough, and the last one says: {run}")

    def finish(self):
        if not self.settled:
            self.settle()
            return 0
        changed = len(self.run(self.plain()).ok().changed)
        self.settled = not changed
        return changed

    def end_state(self):
        if not self.settled:
            self.settle()
        return self.ends()

    def ends(self):
        """Return what there is in the end."""
        users = iam_state.of(self.aws)["users"]
        for user in users.values():
            user["tags"] = {name: value for name, value in user["tags"].items() if "/retired/" not in name}
        return {"users": users, "files": self.files()}

    def files(self):
        """Return which files the hosts have, and their modes."""
        skipped = ("commands", "gone", "pids")
        found = [path for path in self.folder.rglob("*") if path.is_file() and path.name not in skipped]
        return {str(path.relative_to(self.folder)): oct(path.stat().st_mode & 0o7777) for path in found}

    def broken(self):
        if not self.settled:
            self.settle()
        return [*self.said, *self.wrong()]

    def wrong(self):
        """Return what is against the rules in the end, in words."""
        return []


class HostMatrix(Matrix):
    """Faults of calls, and of connections to hosts."""

    first_commands = 0
    """How many commands an undisturbed run has on hosts."""

    def _tried(self, fault):
        run, faulty = super()._tried(fault)
        self.first_commands = self.first_commands or self.stage.reached
        return run, faulty

    def both(self):
        """Run undisturbed, as a playbook and by its tasks, which makes no difference. The stage goes on by its tasks."""
        self.stage.steps_to = self.stage.scratch / "steps.jsonl"
        whole = self.undisturbed()
        rows = map(json.loads, self.stage.steps_to.read_text().splitlines())
        self.stage.steps = [Step(*row) for row in rows]
        alone = self.undisturbed()
        assert set(whole.calls) == set(alone.calls) and whole.end_state == alone.end_state, f"{self._part}: {whole}\n{alone}"
        return alone

    def cut(self, kind, at, undisturbed):
        """Let something happen at one command on a host: plain runs come to the same end."""
        fault = self.stage.cut = Cut(kind, at)
        run, faulty = self._tried(Fault())
        where = f"{self._part}: {fault}, SEED={SEED}"
        self.stage.cut = Fault()
        assert self.stage.reached > at, f"{where}: the run never got there\n{run}"
        self._require(fault, faulty, run, "Traceback" not in run.stdout + run.stderr, f"{where}: it did not fail clearly")
        try:
            self.stage.finish()
        except AssertionError as error:
            raise AssertionError(f"{where}: the next plain run failed\n{error}\nthe run before it: {run}") from error
        self._ended(fault, faulty, run, undisturbed)
        self._ledger.add(self._part, faults=1, runs=1, converged=1)
        return run


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
