# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the tables of `_model` would notice a wrong rule: it is made wrong, slip by slip, and the unit tests are asked.

What survives is printed with its line. Each is a row that a table lacks, or a change that changes nothing, which ``EQUIVALENT`` names.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, List

import pytest

from tests.faults.bench import ALL, drawn
from tests.faults.mutants.mutate import Mutant, mutants
from tests.faults.mutants.run import MODEL, Verdict, attempt, load_others, module_of, passes_unchanged, watchers

SAMPLE, LONG = 10, 600
SECONDS = 900
"""Of the long form, after which it is judged by what it has tried."""
NEAREST = 4
"""Files of tests that the short form asks."""
RATE = 0.75
"""Of the mutants that is found out at least. Half of all mutants are words in tables: names of options and of fields, actions, patterns."""
SAMPLE_RATE = 0.6
"""The same for the short form, which asks fewer tests, and has so few mutants that one more or less is a tenth."""

EQUIVALENT = {
    "_model/audit/style.py": "the look of a page",
}
"""Changes that no test can notice, or needs to: the end of a file's name, or all of its mutant's words, and why."""


def all_mutants() -> List[Mutant]:
    found = [mutant for path in sorted(MODEL.rglob("*.py")) for mutant in mutants(path)]
    return [mutant for mutant in found if not any(str(mutant).startswith(known) for known in EQUIVALENT)]


def chosen() -> List[Mutant]:
    """Return mutants of as many different modules as there are, before a second one of any."""
    # Each has a place of its own: a shuffle of all would draw others whenever a line is added anywhere.
    found = sorted(all_mutants(), key=lambda one: drawn("mutant", one.path.name, one.function, one.what).random())
    seen: Counter[str] = Counter()
    turns = []
    for mutant in found:
        turns.append((seen[str(mutant.path)], len(turns), mutant))
        seen[str(mutant.path)] += 1
    return [mutant for _turn, _place, mutant in sorted(turns)][: LONG if ALL else SAMPLE]


def test_wrong_rules_are_noticed(ledger: Any, capsys: pytest.CaptureFixture[str]) -> None:
    load_others()
    started, verdicts = time.monotonic(), []
    for mutant in chosen():
        verdicts.append(attempt(mutant, 0 if ALL else NEAREST))
        if ALL and time.monotonic() - started > SECONDS:
            break
    alive = [verdict for verdict in verdicts if not verdict.killed]
    with capsys.disabled():
        print(f"\n{len(verdicts)} wrong rules, {len(verdicts) - len(alive)} noticed")  # noqa: T201
        for verdict in alive:
            print(f"  not noticed: {verdict.mutant}")  # noqa: T201
    # A mutant counts as noticed only where the same tests pass without it.
    falsely = [verdict for verdict in verdicts[:3] if verdict.killed and not unchanged(verdict)]
    assert not falsely, "the unit tests fail without any change"
    ledger.add("Hostile input: wrong rules in the model", cases=len(verdicts), converged=len(verdicts) - len(alive))
    rate = RATE if ALL else SAMPLE_RATE
    assert len(alive) <= (1 - rate) * len(verdicts), "\n".join(str(verdict.mutant) for verdict in alive)


def unchanged(verdict: Verdict) -> bool:
    tests = watchers(module_of(verdict.mutant.path))
    return passes_unchanged(tests if ALL else tests[:NEAREST])


def test_each_module_has_a_test_that_knows_it() -> None:
    empty = [path for path in MODEL.rglob("*.py") if mutants(path) and not watchers(module_of(path))]
    assert not empty
