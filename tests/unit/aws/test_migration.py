# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is let pass between attaching and detaching."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.migration import Migration
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.migration import Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change

ATTACH, DETACH = (Change(step, "managed policy", "arn", "role web") for step in ("attach", "detach"))
DELETE = Change("delete", "inline policy", "cwagent-2018", "role web")

ORDERS = {
    "attached, then detached": ([ATTACH, ATTACH, DETACH, DETACH], ["attach", "attach", 15, "detach", "detach"]),
    "attached, then an inline policy deleted": ([ATTACH, DELETE, DETACH], ["attach", 15, "delete", "detach"]),
    "detached alone": ([DETACH], ["detach"]),
    "detached first, for want of room": ([DETACH, ATTACH], ["detach", "attach"]),
}


@pytest.mark.parametrize("name", ORDERS)
def test_settle(name):
    changes, expected = ORDERS[name]
    done = []
    migration = Migration(lambda *_service: None, Rules({}), False, 120, 15, done.append)
    migration._writer = SimpleNamespace(apply=lambda change: done.append(change.step))
    for change in changes:
        migration.apply(change)
    assert done == expected
