# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_config_parameter
version_added: 1.0.0
short_description: Store the CloudWatch agent's configuration in Parameter Store
description:
  - Keeps one parameter of Systems Manager with the configuration that servers fetch (C(ssm:AmazonCloudWatch-linux)). The
    configuration is checked against the agent's own schema first.
  - The permission to write to Parameter Store is a broad one. O(lease) is how it is had for as long as the save takes, and no longer.
    The end of the lease is part of the task, and comes whatever became of the save, a failure, SIGINT and SIGTERM included.
  - What is stored is compared as JSON. Where it is the same, nothing is written and no lease is opened.
  - A lease that an earlier run left behind, since it was killed, is found and ended first. What ends its permission in time goes last.
  - Runs on the controller, which needs boto3 and jsonschema. With O(lease.via=instance) the save is made from the admin instance, which
    is the task's host, over Ansible's connection to it. No other way contacts a host.
options:
  name:
    description:
      - Name of the parameter. The policies C(CloudWatchAgentServerPolicy) and C(CloudWatchAgentAdminPolicy) reach names that begin with
        V(AmazonCloudWatch-).
      - Whether the identity that writes may do so is asked of IAM (C(iam:SimulatePrincipalPolicy)) before anything is changed. Where the
        caller may not ask, the name must begin with one of O(parameter_prefixes), and a warning says so.
    type: str
    required: true
  state:
    description:
      - V(present) stores the configuration.
      - V(absent) deletes the parameter with the caller's own permission, since no lease includes that.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - The configuration, as a dictionary or as V(file:) and the absolute path of a JSON file on the controller.
      - What only EC2 instances can fill in, such as C(append_dimensions) of C(metrics), is allowed, with a warning.
    type: raw
  type:
    description:
      - Type of the parameter. When left out, that of the one that exists, or V(String) for a new one.
      - Parameter Store never changes the type of a parameter, so another one is refused.
      - The content of a V(SecureString) is in no result and no diff. Servers that fetch it need C(kms:Decrypt) on its key.
    type: str
    choices: [String, SecureString]
  kms_key_id:
    description: Id, ARN or alias of the KMS key that encrypts a SecureString. When left out, the one it has, or AWS's key C(alias/aws/ssm).
    type: str
  tier:
    description:
      - A V(standard) parameter holds 4096 bytes and costs nothing. An V(advanced) one holds 8192 bytes and costs per month.
      - V(auto) is V(standard) for as long as the configuration fits, if need be without the white space that makes it readable.
      - Parameter Store never makes an advanced parameter standard again.
    type: str
    choices: [auto, standard, advanced]
    default: auto
  description:
    description: Description of the parameter. When left out, it stays as it is.
    type: str
  tags:
    description: Tags of the parameter. Other tags stay.
    type: dict
    default: {}
  parameter_prefixes:
    description: What names begin with that the writer's policy is known to reach, where IAM cannot be asked.
    type: list
    elements: str
    default: [AmazonCloudWatch-]
  owned_by:
    description:
      - Owner to write into the tag C(hybridops.aws_agents/owner) of a parameter that is made. Others are neither changed nor deleted.
      - The user of a lease must have this owner too.
    type: str
    default: default
  adopt:
    description: Change a parameter, and use a user, that has another owner, or none. The tag stays as it is.
    type: bool
    default: false
  delete_unowned:
    description: Delete a parameter that has another owner, or none.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most until AWS and the instance know what a lease grants.
    type: int
    default: 120
  lease:
    description: How the permission to write is had. When left out, it is the caller's own.
    type: dict
    suboptions:
      via:
        description:
          - V(assume_role) is the default with O(lease.role). The caller assumes the role for 900 seconds, narrowed to this one parameter.
            The credentials are in the memory of this process only, and end by themselves even when it is killed.
          - V(instance) is the way of the AWS document. The admin instance gets the admin role's instance profile for the save, and its
            former one back. The role gets an inline policy that allows this one parameter until O(lease.minutes) have passed, and denies
            every save after that.
          - V(user) makes an access key of O(lease.user), saves with it and deletes it. The user gets the same inline policy.
          - V(none) is the caller's own permission.
        type: str
        choices: [assume_role, instance, user, none]
      role:
        description:
          - Name or ARN of the role, for V(assume_role) and V(instance). The role C(cwagent_admin) of this collection makes it.
          - For V(assume_role) it must trust the caller.
        type: str
      external_id:
        description: What the role's trust asks for in C(sts:ExternalId), for V(assume_role).
        type: str
      user:
        description: Name of the IAM user, for V(user).
        type: str
      minutes:
        description: After how many minutes a lease is over by itself, 2 to 60, for V(instance) and V(user).
        type: int
        default: 15
      take_over:
        description:
          - End a lease that is not over yet first. It belongs to a run that is going on, or to one that was killed a moment ago.
          - Without it, such a lease makes the task fail where there is something to save.
        type: bool
        default: false
      instance_id:
        description:
          - Id of the admin instance, for V(instance). The task's host must be it. When left out, the id that the host tells.
          - It must be in the Region of the connection, as the parameter is.
        type: str
      instance_profile:
        description: Name of the instance profile that holds the role, for V(instance). When left out, the role's name.
        type: str
      metadata_endpoint:
        description: Where the instance's metadata service answers, for V(instance).
        type: str
        default: http://169.254.169.254
      ssm_endpoint:
        description: Address of Systems Manager as the instance reaches it. When left out, the one that the controller uses.
        type: str
      sink:
        description:
          - Where the key lies while the save takes, for V(user), besides in the memory of this process. It is removed with the key.
          - When left out, the key is in memory only.
        type: dict
        suboptions:
          file:
            description: Absolute path of a file that does not exist, in the form of AWS's credentials files. It has mode 0600.
            type: path
          vault_file:
            description: Absolute path of a file that does not exist, which is encrypted with ansible-vault. Nothing else is written.
            type: path
          vault_id:
            description: The vault id to encrypt with. When left out, the one that C(vault_encrypt_identity) names, or the first of the run.
            type: str
