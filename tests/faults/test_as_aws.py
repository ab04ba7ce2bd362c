# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS answers and emulators do not, at the call that gets it.

The message names the object, AWS's words and the remedy; nothing was written, or the result says what; and the next run goes on from there.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List

import botocore.loaders
import pytest

from tests.faults.as_aws import SHORT, STAGES, Answering, Scene, identities
from tests.faults.aws_answers import ROWS
from tests.faults.bench import sample
from tests.integration.registration_site import Site
from tests.support.playbook import BY_MODULES, run_playbook
from tests.support.recording_proxy import RecordingProxy

PART = "What AWS answers and emulators do not: {}"
HERE = sorted((row for row in ROWS if row.stage in STAGES), key=lambda row: list(STAGES).index(row.stage))
BACK = ("deleted again", "taken back", "Nothing was deleted")
"""Words of a message that tells what was undone, where no change of a list was made."""


@pytest.fixture(scope="module", autouse=True)
def models():
    """Let botocore's models be read once: each task makes a session of its own."""
    read, known = botocore.loaders.JSONFileLoader.load_file, {}

    def once(loader: Any, path: str) -> Any:
        if path not in known:
            known[path] = read(loader, path)
        return known[path]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(botocore.loaders.JSONFileLoader, "load_file", once)
        yield


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Let time that is slept pass at once, and be seen to have passed."""
    slept = [0.0]
    monotonic = time.monotonic
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.__setitem__(0, slept[0] + seconds))
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + slept[0])


class Desk:
    """One emulated account behind a proxy, made ready for a stage as often as needed."""

    def __init__(self, aws, proxy, folder) -> None:
        self.aws, self.proxy, self.folder = aws, proxy, folder
        self.handler = proxy.handler = Answering()
        self._ready_for = ""
        self._scenes = 0

    def ready(self, stage: str, environment) -> None:
        """Bring the account to where the stage begins."""
        if self._ready_for != stage:
            self.aws.reset()
            self._scenes += 1
            self.handler.tier = "standard"
            self.scene = Scene(self.aws, self.folder / str(self._scenes))
            self.scene.folder.mkdir()
        for name, value in {**self.aws.environment(), "AWS_ENDPOINT_URL": self.proxy.url}.items():
            environment.setenv(name, value)
        if self._ready_for != stage:
            for step in STAGES[stage][0]:
                step(self.scene)
        self._ready_for = stage

    def run(self, stage: str, row=None) -> Dict[str, Any]:
        self.proxy.clear()
        self.handler.row, self.handler.hits = row, 0
        result = STAGES[stage][1](self.scene)
        self.handler.row = None
        if self.written:
            self._ready_for = ""
        return result

    @property
    def written(self) -> List[str]:
        """The writes that took effect in the last run."""
        return [str(call) for call in self.proxy.calls if call.write and call.forwarded and (call.status or 0) < 300]


@pytest.fixture(scope="module")
def desk(moto_server, tmp_path_factory):
    with RecordingProxy(moto_server.endpoint_url) as proxy:
        yield Desk(moto_server, proxy, tmp_path_factory.mktemp("as-aws"))


SAMPLED = sample("as_aws", HERE, 60)
ENDED = list({row.stage: row for row in SAMPLED}.values())
"""One of each stage, after which the plain run is made as well."""


@pytest.mark.parametrize("row", SAMPLED, ids=str)
def test_row(row, desk, monkeypatch, ledger):
    desk.ready(row.stage, monkeypatch)
    result = desk.run(row.stage, row)
    assert desk.handler.hits, f"nobody made that call: {[str(call) for call in desk.proxy.calls]}, {result}"
    assert result.get("failed"), result
    judge(row, result["msg"], STAGES[row.stage][2])
    if desk.written:
        assert result["changes_applied"] or any(words in result["msg"] for words in BACK), (desk.written, result)
    counts = {"cases": 1, "calls": len(desk.proxy.calls), "faults": desk.handler.hits, "runs": 1}
    if row in ENDED and row.stage != "check":  # what answers that is not among what moto has
        again = desk.run(row.stage)
        assert not again.get("failed"), again
        counts.update(runs=2, converged=1)
    ledger.add(PART.format(row.stage), **counts)


def judge(row, said, about):
    for part in (row.about or about, row.remedy, "" if row.hidden else row.words):
        assert part in said, f"{part!r} is not in: {said}"
    assert "Traceback" not in said


@pytest.mark.parametrize("row", sample("as_aws register", [row for row in ROWS if row.stage == "register"], 1), ids=str)
def test_a_registration_as_users_run_it(row, ministack, tmp_path, ledger):
    """The host is not touched, and no activation is left."""
    site = Site(ministack, tmp_path)
    site.install()
    handler = Answering(row, moto=False)
    with RecordingProxy(ministack.endpoint_url, handler=handler) as proxy:
        result = site.result(environment={"AWS_ENDPOINT_URL": proxy.url}, aws_config=SHORT)
        judge(row, result.msg, "activation")
        assert result.outcome == "failed" and not site.activations() and not site.vault.exists()
        ledger.add(PART.format(row.stage), cases=1, calls=len(proxy.calls), faults=handler.hits, runs=1)


def test_a_module_as_users_run_it(moto, tmp_path, ledger):
    """In the form in which Ansible sends modules, which has to bring the tables along."""
    row = next(row for row in HERE if row.at == "iam:CreateRole" and "service control policy" in row.words)
    task = {"name": "make", "hybridops.aws_agents.iam_identities": {**identities(), "aws_config": SHORT}}
    with RecordingProxy(moto.endpoint_url, handler=Answering(row)) as proxy:
        environment = {**moto.environment(), "AWS_ENDPOINT_URL": proxy.url}
        run = run_playbook(
            [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}], tmp_path, [], BY_MODULES, environment=environment
        )
    made = run.task("make")
    assert made.outcome == "failed", str(run)
    judge(row, made.msg, "")
    assert made.result["changes_left"][0] == "create role Web" and made.result["error"]["code"] == "AccessDenied"
    ledger.add(PART.format(row.stage), cases=1, calls=len(proxy.calls), faults=1, runs=1)
