# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The counts of the bench, from its processes to the page."""

from __future__ import annotations

import json

import pytest

from tests.faults.bench import drawn, sample
from tests.faults.page import BEGIN, END, PAGE, counted, laid_into, table


def test_counts_of_several_processes_become_one_table(tmp_path):
    (tmp_path / "gw0.json").write_text(json.dumps({"b": {"faults": 1000, "runs": 3}, "a": {"cases": 2}}))
    (tmp_path / "gw1.json").write_text(json.dumps({"b": {"faults": 500}}))
    assert table(counted(tmp_path)) == [
        "| part | cases | faults injected | runs |",
        "| --- | ---: | ---: | ---: |",
        "| a | 2 |  |  |",
        "| b |  | 1,500 | 3 |",
        "| **all** | **2** | **1,500** | **3** |",
    ]


def test_a_figure_without_a_column_is_a_mistake(tmp_path):
    (tmp_path / "gw0.json").write_text(json.dumps({"a": {"mistakes": 1}}))
    with pytest.raises(ValueError, match="mistakes"):
        counted(tmp_path)


def test_the_page_keeps_its_words():
    page = laid_into(PAGE.read_text(), ["one", "two"])
    assert laid_into(page, ["three"]) == laid_into(PAGE.read_text(), ["three"])
    assert page.count(BEGIN) == page.count(END) == 1 and "\none\ntwo\n" in page
    with pytest.raises(ValueError, match="marks"):
        laid_into("no marks", [])


def test_a_seed_draws_the_same_again():
    assert drawn("a").random() == drawn("a").random() != drawn("b").random()
    assert sample("a", range(100), 5) == sample("a", range(100), 5) == sorted(sample("a", range(100), 5))
    assert sample("a", [1, 2], 5) == [1, 2]
