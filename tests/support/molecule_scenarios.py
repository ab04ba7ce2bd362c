# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Molecule's scenarios, several at a time, and say how often each called its hosts: ``python -m tests.support.molecule_scenarios``.

With podman and the images of the host tests, unless ``MOLECULE_ENGINE`` names another engine.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

import yaml

from .systemd_hosts import PODMAN, SUITES, Hosts, make_image

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "extensions" / "molecule"
OUTPUT = ROOT / "tests" / "output" / "molecule"
LIMITS = "--ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000"
"""The default limits of podman cannot be set on every machine."""


@dataclass(frozen=True)
class Outcome:
    """What came of one scenario."""

    name: str
    good: bool
    seconds: float
    log: Path
    runs: List[Dict[str, Any]] = field(default_factory=list)
    """What the callback ``round_trips`` wrote, in order."""

    def table(self) -> List[List[str]]:
        """Return a row for each host that was called, and one for the scenario where none was. Empty when it did not get so far."""
        runs = [run for run in self.runs if run["playbook"] == "converge.yml" and not run["check"]]
        if len(runs) < 2:
            return []
        first, repeat = runs[0], runs[-1]
        hosts = sorted(first["round_trips"].keys() | repeat["round_trips"].keys())
        return [
            [
                self.name,
                host,
                *(str(run["round_trips"].get(host, 0)) for run in (first, repeat)),
                *(f"{run['seconds']:.0f}" for run in (first, repeat)),
            ]
            for host in hosts or ["none"]
        ]


HEAD = ["scenario", "host", "executions, first run", "executions, repeat run", "seconds, first run", "seconds, repeat run"]


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [HEAD, ["---"] * len(HEAD), *rows])


def names() -> List[str]:
    """Return the names of the scenarios, those with the most hosts first: they take the longest."""
    found = {path.parent.name: _hosts(path.parent) for path in SCENARIOS.glob("*/molecule.yml")}
    return sorted(found, key=lambda name: (-found[name], name))


def _hosts(scenario: Path) -> int:
    inventory = yaml.safe_load((scenario / "inventory" / "hosts.yml").read_text())
    return len(inventory.get("containers", {}).get("hosts", ()))


def environment(given: Mapping[str, str]) -> Dict[str, str]:
    """Return the environment in which Molecule runs. Makes the images when no engine is named."""
    own = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)]),
        "MOLECULE_COMMAND_BORDERS": "false",
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
    }
    if "MOLECULE_ENGINE" in given:
        return {**given, **own}
    images = {f"MOLECULE_IMAGE_{suite.upper()}": make_image(suite) for suite in SUITES}
    return {**given, **own, **images, "MOLECULE_ENGINE": shlex.join(PODMAN), "MOLECULE_RUN_ARGUMENTS": LIMITS}


def run(name: str, variables: Mapping[str, str]) -> Outcome:
    """Run one scenario; remove what it left when it failed."""
    scratch, log = OUTPUT / name, OUTPUT / f"{name}.log"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    started = time.monotonic()
    # Molecule's own place is the same for each checkout in a folder of the same name.
    here = {**variables, "MOLECULE_EPHEMERAL_DIRECTORY": str(scratch)}
    with log.open("wb") as output:
        done = _molecule(["test", "--scenario-name", name], here, output)
        if done != 0:
            _molecule(["destroy", "--scenario-name", name], here, output)
    runs = scratch / "runs.jsonl"
    lines = runs.read_text().splitlines() if runs.exists() else []
    return Outcome(name, done == 0, time.monotonic() - started, log, [json.loads(line) for line in lines])


def _molecule(arguments: List[str], variables: Mapping[str, str], output: Any) -> int:
    command = [sys.executable, "-m", "molecule", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=dict(variables), stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    ).returncode


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="molecule_scenarios", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="default: all")
    parser.add_argument("--workers", type=int, default=1, help="how many at a time")
    given = parser.parse_args(arguments)
    unknown = set(given.scenario) - set(names())
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}. There are {', '.join(names())}.")
    variables = environment(os.environ)
    outcomes: List[Outcome] = []
    # A host that stays keeps the address of podman's bridge what it is while the containers of scenarios come and go.
    with nullcontext() if "MOLECULE_ENGINE" in os.environ else Hosts(1), ThreadPoolExecutor(given.workers) as pool:
        for outcome in pool.map(lambda name: run(name, variables), given.scenario or names()):
            outcomes.append(outcome)
            if not outcome.good:
                _say(outcome.log.read_text(errors="replace"))
            _say(f"{outcome.name}: {'passed' if outcome.good else 'FAILED'} in {outcome.seconds:.0f} s")
    _say("\n" + markdown(row for outcome in outcomes for row in outcome.table()))
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
