# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Denials and bad credentials, as rows of the table of answers."""

from __future__ import annotations

from tests.faults.aws_row import ENCODED, Row

DENIALS = (
    Row("make", "iam:CreateRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:CreateRole on resource: arn:aws:iam::123456789012:role/Web with an explicit deny in a service control policy",
        "cwagent_server_boundary", "create role Web", status=403),
    Row("make", "iam:CreateUser", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:CreateUser on resource: arn:aws:iam::123456789012:user/hybridops/cwagent-web1 with an explicit deny in a service control "
        "policy: arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-b", "service control policy of the organization",
        "create user cwagent-web1", status=403),
    Row("make", "iam:CreatePolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:CreatePolicy because no service control policy allows the iam:CreatePolicy action", "tags (roles:",
        "create policy AgentPolicy", status=403),
    Row("make", "iam:CreateRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:CreateRole on resource: arn:aws:iam::123456789012:role/Web because no identity-based policy allows the iam:CreateRole action",
        "under a condition only", "create role Web", status=403),
    Row("make", "iam:CreateInstanceProfile", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: iam:CreateInstanceProfile with an explicit deny in an identity-based policy",
        "Often such a statement asks for something", "create instance profile Web", status=403),
    Row("make", "iam:AttachRolePolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: iam:AttachRolePolicy on resource: arn:aws:iam::123456789012:role/Web because no permissions boundary allows the "
        "iam:AttachRolePolicy action", "added to the boundary", "role Web", status=403),
    Row("make", "iam:PutRolePolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:PutRolePolicy on resource: arn:aws:iam::123456789012:role/Web with an explicit deny in a permissions boundary",
        "added to the boundary", "inline policy", status=403),
    Row("make", "iam:AttachUserPolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: iam:AttachUserPolicy on resource: arn:aws:iam::123456789012:user/hybridops/cwagent-web1 because no session policy "
        "allows the iam:AttachUserPolicy action", "narrowed when it was made", "user cwagent-web1", status=403),
    Row("make", "iam:AddRoleToInstanceProfile", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/Web because no identity-based policy allows the iam:PassRole "
        "action", "iam:PassedToService", "instance profile Web", status=403),
    Row("make", "iam:GetRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:GetRole on resource: arn:aws:iam::123456789012:role/Web because no VPC endpoint policy allows the iam:GetRole action",
        "aws ec2 describe-vpc-endpoints", "read what is there", status=403),
    Row("make", "iam:GetPolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:GetPolicy with an explicit deny in a VPC endpoint policy", "another way", "read what is there", status=403),
    Row("make", "iam:GetUser", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:GetUser on resource: arn:aws:iam::123456789012:user/hybridops/cwagent-web1 with an explicit deny in a sessions policy",
        "narrowed when it was made", "read what is there", status=403),
    Row("make", "iam:CreatePolicy", "AccessDenied",
        "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: iam:CreatePolicy with an explicit deny",
        "aws cloudtrail lookup-events", "create policy AgentPolicy", status=403),
    Row("make", "iam:CreateUser", "AccessDenied", "Access Denied", "AWS does not say which policy", "create user cwagent-web1",
        status=403),
    Row("change", "iam:TagRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:TagRole on resource: arn:aws:iam::123456789012:role/Web with an explicit deny in a service control policy",
        "Does it demand something of what is made", "role Web", status=403),
    Row("change", "iam:UpdateAssumeRolePolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: iam:UpdateAssumeRolePolicy on resource: arn:aws:iam::123456789012:role/Web with an explicit deny in a service control "
        "policy", "Does it close Regions", "role Web", status=403),
    Row("change", "iam:UpdateRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:UpdateRole on resource: arn:aws:iam::123456789012:role/Web because no identity-based policy allows the iam:UpdateRole action",
        "docs/operator.md", "role Web", status=403),
    Row("parameter", "ssm:PutParameter", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test/operator is not authorized "
        "to perform: ssm:PutParameter on resource: arn:aws:ssm:us-east-1:123456789012:parameter/AmazonCloudWatch-linux with an explicit "
        "deny in a service control policy", "service control policy of the"),
    Row("parameter", "ssm:GetParameter", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test/operator is not authorized "
        "to perform: ssm:GetParameter on resource: arn:aws:ssm:us-east-1:123456789012:parameter/AmazonCloudWatch-linux because no VPC "
        "endpoint policy allows the ssm:GetParameter action", "The call went through a VPC endpoint"),
    Row("parameter", "ssm:PutParameter", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test/operator is not authorized "
        "to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab "
        "because no resource-based policy allows the kms:GenerateDataKey action", "aws kms get-key-policy"),
    Row("assume", "sts:AssumeRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "sts:AssumeRole on resource: arn:aws:iam::123456789012:role/Web because no role trust policy allows the sts:AssumeRole action",
        "trust policy does not let the caller in", "CloudWatchAgentAdminRole", status=403),
    Row("assume", "sts:AssumeRole", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "sts:AssumeRole on resource: arn:aws:iam::123456789012:role/Web with an explicit deny in a resource control policy",
        "resource control policy", "CloudWatchAgentAdminRole", status=403),
    Row("key", "iam:CreateAccessKey", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:CreateAccessKey on resource: arn:aws:iam::123456789012:user/hybridops/cwagent-web1 with an explicit deny in a service "
        "control policy", "service control policy", status=403),
    Row("key", "iam:ListAccessKeys", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "iam:ListAccessKeys on resource: arn:aws:iam::123456789012:user/hybridops/cwagent-web1 because no identity-based policy allows "
        "the iam:ListAccessKeys action", "operator_hosts", "read what is there", status=403),
    Row("sessions", "s3:PutBucketPolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::session-logs\" because public policies are prevented by the "
        "BlockPublicPolicy setting in S3 Block Public Access", "what is public", "session-logs", status=403),
    Row("sessions", "s3:PutBucket", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to perform: "
        "s3:CreateBucket on resource: \"arn:aws:s3:::session-logs\" with an explicit deny in a resource control policy",
        "resource control policy", "session-logs", status=403),
    Row("sessions", "s3:PutBucketEncryption", "AccessDenied", "Access Denied", "AWS does not say which policy", "session-logs",
        status=403),
    Row("sessions", "logs:CreateLogGroup", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test/operator is not "
        "authorized to perform: logs:CreateLogGroup with an explicit deny in a resource-based policy", "policy of the resource itself",
        "/sessions"),
    Row("profile", "ec2:AssociateIamInstanceProfile", "UnauthorizedOperation", f"User: arn:aws:iam::123456789012:user/test/operator is "
        f"not authorized to perform: ec2:AssociateIamInstanceProfile with an explicit deny in a service control policy. {ENCODED}",
        "service control policy", "instance profile", status=403),
    Row("profile", "ec2:DescribeInstances", "UnauthorizedOperation", f"You are not authorized to perform this operation. {ENCODED}",
        "aws sts decode-authorization-message", "read what is there", status=403),
)  # fmt: skip

