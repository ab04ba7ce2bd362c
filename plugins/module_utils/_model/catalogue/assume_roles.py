# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Becoming a role of another account, for the CloudWatch agent that sends its metrics and logs there.

The agent does so with ``credentials.role_arn`` in its configuration. "Identity and Access Management for Amazon CloudWatch" calls it
cross-account access.
"""

from __future__ import annotations

from typing import Any, Mapping

from ..context import Context
from ..document import Document, allow, document
from ..options import Option
from .preset import Preset, role_arns, source_addresses


def assume_roles(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return a policy to assume ``role_arns`` and no other roles.

    It is one half. The other is in the account of the role, which must trust who assumes it (``trust: account`` of ``iam_identities``, with
    ``principals``) and hold what the agent needs there, as ``cwagent_server_scoped`` or ``CloudWatchAgentServerPolicy``.

    ``source_cidrs``: the public addresses that requests must come from, for keys that lie on premises. The credentials of the assumed role
    work from everywhere until they end, unless that role's own policy has the condition too.

    Wildcards are refused: a role that its account makes later, for another purpose, would be open as well.
    """
    roles = role_arns(options["role_arns"], context, f"{where}: role_arns")
    source = source_addresses(options["source_cidrs"], f"{where}: source_cidrs")
    return document(allow("sts:AssumeRole", roles, "AssumeRoles", source))


PRESETS = {
    "assume_roles": Preset(assume_roles, (Option("role_arns", "texts", required=True), Option("source_cidrs", "texts", default=()))),
}
