# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that earlier editions of the AWS documents tell to attach and that today's tell to replace.

- AmazonEC2RoleforSSM: "Applying managed instance policy best practices" (AWS Management & Governance blog) names its successor. "Deprecated
  AWS managed policies" (IAM user guide): such a policy keeps working where it is attached, and cannot be attached anew.
- The two documents that "Create IAM Roles and Users for Use With CloudWatch Agent" printed in 2018 for policies of one's own. Today's
  edition names AWS managed policies in their place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from . import document as documents
from .catalogue import by_name as catalogue
from .context import Context


@dataclass(frozen=True)
class Retired:
    """A policy that something else takes the place of."""

    name: str
    """The AWS managed policy's name, or in words which document it is."""
    replaced_by: Tuple[str, ...]
    """References to managed policies, as ``iam_identities`` takes them."""
    may_need: Tuple[str, ...]
    """Further policies for what the successor leaves out, each only where that is used."""
    why: str


SERVER_2018 = Retired(
    name="CloudWatch agent server policy of 2018",
    replaced_by=("CloudWatchAgentServerPolicy",),
    may_need=(),
    why="it lets its holder read every parameter of the account, and lacks what today's agent calls (retention of logs, volumes, traces)",
)
ADMIN_2018 = Retired(
    name="CloudWatch agent administrator policy of 2018",
    replaced_by=("CloudWatchAgentAdminPolicy",),
    may_need=(),
    why="it lets its holder read and write every parameter of the account, and lacks what today's agent calls (retention of logs, traces)",
)
MANAGED: Mapping[str, Retired] = {
    "service-role/AmazonEC2RoleforSSM": Retired(
        name="AmazonEC2RoleforSSM",
        replaced_by=("AmazonSSMManagedInstanceCore",),
        may_need=("CloudWatchAgentServerPolicy", "AmazonSSMDirectoryServiceAccess"),
        why="AWS has deprecated it, since it lets its holder read and write every object of every S3 bucket",
    )
}
"""AWS managed policies by path and name, as they stand in an ARN behind ``policy/``."""

_DOCUMENTS = {"cwagent_server": SERVER_2018, "cwagent_admin": ADMIN_2018}


def managed(arn: str) -> Optional[Retired]:
    """Return what is known of an AWS managed policy that is deprecated, else ``None``.

    :param arn: of any policy, in any partition. One of an account is never an AWS managed policy, whatever its name.
    """
    owner, _policy, rest = arn.partition(":policy/")
    return MANAGED.get(rest) if owner.endswith(":iam::aws") else None


def custom(document: Mapping[str, Any], partition: str = "") -> Optional[Retired]:
    """Return which of the documents of 2018 a policy's text is, else ``None``. The policy's name plays no part.

    :param document: of a customer managed or an inline policy.
    """
    plain = _without_sids(document)
    for preset, retired in _DOCUMENTS.items():
        if documents.equal(plain, _without_sids(catalogue.build(preset, {}, Context(), preset)), partition):
            return retired
    return None


def _without_sids(document: Mapping[str, Any]) -> Dict[str, Any]:
    """A statement's ``Sid`` is a name: it permits nothing, and whoever pasted the document may have given another."""
    statements = [dict(statement, Sid="") for statement in documents.members(document.get("Statement"))]
    return {**document, "Id": "", "Statement": statements}
