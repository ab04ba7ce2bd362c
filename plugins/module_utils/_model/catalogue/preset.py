# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all presets share: their declaration, and resources that users name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Tuple

from ..context import Context
from ..document import Document
from ..errors import InputError
from ..options import Option


@dataclass(frozen=True)
class Preset:
    """A function from options to a document, and the options it takes."""

    function: Callable[[Mapping[str, Any], Context, str], Document]
    options: Tuple[Option, ...] = ()


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LOG_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
_LOG_GROUP_ARN = re.compile(r"(?P<start>arn:[a-z-]+:logs:[a-z0-9-]+:\d{12}:log-group:)(?P<name>[^:]+)(:\*)?")
_KEY_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")


def bucket_arn(name: str, context: Context, where: str) -> str:
    """Return the ARN of a bucket of one's own."""
    if not _BUCKET.fullmatch(name):
        raise InputError(f"{where}: {name!r} is no name of a bucket. Give the name alone, not its ARN or address.")
    return context.arn("s3", name, account="")


def objects_arn(bucket: str, prefix: str, where: str) -> str:
    """Return the ARN of the objects below ``prefix`` (empty: all) in the bucket with that ARN."""
    prefix = prefix.strip("/")
    if re.search(r"[*?]|\$\{|//", prefix):
        raise InputError(f"{where}: {prefix!r} is no prefix: write it without wildcards and empty parts, as in logs/sessions.")
    return f"{bucket}/{prefix}/*" if prefix else f"{bucket}/*"


def key_arn(value: str, context: Context, where: str) -> str:
    """Return ``value`` when it is the ARN of a KMS key in the partition of the context."""
    match = _KEY_ARN.fullmatch(value)
    if not match:
        alias = " An alias does not do: IAM judges the key it points to at the moment." if "alias/" in value else ""
        raise InputError(
            f"{where}: {value!r} is no ARN of a KMS key, which reads arn:PARTITION:kms:REGION:ACCOUNT:key/ID.{alias} "
            "aws kms describe-key --key-id … shows the ARN."
        )
    if not context.assumed and match.group("partition") != context.partition:
        raise InputError(f"{where}: {value} is a key of another partition; the policy is for {context.partition}.")
    return value


def log_group_arns(names: List[str], context: Context, where: str) -> List[str]:
    """Return the ARNs that cover log groups and their streams.

    :param names: names, prefixes with a trailing ``*``, or whole ARNs for another Region or account than the context's.

    Actions on a group are judged with its ARN, actions on streams, and some on the group too, with a longer one that begins with it.
    """
    arns = []
    for name in names:
        given = _LOG_GROUP_ARN.fullmatch(name)
        start, plain = (given.group("start"), given.group("name")) if given else (context.arn_here("logs", "log-group:"), name)
        prefix = plain[:-1] if plain.endswith("*") else plain
        if plain != "*" and not _LOG_GROUP.fullmatch(prefix):
            raise InputError(
                f"{where}: {name!r} is no log group. Give its name, a prefix with * at the end, or its ARN; "
                "names have letters, digits and any of _./#-"
            )
        arns += [start + plain] if plain.endswith("*") else [start + plain, f"{start}{plain}:*"]
    return arns
