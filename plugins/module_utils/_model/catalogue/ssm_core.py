# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node needs to be managed by Systems Manager, feature by feature.

"Create an IAM Instance Profile for Systems Manager" recommends custom policies in place of ``AmazonSSMManagedInstanceCore``, which grants
all of this on everything. Which feature calls what is as in the source of the agent (aws/amazon-ssm-agent), and for patches as in "SSM
Command documents for patching" of the Systems Manager user guide.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .preset import Preset, key_arn, parameter_arns

_NODE = ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"]

_FEATURES: Dict[str, List[str]] = {
    "run_command": [
        "ssm:GetDocument",
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
    ],
    "associations": [
        "ssm:DescribeAssociation",
        "ssm:GetDocument",
        "ssm:ListAssociations",
        "ssm:ListInstanceAssociations",
        "ssm:PutComplianceItems",
        "ssm:UpdateAssociationStatus",
        "ssm:UpdateInstanceAssociationStatus",
    ],
    "sessions": ["ssmmessages:CreateDataChannel", "ssmmessages:OpenDataChannel"],
    "inventory": ["ssm:PutInventory"],
    "patching": ["ssm:GetDeployablePatchSnapshotForInstance", "ssm:PutComplianceItems", "ssm:PutInventory"],
    "packages": ["ssm:DescribeDocument", "ssm:GetDocument", "ssm:GetManifest", "ssm:PutConfigurePackageResult"],
}
_CARRIERS = {"inventory": ("associations",), "patching": ("run_command", "associations"), "packages": ("run_command", "associations")}
"""Features whose documents reach a node by another feature: one of those must be on."""


def ssm_core(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the policy of a managed node.

    Without options the node reports to Systems Manager (``ssm:UpdateInstanceInformation``, also what proves it to be online) and keeps
    the control channel open, by which today's agent receives whatever is sent to it. Each feature adds what the agent calls for it:

    - ``run_command``: fetching documents that a command refers to, and the older channel for commands, which the agent uses until the
      control channel is open, and agents before 3.3.40 always.
    - ``associations``: State Manager. What applies to the node, the document of it, how it went, and whether the node complies.
    - ``sessions``: the data channels of Session Manager.
    - ``inventory``: uploading what an association of AWS-GatherSoftwareInventory found.
    - ``patching``: the patch baseline as it applies to the node, and the result: AWS-RunPatchBaseline uploads it as inventory,
      AWS-RunPatchBaselineAssociation as compliance items. The latter looks baselines up besides, which no node may do by
      ``AmazonSSMManagedInstanceCore`` either: attach ``AmazonSSMPatchAssociation`` for it.
    - ``packages``: installing what Distributor keeps (AWS-ConfigureAWSPackage), the CloudWatch agent among it.
    - ``parameters``: SSM parameters, for documents that name them and scripts that ask. None unless named; ``AmazonSSMManagedInstanceCore``
      opens every parameter of the account, which here takes ``*``.
    - ``kms_key_arns``: keys of your own that encrypt those parameters (SecureString) or the data of sessions.

    Documents and nodes stay on ``*``, as AWS's policy has them: documents belong to AWS, to this account and to those that share theirs.
    """
    for feature, carriers in _CARRIERS.items():
        if options[feature] and not any(options[carrier] for carrier in carriers):
            raise InputError(
                f"{where}: {feature} is done by a document that reaches the node through {' or '.join(carriers)}. "
                f"Set {' or '.join(f'{carrier}: true' for carrier in carriers)}, or leave {feature} out."
            )
    keys = [key_arn(value, context, f"{where}: kms_key_arns") for value in options["kms_key_arns"]]
    if keys and not (options["parameters"] or options["sessions"]):
        raise InputError(f"{where}: kms_key_arns without parameters and sessions: there would be nothing to decrypt.")
    statements = [allow(_NODE, sid="Node")]
    statements += [allow(actions, sid=name.title().replace("_", "")) for name, actions in _FEATURES.items() if options[name]]
    if options["parameters"]:
        every = "*" in options["parameters"]
        arns = ["*"] if every else parameter_arns(options["parameters"], context, f"{where}: parameters")
        statements.append(allow(["ssm:GetParameter", "ssm:GetParameters"], arns, "Parameters"))
    if keys:
        statements.append(allow("kms:Decrypt", keys, "Keys"))
    return document(*statements)


PRESETS = {
    "ssm_core": Preset(
        ssm_core,
        (
            *(Option(feature, "flag", default=False) for feature in _FEATURES),
            Option("parameters", "texts", default=()),
            Option("kms_key_arns", "texts", default=()),
        ),
    )
}
