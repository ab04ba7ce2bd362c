# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module says of itself in the same words."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of a module that converges; of one that takes AWS's options; of one that is an action plugin."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Reads and plans as always and changes nothing. The result holds the predicted object.
    support: full
  diff_mode:
    description: Returns the state before and after, secrets left out.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: Where the module can act.
    platforms: posix
    support: full
"""

    ACTIONGROUP_AWS = r"""
options: {}
attributes:
  action_group:
    description: Options set under C(group/hybridops.aws_agents.aws) in C(module_defaults) hold for it, and for C(amazon.aws) too.
    support: full
    membership: [hybridops.aws_agents.aws]
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Runs partly on the controller.
    support: full
  connection:
    description: Uses the target's connection to act on the host.
    support: full
  async:
    description: Can be run with C(async).
    support: none
  bypass_host_loop:
    description: Runs once for the whole play in place of once per host.
    support: none
"""
