# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same for Systems Manager, KMS, EC2, S3 and CloudWatch Logs."""

from __future__ import annotations

from .rules import Rule

KMS = (
    Rule(
        "The KMS key is disabled, about to be deleted, or in a store that cannot be reached (aws kms describe-key). Enable it (aws kms "
        "enable-key, aws kms cancel-key-deletion), or name another.",
        codes="InvalidKeyId Disabled KMSInvalidState InvalidState KMSDisabled KMSInvalidKeyState",
        words=r"disabled|pending deletion|pending import|unavailable|invalid state|not valid for",
    ),
    Rule(
        "There is no such KMS key in this Region and account, or the caller may not see it. Correct the name (aws kms list-aliases), "
        "or have kms:DescribeKey, kms:Encrypt and kms:Decrypt allowed.",
        codes="InvalidKeyId KMSNotFound NotFound",
        words=r"\bkey\b|alias|customer master key|KMS",
    ),
    Rule(
        "The log group cannot use that key: it is in another Region or account, disabled, or its policy does not let "
        "logs.REGION.amazonaws.com encrypt and decrypt for the group (docs/sessions.md has the policy).",
        codes="InvalidParameter",
        words=r"KMS key",
    ),
)

PARAMETERS = (
    Rule(
        "The parameter has 100 versions and a label on the oldest, which AWS therefore does not drop. Take the label off (aws ssm "
        "unlabel-parameter-version) or move it to a newer version (aws ssm label-parameter-version), then run again.",
        codes="ParameterMaxVersionLimitExceeded",
    ),
    Rule("A parameter's name has 15 levels at most: choose one with fewer slashes.", codes="HierarchyLevelLimitExceeded"),
    Rule(
        "The Region has as many parameters as it may: delete some, or use the advanced tier (aws ssm update-service-setting "
        "--setting-id /ssm/parameter-store/default-parameter-tier), which costs money.",
        codes="ParameterLimitExceeded",
    ),
    Rule(
        "The parameter exists with another type, which AWS does not change: delete it first, or name another.",
        codes="HierarchyTypeMismatch UnsupportedParameterType",
    ),
    Rule("Another run has made the parameter meanwhile. Run again, which looks at it first.", codes="ParameterAlreadyExists"),
    Rule(
        "The parameter is gone: somebody else deleted it meanwhile. Run again, which looks at what is there first.",
        codes="ParameterNotFound",
    ),
    Rule(
        "The value is longer than its tier takes: 4 KB in the standard tier, 8 KB in the advanced one, which costs money (tier: advanced). "
        "Shorten it, or choose the tier.",
        codes="Validation",
        words=r"(Standard|Advanced) tier|maximum parameter value",
        operations="PutParameter",
    ),
)

NODES = (
    Rule(
        "More than 1,000 hybrid nodes of the account and Region, and sessions on them, need the advanced tier, which costs money per node "
        "and hour: session_preferences switches it on with activation_tier: advanced (role session_manager: "
        "session_manager_preferences_activation_tier).",
        codes="UnsupportedFeatureRequired",
    ),
    Rule(
        "There must be a role of that name in this account, given with its path where it has one, that trusts ssm.amazonaws.com; the "
        "playbook hybridops.aws_agents.aws_access makes one.",
        codes="Validation",
        words=r"(Nonexistent|not existing) role|missing ssm service principal",
        operations="CreateActivation|UpdateManagedInstanceRole",
    ),
    Rule(
        "The activation is used up, expired or deleted. Run again: each run makes its own.",
        codes="InvalidActivation InvalidActivationId",
    ),
    Rule(
        "The Region has as many activations, or nodes, as it may. Delete activations that are over (aws ssm describe-activations, aws "
        "ssm delete-activation; the audit lists them), deregister nodes that are gone, or have the quota raised (Service Quotas, "
        "Systems Manager).",
        codes="LimitExceeded ResourceLimitExceeded ActivationLimit ActivationLimitExceeded RegistrationLimitExceeded ServiceQuotaExceeded",
        words=r"activation|registration|managed (instance|node)",
    ),
    Rule(
        "Systems Manager has no such node in this Region and account, or it was deregistered meanwhile. Look for the Region it was "
        "registered in (aws ssm describe-instance-information).",
        codes="InvalidInstanceId",
    ),
)

DOCUMENTS = (
    Rule(
        "The account has as many documents of its own as it may in this Region (500): delete some (aws ssm list-documents --filters "
        "Key=Owner,Values=Self), or name one that exists.",
        codes="DocumentLimitExceeded",
    ),
    Rule(
        "The document has the 1,000 versions that AWS keeps of one: delete old ones (aws ssm delete-document --document-version NUMBER).",
        codes="DocumentVersionLimitExceeded",
    ),
    Rule(
        "A version of the document already says or is called that. Make it the default (aws ssm list-document-versions, aws ssm "
        "update-document-default-version).",
        codes="DuplicateDocumentContent DuplicateDocumentVersionName",
    ),
    Rule("Another run has made the document meanwhile. Run again, which looks at it first.", codes="DocumentAlreadyExists"),
    Rule(
        "Something still uses the document: take its associations off (aws ssm list-associations) and its shares back (aws ssm "
        "modify-document-permission), then run again.",
        codes="AssociatedInstances InvalidDocumentOperation",
        operations="DeleteDocument",
    ),
    Rule(
        "Systems Manager does not take the text of the document: correct the preferences as AWS says.",
        codes="InvalidDocumentContent InvalidDocumentSchemaVersion MaxDocumentSizeExceeded",
    ),
)

INSTANCES = (
    Rule(
        "EC2 changes the profile of instances that run or are stopped, one change at a time. Run again when the instance has got there.",
        codes="IncorrectState IncorrectInstanceState",
    ),
    Rule(
        "EC2 does not take the instance profile. Look whether it exists and holds a role (aws iam get-instance-profile). One that was "
        "made moments ago takes some time to be known: run again.",
        codes="InvalidParameterValue InvalidIamInstanceProfileArn.Malformed",
        words=r"Iam ?Instance ?Profile",
    ),
    Rule(
        "EC2 knows no such instance in this Region and account (any more): correct the id or the region.",
        codes="InvalidInstanceID.NotFound InvalidInstanceID.Malformed",
    ),
    Rule("The instance has as many tags as it may, which is 50. Remove one.", codes="TagLimitExceeded"),
)

BUCKETS = (
    Rule(
        "Bucket names are taken worldwide, and somebody else has this one. Choose another.",
        codes="BucketAlreadyExists",
    ),
    Rule(
        "The bucket is in another Region than this task's: set region to it (aws s3api get-bucket-location).",
        codes="PermanentRedirect IllegalLocationConstraint BucketAlreadyOwnedByYou 301",
    ),
    Rule(
        "S3 gives no reason here. Most often the session of these credentials is over: log in anew (aws sso login), then run again.",
        codes="400",
    ),
    Rule("The account has as many buckets as it may: delete one, or have the quota raised (Service Quotas, S3).", codes="TooManyBuckets"),
    Rule(
        "S3 does not take the bucket's policy: a principal or account in it does not exist, or its form is wrong. Correct it as AWS says.",
        codes="MalformedPolicy",
    ),
    Rule("Another run has made the log group meanwhile. Run again, which looks at it first.", codes="ResourceAlreadyExists"),
    Rule(
        "A quota of the account is used up in this Region. Have it raised in Service Quotas, or make room.",
        codes="LimitExceeded ResourceLimitExceeded ServiceQuotaExceeded",
    ),
)
