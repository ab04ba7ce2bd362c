# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the emulators were taught of hybrid activations, and that what they answer has the shapes of AWS's own model."""

from __future__ import annotations

import datetime
import functools
import json
import re
import time
from typing import Any, Dict, Iterator, List

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.ssm_agent.stand_in import aws as agent
from tests.ssm_agent.stand_in import keys
from tests.support.activations import ONLINE_TAG, TOKEN_TAG
from tests.support.emulators import Credentials, Emulator

MODEL = botocore.session.get_session().get_service_model("ssm")
TRUST = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
NOBODY = "00000000-0000-0000-0000-000000000000"
ABOUT = {"AgentVersion": "3.3.1142.0", "AgentStatus": "Active", "PlatformType": "Linux", "ComputerName": "host1", "IPAddress": "192.0.2.1"}


def faults(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """Yield what is wrong with an answer by AWS's model: unknown and missing members, types, patterns, values."""
    kinds = {"structure": dict, "list": list, "map": dict, "string": str, "integer": int, "boolean": bool}
    kind = kinds.get(shape.type_name, datetime.datetime)
    if not isinstance(value, kind):
        yield f"{where} is {type(value).__name__}, not a {shape.type_name}"
    elif shape.type_name == "structure":
        yield from (f"{where}.{name} is unknown" for name in set(value) - set(shape.members))
        yield from (f"{where}.{name} is missing" for name in set(shape.required_members) - set(value))
        for name in set(value) & set(shape.members):
            yield from faults(shape.members[name], value[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from faults(shape.member, item, f"{where}[]")
    elif shape.type_name == "string":
        pattern = shape.metadata.get("pattern", "")
        if shape.enum and value not in shape.enum:
            yield f"{where} is {value}, none of {shape.enum}"
        if r"\p{" not in pattern and not re.search(pattern, value):
            yield f"{where} is {value}, not {pattern}"
        if not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 1_000_000):
            yield f"{where} has {len(value)} characters"


class Side:
    """Calls as an operator; what is answered is held against the model."""

    def __init__(self, emulator: Emulator, who: Credentials | None = None) -> None:
        self._client = emulator.client("ssm", who or emulator.operator())
        self._raw: Dict[str, Any] = {}
        # The parser leaves out members that the model does not have, so they are looked for in what was sent.
        self._client.meta.events.register("before-parse.ssm", lambda response_dict, **_more: self._raw.update(response_dict))

    def __call__(self, operation: str, **request: Any) -> Dict[str, Any]:
        method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
        answer: Dict[str, Any] = getattr(self._client, method)(**request)
        answer.pop("ResponseMetadata")
        shape = MODEL.operation_model(operation).output_shape
        # AWS answers RegistrationsCount 0, though its model says that 1 is the least. Numbers are not looked at here.
        assert not list(faults(shape, answer, operation))
        sent = json.loads(self._raw["body"] or b"{}")
        assert members(sent) == members(answer), "the answer has members that AWS's model does not"
        return answer

    def refused(self, operation: str, **request: Any) -> str:
        with pytest.raises(ClientError) as caught:
            self(operation, **request)
        return str(caught.value.response["Error"]["Code"])


def members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: members(item) for name, item in value.items()}
    return [members(item) for item in value] if isinstance(value, list) else None


def make_role(emulator: Emulator, name: str = "SSMServiceRole", path: str = "/", **statement: Any) -> str:
    document = {"Version": "2012-10-17", "Statement": [{**TRUST, **statement}]}
    iam = emulator.client("iam")
    arn = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    return str(arn)


@functools.cache
def key_of_a_node() -> keys.Key:
    """One for all nodes of these tests: making one takes a second."""
    return keys.make()


def register(emulator: Emulator, activation: Dict[str, Any]) -> agent.NodeKey:
    key = key_of_a_node()
    request = {**activation, "Fingerprint": "f", "PublicKey": key.public(), "PublicKeyType": "Rsa"}
    return agent.NodeKey(agent.call(emulator.endpoint_url, emulator.region, "RegisterManagedInstance", request)["InstanceId"], key)


def token(emulator: Emulator, node: agent.NodeKey, fingerprint: str = "f") -> agent.Keys:
    got = agent.call(emulator.endpoint_url, emulator.region, "RequestManagedInstanceRoleToken", {"Fingerprint": fingerprint}, node)
    assert set(got) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "TokenExpirationDate", "UpdateKeyPair"}
    assert got["UpdateKeyPair"] is False
    return agent.Keys(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


def ping(emulator: Emulator, node: agent.NodeKey, who: agent.Keys) -> None:
    request = {"InstanceId": node.instance_id, **ABOUT}
    assert agent.call(emulator.endpoint_url, emulator.region, "UpdateInstanceInformation", request, who) == {}


def code(call: Any, *arguments: Any) -> str:
    with pytest.raises(agent.AwsError) as caught:
        call(*arguments)
    return caught.value.code


def test_the_life_of_an_activation_and_its_node(aws: Emulator) -> None:
    make_role(aws)
    ssm = Side(aws)
    assert ssm("DescribeActivations") == {"ActivationList": []}
    before = datetime.datetime.now(datetime.UTC)
    tags = [{"Key": "Site", "Value": "one"}]
    made = ssm("CreateActivation", IamRole="SSMServiceRole", DefaultInstanceName="host1", Description="for host1", Tags=tags)
    (shown,) = ssm("DescribeActivations")["ActivationList"]
    assert len(made["ActivationCode"]) >= 20 and made["ActivationCode"] not in json.dumps(shown, default=str)
    assert datetime.timedelta(hours=23.9) < shown.pop("ExpirationDate") - before < datetime.timedelta(hours=24.1)
    assert shown.pop("CreatedDate") >= before - datetime.timedelta(seconds=1)
    assert shown == {
        "ActivationId": made["ActivationId"],
        "IamRole": "SSMServiceRole",
        "RegistrationLimit": 1,
        "RegistrationsCount": 0,
        "Expired": False,
        "DefaultInstanceName": "host1",
        "Description": "for host1",
        "Tags": tags,
    }

    assert code(register, aws, {**made, "ActivationCode": "x" * 20}) == "InvalidActivation"
    assert code(register, aws, {**made, "ActivationId": NOBODY}) == "InvalidActivation"
    node = register(aws, made)
    assert re.fullmatch(r"mi-[0-9a-f]{17}", node.instance_id)
    assert ssm("DescribeActivations")["ActivationList"][0]["RegistrationsCount"] == 1
    assert code(register, aws, made) == "InvalidActivation", "the limit is 1"
    assert ssm("DeleteActivation", ActivationId=made["ActivationId"]) == {}
    assert ssm.refused("DeleteActivation", ActivationId=made["ActivationId"]) == "InvalidActivation"

    (unheard,) = ssm("DescribeInstanceInformation")["InstanceInformationList"]
    assert (unheard["PingStatus"], unheard["Name"], unheard.get("LastPingDateTime")) == ("ConnectionLost", "host1", None)
    assert code(token, aws, agent.NodeKey(node.instance_id, keys.make())) == "AccessDeniedException", "another's key"
    assert code(token, aws, node, "another machine") == "MachineFingerprintDoesNotMatch"
    ping(aws, node, token(aws, node))
    (heard,) = ssm("DescribeInstanceInformation")["InstanceInformationList"]
    assert heard["PingStatus"] == "Online" and heard["ComputerName"] == "host1" and heard["AgentVersion"] == "3.3.1142.0"
    assert heard["IamRole"] == "SSMServiceRole" and heard["ActivationId"] == made["ActivationId"]
    assert ssm("ListTagsForResource", ResourceType="ManagedInstance", ResourceId=node.instance_id)["TagList"] == tags

    ssm("DeregisterManagedInstance", InstanceId=node.instance_id)
    assert ssm("DescribeInstanceInformation")["InstanceInformationList"] == []
    assert ssm.refused("DeregisterManagedInstance", InstanceId=node.instance_id) == "InvalidInstanceId"
    assert code(token, aws, node) == "AccessDeniedException"


def test_what_create_activation_refuses_and_how_long_one_lives(aws: Emulator) -> None:
    make_role(aws)
    make_role(aws, "other", Principal={"Service": "ec2.amazonaws.com"})
    make_role(aws, "pathed", "/hybrid/")
    make_role(
        aws,
        "ours",
        Condition={
            "StringEquals": {"aws:SourceAccount": aws.account},
            "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:{aws.region}:{aws.account}:*"},
        },
    )
    make_role(aws, "theirs", Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})
    ssm = Side(aws)
    for name in ("nobody", "other", "theirs", "elsewhere/pathed"):
        assert ssm.refused("CreateActivation", IamRole=name) == "ValidationException", name
    for name in ("pathed", "hybrid/pathed", "ours"):
        ssm("CreateActivation", IamRole=name)
    now = datetime.datetime.now(datetime.UTC)
    for each in (30.1, -0.1):
        assert ssm.refused("CreateActivation", IamRole="ours", ExpirationDate=now + datetime.timedelta(days=each)) == "InvalidParameters"
    short = ssm("CreateActivation", IamRole="ours", DefaultInstanceName="short", ExpirationDate=now + datetime.timedelta(seconds=1.5))
    time.sleep(max(0.0, 1.6 - (datetime.datetime.now(datetime.UTC) - now).total_seconds()))
    by_id = {"FilterKey": "ActivationIds", "FilterValues": [short["ActivationId"]]}
    assert [each["Expired"] for each in ssm("DescribeActivations", Filters=[by_id])["ActivationList"]] == [True]
    assert code(register, aws, short) == "InvalidActivation"


