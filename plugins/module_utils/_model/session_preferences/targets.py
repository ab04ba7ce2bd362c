# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What session preferences name: the bucket, the log group and the KMS key. Are they as the preferences claim, and how are they made?

What the caller may not look at is unknown, and no fault, but for whose bucket it is and for what may have to be made. What exists is
changed only when an earlier run of the same owner made it. A bucket is made and marked by two calls, so one that nobody has done
anything with yet counts as that of a run which ended in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .. import document as documents
from ..catalogue.session_access import tls_only
from ..context import Context
from ..plan import Change
from .document import on
from .options import Wanted

KMS = "aws:kms"
S3_OWN = "AES256"


@dataclass(frozen=True)
class Bucket:
    """The bucket for session logs. ``None`` stands for what the caller may not see."""

    name: str
    exists: Optional[bool] = None
    encryption: Optional[str] = None
    """``AES256``, ``aws:kms`` or ``aws:kms:dsse``; empty without any."""
    kms_key: str = ""
    public_blocked: Optional[bool] = None
    policy: Optional[Mapping[str, Any]] = None
    """Looked at only where it may have to be put."""
    owner: str = ""
    """Value of its ownership tag."""
    blank: bool = False
    """It has no tag, no policy, no object nor a version of one, and no encryption but S3's own.

    Looked at only where it may have to be made.
    """
    unseen: Tuple[str, ...] = ()
    """The actions that were denied."""


@dataclass(frozen=True)
class LogGroup:
    """The log group for session logs."""

    name: str
    exists: Optional[bool] = None
    kms_key: str = ""
    retention: Optional[int] = None
    owner: str = ""
    unseen: Tuple[str, ...] = ()


@dataclass(frozen=True)
class KmsKey:
    """The KMS key of the session data."""

    id: str
    exists: Optional[bool] = None
    arn: str = ""
    state: str = ""
    symmetric: bool = True
    unseen: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Targets:
    """What the preferences name; ``None`` where they name nothing, or nothing was asked."""

    bucket: Optional[Bucket] = None
    group: Optional[LogGroup] = None
    key: Optional[KmsKey] = None


def named(wanted: Wanted, inputs: Mapping[str, Any]) -> Targets:
    """Return what has to be looked at. Parameters of a document (``{{name}}``) have no value yet."""
    if not (wanted.verify or wanted.create):
        return Targets()
    bucket, group, key = (str(inputs.get(name) or "") for name in ("s3BucketName", "cloudWatchLogGroupName", "kmsKeyId"))
    return Targets(
        Bucket(bucket) if bucket and "{{" not in bucket else None,
        LogGroup(group) if group and "{{" not in group else None,
        KmsKey(key) if key and "{{" not in key else None,
    )


def made(wanted: Wanted, found: Targets, context: Context) -> Targets:
    """Return what is there after the changes: what is missing made, and what this owner's runs made brought to its end."""
    if not wanted.create:
        return found
    bucket, group = found.bucket, found.group
    begun = bool(bucket and bucket.blank and wanted.inputs.get("s3BucketName"))
    if bucket and not wanted.cross_account and (bucket.exists is False or begun or bucket.owner == wanted.owned_by):
        bucket = _finished(wanted, bucket, context)
    if group and (group.exists is False or group.owner == wanted.owned_by):
        group = replace(
            group,
            exists=True,
            owner=wanted.owned_by,
            kms_key=wanted.group_key or group.kms_key,
            retention=wanted.retention or group.retention,
        )
    return replace(found, bucket=bucket, group=group)


