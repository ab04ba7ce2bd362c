# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account in which much is not as it should be, for the tests of the audit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Dict

from tests.support import iam_state
from tests.support.emulators import Emulator

OWNED = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]
EC2: Dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ANYBODY: Dict[str, Any] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
SERVER_2018: Dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "logs:CreateLogStream",
                "cloudwatch:PutMetricData",
                "ec2:DescribeTags",
                "logs:DescribeLogStreams",
                "logs:CreateLogGroup",
                "logs:PutLogEvents",
                "ssm:GetParameter",
            ],
            "Resource": "*",
        }
    ],
}
ALL: Dict[str, Any] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

MESS = {
    "admin-policy": "role Power",
    "boundary-missing": "role Bare",
    "boundary-other": "role Bounded",
    "group-member": "user cwagent-web1",
    "key-inactive": "access key * of user cwagent-web1",
    "lease-left": "role Bare",
    "password": "user cwagent-web1",
    "policy-deprecated": "role Bare",
    "policy-extra": "role Power",
    "policy-inline": "role Power",
    "policy-of-2018": "role Old",
    "drift": "role Bare",
    "host-without-user": "user cwagent-web3",
    "profile-empty": "instance profile Old",
    "quick-setup": "role AmazonSSMRoleForInstancesQuickSetup",
    "default-host-management": "Region us-east-1",
    "role-without-profile": "role Bare",
    "trust-of-deleted": "role Open",
    "trust-wide": "role Open",
    "user-orphan": "user cwagent-gone",
    "user-orphan-idle": "user cwagent-idle",
    "activation-open": "activation *",
}
"""What must be found, and where (``*`` stands for any characters)."""

EXPECTED = [
    {
        "roles": [
            {"name": "Bare", "trust": "ec2", "policies": ["CloudWatchAgentServerPolicy"]},
            {"name": "Power", "policies": ["CloudWatchAgentServerPolicy"]},
        ]
    }
]


def make_mess(aws: Emulator) -> Dict[str, str]:
    """Make it all, and return the secrets that no report may hold."""
    iam = aws.client("iam")
    deleted = json.loads(json.dumps(EC2).replace('"Service": "ec2.amazonaws.com"', '"AWS": "AROAEXAMPLEEXAMPLE123"'))
    opened = {**ANYBODY, "Statement": ANYBODY["Statement"] + deleted["Statement"]}
    for name, trust, owned in (
        ("Bare", EC2, True),
        ("Bounded", EC2, True),
        ("Open", opened, True),
        ("Power", EC2, True),
        ("Old", EC2, True),
        ("AmazonSSMRoleForInstancesQuickSetup", EC2, False),
    ):
        boundary = {"PermissionsBoundary": iam_state.AWS + "CloudWatchAgentServerPolicy"} if name == "Bounded" else {}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=OWNED if owned else [], **boundary)
    for name, policy in (
        ("Power", "AdministratorAccess"),
        ("Power", "CloudWatchAgentServerPolicy"),
        ("Bare", "service-role/AmazonEC2RoleforSSM"),
    ):
        iam.attach_role_policy(RoleName=name, PolicyArn=iam_state.AWS + policy)
    iam.put_role_policy(RoleName="Power", PolicyName="all", PolicyDocument=json.dumps(ALL))
    old = iam.create_policy(PolicyName="Agent2018", PolicyDocument=json.dumps(SERVER_2018))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="Old", PolicyArn=old)
    over = {"DateGreaterThanEquals": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    lease = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ssm:PutParameter", "Resource": "*", "Condition": over}]}
    iam.put_role_policy(RoleName="Bare", PolicyName="hybridops-aws-agents-lease", PolicyDocument=json.dumps(lease))
    iam.create_instance_profile(InstanceProfileName="Old")
    secrets = {}
    for name in ("cwagent-web1", "cwagent-web2", "cwagent-gone", "cwagent-idle"):
        iam.create_user(UserName=name, Path="/hybridops/", Tags=OWNED)
        iam.attach_user_policy(UserName=name, PolicyArn=iam_state.AWS + "CloudWatchAgentServerPolicy")
        if name != "cwagent-idle":
            key = iam.create_access_key(UserName=name)["AccessKey"]
            secrets[key["AccessKeyId"]] = key["SecretAccessKey"]
    other = iam.create_access_key(UserName="cwagent-web1")["AccessKey"]
    secrets[other["AccessKeyId"]] = other["SecretAccessKey"]
    iam.update_access_key(UserName="cwagent-web1", AccessKeyId=other["AccessKeyId"], Status="Inactive")
    iam.create_login_profile(UserName="cwagent-web1", Password="Some-Password-1")
    secrets["password"] = "Some-Password-1"
    iam.create_group(GroupName="admins")
    iam.add_user_to_group(GroupName="admins", UserName="cwagent-web1")
    ssm = aws.client("ssm")
    iam.create_role(RoleName="Hybrid", AssumeRolePolicyDocument=json.dumps(EC2).replace("ec2.", "ssm."))
    ends = datetime.now(UTC) + timedelta(days=20)
    made = ssm.create_activation(IamRole="Hybrid", DefaultInstanceName="site-a", RegistrationLimit=50, ExpirationDate=ends)
    secrets["activation"] = made["ActivationCode"]
    ssm.update_service_setting(SettingId="/ssm/managed-instance/default-ec2-instance-management-role", SettingValue="service-role/Default")
    return secrets
