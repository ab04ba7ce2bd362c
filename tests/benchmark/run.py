# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the benchmark: ``python -m tests.benchmark.run [--rounds 5] [scenario …]``. Figures of scenarios that are not run stay."""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

from . import page, plot
from .measure import Cost, run
from .places import PLACES, Place, differences
from .scenarios import PEER, SCENARIOS, Scenario

Samples = Dict[str, Dict[str, List[Dict[str, Any]]]]


class NotTheSame(Exception):
    """Two contenders did not reach the same end state, so that their costs say nothing."""


def measured(scenario: Scenario, rounds: int) -> Samples:
    """Return the costs of each turn of each contender, the contenders taking turns.

    :raises NotTheSame: when they leave different end states.
    """
    with PLACES[scenario.place](scenario) as place:
        samples: Samples = {turn: {who: [] for who in scenario.contenders} for turn in place.turns}
        for number in range(min(rounds, scenario.rounds or rounds)):
            left = {}
            for who in scenario.contenders:
                place.empty(who)
                for turn in place.turns:
                    cost = _once(place, scenario.contenders[who])
                    samples[turn][who].append(dataclasses.asdict(cost))
                    print(f"{scenario.name} {number + 1}: {who}, {turn}: {cost.seconds:.1f} s, {cost.calls} calls", flush=True)
                left[who] = place.end_state()
            for who in scenario.contenders if PEER in left else ():
                if apart := list(differences(left[who], left[PEER])):
                    raise NotTheSame(f"{scenario.name}: {who} left another end state than {PEER}:\n" + "\n".join(apart))
    return samples


def _once(place: Place, playbook: str) -> Cost:
    return run(playbook, place.scratch / "run", place.proxy, place.environment, place.inventory(), **place.variables())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run; the median counts")
    parser.add_argument("--figures", type=Path, default=page.FIGURES)
    given = parser.parse_args()
    figures = json.loads(given.figures.read_text()) if given.figures.exists() else {}
    for name in given.scenarios or SCENARIOS:
        figures[name] = {
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            "date": time.strftime("%Y-%m-%d"),
            "samples": measured(SCENARIOS[name], given.rounds),
        }
        given.figures.write_text(json.dumps(figures, indent=1) + "\n")
    page.write(figures)
    if "users" in figures:
        plot.write(figures)


if __name__ == "__main__":
    sys.exit(main())
