# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a role lets Systems Manager assume it."""

from __future__ import annotations

import re
from typing import Mapping

from .wire import Document, Scope, listed


def trusts_systems_manager(trust: Document, scope: Scope) -> bool:
    """Return whether a role's trust policy lets Systems Manager assume it for nodes of an account and region.

    :raises NotImplementedError: on a condition that it does not know: it must learn it, not ignore it.
    """
    context = {"aws:sourceaccount": scope.account, "aws:sourcearn": scope.arn("managed-instance/mi-00000000000000000")}
    allowed = False
    for statement in listed(trust.get("Statement", [])):
        principal = statement.get("Principal", {})
        services = listed(principal.get("Service", [])) if isinstance(principal, dict) else []
        if "ssm.amazonaws.com" not in services or "sts:AssumeRole" not in listed(statement.get("Action", [])):
            continue
        if all(_holds(operator, keys, context) for operator, keys in statement.get("Condition", {}).items()):
            if statement["Effect"] == "Deny":
                return False
            allowed = True
    return allowed


def _holds(operator: str, keys: Document, context: Mapping[str, str]) -> bool:
    if operator not in ("StringEquals", "StringLike", "ArnEquals", "ArnLike") or not {key.lower() for key in keys} <= set(context):
        raise NotImplementedError(f"tests/support/activations.py does not know the condition {operator} {sorted(keys)}")
    wild = operator != "StringEquals"

    def matches(pattern: str, value: str) -> bool:
        return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value)) if wild else pattern == value

    return all(any(matches(str(pattern), context[key.lower()]) for pattern in listed(patterns)) for key, patterns in keys.items())
