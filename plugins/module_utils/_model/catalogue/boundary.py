# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles and users that an operator makes may do at most.

A permissions boundary gives nothing: it is what their policies are cut down to ("Permissions boundaries for IAM entities").
"""

from __future__ import annotations

from typing import Any, List, Mapping

from ..context import Context, region_names
from ..document import Document, allow, document
from ..options import Option
from .aws_buckets import of_region
from .preset import Preset, bucket_arn, fitting, key_arn, log_group_arns, parameter_arns, role_arns

_TELEMETRY = [
    "cloudwatch:PutMetricData",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "logs:DescribeLogGroups",
    "xray:GetSampling*",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
]
_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:PutRetentionPolicy"]
_NODE = [
    "ec2messages:*",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:GetManifest",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutConfigurePackageResult",
    "ssm:PutInventory",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:*",
]
_PARAMETERS = ["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"]
_OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"]
_DIRECTORY = ["ds:CreateComputer", "ds:DescribeDirectories"]


def operator_boundary(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the most that roles and users of this collection may do: what its documents and AWS's managed policies for agents grant.

    Whoever may make roles may make one that trusts himself. So what holds data is closed unless it is named: ``parameters``,
    ``bucket_names``, ``kms_key_arns``, and other accounts' roles, ``role_arns``. ``AmazonSSMManagedInstanceCore`` reads every parameter of
    an account, and within this boundary those that are named.

    - ``log_groups``: written to, never read; the default is all of the account and Region.
    - ``vpc_endpoint_regions``: Regions whose AWS buckets nodes read.
    - ``directory_service``: joining a directory (``AmazonSSMDirectoryServiceAccess``).
    """
    statements = [allow(_TELEMETRY, sid="Telemetry"), allow(_NODE, sid="Node")]
    groups = log_group_arns(options["log_groups"], context, f"{where}: log_groups")
    parameters = parameter_arns(options["parameters"], context, f"{where}: parameters")
    if groups:
        statements.append(allow(_LOGS, groups, "Logs"))
    if parameters:
        statements.append(allow(_PARAMETERS, parameters, "Parameters"))
    statements += _buckets(options, context, where)
    if options["kms_key_arns"]:
        keys = [key_arn(key, context, f"{where}: kms_key_arns") for key in options["kms_key_arns"]]
        statements.append(allow(["kms:Decrypt", "kms:GenerateDataKey"], keys, "Keys"))
    if options["directory_service"]:
        statements.append(allow(_DIRECTORY, sid="Directory"))
    if options["role_arns"]:
        statements.append(allow("sts:AssumeRole", role_arns(options["role_arns"], context, f"{where}: role_arns"), "OtherRoles"))
    return fitting(document(*statements), where, "Name fewer Regions and buckets, or write prefixes of log groups and parameters.")


def _buckets(options: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    regions = region_names(options["vpc_endpoint_regions"], options["allow_unknown_region"], context, f"{where}: vpc_endpoint_regions")
    own = [bucket_arn(name, context, f"{where}: bucket_names") for name in options["bucket_names"]]
    statements = []
    if regions:
        names = [name for region in regions for name in of_region(region)]
        statements.append(allow("s3:GetObject", [context.arn("s3", f"{name}/*", account="") for name in names], "BucketsOfAws"))
    if own:
        statements.append(allow(_OBJECTS, [f"{arn}/*" for arn in own], "Objects"))
        statements.append(allow("s3:GetEncryptionConfiguration", own, "Buckets"))
    return statements


PRESETS = {
    "operator_boundary": Preset(
        operator_boundary,
        (
            Option("parameters", "texts", default=("AmazonCloudWatch-*",)),
            Option("log_groups", "texts", default=("*",)),
            Option("bucket_names", "texts", default=()),
            Option("kms_key_arns", "texts", default=()),
            Option("vpc_endpoint_regions", "texts", default=()),
            Option("allow_unknown_region", "flag", default=False),
            Option("directory_service", "flag", default=False),
            Option("role_arns", "texts", default=()),
        ),
    )
}
