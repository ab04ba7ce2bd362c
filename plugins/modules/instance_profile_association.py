# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_profile_association
version_added: 1.0.0
short_description: Give running EC2 instances an instance profile, or take it away
description:
  - Associates an IAM instance profile with instances that run already, by id or by a filter on their tags.
  - An instance has one profile only. One that has another is not touched unless O(replace) says so, since it would lose the permissions of
    that one.
  - Waits until EC2 knows a profile that was made moments ago, and until each association is made.
  - Tells which instances still work with their former credentials. The playbook C(hybridops.aws_agents.instance_profiles) restarts the SSM
    agent on those that Ansible reaches.
author:
  - HybridOps (@hybridops)
options:
  instance_profile:
    description: Name or ARN of the instance profile.
    type: str
    required: true
  instance_ids:
    description: Ids of the instances. Give these or O(filters).
    type: list
    elements: str
  filters:
    description:
      - Which instances, in the form of EC2's C(DescribeInstances). A value is text or a list of texts, of which one has to match.
      - For example C({'tag:Role':\ 'web', 'vpc-id':\ 'vpc-0123456789abcdef0'}).
    type: dict
  allow_no_match:
    description: Take it as done when O(filters) find no instance. Otherwise that is an error, since it is usually a slip.
    type: bool
    default: false
  guard:
    description: How many instances that O(filters) find a call may change. A negative number means any.
    type: int
    default: 25
  state:
    description:
      - V(present) gives the instances the profile.
      - V(absent) takes it from those that have it. Those with another keep theirs.
    type: str
    choices: [present, absent]
    default: present
  replace:
    description:
      - V(true) puts the profile in the place of any other that an instance has. A running one is without any at no moment; from a stopped
        one the former is taken first, since EC2 replaces profiles of running instances only.
      - Names or ARNs, as a list or as text with commas, say which former profiles may be replaced.
      - V(false) ends the run, before anything is changed, when an instance has another profile.
    type: raw
    default: false
  leave_others:
    description: Pass over instances with a profile that may not be replaced, instead of ending the run.
    type: bool
    default: false
  reboot:
    description:
      - Reboot the instances whose profile was changed by this task and that run, once they have the profile.
      - Without it, an agent goes on with its former credentials for some time, unless it is restarted.
    type: bool
    default: false
  wait:
    description: Wait until the associations are made.
    type: bool
    default: true
  wait_timeout:
    description: How many seconds to wait for EC2 to know a fresh profile, and for associations to be made.
    type: int
    default: 120
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
notes:
  - "AWS documents: Attach an IAM Instance Profile to an Amazon EC2 Instance; Create an IAM Instance Profile for Systems Manager; Create IAM
    Roles and Users for Use With CloudWatch Agent."
  - Terminated instances, and those that shut down, are passed over, and the result says so.
  - That EC2 does not know a profile is taken for a delay only when the profile is less than ten minutes old or was made by this collection.
  - With C(--check), a profile that does not exist is taken for one that an earlier task would make. RV(instance_profile.exists) tells.
  - "Actions, besides C(sts:GetCallerIdentity): C(ec2:DescribeInstances), C(ec2:DescribeIamInstanceProfileAssociations),
    C(ec2:AssociateIamInstanceProfile), C(ec2:ReplaceIamInstanceProfileAssociation), C(ec2:DisassociateIamInstanceProfile),
    C(ec2:RebootInstances), C(iam:GetInstanceProfile), and C(iam:PassRole) on the role in the profile."
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Make an instance one that Systems Manager manages
  hybridops.aws_agents.instance_profile_association:
    instance_profile: SSMInstanceProfile
    instance_ids: [i-0123456789abcdef0]

- name: The same for all web servers, in the place of the profile that they had before
  hybridops.aws_agents.instance_profile_association:
    instance_profile: SSMInstanceProfile
    filters:
      tag:Role: web
      instance-state-name: [running, stopped]
    replace: [OldWebProfile]

- name: Take the administrator's profile from the instance that stored the agent's configuration
  hybridops.aws_agents.instance_profile_association:
    instance_profile: CloudWatchAgentAdminRole
    instance_ids: [i-0123456789abcdef0]
    state: absent
"""

RETURN = r"""
changes:
  description: What was changed, or would be, in order and in words.
  returned: success
  type: list
  elements: str
  sample: [attach instance profile SSMInstanceProfile to instance i-0123456789abcdef0]
profiles:
  description: The ARN of each instance's profile by the instance's id, null without one. In check mode as it would be.
  returned: success
  type: dict
  sample: {i-0123456789abcdef0: 'arn:aws:iam::111122223333:instance-profile/SSMInstanceProfile'}
