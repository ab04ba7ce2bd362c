# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys for AWX. Each filter is documented in the file of its name."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import awx_survey
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.filters import told


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return told(
            {
                "awx_answers": awx_survey.awx_answers,
                "awx_node_answers": awx_survey.awx_node_answers,
                "awx_refusals": awx_survey.awx_refusals,
                "awx_survey": awx_survey.awx_survey,
            }
        )