CREDENTIALS = (
    Row("make", "sts:GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired", "aws sso login",
        "read what is there", status=403),
    Row("change", "iam:TagRole", "ExpiredToken", "The security token included in the request is expired",
        "what was done until now stays done", "role Web", status=403),
    Row("parameter", "ssm:GetParameter", "ExpiredTokenException", "The security token included in the request is expired",
        "aws sso login", "read what is there"),
    # The answer to HEAD has no body, so that no more than its status is known.
    Row("sessions", "s3:HeadBucket", "400", "Bad Request", "aws sso login",
        "read what is there"),
    Row("make", "sts:GetCallerIdentity", "SignatureDoesNotMatch",
        "Signature expired: 20261122T114000Z is now earlier than 20261122T120500Z (20261122T122000Z - 15 min.)", "clock of the computer",
        "read what is there", status=403),
    Row("make", "sts:GetCallerIdentity", "SignatureDoesNotMatch",
        "Signature not yet current: 20261122T183640Z is still later than 20261122T175140Z (20261122T173640Z + 15 min.)", "timedatectl",
        "read what is there", status=403),
    Row("parameter", "ssm:GetParameter", "InvalidSignatureException",
        "Signature expired: 20261122T114000Z is now earlier than 20261122T120500Z (20261122T121000Z - 5 min.)", "timedatectl",
        "read what is there"),
    Row("profile", "ec2:DescribeInstances", "RequestExpired", "Request has expired.", "Either the session of these credentials is over",
        "read what is there"),
    Row("sessions", "s3:PutBucketPolicy", "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.", "timedatectl", "session-logs", status=403),
    Row("make", "sts:GetCallerIdentity", "SignatureDoesNotMatch", "Credential should be scoped to a valid region.",
        "endpoint of another Region", "read what is there", status=403),
    Row("make", "sts:GetCallerIdentity", "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you "
        "provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
        "does not belong to the access key id", "read what is there", status=403),
    Row("make", "sts:GetCallerIdentity", "IncompleteSignature",
        "'operator=' not a valid key=value pair (missing equal-sign) in Authorization header", "could not read the signature",
        "read what is there"),
    Row("make", "sts:GetCallerIdentity", "MissingAuthenticationToken", "Request is missing Authentication Token", "does a proxy take",
        "read what is there", status=403),
    Row("make", "sts:GetCallerIdentity", "InvalidClientTokenId", "The security token included in the request is invalid.",
        "AWS_STS_REGIONAL_ENDPOINTS=regional", "read what is there", status=403),
    Row("parameter", "ssm:GetParameter", "UnrecognizedClientException", "The security token included in the request is invalid.",
        "global endpoint of STS", "read what is there"),
    Row("profile", "ec2:DescribeInstances", "AuthFailure", "AWS was not able to validate the provided access credentials", "clock is off",
        "read what is there", status=401),
    Row("assume", "sts:AssumeRole", "RegionDisabledException", "STS is not activated in this region for account:123456789012. Your "
        "account administrator can activate STS in this region using the IAM Console.", "Account settings", "session", status=403),
    Row("profile", "ec2:DescribeInstances", "OptInRequired",
        "You are not subscribed to this service. Please go to http://aws.amazon.com to subscribe.", "aws account enable-region",
        "read what is there", status=401),
    Row("make", "sts:GetCallerIdentity", "AccountProblem",
        "There is a problem with your AWS account that prevents the operation from completing successfully.", "AWS Support",
        "read what is there", status=403),
)  # fmt: skip
