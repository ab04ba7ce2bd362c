# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Iterator

import pytest

from tests.faults.hosts.odd_host import OddHost
from tests.support.systemd_hosts import Hosts


@pytest.fixture(scope="session")
def odd_host() -> Iterator[OddHost]:
    """One host for all cases, each of which is a host of its own in the inventory."""
    with Hosts(1) as hosts:
        yield OddHost(hosts)
