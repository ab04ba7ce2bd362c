# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_registration
version_added: 1.0.0
short_description: Make a host on premises a hybrid node of Systems Manager
description:
  - Makes a hybrid activation for one host, registers the SSM agent of the host with it, deletes the activation, and waits until
    Systems Manager says that the node is online. All in one task.
  - What has to be done is decided from the agent's own record of its registration (its vault), from what AWS lists, and from the files
    that the agent reads. A run that changes nothing is one command on the host and one call, C(ssm:DescribeInstanceInformation),
    with C(ssm:DescribeActivations) for two days after a registration, to find an activation that a killed run left.
  - A host that is registered is left so. Registering destroys the registration that is there before the next one succeeds, so that
    is done with O(force) alone.
  - The activation serves one host, lives for O(expires_in) minutes at most, and is deleted as soon as the host has had its turn,
    also after a failure, a signal, or a lost connection. One that a killed run left is deleted by the next run that registers the host.
  - The code of the activation travels to the host on the standard input of a command. There the SSM agent takes it as an argument of its
    process (C(-code)), and in no other way, so users of the host could read it in the list of processes while the host
    registers. That is the only place. It is why the activation serves one host and dies at once.
  - Runs on the controller, which needs boto3. The host needs Python 3.8 or later, systemd, and the agent, as a package or as a snap.
