# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: what each variant must allow and deny, judged by a simulator of IAM."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from tests.unit.catalogue_variants import ACCOUNT, BUCKET_KEY, KEY, METRICS_ROLE, VARIANTS, built

LOGS = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:"
PARAMETER = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/"
INSTANCE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/"
SESSION = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:session/"
WEB = {"ssm:resourcetag/team": "web"}
DASHBOARD = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/"
NAMESPACE = {"cloudwatch:namespace": "CWAgent"}
ON_EC2 = {"ec2:sourceinstancearn": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"}
SITE = {"source_ip": "203.0.113.20"}
ELSEWHERE = {"source_ip": "198.51.100.20"}
YES, NO = True, False
REQUESTS = [
    # The 2018 documents: everything of the job, everywhere.
    ("cwagent_server", "cloudwatch:PutMetricData", "*", {}, YES),
    ("cwagent_server", "logs:PutLogEvents", f"{LOGS}any:log-stream:s", {}, YES),
    ("cwagent_server", "ssm:GetParameter", f"{PARAMETER}any", {}, YES),
    ("cwagent_server", "ssm:PutParameter", f"{PARAMETER}AmazonCloudWatch-linux", {}, NO),
    ("cwagent_server", "logs:PutRetentionPolicy", f"{LOGS}any", {}, NO),
    ("cwagent_server", "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/u", {}, NO),
    ("cwagent_admin", "ssm:PutParameter", f"{PARAMETER}any", {}, YES),
    ("cwagent_admin", "ssm:DeleteParameter", f"{PARAMETER}any", {}, NO),
    # Scoped: metrics by namespace.
    ("cwagent_server_scoped", "cloudwatch:PutMetricData", "*", NAMESPACE, YES),
    ("cwagent_server_scoped", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Billing"}, NO),
    ("cwagent_server_scoped", "cloudwatch:PutMetricData", "*", {}, NO),
    ("cwagent_server_scoped_all", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Plant/Oven", **SITE}, YES),
    ("cwagent_server_scoped_all", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Planet/Oven", **SITE}, NO),
    # Scoped: logs, with each of the ARNs that AWS checks.
    ("cwagent_server_scoped", "logs:CreateLogGroup", f"{LOGS}any", {}, YES),
    ("cwagent_server_scoped", "logs:CreateLogGroup", f"{LOGS}any:log-stream:", {}, YES),
    ("cwagent_server_scoped", "logs:CreateLogStream", f"{LOGS}any:log-stream:s", {}, YES),
    ("cwagent_server_scoped", "logs:PutLogEvents", f"{LOGS}any:log-stream:s", {}, YES),
    ("cwagent_server_scoped", "logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:any:log-stream:s", {}, NO),
    ("cwagent_server_scoped", "logs:PutLogEvents", "arn:aws:logs:eu-west-1:444455556666:log-group:any:log-stream:s", {}, NO),
    ("cwagent_server_scoped", "logs:GetLogEvents", f"{LOGS}any:log-stream:s", {}, NO),
    ("cwagent_server_scoped", "logs:DeleteLogGroup", f"{LOGS}any", {}, NO),
    ("cwagent_server_scoped", "logs:PutRetentionPolicy", f"{LOGS}any", {}, NO),
    ("cwagent_server_scoped", "logs:DescribeLogGroups", f"{LOGS}:log-stream:", {}, NO),
    ("cwagent_server_scoped_all", "logs:CreateLogGroup", f"{LOGS}messages", SITE, YES),
    ("cwagent_server_scoped_all", "logs:PutLogEvents", f"{LOGS}messages:log-stream:host1", SITE, YES),
    ("cwagent_server_scoped_all", "logs:PutLogEvents", f"{LOGS}messages2:log-stream:host1", SITE, NO),
    ("cwagent_server_scoped_all", "logs:PutLogEvents", f"{LOGS}/onprem/web:log-stream:host1", SITE, YES),
    ("cwagent_server_scoped_all", "logs:PutLogEvents", f"{LOGS}/other:log-stream:host1", SITE, NO),
    ("cwagent_server_scoped_all", "logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/edge:log-stream:s", SITE, YES),
    ("cwagent_server_scoped_all", "logs:PutRetentionPolicy", f"{LOGS}messages", SITE, YES),
    ("cwagent_server_scoped_all", "logs:PutRetentionPolicy", f"{LOGS}/other", SITE, NO),
    ("cwagent_server_scoped_all", "logs:DescribeLogGroups", f"{LOGS}:log-stream:", SITE, YES),
    ("cwagent_server_scoped_metrics_only", "logs:PutLogEvents", f"{LOGS}any:log-stream:s", {}, NO),
    ("cwagent_server_scoped_metrics_only", "ssm:GetParameter", f"{PARAMETER}AmazonCloudWatch-linux", {}, NO),
    # Scoped: parameters.
    ("cwagent_server_scoped", "ssm:GetParameter", f"{PARAMETER}AmazonCloudWatch-linux", {}, YES),
    ("cwagent_server_scoped", "ssm:GetParameter", f"{PARAMETER}db/password", {}, NO),
    ("cwagent_server_scoped", "ssm:GetParametersByPath", f"{PARAMETER}AmazonCloudWatch-linux", {}, NO),
    ("cwagent_server_scoped", "ssm:PutParameter", f"{PARAMETER}AmazonCloudWatch-linux", {}, NO),
    ("cwagent_server_scoped_all", "ssm:GetParameter", f"{PARAMETER}agents/web", SITE, YES),
    ("cwagent_server_scoped_all", "ssm:GetParameter", f"{PARAMETER}agents/web2", SITE, NO),
    ("cwagent_server_scoped_all", "ssm:GetParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/agents/db", SITE, YES),
    ("cwagent_admin_scoped", "ssm:PutParameter", f"{PARAMETER}AmazonCloudWatch-linux", {}, YES),
    ("cwagent_admin_scoped", "ssm:PutParameter", f"{PARAMETER}other", {}, NO),
    ("cwagent_admin_scoped", "cloudwatch:PutMetricData", "*", NAMESPACE, YES),
    # Scoped: what only instances ask for, and traces.
    ("cwagent_server_scoped", "ec2:DescribeTags", "*", ON_EC2, YES),
    ("cwagent_server_scoped", "ec2:DescribeVolumes", "*", ON_EC2, YES),
    ("cwagent_server_scoped", "ec2:DescribeTags", "*", {}, NO),
    ("cwagent_server_scoped", "ec2:DescribeInstances", "*", ON_EC2, NO),
    ("cwagent_server_scoped", "xray:PutTraceSegments", "*", {}, NO),
    ("cwagent_server_scoped_all", "xray:PutTraceSegments", "*", SITE, YES),
    # Scoped: only from these addresses, whatever is asked.
    ("cwagent_admin_scoped_source", "ssm:PutParameter", f"{PARAMETER}AmazonCloudWatch-linux", {"source_ip": "203.0.113.7"}, YES),
    ("cwagent_admin_scoped_source", "ssm:PutParameter", f"{PARAMETER}AmazonCloudWatch-linux", {"source_ip": "203.0.113.8"}, NO),
    ("cwagent_server_scoped_all", "cloudwatch:PutMetricData", "*", {**NAMESPACE, **SITE}, YES),
    ("cwagent_server_scoped_all", "cloudwatch:PutMetricData", "*", {**NAMESPACE, **ELSEWHERE}, NO),
    ("cwagent_server_scoped_all", "logs:PutLogEvents", f"{LOGS}messages:log-stream:host1", ELSEWHERE, NO),
    ("cwagent_server_scoped_all", "logs:DescribeLogGroups", f"{LOGS}:log-stream:", ELSEWHERE, NO),
    ("cwagent_server_scoped_all", "ssm:GetParameter", f"{PARAMETER}agents/web", ELSEWHERE, NO),
    ("cwagent_server_scoped_all", "xray:PutTraceSegments", "*", ELSEWHERE, NO),
    ("cwagent_server_scoped_all", "ec2:DescribeTags", "*", {**ON_EC2, **ELSEWHERE}, NO),
    ("cwagent_server_scoped_all", "ec2:DescribeTags", "*", {**ON_EC2, **SITE}, YES),
    # Roles of other accounts: those named.
    ("assume_roles", "sts:AssumeRole", METRICS_ROLE, {}, YES),
    ("assume_roles", "sts:AssumeRole", f"{METRICS_ROLE}2", {}, NO),
    ("assume_roles", "sts:AssumeRole", METRICS_ROLE.replace("444455556666", ACCOUNT), {}, NO),
    ("assume_roles_source", "sts:AssumeRole", METRICS_ROLE, SITE, YES),
    ("assume_roles_source", "sts:AssumeRole", METRICS_ROLE, ELSEWHERE, NO),
    # Log streams: those named, and of the group no more than its flags say.
    ("log_streams", "logs:PutLogEvents", f"{LOGS}/web:log-stream:web1", {}, YES),
    ("log_streams", "logs:CreateLogStream", f"{LOGS}/web:log-stream:web1", {}, YES),
    ("log_streams", "logs:PutLogEvents", f"{LOGS}/web:log-stream:access-web1", {}, YES),
    ("log_streams", "logs:PutLogEvents", f"{LOGS}/web:log-stream:web2", {}, NO),
    ("log_streams", "logs:PutLogEvents", f"{LOGS}/web2:log-stream:web1", {}, NO),
    ("log_streams", "logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/web:log-stream:web1", {}, NO),
    ("log_streams", "logs:CreateLogGroup", f"{LOGS}/web", {}, NO),
    ("log_streams", "logs:DescribeLogGroups", f"{LOGS}:log-stream:", {}, NO),
    ("log_streams_all", "logs:CreateLogGroup", f"{LOGS}/web:log-stream:", {}, YES),
    ("log_streams_all", "logs:CreateLogGroup", f"{LOGS}/ssm/run", {}, NO),
    ("log_streams_all", "logs:PutRetentionPolicy", f"{LOGS}/web", {}, YES),
    ("log_streams_all", "logs:PutRetentionPolicy", f"{LOGS}/ssm/run", {}, NO),
    ("log_streams_all", "logs:DescribeLogGroups", f"{LOGS}:log-stream:", {}, YES),
    ("log_streams_all", "logs:DescribeLogStreams", f"{LOGS}/ssm/run:log-stream:", {}, YES),
    ("log_streams_all", "logs:DescribeLogStreams", f"{LOGS}/web:log-stream:", {}, NO),
    ("log_streams_all", "logs:PutLogEvents", f"{LOGS}/ssm/run:log-stream:any", {}, YES),
    ("log_streams_all", "logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/edge:log-stream:edge1", {}, YES),
    ("log_streams_all", "logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/edge:log-stream:edge2", {}, NO),
    # Viewing: metrics, dashboards and alarms, logs when named, and changing nothing that is not named.
    ("cloudwatch_viewer", "cloudwatch:GetMetricData", "*", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:GetMetricStatistics", "*", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:ListMetrics", "*", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:ListDashboards", "*", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:GetDashboard", f"{DASHBOARD}Any", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:PutDashboard", f"{DASHBOARD}Any", {}, NO),
    ("cloudwatch_viewer", "cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:*", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:DescribeAlarmsForMetric", "*", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:DescribeAlarmHistory", f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:a", {}, YES),
    ("cloudwatch_viewer", "cloudwatch:SetAlarmState", f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:a", {}, NO),
    ("cloudwatch_viewer", "cloudwatch:PutMetricData", "*", NAMESPACE, NO),
    ("cloudwatch_viewer", "logs:GetLogEvents", f"{LOGS}/web:log-stream:s", {}, NO),
    ("cloudwatch_viewer_all", "cloudwatch:GetDashboard", f"{DASHBOARD}Plant-1", {}, YES),
    ("cloudwatch_viewer_all", "cloudwatch:GetDashboard", f"{DASHBOARD}Mine", {}, YES),
    ("cloudwatch_viewer_all", "cloudwatch:GetDashboard", f"{DASHBOARD}Theirs", {}, NO),
    ("cloudwatch_viewer_all", "cloudwatch:PutDashboard", f"{DASHBOARD}Plant-Oven", {}, YES),
    ("cloudwatch_viewer_all", "cloudwatch:PutDashboard", f"{DASHBOARD}Plant-1", {}, NO),
    ("cloudwatch_viewer_all", "cloudwatch:DeleteDashboards", f"{DASHBOARD}Plant-Oven", {}, NO),
    ("cloudwatch_viewer_all", "logs:DescribeLogGroups", f"{LOGS}:log-stream:", {}, YES),
    ("cloudwatch_viewer_all", "logs:DescribeLogStreams", f"{LOGS}/web:log-stream:", {}, YES),
    ("cloudwatch_viewer_all", "logs:FilterLogEvents", f"{LOGS}/web:log-stream:", {}, YES),
    ("cloudwatch_viewer_all", "logs:GetLogEvents", f"{LOGS}/web:log-stream:s", {}, YES),
    ("cloudwatch_viewer_all", "logs:StartQuery", f"{LOGS}/web", {}, YES),
    ("cloudwatch_viewer_all", "logs:GetQueryResults", f"{LOGS}/web", {}, YES),
    ("cloudwatch_viewer_all", "logs:GetLogEvents", f"{LOGS}/web2:log-stream:s", {}, NO),
    ("cloudwatch_viewer_all", "logs:PutLogEvents", f"{LOGS}/web:log-stream:s", {}, NO),
    ("cloudwatch_viewer_metrics_only", "cloudwatch:ListDashboards", "*", {}, NO),
    ("cloudwatch_viewer_metrics_only", "cloudwatch:DescribeAlarms", "*", {}, NO),
    # Systems Manager: a node that is managed, and each feature by its switch.
    ("ssm_core", "ssm:UpdateInstanceInformation", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:managed-instance/mi-0123456789abcdef0", {}, YES),
    ("ssm_core", "ssmmessages:OpenControlChannel", "*", {}, YES),
    ("ssm_core", "ssmmessages:OpenDataChannel", "*", {}, NO),
    ("ssm_core", "ec2messages:GetMessages", "*", {}, NO),
    ("ssm_core", "ssm:GetParameter", f"{PARAMETER}any", {}, NO),
    ("ssm_core", "ssm:GetDocument", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/d", {}, NO),
    ("ssm_core_as_managed", "ssm:GetDocument", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/d", {}, YES),
    ("ssm_core_as_managed", "ssm:DescribeDocument", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/d", {}, YES),
    ("ssm_core_as_managed", "ssm:GetManifest", "*", {}, YES),
    ("ssm_core_as_managed", "ssm:PutConfigurePackageResult", "*", {}, YES),
    ("ssm_core_as_managed", "ssm:GetParameter", f"{PARAMETER}any", {}, YES),
    ("ssm_core_as_managed", "ssm:PutParameter", f"{PARAMETER}any", {}, NO),
    ("ssm_core_narrow", "ec2messages:GetMessages", "*", {}, YES),
    ("ssm_core_narrow", "ssmmessages:OpenDataChannel", "*", {}, YES),
    ("ssm_core_narrow", "ssm:GetParameter", f"{PARAMETER}agents/web", {}, YES),
    ("ssm_core_narrow", "ssm:GetParameters", f"{PARAMETER}AmazonCloudWatch-linux", {}, YES),
    ("ssm_core_narrow", "ssm:GetParameters", f"{PARAMETER}db/password", {}, NO),
    ("ssm_core_narrow", "kms:Decrypt", KEY, {}, YES),
    ("ssm_core_narrow", "kms:Decrypt", BUCKET_KEY, {}, NO),
    ("ssm_core_narrow", "ssm:ListInstanceAssociations", "*", {}, NO),
    ("ssm_core_state_manager", "ssm:DescribeAssociation", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:ListAssociations", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:ListInstanceAssociations", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:UpdateAssociationStatus", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:UpdateInstanceAssociationStatus", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:PutComplianceItems", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:PutInventory", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:GetDeployablePatchSnapshotForInstance", "*", {}, YES),
    ("ssm_core_state_manager", "ssm:GetManifest", "*", {}, NO),
    ("ssm_core_state_manager", "ec2messages:GetMessages", "*", {}, NO),
    # S3: the buckets of AWS.
    ("ssm_s3_regions", "s3:GetObject", "arn:aws:s3:::aws-ssm-eu-west-1/x", {}, YES),
    ("ssm_s3_regions", "s3:GetObject", "arn:aws:s3:::us-east-1-birdwatcher-prod/x", {}, YES),
    ("ssm_s3_regions", "s3:GetObject", "arn:aws:s3:::aws-patch-manager-eu-west-1-5522fb710/x", {}, YES),
    ("ssm_s3_regions", "s3:GetObject", "arn:aws:s3:::aws-ssm-us-west-2/x", {}, NO),
    ("ssm_s3_regions", "s3:GetObject", "arn:aws:s3:::aws-ssm-eu-west-1-mine/x", {}, NO),
    ("ssm_s3_regions", "s3:ListBucket", "arn:aws:s3:::aws-ssm-eu-west-1", {}, NO),
    ("ssm_s3_regions", "s3:PutObject", "arn:aws:s3:::aws-ssm-eu-west-1/x", {}, NO),
    ("ssm_s3_exceptions", "s3:GetObject", "arn:aws:s3:::af-south-1-birdwatcher-prod/x", {}, NO),
    ("ssm_s3_exceptions", "s3:GetObject", "arn:aws:s3:::aws-ssm-distributor-file-eu-south-1/x", {}, YES),
    ("ssm_s3_exceptions", "s3:GetObject", "arn:aws:s3:::patch-baseline-snapshot-me-south-1-uduvl7q8/x", {}, YES),
    ("ssm_s3_exceptions", "s3:GetObject", "arn:aws:s3:::patch-baseline-snapshot-me-south-1/x", {}, NO),
    # S3: own buckets, just what the flags need.
    ("ssm_s3_buckets", "s3:GetObject", "arn:aws:s3:::my-scripts/a/b", {}, YES),
    ("ssm_s3_buckets", "s3:PutObject", "arn:aws:s3:::my-scripts/a/b", {}, NO),
    ("ssm_s3_buckets", "s3:PutObject", "arn:aws:s3:::my-runs/output/x", {}, YES),
    ("ssm_s3_buckets", "s3:PutObject", "arn:aws:s3:::my-runs/outputs/x", {}, NO),
    ("ssm_s3_buckets", "s3:PutObjectAcl", "arn:aws:s3:::my-runs/output/x", {}, NO),
    ("ssm_s3_buckets", "s3:DeleteObject", "arn:aws:s3:::my-runs/output/x", {}, NO),
    ("ssm_s3_buckets", "s3:GetEncryptionConfiguration", "arn:aws:s3:::my-runs", {}, NO),
    ("ssm_s3_buckets", "s3:GetEncryptionConfiguration", "arn:aws:s3:::my-sealed-runs", {}, YES),
    ("ssm_s3_buckets", "s3:GetEncryptionConfiguration", "arn:aws:s3:::my-keyed-runs", {}, YES),
    ("ssm_s3_buckets", "s3:PutObjectAcl", "arn:aws:s3:::their-runs/x", {}, YES),
    ("ssm_s3_buckets", "kms:GenerateDataKey", BUCKET_KEY, {}, YES),
    ("ssm_s3_buckets", "kms:Decrypt", BUCKET_KEY, {}, YES),
    ("ssm_s3_buckets", "kms:Decrypt", KEY, {}, YES),
    ("ssm_s3_buckets", "kms:GenerateDataKey", KEY, {}, NO),
    ("ssm_s3_exact", "s3:PutObjectAcl", "arn:aws:s3:::my-bucket-name/x", {}, YES),
    ("ssm_s3_exact", "s3:GetObject", "arn:aws:s3:::aws-ssm-document-attachments-us-east-2/x", {}, NO),
    # Session Manager.
    ("session_manager", "ssmmessages:OpenDataChannel", "*", {}, YES),
    ("session_manager", "ssm:UpdateInstanceInformation", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0", {}, YES),
    ("session_manager", "ec2messages:GetMessages", "*", {}, NO),
    ("session_manager", "ssm:GetParameter", f"{PARAMETER}any", {}, NO),
    ("session_manager", "kms:Decrypt", KEY, {}, NO),
    ("session_manager_kms", "kms:Decrypt", KEY, {}, YES),
    ("session_manager_kms", "kms:Decrypt", BUCKET_KEY, {}, NO),
    ("session_manager_kms", "kms:GenerateDataKey", KEY, {}, NO),
    ("session_manager_s3", "s3:PutObject", "arn:aws:s3:::session-logs/x", {}, YES),
    ("session_manager_s3", "s3:GetObject", "arn:aws:s3:::session-logs/x", {}, NO),
    ("session_manager_s3", "s3:GetEncryptionConfiguration", "arn:aws:s3:::session-logs", {}, YES),
    ("session_manager_s3", "s3:GetEncryptionConfiguration", "arn:aws:s3:::other", {}, NO),
    ("session_manager_s3", "s3:PutObjectAcl", "arn:aws:s3:::session-logs/x", {}, NO),
    ("session_manager_s3", "kms:GenerateDataKey", BUCKET_KEY, {}, NO),
    ("session_manager_s3_all", "s3:PutObject", "arn:aws:s3:::session-logs/prod/x", {}, YES),
    ("session_manager_s3_all", "s3:PutObject", "arn:aws:s3:::session-logs/test/x", {}, NO),
    ("session_manager_s3_all", "s3:PutObjectAcl", "arn:aws:s3:::session-logs/prod/x", {}, YES),
    ("session_manager_s3_all", "kms:GenerateDataKey", BUCKET_KEY, {}, YES),
    ("session_manager_s3_all", "kms:GenerateDataKey", KEY, {}, NO),
    ("session_manager_s3_all", "kms:Decrypt", KEY, {}, YES),
    ("session_manager_logs", "logs:PutLogEvents", f"{LOGS}any:log-stream:s", {}, YES),
    ("session_manager_logs", "logs:CreateLogGroup", f"{LOGS}any", {}, NO),
    ("session_manager_log_group", "logs:PutLogEvents", f"arn:aws-cn:logs:cn-north-1:{ACCOUNT}:log-group:/sessions:log-stream:s", {}, YES),
    (
        "session_manager_log_group",
        "logs:DescribeLogStreams",
        f"arn:aws-cn:logs:cn-north-1:{ACCOUNT}:log-group:/sessions:log-stream:",
        {},
        YES,
    ),
    ("session_manager_log_group", "logs:PutLogEvents", f"arn:aws-cn:logs:cn-north-1:{ACCOUNT}:log-group:/sessions2:log-stream:s", {}, NO),
    ("session_manager_log_group", "logs:DescribeLogGroups", f"arn:aws-cn:logs:cn-north-1:{ACCOUNT}:log-group::log-stream:", {}, YES),
    ("session_manager_exact_all", "kms:GenerateDataKey", BUCKET_KEY, {}, YES),
    # The person who starts sessions. test_session_access.py judges more, with the variables of policies resolved.
    ("session_user", "ssm:StartSession", f"{INSTANCE}i-0123456789abcdef0", WEB, YES),
    ("session_user", "ssm:StartSession", f"{INSTANCE}i-0123456789abcdef0", {}, NO),
    ("session_user", "ssm:TerminateSession", f"{SESSION}bob-0123", {"ssm:resourcetag/aws:ssmmessages:session-id": "${aws:userid}"}, YES),
    ("session_user", "ssm:ResumeSession", f"{SESSION}bob-0123", {"ssm:resourcetag/aws:ssmmessages:session-id": "${aws:userid}"}, YES),
    ("session_user", "ssm:ResumeSession", f"{SESSION}bob-0123", {}, NO),
    ("session_user", "ssm:DescribeSessions", "*", {}, YES),
    ("session_user", "ssm:GetConnectionStatus", "*", {}, YES),
    ("session_user", "ssm:DescribeInstanceInformation", "*", {}, YES),
    ("session_user", "ssm:DescribeInstanceProperties", "*", {}, NO),
    ("session_user_all", "ssm:DescribeInstanceProperties", "*", {}, YES),
    ("session_user", "kms:GenerateDataKey", KEY, {}, NO),
    ("session_user_all", "kms:GenerateDataKey", KEY, {}, YES),
    ("session_user_all", "kms:Decrypt", KEY, {}, NO),
    ("session_user_all", "ssm:SendCommand", f"{INSTANCE}i-0123456789abcdef0", WEB, NO),
]


@pytest.mark.parametrize(("variant", "action", "resource", "context", "allowed"), REQUESTS)
def test_simulator(variant, action, resource, context, allowed):
    context = dict(context)
    request = EvalContext(
        principal_arn=f"arn:aws:iam::{ACCOUNT}:user/u",
        principal_type="User",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region="eu-west-1",
        source_ip=context.pop("source_ip", "192.0.2.1"),
        service_context=context,
    )
    statements = parse_policy_document(documents.render(built(variant)))
    assert evaluate(request, [statements]).decision == ("Allow" if allowed else "ImplicitDeny")


def test_the_table_of_requests_judges_every_action_granted():
    """A statement that no request needs would be granted for nothing, or untested.

    The operators' documents are judged by a simulator that knows boundaries, and hold what the table of calls holds: a contract test.
    """
    # Tested by one action of the statement: the others belong to the same feature of the agent.
    together = {"ec2", "ec2messages", "xray", "ssmmessages"}
    for preset in filter(lambda name: not name.startswith("operator_"), catalogue.PRESETS):
        granted = {
            action
            for name, (of, _options, _context) in VARIANTS.items()
            if of == preset
            for statement in built(name)["Statement"]
            for action in statement["Action"]
            if action.split(":")[0] not in together
        }
        tried = {action for name, action, _resource, _context, allowed in REQUESTS if allowed}
        assert granted - tried == set()
