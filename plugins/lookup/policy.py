# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A document of the catalogue for a playbook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: policy
author: HybridOps (@hybridops)
version_added: 1.0.0
short_description: IAM policy documents for the CloudWatch agent, Systems Manager and Session Manager
description:
  - Returns a policy document by name, as a dictionary.
  - It calls nothing, so it does not know the account. Give O(partition), O(account) and O(region) where they matter.
  - The module M(hybridops.aws_agents.iam_identities) takes the same names and options under C(preset) and C(options). It knows the account.
requirements:
  - botocore, to know the names of Regions (only for V(ssm_s3) with O(vpc_endpoint_regions), and not with O(allow_unknown_region=true))
options:
  _terms:
    description:
      - Names of documents. One name returns one document, several return several.
      - V(cwagent_server) and V(cwagent_admin) are the documents that "Create IAM Roles and Users for Use With CloudWatch Agent" prints in
        its 2018 edition. They take no options.
      - V(cwagent_server_scoped) and V(cwagent_admin_scoped) do the same job with least privilege.
      - V(assume_roles) lets the agent become roles of other accounts, to send its metrics and logs there.
      - V(log_streams) is writing to named log streams, the more restrictive policy of which "Create an IAM Instance Profile for Systems
        Manager" speaks.
      - V(cloudwatch_viewer) is for people who look at metrics, dashboards and alarms, as in "Identity and Access Management for Amazon
        CloudWatch".
      - V(ssm_core) is the custom policy that "Create an IAM Instance Profile for Systems Manager" recommends in place of AWS's managed
        policy AmazonSSMManagedInstanceCore. Without options a node is managed, and each switch adds what a feature needs.
      - V(ssm_s3) is the policy for S3 buckets of "Create an IAM Instance Profile for Systems Manager".
      - V(session_manager) is the policy of "Create a custom IAM role for Session Manager".
      - V(session_user) is the policy of a person who starts sessions, as in "Sample IAM policies for Session Manager".
      - V(session_logs_bucket_policy) and V(session_logs_key_policy) are for the account that keeps the session logs of nodes in other
        accounts. They belong to its bucket and to the KMS key of that bucket, so M(hybridops.aws_agents.iam_identities) does not take them.
      - V(operator_aws) and V(operator_hosts) are for whoever runs this collection, and V(operator_boundary) is the permissions boundary of
        what V(operator_aws) makes. V(operator_extras) is what reaches further and is granted only where it is meant, V(operator_audit) is
        for who only looks. The page C(docs/operator.md) of the collection says who holds which.
    type: list
    elements: str
    required: true
  partition:
    description: The partition that the document is for, as V(aws), V(aws-cn) or V(aws-us-gov).
    type: str
    default: aws
  account:
    description: Id of the account that the document is for. Without it, ARNs of log groups and parameters hold V(*) in its place.
    type: str
  region:
    description: The Region that the document is for. Without it, ARNs of log groups and parameters hold V(*) in its place.
    type: str
  parameters:
    description:
      - For V(cwagent_server_scoped), V(cwagent_admin_scoped), V(ssm_core), V(operator_hosts), V(operator_extras) and V(operator_boundary).
      - Parameters that hold configurations of the agent, as names, prefixes with V(*) at the end, or ARNs (for another Region or account).
      - For V(ssm_core) those that the node may read, for documents and scripts that use them. There V(*) is accepted, for every parameter
        of the account, as the managed policy has it.
      - For V(operator_hosts) those that the controller reads, for V(operator_extras) those that are saved, for V(operator_boundary) all
        that may be read or written at most.
      - Default is V(AmazonCloudWatch-*), for V(ssm_core) and V(operator_hosts) none. An empty list means none.
    type: list
    elements: str
  log_groups:
    description:
      - For V(cwagent_server_scoped), V(cwagent_admin_scoped), V(cloudwatch_viewer), V(operator_extras), V(operator_audit) and
        V(operator_boundary).
      - Log groups to write to, as names, prefixes with V(*) at the end, or ARNs (for another Region or account).
      - For V(cloudwatch_viewer) those to read and to query.
      - For V(operator_extras) those of sessions, which may be made, for V(operator_audit) those that are looked at. For
        V(operator_boundary) those that may be written to at most.
      - Default is V(*), all of the account and Region, for V(cloudwatch_viewer), V(operator_extras) and V(operator_audit) none. An empty
        list means none.
    type: list
    elements: str
  namespaces:
    description:
      - For V(cwagent_server_scoped) and V(cwagent_admin_scoped).
      - Namespaces of metrics to write to. V(*) within a name stands for any text.
      - Default is V(CWAgent). An empty list means none.
    type: list
    elements: str
  retention:
    description:
      - For V(cwagent_server_scoped) and V(cwagent_admin_scoped).
      - Whether the agent may set how long log groups keep their events, which C(retention_in_days) in its configuration needs.
      - Default is V(false).
    type: bool
  traces:
    description:
      - For V(cwagent_server_scoped) and V(cwagent_admin_scoped).
      - Whether the agent may send traces to X-Ray.
      - Default is V(false).
    type: bool
  source_cidrs:
    description:
      - For V(cwagent_server_scoped), V(cwagent_admin_scoped) and V(assume_roles).
      - Public addresses or address blocks that requests must come from. Meant for keys that lie on premises.
      - Requests through a VPC endpoint carry no public address, so they are denied. Requests that an AWS service makes on behalf of the
        agent need no exception (C(aws:ViaAWSService)), since none of the actions granted is made so.
    type: list
    elements: str
  log_streams:
    description:
      - For V(log_streams), which needs them.
      - Log groups, and in each the streams to write to.
    type: list
    elements: dict
    suboptions:
      group:
        description: Name of the log group, a prefix with V(*) at the end, or an ARN (for another Region or account).
        type: str
        required: true
      streams:
        description: Names of streams, or prefixes with V(*) at the end. V(*) alone is every stream of the group.
        type: list
        elements: str
        required: true
      create_group:
        description: Whether the group may be made, should it be missing.
        type: bool
        default: false
      retention:
        description:
          - Whether it may be set how long the group keeps its events, which C(retention_in_days) in the agent's configuration needs.
        type: bool
        default: false
      describe:
        description:
          - Whether the group and its streams may be looked up, as SSM Agent does before it writes the output of commands and sessions.
        type: bool
        default: false
  dashboards:
    description:
      - For V(cloudwatch_viewer).
      - Dashboards that can be opened, as names or prefixes with V(*) at the end.
      - Default is V(*), all of the account. An empty list means none.
    type: list
    elements: str
  edit_dashboards:
    description:
      - For V(cloudwatch_viewer).
      - Dashboards that can be made and changed as well, as for adding widgets. Written as O(dashboards).
    type: list
    elements: str
  alarms:
    description:
      - For V(cloudwatch_viewer).
      - Whether alarms and their history can be seen.
      - Default is V(true).
    type: bool
  run_command:
    description:
      - For V(ssm_core).
      - Whether the node takes part in Run Command.
    type: bool
  associations:
    description:
      - For V(ssm_core).
      - Whether the node takes part in State Manager.
    type: bool
  sessions:
    description:
      - For V(ssm_core).
      - Whether sessions of Session Manager can be opened on the node.
    type: bool
  inventory:
    description:
      - For V(ssm_core).
      - Whether the node uploads its inventory. It is gathered by an association, so O(associations) must be set.
    type: bool
  patching:
    description:
      - For V(ssm_core).
      - Whether the node gets its patch baseline and reports on its patches. O(run_command) or O(associations) must be set.
    type: bool
  packages:
    description:
      - For V(ssm_core).
      - Whether the node installs packages of Distributor, as C(AWS-ConfigureAWSPackage) does.
      - O(run_command) or O(associations) must be set.
    type: bool
  kms_key_arns:
    description:
      - For V(ssm_core), V(operator_hosts), V(operator_extras), V(operator_audit) and V(operator_boundary).
      - ARNs of KMS keys of your own that encrypt O(parameters) (SecureString) or the data of sessions.
      - For V(operator_hosts) those that encrypt O(shared_parameters), which need them. For V(operator_extras) and V(operator_audit) those
        that are looked at. For V(operator_boundary) all that may be used at most.
    type: list
    elements: str
  vpc_endpoint_regions:
    description:
      - For V(ssm_s3) and V(operator_boundary).
      - Regions whose AWS buckets nodes read through a VPC endpoint. Wildcards are refused, as are names that botocore does not know.
    type: list
    elements: str
  allow_unknown_region:
    description:
      - For V(ssm_s3) and V(operator_boundary).
      - Accept Regions that the installed botocore does not know, for a Region that is newer.
    type: bool
  buckets:
    description:
      - For V(ssm_s3).
      - Buckets of your own.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the bucket.
        type: str
        required: true
      prefix:
        description: Prefix of the objects. Without it, all objects of the bucket.
        type: str
      read_only:
        description: Whether objects are read only, and none written.
        type: bool
        default: false
      encrypted:
        description: Whether the bucket is encrypted, so that nodes must be able to ask how.
        type: bool
        default: false
      kms_key_arn:
        description: ARN of the KMS key that encrypts the bucket. It implies O(buckets[].encrypted).
        type: str
      cross_account:
        description: Whether the bucket belongs to another account, so that the ACL of objects must be set.
        type: bool
        default: false
  kms_key_arn:
    description:
      - For V(session_manager) and V(session_user).
      - ARN of the KMS key that encrypts the data of sessions. An alias does not do.
    type: str
  s3_bucket:
    description:
      - For V(session_manager) and V(session_logs_bucket_policy).
      - Name of the bucket that keeps logs of sessions.
    type: str
  s3_prefix:
    description:
      - For V(session_manager) and V(session_logs_bucket_policy).
      - Prefix of the logs in the bucket.
    type: str
  s3_kms_key_arn:
    description:
      - For V(session_manager).
      - ARN of the KMS key that encrypts the bucket.
    type: str
  s3_cross_account:
    description:
      - For V(session_manager).
      - Whether the bucket belongs to another account.
    type: bool
  logs:
    description:
      - For V(session_manager).
      - Whether CloudWatch Logs keeps logs of sessions. Without O(log_group), in any group.
    type: bool
  log_group:
    description:
      - For V(session_manager).
      - Log group that keeps logs of sessions. It implies O(logs).
    type: str
  tag_key:
    description:
      - For V(session_user), which needs it.
      - Key of the tag that nodes must carry. On a hybrid node it is a tag of the managed node.
    type: str
  tag_values:
    description:
      - For V(session_user), which needs them.
      - Values of that tag, any one of which will do. V(*) stands for nothing else than itself, and is refused.
    type: list
    elements: str
  document_name:
    description:
      - For V(session_user).
      - The one session document with which sessions may start. Default is V(SSM-SessionManagerRunShell), the preferences of the account.
    type: str
  console:
    description:
      - For V(session_user).
      - Whether the person uses the consoles of Systems Manager or EC2, which read more to list nodes.
    type: bool
  role_arns:
    description:
      - For V(assume_roles), V(session_logs_bucket_policy) and V(session_logs_key_policy), which need them.
      - ARNs of roles, without wildcards. For V(assume_roles) those to assume; for the two others those of the nodes, in whatever account.
      - For V(operator_extras) those that are assumed to save the agent's configuration, for V(operator_boundary) all that may be assumed.
    type: list
    elements: str
  boundary:
    description:
      - For V(operator_aws), which needs it.
      - The permissions boundary without which no role or user is made, and which cannot be changed or taken away. C(account:/path/Name) or
        an ARN.
    type: str
  paths:
    description:
      - For V(operator_aws), V(operator_hosts) and V(operator_extras).
      - Paths of the policies, roles, instance profiles and users that may be managed. Not V(/), which is every path.
      - Default is V(/hybridops/).
    type: list
    elements: str
  roles:
    description:
      - For V(operator_aws) and V(operator_extras).
      - Roles beside O(paths), as V(Name) or V(/path/Name), or the first three or more characters of it and V(*).
    type: list
    elements: str
  policies:
    description:
      - For V(operator_aws).
      - Policies beside O(paths), written as O(roles).
    type: list
    elements: str
  users:
    description:
      - For V(operator_aws) and V(operator_hosts).
      - Users beside O(paths), written as O(roles).
    type: list
    elements: str
  instance_profiles:
    description:
      - For V(operator_aws).
      - Instance profiles beside O(paths), written as O(roles). Default is O(roles).
    type: list
    elements: str
  managed_policies:
    description:
      - For V(operator_aws).
      - Names of AWS's policies that may be attached. Default is those that AWS's documents name for agents.
    type: list
    elements: str
  verify_metrics:
    description:
      - For V(operator_hosts).
      - Whether CloudWatch may be asked for a host's metrics. Default is V(false).
    type: bool
  shared_parameters:
    description:
      - For V(operator_hosts).
      - Names of parameters that keep keys which hosts share.
    type: list
    elements: str
  activation_roles:
    description:
      - For V(operator_hosts).
      - Roles, by name with their path, under which hosts may be registered with Systems Manager.
    type: list
    elements: str
  session_preferences:
    description:
      - For V(operator_extras) and V(operator_audit).
      - Whether session documents may be made and changed, with the O(bucket_names) and O(log_groups) of their logs; for V(operator_audit)
        whether they may be looked at. Default is V(false).
    type: bool
  document_names:
    description:
      - For V(operator_extras) and V(operator_audit).
      - Names of these documents. Default is V(SSM-SessionManagerRunShell).
    type: list
    elements: str
  service_settings:
    description:
      - For V(operator_extras).
      - Whether the tier of hybrid nodes may be changed. Default is V(false).
    type: bool
  instance_profile_associations:
    description:
      - For V(operator_extras).
      - Whether instances may be given other instance profiles. Default is V(false).
    type: bool
  reboot:
    description:
      - For V(operator_extras).
      - Whether they may be rebooted. Default is V(false).
    type: bool
  bucket_names:
    description:
      - For V(operator_extras), V(operator_audit) and V(operator_boundary).
      - Names of buckets. Of sessions, which may be made, for V(operator_extras), and looked at, for V(operator_audit); whose objects may
        be read or written at most, for V(operator_boundary).
    type: list
    elements: str
  directory_service:
    description:
      - For V(operator_boundary).
      - Whether instances may join a directory. Default is V(false).
    type: bool
  exact:
    description:
      - For V(ssm_s3) and V(session_manager).
      - Return the statements as the AWS document prints them, instead of the least that the options need.
    type: bool
