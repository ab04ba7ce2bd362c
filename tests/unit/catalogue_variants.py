# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants of the catalogue's documents: what the tests build, and where its golden form is.

To see what a change does to the golden documents, write them anew: ``python -m tests.unit.catalogue_variants``.
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context

GOLDEN = Path(__file__).parent / "golden"
ACCOUNT = "111122223333"
REGIONS = frozenset(("af-south-1", "eu-south-1", "eu-west-1", "me-south-1", "us-east-1", "us-east-2"))
HERE = Context("aws", ACCOUNT, "eu-west-1", REGIONS)
CHINA = Context("aws-cn", ACCOUNT, "cn-north-1", frozenset(("cn-north-1", "cn-northwest-1")))
GOV = Context("aws-us-gov", ACCOUNT, "us-gov-west-1", frozenset(("us-gov-west-1",)))
NOWHERE = Context()
METRICS_ROLE = "arn:aws:iam::444455556666:role/agents/MetricsFromElsewhere"
ALL_OF_CORE = dict.fromkeys(("run_command", "associations", "sessions", "inventory", "patching", "packages"), True)
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
NODE_ROLES = ["arn:aws:iam::444455556666:role/MySessionManagerRole", "arn:aws:iam::444455556666:role/service-role/SSMServiceRole"]
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
    "assume_roles": ("assume_roles", {"role_arns": [METRICS_ROLE]}, HERE),
    "assume_roles_source": ("assume_roles", {"role_arns": [METRICS_ROLE], "source_cidrs": "203.0.113.0/24"}, HERE),
    "log_streams": ("log_streams", {"log_streams": [{"group": "/web", "streams": ["web1", "access-*"]}]}, HERE),
    "log_streams_all": (
        "log_streams",
        {
            "log_streams": [
                {"group": "/web", "streams": ["web1"], "create_group": True, "retention": True},
                {"group": "/ssm/*", "streams": ["*"], "describe": True},
                {"group": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/edge:*", "streams": "edge1"},
            ]
        },
        HERE,
    ),
    "log_streams_cn_nowhere": (
        "log_streams",
        {"log_streams": {"group": "g", "streams": ["s"], "describe": "yes"}},
        Context("aws-cn"),
    ),
    "cloudwatch_viewer": ("cloudwatch_viewer", {}, HERE),
    "cloudwatch_viewer_all": (
        "cloudwatch_viewer",
        {"dashboards": ["Plant-*"], "edit_dashboards": ["Plant-Oven", "Mine"], "log_groups": ["/web"]},
        HERE,
    ),
    "cloudwatch_viewer_metrics_only": ("cloudwatch_viewer", {"dashboards": [], "alarms": False}, NOWHERE),
    "ssm_core": ("ssm_core", {}, HERE),
    "ssm_core_as_managed": ("ssm_core", {**ALL_OF_CORE, "parameters": ["*"]}, HERE),
    "ssm_core_narrow": (
        "ssm_core",
        {"run_command": True, "sessions": True, "parameters": ["/agents/*", "AmazonCloudWatch-linux"], "kms_key_arns": [KEY]},
        HERE,
    ),
    "ssm_core_state_manager": ("ssm_core", {"associations": "yes", "inventory": "yes", "patching": "yes"}, HERE),
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
    "session_user": ("session_user", {"tag_key": "team", "tag_values": ["web"]}, HERE),
    "session_user_all": (
        "session_user",
        {"tag_key": "team", "tag_values": "web, db", "document_name": "Team-Web", "kms_key_arn": KEY, "console": True},
        HERE,
    ),
    "session_user_ssh_nowhere": (
        "session_user",
        {"tag_key": "team", "tag_values": ["web"], "document_name": "AWS-StartSSHSession"},
        NOWHERE,
    ),
    "session_logs_bucket_policy": (
        "session_logs_bucket_policy",
        {"role_arns": NODE_ROLES, "s3_bucket": "session-logs", "s3_prefix": "prod/"},
        HERE,
    ),
    "session_logs_bucket_policy_cn": (
        "session_logs_bucket_policy",
        {"role_arns": "arn:aws-cn:iam::444455556666:role/Nodes", "s3_bucket": "session-logs"},
        CHINA,
    ),
    "session_logs_key_policy": ("session_logs_key_policy", {"role_arns": NODE_ROLES}, HERE),
    "operator_aws": ("operator_aws", {"boundary": "account:/operators/AgentsBoundary"}, HERE),
    "operator_aws_cn": ("operator_aws", {"boundary": "account:/operators/AgentsBoundary", "paths": ["/agents/"]}, CHINA),
    "operator_aws_named": (
        "operator_aws",
        {
            "boundary": f"arn:aws:iam::{ACCOUNT}:policy/AgentsBoundary",
            "roles": ["CloudWatchAgentServerRole", "SSMInstanceProfile"],
            "policies": ["SSMInstanceProfile*"],
            "managed_policies": ["CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore"],
        },
        NOWHERE,
    ),
    "operator_hosts": ("operator_hosts", {}, HERE),
    "operator_hosts_all": (
        "operator_hosts",
        {
            "users": ["/edge/agent-*"],
            "parameters": ["AmazonCloudWatch-*"],
            "verify_metrics": True,
            "shared_parameters": ["/agents/key"],
            "kms_key_arns": [KEY],
            "activation_roles": ["/hybridops/SSMServiceRole"],
        },
        HERE,
    ),
    "operator_extras": (
        "operator_extras",
        {
            "session_preferences": True,
            "service_settings": True,
            "instance_profile_associations": True,
            "reboot": True,
            "bucket_names": ["session-logs"],
            "log_groups": ["/sessions"],
            "kms_key_arns": [KEY],
            "role_arns": [f"arn:aws:iam::{ACCOUNT}:role/hybridops/CloudWatchAgentAdminRole"],
        },
        HERE,
    ),
    "operator_audit": ("operator_audit", {}, HERE),
    "operator_audit_sessions": (
        "operator_audit",
        {"session_preferences": True, "bucket_names": ["session-logs"], "log_groups": ["/sessions"], "kms_key_arns": [KEY]},
        HERE,
    ),
    "operator_boundary": ("operator_boundary", {}, HERE),
    "operator_boundary_all": (
        "operator_boundary",
        {
            "parameters": ["AmazonCloudWatch-*", "/agents/*"],
            "log_groups": ["/onprem/*", "/sessions"],
            "bucket_names": ["session-logs"],
            "kms_key_arns": [KEY],
            "vpc_endpoint_regions": ["eu-west-1"],
            "directory_service": True,
            "role_arns": ["arn:aws:iam::444455556666:role/Metrics"],
        },
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
