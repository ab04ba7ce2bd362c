# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of the bench share."""

from __future__ import annotations

import os
from typing import Iterator

import pytest

from tests.faults.actors import Actors
from tests.faults.bench import ALL, SEED, Ledger


def pytest_report_header() -> str:
    """Say with what a failure is seen again."""
    return f"faults: {'all' if ALL else 'a sample'}, SEED={SEED}"


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