seealso:
  - module: hybridops.aws_agents.iam_identities
"""

EXAMPLES = r"""
- name: Show the policy of a server that runs the CloudWatch agent
  ansible.builtin.debug:
    msg: "{{ lookup('hybridops.aws_agents.policy', 'cwagent_server') }}"

- name: Show a narrow policy for a host on premises
  ansible.builtin.debug:
    msg: >-
      {{ lookup('hybridops.aws_agents.policy', 'cwagent_server_scoped', account='111122223333', region='eu-west-1',
                log_groups=['/onprem/*'], source_cidrs=['203.0.113.0/24']) }}

- name: Show what a node needs for commands and sessions, and for the parameters of its documents
  ansible.builtin.debug:
    msg: >-
      {{ lookup('hybridops.aws_agents.policy', 'ssm_core', account='111122223333', region='eu-west-1',
                run_command=true, sessions=true, parameters=['/nodes/*']) }}

- name: A group of people who watch, and edit one dashboard
  amazon.aws.iam_policy:
    iam_type: group
    iam_name: Watch
    policy_name: CloudWatchViewer
    policy_json: "{{ lookup('hybridops.aws_agents.policy', 'cloudwatch_viewer', account='111122223333', edit_dashboards=['Plant']) }}"

- name: Write the policy of an instance profile to a file
  ansible.builtin.copy:
    content: >-
      {{ lookup('hybridops.aws_agents.policy', 'ssm_s3', partition='aws-us-gov', vpc_endpoint_regions=['us-gov-west-1'],
                buckets=[{'name': 'my-runs', 'prefix': 'output', 'encrypted': true}]) | to_nice_json }}
    dest: /tmp/ssm-s3.json
    mode: "0644"

