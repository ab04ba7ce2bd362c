# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call AWS with what lies on the host and nothing else, and print as JSON which calls AWS allowed.

Run by ``run.py`` in an environment that names the host's credentials file, its profile and the endpoint.
"""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Dict, Tuple

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

GROUP, STREAM = "/hybridops/demo", "host"
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}


def calls(session: boto3.session.Session) -> Dict[str, Tuple[str, Callable[[], Any]]]:
    """Return the calls to try: name to service and call."""
    config = Config(retries={"max_attempts": 1})
    cloudwatch, logs, ssm, iam = (session.client(name, config=config) for name in ("cloudwatch", "logs", "ssm", "iam"))
    metric = {"MetricName": "demo", "Value": 1.0}
    event = {"timestamp": int(time.time() * 1000), "message": "hello from the host"}
    return {
        "send a metric": ("cloudwatch:PutMetricData", lambda: cloudwatch.put_metric_data(Namespace="CWAgent", MetricData=[metric])),
        "send one under another name": (
            "cloudwatch:PutMetricData",
            lambda: cloudwatch.put_metric_data(Namespace="Elsewhere", MetricData=[metric]),
        ),
        "make a log group": ("logs:CreateLogGroup", lambda: logs.create_log_group(logGroupName=GROUP)),
        "make a log stream": ("logs:CreateLogStream", lambda: logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)),
        "write to the log": (
            "logs:PutLogEvents",
            lambda: logs.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=[event]),
        ),
        "store a configuration": (
            "ssm:PutParameter",
            lambda: ssm.put_parameter(Name="AmazonCloudWatch-demo", Value="{}", Type="String", Overwrite=True),
        ),
        "make a user": ("iam:CreateUser", lambda: iam.create_user(UserName="intruder")),
    }


def outcome(call: Callable[[], Any]) -> str:
    """Return ``allowed``, ``denied``, or what else went wrong."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # What exists already was reached, so it was allowed.
        return "denied" if code in DENIED else "allowed" if "AlreadyExists" in code else code
    return "allowed"


if __name__ == "__main__":
    session = boto3.session.Session()
    print(json.dumps({title: [action, outcome(call)] for title, (action, call) in calls(session).items()}))
