# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit can find: each kind with how grave it is and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, NamedTuple, Tuple

SEVERITIES: Tuple[str, ...] = ("high", "medium", "low", "info")
"""From the gravest down."""


@dataclass(frozen=True)
class Finding:
    """Something that a person should look at."""

    id: str
    """Which kind, a key of ``KINDS``."""
    severity: str
    object: str
    """What it was found at, in words: ``role web``, ``access key AKIA… of user cwagent-web1``."""
    what: str
    """What was found. It holds no secret."""
    remedy: str


class Kind(NamedTuple):
    severity: str
    title: str
    remedy: str


KINDS: Dict[str, Kind] = {
    "admin-policy": Kind(
        "high",
        "An agent's identity may do nearly everything",
        "Detach the policy, and attach what the agent needs. Look into CloudTrail for what the identity did.",
    ),
    "may-too-much": Kind(
        "high",
        "An identity may do what it must not",
        "Take the permission away, or say in access_check that it is meant.",
    ),
    "trust-wide": Kind(
        "high",
        "A role lets in more than its author can have meant",
        "Name in its trust policy who may assume it, or have iam_identities write one (trust).",
    ),
    "password": Kind(
        "high",
        "A host's user can sign in to the console",
        "Delete the password, unless a person uses this user; then give the host a user of its own.",
    ),
    "boundary-missing": Kind(
        "high", "A required permissions boundary is missing", "Give the identity the boundary (option boundary of iam_identities)."
    ),
    "key-used-when-retired": Kind(
        "high",
        "A retired key was used after it was deactivated",
        "Somebody activated it for a while, or holds a session of it. Find out who. If nobody knows, offboard the user as compromised.",
    ),
    "user-orphan": Kind(
        "high",
        "A user has a key that works, and no host",
        "Take the user away with iam_user_offboarding, or put its host back into the inventory.",
    ),
    "activation-open": Kind(
        "high",
        "An activation can still register machines",
        "Delete it (aws ssm delete-activation), unless somebody is registering hosts with it right now.",
    ),
    "drift-refused": Kind(
        "high", "What is wanted cannot be planned", "Read the reason. It says what has to be decided before a run can correct this."
    ),
    "drift": Kind("medium", "An identity is not as it was asked for", "Run aws_access, which makes this change, or correct the variables."),
    "policy-extra": Kind(
        "medium",
        "An identity has a policy that nobody asked for",
        "Detach or delete it (purge_policies, purge_inline_policies), or add it to what is wanted.",
    ),
    "policy-inline": Kind(
        "medium",
        "An identity has an inline policy that nobody asked for",
        "Delete it, or name it under inline_policies of what is expected.",
    ),
    "policy-deprecated": Kind(
        "medium",
        "A policy that AWS has deprecated is in use",
        "Move to its successor with policy_migration, which shows what is gained and lost.",
    ),
    "policy-of-2018": Kind(
        "medium",
        "A policy has the text that the 2018 edition of the AWS documents prints",
        "Move to AWS's policy of today with policy_migration, which shows what is gained and lost.",
    ),
    "trust-of-deleted": Kind(
        "medium",
        "A trust policy names somebody who is gone",
        "Run aws_access, or name in the trust policy who has taken the place of the one that was deleted.",
    ),
    "boundary-other": Kind(
        "medium", "The permissions boundary is not the required one", "Give the identity the required boundary, or correct the requirement."
    ),
    "group-member": Kind(
        "medium",
        "A host's user has what its groups have",
        "Take it out of the groups, or attach to the user what it needs. What groups permit is not looked at here.",
    ),
    "key-old": Kind("medium", "An access key is older than it may be", "Run rotate_keys."),
    "key-unused": Kind(
        "medium",
        "An access key is not used",
        "See whether its host still sends. Take away the user of a host that is gone with iam_user_offboarding.",
    ),
    "key-inactive": Kind(
        "medium",
        "Somebody deactivated an access key",
        "Find out why. Then delete it, or let the handover replace it (replace_inactive).",
    ),
    "key-retired-due": Kind("medium", "A retired key outlived its grace", "Run rotate_keys, which deletes it."),
    "keys-two": Kind(
        "medium",
        "A user has two keys that both work",
        "Run rotate_keys: it ends the one that the host does not hold, or says what it waits for.",
    ),
    "host-without-user": Kind("medium", "A host has no user", "Run aws_access, then onprem."),
    "identity-missing": Kind(
        "medium",
        "A role or user that was named does not exist",
        "Correct its name (roles, users), or leave it out. Nothing was said of it.",
    ),
    "profile-empty": Kind(
        "medium", "An instance profile holds no role", "Run aws_access, which puts the role into it, or delete the profile."
    ),
    "role-without-profile": Kind(
        "medium",
        "A role for EC2 is in no instance profile",
        "Set instance_profile: true for it, since instances take a role through a profile only.",
    ),
    "lease-left": Kind(
        "medium",
        "A lease was left behind by a run that ended early",
        "Run store_agent_config once more, which takes it away, or undo by hand what is named here.",
    ),
    "node-offline": Kind(
        "medium",
        "A hybrid node has not been heard of for long",
        "See to the machine, or deregister it (ssm_node_offboarding, or aws ssm deregister-managed-instance).",
    ),
    "not-seen": Kind("medium", "Something could not be looked at", "Permit the call named here, or leave that part out (option parts)."),
    "may-too-little": Kind(
        "medium", "An identity may not do what it must", "Correct its policies and boundary. Service control policies may deny it as well."
    ),
    "user-orphan-idle": Kind(
        "low",
        "A user has no host, and no key that works",
        "Take it away with iam_user_offboarding, or put its host back into the inventory.",
    ),
    "lease-held": Kind("low", "A lease is in force", "A run may be saving a configuration right now. Look again when it is over."),
    "activation-left": Kind("low", "An activation that is over was left behind", "Delete it (aws ssm delete-activation)."),
    "quick-setup": Kind(
        "info",
        "Systems Manager Quick Setup was here",
        "It changes instance profiles by itself. Decide which of the two manages an instance, and remove the other's configuration.",
    ),
    "default-host-management": Kind(
        "info",
        "Instances without a profile are managed by Systems Manager",
        "Nothing, if that is meant. The role's AmazonSSMManagedEC2InstanceDefaultPolicy reads no parameters, so the agent cannot fetch its "
        "configuration with it.",
    ),
    "advanced-instances": Kind(
        "info",
        "Hybrid nodes are in the advanced-instances tier",
        "Nothing, if that is meant: AWS charges for each hybrid node of account and Region.",
    ),
}
"""By id, the gravest first."""


def finding(kind: str, of: str, what: str) -> Finding:
    """Return a finding of a kind."""
    return Finding(kind, KINDS[kind].severity, of, what, KINDS[kind].remedy)
