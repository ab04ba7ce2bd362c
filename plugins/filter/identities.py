# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shapes the lists that roles and playbooks pass to ``iam_identities``. Each filter is documented in the file of its name."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import grants, inventory
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.filters import told


def _listed(value: Any) -> Any:
    return grants.listed(value, "list")


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        filters = {
            "policy_entries": grants.policy_entries,
            "policy_names": grants.policy_names,
            "named": grants.named,
            "listed": _listed,
            "agent_user_names": inventory.agent_user_names,
            "shared_users": inventory.shared_users,
            "identity_arns": inventory.identity_arns,
        }
        return told(filters)