def test_lists_come_in_pages_and_are_filtered(aws: Emulator) -> None:
    make_role(aws)
    ssm = Side(aws)
    made = [ssm("CreateActivation", IamRole="SSMServiceRole", DefaultInstanceName=f"host{number}") for number in range(12)]
    first = ssm("DescribeActivations")
    rest = ssm("DescribeActivations", NextToken=first["NextToken"])
    assert [len(each["ActivationList"]) for each in (first, rest)] == [10, 2] and "NextToken" not in rest
    named = [{"FilterKey": "DefaultInstanceName", "FilterValues": ["host3"]}]
    assert [each["ActivationId"] for each in ssm("DescribeActivations", Filters=named)["ActivationList"]] == [made[3]["ActivationId"]]
    nodes = [register(aws, each) for each in made[:6]]
    pages: List[Any] = list(aws.client("ssm").get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["InstanceInformationList"]) for page in pages] == [5, 1]
    wanted = nodes[2].instance_id
    for filters in (
        {"Filters": [{"Key": "InstanceIds", "Values": [wanted]}]},
        {"InstanceInformationFilterList": [{"key": "ActivationIds", "valueSet": [made[2]["ActivationId"]]}]},
    ):
        assert [each["InstanceId"] for each in ssm("DescribeInstanceInformation", **filters)["InstanceInformationList"]] == [wanted]


