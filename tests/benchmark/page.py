# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures as a table, laid into docs/speed.md."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Iterator, List, Mapping, NamedTuple

from .scenarios import FIRST, PEER, SCENARIOS, Goal, Scenario

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "speed.md"
FIGURES = DOCS / "speed.json"
PICTURE = DOCS / "images" / "cost.svg"
BEGIN, END = "<!-- figures: make bench writes what is between these lines -->", "<!-- end of figures -->"

Figures = Mapping[str, Mapping[str, Any]]


class Row(NamedTuple):
    """One turn of one contender, the median of its rounds."""

    scenario: Scenario
    turn: str
    who: str
    rounds: int
    seconds: float
    calls: float
    writes: float
    polls: float
    memory_mb: float
    modules: float
    ratio: float
    """Of the peer's wall time. The median of the rounds' own ratios, since a machine is slower at times."""

    @property
    def goal(self) -> Goal:
        return self.scenario.goals.get((self.turn, self.who), Goal())

    def misses(self) -> List[str]:
        """Return each goal that is missed, and by how much."""
        goal, calls = self.goal, self.calls / (self.scenario.n if self.goal.each else 1)
        each = " each" if goal.each else ""
        pairs = (
            (goal.ratio, round(self.ratio, 2), "of the peer's time"),
            (goal.calls, round(calls, 2), f"calls{each}"),
            (goal.modules, self.modules / self.scenario.n, "modules on each host"),
        )
        return [f"{found:g} {what} for {most:g}" for most, found, what in pairs if most is not None and found > most]


def rows(figures: Figures) -> Iterator[Row]:
    """Yield a row for each turn of each contender that was measured."""
    for name, scenario in SCENARIOS.items():
        samples = figures.get(name, {}).get("samples", {})
        for turn in samples:
            peer = [cost["seconds"] for cost in samples[turn].get(PEER, ())]
            for who, costs in samples[turn].items():
                middle = {
                    field: statistics.median(cost[field] for cost in costs)
                    for field in ("seconds", "calls", "writes", "polls", "memory_mb", "modules")
                }
                ratios = [cost["seconds"] / other for cost, other in zip(costs, peer, strict=False)] or [1.0]
                yield Row(scenario, turn, who, len(costs), ratio=statistics.median(ratios), **middle)


def table(figures: Figures) -> List[str]:
    """Return the lines of the page's table."""
    head = (
        "work", "by", "rounds", "wall, s", "ratio", "goal", "API calls", "goal", "of them writes", "polls", "largest process, MB",
        "modules on hosts",
    )  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "| --- | --- |" + " ---: |" * (len(head) - 2)]
    said = ""
    for row in rows(figures):
        title = f"{row.scenario.title}: {row.turn}"
        lines.append("| " + " | ".join(["" if title == said else title, *_cells(row)]) + " |")
        said = title
    return lines


def _cells(row: Row) -> List[str]:
    goal, each = row.goal, "each" if row.goal.each else ""
    per = row.scenario.n if goal.each else 1
    against = row.who != PEER and PEER in row.scenario.contenders
    return [
        row.who,
        str(row.rounds),
        f"{row.seconds:.1f}",
        f"**{row.ratio:.2f}**" if against else "",
        "" if goal.ratio is None else f"{goal.ratio:g}",
        f"{row.calls:g}" + (f" ({row.calls / per:.2g} {each})" if each else ""),
        "" if goal.calls is None else f"{goal.calls:g} {each}".strip(),
        f"{row.writes:g}",
        f"{row.polls:g}",
        f"{row.memory_mb:.0f}",
        f"{row.modules:g}" if row.modules else "",
    ]


def growth(figures: Figures) -> List[str]:
    """Return what 1,000 users take against 500, in words."""
    found = {row.scenario.n: row for row in rows(figures) if row.scenario.name.startswith("growth") and row.turn == FIRST}
    if len(found) != 2:
        return []
    half, whole = found[500], found[1000]
    more = (whole.memory_mb - half.memory_mb) / (whole.scenario.n - half.scenario.n) * 100
    seconds = f"1,000 users take {whole.seconds / half.seconds:.2f} times the wall time of 500 (goal: 2.2)"
    return [f"{seconds}, and {more:.2f} MB more per 100 users (goal: 1)."]


def missed(figures: Figures) -> List[str]:
    """Return a line for each goal that is missed."""
    found = [(row, miss) for row in rows(figures) for miss in row.misses()]
    return [f"- {row.scenario.title}, {row.turn}, by {row.who}: {miss}." for row, miss in found] or ["None."]


def laid_into(text: str, lines: List[str]) -> str:
    """Return the page with these lines between its marks.

    :raises ValueError: when the marks are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has lost its marks {BEGIN} and {END}")
    return "\n".join([before + BEGIN, "", *lines, "", end]) + after


def write(figures: Figures) -> None:
    """Write the table, what grows, and the goals that are missed into the page."""
    when = ", ".join(sorted({f"{entry['date']} on {entry['machine']}" for entry in figures.values()}))
    drawn = [f"![Seconds and API calls against the number of users]({PICTURE.relative_to(DOCS)})", ""] if "users" in figures else []
    lines = [*table(figures), "", *drawn, *growth(figures), "", "Goals missed:", "", *missed(figures), "", f"Measured {when}."]
    PAGE.write_text(laid_into(PAGE.read_text(), lines))
