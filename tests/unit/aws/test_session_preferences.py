# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS answers about buckets, keys and versions, and what is made of it. The requests are checked by botocore's models."""

from __future__ import annotations

import json

import boto3
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.session_preferences import SessionPreferences
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.session_targets import SessionTargets
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences.options import Wanted
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences.targets import (
    Bucket,
    KmsKey,
    LogGroup,
    Targets,
)
from botocore.exceptions import ClientError
from botocore.stub import Stubber

NAME = "SSM-SessionManagerRunShell"
HERE = Context("aws", "111122223333", "eu-west-1")
MINE = {"Bucket": "logs", "ExpectedBucketOwner": "111122223333"}
OWNER = {"TagSet": [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]}
BLOCKS = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


@pytest.fixture
def aws():
    return Services()


class Services:
    """One stubbed client of each service."""

    def __init__(self):
        key = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret", "region_name": "eu-west-1"}
        self.clients = {name: boto3.client(name, **key) for name in ("s3", "kms", "logs", "ssm", "sts")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def __call__(self, name, **_options):
        return self.clients[name]

    def answer(self, name, operation, answer, asked=None):
        if isinstance(answer, str):
            self.stubs[name].add_client_error(operation, answer, http_status_code=403 if answer == "403" else 404, expected_params=asked)
        else:
            self.stubs[name].add_response(operation, answer, asked)

    def looked_at(self, what, **rules):
        found = SessionTargets(self, HERE, Wanted(NAME, **rules)).read(what)
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
        return found

    def bucket(self, head=None, encryption="ServerSideEncryptionConfigurationNotFoundError", block="NoSuchPublicAccessBlockConfiguration"):
        asked = {"Bucket": "logs"} if head == "elsewhere" else MINE
        self.answer("s3", "head_bucket", {} if head in (None, "elsewhere") else head, asked)
        if not isinstance(head, str) or head == "elsewhere":
            self.answer("s3", "get_bucket_encryption", encryption, asked)
            self.answer("s3", "get_public_access_block", block, asked)


def rule(**by_default):
    return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}}


def test_a_bucket_without_anything(aws):
    aws.bucket()
    assert aws.looked_at(Targets(Bucket("logs"))).bucket == Bucket("logs", True, "", public_blocked=False)


def test_a_bucket_that_is_sealed(aws):
    aws.bucket(encryption=rule(SSEAlgorithm="aws:kms", KMSMasterKeyID="k"), block={"PublicAccessBlockConfiguration": BLOCKS})
    assert aws.looked_at(Targets(Bucket("logs"))).bucket == Bucket("logs", True, "aws:kms", "k", True)


def test_a_bucket_that_is_half_closed(aws):
    aws.bucket(block={"PublicAccessBlockConfiguration": {**BLOCKS, "IgnorePublicAcls": False}})
    assert aws.looked_at(Targets(Bucket("logs"))).bucket.public_blocked is False


@pytest.mark.parametrize(("code", "exists", "unseen"), [("404", False, ()), ("403", None, ("s3:ListBucket",))])
def test_a_bucket_that_is_missing_or_may_not_be_seen(aws, code, exists, unseen):
    aws.bucket(head=code)
    assert aws.looked_at(Targets(Bucket("logs"))).bucket == Bucket("logs", exists, unseen=unseen)


def test_what_is_denied_is_not_known(aws):
    aws.bucket(encryption="AccessDenied", block="AccessDenied")
    found = aws.looked_at(Targets(Bucket("logs"))).bucket
    assert (found.encryption, found.public_blocked) == (None, None)
    assert found.unseen == ("s3:GetEncryptionConfiguration", "s3:GetBucketPublicAccessBlock")


def test_the_bucket_of_another_account_is_asked_for_without_its_owner(aws):
    aws.bucket(head="elsewhere")
    assert aws.looked_at(Targets(Bucket("logs")), create=True, cross_account=True).bucket.exists


def test_the_policy_of_our_bucket_must_be_readable(aws):
    """Else it would be overwritten."""
    aws.bucket()
    aws.answer("s3", "get_bucket_tagging", OWNER, MINE)
    aws.answer("s3", "get_bucket_policy", "AccessDenied", MINE)
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.looked_at(Targets(Bucket("logs")), create=True)


@pytest.mark.parametrize(("answer", "policy"), [("NoSuchBucketPolicy", None), ({"Policy": '{"Statement": []}'}, {"Statement": []})])
def test_the_policy_of_our_bucket(aws, answer, policy):
    aws.bucket()
    aws.answer("s3", "get_bucket_tagging", OWNER, MINE)
    aws.answer("s3", "get_bucket_policy", answer, MINE)
    found = aws.looked_at(Targets(Bucket("logs")), create=True).bucket
    assert (found.owner, found.policy) == ("default", policy)


TAGS = {"TagSet": [{"Key": "team", "Value": "web"}]}
EMPTY, GONE = {}, {"DeleteMarkers": [{"Key": "log"}]}


