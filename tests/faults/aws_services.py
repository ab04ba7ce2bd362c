# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same of Systems Manager, KMS, EC2, S3 and CloudWatch Logs, and what passes."""

from __future__ import annotations

from tests.faults.aws_row import Row

SYSTEMS_MANAGER = (
    Row("parameter", "ssm:PutParameter", "ParameterMaxVersionLimitExceeded", "You attempted to create a new version of "
        "AmazonCloudWatch-linux by calling the PutParameter API with the overwrite flag. Version 1, the oldest version, can't be deleted "
        "because it has a label associated with it. Move the label to another version of the parameter, and try again.",
        "aws ssm unlabel-parameter-version"),
    Row("parameter", "ssm:PutParameter", "HierarchyLevelLimitExceededException", "A parameter name can have up to 15 levels.",
        "15 levels"),
    Row("parameter", "ssm:PutParameter", "ParameterLimitExceeded",
        "You have exceeded the number of parameters for this AWS account. Delete one or more parameters and try again.",
        "default-parameter-tier"),
    Row("parameter", "ssm:PutParameter", "HierarchyTypeMismatchException",
        "Parameter Store doesn't support changing a parameter type in a hierarchy.", "delete it first"),
    Row("parameter", "ssm:PutParameter", "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        "Run again", hidden=True),
    Row("parameter", "ssm:PutParameter", "ValidationException", "Standard tier parameters support a maximum parameter value of 4096 "
        "characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.", "tier: advanced"),
    Row("tags of a parameter", "ssm:AddTagsToResource", "ParameterNotFound", "Parameter AmazonCloudWatch-linux not found.",
        "deleted it meanwhile"),
    Row("parameter", "ssm:PutParameter", "TooManyUpdates",
        "There are concurrent updates for a resource that supports one update at a time.", "when the other run is over"),
    Row("parameter", "ssm:GetParameter", "InvalidKeyId",
        "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab is pending deletion.", "aws kms cancel-key-deletion",
        "read what is there"),
    Row("parameter", "ssm:PutParameter", "InvalidKeyId",
        "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab is disabled.", "aws kms enable-key"),
    Row("parameter", "ssm:PutParameter", "InvalidKeyId", "Invalid keyId 'alias/gone'", "aws kms list-aliases"),
    Row("shared", "kms:DescribeKey", "KMSInternalException", "AWS KMS internal error.", "health.aws.amazon.com", "read what is there",
        status=500),
    Row("shared", "ssm:PutParameter", "InvalidKeyId",
        "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab is disabled.", "aws kms enable-key", "deleted again"),
    Row("shared", "ssm:PutParameter", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: ssm:PutParameter with an explicit deny in a service control policy", "service control policy", "deleted again"),
    Row("sessions", "ssm:CreateDocument", "DocumentLimitExceeded", "You can have at most 500 active SSM documents.",
        "Key=Owner,Values=Self", "SSM-SessionManagerRunShell"),
    Row("sessions", "ssm:CreateDocument", "DocumentAlreadyExists", "Document with same name SSM-SessionManagerRunShell already exists",
        "Another run has made the document", "SSM-SessionManagerRunShell"),
    Row("sessions", "ssm:CreateDocument", "InvalidDocumentContent", "Invalid JSON content", "as AWS says", "SSM-SessionManagerRunShell"),
    Row("newer preferences", "ssm:UpdateDocument", "DocumentVersionLimitExceeded",
        "The document has too many versions. Delete one or more document versions and try again.", "delete-document",
        "SSM-SessionManagerRunShell"),
    Row("newer preferences", "ssm:UpdateDocument", "DuplicateDocumentVersionName",
        "The version name has already been used in this document. Specify a different version name, and then try again.",
        "update-document-default-version", "SSM-SessionManagerRunShell"),
    Row("no preferences", "ssm:DeleteDocument", "AssociatedInstances",
        "You must disassociate a document from all managed nodes before you can delete it.", "aws ssm list-associations",
        "SSM-SessionManagerRunShell"),
    Row("sessions", "ssm:UpdateServiceSetting", "UnsupportedFeatureRequiredException",
        "Microsoft application patching is only available on EC2 instances and advanced instances.", "activation_tier: advanced",
        "activation tier"),
    Row("nodes", "ssm:DescribeInstanceInformation", "InvalidInstanceId",
        "Instances [mi-0123456789abcdef0] not in a valid state for account 123456789012", "registered in", "read what is there"),
    Row("nodes", "ssm:DescribeActivations", "InvalidActivation", "The activation is not valid.", "each run makes its own",
        "read what is there"),
    Row("register", "ssm:CreateActivation", "ValidationException",
        "Nonexistent role or missing ssm service principal in trust policy: arn:aws:iam::000000000000:role/SSMServiceRole",
        "trusts ssm.amazonaws.com", "activation"),
    Row("register", "ssm:CreateActivation", "LimitExceededException", "You have reached the maximum number of activations.",
        "aws ssm delete-activation", "activation"),
    Row("register", "ssm:CreateActivation", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/test/operator is not "
        "authorized to perform: iam:PassRole with an explicit deny in a service control policy", "service control policy", "activation"),
)  # fmt: skip

OTHERS = (
    Row("profile", "ec2:AssociateIamInstanceProfile", "IncorrectInstanceState",
        "The instance 'i-0123456789abcdef0' is not in a state from which it can be associated.", "instances that run or are stopped",
        "instance profile"),
    Row("profile", "ec2:AssociateIamInstanceProfile", "InvalidParameterValue", "Value (arn:aws:iam::123456789012:instance-profile/Web) "
        "for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", "aws iam get-instance-profile",
        "instance profile"),
    Row("profile", "ec2:DescribeIamInstanceProfileAssociations", "InvalidParameterValue", "The filter 'IamInstanceProfile' is invalid",
        "aws iam get-instance-profile", "read what is there"),
    Row("profile", "ec2:DescribeIamInstanceProfileAssociations", "IncorrectState", "Not now.", "Run again when the instance",
        "read what is there"),
    Row("profile", "ec2:DescribeInstances", "InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist",
        "EC2 forgets a terminated instance", "instance_ids"),
    Row("profile", "ec2:DescribeIamInstanceProfileAssociations", "InvalidInstanceID.NotFound", "The instance ID does not exist",
        "correct the id", "read what is there"),
    Row("profile", "ec2:DescribeInstances", "RequestLimitExceeded", "Request limit exceeded.", "aws_config", "read what is there",
        status=503),
    Row("profile", "ec2:DescribeInstances", "TagLimitExceeded", "You have reached the limit on tags.", "which is 50",
        "read what is there"),
    Row("sessions", "s3:PutBucket", "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared "
        "by all users of the system. Please select a different name and try again.", "Choose another", "session-logs", status=409),
    Row("sessions", "s3:PutBucketPolicy", "PermanentRedirect", "The bucket you are attempting to access must be addressed using the "
        "specified endpoint. Please send all future requests to this endpoint.", "get-bucket-location", "session-logs"),
    Row("sessions", "s3:PutBucket", "TooManyBuckets", "You have attempted to create more buckets than allowed", "quota raised",
        "session-logs"),
    Row("sessions", "s3:PutBucketPolicy", "MalformedPolicy", "Invalid principal in policy", "account in it does not exist",
        "session-logs"),
    Row("sessions", "s3:PutBucketPolicy", "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        "when the other run is over", "session-logs", status=409),
    Row("sessions", "logs:CreateLogGroup", "ResourceAlreadyExistsException", "The specified log group already exists",
        "Another run has made the log group", "/sessions"),
    Row("sessions", "logs:CreateLogGroup", "LimitExceededException", "Resource limit exceeded.", "quota of the account", "/sessions"),
    Row("sessions", "logs:CreateLogGroup", "InvalidParameterException",
        "The specified KMS key does not exist or is not allowed to be used with LogGroup '/sessions'.", "logs.REGION.amazonaws.com",
        "/sessions"),
    Row("make", "iam:CreatePolicy", "Throttling", "Rate exceeded", "max_attempts", "create policy AgentPolicy"),
    Row("change", "iam:TagRole", "ConcurrentModification", "Request was rejected, someone is modifying the object. Please try again.",
        "when the other run is over", "role Web", status=409),
    Row("remove", "iam:DeleteUser", "EntityTemporarilyUnmodifiable",
        "Login Profile for User cwagent-web1 cannot be modified while login profile is being created.", "when the other run is over",
        "user cwagent-web1", status=409),
    Row("make", "iam:CreatePolicy", "ServiceFailure", "Service Unavailable. Please try again later.", "health.aws.amazon.com",
        "create policy AgentPolicy", status=500),
    Row("contain", "iam:PutUserPolicy", "AccessDenied", "User: arn:aws:iam::123456789012:user/test/operator is not authorized to "
        "perform: iam:PutUserPolicy on resource: arn:aws:iam::123456789012:user/hybridops/cwagent-web1 with an explicit deny in a "
        "service control policy", "service control policy", "user cwagent-web1", status=403),
    Row("check", "sts:GetCallerIdentity", "InvalidClientTokenId", "The security token included in the request is invalid.",
        "AWS_STS_REGIONAL_ENDPOINTS=regional", "ask who calls", status=403),
    Row("audit", "sts:GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired", "aws sso login",
        "read what is there", status=403),
)  # fmt: skip
