# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which refusals may come of a call that was made twice."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.identities.apply import CALLS
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.already import SAYS, may_be_made
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change


@pytest.mark.parametrize(
    ("step", "what", "code", "may"),
    [
        ("create", "user", "EntityAlreadyExists", True),
        ("create", "policy", "EntityAlreadyExists", True),
        ("create", "user", "LimitExceeded", False),
        ("add", "role", "LimitExceeded", True),
        ("add", "role", "EntityAlreadyExists", True),
        ("update", "document", "LimitExceeded", True),
        ("attach", "managed policy", "LimitExceeded", False),
        ("put", "inline policy", "LimitExceeded", False),
        ("create", "role", "MalformedPolicyDocument", False),
    ],
)
def test_a_refusal_that_may_come_of_the_second_time(step: str, what: str, code: str, may: bool) -> None:
    assert may_be_made(Change(step, what, "x"), code) is may


def test_all_that_can_be_made_once_only_is_named() -> None:
    once = {(step, what) for (_of, step, what), call in CALLS.items() if call.operation.startswith(("create_", "add_"))}
    assert once == set(SAYS)