@pytest.mark.parametrize(
    ("tags", "objects", "policy", "blank", "unseen"),
    [
        ("NoSuchTagSet", EMPTY, "NoSuchBucketPolicy", True, ()),
        ({"TagSet": []}, EMPTY, "NoSuchBucketPolicy", True, ()),
        (TAGS, None, None, False, ()),
        ("AccessDenied", None, None, False, ("s3:GetBucketTagging",)),
        ("NoSuchTagSet", {"Versions": [{"Key": "log"}]}, None, False, ()),
        ("NoSuchTagSet", GONE, None, False, ()),
        ("NoSuchTagSet", "AccessDenied", None, False, ("s3:ListBucketVersions",)),
        ("NoSuchTagSet", EMPTY, {"Policy": "{}"}, False, ()),
        ("NoSuchTagSet", EMPTY, "AccessDenied", False, ("s3:GetBucketPolicy",)),
    ],
)
def test_a_bucket_is_blank_only_where_all_of_it_is_seen_to_be(aws, tags, objects, policy, blank, unseen):
    aws.bucket()
    aws.answer("s3", "get_bucket_tagging", tags, MINE)
    if objects is not None:
        aws.answer("s3", "list_object_versions", objects, {**MINE, "MaxKeys": 1})
    if policy:
        aws.answer("s3", "get_bucket_policy", policy, MINE)
    found = aws.looked_at(Targets(Bucket("logs")), create=True).bucket
    assert (found.blank, found.owner, found.policy, found.unseen) == (blank, "", None, unseen)


@pytest.mark.parametrize("encryption", ["AccessDenied", rule(SSEAlgorithm="aws:kms", KMSMasterKeyID="k")])
def test_a_bucket_that_somebody_may_have_encrypted_is_not_blank(aws, encryption):
    aws.bucket(encryption=encryption)
    aws.answer("s3", "get_bucket_tagging", "NoSuchTagSet", MINE)
    assert not aws.looked_at(Targets(Bucket("logs")), create=True).bucket.blank


def test_other_failures_end_the_run(aws):
    aws.answer("s3", "head_bucket", "InternalError")
    with pytest.raises(ClientError, match="InternalError"):
        aws.looked_at(Targets(Bucket("logs")))


@pytest.mark.parametrize(
    ("metadata", "symmetric", "state"),
    [
        ({"KeyState": "Enabled"}, True, "Enabled"),
        ({"KeyState": "Disabled", "KeySpec": "SYMMETRIC_DEFAULT"}, True, "Disabled"),
        ({"KeyState": "Enabled", "KeySpec": "RSA_2048"}, False, "Enabled"),
        ({"KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "GENERATE_VERIFY_MAC"}, False, "Enabled"),
    ],
)
def test_keys(aws, metadata, symmetric, state):
    arn = "arn:aws:kms:eu-west-1:111122223333:key/k"
    aws.answer("kms", "describe_key", {"KeyMetadata": {"KeyId": "k", "Arn": arn, **metadata}}, {"KeyId": "alias/k"})
    assert aws.looked_at(Targets(key=KmsKey("alias/k"))).key == KmsKey("alias/k", True, arn, state, symmetric)


def test_a_key_that_is_missing(aws):
    aws.answer("kms", "describe_key", "NotFoundException")
    assert aws.looked_at(Targets(key=KmsKey("k"))).key.exists is False


def test_a_log_group_is_found_by_its_whole_name(aws):
    groups = [{"logGroupName": "/sessions-old", "arn": "x", "kmsKeyId": "k"}]
    aws.answer("logs", "describe_log_groups", {"logGroups": groups}, {"logGroupNamePrefix": "/sessions"})
    assert aws.looked_at(Targets(group=LogGroup("/sessions"))).group.exists is False


def test_a_log_group_of_ours(aws):
    arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/sessions"
    found = {"logGroupName": "/sessions", "arn": f"{arn}:*", "kmsKeyId": "k", "retentionInDays": 30}
    aws.answer("logs", "describe_log_groups", {"logGroups": [found]})
    aws.answer("logs", "list_tags_for_resource", {"tags": {"hybridops.aws_agents/owner": "default"}}, {"resourceArn": arn})
    assert aws.looked_at(Targets(group=LogGroup("/sessions")), create=True).group == LogGroup("/sessions", True, "k", 30, "default")


def test_a_bucket_is_made_in_the_region_of_the_task(aws):
    asked = {"Bucket": "logs", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    aws.answer("s3", "create_bucket", {}, asked)
    kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}
    sealed = {"Rules": [{"ApplyServerSideEncryptionByDefault": kms, "BucketKeyEnabled": True}]}
    aws.answer("s3", "put_bucket_encryption", {}, {**MINE, "ServerSideEncryptionConfiguration": sealed})
    targets = SessionTargets(aws, HERE, Wanted(NAME))
    for step in ("create", "encrypt"):
        targets.apply(Change(step, "bucket", "logs", after=Bucket("logs", True, "aws:kms", "k")))
    aws.stubs["s3"].assert_no_pending_responses()


def test_a_text_that_aws_takes_in_no_form_ends_with_what_to_do(aws):
    preferences = SessionPreferences(aws, Wanted(NAME), allow_root=False)
    preferences._ssm, preferences._targets = aws("ssm"), SessionTargets(aws, HERE, Wanted(NAME))
    said, other = {"inputs": {"a": "1"}}, {"inputs": {}}
    for _spaces in range(5):
        aws.answer("ssm", "update_document", "DuplicateDocumentContent")
        aws.answer("ssm", "describe_document", {"Document": {"LatestVersion": "3"}})
        aws.answer("ssm", "get_document", {"Content": json.dumps(other)})
    aws.answer("ssm", "list_document_versions", {"DocumentVersions": [{"DocumentVersion": number} for number in ("3", "2", "1")]})
    for content in (other, said):
        aws.answer("ssm", "get_document", {"Content": json.dumps(content)})
    with pytest.raises(Refusal, match="version 2 already says what was asked for.*--document-version 2"):
        preferences.apply(Change("update", "document", NAME, after=said))
