# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the CloudWatch agent may do.

The plain documents are those that "Create IAM Roles and Users for Use With CloudWatch Agent" (2018) prints. The scoped ones do the same
job with what today's agent calls (aws/amazon-cloudwatch-agent, 1.300071.0), and not on everything.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .preset import Preset, log_group_arns, parameter_arns, source_addresses

_SERVER = [
    "logs:CreateLogStream",
    "cloudwatch:PutMetricData",
    "ec2:DescribeTags",
    "logs:DescribeLogStreams",
    "logs:CreateLogGroup",
    "logs:PutLogEvents",
    "ssm:GetParameter",
]
_TRACES = [
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
]


def server(_options: Mapping[str, Any], _context: Context, _where: str) -> Document:
    """Return the 2018 policy of a server that runs the agent. It lets the server read every parameter of the account."""
    return document(allow(_SERVER, sid="CloudWatchAgentServerPolicy"))


def admin(_options: Mapping[str, Any], _context: Context, _where: str) -> Document:
    """Return the 2018 policy of the one server that also stores the agent's configuration. It can write every parameter."""
    return document(allow([*_SERVER, "ssm:PutParameter"], sid="CloudWatchAgentAdminPolicy"))


def server_scoped(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return what a server needs to run the agent, and no more.

    - Metrics: ``cloudwatch:PutMetricData`` has no resource, so ``namespaces`` narrow it by condition. The agent's own is ``CWAgent``.
    - Logs: create groups and streams and write, in ``log_groups``. The default is every group of this account and Region, since the
      agent names groups after its configuration and no convention exists; nothing can be read or deleted there.
      ``logs:DescribeLogStreams``, which the 2018 document grants, is left out: the agent does not call it any more.
    - ``retention``: only an agent with ``retention_in_days`` needs it, and who may shorten retention may make logs vanish, so it is off.
      ``logs:DescribeLogGroups`` takes no narrower resource than ``*``.
    - ``traces``: X-Ray, which has no resources either. Only for a configuration with a traces section.
    - Parameters: reading the configuration with ``fetch-config -c ssm:``. The default is the prefix that AWS's own managed policy allows.
      Nothing for KMS: a configuration holds no secret, and a SecureString under a customer key needs ``kms:Decrypt`` of your own.
    - EC2: tags and volumes are asked for by dimensions that exist on instances alone. ``ec2:SourceInstanceARN`` comes with the
      credentials of an instance ("AWS global condition context keys"), so the key of a host on premises can list neither.
    - ``source_cidrs``: the public addresses that hosts call from, for keys that lie on premises. All of it is called by the agent itself
      and by no service on its behalf, so no exception for ``aws:ViaAWSService`` is needed. A call through a VPC endpoint carries
      ``aws:VpcSourceIp`` instead, so it is denied: leave the option out for instances that use endpoints.

    Other Regions and accounts than the context's need whole ARNs in ``parameters`` and ``log_groups``. An empty list means none.
    """
    return document(*_scoped(options, context, where, ["ssm:GetParameter"]))


def admin_scoped(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return what the one server needs that also stores the agent's configuration: ``server_scoped``, and writing ``parameters``."""
    if not options["parameters"]:
        raise InputError(f"{where}: parameters is empty, so there is nothing to write. Name the parameters, or use cwagent_server_scoped.")
    return document(*_scoped(options, context, where, ["ssm:GetParameter", "ssm:PutParameter"]))


def _scoped(options: Mapping[str, Any], context: Context, where: str, on_parameters: List[str]) -> List[Document]:
    source = source_addresses(options["source_cidrs"], f"{where}: source_cidrs")
    groups = log_group_arns(options["log_groups"], context, f"{where}: log_groups")
    parameters = parameter_arns(options["parameters"], context, f"{where}: parameters")
    namespaces = _namespaces(options["namespaces"], f"{where}: namespaces")
    if options["retention"] and not groups:
        raise InputError(f"{where}: retention is about log groups, and log_groups is empty. Name the groups or leave retention out.")
    statements = []
    if namespaces:
        statements.append(allow("cloudwatch:PutMetricData", sid="Metrics", when={**namespaces, **source}))
    if groups:
        keep = ["logs:PutRetentionPolicy"] if options["retention"] else []
        statements.append(allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", *keep], groups, "Logs", source))
    if options["retention"]:
        statements.append(allow("logs:DescribeLogGroups", sid="LogRetention", when=source))
    if options["traces"]:
        statements.append(allow(_TRACES, sid="Traces", when=source))
    if parameters:
        statements.append(allow(on_parameters, parameters, "Configuration", source))
    if not statements:
        raise InputError(f"{where}: namespaces, log_groups and parameters are all empty, so nothing would be allowed.")
    instance = context.arn("ec2", "instance/*", "*", context.account or "*")
    on_instances = {"ArnLike": {"ec2:SourceInstanceARN": instance}, **source}
    return [*statements, allow(["ec2:DescribeTags", "ec2:DescribeVolumes"], sid="InstanceDimensions", when=on_instances)]


def _namespaces(names: List[str], where: str) -> Dict[str, Any]:
    for name in names:
        if not name.strip("*?"):
            raise InputError(f"{where}: {name!r} narrows nothing. Name the namespaces, or use the preset without _scoped.")
        if name.startswith("AWS/"):
            raise InputError(f"{where}: {name!r} begins with AWS/, which only AWS services may write.")
    operator = "StringLike" if any("*" in name or "?" in name for name in names) else "StringEquals"
    return {operator: {"cloudwatch:namespace": names}} if names else {}


_SCOPE = (
    Option("parameters", "texts", default=("AmazonCloudWatch-*",)),
    Option("log_groups", "texts", default=("*",)),
    Option("namespaces", "texts", default=("CWAgent",)),
    Option("retention", "flag", default=False),
    Option("traces", "flag", default=False),
    Option("source_cidrs", "texts", default=()),
)

PRESETS = {
    "cwagent_server": Preset(server),
    "cwagent_admin": Preset(admin),
    "cwagent_server_scoped": Preset(server_scoped, _SCOPE),
    "cwagent_admin_scoped": Preset(admin_scoped, _SCOPE),
}
