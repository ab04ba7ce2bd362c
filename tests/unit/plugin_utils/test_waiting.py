# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a wait: once, when it takes a while, where no program reads it."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.waiting import Announced, announce


@pytest.mark.parametrize(
    ("pauses", "told"),
    [([], 0), ([0.0, 0.2, 0.2], 0), ([1.0], 1), ([0.2, 2.0, 2.0, 8.0], 1)],
    ids=["no wait", "short ones", "a longer one", "several"],
)
def test_announced_once(pauses, told):
    slept, said = [], []
    pause = Announced(lambda *words: said.append(words), "AWS", 60.0, slept.append)
    for seconds in pauses:
        pause(seconds)
    assert slept == pauses and said == [("AWS", 60.0)] * told


def test_sleeps_by_itself(monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    Announced(lambda *_words: None, "AWS", 60.0)(3.0)
    assert slept == [3.0]


@pytest.mark.parametrize(
    ("seconds", "longest"), [(29.5, "30 seconds"), (119.0, "119 seconds"), (120.0, "2 minutes"), (880.0, "15 minutes")]
)
def test_words(capsys, seconds, longest):
    announce("web1", "its agent", seconds)
    assert capsys.readouterr() == ("", f"web1: waiting for its agent, {longest} at most\n")
