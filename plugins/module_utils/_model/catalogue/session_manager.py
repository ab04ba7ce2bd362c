# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Session Manager needs on a node, and what it needs to keep logs of sessions.

The document is "Create a custom IAM role for Session Manager". It suffices for sessions; Run Command, Patch Manager and Inventory need
``AmazonSSMManagedInstanceCore``, which includes the session part.
"""

from __future__ import annotations

from typing import Any, List, Mapping

from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .preset import Preset, bucket_arn, key_arn, log_group_arns, objects_arn

_SESSIONS = [
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
]
_NEED_BUCKET = ("s3_prefix", "s3_kms_key_arn", "s3_cross_account")
_NOT_EXACT = ("s3_kms_key_arn", "log_group")


def session_manager(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the policy of a node for Session Manager.

    - ``kms_key_arn``: session data is encrypted with that key. The node decrypts; whoever starts the session needs ``kms:GenerateDataKey``.
    - ``s3_bucket``, ``s3_prefix``: session logs go there. ``s3:GetEncryptionConfiguration`` on the bucket, since the agent looks before it
      lets a session start; ``s3_kms_key_arn`` when that bucket is encrypted with a key of its own; ``s3_cross_account`` when it belongs
      to another account, whose bucket and key policies must let this role in as well.
    - ``logs``, ``log_group``: session logs go to CloudWatch Logs. A group implies ``logs``; without one, all groups may be written to.
      ``logs:DescribeLogGroups`` stays on ``*`` in any case.
    - ``exact``: the statements as the document prints them, for the parts asked for. Logs of any group, the encryption of any bucket,
      and ``kms:GenerateDataKey`` on any key along with a bucket.
    """
    _contradictions(options, where)
    statements = [allow(_SESSIONS)]
    if options["logs"] or options["log_group"]:
        statements += _logs(options, context, where)
    if options["s3_bucket"]:
        statements += _bucket(options, context, where)
    if options["kms_key_arn"]:
        statements.append(allow("kms:Decrypt", key_arn(options["kms_key_arn"], context, f"{where}: kms_key_arn")))
    return document(*statements)


def _contradictions(options: Mapping[str, Any], where: str) -> None:
    alone = [name for name in _NEED_BUCKET if options[name]]
    if alone and not options["s3_bucket"]:
        raise InputError(f"{where}: {', '.join(alone)} without s3_bucket. Name the bucket, or leave it out.")
    narrower = [name for name in _NOT_EXACT if options[name]]
    if narrower and options["exact"]:
        raise InputError(f"{where}: exact grants what the document prints, on *, which contradicts {', '.join(narrower)}. Leave one out.")


def _logs(options: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    if not options["log_group"]:
        return [allow([*write, "logs:DescribeLogGroups"])]
    group = log_group_arns([options["log_group"]], context, f"{where}: log_group")
    return [allow(write, group), allow("logs:DescribeLogGroups")]


def _bucket(options: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    arn = bucket_arn(options["s3_bucket"], context, f"{where}: s3_bucket")
    acl = ["s3:PutObjectAcl"] if options["s3_cross_account"] else []
    statements = [
        allow(["s3:PutObject", *acl], objects_arn(arn, options["s3_prefix"], f"{where}: s3_prefix")),
        allow("s3:GetEncryptionConfiguration", "*" if options["exact"] else arn),
    ]
    if options["exact"]:
        statements.append(allow("kms:GenerateDataKey"))
    elif options["s3_kms_key_arn"]:
        statements.append(allow("kms:GenerateDataKey", key_arn(options["s3_kms_key_arn"], context, f"{where}: s3_kms_key_arn")))
    return statements


PRESETS = {
    "session_manager": Preset(
        session_manager,
        (
            Option("kms_key_arn", default=""),
            Option("s3_bucket", default=""),
            Option("s3_prefix", default=""),
            Option("s3_kms_key_arn", default=""),
            Option("s3_cross_account", "flag", default=False),
            Option("logs", "flag", default=False),
            Option("log_group", default=""),
            Option("exact", "flag", default=False),
        ),
    )
}
