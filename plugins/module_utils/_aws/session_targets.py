# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and makes what session preferences name.

Calls: s3 CreateBucket, GetBucketEncryption, GetBucketPolicy, GetBucketTagging, GetPublicAccessBlock, HeadBucket, ListObjectVersions,
PutBucketEncryption, PutBucketPolicy, PutBucketTagging, PutPublicAccessBlock; kms DescribeKey; logs AssociateKmsKey, CreateLogGroup,
DescribeLogGroups, ListTagsForResource, PutRetentionPolicy.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .._model import document as documents
from .._model.context import Context
from .._model.plan import Change
from .._model.session_preferences.options import Wanted
from .._model.session_preferences.targets import S3_OWN, Bucket, KmsKey, LogGroup, Targets
from .._model.tags import OWNER_TAG
from . import session

with suppress(ImportError):  # the module says so before anything is called
    from botocore.exceptions import ClientError

_DENIED = frozenset({"AccessDenied", "403", "Forbidden"})
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_NOWHERE_NAMED = "us-east-1"
"""The one Region that CreateBucket must not be told."""


class SessionTargets:
    """The bucket, the log group and the key of one task.

    :param client: makes a boto3 client of a service, with the caller's options.
    """

    def __init__(self, client: Callable[..., Any], context: Context, wanted: Wanted) -> None:
        self._client = client
        self._context = context
        self._wanted = wanted

    def read(self, named: Targets) -> Targets:
        """Return what is there of what is named."""
        return Targets(
            named.bucket and self._bucket(named.bucket),
            named.group and self._group(named.group),
            named.key and self._key(named.key),
        )

    def apply(self, change: Change) -> None:
        by_kind: Mapping[str, Callable[[Change], Any]] = {
            "create bucket": self._create_bucket,
            "tag bucket": self._tag_bucket,
            "block public access of bucket": self._block,
            "encrypt bucket": self._encrypt_bucket,
            "put bucket policy": self._put_policy,
            "create log group": self._create_group,
            "encrypt log group": self._encrypt_group,
            "set retention": self._keep,
        }
        by_kind[f"{change.step} {change.what}"](change)

    def _service(self, name: str) -> Any:
        return self._client(name, config=session.CLIENT_CONFIG)

    # Reading

    def _bucket(self, bucket: Bucket) -> Bucket:
        s3 = self._service("s3")
        ask = _Asking()
        # Who names a bucket of its own must not send its logs to somebody who was quicker to take the name.
        where = {"Bucket": bucket.name}
        if not self._wanted.cross_account:
            where["ExpectedBucketOwner"] = self._context.account
        head = ask("s3:ListBucket", lambda: s3.head_bucket(**where), ("404", "NoSuchBucket"))
        if head is None:
            return replace(bucket, exists=None if ask.unseen else False, unseen=tuple(ask.unseen))
        none = "ServerSideEncryptionConfigurationNotFoundError"
        encryption = ask("s3:GetEncryptionConfiguration", lambda: s3.get_bucket_encryption(**where), (none,))
        denied = "s3:GetEncryptionConfiguration" in ask.unseen
        rules = (encryption or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [{}])
        by_default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
        block = ask("s3:GetBucketPublicAccessBlock", lambda: s3.get_public_access_block(**where), ("NoSuchPublicAccessBlockConfiguration",))
        blocks = (block or {}).get("PublicAccessBlockConfiguration", {})
        found = replace(
            bucket,
            exists=True,
            encryption=None if denied else by_default.get("SSEAlgorithm", ""),
            kms_key=by_default.get("KMSMasterKeyID", ""),
            public_blocked=None if "s3:GetBucketPublicAccessBlock" in ask.unseen else all(blocks.get(name) for name in _BLOCKS),
        )
        if self._wanted.create and not self._wanted.cross_account:
            found = self._ours(s3, found, where, ask)
        return replace(found, unseen=tuple(ask.unseen))

    @staticmethod
    def _ours(s3: Any, bucket: Bucket, where: Mapping[str, str], ask: _Asking) -> Bucket:
        tags = ask("s3:GetBucketTagging", lambda: s3.get_bucket_tagging(**where), ("NoSuchTagSet",))
        owner = next((tag["Value"] for tag in (tags or {}).get("TagSet", []) if tag["Key"] == OWNER_TAG), "")
        if owner:
            return replace(bucket, owner=owner, policy=_policy(s3, where))
        untagged = "s3:GetBucketTagging" not in ask.unseen and not (tags or {}).get("TagSet")
        return replace(bucket, blank=untagged and bucket.encryption in ("", S3_OWN) and _unused(s3, where, ask))

    def _group(self, group: LogGroup) -> LogGroup:
        logs = self._service("logs")
        ask = _Asking()
        pages = ask(
            "logs:DescribeLogGroups",
            lambda: list(logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group.name)),
        )
        if pages is None:
            return replace(group, unseen=tuple(ask.unseen))
        found = next((one for page in pages for one in page["logGroups"] if one["logGroupName"] == group.name), None)
        if found is None:
            return replace(group, exists=False)
        owner = ""
        if self._wanted.create:
            arn = found["arn"][: -len(":*")] if found["arn"].endswith(":*") else found["arn"]
            tags = ask("logs:ListTagsForResource", lambda: logs.list_tags_for_resource(resourceArn=arn))
            owner = (tags or {}).get("tags", {}).get(OWNER_TAG, "")
        return replace(
            group,
            exists=True,
            kms_key=found.get("kmsKeyId", ""),
            retention=found.get("retentionInDays"),
            owner=owner,
            unseen=tuple(ask.unseen),
        )

    def _key(self, key: KmsKey) -> KmsKey:
        ask = _Asking()
        answer = ask("kms:DescribeKey", lambda: self._service("kms").describe_key(KeyId=key.id), ("NotFound", "InvalidArn"))
        if answer is None:
            return replace(key, exists=None if ask.unseen else False, unseen=tuple(ask.unseen))
        found = answer["KeyMetadata"]
        spec = found.get("KeySpec") or found.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
        symmetric = spec == "SYMMETRIC_DEFAULT" and found.get("KeyUsage", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT"
        return replace(key, exists=True, arn=found["Arn"], state=found["KeyState"], symmetric=symmetric)

    # Writing

    def _create_bucket(self, change: Change) -> None:
        region = self._context.region
        where: Dict[str, Any] = {} if region == _NOWHERE_NAMED else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._service("s3").create_bucket(Bucket=change.key, **where)

    def _tag_bucket(self, change: Change) -> None:
        tags = {"TagSet": [{"Key": OWNER_TAG, "Value": change.after}]}
        self._service("s3").put_bucket_tagging(**self._mine(change.key), Tagging=tags)

    def _block(self, change: Change) -> None:
        blocks = dict.fromkeys(_BLOCKS, True)
        self._service("s3").put_public_access_block(**self._mine(change.key), PublicAccessBlockConfiguration=blocks)

    def _encrypt_bucket(self, change: Change) -> None:
        bucket: Bucket = change.after
        rule: Dict[str, Any] = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": bucket.encryption}}
        if bucket.encryption != S3_OWN:
            rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] = bucket.kms_key
            rule["BucketKeyEnabled"] = True
        self._service("s3").put_bucket_encryption(**self._mine(change.key), ServerSideEncryptionConfiguration={"Rules": [rule]})

    def _put_policy(self, change: Change) -> None:
        bucket: Bucket = change.after
        self._service("s3").put_bucket_policy(**self._mine(bucket.name), Policy=documents.render(bucket.policy or {}))

    def _mine(self, bucket: str) -> Dict[str, str]:
        return {"Bucket": bucket, "ExpectedBucketOwner": self._context.account}

    def _create_group(self, change: Change) -> None:
        group: LogGroup = change.after
        key = {"kmsKeyId": group.kms_key} if group.kms_key else {}
        self._service("logs").create_log_group(logGroupName=group.name, tags={OWNER_TAG: group.owner}, **key)

    def _encrypt_group(self, change: Change) -> None:
        self._service("logs").associate_kms_key(logGroupName=change.key, kmsKeyId=change.after.kms_key)

    def _keep(self, change: Change) -> None:
        group: LogGroup = change.after
        self._service("logs").put_retention_policy(logGroupName=group.name, retentionInDays=group.retention)