notes:
  - O(ignore:async) is refused. The task's C(environment) holds for the connection to AWS.
  - Reading needs C(ssm:GetParameter) and C(ssm:ListTagsForResource) on the parameter, C(ssm:DescribeParameters) on C(*), and C(kms:Decrypt)
    on the key of a SecureString. Tagging needs C(ssm:AddTagsToResource), deleting C(ssm:DeleteParameter), the check of the name
    C(iam:SimulatePrincipalPolicy).
  - V(assume_role) needs C(sts:AssumeRole), C(iam:GetRole), C(iam:GetRolePolicy). To end what a run with V(instance) left on the same role
    it needs C(iam:DeleteRolePolicy), C(ec2:DescribeInstances), and what V(instance) needs to give the instance its profile back.
  - V(instance) needs C(ec2:DescribeInstances), C(ec2:CreateTags), C(ec2:DeleteTags), C(ec2:DescribeIamInstanceProfileAssociations),
    C(ec2:AssociateIamInstanceProfile), C(ec2:ReplaceIamInstanceProfileAssociation), C(ec2:DisassociateIamInstanceProfile),
    C(iam:PassRole) on the admin role and on the instance's former one, C(iam:GetRole), C(iam:GetInstanceProfile), C(iam:GetRolePolicy),
    C(iam:PutRolePolicy) and C(iam:DeleteRolePolicy).
  - V(user) needs C(iam:GetUser), C(iam:GetUserPolicy), C(iam:PutUserPolicy), C(iam:DeleteUserPolicy), C(iam:TagUser), C(iam:UntagUser),
    C(iam:ListAccessKeys), C(iam:GetAccessKeyLastUsed), C(iam:CreateAccessKey) and C(iam:DeleteAccessKey).
  - Credentials that an instance got while it had the admin role are good at AWS for up to six hours. A role that may write by no other
    policy than the lease's cannot use them once the lease has ended.
  - A parameter that is saved with a lease is tagged by the caller right after that. A run that is killed in between leaves one without
    an owner, which O(adopt) takes over.
seealso:
  - module: hybridops.aws_agents.cloudwatch_agent
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.action
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
requirements:
  - jsonschema >= 4, on the controller
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Save a configuration as the admin role, which trusts whoever runs this
  hybridops.aws_agents.agent_config_parameter:
    name: AmazonCloudWatch-linux
    config: file:/srv/cloudwatch/linux.json
    lease:
      role: CloudWatchAgentAdminRole

- name: Save it from the admin instance, which has the admin role meanwhile
  hybridops.aws_agents.agent_config_parameter:
    name: AmazonCloudWatch-linux
    config:
      metrics:
        metrics_collected:
          mem:
            measurement: [mem_used_percent]
    lease:
      via: instance
      role: CloudWatchAgentAdminRole
  delegate_to: admin.example.com

- name: Save it with a key that lives as long as the save
  hybridops.aws_agents.agent_config_parameter:
    name: AmazonCloudWatch-linux
    config: file:/srv/cloudwatch/linux.json
    lease:
      via: user
      user: cwagent-admin

- name: Delete it
  hybridops.aws_agents.agent_config_parameter:
    name: AmazonCloudWatch-linux
    state: absent
"""

RETURN = r"""
name:
  description: Name of the parameter.
  returned: always
  type: str
  sample: AmazonCloudWatch-linux
state:
  description: Whether it is there.
  returned: success
  type: str
  sample: present
version:
  description: Its version. In check mode the one that would be made.
  returned: when it is there
  type: int
  sample: 3
type:
  description: Its type.
  returned: when it is there
  type: str
  sample: String
tier:
  description: Its tier.
  returned: when it is there
  type: str
  sample: Standard
size:
  description: Size of its value in bytes.
  returned: when it is there
  type: int
  sample: 1024
config:
  description: The configuration, parsed; other text as it is. The content of a SecureString is not shown.
  returned: when it is there
  type: raw
  sample:
    metrics:
      metrics_collected:
        mem:
          measurement: [mem_used_percent]
description:
  description: Its description.
  returned: when it is there
  type: str
  sample: ''
kms_key_id:
  description: The KMS key of a SecureString, as whoever wrote it named it.
  returned: when it is there
  type: str
  sample: ''
tags:
  description: Its tags.
  returned: when it is there
  type: dict
  sample:
    hybridops.aws_agents/owner: default
lease:
  description: How the permission to write was had.
  returned: always
  type: dict
  contains:
    via:
      description: The way.
      returned: always
      type: str
      sample: assume_role
    until:
      description: When the lease would have been over by itself. Empty where none was opened.
      returned: always
      type: str
      sample: '2026-01-31T10:15:00Z'
changes:
  description: What was changed, or would be, in words and in order.
  returned: success
  type: list
  elements: str
  sample: [create parameter AmazonCloudWatch-linux with a session of role CloudWatchAgentAdminRole, tag parameter AmazonCloudWatch-linux]
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
