# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What identities may and may not do, as the collection means it: data, from which questions to AWS's policy simulator are made."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

PARAMETERS = "arn:{partition}:ssm:{region}:{account}:parameter/"
"""Braces stand for what is known once the caller is: ``partition``, ``account``, ``region``."""
AGENT_PARAMETER = PARAMETERS + "AmazonCloudWatch-linux"
OTHER_PARAMETER = PARAMETERS + "some/other/parameter"
IAM = "arn:{partition}:iam::{account}:"
OBJECT = "arn:{partition}:s3:::some-other-bucket/object"
NAMESPACE = "cloudwatch:namespace"
DEFAULT_NAMESPACE = "CWAgent"

Expectation = Dict[str, Any]
"""``actions``, ``resources`` and ``context``, as the module's options."""


def _of(actions: List[str], *resources: str, context: Optional[Mapping[str, Any]] = None) -> Expectation:
    return {"actions": actions, "resources": list(resources) or ["*"], "context": dict(context or {})}


_METRICS = _of(["cloudwatch:PutMetricData"], context={NAMESPACE: DEFAULT_NAMESPACE})
_NODE = _of(["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel"])
SESSION_CHANNELS = _of(["ssmmessages:CreateDataChannel", "ssmmessages:OpenDataChannel"])
"""Without these a node is managed, and takes no sessions."""
_POWER = [
    # Asked of one resource, a grant on all of them and one on many (role/*) are both found; asked of "*", only the first is.
    _of(["iam:AttachRolePolicy", "iam:PassRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"], IAM + "role/some-other-role"),
    _of(["iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreateUser", "iam:PutUserPolicy"], IAM + "user/some-other-user"),
    _of(["iam:CreatePolicyVersion"], IAM + "policy/some-other-policy"),
    _of(["ssm:SendCommand", "ssm:StartSession"], "arn:{partition}:ec2:{region}:{account}:instance/i-0123456789abcdef0"),
    _of(["ec2:RunInstances", "lambda:CreateFunction", "secretsmanager:GetSecretValue", "ssm:CreateActivation"]),
]
"""With any of these an agent could become more than it is, or reach other machines."""
_OBJECTS = _of(["s3:GetObject", "s3:PutObject"], OBJECT)
_WRITES = _of(["ssm:PutParameter"], AGENT_PARAMETER, OTHER_PARAMETER)

PRESETS: Dict[str, Dict[str, List[Expectation]]] = {
    "cwagent_server": {"may": [_METRICS], "may_not": [*_POWER, _OBJECTS, _WRITES]},
    "cwagent_user": {"may": [_METRICS], "may_not": [*_POWER, _OBJECTS, _WRITES, _of(["ssm:GetParameter"], OTHER_PARAMETER)]},
    "cwagent_admin": {
        "may": [_METRICS],
        "may_not": [*_POWER, _OBJECTS, _of(["ssm:PutParameter"], OTHER_PARAMETER)],
    },
    "ssm_node": {"may": [_NODE], "may_not": [*_POWER, _OBJECTS, _WRITES]},
    "session_manager": {
        "may": [_NODE, SESSION_CHANNELS],
        "may_not": [*_POWER, _OBJECTS, _WRITES, _of(["ssm:GetParameter"], OTHER_PARAMETER)],
    },
}
"""By the names of what makes such identities. ``cwagent_user`` is a user whose key lies on a server, ``ssm_node`` the role of an instance
or hybrid node of Systems Manager."""
