# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: policy_migration
version_added: 1.0.0
short_description: Find identities with retired agent policies, and move them to what takes their place
description:
  - Finds the roles, users and groups of an account that still carry C(AmazonEC2RoleforSSM), which AWS has deprecated, or one of the two
    policies that the CloudWatch agent's documentation printed in 2018, whatever it is called there.
  - Shows for each what it would gain and lose, by the real texts of all policies that it has and would have.
  - Moves those that it is told to. What is new is attached, and only then is anything detached.
author:
  - HybridOps (@hybridops)
options:
  state:
    description:
      - V(report) changes nothing.
      - V(migrated) moves O(identities), or all with O(all).
    type: str
    choices: [report, migrated]
    default: report
  identities:
    description: Who is moved, each as C(role/NAME), C(user/NAME), an ARN, or a name alone. Groups are reported only.
    type: list
    elements: str
    default: []
  all:
    description: Move all roles and users that carry a retired policy.
    type: bool
    default: false
  ssm_policies:
    description:
      - What takes the place of C(AmazonEC2RoleforSSM), by the same references as in M(hybridops.aws_agents.iam_identities).
      - Add V(CloudWatchAgentServerPolicy) or V(AmazonSSMDirectoryServiceAccess) where the report shows that their actions go and somebody
        uses them.
    type: list
    elements: str
    default: [AmazonSSMManagedInstanceCore]
  server_policies:
    description: What takes the place of the agent's server policy of 2018.
    type: list
    elements: str
    default: [CloudWatchAgentServerPolicy]
  admin_policies:
    description: What takes the place of the agent's administrator policy of 2018.
    type: list
    elements: str
    default: [CloudWatchAgentAdminPolicy]
  delete_policies:
    description:
      - Delete the customer managed policies of 2018 that nobody has any more after the move, with all their versions.
      - Inline policies of those texts are taken off only with this, since that deletes them.
    type: bool
    default: false
  allow_gap:
    description:
      - Detach first where the account's quota of attachments has no room for both. The identity is without those permissions for a moment.
      - C(AmazonEC2RoleforSSM) cannot be attached again once it is detached.
    type: bool
    default: false
  settle:
    description: How many seconds to let pass between the last attachment and the first detachment, so that AWS sees the former everywhere.
    type: int
    default: 15
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait for IAM to see its own changes.
    type: int
    default: 120
notes:
  - "AWS documents: Deprecated AWS managed policies; Create IAM Roles and Users for Use With CloudWatch Agent; Create an IAM Instance
    Profile for Systems Manager."
  - AWS keeps a deprecated policy working where it is attached, and lets nobody attach it anew. So a move cannot be taken back.
  - Texts are compared, nothing is evaluated. Boundaries, policies of buckets and keys, and those of the organisation are left out, and a
    user's groups are counted in. Where texts do not show that one permission lies within another, a loss is reported.
  - "Actions of IAM, besides C(sts:GetCallerIdentity). Reads: C(GetAccountAuthorizationDetails), C(GetAccountSummary), C(GetPolicy),
    C(GetPolicyVersion). Writes: C(AttachRolePolicy), C(AttachUserPolicy), C(DeletePolicy), C(DeletePolicyVersion), C(DeleteRolePolicy),
    C(DeleteUserPolicy), C(DetachRolePolicy), C(DetachUserPolicy)."
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Show who carries retired policies, and what a move would change
  hybridops.aws_agents.policy_migration:
  register: retired

- name: Move one role, which also runs the CloudWatch agent
  hybridops.aws_agents.policy_migration:
    state: migrated
    identities: [role/WebServerRole]
    ssm_policies: [AmazonSSMManagedInstanceCore, CloudWatchAgentServerPolicy]

- name: Move everybody, and delete the policies of 2018
  hybridops.aws_agents.policy_migration:
    state: migrated
    all: true
    delete_policies: true
"""

RETURN = r"""
changes:
  description: What was changed, or would be, in order and in words.
  returned: success
  type: list
  elements: str
  sample:
    - attach managed policy arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore to role WebServerRole
    - detach managed policy arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM from role WebServerRole
