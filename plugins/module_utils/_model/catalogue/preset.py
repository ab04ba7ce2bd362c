# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all presets share: their declaration, and resources that users name."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..context import Context
from ..document import MANAGED_LIMIT, Document, size
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
_LOG_STREAM = re.compile(r"[^:*?]{1,512}")
_PARAMETER = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?")
_PARAMETER_ARN = re.compile(r"arn:[a-z-]+:ssm:[a-z0-9-]+:\d{12}:parameter/(?P<name>.+)")
_PRIVATE = [ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]
_ROLE_ARN = re.compile(r"arn:(?P<partition>[a-z-]+):iam::\d{12}:role/[\w+=,.@/-]*[\w+=,.@-]", re.ASCII)
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


def role_arns(values: List[str], context: Context, where: str) -> List[str]:
    """Return ``values`` when each is the ARN of a role in the partition of the context."""
    for value in values:
        match = _ROLE_ARN.fullmatch(value)
        if not match:
            wide = " It may stand for roles that you don't know: name each, without wildcards." if re.search(r"[*?]|\$\{", value) else ""
            raise InputError(f"{where}: {value!r} is no ARN of a role, which reads arn:PARTITION:iam::ACCOUNT:role/NAME.{wide}")
        if not context.assumed and match.group("partition") != context.partition:
            raise InputError(f"{where}: {value} is a role of another partition; the policy is for {context.partition}.")
    return values


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


def log_stream_arns(group: str, names: List[str], context: Context, where: str) -> List[str]:
    """Return the ARNs of streams of a log group.

    :param group: as a member of ``names`` of ``log_group_arns``.
    :param names: names, or prefixes with a trailing ``*``; ``*`` alone for every stream of the group.
    """
    arn = log_group_arns([group], context, f"{where}: group")[0]
    for name in names:
        if name != "*" and ("${" in name or not _LOG_STREAM.fullmatch(name[:-1] if name.endswith("*") else name)):
            raise InputError(
                f"{where}: streams: {name!r} is no log stream. Give its name, or a prefix with * at the end; names hold neither : nor *."
            )
    return [f"{arn}:log-stream:{name}" for name in names]


def parameter_arns(names: List[str], context: Context, where: str) -> List[str]:
    """Return the ARNs of SSM parameters.

    :param names: names, prefixes with a trailing ``*``, or whole ARNs for another Region or account than the context's.
    """
    arns = []
    for name in names:
        given = _PARAMETER_ARN.fullmatch(name)
        plain = given.group("name") if given else name
        prefix = plain[:-1] if plain.endswith("*") else plain
        if not _PARAMETER.fullmatch(prefix):
            raise InputError(
                f"{where}: {name!r} is no parameter. Give its name, a prefix with * at the end (as AmazonCloudWatch-*), or its ARN. "
                "* alone would open every parameter of the account."
            )
        arns.append(name if given else context.arn_here("ssm", f"parameter/{name.lstrip('/')}"))
    return arns


def source_addresses(blocks: List[str], where: str) -> Dict[str, Any]:
    """Return the condition that requests come from these public addresses or address blocks; none without any."""
    for block in blocks:
        try:
            network = ipaddress.ip_network(block)
        except ValueError as error:
            raise InputError(f"{where}: {block!r} is no address block: {error}. Write it as 203.0.113.0/24.") from error
        if network.prefixlen == 0:
            raise InputError(f"{where}: {block} is every address, so it narrows nothing. Leave the option out.")
        if any(network.version == private.version and network.subnet_of(private) for private in _PRIVATE):  # type: ignore[arg-type]
            raise InputError(f"{where}: {block} is private, and AWS sees the public address that a host calls from. Give that one.")
    return {"IpAddress": {"aws:SourceIp": blocks}} if blocks else {}


def fitting(document: Document, where: str, remedy: str) -> Document:
    """Return a document that a managed policy can hold.

    :raises InputError: with how long it is, and ``remedy``.
    """
    characters = size(document)
    if characters > MANAGED_LIMIT:
        raise InputError(
            f"{where}: the policy has {characters:,} characters without white space; a managed policy may have {MANAGED_LIMIT:,}. {remedy}"
        )
    return document
