# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The person's side of sessions and the other account's: who may do what, and what is refused."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

from tests.unit.catalogue_variants import ACCOUNT, CHINA, HERE, KEY, NODE_ROLES, NOWHERE, built

EC2 = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
HYBRID = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:managed-instance/mi-0123456789abcdef0"
DOCUMENT = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/"
SESSION = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:session/"
WEB, DB = {"ssm:resourcetag/team": "web"}, {"ssm:resourcetag/team": "db"}
CHECKED = {"ssm:sessiondocumentaccesscheck": "true"}
UNCHECKED = {"ssm:sessiondocumentaccesscheck": "false"}
TAG = "ssm:resourcetag/aws:ssmmessages:session-id"
USER, ROLE = "AIDA00000000000000BOB", "AROA00000000000000OPS:bob"

REQUESTS = {
    "on an instance with the tag": ("ssm:StartSession", EC2, WEB, True),
    "on a hybrid node with the tag": ("ssm:StartSession", HYBRID, WEB, True),
    "with AWS's check of the document": ("ssm:StartSession", EC2, {**WEB, **CHECKED}, True),
    "without it": ("ssm:StartSession", EC2, {**WEB, **UNCHECKED}, False),
    "on an instance of others": ("ssm:StartSession", EC2, DB, False),
    "on a hybrid node of others": ("ssm:StartSession", HYBRID, DB, False),
    "without a tag": ("ssm:StartSession", EC2, {}, False),
    "in another account": ("ssm:StartSession", EC2.replace(ACCOUNT, "444455556666"), WEB, False),
    "with the preferences": ("ssm:StartSession", f"{DOCUMENT}SSM-SessionManagerRunShell", {}, True),
    "with another document": ("ssm:StartSession", f"{DOCUMENT}Without-Logs", {}, False),
    "a tunnel for SSH": ("ssm:StartSession", "arn:aws:ssm:eu-west-1::document/AWS-StartSSHSession", {}, False),
    "the end of a user's own session": ("ssm:TerminateSession", f"{SESSION}bob-0123", {TAG: USER}, True),
    "the end of a session of somebody whose name begins alike": (
        "ssm:TerminateSession",
        f"{SESSION}bob-admin-0123",
        {TAG: "AIDAOTHER"},
        False,
    ),
    "back into one's own session": ("ssm:ResumeSession", f"{SESSION}bob-0123", {TAG: USER}, True),
    "the channel of one's own session": ("ssmmessages:OpenDataChannel", f"{SESSION}{USER}-0123", {}, True),
    "the channel of others": ("ssmmessages:OpenDataChannel", f"{SESSION}AIDAOTHER-0123", {}, False),
    "a change of the preferences": ("ssm:UpdateDocument", f"{DOCUMENT}SSM-SessionManagerRunShell", {}, False),
}


def decided(variant, action, resource, context, identity=USER):
    request = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:user/bob",
        principal_type="User",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region="eu-west-1",
        source_ip="192.0.2.1",
        service_context=context,
    )
    text = documents.render(built(variant)).replace("${aws:userid}", identity)
    return evaluate(request, [parse_policy_document(text)]).decision == "Allow"


@pytest.mark.parametrize("case", REQUESTS)
def test_a_person_may_start_sessions(case):
    action, resource, context, allowed = REQUESTS[case]
    assert decided("session_user", action, resource, context) is allowed


def test_whoever_assumed_a_role_ends_its_own_sessions_only():
    assert decided("session_user", "ssm:TerminateSession", f"{SESSION}bob-0123", {TAG: ROLE}, ROLE)
    assert not decided("session_user", "ssm:TerminateSession", f"{SESSION}eve-0123", {TAG: ROLE.replace("bob", "eve")}, ROLE)


def test_a_document_of_aws_belongs_to_no_account():
    granted = [statement["Resource"] for statement in built("session_user_ssh_nowhere")["Statement"] if "Document" in statement["Sid"]]
    assert granted == [["arn:aws:ssm:*::document/AWS-StartSSHSession"]]


