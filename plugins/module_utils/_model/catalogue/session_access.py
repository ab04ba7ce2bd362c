# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other sides of Session Manager: the person who starts sessions, and the account that keeps their logs.

The documents are "Sample IAM policies for Session Manager", "Additional sample IAM policies for Session Manager" and "Create a custom IAM
role for Session Manager", whose note asks for the bucket policy and the key policy of the other account.
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Union

from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .preset import Preset, bucket_arn, key_arn, objects_arn, role_arns

PREFERENCES = "SSM-SessionManagerRunShell"
"""The document with the preferences of an account and Region, which a session uses that names none."""

_READS = ["ssm:DescribeSessions", "ssm:GetConnectionStatus", "ssm:DescribeInstanceInformation"]
_CONSOLE_READS = ["ssm:DescribeInstanceProperties", "ec2:DescribeInstances"]
_DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,128}")
_TAG_KEY = re.compile(r"[\w .:/=+\-@]{1,128}")


def session_user(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the policy of a person who starts sessions.

    - ``tag_key``, ``tag_values``: sessions start on EC2 instances and hybrid nodes that carry this tag with one of these values.
    - ``document_name``: the one session document that may be used. ``ssm:SessionDocumentAccessCheck`` has AWS check that for a session that
      names no document as well, and for ``AWS-StartSSHSession`` and port forwarding it denies.
    - ``kms_key_arn``: the key of the session data; the person's side of the channel asks for a data key.
    - ``console``: what the consoles read to list nodes.

    Sessions are ended and resumed by whoever started them: AWS tags a session with the ``aws:userid`` of that identity, for users and roles
    alike. A pattern on the user's name, the other way that the document shows, would fit ``bob-admin`` for ``bob``.
    """
    for name in (options["tag_key"], *options["tag_values"]):
        if not _TAG_KEY.fullmatch(name):
            raise InputError(
                f"{where}: {name!r} is no tag of nodes: letters, digits, spaces and any of _.:/=+-@ are allowed, no wildcards."
            )
    name = document_name(options["document_name"], where)
    nodes = [context.arn_here("ec2", "instance/*"), context.arn_here("ssm", "managed-instance/*")]
    # Documents of AWS belong to no account.
    owner = "" if name.startswith("AWS-") else context.account or "*"
    own_session = {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}}
    statements = [
        allow(
            "ssm:StartSession",
            nodes,
            "StartOnTaggedNodes",
            {
                "StringEquals": {f"ssm:resourceTag/{options['tag_key']}": options["tag_values"]},
                "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
            },
        ),
        allow("ssm:StartSession", context.arn("ssm", f"document/{name}", context.region or "*", owner), "StartWithThisDocument"),
        allow("ssmmessages:OpenDataChannel", context.arn_here("ssm", "session/${aws:userid}-*"), "TalkInOwnSessions"),
        allow(["ssm:TerminateSession", "ssm:ResumeSession"], context.arn_here("ssm", "session/*"), "EndOwnSessions", own_session),
        allow([*_READS, *(_CONSOLE_READS if options["console"] else [])], "*", "FindNodes"),
    ]
    if options["kms_key_arn"]:
        statements.append(
            allow("kms:GenerateDataKey", key_arn(options["kms_key_arn"], context, f"{where}: kms_key_arn"), "EncryptSessions")
        )
    return document(*statements)


def logs_bucket_policy(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the policy of a bucket that keeps session logs of nodes in other accounts.

    The roles write objects below ``s3_prefix``, giving the owner of the bucket full control, as SSM Agent always does; and they ask how the
    bucket is encrypted, without which no session starts. Nobody gets at the bucket without TLS.
    """
    roles = role_arns(options["role_arns"], context, f"{where}: role_arns")
    arn = bucket_arn(options["s3_bucket"], context, f"{where}: s3_bucket")
    whole_owner = {"StringEquals": {"s3:x-amz-acl": ["bucket-owner-full-control"]}}
    objects = objects_arn(arn, options["s3_prefix"], f"{where}: s3_prefix")
    return document(
        _to(roles, allow(["s3:PutObject", "s3:PutObjectAcl"], objects, "SessionLogsOfNodes", whole_owner)),
        _to(roles, allow("s3:GetEncryptionConfiguration", arn, "SessionsAskForEncryption")),
        tls_only(arn),
    )


def logs_key_policy(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the policy of the KMS key of such a bucket.

    The roles make data keys, and decrypt for uploads in parts. The account of the key administers it by IAM, as it does with AWS's own
    default policy of a key: a policy without that could never be changed again.
    """
    if not context.account:
        raise InputError(f"{where} needs the account that the key belongs to: give account, or nobody could administer the key.")
    roles = role_arns(options["role_arns"], context, f"{where}: role_arns")
    return document(
        _to(context.arn("iam", "root"), allow("kms:*", "*", "AdministeredByIam")),
        _to(roles, allow(["kms:GenerateDataKey", "kms:Decrypt"], "*", "SessionLogsOfNodes")),
    )


def tls_only(bucket: str) -> Document:
    """Return the statement that denies everybody the bucket with that ARN without TLS."""
    secure = {"Bool": {"aws:SecureTransport": "false"}}
    return {**_to("*", allow("s3:*", [bucket, f"{bucket}/*"], "DenyWithoutTls", secure)), "Effect": "Deny"}


def _to(principals: Union[str, List[str]], statement: Document) -> Document:
    principal = principals if principals == "*" else {"AWS": principals}
    return {"Sid": statement["Sid"], "Effect": statement["Effect"], "Principal": principal, **statement}


def document_name(name: str, where: str) -> str:
    """Return ``name`` when it is that of one session document."""
    if not _DOCUMENT_NAME.fullmatch(name):
        raise InputError(f"{where}: document_name: {name!r} is no name of a session document. Give the name alone, not its ARN.")
    return name


PRESETS = {
    "session_user": Preset(
        session_user,
        (
            Option("tag_key", required=True),
            Option("tag_values", "texts", required=True),
            Option("document_name", default=PREFERENCES),
            Option("kms_key_arn", default=""),
            Option("console", "flag", default=False),
        ),
    )
}

RESOURCE_PRESETS = {
    "session_logs_bucket_policy": Preset(
        logs_bucket_policy,
        (Option("role_arns", "texts", required=True), Option("s3_bucket", required=True), Option("s3_prefix", default="")),
    ),
    "session_logs_key_policy": Preset(logs_key_policy, (Option("role_arns", "texts", required=True),)),
}
"""Policies of a bucket and of a key. They name who is let in, so no identity takes them."""
