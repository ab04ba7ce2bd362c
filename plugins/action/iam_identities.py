# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converges identities without the start of the module, where it would run on the controller."""

from __future__ import annotations

from ..module_utils._model.identities.spec import ARGUMENT_SPEC
from ..modules.iam_identities import Identities
from ..plugin_utils.aws_module_action import AwsModuleAction


class ActionModule(AwsModuleAction):
    """See ``AwsModuleAction``."""

    ansible_name = "hybridops.aws_agents.iam_identities"
    arguments = ARGUMENT_SPEC
    resource = Identities
