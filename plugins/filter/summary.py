# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shapes for what playbooks say at their end. Each filter is documented in the file of its name."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import run_summary


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {
            "host_results": run_summary.host_results,
            "run_changes": run_summary.run_changes,
            "run_counts": run_summary.run_counts,
            "run_summary": run_summary.run_summary,
        }