instances:
  description: What was done to each instance, or would be. After a failure, what was done before it.
  returned: when the instances could be read
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
    name:
      description: Its tag C(Name), empty without one.
      type: str
    state:
      description: Its state as EC2 calls it, such as V(running).
      type: str
    before:
      description: The ARN of the profile that it had, or null.
      type: str
    after:
      description: The ARN of the profile that it has, or null.
      type: str
    changed:
      description: Whether its profile was changed.
      type: bool
    rebooted:
      description: Whether it was told to reboot.
      type: bool
    needs_restart:
      description: Whether its agents work with former credentials until they are restarted or some time has passed.
      type: bool
    passed_over:
      description: Why nothing is done to it, in words. Empty for all others.
      type: str
  sample:
    - id: i-0123456789abcdef0
      name: web1
      state: running
      before: null
      after: arn:aws:iam::111122223333:instance-profile/SSMInstanceProfile
      changed: true
      rebooted: false
      needs_restart: true
      passed_over: ''
instance_profile:
  description: The profile of the task, and whether IAM has it. Where no instance had to be given it, IAM was not asked, and it is null.
  returned: when the instances could be read
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    arn:
      description: Its ARN, or the one that it would have.
      type: str
    exists:
      description: Whether IAM has it.
      type: bool
  sample: {name: SSMInstanceProfile, arn: 'arn:aws:iam::111122223333:instance-profile/SSMInstanceProfile', exists: true}
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
from dataclasses import replace
from typing import Any, Dict, List, Optional

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import session
from ..module_utils._aws.instances import Instances
from ..module_utils._model import instance_association
from ..module_utils._model.instance_association import Fleet
from ..module_utils._model.plan import Change
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC: Dict[str, Any] = {
    "instance_profile": {"type": "str", "required": True},
    "instance_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict"},
    "allow_no_match": {"type": "bool", "default": False},
    "guard": {"type": "int", "default": 25},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "replace": {"type": "raw", "default": False},
    "leave_others": {"type": "bool", "default": False},
    "reboot": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
    "allow_root": {"type": "bool", "default": False},
}
CONSTRAINTS: Dict[str, Any] = {
    "mutually_exclusive": [("instance_ids", "filters")],
    "required_one_of": [("instance_ids", "filters")],
}


class Profiles(Resource):
    """The instance profiles of the instances of one task."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._options = module.params
        self._client = session.patient(module.client)
        self._before: Optional[Fleet] = None
        self._planned: List[Change] = []
        self._made: Optional[List[Change]] = None
        self._begun: Dict[str, Change] = {}
        """By instance, what was first tried to change of its profile."""

    def read(self) -> Fleet:
        self._rules = instance_association.rules(self._options)
        limit = self._options["wait_timeout"]
        pause = Announced(self.announce, "EC2 to settle the profiles of the instances", limit, time.sleep)
        self._aws = Instances(self._client, self._rules, self._options["allow_root"], limit, pause)
        self._after = found = self._aws.read()
        # Read again, an instance is still told from what it was, and the profile from where it was seen.
        first = {name: change.before for name, change in self._begun.items()}
        profile = found.profile or (self._before.profile if self._before else None)
        self._before = replace(found, instances=tuple(first.get(one.id, one) for one in found.instances), profile=profile)
        return found

    def target(self, actual: Fleet) -> Fleet:
        self._after = instance_association.target(self._rules, actual, self._aws.context)
        return self._after

    def plan(self, target: Fleet, actual: Fleet) -> List[Change]:
        begun = self._begun.keys() - {change.key for change in self._made or () if change.step == "reboot"}
        self._planned = instance_association.plan(self._rules, target, actual, self._aws.context.region, begun)
        return self._planned

    def apply(self, change: Change) -> None:
        self._made = self._made or []
        if change.what == "instance profile":
            self._begun.setdefault(change.before.id, change)
        self._aws.apply(change)
        self._made.append(change)

    def settle(self, changes: List[Change]) -> None:  # noqa: ARG002  (associations that were on their way count too)
        if self._options["wait"] and self._before:
            self._aws.wait_for(instance_association.to_wait_for(self._after, self._before))

    def outdated(self, error: Exception) -> bool:
        return session.outdated(error)

    def report(self) -> Dict[str, Any]:
        if self._before is None:
            return {}
        made = self._planned if self._made is None else self._made
        return {
            "instances": instance_association.told(self._rules, self._before, self._after, made),
            "instance_profile": instance_association.asked_for(self._rules, self._before, self._aws.context),
        }

    def view(self, record: Fleet) -> Dict[str, Any]:
        return {"profiles": {instance.id: instance.profile for instance in record.instances}}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **CONSTRAINTS)
    converge_module(module, Profiles(module))


if __name__ == "__main__":
    main()