identities:
  description: All roles, users and groups that carried a retired policy when the task began.
  returned: when the account could be read
  type: list
  elements: dict
  contains:
    kind:
      description: V(role), V(user) or V(group).
      type: str
    name:
      description: Its name.
      type: str
    arn:
      description: Its ARN.
      type: str
    retired:
      description:
        - The retired policies, each with how it is carried (V(managed), V(inline) or V(boundary)), why it is retired, and what comes
          instead.
      type: list
      elements: dict
    attach:
      description: The ARNs that a move attaches.
      type: list
      elements: str
    loses:
      description: Actions that go, by resource. C(still) lists the narrower resources on which some of it stays.
      type: list
      elements: dict
    gains:
      description: Actions that come.
      type: list
      elements: dict
    denied:
      description: Actions that a replacement denies.
      type: list
      elements: dict
    advice:
      description: What to do about a loss that matters.
      type: list
      elements: str
    moved:
      description: Whether it was moved, or would be.
      type: bool
    stays:
      description: Why a retired policy stays, in words. Empty when none does.
      type: str
  sample:
    - kind: role
      name: WebServerRole
      arn: arn:aws:iam::111122223333:role/WebServerRole
      retired:
        - how: managed
          policy: arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM
          name: AmazonEC2RoleforSSM
          why: AWS has deprecated it, since it lets its holder read and write every object of every S3 bucket
          instead: [AmazonSSMManagedInstanceCore]
      attach: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore']
      loses: [{actions: ['s3:GetObject', 's3:PutObject'], resource: '*', condition: '', still: []}]
      gains: [{actions: ['ssm:GetParameter'], resource: '*', condition: '', still: []}]
      denied: []
      advice: [Objects in every bucket are out of reach then.]
      moved: false
      stays: this is the report alone
lines:
  description: The same for people.
  returned: when the account could be read
  type: list
  elements: str
  sample:
    - 'role WebServerRole: AmazonEC2RoleforSSM (arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM)'
    - '  loses: s3:GetObject on *'
roles:
  description: The roles that carried a retired policy, by name, with all that is attached to them now. In check mode as it would be.
  returned: success
  type: dict
  sample: {WebServerRole: {policies: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'], inline_policies: []}}
users:
  description: The same for users.
  returned: success
  type: dict
  sample: {}
groups:
  description: The same for groups.
  returned: success
  type: dict
  sample: {}
custom_policies:
  description: The ARNs of the customer managed policies of 2018 that the account has.
  returned: success
  type: list
  elements: str
  sample: []
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
"""

import time
from typing import Any, Dict, List, Optional, Set

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import session
from ..module_utils._aws.migration import Migration
from ..module_utils._model import migration, migration_report
from ..module_utils._model.migration import Account
from ..module_utils._model.plan import Change
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC: Dict[str, Any] = {
    "state": {"type": "str", "choices": ["report", "migrated"], "default": "report"},
    "identities": {"type": "list", "elements": "str", "default": []},
    "all": {"type": "bool", "default": False},
    "ssm_policies": {"type": "list", "elements": "str", "default": ["AmazonSSMManagedInstanceCore"]},
    "server_policies": {"type": "list", "elements": "str", "default": ["CloudWatchAgentServerPolicy"]},
    "admin_policies": {"type": "list", "elements": "str", "default": ["CloudWatchAgentAdminPolicy"]},
    "delete_policies": {"type": "bool", "default": False},
    "allow_gap": {"type": "bool", "default": False},
    "settle": {"type": "int", "default": 15},
    "allow_root": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
}


class Retired(Resource):
    """The identities of an account that carry retired policies."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._options = module.params
        self._client = session.patient(module.client)
        self._before: Optional[Account] = None
        self._asked: Set[str] = set()
        self._planned: List[Change] = []
        self._made: Optional[List[Change]] = None

    def read(self) -> Account:
        options = self._options
        self._rules = migration.rules(options)
        settle = options["settle"]
        holds = Announced(self.announce, "what was attached to hold everywhere", settle, time.sleep)
        shows = Announced(self.announce, "IAM to show everywhere what was changed", options["wait_timeout"], time.sleep)
        self._aws = Migration(self._client, self._rules, options["allow_root"], options["wait_timeout"], settle, holds, shows)
        self._before = self._aws.read()
        return self._before

    def target(self, actual: Account) -> Account:
        self._asked = {holder.id for holder in migration.chosen(self._rules, actual)} if self._rules.move else set()
        return migration.target(self._rules, actual, self._aws.context)

    def plan(self, target: Account, actual: Account) -> List[Change]:
        self._planned = migration.plan(self._rules, target, actual)
        return self._planned

    def apply(self, change: Change) -> None:
        self._made = self._made or []
        self._aws.apply(change)
        self._made.append(change)

    def report(self) -> Dict[str, Any]:
        if self._before is None:
            return {}
        left = [] if self._made is None else self._planned[len(self._made) :]
        done = migration_report.done(self._planned, left)
        entries = migration_report.report(self._rules, self._before, self._aws.context, self._asked, done)
        return {"identities": entries, "lines": migration_report.lines(entries)}

    def view(self, record: Account) -> Dict[str, Any]:
        return migration_report.view(record, self._before or record, self._aws.context)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    converge_module(module, Retired(module))


if __name__ == "__main__":
    main()
