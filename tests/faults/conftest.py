# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of the bench share."""

from __future__ import annotations

import os
from typing import Iterator, List

import pytest

from tests.faults.actors import Actors
from tests.faults.bench import ALL, SEED, Ledger

LONGEST = ("test_host_playbooks.py", "test_mutants.py")
"""Files with tests of many minutes each, in the long form."""


def pytest_report_header() -> str:
    """Say with what a failure is seen again."""
    return f"faults: {'all' if ALL else 'a sample'}, SEED={SEED}"


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Let each process begin with some of what takes longest. One that is begun last keeps the whole waiting for half an hour."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.path.name in LONGEST]
    others = [item for item in items if item.path.name not in LONGEST]
    share = -(-len(others) // processes)
    items[:] = [item for number in range(processes) for item in (*long[number::processes], *others[number * share : (number + 1) * share])]


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    made = Ledger()
    yield made
    made.write(os.environ.get("PYTEST_XDIST_WORKER", "alone"))


@pytest.fixture(scope="module")
def actors() -> Iterator[Actors]:
    """Processes in which single tasks run at once, or one after the other by a clock of their own."""
    with Actors() as made:
        yield made
