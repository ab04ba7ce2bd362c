# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of the bench runs, from which seed, and what it counted.

``make faults`` sets ``FAULTS=all``; without it a sample runs, which a seed draws. ``SEED`` draws another.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Dict, List, Sequence, TypeVar

ALL = os.environ.get("FAULTS") == "all"
SEED = int(os.environ.get("SEED", "1"))
OUTPUT = Path(__file__).resolve().parents[1] / "output" / "faults"

Case = TypeVar("Case")


def drawn(name: str, *more: object) -> random.Random:
    """Return a source of randomness that is the same in each run of a seed, whatever else is drawn."""
    return random.Random(repr((SEED, name, *more)))  # noqa: S311  (draws cases, hides nothing)


def sample(name: str, cases: Sequence[Case], short: int) -> List[Case]:
    """Return all cases in the long form, and in the short one so many of them, in their order."""
    if ALL or len(cases) <= short:
        return list(cases)
    return [cases[at] for at in sorted(drawn(name).sample(range(len(cases)), short))]


class Ledger:
    """What one process of the bench counted, by part and figure."""

    def __init__(self) -> None:
        self._counts: Dict[str, Counter[str]] = {}

    def add(self, part: str, **figures: int) -> None:
        """Count. ``part`` is a row of the page: ``A fault at every call: aws_access``; figures are its columns, see ``page.COLUMNS``."""
        self._counts.setdefault(part, Counter()).update(figures)

    def write(self, name: str) -> None:
        """Leave the counts for the page."""
        if self._counts:
            OUTPUT.mkdir(parents=True, exist_ok=True)
            (OUTPUT / f"{name}.json").write_text(json.dumps({part: dict(counts) for part, counts in self._counts.items()}, indent=1))
