#!/usr/bin/python
# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_identities
version_added: 1.0.0
short_description: Converge IAM policies, roles with instance profiles, and users in one task
description:
  - Customer managed policies, roles with their instance profiles, and users are described together, since that is how they depend on each
    other, and converge together. Everything is made before anything is removed, and policies are attached before others are detached.
  - Wrong input fails before the first API call. A failure on the way returns what was applied and what is left, and running the task again
    goes on from there.
  - What a call creates carries the tag C(hybridops.aws_agents/owner). Nothing that lacks it is changed or deleted unless told.
  - Access keys are not made here, since a secret has no place in a task's result. See M(hybridops.aws_agents.host_access_key).
author:
  - HybridOps (@hybridops)
options:
  policies:
    description: Customer managed policies.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the policy, unique in the account ignoring letter case.
        type: str
        required: true
      state:
        description:
          - V(absent) deletes the policy with all its versions. It is refused while anything that this task does not name still uses it.
        type: str
        choices: [present, absent]
        default: present
      path:
        description: Path of the policy. It is part of the policy's ARN, by which the policy is found, and cannot change.
        type: str
        default: /
      description:
        description: Description, at most 1,000 characters of Latin-1. IAM never changes a policy's, so another one than it has is refused.
        type: str
      document: &document
        description: A policy document of your own, as data or JSON text. Either this or O(policies[].preset).
        type: raw
      preset: &preset
        description: Name of a ready document. See P(hybridops.aws_agents.policy#lookup) for what each holds.
        type: str
        choices:
          - cwagent_server
          - cwagent_admin
          - cwagent_server_scoped
          - cwagent_admin_scoped
          - assume_roles
          - log_streams
          - cloudwatch_viewer
          - ssm_core
          - ssm_s3
          - session_manager
          - session_user
          - operator_aws
          - operator_hosts
          - operator_extras
          - operator_audit
          - operator_boundary
      options: &options
        description: Options of the preset, as P(hybridops.aws_agents.policy#lookup) lists them.
        type: dict
      tags: &tags
        description: Tags of this object. When left out its tags stay as they are.
        type: dict
      purge_tags: &purge_tags
        description: Remove tags that are not listed. Tags of AWS and of this collection stay.
        type: bool
        default: false
  roles:
    description: Roles, and the instance profiles that carry them to EC2 instances.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the role.
        type: str
        required: true
      state:
        description:
          - V(absent) deletes the role, its inline policies and its instance profile.
          - With O(roles[].existing) it takes back the policies that the entry lists, and, with O(roles[].instance_profile=true), the
            instance profile that was made for the role here. Trust that was added stays, since others may rely on it by then.
        type: str
        choices: [present, absent]
        default: present
      existing:
        description:
          - The role is somebody else's. It must exist, policies are added to it, and nothing else of it changes.
          - The task fails when the role cannot serve, which means that O(roles[].trust) or O(roles[].instance_profile) is not met.
        type: bool
        default: false
      add_trust:
        description: Let the service of O(roles[].trust) assume the existing role, in its own statement, when its trust policy does not.
        type: bool
        default: false
      add_instance_profile:
        description: Make an instance profile for the existing role when none holds it.
        type: bool
        default: false
      trust:
        description:
          - Who may assume the role. Each form is narrow by construction.
          - V(ec2) is EC2 instances, V(ssm) Systems Manager for hybrid nodes of this account, V(service) other AWS services.
          - V(account) is other accounts, V(saml) and V(oidc) are identity providers.
        type: str
        choices: [ec2, ssm, service, account, saml, oidc]
      trust_options:
        description:
          - "V(ec2): C(service) overrides the service principal; C(principals) are ARNs of roles or users that may assume the role too."
          - "V(ssm): C(regions) (default the caller's Region), C(allow_unknown_region)."
          - "V(service): C(services), C(source_account), C(source_arns)."
          - "V(account): C(accounts) with C(external_ids) or C(organizations), or C(principals); C(mfa)."
          - "V(saml): C(provider), C(audiences)."
          - "V(oidc): C(provider), C(audiences), C(subjects)."
        type: dict
      assume_role_policy_document:
        description: A trust policy of your own, in place of O(roles[].trust). One that lets anybody in is refused.
        type: raw
      path:
        description: Path of the role. It cannot change. When left out, V(/) for a new role.
        type: str
      description:
        description: Description, at most 1,000 characters of Latin-1.
        type: str
      max_session_duration:
        description: Longest session in seconds, 3600 to 43200. When left out, 3600 for a new role.
        type: int
      boundary: &boundary
        description: The permissions boundary, written as a member of O(roles[].policies) is. An empty text takes the boundary away.
        type: str
        aliases: [permissions_boundary]
      instance_profile:
        description:
          - V(true) makes an instance profile that holds the role, or puts the role into it when it is empty, whoever made it.
          - V(false) takes the role out of it, and deletes it when this collection made it. When left out it stays as it is.
        type: bool
      instance_profile_name:
        description: Name of the instance profile. When left out, the role's name, as in the AWS console.
        type: str
      policies: &policies
        description:
          - Managed policies to attach. A name of O(policies), the name of an AWS managed policy, C(account:/path/Name) for a customer
            managed policy of this account, or an ARN.
          - When left out the attached policies stay as they are.
        type: list
        elements: str
      purge_policies: &purge_policies
        description: Detach managed policies that are not listed.
        type: bool
        default: false
      inline_policies: &inline_policies
        description: Inline policies. When left out they stay as they are.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the inline policy.
            type: str
            required: true
          document: *document
          preset: *preset
          options: *options
      purge_inline_policies: &purge_inline
        description: Delete inline policies that are not listed.
        type: bool
        default: false
      tags: *tags
      purge_tags: *purge_tags
  users:
    description: Users without console login.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the user.
        type: str
        required: true
      state:
        description: V(absent) deletes the user with all that hangs on it, its access keys and login first.
        type: str
        choices: [present, absent]
        default: present
      path:
        description: Path of the user. When left out, V(/) for a new user.
        type: str
      boundary: *boundary
      policies: *policies
      purge_policies: *purge_policies
      inline_policies: *inline_policies
      purge_inline_policies: *purge_inline
      tags: *tags
      purge_tags: *purge_tags
  tags:
    description: Tags for whatever this call creates. What exists is tagged by its own entry only.
    type: dict
    default: {}
  owned_by:
    description: The owner to write into the tag C(hybridops.aws_agents/owner). Calls of another owner do not touch what this one made.
    type: str
    default: default
  adopt:
    description: Manage objects that exist and have no owner or another one. They are not tagged by that, so deleting them stays refused.
    type: bool
    default: false
  delete_unowned:
    description: Delete objects with O(policies[].state=absent) and the like although another owner, or nobody, made them.
    type: bool
    default: false
  guard:
    description:
      - How many removals that nobody named a call may make. Those are the ones that follow from a C(purge_) option; what has
        C(state=absent) is named. A negative number lifts the limit.
    type: int
    default: 10
  allow_gap:
    description: Detach policies before others are attached, and delete inline ones before others are put, where the account's quotas have
      no room for both at a time.
    type: bool
    default: false
  allow_in_use:
    description:
      - Let roles and users go that are in use, or take from them the last policy by which the CloudWatch agent or SSM Agent works, the
        instance profile, or the trust in the service that hands out their credentials. Otherwise that is refused.
      - A role is in use when AWS says that it was used within the last 24 hours, or when an instance of O(region) runs with it. A user is
        in use when an active access key of it was used within the last 24 hours. AWS reports a use up to four hours late.
    type: bool
    default: false
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
  bulk_read_above:
    description:
      - With more users than this in the call, read all users of the account page by page with C(iam:GetAccountAuthorizationDetails) rather
        than one by one. Where that is denied they are read one by one.
    type: int
  wait:
    description: Wait until IAM shows what was made, several times in a row, for what somebody else will use next.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait for that, and for IAM to see its own changes while they are made.
    type: int
    default: 120
notes:
  - Where the task would run on the controller with the Python of C(ansible-playbook) itself, as in this collection's playbooks, it runs
    within that process, which saves a module's start. Elsewhere, with privilege escalation, and in the background, it runs as any module
    does. Options and results are the same.
  - "AWS documents: Create IAM Roles and Users for Use With CloudWatch Agent; Create an IAM Instance Profile for Systems Manager; Create a
    custom IAM role for Session Manager."
  - "Reads with these actions of IAM, those only that the task needs, and C(sts:GetCallerIdentity): C(GetAccountAuthorizationDetails),
    C(GetAccessKeyLastUsed), C(GetAccountSummary), C(GetInstanceProfile), C(GetLoginProfile), C(GetPolicy), C(GetPolicyVersion),
    C(GetRole), C(GetRolePolicy), C(GetUser), C(GetUserPolicy), C(ListAccessKeys), C(ListAttachedRolePolicies), C(ListAttachedUserPolicies),
    C(ListEntitiesForPolicy), C(ListGroupsForUser), C(ListInstanceProfilesForRole), C(ListMFADevices), C(ListPolicies),
    C(ListPolicyVersions), C(ListRolePolicies), C(ListSSHPublicKeys), C(ListServiceSpecificCredentials), C(ListSigningCertificates),
    C(ListUserPolicies). Where something is taken away, C(ec2:DescribeInstances) too; a caller who lacks it, or C(GetAccountSummary),
    goes without what it would tell."
  - "Writes with these actions of IAM. C(PassRole) is asked by AWS for a role that goes into an instance profile,
    C(TagInstanceProfile) for the tags of a new one: C(AddRoleToInstanceProfile), C(AttachRolePolicy), C(AttachUserPolicy),
    C(CreateInstanceProfile), C(CreatePolicy), C(CreatePolicyVersion), C(CreateRole), C(CreateUser), C(DeactivateMFADevice),
    C(DeleteAccessKey), C(DeleteInstanceProfile), C(DeleteLoginProfile), C(DeletePolicy), C(DeletePolicyVersion), C(DeleteRole),
    C(DeleteRolePermissionsBoundary), C(DeleteRolePolicy), C(DeleteSSHPublicKey), C(DeleteServiceSpecificCredential),
    C(DeleteSigningCertificate), C(DeleteUser), C(DeleteUserPermissionsBoundary), C(DeleteUserPolicy), C(DeleteVirtualMFADevice),
    C(DetachRolePolicy), C(DetachUserPolicy), C(PassRole), C(PutRolePermissionsBoundary), C(PutRolePolicy),
    C(PutUserPermissionsBoundary), C(PutUserPolicy), C(RemoveRoleFromInstanceProfile), C(RemoveUserFromGroup), C(TagInstanceProfile),
    C(TagPolicy), C(TagRole), C(TagUser), C(UntagPolicy), C(UntagRole), C(UntagUser), C(UpdateAssumeRolePolicy), C(UpdateRole),
    C(UpdateUser)."
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: A role for servers that run the CloudWatch agent
  hybridops.aws_agents.iam_identities:
    roles:
      - name: CloudWatchAgentServerRole
        trust: ec2
        instance_profile: true
        policies: [CloudWatchAgentServerPolicy]
    tags: {team: ops}

- name: A policy of one's own, attached to a user that is limited by a boundary
  hybridops.aws_agents.iam_identities:
    policies:
      - name: AgentPolicy
        preset: cwagent_server_scoped
        options: {namespaces: [CWAgent], log_groups: [/onprem/app]}
    users:
      - name: cwagent-web1
        path: /hybridops/
        boundary: account:/Boundary
        policies: [AgentPolicy]

- name: Add Systems Manager to a role that exists
  hybridops.aws_agents.iam_identities:
    roles:
      - name: WebServers
        existing: true
        trust: ec2
        instance_profile: true
        policies: [AmazonSSMManagedInstanceCore]

- name: Remove what the second example made
  hybridops.aws_agents.iam_identities:
    policies:
      - {name: AgentPolicy, state: absent}
    users:
      - {name: cwagent-web1, state: absent}
"""

RETURN = r"""
changes:
  description: What was changed, or would be, in order and in words.
  returned: always
  type: list
  elements: str
  sample: [create role CloudWatchAgentServerRole, create instance profile CloudWatchAgentServerRole]
policies:
  description: The customer managed policies of the call that are present, by name. In check mode as they would be.
  returned: success
  type: dict
  sample: {AgentPolicy: {arn: "arn:aws:iam::123456789012:policy/AgentPolicy"}}
roles:
  description: The roles of the call that are present, by name. In check mode as they would be.
  returned: success
  type: dict
  sample: {CloudWatchAgentServerRole: {arn: "arn:aws:iam::123456789012:role/CloudWatchAgentServerRole"}}
users:
  description: The users of the call that are present, by name. In check mode as they would be.
  returned: success
  type: dict
  sample: {cwagent-web1: {arn: "arn:aws:iam::123456789012:user/hybridops/cwagent-web1"}}
changes_applied:
  description: The changes that were made before the failure.
  returned: failure
  type: list
  elements: str
changes_left:
  description: The changes that were not made. The failed one is the first.
  returned: failure
  type: list
  elements: str
changes_undone:
  description:
    - What was taken back of RV(changes_applied), since AWS had no room for the rest of a role or user that this run had made. Nothing of
      it is left.
  returned: when a quota of the account was met on the way
  type: list
  elements: str
  sample: [delete role CloudWatchAgentServerRole]
"""

import time
from typing import Any, Dict, List, Optional

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import regions, session
from ..module_utils._aws.identities import in_use
from ..module_utils._aws.identities.apply import Writer
from ..module_utils._aws.identities.read import Reader
from ..module_utils._model.context import Context
from ..module_utils._model.identities import plan, records, requests, target, views
from ..module_utils._model.identities.spec import ARGUMENT_SPEC
from ..module_utils._model.plan import Change
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource, converge_module


class Identities(Resource):
    """The identities of one task."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._options = module.params
        self._client = session.patient(module.client)
        self._region = module.region
        self._writer: Optional[Writer] = None

    def read(self) -> records.Identities:
        names_regions = requests.names_regions(self._options)
        requests.request(self._options, Context.placeholder(self._region or "", regions.known_regions() if names_regions else ()))
        who = session.caller(self._client("sts", config=session.CLIENT_CONFIG), self._options["allow_root"])
        known = regions.known_regions(who.partition) if names_regions else frozenset()
        self._context = Context(who.partition, who.account, self._region or "", known)
        self._request = requests.request(self._options, self._context)
        iam = self._client("iam", config=session.CLIENT_CONFIG)
        reader = Reader(iam, self._request, self._context, self._options["bulk_read_above"], self._ec2 if self._region else None)
        if self._writer is None:
            limit = self._options["wait_timeout"]
            pause = Announced(self.announce, "IAM to show everywhere what was made", limit, time.sleep)
            self._writer = Writer(iam, reader, limit, pause)
        return reader.identities()

    def _ec2(self) -> Any:
        return self._client("ec2", config=in_use.EC2_CONFIG)

    def target(self, actual: records.Identities) -> records.Identities:
        return target.target(self._request, actual, self._context)

    def plan(self, target: records.Identities, actual: records.Identities) -> List[Change]:
        return plan.plan(self._request, target, actual)

    def apply(self, change: Change) -> None:
        if self._writer:
            self._writer.apply(change)

    def settle(self, changes: List[Change]) -> None:
        if self._writer and self._options["wait"]:
            self._writer.settle(changes)

    def report(self) -> Dict[str, Any]:
        return {"changes_undone": self._writer.undone} if self._writer and self._writer.undone else {}

    def outdated(self, error: Exception) -> bool:
        return session.outdated(error)

    def view(self, record: records.Identities) -> Dict[str, Any]:
        return views.view(record)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    converge_module(module, Identities(module))


if __name__ == "__main__":
    main()
