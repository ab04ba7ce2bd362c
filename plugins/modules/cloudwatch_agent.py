# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name, which does all the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_agent
version_added: 1.0.0
short_description: Configure the CloudWatch agent of a host on premises, and prove that it sends
description:
  - Points the agent at its credentials (C(common-config.toml)), gives it a configuration, keeps its service enabled and running, and
    proves from its log that what it collects is sent.
  - The configuration is checked on the controller before anything is written, against the agent's own schema of version 1.300071.0 and
    against what an agent on premises cannot do.
  - What has to be done is decided from what is on the host's disk. The agent's control script runs only when something differs. A run
    that changes nothing is one command on the host.
  - An agent runs on when its key is wrong and nothing arrives, so running is no proof. It is proven when it ran for one interval between
    two sendings and a quarter more, and its log tells of no failure in that time. An agent that was just started is waited for.
    This is looked at in each run, so that an agent that fails does not pass for a good one the next time.
  - Runs on the controller. The host needs Python 3.8 or later, systemd, and the agent's package.
options:
  root:
    description: Where the agent is installed.
    type: str
    default: /opt/aws/amazon-cloudwatch-agent
  credentials_file:
    description:
      - Absolute path of the credentials file on the host, written into C(common-config.toml) together with O(credentials_profile).
      - Both are worth setting. Without a profile, an agent that finds an instance metadata service takes credentials from there;
        without a file, it looks in the home directory of root, whatever user it runs as.
      - Without it, the agent's settings for credentials are left alone.
    type: str
  credentials_profile:
    description: Profile in the credentials file.
    type: str
    default: AmazonCloudWatchAgent
  shared_credentials:
    description:
      - The credentials are those that SSM Agent shares on a hybrid node and renews each half hour, and no IAM user's. See
        O(ignore:share_credentials) of M(hybridops.aws_agents.ssm_registration), whose O(ignore:credentials_file) and
        O(ignore:share_profile) are this O(credentials_file) and O(credentials_profile).
      - The file is given its owner, group and mode, and the profile its Region, which SSM Agent leaves as they are. The keys in it are
        not touched. A host where SSM Agent has not written any yet fails before anything is written.
      - Without it, the content of O(credentials_file) is left alone.
    type: dict
    suboptions:
      owner:
        description: Name or number of the file's owner. Without it, as it is.
        type: str
      group:
        description: Name or number of the group that may read it, such as C(cwagent). Without it, as it is.
        type: str
      mode:
        description: Mode of the file, in quotes. One that everybody could read is refused.
        type: str
        default: "0640"
  agent_region:
    description:
      - Region that the agent sends to. Filled into O(config) where it names none, and where the host looks for V(ssm:NAME).
      - Without it, the Region of the connection to AWS.
    type: str
  http_proxy:
    description: Proxy of the agent for HTTP, as V(http://host:port). Left alone when not given; empty text takes the setting out.
    type: str
  https_proxy:
    description: Proxy of the agent for HTTPS. Left alone when not given; empty text takes the setting out.
    type: str
  no_proxy:
    description: Hosts that the agent reaches without a proxy, with commas. Left alone when not given; empty text takes the setting out.
    type: str
  ca_bundle:
    description:
      - Absolute path on the host of a file with the CAs that the agent trusts, such as that of a proxy that inspects connections.
      - Left alone when not given; empty text takes the setting out.
    type: str
  imds_retries:
    description: How often the agent asks an instance metadata service again. Left alone when not given; empty text takes the setting out.
    type: str
  config:
    description:
      - The agent's configuration, as a mapping, or where to find it in the words of the agent's control script.
      - V(file:/absolute/path.json) is a file on the controller.
      - V(ssm:NAME) is a parameter of Systems Manager, which the host fetches itself, with its own key. It is read on the controller too,
        with the operator's credentials, to check it and to see whether the host has it. That of a SecureString is treated as a
        secret; results and diffs show its checksum only.
      - Without it, or when empty, only C(common-config.toml) is managed. Configuration and service are left alone then, and the agent
        need not be installed.
    type: raw
  run_as_user:
    description:
      - User that the agent runs as, filled into the configuration where it names none. Not into that of a parameter.
      - Without it, root.
    type: str
  parameter_prefixes:
    description:
      - What names of parameters begin with that the host may read. A V(ssm:NAME) that begins otherwise is refused.
      - The default is what AWS's policy C(CloudWatchAgentServerPolicy) allows.
    type: list
    elements: str
    default: [AmazonCloudWatch-]
  exclusive:
    description:
      - The agent gets this configuration alone. Others that it has are removed, and the plan names them.
      - With V(false) the agent merges this one with those it has.
    type: bool
    default: true
  config_path:
    description:
      - Absolute path on the host under which O(config) is kept, and from which the agent loads it. Its folders are made.
      - The agent keeps a copy of its own, named after this file.
    type: str
    default: /etc/hybridops/cloudwatch-agent/config.json
  prove:
    description:
      - Fail unless the agent is proven to send. The message names the permission, key, Region, proxy or CA that is wrong.
      - With V(false), RV(health) reports what is seen at once, and nothing is waited for.
    type: bool
    default: true
  prove_timeout:
    description: How long to wait for a clean interval, such as while a new key spreads in AWS.
    type: str
    default: 3m
  verify_metrics:
    description:
      - After the proof, wait until CloudWatch lists metrics of the host, asked with the operator's credentials (C(cloudwatch:ListMetrics)).
      - Skipped for a configuration without metrics, or with C(omit_hostname). The result says so.
    type: bool
    default: false
  verify_metrics_timeout:
    description: How long to wait for that. New metrics can take up to 15 minutes.
    type: str
    default: 15m
  state:
    description:
      - V(absent) takes the configuration away, stops and disables the service, and takes our settings out of C(common-config.toml).
        The agent stays installed; that it is not installed is no error.
      - With O(exclusive=false), only our configuration goes, and an agent that has others goes on with them.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Lengths of time are seconds, or numbers with the units V(s), V(m), V(h), V(d) and V(w), such as V(90s), V(3m) or V(1h30m).
  - boto3 is needed for a parameter and for O(verify_metrics) only, as are rights, C(ssm:GetParameter) and C(cloudwatch:ListMetrics).
  - Where the agent is to run as a user that cannot read the credentials, or that does not exist, nothing is written.
  - The agent forgets which mode it was told and finds out anew at each start. Credentials and Region are therefore always
    written where every mode finds them.
  - In check mode, an agent that is not installed reads as one to be installed before. Otherwise it fails before anything is written.
  - Connections that do not pass standard input to commands, Windows hosts and O(ignore:async) are refused.
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.action
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
requirements:
  - jsonschema >= 4, on the controller, where a configuration is given
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Point the agent at its credentials and leave the rest alone
  hybridops.aws_agents.cloudwatch_agent:
    credentials_file: /etc/hybridops/cloudwatch-agent/credentials

- name: Send memory use and a log file, as a user without rights
  hybridops.aws_agents.cloudwatch_agent:
    credentials_file: /etc/hybridops/cloudwatch-agent/credentials
    agent_region: eu-west-1
    config:
      agent:
        run_as_user: cwagent
      metrics:
        metrics_collected:
          mem:
            measurement: [mem_used_percent]
      logs:
        logs_collected:
          files:
            collect_list:
              - file_path: /var/log/syslog
                log_group_name: syslog

- name: Let the host fetch its configuration, through a proxy with a CA of its own
  hybridops.aws_agents.cloudwatch_agent:
    credentials_file: /etc/hybridops/cloudwatch-agent/credentials
    agent_region: eu-west-1
    config: ssm:AmazonCloudWatch-linux
    https_proxy: http://proxy.example.com:3128
    ca_bundle: /etc/ssl/certs/proxy.pem

- name: Send with the credentials that SSM Agent renews, without an IAM user
  hybridops.aws_agents.cloudwatch_agent:
    credentials_file: /etc/hybridops/cloudwatch-agent/credentials
    shared_credentials: {group: cwagent}
    agent_region: eu-west-1
    config: file:/srv/agents/linux.json
    run_as_user: cwagent

- name: Leave the agent installed, with nothing to do
  hybridops.aws_agents.cloudwatch_agent:
    state: absent
"""

RETURN = r"""
root:
  description: Where the agent is installed.
  returned: success
  type: str
  sample: /opt/aws/amazon-cloudwatch-agent
version:
  description: Version of the agent, as it says itself; empty when it is not installed.
  returned: success
  type: str
  sample: 1.300071.0
package:
  description: Version of the installed package; empty when the package manager knows none.
  returned: success
  type: str
  sample: 1.300071.0-1
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
shared_profile:
  description: Region, owner, group and mode of the profile that SSM Agent writes; empty without O(shared_credentials).
  returned: success
  type: dict
  sample: {region: eu-west-1, owner: root, group: cwagent, mode: '0640'}
common_config:
  description: The settings of C(common-config.toml), empty for those that are not set. Passwords in addresses of proxies are left out.
  returned: success
  type: dict
  sample:
    shared_credential_profile: AmazonCloudWatchAgent
    shared_credential_file: /etc/hybridops/cloudwatch-agent/credentials
    http_proxy: ''
    https_proxy: ''
    no_proxy: ''
    ca_bundle_path: ''
    imds_retries: ''
config_path:
  description: The file from which the configuration is loaded; empty when there is none.
  returned: success
  type: str
  sample: /etc/hybridops/cloudwatch-agent/config.json
configurations:
  description: SHA-256 sums of the configurations that the agent has, by their names there.
  returned: success
  type: dict
  sample: {file_config.json: 1f8bf27a10a2e0fd1b3b9d0a22f3a5c4c1d8e7f6a5b4c3d2e1f00a1b2c3d4e5f}
configuration:
  description: Text of the configuration that this task manages; empty when there is none, and when it is a secret.
  returned: success
  type: str
  sample: "{}\n"
health:
  description:
    - V(proven) when the agent ran long enough to send and nothing failed, V(unproven) when it runs for too short a time yet,
      V(failing) when it does not run or its log tells of failures, V(unknown) when nothing on the host tells.
  returned: always
  type: str
  sample: proven
says:
  description: What that was concluded from, in words.
  returned: always
  type: str
  sample: it runs, and nothing failed to be sent for 75 s
verified:
  description: What O(verify_metrics) found, in words; empty when it was not asked.
  returned: always
  type: str
  sample: CloudWatch lists metrics of host web1 in namespace CWAgent
changes:
  description: What was changed, or would be, in words and in order.
  returned: success
  type: list
  elements: str
  sample: [load configuration file_config.json, restart service]
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
