# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of IAM users for hosts of an inventory."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.user_name import user_name
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.filters import told


class FilterModule:
    """The collection's filter of this name."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        return told({"iam_user_name": user_name})