def test_another_region_and_a_reset_know_nothing_of_them(aws: Emulator) -> None:
    make_role(aws)
    import boto3

    elsewhere = boto3.session.Session(aws.operator().access_key_id, aws.operator().secret_access_key, region_name="eu-west-1")
    client = elsewhere.client("ssm", endpoint_url=aws.endpoint_url)
    made = client.create_activation(IamRole="SSMServiceRole")
    node = register(aws, {name: made[name] for name in ("ActivationId", "ActivationCode")})
    assert client.describe_instance_information()["InstanceInformationList"][0]["InstanceId"] == node.instance_id
    assert Side(aws)("DescribeActivations")["ActivationList"] == []
    aws.reset()
    assert aws.client("ssm").describe_instance_information()["InstanceInformationList"] == []
    assert code(token, aws, node) == "AccessDeniedException"


def test_service_settings(aws: Emulator) -> None:
    ssm = Side(aws)
    tier = "/ssm/managed-instance/activation-tier"
    assert ssm("GetServiceSetting", SettingId=tier)["ServiceSetting"]["SettingValue"] == "standard"
    arn = f"arn:aws:ssm:{aws.region}:{aws.account}:servicesetting{tier}"
    ssm("UpdateServiceSetting", SettingId=arn, SettingValue="advanced")
    setting = ssm("GetServiceSetting", SettingId=tier)["ServiceSetting"]
    assert (setting["SettingValue"], setting["Status"], setting["ARN"]) == ("advanced", "Customized", arn)
    assert ssm.refused("UpdateServiceSetting", SettingId=tier, SettingValue="cheap") == "ValidationException"
    assert ssm.refused("GetServiceSetting", SettingId="/nothing") == "ServiceSettingNotFound"


