# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Offboards IAM users without the start of the module, where it would run on the controller."""

from __future__ import annotations

from ..modules.iam_user_offboarding import ARGUMENT_SPEC, Leavers
from ..plugin_utils.aws_module_action import AwsModuleAction


class ActionModule(AwsModuleAction):
    """See ``AwsModuleAction``."""

    ansible_name = "hybridops.aws_agents.iam_user_offboarding"
    arguments = ARGUMENT_SPEC
    resource = Leavers
