# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IAM, Systems Manager and the services around them do not take, and what to do instead.

The codes and quotas are those of "IAM and AWS STS quotas", of "AWS Systems Manager endpoints and quotas", and of the errors of each
operation in the API references.
"""

from __future__ import annotations

from .rules import Rule

_RAISE = "Have it raised in Service Quotas (aws service-quotas list-service-quotas --service-code iam), or make room"
_TRY = "aws accessanalyzer validate-policy --policy-type IDENTITY_POLICY --policy-document file://policy.json tells where"

QUOTAS = (
    Rule(
        "The role, user or group has as many managed policies as it may. Attach fewer, put two of them into one, or have the quota "
        "raised (Service Quotas, IAM: managed policies per role or user).",
        codes="LimitExceeded",
        words=r"quota for (Attached)?PoliciesPer(Role|User|Group)",
    ),
    Rule(
        "The trust policy is longer than a role may have. Name fewer principals, or one role that they assume; the quota (role trust "
        "policy length) can be raised.",
        codes="LimitExceeded",
        words=r"quota for ACLSizePer",
    ),
    Rule(
        "The policy is longer than IAM takes, white space aside, which no quota raises. Give it fewer names or a pattern for them, or "
        "make two policies of it.",
        codes="LimitExceeded",
        words=r"quota for PolicySize",
    ),
    Rule(
        "All inline policies of a user together, or of a role, may only be that long, which no quota raises. Make a managed policy of "
        "it, which counts for itself.",
        codes="LimitExceeded",
        words=r"Maximum policy size of \d+ bytes exceeded",
    ),
    Rule(
        "An account has 5,000 users at most, which no quota raises. Have hosts share a user, or register them with Systems Manager, "
        "which needs none (docs/hosts.md, docs/hybrid.md).",
        codes="LimitExceeded",
        words=r"quota for UsersPerAccount",
    ),
    Rule(
        "A user has two access keys at most, Inactive ones among them. Find out who uses which (aws iam list-access-keys, aws iam "
        "get-access-key-last-used), and delete one that nobody does.",
        codes="LimitExceeded",
        words=r"quota for AccessKeysPerUser",
    ),
    Rule(
        "A managed policy has five versions at most: delete one that is not the default (aws iam list-policy-versions, aws iam "
        "delete-policy-version).",
        codes="LimitExceeded",
        words=r"up to 5 versions|VersionsPerPolicy",
    ),
    Rule(
        "An instance profile holds one role: take the other out of it, or name another profile.",
        codes="LimitExceeded",
        words=r"quota for InstanceSessionsPerInstanceProfile",
    ),
    Rule(
        "It has as many tags as it may, which is 50. Remove some, or ask for fewer.",
        codes="LimitExceeded TooManyTags",
        # AWS's own sentence alone: what we say after it may name tags as well.
        words=r"^[^.]*\btags?\b|quota for TagsPer",
    ),
)
"""Quotas of IAM, by the name that its answer gives them."""

IAM = (
    Rule(f"A quota of the account is used up. {_RAISE}.", codes="LimitExceeded", words=r"Cannot exceed quota"),
    Rule(
        "That policy cannot be attached anew: AWS has retired it, or keeps it for a service-linked role. Where it is attached it "
        "stays. Use its successor: AmazonSSMManagedInstanceCore for AmazonEC2RoleforSSM.",
        codes="PolicyNotAttachable",
    ),
    Rule(
        "It is a service-linked role or of AWS itself, and only that service changes it. Name a role of your own.",
        codes="UnmodifiableEntity",
    ),
    Rule(
        "IAM takes names that differ in case or path only for the same, so it exists in another spelling, or another run has just made "
        "it. Run again; if this stays, look the name up in IAM and give its spelling and path.",
        codes="EntityAlreadyExists",
    ),
    Rule(
        "Something still hangs on it that is not this run's to take away: see AWS's words, aws iam list-entities-for-policy, aws iam "
        "list-instance-profiles-for-role or aws iam list-groups-for-user. Take it off there, then run again.",
        codes="DeleteConflict",
    ),
    Rule(
        "It is not there: somebody else deleted it meanwhile, or IAM does not show it everywhere yet. Run again, which looks at what "
        "is there first.",
        codes="NoSuchEntity",
    ),
    Rule(
        "The policy names a principal that does not exist, or was deleted since: correct it, or make it first. In partitions other "
        "than aws its ARN begins otherwise.",
        codes="MalformedPolicyDocument",
        words=r"Invalid principal",
    ),
    Rule(
        "An ARN in the policy is of another partition than the account: begin it as the caller's own does.",
        codes="MalformedPolicyDocument ValidationError",
        words=r"partition",
    ),
    Rule(f"IAM does not take the text of the policy: correct it as AWS says. {_TRY}.", codes="MalformedPolicyDocument"),
    Rule(
        "IAM of this partition does not take tags when something is made, and tags are how the collection knows what is its own. Make "
        "it by hand without, tag it (tag hybridops.aws_agents/owner with the value of owned_by, by default default), then run again.",
        codes="InvalidInput InvalidParameter InvalidParameterValue InvalidParameterCombination InvalidRequest UnknownParameter "
        "UnsupportedOperation UnsupportedFeature UnsupportedParameter OperationNotPermitted OperationDisabled ValidationError "
        "Validation",
        words=r"\btag(s|ging)?\b.*(not supported|unsupported|not permitted|not valid|not recognized|unknown)"
        r"|(unsupported|unknown|unrecognized)\b.*\btag(s|ging)?\b",
        operations=r"Create\w+",
    ),
    Rule(
        "Two tags have one name: IAM takes keys that differ in case only for the same. Leave one out.",
        codes="InvalidInput",
        words=r"Duplicate tag keys",
    ),
    Rule(
        "This partition or Region does not have that service or operation: leave out what asks for it, or set another region.",
        codes="InvalidAction NotSupportedService ServiceNotSupported UnknownOperation UnsupportedOperation UnsupportedFeature",
    ),
    Rule(
        "Text for IAM is Latin-1: characters such as dashes of print, quotation marks of print and emoji are not taken. Replace them "
        "in descriptions, Sids and tags.",
        codes="ValidationError InvalidInput",
        words=r"u0009|u0020|u00FF|regular expression pattern: \[\\t",
    ),
)

SESSIONS = (
    Rule(
        "The role lets sessions last less long than that (MaxSessionDuration), and one hour where a role assumes another. Have it "
        "raised, or call with credentials that are not a role's.",
        codes="ValidationError",
        words=r"DurationSeconds exceeds",
    ),
    Rule(
        "The session's policy and tags together are too long for STS. Shorten the parameter's name or the tags of the caller's session.",
        codes="PackedPolicyTooLarge",
    ),
)
