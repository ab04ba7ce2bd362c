# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ministack, taught what AWS has and it lacks: three AWS managed policies, the condition key ``cloudwatch:namespace``, and
hybrid activations (``ministack_activations``).

A condition is never dropped from a policy because an emulator does not know its key; the emulator learns the key.
"""

from __future__ import annotations

import json
import urllib.parse
from typing import Any, Dict, List, Mapping, Union

from tests.support import ministack_activations, ministack_conditions, ministack_simulator

LOGS_AND_METRICS = [
    "cloudwatch:PutMetricData",
    "ec2:DescribeTags",
    "logs:PutLogEvents",
    "logs:PutRetentionPolicy",
    "logs:DescribeLogStreams",
    "logs:DescribeLogGroups",
    "logs:CreateLogStream",
    "logs:CreateLogGroup",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
]


def statement(actions: List[str], resource: str = "*") -> Dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


MANAGED_POLICIES: Mapping[str, List[Dict[str, Any]]] = {
    # Version 2 of 2024-02-05.
    "CloudWatchAgentAdminPolicy": [
        {"Sid": "CWACloudWatchPermissions", **statement(LOGS_AND_METRICS)},
        {"Sid": "CWASSMPermissions", **statement(["ssm:GetParameter", "ssm:PutParameter"], "arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*")},
    ],
    "AmazonSSMDirectoryServiceAccess": [statement(["ds:CreateComputer", "ds:DescribeDirectories"])],
    # Here for its name and path only: it is retired, and nothing in the tests acts with it.
    "service-role/AmazonEC2RoleforSSM": [statement(["ssm:UpdateInstanceInformation"])],
}


def namespace(body: bytes, parameters: Mapping[str, Union[str, List[str]]]) -> str:
    """Return the namespace that a ``PutMetricData`` request names, in whichever protocol it came."""
    if parameters.get("Namespace"):
        value = parameters["Namespace"]
        return value if isinstance(value, str) else value[0]
    if body[:1] == b"{":
        return str(json.loads(body).get("Namespace", ""))
    if body[:1] >= b"\xa0":  # a CBOR map
        import cbor2

        return str(cbor2.loads(body).get("Namespace", ""))
    return urllib.parse.parse_qs(body.decode()).get("Namespace", [""])[0]


def teach() -> None:
    """Add to the emulator in this process."""
    from ministack.core import iam_actions  # type: ignore[import-untyped]
    from ministack.services import iam  # type: ignore[import-untyped]

    def with_more_policies(seed: Any = iam._seed_aws_managed_policies) -> None:
        seed()
        for name, statements in MANAGED_POLICIES.items():
            record = iam._make_aws_managed_record(name, json.dumps({"Version": "2012-10-17", "Statement": statements}))
            iam._aws_managed_policies[record["Arn"]] = record

    def with_namespace(
        service: str, action: str, body: bytes, parameters: Dict[str, Any], tags: Any = iam_actions.request_tag_context
    ) -> Any:
        context = tags(service, action, body, parameters)
        if action == "cloudwatch:PutMetricData":
            context["cloudwatch:namespace"] = namespace(body, parameters)
        return context

    with_more_policies()
    # A reset of the emulator seeds again.
    iam._seed_aws_managed_policies = with_more_policies
    iam_actions.request_tag_context = with_namespace
    ministack_activations.teach()
    ministack_conditions.teach()
    ministack_simulator.teach()


if __name__ == "__main__":
    teach()
    from ministack.app import main  # type: ignore[import-untyped]

    main()
