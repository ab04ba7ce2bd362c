# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shapes for the playbook that moves identities off retired policies. Each filter is documented in the file of its name."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible.errors import AnsibleFilterError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import migration
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError


def migration_choice(value: Any) -> Dict[str, Any]:
    try:
        return migration.choice(value)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"migration_choice": migration_choice}
