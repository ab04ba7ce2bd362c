# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_access_key
version_added: 1.0.0
short_description: Hand over an access key of an IAM user to a host
description:
  - Makes sure that the host holds one access key of an IAM user in its credentials file, and that the key works.
  - A new key is made, verified, written to the host and proven in one task. Its secret exists in the memory of the controller and in
    the file on the host, and nowhere else; it travels on the standard input of a command, never as an argument or in a file.
  - A key on the host is proven with a call of C(sts:GetCallerIdentity) that the host signs and the controller sends. The secret stays
    on the host, which needs neither a way to AWS nor a right clock.
  - Deletes only keys that are retired by this module, were never used, belong to the host's profile and leave with it, or are
    named in O(drop_key).
    A deactivated key is never activated again.
  - With O(store), the host gets the key that lies there, which several hosts share. No key is made, retired or deleted then.
    M(hybridops.aws_agents.shared_access_key) does that.
  - Runs on the controller, which needs boto3. The host needs Python 3.8 or later and nothing else.
options:
  user:
    description: Name of the IAM user. It must exist; V(hybridops.aws_agents.aws_access) makes it.
    type: str
    required: true
  path:
    description:
      - Absolute path of the credentials file on the host. Other profiles, comments and lines in it stay as they are, byte for byte.
      - Missing folders are made. The last one gets O(owner) and O(group), and mode 0700, or 0750 where O(mode) lets the group read. Those
        above it stay with the user who runs this, with mode 0755; a user who owned them could lead the next write elsewhere.
      - A symbolic link, something that is no regular file, and a file that AWS's own tools could not read are refused.
    type: str
    required: true
  credentials_profile:
    description: Name of the profile in the file.
    type: str
    default: AmazonCloudWatchAgent
  credentials_region:
    description:
      - Region written into the profile, whose endpoint of STS must accept the key.
      - Without it, the Region of the connection to AWS.
    type: str
  owner:
    description: Owner of the file, a name or number. Left as it is when not given.
    type: str
  group:
    description: Group of the file, a name or number. Left as it is when not given.
    type: str
  mode:
    description: Mode of the file, in quotes. One that lets everybody read is refused.
    type: raw
    default: '0600'
  state:
    description:
      - V(present) brings one proven key to the host.
      - V(absent) takes the profile off the host and deletes its key. The user's other keys are deleted where they are retired beyond
        their grace or were never used, retired where they are quiet, and otherwise kept and listed in RV(awaiting).
    type: str
    choices: [present, absent]
    default: present
  rotate_after:
    description: Age at which a key is due to be replaced. Without it, age alone replaces no key.
    type: str
  in_use_within:
    description: A key neither made nor used for this long is quiet. AWS reports uses up to four hours late.
    type: str
    default: 24h
  orphan_grace:
    description: A key younger than this may be another run's, and is waited for.
    type: str
    default: 15m
  grace:
    description: How long a retired key stays, deactivated, before it is deleted.
    type: str
    default: 7d
  settle:
    description:
      - How the old key of a rotation is brought to its retirement. The agent reads its file again every ten minutes.
      - V(next_run) leaves it to a run that comes at least 15 minutes later.
      - V(wait) waits up to 15 minutes in this run.
      - V(restart) restarts the agent where it runs (C(systemctl try-restart amazon-cloudwatch-agent.service)). What the agent has
        collected and not sent yet is lost by that, at most one interval between two sendings. The other ways lose nothing.
    type: str
    choices: [next_run, wait, restart]
    default: next_run
  verify_timeout:
    description:
      - How long AWS may take to accept a new key everywhere. It is deleted again when AWS does not.
      - A key that replaces one that works gets 30 seconds at least, and a little more.
    type: str
    default: 2m
  owned_by:
    description:
      - The user must carry this value in its tag C(hybridops.aws_agents/owner).
      - It is looked at before anything is made or changed. Where the host has the only key of its user, and AWS accepts it, nothing is.
    type: str
    default: default
  adopt:
    description: Manage the keys of a user without that tag, or with another value in it.
    type: bool
    default: false
  groups:
    description: IAM groups that the user may belong to. One that belongs to any other gets no key.
    type: list
    elements: str
    default: []
  replace_foreign:
    description: Replace a key in the profile that belongs to another user, account or session. That key is not touched.
    type: bool
    default: false
  replace_inactive:
    description: Hand over a new key where somebody else deactivated the one on the host, or the only one.
    type: bool
    default: false
  drop_key:
    description: Id of a key that is to be deleted, whatever its use. The key that works on the host is refused.
    type: str
  store:
    description:
      - Where the key lies that this host shares with others. It is brought to the host and proven there.
      - With O(state=absent) the profile leaves the host, and user and key stay. The store is not read.
      - The store is read only where the host's key is not sure to be the one in it. See O(stored_key_id).
      - O(rotate_after), O(in_use_within), O(grace), O(settle), O(replace_inactive) and O(drop_key) have no meaning with it.
    type: dict
    suboptions:
      parameter:
        description: Name of a SecureString parameter, or else O(store.vault_file).
        type: str
      kms_key_id:
        description: As for M(hybridops.aws_agents.shared_access_key). It is not used here.
        type: str
      vault_file:
        description: Absolute path on the controller of a file of ansible-vault, or else O(store.parameter).
        type: path
      vault_id:
        description: The vault id that the file is encrypted with. Without it, the first one of the run.
        type: str
  stored_key_id:
    description:
      - Id of the key in O(store), as M(hybridops.aws_agents.shared_access_key) returned it. On a host that holds it and proves it, the
        store is not read.
      - Without it, the store is not read on a host that holds and proves the only Active key of the user.
    type: str
