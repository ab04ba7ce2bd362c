# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buckets that SSM Agent uses: those of AWS, behind a VPC endpoint, and one's own.

The document is "Create an IAM Instance Profile for Systems Manager". The names of AWS's buckets are those of "SSM Agent communications with
AWS managed S3 buckets" and "Reference: Amazon S3 buckets for patching operations" in the Systems Manager user guide.
"""

from __future__ import annotations

from typing import Any, List, Mapping

from ..context import Context, region_names
from ..document import MANAGED_LIMIT, Document, allow, document, size
from ..errors import InputError
from ..options import Option
from .aws_buckets import PRINTED, of_region
from .preset import Preset, bucket_arn, key_arn, objects_arn

_PRINTED_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl", "s3:GetEncryptionConfiguration"]


def s3(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return the S3 policy of an instance profile.

    ``vpc_endpoint_regions``: reading the buckets of AWS there, one statement a Region as the document recommends, wildcards refused.

    ``buckets``: reading objects, and writing them unless ``read_only``; ``s3:PutObjectAcl`` when ``cross_account``, since the owner of a
    bucket in another account could not read the objects otherwise; ``s3:GetEncryptionConfiguration`` on the bucket when ``encrypted``; with
    ``kms_key_arn`` (which implies ``encrypted``) ``kms:Decrypt``, and ``kms:GenerateDataKey`` for writing, on that key.

    ``exact``: the six buckets of AWS and the four actions on all own buckets, as the document prints them.

    :raises InputError: also when the document is too large for a managed policy, with a way to split it.
    """
    regions = region_names(options["vpc_endpoint_regions"], options["allow_unknown_region"], context, f"{where}: vpc_endpoint_regions")
    buckets = options["buckets"]
    if not regions and not buckets:
        raise InputError(f"{where} needs vpc_endpoint_regions, buckets or both: without them it would allow nothing.")
    exact = options["exact"]
    own = _printed_buckets(buckets, context, where) if exact else _own_buckets(buckets, context, where)
    aws = [_aws_buckets(region, exact, context) for region in regions]
    _refuse_large(regions, aws, own, where)
    return document(*aws, *own)


def _aws_buckets(region: str, exact: bool, context: Context) -> Document:
    names = [name.format(region=region) for name in PRINTED] if exact else of_region(region)
    return allow("s3:GetObject", [context.arn("s3", f"{name}/*", account="") for name in names])


def _printed_buckets(buckets: List[Mapping[str, Any]], context: Context, where: str) -> List[Document]:
    for index, bucket in enumerate(buckets):
        more = sorted(name for name, value in bucket.items() if value and name != "name")
        if more:
            raise InputError(
                f"{where}: exact grants the four printed actions on whole buckets, which contradicts buckets[{index}]: {', '.join(more)}. "
                "Leave one of them out."
            )
    arns = [bucket_arn(bucket["name"], context, f"{where}: buckets[{index}]") for index, bucket in enumerate(buckets)]
    return [allow(_PRINTED_ACTIONS, [resource for arn in arns for resource in (f"{arn}/*", arn)])] if arns else []


def _own_buckets(buckets: List[Mapping[str, Any]], context: Context, where: str) -> List[Document]:
    return [statement for index, bucket in enumerate(buckets) for statement in _own_bucket(bucket, context, f"{where}: buckets[{index}]")]


def _own_bucket(bucket: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    if bucket["read_only"] and bucket["cross_account"]:
        raise InputError(f"{where}: cross_account is about objects that are written, and read_only writes none. Leave one of them out.")
    arn = bucket_arn(bucket["name"], context, where)
    actions, on_key = ["s3:GetObject"], ["kms:Decrypt"]
    if not bucket["read_only"]:
        actions.append("s3:PutObject")
        on_key.append("kms:GenerateDataKey")
    if bucket["cross_account"]:
        actions.append("s3:PutObjectAcl")
    statements = [allow(actions, objects_arn(arn, bucket["prefix"], f"{where}: prefix"))]
    if bucket["encrypted"] or bucket["kms_key_arn"]:
        statements.append(allow("s3:GetEncryptionConfiguration", arn))
    if bucket["kms_key_arn"]:
        statements.append(allow(on_key, key_arn(bucket["kms_key_arn"], context, f"{where}: kms_key_arn")))
    return statements


def _refuse_large(regions: List[str], aws: List[Document], own: List[Document], where: str) -> None:
    characters = size(document(*aws, *own))
    if characters <= MANAGED_LIMIT:
        return
    if size(document(*own)) > MANAGED_LIMIT:
        raise InputError(f"{where}: buckets alone exceed the {MANAGED_LIMIT:,} characters of a managed policy. Split them over several.")
    groups: List[List[str]] = [[]]
    statements = list(own)
    for region, statement in zip(regions, aws):
        if size(document(*statements, statement)) > MANAGED_LIMIT:
            groups.append([])
            statements = []
        groups[-1].append(region)
        statements.append(statement)
    names = [", ".join(group) for group in groups]
    first = ("buckets and " if names[0] else "buckets") if own else ""
    split = "; ".join([f"{first}{names[0]}", *names[1:]])
    raise InputError(
        f"{where}: the policy has {characters:,} characters without white space; a managed policy may have {MANAGED_LIMIT:,}. "
        f"Make {len(groups)} policies of this preset, with vpc_endpoint_regions (and buckets) so: {split}."
    )


PRESETS = {
    "ssm_s3": Preset(
        s3,
        (
            Option("vpc_endpoint_regions", "texts", default=()),
            Option(
                "buckets",
                "records",
                default=(),
                members=(
                    Option("name", required=True),
                    Option("prefix", default=""),
                    Option("read_only", "flag", default=False),
                    Option("encrypted", "flag", default=False),
                    Option("kms_key_arn", default=""),
                    Option("cross_account", "flag", default=False),
                ),
            ),
            Option("exact", "flag", default=False),
            Option("allow_unknown_region", "flag", default=False),
        ),
    )
}
