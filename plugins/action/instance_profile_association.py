# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives instances their profile without the start of the module, where it would run on the controller."""

from __future__ import annotations

from ..modules.instance_profile_association import ARGUMENT_SPEC, CONSTRAINTS, Profiles
from ..plugin_utils.aws_module_action import AwsModuleAction


class ActionModule(AwsModuleAction):
    """See ``AwsModuleAction``."""

    ansible_name = "hybridops.aws_agents.instance_profile_association"
    arguments = ARGUMENT_SPEC
    constraints = CONSTRAINTS
    resource = Profiles
