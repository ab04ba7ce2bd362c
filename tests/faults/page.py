# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what the bench counted: ``python -m tests.faults.page``. After a long run docs/faults.md gets the counts too."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Dict, List, Mapping

from tests.faults.bench import ALL, OUTPUT, SEED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
COLUMNS = {
    "cases": "cases",
    "calls": "API calls",
    "faults": "faults injected",
    "runs": "runs",
    "converged": "converged",
    "refused": "refused",
    "secrets": "secrets searched for",
    "places": "places searched",
}
"""A figure of the ledger, and its head on the page."""
BEGIN, END = "<!-- counts: make faults writes what is between these lines -->", "<!-- end of counts -->"


def counted(folder: Path) -> Dict[str, Counter[str]]:
    """Return the sums of all that the processes of the last run counted, by part.

    :raises ValueError: for a figure that no column is for.
    """
    sums: Dict[str, Counter[str]] = {}
    for file in sorted(folder.glob("*.json")):
        for part, figures in json.loads(file.read_text()).items():
            sums.setdefault(part, Counter()).update(figures)
    unknown = {figure for figures in sums.values() for figure in figures} - COLUMNS.keys()
    if unknown:
        raise ValueError(f"figures without a column: {sorted(unknown)}")
    return sums


def table(sums: Mapping[str, Mapping[str, int]]) -> List[str]:
    """Return the lines of a table with a row for each part, the columns that are in use, and the sums."""
    used = [figure for figure in COLUMNS if any(figure in figures for figures in sums.values())]
    rows = [[part, *(f"{figures[figure]:,}" if figure in figures else "" for figure in used)] for part, figures in sorted(sums.items())]
    total = ["**all**", *(f"**{sum(figures.get(figure, 0) for figures in sums.values()):,}**" for figure in used)]
    head = ["part", *(COLUMNS[figure] for figure in used)]
    return ["| " + " | ".join(row) + " |" for row in (head, ["---", *["---:"] * len(used)], *rows, total)]


def laid_into(text: str, lines: List[str]) -> str:
    """Return the page with these lines between its marks."""
    before, _begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{PAGE.name} has lost its marks {BEGIN} and {END}")
    return "\n".join([before + BEGIN, "", *lines, "", end]) + after


def main() -> None:
    lines = [f"{'Everything' if ALL else 'A sample'}, `SEED={SEED}`; failures: 0.", "", *table(counted(OUTPUT))]
    sys.stdout.write("\n".join(lines) + "\n")
    if ALL:
        PAGE.write_text(laid_into(PAGE.read_text(), lines))


if __name__ == "__main__":
    main()
