# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation lists the IAM actions that the module's code can call, no more and no fewer."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import yaml
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.identities import apply
from ansible_collections.hybridops.aws_agents.plugins.modules.iam_identities import DOCUMENTATION

NOT_CALLED = {"PassRole", "TagInstanceProfile"}
"""Actions that AWS asks for besides the one that is called."""
BY_ACCESS_KEYS = {"GetAccessKeyLastUsed"}
"""Called by the class that has to do with access keys, whose own actions are those of other modules."""


def called() -> set[str]:
    """Return the operations whose names stand in the code, those of roles and users spelled out."""
    iam = boto3.session.Session().client("iam", region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
    operations = iam.meta.method_to_api_mapping
    names = {call.operation for call in apply.CALLS.values()}
    for file in Path(apply.__file__).parent.glob("*.py"):
        code = file.read_text()
        for spelled in (code, code.replace("{kind}", "role"), code.replace("{kind}", "user")):
            names.update(word for word in re.findall(r"[a-z_]+", spelled) if word in operations)
    return {operations[name] for name in names}


def test_documented_actions_are_those_called():
    notes = " ".join(yaml.safe_load(DOCUMENTATION)["notes"])
    assert set(re.findall(r"C\((\w+)\)", notes)) == called() | NOT_CALLED | BY_ACCESS_KEYS
