# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants of the catalogue's documents: what the tests build, and where its golden form is.

To see what a change does to the golden documents, write them anew: ``python -m tests.unit.catalogue_variants``.
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context

GOLDEN = Path(__file__).parent / "golden"
ACCOUNT = "111122223333"
REGIONS = frozenset(("af-south-1", "eu-south-1", "eu-west-1", "me-south-1", "us-east-1", "us-east-2"))
HERE = Context("aws", ACCOUNT, "eu-west-1", REGIONS)
CHINA = Context("aws-cn", ACCOUNT, "cn-north-1", frozenset(("cn-north-1", "cn-northwest-1")))
GOV = Context("aws-us-gov", ACCOUNT, "us-gov-west-1", frozenset(("us-gov-west-1",)))
NOWHERE = Context()
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
BUCKET_KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-8888-7777-6666-555555555555"

VARIANTS = {
    "cwagent_server": ("cwagent_server", {}, HERE),
    "cwagent_admin": ("cwagent_admin", {}, HERE),
    "cwagent_server_scoped": ("cwagent_server_scoped", {}, HERE),
    "cwagent_server_scoped_cn": ("cwagent_server_scoped", {}, CHINA),
    "cwagent_server_scoped_nowhere": ("cwagent_server_scoped", {}, NOWHERE),
    "cwagent_server_scoped_all": (
        "cwagent_server_scoped",
        {
            "parameters": ["/agents/web", "AmazonCloudWatch-*", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/agents/db"],
            "log_groups": ["/onprem/*", "messages", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/edge:*"],
            "namespaces": ["CWAgent", "Plant/*"],
            "retention": "true",
            "traces": "yes",
            "source_cidrs": ["203.0.113.0/24", "2001:db8::/32"],
        },
        HERE,
    ),
    "cwagent_server_scoped_metrics_only": ("cwagent_server_scoped", {"parameters": [], "log_groups": []}, HERE),
    "cwagent_admin_scoped": ("cwagent_admin_scoped", {}, HERE),
    "cwagent_admin_scoped_source": ("cwagent_admin_scoped", {"source_cidrs": ["203.0.113.7"], "retention": True}, HERE),
    "ssm_s3_exact": (
        "ssm_s3",
        {"vpc_endpoint_regions": ["us-east-2"], "buckets": [{"name": "my-bucket-name"}], "exact": True},
        HERE,
    ),
    "ssm_s3_exact_regions": ("ssm_s3", {"vpc_endpoint_regions": ["us-east-2", "eu-south-1"], "exact": True}, HERE),
    "ssm_s3_exact_buckets": ("ssm_s3", {"buckets": [{"name": "one-bucket"}, {"name": "two-bucket"}], "exact": True}, HERE),
    "ssm_s3_regions": ("ssm_s3", {"vpc_endpoint_regions": ["eu-west-1", "us-east-1"]}, HERE),
    "ssm_s3_exceptions": ("ssm_s3", {"vpc_endpoint_regions": ["af-south-1", "eu-south-1", "me-south-1"]}, HERE),
    "ssm_s3_gov": ("ssm_s3", {"vpc_endpoint_regions": ["us-gov-west-1"], "buckets": [{"name": "gov-runs"}]}, GOV),
    "ssm_s3_new_region": ("ssm_s3", {"vpc_endpoint_regions": ["eu-new-9"], "allow_unknown_region": True}, HERE),
    "ssm_s3_buckets": (
        "ssm_s3",
        {
            "buckets": [
                {"name": "my-scripts", "read_only": True},
                {"name": "my-runs", "prefix": "output/"},
                {"name": "my-sealed-runs", "prefix": "output", "encrypted": True},
                {"name": "my-keyed-runs", "kms_key_arn": BUCKET_KEY},
                {"name": "my-keyed-scripts", "kms_key_arn": KEY, "read_only": True},
                {"name": "their-runs", "cross_account": True},
            ]
        },
        HERE,
    ),
    "session_manager": ("session_manager", {}, HERE),
    "session_manager_exact": ("session_manager", {"exact": True}, HERE),
    "session_manager_kms": ("session_manager", {"kms_key_arn": KEY}, HERE),
    "session_manager_exact_kms": ("session_manager", {"kms_key_arn": KEY, "exact": True}, HERE),
    "session_manager_s3": ("session_manager", {"s3_bucket": "session-logs"}, HERE),
    "session_manager_s3_all": (
        "session_manager",
        {"s3_bucket": "session-logs", "s3_prefix": "prod", "s3_kms_key_arn": BUCKET_KEY, "s3_cross_account": True, "kms_key_arn": KEY},
        HERE,
    ),
    "session_manager_logs": ("session_manager", {"logs": True}, HERE),
    "session_manager_log_group": ("session_manager", {"log_group": "/sessions"}, CHINA),
    "session_manager_exact_all": (
        "session_manager",
        {"kms_key_arn": KEY, "s3_bucket": "DOC-EXAMPLE-BUCKET".lower(), "s3_prefix": "s3-bucket-prefix", "logs": True, "exact": True},
        HERE,
    ),
    "session_manager_exact_cross_account": (
        "session_manager",
        {"s3_bucket": "session-logs", "s3_cross_account": True, "exact": True},
        HERE,
    ),
}


def built(variant):
    preset, options, context = VARIANTS[variant]
    return catalogue.build(preset, options, context, "policy p")


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    for _variant in VARIANTS:
        (GOLDEN / f"{_variant}.json").write_text(json.dumps(built(_variant), indent=2) + "\n", encoding="utf-8")