ANSWERS = {
    "a log of a node": (
        NODE_ROLES[0],
        "s3:PutObject",
        "arn:aws:s3:::session-logs/prod/x",
        {"s3:x-amz-acl": "bucket-owner-full-control"},
        True,
    ),
    "a log that its owner could not read": (NODE_ROLES[0], "s3:PutObject", "arn:aws:s3:::session-logs/prod/x", {}, False),
    "a log elsewhere": (NODE_ROLES[0], "s3:PutObject", "arn:aws:s3:::session-logs/x", {"s3:x-amz-acl": "bucket-owner-full-control"}, False),
    "how it is encrypted": (NODE_ROLES[1], "s3:GetEncryptionConfiguration", "arn:aws:s3:::session-logs", {}, True),
    "reading": (NODE_ROLES[0], "s3:GetObject", "arn:aws:s3:::session-logs/prod/x", {}, False),
    "another role": (
        NODE_ROLES[0] + "2",
        "s3:PutObject",
        "arn:aws:s3:::session-logs/prod/x",
        {"s3:x-amz-acl": "bucket-owner-full-control"},
        False,
    ),
}


@pytest.mark.parametrize("secure", [True, False], ids=["TLS", "no TLS"])
@pytest.mark.parametrize("case", ANSWERS)
def test_the_bucket_of_the_other_account(case, secure):
    role, action, resource, context, allowed = ANSWERS[case]
    request = EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account="444455556666",
        action=action,
        resource_arn=resource,
        region="eu-west-1",
        source_ip="192.0.2.1",
        secure_transport=secure,
        service_context=context,
    )
    decision = evaluate_resource_policy(documents.render(built("session_logs_bucket_policy")), request).decision
    assert decision == ("Deny" if not secure else "Allow" if allowed else "ImplicitDeny")


REFUSED = {
    "no tag": ("session_user", {"tag_values": ["web"]}, HERE, "tag_key is required"),
    "no values": ("session_user", {"tag_key": "team", "tag_values": []}, HERE, "tag_values is required"),
    "any value": ("session_user", {"tag_key": "team", "tag_values": ["*"]}, HERE, "'\\*' is no tag of nodes.*no wildcards"),
    "a variable": ("session_user", {"tag_key": "team", "tag_values": ["${aws:username}"]}, HERE, "no tag of nodes"),
    "any document": ("session_user", {"tag_key": "t", "tag_values": "v", "document_name": "AWS-*"}, HERE, "no name of a session document"),
    "an alias": ("session_user", {"tag_key": "t", "tag_values": "v", "kms_key_arn": "alias/a"}, HERE, "An alias does not do"),
    "no roles": ("session_logs_bucket_policy", {"s3_bucket": "abc"}, HERE, "role_arns is required"),
    "no bucket": ("session_logs_bucket_policy", {"role_arns": NODE_ROLES}, HERE, "s3_bucket is required"),
    "everybody": ("session_logs_bucket_policy", {"role_arns": ["*"], "s3_bucket": "abc"}, HERE, "no ARN of a role.*without wildcards"),
    "a user": ("session_logs_key_policy", {"role_arns": ["arn:aws:iam::111122223333:user/u"]}, HERE, "no ARN of a role"),
    "roles of another partition": ("session_logs_key_policy", {"role_arns": NODE_ROLES}, CHINA, "role of another partition"),
    "a key of nobody": ("session_logs_key_policy", {"role_arns": NODE_ROLES}, NOWHERE, "give account"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    preset, options, context, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        catalogue.build(preset, options, context, "policy p")


def test_the_key_stays_in_the_hands_of_its_account():
    first, roles = built("session_logs_key_policy")["Statement"]
    assert first["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"} and first["Action"] == ["kms:*"]
    assert roles["Principal"] == {"AWS": NODE_ROLES} and "kms:*" not in roles["Action"]
    assert KEY not in documents.render(built("session_logs_key_policy"))