options:
  iam_role:
    description:
      - Name of the IAM role of the node, with its path in front where it has one, such as V(SSMServiceRole) or
        V(service-role/SSMServiceRole). It must trust V(ssm.amazonaws.com). Required, except with O(state=absent).
      - A node that has another role gets this one (C(ssm:UpdateManagedInstanceRole)), without being registered anew.
    type: str
  name:
    description:
      - Name of the node. Without it, the name of the host in the inventory. AWS takes it once, when the host registers.
    type: str
  tags:
    description:
      - Tags of the activation, which the node gets from it. Those of a host that is registered are left alone.
      - C(hybridops.aws_agents/owner) and C(hybridops.aws_agents/host) are added.
    type: dict
    default: {}
  expires_in:
    description: Minutes after which the activation ends by itself, should its deletion fail. From 2 to 1440.
    type: int
    default: 15
  state:
    description:
      - V(present) makes the host a node that is online, with its service enabled and running.
      - V(absent) stops and disables the service, deregisters the node, clears the registration on the host, removes the drop-in, and takes
        what O(agent_config), O(share_credentials) and O(share_profile) name out of the agent's configuration. The agent stays installed.
        A run that ended half way is finished by the next one.
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - Register the host anew, in each run that has it. The registration that it has is lost then, whatever becomes of the new one. The
        node it was stays listed until it is deregistered; a warning says how.
      - Needed for a host that is registered in another Region, whose node AWS does not list any more, or that is a copy of another host.
      - With O(state=absent), deregister a node that AWS lists as another computer, or under another name.
    type: bool
    default: false
  http_proxy:
    description: Proxy of the agent for HTTP, as V(http://host:port). Left alone when not given; empty text takes the setting out.
    type: str
  https_proxy:
    description: Proxy of the agent for HTTPS. Left alone when not given; empty text takes the setting out.
    type: str
  no_proxy:
    description: Hosts that the agent reaches without a proxy, with commas. Left alone when not given; empty text takes the setting out.
    type: str
  agent_config:
    description:
      - Settings that are merged into C(/etc/amazon/ssm/amazon-ssm-agent.json), section by section, such as C(Ssm) with its C(Endpoint).
        Lists are replaced as a whole, V(null) takes a setting out, and all others stay as they are.
      - The file is made from the agent's template where it is missing.
    type: dict
    default: {}
  share_credentials:
    description:
      - Whether the agent writes the temporary credentials of the node into a credentials file and renews them about every 30 minutes, for
        other agents to use (C(Profile.ShareCreds)). The agent does unless told otherwise. Left alone when not given.
    type: bool
  share_profile:
    description: Profile that it writes them into (C(Profile.ShareProfile)). The agent takes V(default) when nothing is set. Left alone when
      not given.
    type: str
  credentials_file:
    description:
      - Absolute path of that file on the host (C(AWS_SHARED_CREDENTIALS_FILE)). Its folder is made. Best a file that nothing else
        writes to. The agent replaces a file that it cannot read, and the profile is overwritten.
      - Left alone when not given, and then C(/root/.aws/credentials). Empty text takes the setting out.
    type: str
  verify:
    description: Fail unless the node is online. In a run that changes nothing as well.
    type: bool
    default: true
  verify_timeout:
    description: How long to wait for that. Seconds, or numbers with the units V(s), V(m), V(h), such as V(90s) or V(3m).
    type: str
    default: 3m
  owned_by:
    description: Value of the tag C(hybridops.aws_agents/owner). Activations with another value are not touched.
    type: str
    default: default
notes:
  - Needs C(ssm:CreateActivation), C(ssm:AddTagsToResource), C(ssm:DescribeActivations), C(ssm:DeleteActivation),
    C(ssm:DescribeInstanceInformation), C(ssm:UpdateManagedInstanceRole), C(ssm:DeregisterManagedInstance), and C(iam:PassRole) on
    the role.
  - O(region) is the Region that the host is a node of.
  - C(ssm:CreateActivation) is called once. Where its answer is lost, the activation is looked for by its description and deleted, and
    the task fails; run it again.
  - Proxies and O(credentials_file) go into a drop-in of the agent's service, C(hybridops.conf). Others of the host stay as they are.
  - The service is restarted only when something that the agent reads at its start has changed.
  - In check mode, an agent that is not installed reads as one to be installed before. Otherwise it fails before anything is made.
  - Connections that do not pass standard input to commands, Windows hosts, keep_remote_files and O(ignore:async) are refused.
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
- name: Make a host a node
  hybridops.aws_agents.ssm_registration:
    region: eu-west-1
    iam_role: SSMServiceRole

- name: Behind a proxy, sharing the node's credentials with the CloudWatch agent
  hybridops.aws_agents.ssm_registration:
    region: eu-west-1
    iam_role: SSMServiceRole
    tags:
      site: basement
    https_proxy: http://proxy.example.com:3128
    share_credentials: true
    share_profile: AmazonCloudWatchAgent
    credentials_file: /etc/hybridops/ssm/credentials

- name: Register a host anew whose node somebody deregistered
  hybridops.aws_agents.ssm_registration:
    region: eu-west-1
    iam_role: SSMServiceRole
    force: true

- name: Take a host out of Systems Manager
  hybridops.aws_agents.ssm_registration:
    region: eu-west-1
    state: absent
"""

RETURN = r"""
instance_id:
  description: Id of the node. V((new\)) for one that is predicted in check mode; empty when the host is none.
  returned: success
  type: str
  sample: mi-0123456789abcdef0
name:
  description: Name of the node that was asked for.
  returned: success
  type: str
  sample: web1
region:
  description: Region of the node; empty when the host is none.
  returned: success
  type: str
  sample: eu-west-1
iam_role:
  description: Role of the node, as AWS shows it; empty when the host is none.
  returned: success
  type: str
  sample: SSMServiceRole
status:
  description: One of V(running), V(stopped) and V(not installed).
  returned: success
  type: str
  sample: running
enabled:
  description: Whether the service starts with the host.
  returned: success
  type: bool
  sample: true
version:
  description: Version of the agent; empty when it is not installed.
  returned: success
  type: str
  sample: 3.3.1142.0
agent_config:
  description: What the agent's configuration says to the settings that the task names.
  returned: success
  type: dict
  sample:
    Profile:
      ShareCreds: true
environment:
  description: The variables that our drop-in gives the service. Passwords in addresses of proxies are left out.
  returned: success
  type: dict
  sample:
    https_proxy: http://proxy.example.com:3128
activations:
  description: Ids of activations that were left behind for this host. Looked for where the host registers or leaves; empty afterwards.
  returned: success
  type: list
  elements: str
  sample: []
ping_status:
  description: What AWS says of the node, V(Online), V(ConnectionLost) or V(Inactive). Empty when there is none, or nobody asked.
  returned: always
  type: str
  sample: Online
computer_name:
  description: Name of the computer that the node told AWS.
  returned: always
  type: str
  sample: web1.example.com
changes:
  description: What was changed, or would be, in words and in order.
  returned: success
  type: list
  elements: str
  sample: [stop service, register node web1, start service]
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
