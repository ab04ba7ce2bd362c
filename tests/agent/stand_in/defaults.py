# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration called ``default``."""

from __future__ import annotations

from typing import Any, Dict


def document(mode: str) -> Dict[str, Any]:
    """Return it, as the agent brings it along for a mode."""
    metrics: Dict[str, Any] = {
        "metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}, "disk": {"measurement": ["used_percent"], "resources": ["*"]}}
    }
    if mode == "ec2":
        named = ("ImageId", "InstanceId", "InstanceType", "AutoScalingGroupName")
        metrics["append_dimensions"] = {name: f"${{aws:{name}}}" for name in named}
    return {"agent": {"run_as_user": "cwagent"}, "metrics": metrics}
