# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Callable, Iterator, List, Sequence, Union

import pytest

from tests.support.systemd_hosts import Hosts


@pytest.fixture
def onprem_hosts() -> Iterator[Callable[..., Hosts]]:
    """A function that starts so many fresh hosts, or one of each suite it is given; they are removed after the test."""
    started: List[Hosts] = []

    def start(wanted: Union[int, Sequence[str]] = 1) -> Hosts:
        hosts = Hosts(wanted).__enter__()
        started.append(hosts)
        return hosts

    yield start
    for hosts in started:
        hosts.close()
