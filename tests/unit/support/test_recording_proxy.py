# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
from typing import Dict

import pytest

from tests.support.recording_proxy import describe

SCOPE = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body", "name", "write"),
    [
        ("iam", "POST", "/", FORM, b"Action=CreateUser&UserName=a", "iam:CreateUser", True),
        ("iam", "POST", "/", FORM, b"Action=ListUsers", "iam:ListUsers", False),
        ("iam", "POST", "/", FORM, b"Action=SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy", False),
        ("iam", "POST", "/", FORM, b"Action=GenerateCredentialReport", "iam:GenerateCredentialReport", True),
        ("sts", "POST", "/", FORM, b"Action=AssumeRole", "sts:AssumeRole", False),
        ("iam", "POST", "/", {**FORM, "Content-Encoding": "gzip"}, gzip.compress(b"Action=TagUser", mtime=0), "iam:TagUser", True),
        ("ssm", "POST", "/", {"X-Amz-Target": "AmazonSSM.PutParameter"}, b"{}", "ssm:PutParameter", True),
        ("logs", "POST", "/", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, b"{}", "logs:DescribeLogGroups", False),
        ("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", {}, b"", "cloudwatch:PutMetricData", True),
        ("s3", "HEAD", "/bucket", {}, b"", "s3:HeadBucket", False),
        ("s3", "GET", "/bucket?encryption", {}, b"", "s3:GetBucketEncryption", False),
        ("s3", "PUT", "/bucket/a/b", {}, b"text", "s3:PutObject", True),
        ("s3", "DELETE", "/bucket/a", {}, b"", "s3:DeleteObject", True),
    ],
)
def test_requests_are_recognised(
    service: str, method: str, path: str, headers: Dict[str, str], body: bytes, name: str, write: bool
) -> None:
    call = describe(method, path, {"Authorization": SCOPE.format(service=service), **headers}, body)
    assert (str(call), call.write, call.access_key_id, call.region) == (name, write, "AKIAEXAMPLE", "eu-west-1")


def test_a_request_that_nobody_knows_counts_as_a_write() -> None:
    assert describe("POST", "/", FORM, b"").write


def test_a_body_is_not_printed() -> None:
    assert "private" not in repr(describe("POST", "/", FORM, b"Action=PutUserPolicy&PolicyDocument=private"))
