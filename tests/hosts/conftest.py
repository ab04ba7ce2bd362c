# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Callable, Iterator, List

import pytest

from tests.support.systemd_hosts import Hosts


@pytest.fixture
def onprem_hosts() -> Iterator[Callable[[int], Hosts]]:
    """A function that starts so many fresh hosts; they are removed after the test."""
    started: List[Hosts] = []

    def start(count: int = 1) -> Hosts:
        hosts = Hosts(count).__enter__()
        started.append(hosts)
        return hosts

    yield start
    for hosts in started:
        hosts.close()
