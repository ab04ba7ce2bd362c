# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who says no, and who can say yes.

The words are those of "Troubleshoot access denied error messages" in the IAM user guide. A denial names one kind of policy; behind it
may be others.
"""

from __future__ import annotations

from .rules import Rule

_CODES = "AccessDenied UnauthorizedOperation UnauthorizedAccess AuthorizationError Forbidden NotAuthorized 403 InvalidKeyId"
_MAKING = r"(Create|Put|Attach|Tag)\w+"

_GIVE = (
    "tags (roles: cwagent_server_tags and the like; modules: tags) and a permissions boundary (roles: cwagent_server_boundary and the "
    "like; iam_identities: boundary)"
)

WHO = (
    Rule(
        "A service control policy of the organization (AWS Organizations) forbids it, and no permission in this account helps against "
        f"that. Does it demand something of what is made? Give it {_GIVE}. Does it close Regions? Set another region. Otherwise have "
        "the organization's administrator let this caller through.",
        codes=_CODES,
        words=r"service control polic",
        operations=_MAKING,
    ),
    Rule(
        "A service control policy of the organization (AWS Organizations) forbids it, and no permission in this account helps against "
        "that. Does it close Regions? Set another region. Otherwise have the organization's administrator let this caller through.",
        codes=_CODES,
        words=r"service control polic",
    ),
    Rule(
        "A resource control policy of the organization (AWS Organizations) that owns the resource forbids it, whatever the policies of "
        "the caller and of the resource say. Have the organization's administrator let this caller through, or use a resource of "
        "another account.",
        codes=_CODES,
        words=r"resource control polic",
    ),
    Rule(
        "The call went through a VPC endpoint whose policy does not let it pass. Have the action allowed there (aws ec2 "
        "describe-vpc-endpoints shows the policies, aws ec2 modify-vpc-endpoint changes them), or run from where the call takes "
        "another way.",
        codes=_CODES,
        words=r"VPC endpoint polic",
    ),
    Rule(
        "The caller has a permissions boundary that does not allow this action; what its other policies grant counts only within it "
        "(aws iam get-role or get-user shows it). Have the action added to the boundary, or run as an identity without it.",
        codes=_CODES,
        words=r"permissions boundary",
    ),
    Rule(
        "The caller's session was narrowed when it was made (policies of aws sts assume-role, a permission set, a login broker), and "
        "the session policy leaves this action out. Make a session that has it.",
        codes=_CODES,
        words=r"sessions? polic",
    ),
    Rule(
        "The role's trust policy does not let the caller in, or forbids it. Have the caller added to it, with the external id, the MFA "
        "or the source address that it asks for. A trust that was just changed takes some seconds to be known everywhere.",
        codes=_CODES,
        words=r"role trust policy",
    ),
    Rule(
        "S3's block on public access does not take this bucket policy, since AWS reads it as public. Take what is public out of it.",
        codes=_CODES,
        words=r"Block\w+ setting in S3 Block Public Access",
    ),
    Rule(
        "The key's own policy (aws kms get-key-policy) has to let the caller in, or the account with IAM policies beside it. Have the "
        "action allowed there, or name another key.",
        codes=_CODES,
        words=r"\bkms:\w+.*resource-based policy",
    ),
    Rule(
        "The policy of the resource itself (of a bucket, key, log group or parameter) does not allow it or forbids it. Have the caller "
        "added there, or taken out of its denial.",
        codes=_CODES,
        words=r"resource-based policy",
    ),
)
"""Denials by somebody else than the caller's own policies."""

OWN = (
    Rule(
        "The caller's own policies forbid it explicitly, which wins over all that allows it. Often such a statement asks for "
        f"something: MFA, a source address, a Region, or of what is made {_GIVE}. Meet it, or have it changed.",
        codes=_CODES,
        words=r"explicit deny in an identity-based policy",
    ),
    Rule(
        "Some policy forbids it explicitly, which wins over all that allows it: an organization's, a boundary, a session's, the "
        "resource's, or one of the caller's own. Its event in CloudTrail (aws cloudtrail lookup-events) and the account's "
        "administrator know which.",
        codes=_CODES,
        words=r"with an explicit deny",
    ),
    Rule(
        "To hand a role to AWS takes iam:PassRole on the role, with iam:PassedToService of who gets it (ec2.amazonaws.com, "
        "ssm.amazonaws.com). Have it granted; the presets operator_aws and operator_hosts hold it (docs/operator.md).",
        codes=_CODES,
        words=r"iam:PassRole",
    ),
    Rule(
        "The caller's policies do not allow it. The presets operator_aws and operator_hosts hold all that the collection calls "
        "(docs/operator.md): have the action granted. Is it allowed under a condition only, as in an organization that demands "
        f"something of what is made? Then give it {_GIVE}.",
        codes=_CODES,
        words=r"because no identity-based policy allows|is not authorized to perform: iam:",
        operations=_MAKING,
    ),
    Rule(
        "The caller's policies do not allow it. The presets operator_aws and operator_hosts hold all that the collection calls "
        "(docs/operator.md): have the action granted.",
        codes=_CODES,
        words=r"because no identity-based policy allows|is not authorized to perform",
    ),
    Rule(
        "AWS does not say which policy it was: one of the caller's, of an organization, of a VPC endpoint or of the resource. Its "
        "event in CloudTrail (aws cloudtrail lookup-events) may; the presets operator_aws and operator_hosts hold all that the "
        "collection calls (docs/operator.md).",
        codes="AccessDenied UnauthorizedOperation UnauthorizedAccess AuthorizationError Forbidden NotAuthorized 403",
    ),
)

ENCODED = Rule(
    "What is encoded tells the rest, to whoever may call sts:DecodeAuthorizationMessage: aws sts decode-authorization-message --query "
    "DecodedMessage --output text --encoded-message followed by that text.",
    words=r"Encoded authorization failure message",
)
