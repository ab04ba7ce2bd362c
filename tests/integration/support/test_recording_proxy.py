# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Dict, Iterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.support.emulators import Emulator
from tests.support.recording_proxy import Call, Dropped, Forward, RecordingProxy, Response, failure


@pytest.fixture
def proxy(aws: Emulator) -> Iterator[RecordingProxy]:
    with RecordingProxy(aws.endpoint_url) as proxy:
        yield proxy


def test_signed_requests_of_every_protocol_pass(aws: Emulator, proxy: RecordingProxy) -> None:
    operator = aws.operator()

    def client(service: str) -> Any:
        return aws.client(service, operator, proxy.url)

    client("iam").create_user(UserName="somebody")
    client("ssm").put_parameter(Name="/a", Value="1", Type="String")
    client("cloudwatch").put_metric_data(Namespace="A", MetricData=[{"MetricName": "m", "Value": 1.0}])
    client("logs").create_log_group(logGroupName="g")
    client("s3").create_bucket(Bucket="a-bucket")
    client("s3").put_object(Bucket="a-bucket", Key="k", Body=b"text")
    assert client("s3").head_object(Bucket="a-bucket", Key="k")["ContentLength"] == 4
    assert client("s3").get_object(Bucket="a-bucket", Key="k")["Body"].read() == b"text"
    assert client("sts").get_caller_identity()["Arn"].endswith("user/test/operator")

    assert [str(call) for call in proxy.writes] == [
        "iam:CreateUser",
        "ssm:PutParameter",
        "cloudwatch:PutMetricData",
        "logs:CreateLogGroup",
        "s3:PutBucket",
        "s3:PutObject",
    ]
    assert [str(call) for call in proxy.reads] == ["s3:HeadObject", "s3:GetObject", "sts:GetCallerIdentity"]
    assert {call.access_key_id for call in proxy.calls} == {operator.access_key_id}
    assert {call.status for call in proxy.calls} == {200}
    assert proxy.calls[0].parameters["UserName"] == "somebody"
    assert proxy.calls[1].parameters["Name"] == "/a"


def test_counts_and_clear(aws: Emulator, proxy: RecordingProxy) -> None:
    iam = aws.client("iam", aws.operator(), proxy.url)
    iam.list_users()
    iam.list_users()
    iam.list_roles()
    assert proxy.counts() == {"iam:ListUsers": 2, "iam:ListRoles": 1}
    proxy.clear()
    assert proxy.calls == []


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("iam", "list_users", {}),
        ("ssm", "describe_parameters", {}),
        ("cloudwatch", "list_metrics", {}),
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b""}),
    ],
)
def test_a_failure_is_understood_by_boto3(moto: Emulator, service: str, operation: str, arguments: Dict[str, Any]) -> None:
    def throttle(call: Call, forward: Forward) -> Response:
        return failure(call, "Throttling", "slow down")

    with RecordingProxy(moto.endpoint_url, handler=throttle) as proxy, pytest.raises(ClientError) as caught:
        getattr(moto.client(service, endpoint_url=proxy.url), operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == "Throttling"
    assert caught.value.response["Error"]["Message"] == "slow down"
    assert [(call.status, call.forwarded) for call in proxy.calls] == [(400, False)] * len(proxy.calls)


def test_an_answer_can_be_lost_after_the_change_was_made(aws: Emulator, proxy: RecordingProxy) -> None:
    def lose(call: Call, forward: Forward) -> Response:
        forward()
        raise Dropped

    proxy.handler = lose
    with pytest.raises(ConnectionClosedError):
        aws.client("iam", aws.operator(), proxy.url).create_user(UserName="somebody")
    assert "somebody" in [user["UserName"] for user in aws.client("iam").list_users()["Users"]]
    assert all(call.forwarded and call.status is None for call in proxy.calls)


def test_a_handler_that_breaks_fails_the_test(moto: Emulator) -> None:
    def broken(call: Call, forward: Forward) -> Response:
        raise KeyError("a mistake in the test")

    proxy = RecordingProxy(moto.endpoint_url, handler=broken)
    with pytest.raises(AssertionError, match="the proxy failed"), proxy, pytest.raises(ConnectionClosedError):
        moto.client("iam", endpoint_url=proxy.url).list_users()
