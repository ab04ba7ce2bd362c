# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every write on a host is killed at every step and after every byte: its file is the old or the new one, and the next run mends it all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.faults.bench import SEED, sample
from tests.faults.host_files import NEW, NEXT, WRITES, Place, Python, readable_secrets


@pytest.fixture(scope="module")
def python():
    with Python() as made:
        yield made


@pytest.fixture
def root():
    # In memory where that can be: each write is synced twice.
    memory = "/dev/shm"  # noqa: S108  (the folder in it has a name that nobody can guess)
    with tempfile.TemporaryDirectory(prefix="aws_agents-host-", dir=memory if os.path.isdir(memory) else None) as made:
        yield Path(made) / "host"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to a group that it is not in")
@pytest.mark.parametrize("name", WRITES)
def test_killed_at_every_step(name, python, root, ledger):
    place = Place(root, WRITES[name], python)
    place.reset()
    old = place.content()
    steps = place.run()
    new = place.content()
    assert place.write.ends_with.encode() in (new or b"").replace(NEW.encode(), NEXT.encode())
    place.reset()
    place.run(again=True)
    wanted = place.seen()
    # All steps, but of bytes in the middle of a row of bytes some, in the short form.
    inner = [at for at in range(1, len(steps) - 1) if steps[at - 1 : at + 2] == ["write"] * 3]
    cuts = sorted({*range(len(steps))} - {*inner} | {*sample(f"bytes of {name}", inner, 12)})
    for at in cuts:
        where = f"SEED={SEED}, {name}, killed before step {at} of {len(steps)}: {steps[at]}"
        place.reset()
        place.run(at)
        assert place.content() in (old, new), where
        assert readable_secrets(place.seen()) == [], where
        place.run(again=True)
        if new is None and at == steps.index("os.remove") + 1:
            # The file went last, so a lock without a byte in it may stay until something is written there.
            assert [content for _mode, _owner, _group, content in place.seen().values() if content] == [], where
        else:
            assert place.seen() == wanted, where
    ledger.add("A host's process killed at every step of a write", cases=1, faults=len(cuts), runs=len(cuts), converged=len(cuts))