- name: Allow sessions, and more in the same policy
  hybridops.aws_agents.iam_identities:
    policies:
      - name: SessionManagerPermissions
        document:
          Version: "2012-10-17"
          Statement: "{{ sessions.Statement + my_statements }}"
  vars:
    sessions: "{{ lookup('hybridops.aws_agents.policy', 'session_manager', s3_bucket='my-logs', s3_prefix='sessions') }}"

- name: Write the policy of a bucket in the account that keeps everybody's session logs
  ansible.builtin.copy:
    content: >-
      {{ lookup('hybridops.aws_agents.policy', 'session_logs_bucket_policy', s3_bucket='my-logs', s3_prefix='sessions',
                role_arns=['arn:aws:iam::111122223333:role/MySessionManagerRole']) | to_nice_json }}
    dest: /tmp/session-logs.json
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The documents.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils._aws.regions import known_regions
from ..module_utils._model.catalogue import by_name as catalogue
from ..module_utils._model.context import Context
from ..module_utils._model.errors import InputError

_PLACE = ("partition", "account", "region")


class LookupModule(LookupBase):
    """Hand options to the catalogue. What a preset takes is declared there, so unknown options are refused there too."""

    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        # As written: Ansible would take any text for a boolean, and its message for an unknown name says not what is allowed.
        options = {name: value for name, value in kwargs.items() if name not in _PLACE}
        try:
            partition, account, region = (self.get_option(name) or "" for name in _PLACE)
            context = Context.checked(partition, account, region, self._regions(options), "policy lookup")
            return [catalogue.build(term, options, context, "policy lookup") for term in terms]
        except InputError as error:
            raise AnsibleError(str(error)) from error

    def _regions(self, options):
        if not options.get("vpc_endpoint_regions") or self.get_option("allow_unknown_region"):
            return frozenset()
        try:
            return known_regions(self.get_option("partition"))
        except ImportError as error:
            raise AnsibleError(
                "policy lookup: botocore is needed to know the names of Regions. Install it for the Python that runs Ansible, "
                "or set allow_unknown_region=true to go without that check."
            ) from error
