# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lengths of time as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.duration import duration
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), (900, 900), ("900", 900), ("15m", 900), ("24h", 86400), ("90d", 7776000), ("1h30m", 5400), ("2w", 1209600), (" 5S ", 5)],
)
def test_durations(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5h", "m", "15 m", True, None, "9" * 30, "0" * 5000, "1d" * 5000, "٣m", "1y"])
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match="grace:"):
        duration(text, "grace")
