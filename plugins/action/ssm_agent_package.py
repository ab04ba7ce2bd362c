# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs SSM Agent's package: the module of the same name, on the host."""

from __future__ import annotations

from ..plugin_utils.agent_package import AgentPackageAction


class ActionModule(AgentPackageAction):
    """Nothing of its own: agents' packages are all brought in one way."""
