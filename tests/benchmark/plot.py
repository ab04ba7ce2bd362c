# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cost against the number of users, as a picture."""

from __future__ import annotations

from typing import Dict, List, Tuple

from .page import PICTURE, Figures, rows
from .scenarios import FIRST, PEER


def lines(figures: Figures) -> Dict[Tuple[str, str], List[Tuple[int, float, float]]]:
    """Return users, seconds and calls of each contender and turn, in order of the users."""
    found: Dict[Tuple[str, str], List[Tuple[int, float, float]]] = {}
    for row in rows(figures):
        if row.scenario.name.startswith(("users", "growth")):
            found.setdefault((row.who, row.turn), []).append((row.scenario.n, row.seconds, row.calls))
    return {key: sorted(points) for key, points in found.items()}


def write(figures: Figures) -> None:
    """Write the picture. Text stays text, so that it is as sharp as the page and can be searched."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "speed", "font.family": "sans-serif"})
    figure, (seconds, calls) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for (who, turn), points in lines(figures).items():
        numbers = [point[0] for point in points]
        style = {"color": "tab:red" if who == PEER else "tab:blue", "linestyle": "-" if turn == FIRST else "--", "marker": "o"}
        for axis, at in ((seconds, 1), (calls, 2)):
            axis.plot(numbers, [point[at] for point in points], label=f"{who}, {turn}", **style)
    for axis, label in ((seconds, "seconds"), (calls, "API calls")):
        axis.set(xlabel="users", ylabel=label, xscale="log", yscale="log")
        axis.grid(visible=True, which="both", alpha=0.25)
    if seconds.lines:
        seconds.legend(fontsize="small")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})
    plt.close(figure)
