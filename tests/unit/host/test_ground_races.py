# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes that write one file at once: each gets its turn or is told to wait, and nobody's content is lost."""

from __future__ import annotations

import multiprocessing
import time

from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import Conflict, replace

SECONDS = 1.5
FORKS = multiprocessing.get_context("fork")


def write(path, results):
    """Add a letter as often as possible; return how often that was done, and what was raised beside ``Conflict``."""
    done, raised = 0, []
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            replace(path, lambda data: data + b"x")
            done += 1
        except Conflict:
            pass
        except Exception as error:  # noqa: BLE001  (it is what the test is about)
            raised.append(repr(error))
    results.put((done, raised))


def test_nothing_is_lost_between_runs_that_write_at_once(tmp_path):
    path = tmp_path / "credentials"
    path.write_bytes(b"[keep]\n")
    results = FORKS.Queue()
    writers = [FORKS.Process(target=write, args=(str(path), results)) for _writer in range(3)]
    for writer in writers:
        writer.start()
    told = [results.get(timeout=60) for _writer in writers]
    for writer in writers:
        writer.join()
    assert [raised for _done, raised in told] == [[], [], []]
    assert path.read_bytes() == b"[keep]\n" + b"x" * sum(done for done, _raised in told)
    assert [entry.name for entry in tmp_path.iterdir()] == ["credentials"]