class _Asking:
    """Asks, and notes what the caller may not ask: that is no reason to fail."""

    def __init__(self) -> None:
        self.unseen: List[str] = []

    def __call__(self, action: str, call: Callable[[], Any], missing: Tuple[str, ...] = ()) -> Optional[Any]:
        """Return the answer; ``None`` for what is not there, by the codes ``missing``, and for what is denied."""
        try:
            return call()
        except ClientError as error:
            code = session.error_code(error)
            if code in _DENIED:
                self.unseen.append(action)
            elif code not in missing:
                raise
            return None


def _unused(s3: Any, where: Mapping[str, str], ask: _Asking) -> bool:
    """Return whether a bucket is seen to hold nothing and to have no policy."""
    objects = ask("s3:ListBucketVersions", lambda: s3.list_object_versions(**where, MaxKeys=1))
    if objects is None or objects.get("Versions") or objects.get("DeleteMarkers"):
        return False
    policy = ask("s3:GetBucketPolicy", lambda: s3.get_bucket_policy(**where), ("NoSuchBucketPolicy",))
    return policy is None and "s3:GetBucketPolicy" not in ask.unseen


def _policy(s3: Any, where: Mapping[str, str]) -> Optional[Dict[str, Any]]:
    """Return the policy of a bucket that is ours. Here a denial does end the run: what cannot be read must not be overwritten."""
    try:
        answer = s3.get_bucket_policy(**where)
    except ClientError as error:
        if session.error_code(error) != "NoSuchBucketPolicy":
            raise
        return None
    return documents.parse(answer["Policy"], f"policy of bucket {where['Bucket']}")
