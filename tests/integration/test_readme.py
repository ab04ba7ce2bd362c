# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README tells a new user to type, with the collection as it is built and installed, in a folder that has nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from tests.support import iam_state
from tests.support.emulators import Emulator
from tests.support.playbook import clean_environment
from tests.support.tree import ROOT, collections_path

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## On a real account")[2].partition("\n## ")[0]


def blocks(language: str) -> List[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)
    return [text for kind, text in found if kind == language]


def typed() -> List[str]:
    """Return the commands of the quick start."""
    (block,) = [each for each in blocks("") if "ansible-playbook" in each]
    return [line.partition("  ")[0] for line in block.splitlines()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of collections that has what is built here, and amazon.aws, which Galaxy would bring along."""
    place = tmp_path_factory.mktemp("installed")
    galaxy = [sys.executable, "-m", "ansible", "galaxy", "collection"]
    subprocess.run([*galaxy, "build", str(ROOT), "--output-path", str(place)], check=True, capture_output=True)
    (built,) = place.glob("hybridops-aws_agents-*.tar.gz")
    install = [*galaxy, "install", str(built), "--no-deps", "--offline", "-p", str(place)]
    environment = {**clean_environment(place), "ANSIBLE_COLLECTIONS_PATH": str(place)}
    subprocess.run(install, env=environment, check=True, capture_output=True)
    (place / "ansible_collections" / "amazon").symlink_to(collections_path() / "ansible_collections" / "amazon")
    return place


def test_the_quick_start(installed: Path, ministack: Emulator, tmp_path: Path) -> None:
    """The host of the README does not exist: what it would get is planned and made in AWS, and it alone is unreachable."""
    ministack.operator(actions=["iam:*"])
    (inventory,) = [each for each in blocks("yaml") if each.startswith("all:")]
    (tmp_path / "inventory.yml").write_text(inventory)
    environment = {
        **clean_environment(tmp_path / "scratch"),
        **ministack.environment(),
        "ANSIBLE_COLLECTIONS_PATH": str(installed),
        "ANSIBLE_SSH_ARGS": "-o ConnectTimeout=1",
        "RECORD_RESULTS_TO": os.devnull,
    }
    pip, galaxy, check, real = typed()
    assert pip.split()[:4] == ["python3", "-m", "pip", "install"] and galaxy.split()[:3] == ["ansible-galaxy", "collection", "install"]
    needed = [re.split(r"[<>=]", line)[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1].isalpha()]
    assert set(needed) - {"botocore"} == set(pip.split()[4:])
    before = iam_state.of(ministack)
    for command, changes in ((check, False), (real, True)):
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert re.search(r"localhost +: ok=\d+ +changed=[1-9]\d* +unreachable=0 +failed=0", done.stdout), done.stdout + done.stderr
        assert re.search(r"web1\.example\.com +:.* unreachable=1 +failed=0", done.stdout), done.stdout
        assert (iam_state.of(ministack) != before) == changes, command
    found = iam_state.of(ministack)
    assert "cwagent-web1" in " ".join(found["users"]) and {"CloudWatchAgentServerRole", "SSMInstanceProfile"} <= set(found["roles"])
