# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arithmetic as tables, laid into docs/scale.md: ``python -m tests.benchmark.scale``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Sequence

from . import arithmetic as plan
from .arithmetic import BUCKET, KEY_WAVE, OTHER_WAVES, Bucket, Calls

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"

HOSTS, ACCOUNTS = 10_000, 2
SLICES, FORKS, CORES, MEMORY_MB = 4, 25, 8, 16_384
"""For each account: slices, forks of a slice, and the node that it runs on."""
ROTATE_DAYS = 90
HALF = HOSTS // ACCOUNTS
WORKERS = SLICES * FORKS


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> List[str]:
    """Return a table whose first column is words, and whose others are figures."""
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---", *["---:"] * (len(head) - 1)], *rows)]


def time(seconds: float) -> str:
    """Return a length of time as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def counted() -> List[str]:
    def row(what: str, calls: Calls, commands: int) -> List[str]:
        return [what, *(str(number) if number else "" for number in (calls.iam, calls.sts, calls.ssm, commands))]

    rows = [
        row("user with policy and tags, first run", Calls(iam=plan.USER_FIRST), 0),
        row("the same without `bulk_read_above`", Calls(iam=plan.USER_LOOK + plan.USER_FIRST), 0),
        [f"{plan.PAGE} users, nothing to do", "1", "", "", ""],
        row("a user without `bulk_read_above`, nothing to do", Calls(iam=plan.USER_AGAIN_SINGLY), 0),
        row("key, first run", plan.KEY_FIRST, plan.KEY_COMMANDS_FIRST),
        row("key, nothing to do", plan.KEY_AGAIN, plan.KEY_COMMANDS_AGAIN),
        row("shared key, nothing to do", plan.KEY_SHARED_AGAIN, plan.KEY_COMMANDS_AGAIN),
        *(
            row(f"rotation: {what}", calls, 0)
            for what, calls in zip(("new key", "old key retired", "old key deleted"), plan.ROTATION, strict=True)
        ),
        row("hybrid node, first run", plan.NODE_FIRST, 0),
        row("hybrid node, nothing to do (one more for two days)", plan.NODE_AGAIN, 0),
        row("the rest of a host, first run", Calls(), plan.COMMANDS_FIRST - plan.KEY_COMMANDS_FIRST),
        row("the rest of a host, nothing to do", Calls(), plan.COMMANDS_AGAIN - plan.KEY_COMMANDS_AGAIN),
    ]
    return table(["for each host", "IAM", "STS", "SSM", "commands on the host"], rows)


def sources() -> List[str]:
    rows = []
    for hosts in (100, 1_000, 5_000, 10_000, 50_000):
        own, shared = plan.users_for(hosts), plan.users_for(hosts, 100)
        figures = (hosts, own, plan.accounts_for(own), shared, plan.accounts_for(shared), plan.places_for(hosts))
        rows.append([f"{figure:,}" for figure in figures])
    head = ["hosts", "users, one each", "accounts", "users, 100 hosts each", "accounts", "pairs of account and Region, hybrid nodes"]
    return table(head, rows)


def lines() -> List[str]:
    """Work out all hosts, line by line, for one of the accounts."""
    rows, cores = [], SLICES * CORES
    for turn, calls in (("first", plan.identities_first(HALF)), ("again", plan.identities_again(HALF))):
        said = "first run" if turn == "first" else "nothing to do"
        alone = plan.one_by_one_seconds(calls, BUCKET)
        total = alone
        bound = [f"{calls:,}", time(plan.bucket_seconds(calls, BUCKET)), "one process", time(calls * plan.LATENCY)]
        rows.append([f"`aws_access`, {said}", *bound, time(alone)])
        for what, works in (("keys", KEY_WAVE), ("all else", OTHER_WAVES)):
            work = works[turn]
            wave = plan.wave(HALF, work, WORKERS, cores)
            total += wave.seconds
            bound = [f"{HALF * work.calls.iam:,}", time(wave.bucket), time(wave.forks), time(wave.cpu)]
            rows.append([f"`onprem`, {what}, {said}", *bound, time(wave.seconds)])
        rows.append([f"**{said}, in all**", "", "", "", "", f"**{time(total)}**"])
    due = plan.due_each_day(HALF, ROTATE_DAYS)
    daily = plan.rotation_calls(HALF, due)
    wave = plan.wave(HALF, KEY_WAVE["again"], WORKERS, cores)
    bucket = plan.bucket_seconds(daily, BUCKET)
    bound = [f"{daily:,}", time(bucket), time(wave.forks), time(wave.cpu)]
    rows.append([f"`rotate_keys`, each day, {due} keys due", *bound, time(max(bucket, wave.forks, wave.cpu))])
    return table([f"{HALF:,} hosts of one account", "IAM calls", "by the bucket", "by forks and ssh", "by processors", "takes"], rows)


def rates() -> List[str]:
    rows = []
    for rate in (5, 10, 20, 50):
        bucket = Bucket(rate, 2 * rate)
        access = plan.one_by_one_seconds(plan.identities_first(HALF), bucket)
        first, again = (plan.onprem_seconds(HALF, turn, WORKERS, SLICES * CORES, bucket) for turn in ("first", "again"))
        callers = (str(plan.workers_at_most(bucket, attempts)) for attempts in plan.CALLERS)
        rows.append([str(rate), time(access), time(first), time(again), *callers])
    attempts = [f"at once, {number} attempts" for number in plan.CALLERS]
    return table(["calls a second", "`aws_access`, first", "`onprem`, first", "`onprem`, again", *attempts], rows)


def slices() -> List[str]:
    rows = []
    for number in (1, 2, 4, 8, 16):
        workers, cores = number * FORKS, number * CORES
        waves = [plan.wave(HALF, works[turn], workers, cores) for turn in ("first", "again") for works in (KEY_WAVE, OTHER_WAVES)]
        takes = (time(wave.seconds) + (" (bucket)" if wave.seconds == wave.bucket else "") for wave in waves)
        rows.append([str(number), str(workers), *takes])
    head = [f"slices of {FORKS} forks", "forks in all", "keys, first", "all else, first", "keys, again", "all else, again"]
    return table(head, rows)


def figures() -> List[str]:
    """Return what the page says in words besides."""
    processors, memory = plan.node_forks(CORES, MEMORY_MB)
    helping = [str(plan.slices_that_help(HALF, KEY_WAVE[turn], FORKS, CORES)) for turn in ("first", "again")]
    due = HALF * plan.ROTATION[0].iam
    singly = plan.identities_singly(HALF, first=False)
    sts = HALF * plan.KEY_FIRST.sts
    rows = [
        ("forks that AWX gives a node of 8 cores and 16 GB, by processors, by memory", f"{processors}, {memory}"),
        (f"slices of {FORKS} forks that help the keys, first run, nothing to do", ", ".join(helping)),
        (f"IAM calls on a day on which all {HALF:,} keys are due", f"{due:,}, {time(plan.bucket_seconds(due, BUCKET))}"),
        (f"IAM calls for {HALF:,} users, one by one, nothing to do", f"{singly:,}, {time(plan.bucket_seconds(singly, BUCKET))}"),
        (f"STS calls of {HALF:,} first runs, at {plan.STS_RATE:g} a second", f"{sts:,}, {time(sts / plan.STS_RATE)}"),
        (
            f"reads of one parameter by {HOSTS:,} nodes, at {plan.PARAMETER_RATE:g} a second",
            f"{HOSTS:,}, {time(HOSTS / plan.PARAMETER_RATE)}",
        ),
        (f"accounts for {HOSTS:,} users where each holds 100 others", str(plan.accounts_for(HOSTS, 100))),
        (f"hours of {HOSTS:,} advanced nodes in a month of 730", f"{HOSTS * 730:,}"),
    ]
    return table(["", "is"], rows)


TABLES: Dict[str, Callable[[], List[str]]] = {
    "counted": counted,
    "sources": sources,
    "lines": lines,
    "rates": rates,
    "slices": slices,
    "figures": figures,
}


def laid_into(text: str) -> str:
    """Return the page with each table between its marks.

    :raises ValueError: when marks are not there.
    """
    for name, rows in TABLES.items():
        begin, end = f"<!-- {name}: python -m tests.benchmark.scale writes this -->", f"<!-- end of {name} -->"
        between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text, found = between.subn("\n".join([begin, "", *rows(), "", end]).replace("\\", r"\\"), text)
        if found != 1:
            raise ValueError(f"{PAGE.name} has lost its marks {begin} and {end}")
    return text


if __name__ == "__main__":
    PAGE.write_text(laid_into(PAGE.read_text()))
