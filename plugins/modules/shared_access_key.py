# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: shared_access_key
version_added: 1.0.0
short_description: Keep the access key of an IAM user that several hosts share
description:
  - Makes sure that a store holds one access key of an IAM user, and that the key works. Hosts get it from there with
    M(hybridops.aws_agents.host_access_key) and its O(hybridops.aws_agents.host_access_key#module:store).
  - A new key is made, verified, written into the store, read back and compared. It is deleted again when any of that fails. Until
    then no host uses it, and the key of before stays Active.
  - With O(hosts), after the hosts had their turn, it makes no key and ends those of before. An old key is retired when every host
    was seen on the stored one and nobody used the old one for O(in_use_within), and deleted after O(grace).
    A host that leaves ends no key.
  - Runs on the controller, which needs boto3, and contacts no host. Use it in a play on localhost, or with C(run_once).
options:
  user:
    description: Name of the IAM user. It must exist; V(hybridops.aws_agents.aws_access) makes it.
    type: str
    required: true
  store:
    description: Where the key lies. Exactly one of O(store.parameter) and O(store.vault_file).
    type: dict
    required: true
    suboptions:
      parameter:
        description:
          - Name of a parameter in Parameter Store, which is made as a SecureString.
          - Names that begin with V(AmazonCloudWatch-) are refused, since the policy V(CloudWatchAgentServerPolicy) lets every server
            read those. So is a parameter that is no SecureString, and one that holds anything else.
          - A parameter that exists must carry the tag of O(owned_by), or be adopted.
          - Parameter Store keeps earlier versions, and who may read this one can read those. A secret in them is worth nothing once its
            key is deleted.
        type: str
      kms_key_id:
        description:
          - Id, ARN or alias of the customer managed KMS key that encrypts the parameter. Required with O(store.parameter).
          - AWS's own key is refused. Whoever may read parameters could decrypt with it.
          - When the parameter is encrypted with another key, the access key is replaced. Encrypted again, the same secret could
            still be read in the parameter's earlier versions.
        type: str
      vault_file:
        description:
          - Absolute path of a file on the controller, which is encrypted with ansible-vault. Its folder must exist.
          - It is replaced at once and has mode 0600. Nothing that is not encrypted is written to the disk.
          - It must outlive the run. A file in the container of a job, as in AWX, is gone with it, so use O(store.parameter) there.
        type: path
      vault_id:
        description:
          - The vault id to encrypt with. The run must have a secret for it (C(--vault-id)).
          - Without it, the one that C(vault_encrypt_identity) names, or the first one of the run.
        type: str
  credentials_region:
    description:
      - Region that the hosts send to, whose endpoint of STS must accept the key.
      - Without it, the Region of the connection to AWS.
    type: str
  rotate:
    description:
      - Replace the key whatever its age, for example since a host that held it was compromised or cannot be reached.
      - A key younger than O(orphan_grace) is not replaced again, so that a repeated run and slices of a run make one key.
      - Refused while the user has a second key that may be in use.
    type: bool
    default: false
  rotate_after:
    description: Age at which the key is due to be replaced. Without it, age alone replaces no key.
    type: str
  hosts:
    description:
      - For each host of the user, the id of the key that it was seen with in this run. Nothing, for a host that was not seen.
      - With it, no key is made, and keys other than the stored one are ended where nothing speaks against it.
    type: dict
  all_hosts:
    description:
      - Whether O(hosts) are all that hold the key. No Active key is ended otherwise, unless O(drop_key) names it.
      - A run with C(--limit) never counts as one of all hosts, and a job of a workflow of AWX only with O(host_count). A slice of
        AWX is such a job, and its inventory holds nothing that tells of the other slices.
    type: bool
    default: false
  host_count:
    description: How many hosts hold the key in all. With another number of O(hosts), no Active key is ended.
    type: int
  in_use_within:
    description:
      - An old key neither made nor used for this long is quiet.
      - AWS reports uses up to four hours late, and an agent reads its file again every ten minutes. What is shorter than both
        leaves agents without a key.
    type: str
    default: 24h
  orphan_grace:
    description: A key younger than this may be another run's, which is storing it, and is waited for.
    type: str
    default: 15m
  grace:
    description: How long a retired key stays, deactivated, before it is deleted.
    type: str
    default: 7d
  verify_timeout:
    description:
      - How long AWS may take to accept a new key everywhere. It is deleted again when AWS does not.
      - A key that replaces one gets 30 seconds at least, and a little more.
    type: str
    default: 2m
  owned_by:
    description: The user must carry this value in its tag C(hybridops.aws_agents/owner). A parameter that is made gets it.
    type: str
    default: default
  adopt:
    description: Manage a user and a parameter without that tag, or with another value in it.
    type: bool
    default: false
  groups:
    description: IAM groups that the user may belong to. One that belongs to any other gets no key.
    type: list
    elements: str
    default: []
  replace_inactive:
    description: Make a new key where somebody else deactivated the one in the store, or another one.
    type: bool
    default: false
  drop_key:
    description:
      - Id of a key that is to go, whatever its use. The key in the store is replaced first.
      - Without O(hosts) another key is deleted only where its slot is needed. With O(hosts) it is deleted at once, unless one of them
        was seen with it. Hosts that were not seen lose their access, until they get the new key.
    type: str
notes:
  - Lengths of time are seconds, or numbers with the units V(s), V(m), V(h), V(d) and V(w), such as V(15m), V(24h) or V(1h30m).
  - O(ignore:async) is refused.
  - The task's C(environment) holds for the connection to AWS.
  - A quiet key that was never used, and is not the stored one, counts as left behind. It is deleted where one that was used is retired.
  - Two runs at once reach the same. One of them may fail and say so.
  - "Needs C(iam:GetUser), C(iam:ListAccessKeys), C(iam:GetAccessKeyLastUsed), C(iam:GetLoginProfile), C(iam:ListGroupsForUser),
    C(iam:CreateAccessKey), C(iam:UpdateAccessKey), C(iam:DeleteAccessKey), C(iam:TagUser) and C(iam:UntagUser) on the user, for a parameter
    C(ssm:GetParameter), C(ssm:PutParameter), C(ssm:AddTagsToResource) and C(ssm:ListTagsForResource) on it, C(ssm:DescribeParameters) on
    C(*), and C(kms:DescribeKey), C(kms:Encrypt) and C(kms:Decrypt) on its key."
  - In check mode, a user that does not exist reads as one to be made, with a key to be stored. Otherwise it fails
    before anything happens.
seealso:
  - module: hybridops.aws_agents.host_access_key
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.action
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Keep the key of all hosts in a parameter, and replace it after 90 days
  hybridops.aws_agents.shared_access_key:
    user: cwagent-shared
    store:
      parameter: /hybridops/cwagent-shared
      kms_key_id: alias/cwagent
    credentials_region: eu-west-1
    rotate_after: 90d

- name: Replace it now, since a host that held it was compromised
  hybridops.aws_agents.shared_access_key:
    user: cwagent-shared
    store:
      vault_file: /srv/inventory/cwagent-shared.yml
      vault_id: prod
    credentials_region: eu-west-1
    rotate: true

- name: End the keys of before, once all hosts have the stored one
  hybridops.aws_agents.shared_access_key:
    user: cwagent-shared
    store:
      parameter: /hybridops/cwagent-shared
      kms_key_id: alias/cwagent
    credentials_region: eu-west-1
    hosts:
      web1: AKIAIOSFODNN7EXAMPLE
      web2: AKIAIOSFODNN7EXAMPLE
    all_hosts: true
"""

RETURN = r"""
key_id:
  description: Id of the key in the store. V((new\)) for one that is predicted in check mode; empty where the store was not read.
  returned: success
  type: str
  sample: AKIAIOSFODNN7EXAMPLE
user:
  description: Name of the IAM user.
  returned: success
  type: str
  sample: cwagent-shared
store:
  description: The store in words.
  returned: success
  type: str
  sample: parameter /hybridops/cwagent-shared
access_keys:
  description:
    - The user's keys, without any secret. Last uses are read only where a decision needs them.
    - C(hosts) are those of O(hosts) that were seen with the key.
  returned: success
  type: list
  elements: dict
  sample:
    - id: AKIAIOSFODNN7EXAMPLE
      status: Active
      created: '2026-01-31T10:00:00Z'
      age_days: 29
      last_used: null
      last_used_service: ''
      last_used_region: ''
      retired: null
      hosts: [web1, web2]
hosts_without:
  description: The hosts of O(hosts) that were seen with none of these keys, or not at all.
  returned: success
  type: list
  elements: str
  sample: []
decision:
  description: Why this was done, or nothing, in words.
  returned: success
  type: str
  sample: AKIAIOSFODNN7EXAMPLE is in the store and proven
awaiting:
  description: What a later run waits for, in words. Empty when nothing is left to do.
  returned: success
  type: str
  sample: ''
changes:
  description: What was changed, or would be, in words and in order.
  returned: success
  type: list
  elements: str
  sample: [create access key for user cwagent-shared]
changes_applied:
  description: What was changed before the failure.
  returned: failure
  type: list
  elements: str
changes_left:
  description: What was not changed.
  returned: failure
  type: list
  elements: str
"""
