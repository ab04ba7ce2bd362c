# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulated AWS of a scenario: a process that outlives the command which starts it, and ends when it is told to, or is forgotten."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time

import boto3
import pytest

from tests.support.tree import ROOT


def site(*arguments):
    command = [sys.executable, "-m", "tests.support.molecule_site", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def started(tmp_path):
    """The folder of a site, and what it says of itself."""
    directory = tmp_path / "site"
    done = site("start", directory, "--sealed")
    assert done.returncode == 0, done.stderr
    yield directory, json.loads(done.stdout)
    site("stop", directory)


def running(facts):
    """Return whether the process is there and no corpse that nobody has looked for yet."""
    try:
        with open(f"/proc/{facts['pid']}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(facts):
    deadline = time.monotonic() + 15
    while running(facts):
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.1)


def test_a_site_is_asked_and_ended(started):
    directory, facts = started
    for name in ("site.json", "operator"):
        assert stat.S_IMODE(os.stat(directory / name).st_mode) == 0o600
    assert "molecule destroy" in site("start", directory).stderr
    state = json.loads(site("state", directory).stdout)
    assert (state["users"], state["roles"], state["metrics"], state["writes"]) == ({}, {}, {}, [])

    keys = dict(line.split(" = ") for line in (directory / "operator").read_text().splitlines()[1:])
    iam = boto3.client("iam", endpoint_url=facts["endpoint_url"], region_name=facts["region"], **keys)
    iam.create_user(UserName="web1")
    iam.create_access_key(UserName="web1")
    state = json.loads(site("state", directory).stdout)
    assert state["writes"] == ["iam:CreateUser", "iam:CreateAccessKey"]
    assert [key["status"] for key in state["users"]["web1"]["access_keys"]] == ["Active"]

    made = iam.list_access_keys(UserName="web1")["AccessKeyMetadata"][0]["CreateDate"]
    site("age", directory, 100)
    site("mark", directory, "now")
    older = iam.list_access_keys(UserName="web1")["AccessKeyMetadata"][0]["CreateDate"]
    assert (made - older).days == 100
    assert json.loads(site("state", directory).stdout)["writes"] == []

    assert running(facts)
    assert json.loads(site("stop", directory).stdout) == {"stopped": True}
    assert not running(facts) and not (directory / "operator").exists()
    assert json.loads(site("stop", directory).stdout) == {"stopped": False}


def test_a_site_that_is_forgotten_ends_by_itself(started):
    directory, facts = started
    shutil.rmtree(directory)
    wait_until_gone(facts)
