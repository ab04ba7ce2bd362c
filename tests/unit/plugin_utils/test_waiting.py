# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a wait is told: where no program reads it."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.waiting import announce


@pytest.mark.parametrize(
    ("seconds", "longest"), [(1, "1 second"), (29.5, "30 seconds"), (119.0, "119 seconds"), (120.0, "2 minutes"), (880.0, "15 minutes")]
)
def test_words(capsys, seconds, longest):
    announce("web1", "its agent", seconds)
    assert capsys.readouterr() == ("", f"web1: waiting for its agent, {longest} at most\n")
