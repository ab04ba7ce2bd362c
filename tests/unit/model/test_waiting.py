# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a wait: when it takes a while, once for as long as was said."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.waiting import Announced


@pytest.mark.parametrize(
    ("pauses", "told"),
    [([], 0), ([0.0, 0.2, 0.2], 0), ([1.0], 1), ([0.2, 2.0, 2.0, 8.0], 1), ([8.0] * 8, 1), ([8.0] * 9, 2)],
    ids=["no wait", "short ones", "a longer one", "several", "as long as was said", "another one"],
)
def test_announced(pauses, told):
    slept, said = [], []
    pause = Announced(lambda *words: said.append(words), "AWS", 60.0, slept.append)
    for seconds in pauses:
        pause(seconds)
    assert slept == pauses and said == [("AWS", 60.0)] * told