def test_a_node_may_do_what_its_role_may_and_no_longer_than_its_token_lives(ministack: Emulator) -> None:
    make_role(ministack)
    ssm = Side(ministack)
    tags = [{"Key": TOKEN_TAG, "Value": "3"}, {"Key": ONLINE_TAG, "Value": "1"}]
    node = register(ministack, ssm("CreateActivation", IamRole="SSMServiceRole", Tags=tags))
    got = token(ministack, node)
    ends = time.monotonic() + 3.2
    ping(ministack, node, got)
    who = Credentials(got.access_key_id, got.secret_access_key, got.session_token)
    identity = ministack.client("sts", who).get_caller_identity()["Arn"]
    assert identity == f"arn:aws:sts::{ministack.account}:assumed-role/SSMServiceRole/{node.instance_id}"

    def metric() -> None:
        ministack.client("cloudwatch", who).put_metric_data(Namespace="CWAgent", MetricData=[{"MetricName": "m", "Value": 1.0}])

    with pytest.raises(ClientError, match="AccessDenied"):
        metric()
    iam = ministack.client("iam")
    iam.attach_role_policy(RoleName="SSMServiceRole", PolicyArn="arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")
    metric()
    iam.detach_role_policy(RoleName="SSMServiceRole", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    assert code(ping, ministack, node, got) == "AccessDeniedException"
    time.sleep(max(0.0, ends - time.monotonic()))
    with pytest.raises(ClientError, match="Expired"):
        metric()
    assert ssm("DescribeInstanceInformation")["InstanceInformationList"][0]["PingStatus"] == "ConnectionLost"


def test_creating_an_activation_passes_the_role_and_permissions_may_name_the_node(ministack: Emulator) -> None:
    arn = make_role(ministack)
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": arn,
        "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
    }
    creating = {"Effect": "Allow", "Action": "ssm:CreateActivation", "Resource": "*"}
    elsewhere = {**passing, "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}

    def side(name: str, *statements: Dict[str, Any]) -> Side:
        return Side(ministack, ministack.operator(name, policy={"Version": "2012-10-17", "Statement": list(statements)}))

    for name, more in (("nothing", []), ("other", [elsewhere])):
        assert side(name, creating, *more).refused("CreateActivation", IamRole="SSMServiceRole") == "AccessDeniedException"
    made = side("passer", creating, passing)("CreateActivation", IamRole="SSMServiceRole")
    node = register(ministack, made)
    resource = f"arn:aws:ssm:{ministack.region}:{ministack.account}:managed-instance/"
    leaving = {"Effect": "Allow", "Action": "ssm:DeregisterManagedInstance"}
    assert (
        side("no", {**leaving, "Resource": f"{resource}mi-0"}).refused("DeregisterManagedInstance", InstanceId=node.instance_id)
        == "AccessDeniedException"
    )
    side("yes", {**leaving, "Resource": f"{resource}mi-*"})("DeregisterManagedInstance", InstanceId=node.instance_id)