def _finished(wanted: Wanted, bucket: Bucket, context: Context) -> Bucket:
    encryption, key = bucket.encryption, bucket.kms_key
    if wanted.bucket_key and not (str(encryption).startswith(KMS) and _same_key(key, wanted.bucket_key)):
        encryption, key = KMS, wanted.bucket_key
    policy = bucket.policy or {"Version": documents.VERSION, "Statement": []}
    secure = tls_only(context.arn("s3", bucket.name, account=""))
    if not _holds(policy, secure):
        policy = {**policy, "Statement": [*documents.members(policy.get("Statement")), secure]}
    return replace(
        bucket,
        exists=True,
        owner=wanted.owned_by,
        blank=False,
        encryption=encryption or S3_OWN,
        kms_key=key,
        public_blocked=True,
        policy=policy,
    )


def _holds(policy: Mapping[str, Any], statement: Mapping[str, Any]) -> bool:
    version = policy.get("Version")
    wanted = {"Version": version, "Statement": [statement]}
    return any(documents.equal({"Version": version, "Statement": [one]}, wanted) for one in documents.members(policy.get("Statement")))


def plan(after: Targets, before: Targets) -> List[Change]:
    """Return the changes that make it so. A bucket is marked with its owner at once, so that a run that broke off is taken up again."""
    changes: List[Change] = []
    if after.bucket and before.bucket and after.bucket != before.bucket:
        changes += _bucket(after.bucket, before.bucket)
    if after.group and before.group and after.group != before.group:
        changes += _group(after.group, before.group)
    return changes


def _bucket(after: Bucket, before: Bucket) -> List[Change]:
    name, changes = after.name, []
    if not before.exists:
        changes.append(Change("create", "bucket", name, after=after))
    if after.owner != before.owner:
        changes.append(Change("tag", "bucket", name, after=after.owner))
    if before.public_blocked is not True:
        changes.append(Change("block", "public access of bucket", name))
    if not before.exists or (after.encryption, after.kms_key) != (before.encryption, before.kms_key):
        changes.append(Change("encrypt", "bucket", name, before=before, after=after))
    if after.policy != before.policy:
        changes.append(Change("put", "bucket policy", of=f"bucket {name}", before=before.policy, after=after))
    return changes


def _group(after: LogGroup, before: LogGroup) -> List[Change]:
    changes = []
    if not before.exists:
        changes.append(Change("create", "log group", after.name, after=after))
    elif after.kms_key != before.kms_key:
        changes.append(Change("encrypt", "log group", after.name, before=before, after=after))
    if after.retention != before.retention:
        changes.append(Change("set", "retention", f"{after.retention} days", f"log group {after.name}", before, after))
    return changes


def problems(wanted: Wanted, inputs: Mapping[str, Any], after: Targets) -> List[str]:
    """Return in words what would make sessions fail or their logs unsafe, with the remedy.

    What is unknown is none, except whose bucket it is that the task names: a name that somebody else was quicker to take is denied too.
    """
    if not wanted.verify:
        return []
    found: List[str] = []
    if after.bucket:
        found += _of_bucket(wanted, after.bucket, on(inputs.get("s3EncryptionEnabled")))
    if after.group:
        found += _of_group(wanted, after.group, on(inputs.get("cloudWatchEncryptionEnabled")))
    if after.key:
        found += _of_key(after.key)
    return found


def _of_bucket(wanted: Wanted, bucket: Bucket, must_be_encrypted: bool) -> List[str]:
    name = f"bucket {bucket.name}"
    if bucket.exists is False:
        make = "" if wanted.cross_account else ", or set create: true to make it"
        return [f"{name} does not exist. Correct s3_bucket{make}"]
    if bucket.exists is None and wanted.inputs.get("s3BucketName") and not wanted.cross_account:
        unseen = f"{name} cannot be seen ({', '.join(bucket.unseen)} denied), so it may be another account's, which then gets the logs"
        return [f"{unseen}. Have that granted on it, or set s3_cross_account: true if it is meant to be another account's"]
    found = []
    if must_be_encrypted and bucket.encryption == "":
        found.append(f"{name} is not encrypted, so no session would start. Encrypt it, or set s3_encrypted: false")
    if bucket.public_blocked is False:
        found.append(
            f"{name} has no block of public access of its own, and session logs hold whatever was typed. "
            f"Block it: aws s3api put-public-access-block --bucket {bucket.name} …"
        )
    if wanted.bucket_key and bucket.encryption is not None and bucket.kms_key and not _same_key(bucket.kms_key, wanted.bucket_key):
        found.append(
            f"{name} encrypts with {bucket.kms_key}, and s3_kms_key_arn names {wanted.bucket_key}, so nodes could not write. Correct one"
        )
    return found


