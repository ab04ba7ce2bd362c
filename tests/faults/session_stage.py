# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preferences of Session Manager as a stage for ``matrix``."""

from __future__ import annotations

import json
from typing import Any, Dict

from tests.faults.aws_stages import TaskStage
from tests.support import iam_state


class Sessions(TaskStage):
    """The preferences of Session Manager, with a bucket and a log group that are made for them."""

    name = "aws_access, session preferences"
    playbook = "aws_access"
    BUCKET = "session-logs"

    def variables(self) -> Dict[str, Any]:
        return {
            "aws_agents_roles": ["session_manager"],
            "session_manager_s3_bucket": self.BUCKET,
            "session_manager_log_group": "/sessions",
            "session_manager_preferences": True,
            "session_manager_preferences_create": True,
            "session_manager_preferences_log_group_encrypted": False,
            "session_manager_preferences_log_group_retention": 30,
        }

    def end_state(self) -> Any:
        s3, bucket = self.aws.client("s3"), {"Bucket": self.BUCKET}
        document = self.aws.client("ssm").get_document(Name="SSM-SessionManagerRunShell")
        return {
            **iam_state.of(self.aws),
            "buckets": [one["Name"] for one in s3.list_buckets()["Buckets"]],
            "tags": s3.get_bucket_tagging(**bucket)["TagSet"],
            "encryption": s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"],
            "block": s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"],
            "policy": json.loads(s3.get_bucket_policy(**bucket)["Policy"]),
            "groups": [(one["logGroupName"], one["retentionInDays"]) for one in self.aws.client("logs").describe_log_groups()["logGroups"]],
            "document": json.loads(document["Content"]),
        }
