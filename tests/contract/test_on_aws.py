# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of what only real AWS can show: each question has a command and an answer."""

from __future__ import annotations

import re
from typing import List

import pytest

from .files import ROOT

ROWS: List[List[str]] = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (ROOT / "docs" / "on-aws.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| question ", "| --- "))
]


def test_there_are_questions() -> None:
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_question_has_a_command_and_an_answer(row: List[str]) -> None:
    question, command, expected = row
    assert question.endswith("?")
    told = re.findall(r"`[^`]+`", command)
    assert told or command == "CloudTrail, *Event history*, user name of the run", "no command"
    assert expected


def test_no_question_is_asked_twice() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS)