def _of_group(wanted: Wanted, group: LogGroup, must_be_encrypted: bool) -> List[str]:
    name = f"log group {group.name}"
    if group.exists is None and wanted.create:
        unseen = f"{name} cannot be seen ({', '.join(group.unseen)} denied), so it is not known whether to make it"
        return [f"{unseen}. Have that granted, or make it yourself and set create: false"]
    if group.exists is False:
        return [f"{name} does not exist, and sessions do not make it. Correct log_group, or set create: true to make it"]
    if group.exists and must_be_encrypted and not group.kms_key:
        give = "Give log_group_kms_key_arn" if wanted.create else "Give it a KMS key (aws logs associate-kms-key)"
        return [f"{name} has no KMS key, so no session would start. {give}, or set log_group_encrypted: false"]
    return []


def _of_key(key: KmsKey) -> List[str]:
    if key.exists is False:
        return [f"KMS key {key.id} does not exist in this Region and account. Correct kms_key; a key is not made here"]
    if key.exists and (key.state != "Enabled" or not key.symmetric):
        what = f"is {key.state}" if key.state != "Enabled" else "is no symmetric key to encrypt and decrypt with"
        return [f"KMS key {key.id} {what}, so no session would start. Enable it, or name another"]
    return []


def warnings(wanted: Wanted, inputs: Mapping[str, Any], after: Targets) -> List[str]:
    """Return in words what could not be looked at, and what the other account or the nodes' policy must provide."""
    found = []
    for what, target, name in (
        ("bucket", after.bucket, after.bucket.name if after.bucket else ""),
        ("log group", after.group, after.group.name if after.group else ""),
        ("KMS key", after.key, after.key.id if after.key else ""),
    ):
        if target and target.unseen:
            whose = " (or it belongs to another account)" if what == "bucket" and target.exists is None else ""
            found.append(
                f"{what} {name}: {', '.join(target.unseen)} denied{whose}, so it is not known whether it is as the preferences say."
            )
    bucket = after.bucket
    if bucket and not wanted.bucket_key and str(bucket.encryption).startswith(KMS):
        found.append(
            f"bucket {bucket.name} encrypts with the KMS key {bucket.kms_key or 'of AWS'}: nodes need kms:GenerateDataKey on it. Name it "
            "in s3_kms_key_arn, and in the policy of the nodes."
        )
    if wanted.present and isinstance(inputs.get("cloudWatchStreamingEnabled"), str):
        found.append("cloudWatchStreamingEnabled is text in the document, which SSM Agent cannot read. Set log_streaming.")
    return found


def _same_key(one: str, other: str) -> bool:
    """Return whether two names of a key can be of one key. An alias may be any."""
    return "alias/" in one or "alias/" in other or one.rpartition("/")[2] == other.rpartition("/")[2]


def view(targets: Targets) -> Dict[str, Any]:
    """Return the targets as plain data."""
    bucket, group, key = targets.bucket, targets.group, targets.key
    return {
        "bucket": bucket
        and {
            "name": bucket.name,
            "exists": bucket.exists,
            "encryption": bucket.encryption,
            "kms_key": bucket.kms_key,
            "public_access_blocked": bucket.public_blocked,
        },
        "log_group": group and {"name": group.name, "exists": group.exists, "kms_key": group.kms_key, "retention_in_days": group.retention},
        "kms_key": key and {"id": key.id, "exists": key.exists, "arn": key.arn, "state": key.state},
    }
