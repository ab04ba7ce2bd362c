# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: session_preferences
version_added: 1.0.0
short_description: Preferences of Session Manager, where session logs go and how sessions are encrypted
description:
  - Converges the session document C(SSM-SessionManagerRunShell), which every session of an account and Region follows that names no other.
  - An existing document, also one that the console made, is merged into. What no option names stays as it is, and so does what this module
    does not know.
  - It is never made weaker unnoticed. What would end logging, encryption or another protection is refused, unless O(allow_weaker).
  - The new version becomes the default version. A newest version that is not the default one is brought in line too, since AWS does not say
    which of the two a session follows.
  - Bucket, log group and KMS key are looked at before, since a session does not start when one of them is not as the preferences say. With
    O(create), the bucket and the log group are made where they are missing.
author:
  - HybridOps (@hybridops)
options:
  name:
    description: Name of the session document. Another one than the default holds for sessions that name it.
    type: str
    default: SSM-SessionManagerRunShell
  state:
    description:
      - V(present) makes the document or merges into it.
      - V(absent) deletes it, if a run of the same O(owned_by) made it. From then on AWS's defaults hold, which log and encrypt nothing, so
        that O(allow_weaker) is needed where the document did either. Bucket and log group stay, with the logs in them. So does the tier.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description in the document.
    type: str
  s3_bucket:
    description: Bucket for session logs, which are put there when a session ends. An empty text turns that off.
    type: str
  s3_prefix:
    description: Prefix of the logs in that bucket, without slashes at its ends.
    type: str
  s3_encrypted:
    description:
      - Whether a session may only start when the bucket is encrypted.
      - A new document has V(true).
    type: bool
  s3_cross_account:
    description:
      - The bucket belongs to another account. Otherwise a bucket of another account is not accepted.
      - It is never made, and what the other account does not show is a warning. Its policies are V(session_logs_bucket_policy) and
        V(session_logs_key_policy) of P(hybridops.aws_agents.policy#lookup).
    type: bool
    default: false
  s3_kms_key_arn:
    description:
      - ARN of the KMS key of the bucket, as the policy of the nodes names it. A bucket that encrypts with another one is refused.
      - With O(create), the bucket is encrypted with it. Without it, by S3 with keys of its own.
    type: str
  log_group:
    description: Log group for session logs, in this account and Region. An empty text turns that off.
    type: str
  log_group_encrypted:
    description:
      - Whether a session may only start when the log group has a KMS key.
      - A new document has V(true).
    type: bool
  log_group_kms_key_arn:
    description: ARN of the KMS key for a log group that O(create) makes. The policy of that key must let CloudWatch Logs use it.
    type: str
  log_group_retention:
    description: How many days a log group that O(create) makes keeps its events. Without it, for ever.
    type: int
  log_streaming:
    description: Whether the log group gets the logs while a session runs, in place of at its end.
    type: bool
  kms_key:
    description:
      - KMS key that encrypts the data of sessions, as its id, its ARN, V(alias/NAME), or the ARN of an alias. An empty text turns that off.
      - Nodes need C(kms:Decrypt) on it, and whoever starts a session C(kms:GenerateDataKey). It is never made here.
    type: str
  run_as:
    description:
      - Whether sessions on Linux and macOS run as a user of the operating system other than C(ssm-user). It must exist on the node.
      - The tag C(SSMSessionRunAs) of the person's IAM user or role goes before O(run_as_user).
    type: bool
  run_as_user:
    description: That user, where no tag names one.
    type: str
  idle_timeout:
    description: After how many minutes without input a session ends, 1 to 60.
    type: int
  max_duration:
    description: After how many minutes a session ends in any case, 1 to 1440. V(0) is no limit.
    type: int
  shell_profile_linux:
    description: Commands that a session on Linux or macOS begins with.
    type: str
  shell_profile_windows:
    description: Commands that a session on Windows begins with.
    type: str
  allow_weaker:
    description:
      - Let this task take protections away, which are logs to a bucket or a log group, logs while the session runs, encryption demanded of
        them, encryption of session data, a user of its own, and the longest duration.
    type: bool
    default: false
  verify:
    description:
      - Look at the bucket, the log group and the KMS key that the document names, and fail before anything is changed when one is missing,
        is not encrypted as the preferences demand, cannot be used, or (a bucket) does not block public access itself.
      - What the caller may not look at is a warning, except O(s3_bucket) without O(s3_cross_account), since a bucket of somebody else's
        cannot be told from one that is hidden, and a log group that O(create) may have to make.
    type: bool
    default: true
  create:
    description:
      - Make a bucket that is missing. It is encrypted, blocks public access, refuses access without TLS, and carries the tag of its owner.
      - Make a log group that is missing, with O(log_group_kms_key_arn), O(log_group_retention) and the same tag.
      - What an earlier run of the same owner made is brought to that state again. So is O(s3_bucket) where it is of the caller's account
        and without any tag, policy, object or encryption but S3's own, since a run may have ended between making it and marking it.
      - Anything else that exists is looked at, not changed.
    type: bool
    default: false
  activation_tier:
    description:
      - The tier of hybrid nodes. Session Manager reaches them in the tier V(advanced) only.
      - V(look) warns when that is not the tier. V(standard) and V(advanced) set it.
      - B(AWS charges for each hybrid node in the advanced tier), for all of the account and Region. So it is never set by default, nor back
        by O(state=absent).
    type: str
    choices: [look, standard, advanced]
  owned_by:
    description: Value of the tag C(hybridops.aws_agents/owner) on what is made. A document with another value is refused.
    type: str
    default: default
  delete_unowned:
    description: Let O(state=absent) delete a document although another owner, or nobody, made it.
    type: bool
    default: false
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
notes:
  - "AWS documents: Create a custom IAM role for Session Manager; Create Session Manager preferences (command line); Session document
    schema; Create a Bucket; Configuring instance tiers."
  - The same names in the role P(hybridops.aws_agents.session_manager#role) make the policy of the nodes, so that what is logged and what is
    permitted cannot disagree.
  - Versions that are replaced stay in the document, up to 1,000. C(aws ssm update-document-default-version) goes back to one of them.
  - "Actions, besides C(sts:GetCallerIdentity). Reads: C(ssm:DescribeDocument), C(ssm:GetDocument), C(ssm:ListTagsForResource),
    C(ssm:ListDocumentVersions) (when AWS has the content already), C(ssm:GetServiceSetting) (with O(activation_tier)), C(s3:ListBucket),
    C(s3:GetEncryptionConfiguration), C(s3:GetBucketPublicAccessBlock), C(logs:DescribeLogGroups), C(kms:DescribeKey). With O(create) also
    C(s3:GetBucketTagging), C(s3:GetBucketPolicy), C(s3:ListBucketVersions), C(logs:ListTagsForResource). Writes: C(ssm:CreateDocument),
    C(ssm:AddTagsToResource), C(ssm:UpdateDocument), C(ssm:UpdateDocumentDefaultVersion), C(ssm:DeleteDocument),
    C(ssm:UpdateServiceSetting). With O(create) also C(s3:CreateBucket), C(s3:PutBucketTagging), C(s3:PutBucketPublicAccessBlock),
    C(s3:PutEncryptionConfiguration), C(s3:PutBucketPolicy), C(logs:CreateLogGroup), C(logs:TagResource), C(logs:AssociateKmsKey),
    C(logs:PutRetentionPolicy). Whoever may write the document runs code on every node with C(shell_profile)."
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Log all sessions, to a bucket and a log group that are made where they are missing
  hybridops.aws_agents.session_preferences:
    s3_bucket: example-session-logs
    s3_prefix: sessions
    log_group: /sessions
    log_group_kms_key_arn: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
    log_group_retention: 365
    log_streaming: true
    create: true

- name: End idle sessions earlier, and leave everything else
  hybridops.aws_agents.session_preferences:
    idle_timeout: 15
    max_duration: 480

- name: Stop logging to S3, on purpose
  hybridops.aws_agents.session_preferences:
    s3_bucket: ""
    allow_weaker: true

- name: Warn when sessions on hybrid nodes would be refused
  hybridops.aws_agents.session_preferences:
    activation_tier: look
"""

RETURN = r"""
changes:
  description: What was changed, or would be, in order and in words.
  returned: success
  type: list
  elements: str
  sample:
    - create log group /sessions
    - set retention 365 days of log group /sessions
    - update document SSM-SessionManagerRunShell
    - set default version 4 of document SSM-SessionManagerRunShell
document:
  description: The document, in check mode as it would be; V(null) when there is none.
  returned: success
  type: dict
  sample:
    name: SSM-SessionManagerRunShell
    type: Session
    default_version: '4'
    latest_version: '4'
    owner: default
    content:
      schemaVersion: '1.0'
      description: Document to hold regional settings for Session Manager
      sessionType: Standard_Stream
      inputs:
        cloudWatchLogGroupName: /sessions
bucket:
  description: The bucket that it names. V(null) stands for what was not looked at, or is not known.
  returned: success
  type: dict
  sample:
    name: example-session-logs
    exists: true
    encryption: AES256
    kms_key: ''
    public_access_blocked: true
log_group:
  description: The log group that it names.
  returned: success
  type: dict
  sample:
    name: /sessions
    exists: true
    kms_key: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
    retention_in_days: 365
kms_key:
  description: The KMS key of session data that it names.
  returned: success
  type: dict
  sample:
    id: alias/sessions
    exists: true
    arn: arn:aws:kms:eu-west-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab
    state: Enabled
activation_tier:
  description: The tier of hybrid nodes, V(null) when it was not asked for.
  returned: success
  type: str
  sample: standard
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
from typing import Any, Dict, List, Optional

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import session
from ..module_utils._aws.session_preferences import READY_SECONDS, SessionPreferences
from ..module_utils._model.plan import Change
from ..module_utils._model.session_preferences import options, plan
from ..module_utils._model.session_preferences.plan import State
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC: Dict[str, Any] = {
    "name": {"type": "str", "default": "SSM-SessionManagerRunShell"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": {"type": "str"},
    "s3_bucket": {"type": "str"},
    "s3_prefix": {"type": "str"},
    "s3_encrypted": {"type": "bool"},
    "s3_cross_account": {"type": "bool", "default": False},
    "s3_kms_key_arn": {"type": "str", "no_log": False},
    "log_group": {"type": "str"},
    "log_group_encrypted": {"type": "bool"},
    "log_group_kms_key_arn": {"type": "str", "no_log": False},
    "log_group_retention": {"type": "int"},
    "log_streaming": {"type": "bool"},
    "kms_key": {"type": "str", "no_log": False},
    "run_as": {"type": "bool"},
    "run_as_user": {"type": "str"},
    "idle_timeout": {"type": "int"},
    "max_duration": {"type": "int"},
    "shell_profile_linux": {"type": "str"},
    "shell_profile_windows": {"type": "str"},
    "allow_weaker": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": True},
    "create": {"type": "bool", "default": False},
    "activation_tier": {"type": "str", "choices": ["look", "standard", "advanced"]},
    "owned_by": {"type": "str", "default": "default"},
    "delete_unowned": {"type": "bool", "default": False},
    "allow_root": {"type": "bool", "default": False},
}


class Preferences(Resource):
    """The preferences of one task."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._options = module.params
        self._client = session.patient(module.client)
        self._after: Optional[State] = None

    def read(self) -> State:
        self._wanted = options.wanted(self._options)
        pause = Announced(self.announce, "SSM to have the new version ready", READY_SECONDS, time.sleep)
        self._aws = SessionPreferences(self._client, self._wanted, self._options["allow_root"], pause)
        return self._aws.read()

    def target(self, actual: State) -> State:
        self._after = plan.target(self._wanted, actual, self._aws.context)
        return self._after

    def plan(self, target: State, actual: State) -> List[Change]:
        return plan.plan(self._wanted, target, actual)

    def apply(self, change: Change) -> None:
        self._aws.apply(change)

    def outdated(self, error: Exception) -> bool:
        return session.outdated(error)

    def report(self) -> Dict[str, Any]:
        warnings = plan.warnings(self._wanted, self._after) if self._after else []
        return {"warnings": warnings} if warnings else {}

    def view(self, record: State) -> Dict[str, Any]:
        return plan.view(record)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    converge_module(module, Preferences(module))


if __name__ == "__main__":
    main()
