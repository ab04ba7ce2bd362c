# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that the collection makes to AWS: the IAM action it takes, what that can be limited to, and what it is for.

The policies of operators are made from this table, and a test holds it equal to the code: a call that is not here fails that test, and so
does a line that no code needs. Names of actions, resources and condition keys are those of the Service Authorization Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Tuple

ACCESS = "access"
"""Policies, roles, instance profiles and users: ``iam_identities``, ``iam_user_offboarding``."""
ADMIN = "admin"
"""Taking away a boundary, and what hangs on a user that a person made by hand. No policy of ours grants it."""
KEYS = "keys"
"""The access key of a host's user: ``host_access_key``, ``shared_access_key``."""
STORE = "store"
"""A shared key in a parameter: ``shared_access_key``."""
CONFIGURATION = "configuration"
"""Reading the agent's configuration from a parameter before a host does: ``cloudwatch_agent``."""
METRICS = "metrics"
"""Asking CloudWatch for a host's metrics: ``cloudwatch_agent`` with ``verify_metrics``."""
ACTIVATIONS = "activations"
"""Registering hosts with Systems Manager, and deregistering them: ``ssm_registration``, ``ssm_node_offboarding``."""
SESSIONS = "sessions"
"""Session preferences, and the bucket and log group they name: ``session_preferences``."""
SETTINGS = "settings"
"""The tier of hybrid nodes, which the whole account and Region pays for: ``session_preferences`` with ``advanced_instances``."""
ASSOCIATIONS = "associations"
"""Which instance profile a running instance has: ``instance_profile_association``."""
REBOOT = "reboot"
"""Its ``reboot``."""
SAVE = "save"
"""Saving the agent's configuration in a parameter, by a role that is assumed for it: ``agent_config_parameter``."""
LEASE = "lease"
"""The same by an instance or a user, for as long as it takes. No policy of ours grants it."""
AUDIT = "audit"
"""Looking at what is there: ``access_info``, ``access_check``."""

ANY = "*"
"""The action knows no narrower resource."""
BOUNDARY = "boundary"
"""The action carries ``iam:PermissionsBoundary``: the boundary that its role or user has, or is given."""
ATTACHES = "attaches"
"""It carries that and ``iam:PolicyARN``: the policy that is attached."""


@dataclass(frozen=True)
class Call:
    """One operation."""

    operation: str
    """Service as the SDK calls it, and operation as its API does: ``iam:GetUser``."""
    on: str
    """Kind of resource that the action can be limited to: the word its ARN begins with, or ``*``."""
    uses: FrozenSet[str]
    writes: bool = False
    guard: str = ""
    """The condition keys that tell what may come of it: ``BOUNDARY`` or ``ATTACHES``; empty where there are none."""
    action: str = ""
    """The IAM action where it isn't called like the operation."""
    also: Tuple[Tuple[str, str], ...] = ()
    """More actions it takes, each with its kind of resource."""
    free: bool = False
    """AWS asks for no permission."""

    @property
    def actions(self) -> Tuple[Tuple[str, str], ...]:
        """All actions it takes, each with its kind of resource."""
        return () if self.free else ((self.action or self.operation, self.on), *self.also)


def _reads(on: str, uses: Iterable[str], *operations: str) -> List[Call]:
    return [Call(operation, on, frozenset(uses)) for operation in operations]


def _writes(on: str, uses: Iterable[str], *operations: str, guard: str = "") -> List[Call]:
    return [Call(operation, on, frozenset(uses), writes=True, guard=guard) for operation in operations]


def _makes(operation: str, on: str, uses: Iterable[str], tagging: str, guard: str = "") -> Call:
    """What is made with tags takes the right to tag as well."""
    return Call(operation, on, frozenset(uses), writes=True, guard=guard, also=((tagging, on),))


_TO_EC2 = ("iam:PassRole", "role for ec2")

_POLICIES = [
    *_reads("policy", [ACCESS], "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions", "iam:ListEntitiesForPolicy"),
    *_reads(ANY, [ACCESS], "iam:ListPolicies", "iam:GetAccountSummary"),
    # Where it is denied, users are read one by one.
    *_reads(ANY, [AUDIT], "iam:GetAccountAuthorizationDetails"),
    _makes("iam:CreatePolicy", "policy", [ACCESS], "iam:TagPolicy"),
    *_writes("policy", [ACCESS], "iam:DeletePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion"),
    *_writes("policy", [ACCESS], "iam:TagPolicy", "iam:UntagPolicy"),
]

