# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories that guides print are ones that the side of AWS runs with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from tests.support.emulators import Emulator
from tests.support.playbook import run_playbook
from tests.support.tree import ROOT

GUIDES = ("README.md", "docs/ec2.md", "docs/hosts.md", "docs/hybrid.md")


def inventories() -> Iterator[Any]:
    for guide in GUIDES:
        blocks: List[Any] = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (ROOT / guide).read_text(), re.DOTALL)]
        found = [block for block in blocks if isinstance(block, dict) and isinstance(block.get("all"), dict)]
        yield from (pytest.param(block, id=f"{guide} {number}") for number, block in enumerate(found))


@pytest.mark.parametrize("inventory", list(inventories()))
def test_an_inventory_of_a_guide(inventory: Dict[str, Any], moto: Emulator, tmp_path: Path) -> None:
    hosts = {"all": {**inventory["all"], "children": {"onprem": inventory["onprem"]} if "onprem" in inventory else {}}}
    done = run_playbook("hybridops.aws_agents.aws_access", tmp_path, ["--check", "--diff"], hosts, {}, moto.environment()).ok()
    assert done.changed, done.stdout


def test_guides_have_inventories() -> None:
    assert len(list(inventories())) >= len(GUIDES)
