# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_info
version_added: 1.0.0
short_description: Look at the identities of agents and say what is wrong with them
description:
  - Reads the roles and users that this collection made, and those that are named, with their policies, trust, permissions boundaries,
    instance profiles and access keys. It changes nothing.
  - Each thing that a person should look at is a finding. It says how grave it is, where it is, what it is, and what to do about it.
    C(docs/audit.md) lists all kinds of findings.
  - What AWS does not let the caller see is a finding too (C(not-seen)), and no failure.
  - Whoever has them in the account are found leases that were left behind, policies that AWS has deprecated, policies of the 2018 editions
    of the AWS documents, and traces of Systems Manager Quick Setup.
  - No secret is read, since IAM gives none out again.
author:
  - HybridOps (@hybridops)
options:
  owned_by:
    description: Look at what this owner made (tag C(hybridops.aws_agents/owner)). When left out, at what any owner made.
    type: str
  roles:
    description: Names of further roles to look at, whoever made them. One that does not exist is a finding.
    type: list
    elements: str
    default: []
  users:
    description: Names of further users to look at, whoever made them. They need no host. One that does not exist is a finding.
    type: list
    elements: str
    default: []
  hosts_users:
    description:
      - Names of the users of all hosts of the inventory. P(hybridops.aws_agents.agent_user_names#filter) makes them.
      - A user that is looked at and is none of them is an orphan, and one of them that does not exist is missing. When left out, nothing
        is said of either.
    type: list
    elements: str
  expected:
    description:
      - What should be there. Each member holds options of M(hybridops.aws_agents.iam_identities), such as C(policies), C(roles) and
        C(users). It is planned as that module plans, with its purges on, and each change is a finding.
      - Its roles and users are looked at, whoever made them.
    type: list
    elements: dict
    default: []
  predicted:
    description: What Ansible predicted for tasks of M(hybridops.aws_agents.iam_identities). Each change is a finding.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the task is for, such as the name of a role of this collection.
        type: str
        required: true
      changes:
        description: The result's C(changes).
        type: list
        elements: str
        default: []
      refusal:
        description: Why the task failed.
        type: str
      users:
        description: Names of the users that the task asks for. They are looked at, and are no orphans.
        type: list
        elements: str
        default: []
      inline_policies:
        description: "The inline policies that it asks for, as in C({role MySessionManagerRole: [SessionManagerPermissions]})."
        type: dict
        default: {}
  checked:
    description: RV(hybridops.aws_agents.access_check#module:rows). Each answer that differs from what is expected is a finding.
    type: list
    elements: dict
    default: []
  max_key_age:
    description: How old an access key may be, such as C(90d). V(never) for any age.
    type: str
    default: 90d
  unused_after:
    description: After how long without a use a key counts as unused. V(never) for not at all. AWS reports uses up to four hours late.
    type: str
    default: 45d
  grace:
    description: How long a retired key may stay, and how long two keys of one user are taken for a rotation.
    type: str
    default: 7d
  offline_after:
    description: After how long without a word of it a hybrid node is a finding. V(never) for not at all.
    type: str
    default: 30d
  required_boundary:
    description:
      - The permissions boundary that each of the identities must have, as the name of an AWS managed policy, C(account:/path/Name) or an
        ARN. V(any) accepts every boundary. When left out, none is required.
    type: str
  parts:
    description:
      - What to look at besides roles, users and their policies.
      - V(keys) are access keys and their last use, V(passwords) whether users can sign in, V(profiles) instance profiles.
      - V(instances) are instances of the Region with a lease's tag. V(hybrid) are activations, hybrid nodes and service settings of the
        Region.
    type: list
    elements: str
    choices: [keys, passwords, profiles, instances, hybrid]
    default: [keys, passwords, profiles, instances, hybrid]
  severities:
    description: "Another severity for a kind of finding, as in C({node-offline: low}). There are V(high), V(medium), V(low) and V(info)."
    type: dict
    default: {}
  accept:
    description: Findings that somebody has decided to live with. They are listed under RV(accepted) and counted nowhere.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The kind of finding.
        type: str
        required: true
      object:
        description: At which object. C(*) and C(?) stand for any characters.
        type: str
        default: '*'
      reason:
        description: Why that is all right.
        type: str
        required: true
      until:
        description: The day from which it is a finding again, as V(2027-01-31).
        type: str
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reads alone, so nothing differs.
    support: full
  diff_mode:
    description: There is nothing that it could change.
    support: none
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: Where the module can act.
    platforms: posix
    support: full
notes:
  - "AWS documents: Identity and Access Management for Amazon CloudWatch; Security best practices in IAM; GetAccountAuthorizationDetails in
    the IAM API reference."
  - "Actions, besides C(sts:GetCallerIdentity). Of IAM: C(GetAccountAuthorizationDetails), C(GetAccessKeyLastUsed), C(GetLoginProfile),
    C(ListAccessKeys), C(ListInstanceProfiles). Where the first is denied, what is named is read one by one with C(GetInstanceProfile),
    C(GetRole), C(GetRolePolicy), C(GetUser), C(GetUserPolicy), C(ListAttachedRolePolicies), C(ListAttachedUserPolicies),
    C(ListGroupsForUser), C(ListInstanceProfilesForRole), C(ListRolePolicies), C(ListUserPolicies). O(expected) reads as
    M(hybridops.aws_agents.iam_identities) does."
  - "Of other services, in one Region: C(ec2:DescribeInstances), C(ssm:DescribeActivations), C(ssm:DescribeInstanceInformation),
    C(ssm:GetServiceSetting). AWS's policies SecurityAudit and ViewOnlyAccess hold most of these."
  - What groups of users permit, service control policies, policies of resources and sessions are not looked at.
    M(hybridops.aws_agents.access_check) asks AWS what an identity may do.
extends_documentation_fragment:
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: hybridops.aws_agents.access_check
"""

EXAMPLES = r"""
- name: Look at all that this collection made
  hybridops.aws_agents.access_info:
  register: audit

- name: See whether each host has its user, and each user its host
  hybridops.aws_agents.access_info:
    hosts_users: "{{ groups['onprem'] | hybridops.aws_agents.agent_user_names(hostvars) }}"
    max_key_age: 60d
    accept:
      - id: key-unused
        object: "*cwagent-archive*"
        reason: It sends once a quarter.
        until: '2027-06-30'

- name: Compare with what should be there
  hybridops.aws_agents.access_info:
    expected:
      - roles:
          - name: CloudWatchAgentServerRole
            trust: ec2
            instance_profile: true
            policies: [CloudWatchAgentServerPolicy]
    required_boundary: account:/AgentBoundary
"""

RETURN = r"""
findings:
  description: What a person should look at, the gravest first. It holds no secret.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: "Which kind.", type: str, returned: always}
    severity: {description: "V(high), V(medium), V(low) or V(info).", type: str, returned: always}
    object: {description: "What it was found at.", type: str, returned: always}
    what: {description: "What was found.", type: str, returned: always}
    remedy: {description: "What to do about it.", type: str, returned: always}
  sample:
    - id: key-old
      severity: medium
      object: access key AKIAIOSFODNN7EXAMPLE of user cwagent-web1
      what: AKIAIOSFODNN7EXAMPLE (Active, made 120 days ago, last used 3 hours ago by monitoring in eu-west-1); it may be 90 days old
      remedy: Run rotate_keys.
accepted:
  description: Findings that O(accept) names, with the C(reason).
  returned: success
  type: list
  elements: dict
  sample: []
counts:
  description: How many findings there are of each severity.
  returned: success
  type: dict
  sample: {high: 0, medium: 1, low: 0, info: 0}
identities:
  description: The roles and users that were looked at. What was not read is null.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: role
      name: CloudWatchAgentServerRole
      arn: arn:aws:iam::123456789012:role/CloudWatchAgentServerRole
      owner: default
      boundary: null
      policies: ["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"]
      inline_policies: []
      instance_profiles: [CloudWatchAgentServerRole]
      created: '2026-01-31T10:00:00Z'
      last_used: '2026-02-28T09:00:00Z'
activations:
  description: The hybrid activations of the Region, without any code.
  returned: success
  type: list
  elements: dict
  sample: []
nodes:
  description: The hybrid nodes of the Region.
  returned: success
  type: list
  elements: dict
  sample: []
account:
  description: The account that was looked at.
  returned: success
  type: str
  sample: '123456789012'
partition:
  description: Its partition.
  returned: success
  type: str
  sample: aws
region:
  description: The Region that was looked at.
  returned: success
  type: str
  sample: eu-west-1
time:
  description: When, by AWS's clock.
  returned: success
  type: str
  sample: '2026-02-28T09:30:00Z'
whole_account:
  description: Whether all roles and users could be listed, and not only those that were named.
  returned: success
  type: bool
  sample: true
"""

from contextlib import suppress
from typing import Any, Dict, List, Mapping, Tuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import regions, session
from ..module_utils._aws.audit import PARTS, Audit
from ..module_utils._model.audit import judge, rules, views
from ..module_utils._model.context import Context
from ..module_utils._model.errors import InputError, Refusal
from ..module_utils._model.identities import requests, spec
from ..module_utils._model.says_aws.remedies import Answered

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore.exceptions import BotoCoreError, ClientError

_PREDICTED = {
    "name": {"type": "str", "required": True},
    "changes": {"type": "list", "elements": "str", "default": []},
    "refusal": {"type": "str"},
    "users": {"type": "list", "elements": "str", "default": []},
    "inline_policies": {"type": "dict", "default": {}},
}
_ACCEPT = {
    "id": {"type": "str", "required": True},
    "object": {"type": "str", "default": "*"},
    "reason": {"type": "str", "required": True},
    "until": {"type": "str"},
}
ARGUMENT_SPEC: Dict[str, Any] = {
    "owned_by": {"type": "str"},
    "roles": {"type": "list", "elements": "str", "default": []},
    "users": {"type": "list", "elements": "str", "default": []},
    "hosts_users": {"type": "list", "elements": "str"},
    "expected": {"type": "list", "elements": "dict", "default": []},
    "predicted": {"type": "list", "elements": "dict", "default": [], "options": _PREDICTED},
    "checked": {"type": "list", "elements": "dict", "default": []},
    "max_key_age": {"type": "str", "default": "90d", "no_log": False},
    "unused_after": {"type": "str", "default": "45d"},
    "grace": {"type": "str", "default": "7d"},
    "offline_after": {"type": "str", "default": "30d"},
    "required_boundary": {"type": "str"},
    "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
    "severities": {"type": "dict", "default": {}},
    "accept": {"type": "list", "elements": "dict", "default": [], "options": _ACCEPT},
    "allow_root": {"type": "bool", "default": False},
}


def expected_options(expected: List[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return options of ``iam_identities``, each set checked as that module's are.

    :raises InputError: naming the member and what is wrong with it.
    """
    checked = []
    for number, given in enumerate(expected, 1):
        result = ArgumentSpecValidator(spec.ARGUMENT_SPEC).validate(dict(given))
        if result.error_messages:
            raise InputError(f"expected, member {number}: {'; '.join(result.error_messages)}")
        checked.append(dict(result.validated_parameters))
    return checked


def look(module: AnsibleAWSModule) -> Dict[str, Any]:
    """Return the result of the task."""
    options = module.params
    wanted = rules.predicting(rules.rules(options), options["predicted"])
    expected = expected_options(options["expected"])
    named = any(requests.names_regions(entry) for entry in expected)
    for entry in expected:
        requests.request(entry, Context.placeholder(module.region or "", regions.known_regions() if named else ()))
    audit = Audit(session.patient(module.client), module.region or "", frozenset(options["parts"]))
    context = audit.context(options["allow_root"], lambda partition: regions.known_regions(partition) if named else frozenset())
    tasks: List[Tuple[str, requests.Request]] = []
    for number, entry in enumerate(expected, 1):
        request = requests.request(entry, context)
        wanted = rules.expecting(wanted, request)
        tasks.append((f"expected, member {number}", rules.strict(request)))
    seen = audit.read(wanted, tasks)
    return views.view(seen, wanted, judge.judge(seen, wanted, options["predicted"], options["checked"]))


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = look(module)
    except (InputError, Refusal) as error:
        module.fail_json(msg=str(error))
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(Answered(error), msg="Could not read what is there")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
