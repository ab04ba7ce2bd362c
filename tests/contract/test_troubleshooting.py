# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words on the troubleshooting page are words that the code knows what to say to."""

from __future__ import annotations

import re
from typing import List

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import host_says
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.log import Circumstances, findings
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.says_aws import remedies

from tests.support.tree import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def words(heading: str) -> List[str]:
    """Return what stands in the first column of a heading's table as code."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize("said", words("AWS does not answer the caller") + words("AWS says no"))
def test_what_aws_says(said: str) -> None:
    assert remedies.remedy(said)


@pytest.mark.parametrize("said", words("A host cannot be worked on"))
def test_what_a_host_says(said: str) -> None:
    assert host_says.remedy(said)


@pytest.mark.parametrize("said", words("The agent runs and nothing arrives"))
def test_what_the_agent_logs(said: str) -> None:
    found = findings([f"2026-03-01T10:00:00Z {said}"], Circumstances())
    assert found and not found[0].cause.vague


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        ("AWS does not answer the caller", 10),
        ("AWS says no", 7),
        ("A host cannot be worked on", 5),
        ("The agent runs and nothing arrives", 9),
    ],
)
def test_every_row_is_tried(heading: str, rows: int) -> None:
    assert len(words(heading)) == rows