_ROLES = [
    *_reads("role", [ACCESS], "iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"),
    *_reads("role", [ACCESS], "iam:ListInstanceProfilesForRole"),
    _makes("iam:CreateRole", "role", [ACCESS], "iam:TagRole", BOUNDARY),
    *_writes("role", [ACCESS], "iam:AttachRolePolicy", guard=ATTACHES),
    *_writes("role", [ACCESS], "iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy", guard=BOUNDARY),
    *_writes("role", [ACCESS], "iam:PutRolePermissionsBoundary", guard=BOUNDARY),
    *_writes("role", [ACCESS], "iam:DeleteRole", "iam:UpdateRole", "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole"),
    *_writes("role", [ADMIN], "iam:DeleteRolePermissionsBoundary", guard=BOUNDARY),
]

_PROFILES = [
    *_reads("instance-profile", [ACCESS, ASSOCIATIONS], "iam:GetInstanceProfile"),
    *_reads("instance-profile", [AUDIT], "iam:ListInstanceProfiles"),
    _makes("iam:CreateInstanceProfile", "instance-profile", [ACCESS], "iam:TagInstanceProfile"),
    *_writes("instance-profile", [ACCESS], "iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile"),
    Call("iam:AddRoleToInstanceProfile", "instance-profile", frozenset([ACCESS]), writes=True, also=(_TO_EC2,)),
]