notes:
  - Lengths of time are seconds, or numbers with the units V(s), V(m), V(h), V(d) and V(w), such as V(15m), V(24h) or V(1h30m).
  - Connections that do not pass standard input to commands, Windows hosts, O(ignore:async) and C(ANSIBLE_KEEP_REMOTE_FILES) are refused
    before a key is made.
  - The task's C(environment) holds for the connection to AWS. It is not passed to the host.
  - Calls of STS go to the Region's own endpoint, whatever C(AWS_STS_REGIONAL_ENDPOINTS) says, unless O(endpoint_url) names one.
  - What can be known before is refused before a key is made, in check mode as well. That is a file that cannot be edited, and a
    folder that cannot be written. An owner or group that the host does not know reads in check mode as one that comes with the
    agent's package; otherwise it fails before a key is made.
  - Two runs at once on one host reach the same. One of them may fail and say so.
  - "Needs C(iam:GetUser), C(iam:ListAccessKeys), C(iam:GetAccessKeyLastUsed), C(iam:GetLoginProfile), C(iam:ListGroupsForUser),
    C(iam:CreateAccessKey), C(iam:UpdateAccessKey), C(iam:DeleteAccessKey), C(iam:TagUser) and C(iam:UntagUser) on the user, and no right
    to create users or policies. A run that finds one proven key calls C(iam:ListAccessKeys) and C(sts:GetCallerIdentity) and nothing else."
  - "With O(store) it needs C(iam:GetUser) and C(iam:ListAccessKeys), and to deliver a key C(iam:GetAccessKeyLastUsed),
    C(iam:GetLoginProfile) and C(iam:ListGroupsForUser) on the user, C(ssm:GetParameter) on the parameter and C(kms:Decrypt) on its key."
  - In check mode, a user that does not exist reads as one to be made, with a key to be handed over. Otherwise it fails
    before anything happens.
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
- name: Hand over a key to a host
  hybridops.aws_agents.host_access_key:
    user: cwagent-web1
    path: /etc/hybridops/cloudwatch-agent/credentials
    credentials_region: eu-west-1

- name: Let an agent that runs as cwagent read the file, and replace keys after 90 days
  hybridops.aws_agents.host_access_key:
    user: cwagent-web1
    path: /etc/hybridops/cloudwatch-agent/credentials
    credentials_region: eu-west-1
    group: cwagent
    mode: '0640'
    rotate_after: 90d

- name: Free the slot of a key that somebody decided about
  hybridops.aws_agents.host_access_key:
    user: cwagent-web1
    path: /etc/hybridops/cloudwatch-agent/credentials
    credentials_region: eu-west-1
    drop_key: AKIAIOSFODNN7EXAMPLE

- name: Bring the key to a host that it shares with others
  hybridops.aws_agents.host_access_key:
    user: cwagent-shared
    path: /etc/hybridops/cloudwatch-agent/credentials
    credentials_region: eu-west-1
    store:
      parameter: /hybridops/cwagent-shared

- name: Take the key off a host that leaves
  hybridops.aws_agents.host_access_key:
    user: cwagent-web1
    path: /etc/hybridops/cloudwatch-agent/credentials
    credentials_region: eu-west-1
    state: absent
"""

RETURN = r"""
key_id:
  description: Id of the key on the host. V((new\)) for one that is predicted in check mode; empty when there is none.
  returned: success
  type: str
  sample: AKIAIOSFODNN7EXAMPLE
user:
  description: Name of the IAM user.
  returned: success
  type: str
  sample: cwagent-web1
path:
  description: The credentials file on the host.
  returned: success
  type: str
  sample: /etc/hybridops/cloudwatch-agent/credentials
profile:
  description: The profile in the file.
  returned: success
  type: str
  sample: AmazonCloudWatchAgent
region:
  description: Region in the profile; empty without one.
  returned: success
  type: str
  sample: eu-west-1
owner:
  description: Owner of the file, a number where O(owner) is one; empty without a file.
  returned: success
  type: str
  sample: root
group:
  description: Group of the file, a number where O(group) is one; empty without a file.
  returned: success
  type: str
  sample: root
mode:
  description: Mode of the file; empty without one.
  returned: success
  type: str
  sample: '0600'
access_keys:
  description: The user's keys, without any secret. Last uses are read only where a decision needs them.
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
decision:
  description: Why this was done, or nothing, in words.
  returned: success
  type: str
  sample: AKIAIOSFODNN7EXAMPLE is on the host and proven
awaiting:
  description: What a later run waits for, in words. Empty when nothing is left to do.
  returned: success
  type: str
  sample: the grace of AKIAIOSFODNN7EXAMPLE
changes:
  description: What was changed, or would be, in words and in order.
  returned: success
  type: list
  elements: str
  sample: [hand over access key of user cwagent-web1]
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
