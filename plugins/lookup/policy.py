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
      - V(ssm_s3) is the policy for S3 buckets of "Create an IAM Instance Profile for Systems Manager".
      - V(session_manager) is the policy of "Create a custom IAM role for Session Manager".
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
      - For V(cwagent_server_scoped) and V(cwagent_admin_scoped).
      - Parameters that hold configurations of the agent, as names, prefixes with V(*) at the end, or ARNs (for another Region or account).
      - Default is V(AmazonCloudWatch-*). An empty list means none.
    type: list
    elements: str
  log_groups:
    description:
      - For V(cwagent_server_scoped) and V(cwagent_admin_scoped).
      - Log groups to write to, as names, prefixes with V(*) at the end, or ARNs (for another Region or account).
      - Default is V(*), all of the account and Region. An empty list means none.
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
      - For V(cwagent_server_scoped) and V(cwagent_admin_scoped).
      - Public addresses or address blocks that requests must come from. Meant for keys that lie on premises.
      - Requests through a VPC endpoint carry no public address, so they are denied. Requests that an AWS service makes on behalf of the
        agent need no exception (C(aws:ViaAWSService)), since none of the actions granted is made so.
    type: list
    elements: str
  vpc_endpoint_regions:
    description:
      - For V(ssm_s3).
      - Regions whose AWS buckets nodes read through a VPC endpoint. Wildcards are refused, as are names that botocore does not know.
    type: list
    elements: str
  allow_unknown_region:
    description:
      - For V(ssm_s3).
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
      - For V(session_manager).
      - ARN of the KMS key that encrypts the data of sessions. An alias does not do.
    type: str
  s3_bucket:
    description:
      - For V(session_manager).
      - Name of the bucket that keeps logs of sessions.
    type: str
  s3_prefix:
    description:
      - For V(session_manager).
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
from ..module_utils._model import catalogue
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