_USERS = [
    *_reads("user", [ACCESS, KEYS], "iam:GetUser", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed", "iam:GetLoginProfile"),
    *_reads("user", [ACCESS, KEYS], "iam:ListGroupsForUser"),
    *_reads("user", [ACCESS], "iam:GetUserPolicy", "iam:ListUserPolicies", "iam:ListAttachedUserPolicies", "iam:ListMFADevices"),
    *_reads("user", [ACCESS], "iam:ListSigningCertificates", "iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials"),
    _makes("iam:CreateUser", "user", [ACCESS], "iam:TagUser", BOUNDARY),
    *_writes("user", [ACCESS], "iam:AttachUserPolicy", guard=ATTACHES),
    *_writes("user", [ACCESS], "iam:DetachUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy", guard=BOUNDARY),
    *_writes("user", [ACCESS], "iam:PutUserPermissionsBoundary", guard=BOUNDARY),
    *_writes("user", [ACCESS], "iam:DeleteUser", "iam:UpdateUser"),
    *_writes("user", [ACCESS, KEYS], "iam:UpdateAccessKey", "iam:DeleteAccessKey", "iam:TagUser", "iam:UntagUser"),
    *_writes("user", [KEYS], "iam:CreateAccessKey"),
    *_writes("user", [ADMIN], "iam:DeleteUserPermissionsBoundary", guard=BOUNDARY),
    *_writes("user", [ADMIN], "iam:DeleteLoginProfile", "iam:DeleteSigningCertificate", "iam:DeleteSSHPublicKey"),
    *_writes("user", [ADMIN], "iam:DeleteServiceSpecificCredential", "iam:DeactivateMFADevice"),
    *_writes("mfa", [ADMIN], "iam:DeleteVirtualMFADevice"),
    *_writes("group", [ADMIN], "iam:RemoveUserFromGroup"),
]

_INSTANCES = [
    *_reads(ANY, [ASSOCIATIONS], "ec2:DescribeIamInstanceProfileAssociations"),
    # Where it is denied, ``iam_identities`` tells by a role's last use alone whether the role is in use.
    *_reads(ANY, [ASSOCIATIONS, LEASE, AUDIT], "ec2:DescribeInstances"),
    Call("ec2:AssociateIamInstanceProfile", "instance", frozenset([ASSOCIATIONS]), writes=True, also=(_TO_EC2,)),
    Call("ec2:ReplaceIamInstanceProfileAssociation", "instance", frozenset([ASSOCIATIONS]), writes=True, also=(_TO_EC2,)),
    *_writes("instance", [ASSOCIATIONS], "ec2:DisassociateIamInstanceProfile"),
    *_writes("instance", [REBOOT], "ec2:RebootInstances"),
    *_writes("instance", [LEASE], "ec2:CreateTags", "ec2:DeleteTags"),
]

_PARAMETERS = [
    *_reads("parameter", [STORE, CONFIGURATION, SAVE], "ssm:GetParameter"),
    Call("ssm:ListTagsForResource", "parameter", frozenset([STORE, SAVE, SESSIONS]), also=(("ssm:ListTagsForResource", "document"),)),
    *_reads(ANY, [STORE, SAVE], "ssm:DescribeParameters"),
    *_writes("parameter", [SAVE], "ssm:AddTagsToResource", "ssm:DeleteParameter"),
    Call(
        "ssm:PutParameter",
        "parameter",
        frozenset([STORE]),
        writes=True,
        # Parameter Store encrypts and decrypts with the caller's rights.
        also=(("ssm:AddTagsToResource", "parameter"), ("kms:Encrypt", "key"), ("kms:Decrypt", "key")),
    ),
    *_reads("key", [STORE, SESSIONS, SAVE], "kms:DescribeKey"),
    *_writes("role", [SAVE], "sts:AssumeRole"),
]

_NODES = [
    *_reads(ANY, [ACTIVATIONS, AUDIT], "ssm:DescribeActivations", "ssm:DescribeInstanceInformation"),
    Call(
        "ssm:CreateActivation",
        ANY,
        frozenset([ACTIVATIONS]),
        writes=True,
        also=(("ssm:AddTagsToResource", "managed-instance"), ("iam:PassRole", "role for ssm")),
    ),
    *_writes(ANY, [ACTIVATIONS], "ssm:DeleteActivation"),
    *_writes("managed-instance", [ACTIVATIONS], "ssm:DeregisterManagedInstance"),
    Call(
        "ssm:UpdateManagedInstanceRole",
        "managed-instance",
        frozenset([ACTIVATIONS]),
        writes=True,
        also=(("ssm:UpdateManagedInstanceRole", "role"), ("iam:PassRole", "role for ssm")),
    ),
]

_SESSIONS = [
    *_reads("document", [SESSIONS], "ssm:DescribeDocument", "ssm:GetDocument", "ssm:ListDocumentVersions"),
    _makes("ssm:CreateDocument", "document", [SESSIONS], "ssm:AddTagsToResource"),
    *_writes("document", [SESSIONS], "ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", "ssm:DeleteDocument"),
    *_reads("servicesetting", [SETTINGS, AUDIT], "ssm:GetServiceSetting"),
    *_writes("servicesetting", [SETTINGS], "ssm:UpdateServiceSetting"),
    Call("s3:HeadBucket", "bucket", frozenset([SESSIONS]), action="s3:ListBucket"),
    Call("s3:ListObjectVersions", "bucket", frozenset([SESSIONS]), action="s3:ListBucketVersions"),
    Call("s3:GetBucketEncryption", "bucket", frozenset([SESSIONS]), action="s3:GetEncryptionConfiguration"),
    Call("s3:GetPublicAccessBlock", "bucket", frozenset([SESSIONS]), action="s3:GetBucketPublicAccessBlock"),
    *_reads("bucket", [SESSIONS], "s3:GetBucketTagging", "s3:GetBucketPolicy"),
    Call("s3:PutBucketEncryption", "bucket", frozenset([SESSIONS]), writes=True, action="s3:PutEncryptionConfiguration"),
    Call("s3:PutPublicAccessBlock", "bucket", frozenset([SESSIONS]), writes=True, action="s3:PutBucketPublicAccessBlock"),
    *_writes("bucket", [SESSIONS], "s3:CreateBucket", "s3:PutBucketTagging", "s3:PutBucketPolicy"),
    *_reads(ANY, [SESSIONS], "logs:DescribeLogGroups"),
    *_reads("log-group", [SESSIONS], "logs:ListTagsForResource"),
    _makes("logs:CreateLogGroup", "log-group", [SESSIONS], "logs:TagResource"),
    *_writes("log-group", [SESSIONS], "logs:AssociateKmsKey", "logs:PutRetentionPolicy"),
]

_REST = [
    Call("sts:GetCallerIdentity", ANY, frozenset([ACCESS, KEYS]), free=True),
    Call("iam:SimulatePrincipalPolicy", "role", frozenset([AUDIT]), also=(("iam:SimulatePrincipalPolicy", "user"),)),
    *_reads(ANY, [METRICS], "cloudwatch:ListMetrics"),
]

CALLS: Dict[str, Call] = {
    call.operation: call for call in (*_POLICIES, *_ROLES, *_PROFILES, *_USERS, *_INSTANCES, *_PARAMETERS, *_NODES, *_SESSIONS, *_REST)
}


def actions(*uses: str, writes: bool, guard: str = "", on: str = "") -> List[str]:
    """Return the IAM actions that these uses take.

    :param writes: those that change something, or those that read.
    :param guard: of those that change something, the ones with just these condition keys.
    :param on: only on this kind of resource; empty for all kinds that an ARN names in full, which leaves out roles that are passed.
    """
    found = {
        action
        for call in CALLS.values()
        if call.uses & set(uses) and call.writes == writes
        for position, (action, kind) in enumerate(call.actions)
        # What comes along, as tags do, carries no condition keys of the call itself.
        if (call.guard if position == 0 else "") == guard and kind == (on or kind) and " " not in kind
    }
    return sorted(found)
