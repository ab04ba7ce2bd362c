# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault at every call, and at every command on a host, of the playbooks for hosts."""

from __future__ import annotations

import pytest

from tests.faults import key_stages, node_stages
from tests.faults.bench import SEED, drawn, sample
from tests.faults.host_matrix import CUTS, HostMatrix
from tests.faults.kinds import BUSY, HARD, TRANSIENT, Fault
from tests.faults.matrix import Stage
from tests.support.recording_proxy import RecordingProxy

ALONE = [
    key_stages.FirstKey, key_stages.Leaving, key_stages.Compromised, node_stages.Joining, node_stages.JoiningAgain, node_stages.NodeLeaving,
]  # fmt: skip
"""Their tasks are tried without the playbook around them."""
WHOLE = {
    key_stages.SharedKey: 60, key_stages.NewSharedKey: 60, key_stages.Whole: 16, key_stages.NewKey: 12, key_stages.EndOfKey: 12,
}  # fmt: skip
"""Runs of the playbook itself, since their plays hand on what they saw; and how many faults the long form tries: what their tasks do alone
is broken off at every call in other parts of the bench."""


@pytest.fixture
def matrix(request, tmp_path, ledger):
    aws = request.getfixturevalue(request.param.emulator)
    with RecordingProxy(aws.endpoint_url) as proxy:
        stage = request.param(aws, proxy, tmp_path)
        yield HostMatrix(stage, ledger)
        stage.close()


def faults(calls, places):
    """Return faults per place: writes are broken off in every way, reads after one in some, and those before it in one, in turn."""
    writes = [at for at, call in enumerate(calls) if not call.partition(":")[2].startswith(("Get", "List", "Describe"))]
    found = []
    for at in places:
        few = [HARD[(at + more) % len(HARD)] for more in (0, 2, 5)]
        found += [Fault(kind, at) for kind in (HARD if at in writes else few if at > min(writes, default=0) else few[:1])]
        if calls[at] in Stage.single:  # no storm happens to these, since nobody repeats them
            found += [Fault(kind, at) for kind in TRANSIENT if kind not in BUSY or calls[at].startswith("iam:")]
    return found


def cuts(commands):
    """Return what may happen to the connection: in one way at the command that looks, and in every way at the others."""
    return [(CUTS[SEED % len(CUTS)], 0)] + [(kind, at) for at in range(1, commands) for kind in CUTS]


def tried(matrix, undisturbed, short, most=1000):
    """Try what there is, or a sample; tell of all that failed, and not of the first alone."""
    name, calls, failed = matrix.stage.name, list(undisturbed.calls), []
    hard = [(matrix.case, (fault, undisturbed)) for fault in faults(calls, matrix.stage.places(calls))]
    cut = [(matrix.cut, (*cut, undisturbed)) for cut in cuts(matrix.first_commands)]
    storms = [(matrix.storm, (kind, undisturbed)) for kind in TRANSIENT if kind not in BUSY or matrix.stage.writes_iam]
    todo = [each for kind, trials, few in zip(("calls", "host", "storms"), (hard, cut, storms), short, strict=True)
            for each in sample(f"{name}, {kind}", drawn_of(name, kind, trials, most), few)]  # fmt: skip
    for trial, arguments in todo:
        try:
            trial(*arguments)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, f"{len(failed)} of {len(todo)}:\n" + "\n\n".join(failed)


def drawn_of(name, kind, trials, most):
    return trials if len(trials) <= most else drawn(f"{name}, {kind}, all").sample(trials, most)


@pytest.mark.parametrize("matrix", sample("stages by tasks", ALONE, 1), indirect=True, ids=lambda stage: stage.__name__)
def test_tasks(matrix):
    tried(matrix, matrix.both(), short=(3, 1, 1))


@pytest.mark.parametrize("matrix", sample("stages by playbooks", list(WHOLE), 1), indirect=True, ids=lambda stage: stage.__name__)
def test_playbook(matrix):
    tried(matrix, matrix.undisturbed(), short=(1, 1, 0), most=WHOLE[type(matrix.stage)])
