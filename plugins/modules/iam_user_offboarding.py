# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_user_offboarding
version_added: 1.0.0
short_description: Take away the IAM users of hosts that leave
description:
  - Deletes users with all that hangs on them, access keys first, by the same steps as M(hybridops.aws_agents.iam_identities).
  - A user whose key is in wrong hands is contained before, with O(compromised). First an inline policy denies it every action. Then its
    keys are deactivated, and only then is anything deleted. That policy goes last, right before the user, when nothing else that could
    grant it anything is left.
  - Nothing is deleted that another owner, or nobody, made, nor what looks like a person's user, unless told.
  - A run that ended on the way is finished by the next one. A user that is not there is fine.
author:
  - HybridOps (@hybridops)
options:
  users:
    description: Names of the users. P(hybridops.aws_agents.iam_user_name#filter) makes that of a host.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(absent) deletes the users.
      - V(contained) denies them everything, deactivates their keys, and leaves them so, for whoever has to find out what happened.
        A later run with V(absent) goes on from there.
    type: str
    choices: [absent, contained]
    default: absent
  compromised:
    description:
      - Contain the users before anything is deleted. Deactivating or deleting a key does not end the temporary credentials that somebody
        got with it, which live for up to 36 hours; denying its user everything does, once AWS sees the policy everywhere.
      - A password and groups, which whoever holds the key may have given the user, are then no reason to refuse.
    type: bool
    default: false
  protected:
    description: Users that must stay, such as one that several hosts share. Naming one in O(users) fails before the first call.
    type: list
    elements: str
    default: []
  groups:
    description: IAM groups that a host's user may belong to. One that belongs to any other is taken for a person's.
    type: list
    elements: str
    default: []
  owned_by:
    description: The users' tag C(hybridops.aws_agents/owner) must have this value.
    type: str
    default: default
  delete_unowned:
    description: Take away users although another owner, or nobody, made them.
    type: bool
    default: false
  delete_people:
    description: Take away users that have a password or an MFA device, or belong to groups not in O(groups).
    type: bool
    default: false
  allow_in_use:
    description:
      - Take away users with an active key that was used within the last 24 hours. Otherwise that is refused, since a host may run with it.
      - Not needed with O(compromised) and O(state=contained), which wait for nobody. The playbook C(hybridops.aws_agents.offboard) sets it
        for hosts whose key it has taken away before.
    type: bool
    default: false
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait for IAM to see its own changes.
    type: int
    default: 120
notes:
  - "AWS documents: Disabling permissions for temporary security credentials; DeleteUser in the IAM API reference."
  - AWS judges each request with temporary credentials by the permissions that their user has at that time, and says that a change of
    policies may take a few minutes to be seen everywhere. It does not say what a session of a deleted user may still do where the policy of
    a resource names that user. Where that matters, use O(state=contained), and delete the user once 36 hours have passed.
  - A deactivated key of a contained user carries no tag of this collection. So M(hybridops.aws_agents.host_access_key) reads it as
    contained by somebody, and gives the host no new one.
  - "Actions of IAM, besides C(sts:GetCallerIdentity). Reads: C(GetAccessKeyLastUsed) (where denied, last uses are left out),
    C(GetLoginProfile), C(GetUser), C(GetUserPolicy), C(ListAccessKeys), C(ListAttachedUserPolicies), C(ListGroupsForUser),
    C(ListMFADevices), C(ListSSHPublicKeys), C(ListServiceSpecificCredentials), C(ListSigningCertificates), C(ListUserPolicies).
    Writes: C(DeactivateMFADevice), C(DeleteAccessKey), C(DeleteLoginProfile), C(DeleteSSHPublicKey),
    C(DeleteServiceSpecificCredential), C(DeleteSigningCertificate), C(DeleteUser), C(DeleteUserPolicy), C(DeleteVirtualMFADevice),
    C(DetachUserPolicy), C(PutUserPolicy), C(RemoveUserFromGroup), C(UpdateAccessKey)."
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Take away the user of a host that leaves
  hybridops.aws_agents.iam_user_offboarding:
    users: ["{{ 'web1' | hybridops.aws_agents.iam_user_name }}"]

- name: Take away the user of a host that somebody broke into
  hybridops.aws_agents.iam_user_offboarding:
    users: [cwagent-web1]
    compromised: true

- name: Stop it, and leave everything for the investigation
  hybridops.aws_agents.iam_user_offboarding:
    users: [cwagent-web1]
    state: contained
"""

RETURN = r"""
changes:
  description: What was changed, or would be, in order and in words.
  returned: success
  type: list
  elements: str
  sample:
    - put inline policy hybridops-aws_agents-deny-all on user cwagent-web1
    - deactivate access key AKIAIOSFODNN7EXAMPLE of user cwagent-web1
    - delete access key AKIAIOSFODNN7EXAMPLE from user cwagent-web1
    - delete inline policy hybridops-aws_agents-deny-all from user cwagent-web1
    - delete user cwagent-web1
users:
  description: The users that are still there, by name, with what hangs on them. In check mode as they would be.
  returned: success
  type: dict
  sample: {}
access_keys:
  description:
    - The keys that the users had, without any secret, and where each was last used. AWS reports uses up to four hours late, and none at
      all once the key is deleted, so this is the last that is heard of it.
  returned: success
  type: list
  elements: dict
  sample:
    - user: cwagent-web1
      id: AKIAIOSFODNN7EXAMPLE
      status: deleted
      created: '2026-01-31T10:00:00Z'
      last_used: '2026-02-28T09:00:00Z'
      last_used_service: monitoring
      last_used_region: eu-west-1
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
from typing import Any, Dict, List, Tuple

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import session
from ..module_utils._aws.offboarding import Offboarding
from ..module_utils._model import offboarding
from ..module_utils._model.access_key import Key
from ..module_utils._model.identities import views
from ..module_utils._model.identities.records import Identities
from ..module_utils._model.plan import Change
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC: Dict[str, Any] = {
    "users": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["absent", "contained"], "default": "absent"},
    "compromised": {"type": "bool", "default": False},
    "protected": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
    "owned_by": {"type": "str", "default": "default"},
    "delete_unowned": {"type": "bool", "default": False},
    "delete_people": {"type": "bool", "default": False},
    "allow_in_use": {"type": "bool", "default": False},
    "allow_root": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
}


class Leavers(Resource):
    """The users of one task."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._options = module.params
        self._client = session.patient(module.client)
        self._keys: Dict[str, Tuple[Key, ...]] = {}
        """All that were seen, whether or not they are still there."""

    def read(self) -> offboarding.Account:
        self._rules = offboarding.rules(self._options)
        limit = self._options["wait_timeout"]
        pause = Announced(self.announce, "IAM to see everywhere what was taken away", limit, time.sleep)
        self._aws = Offboarding(self._client, self._rules, self._options["allow_root"], limit, pause)
        found = self._aws.read()
        for name, held in found.keys.items():
            known = self._keys.get(name, ())
            self._keys[name] = known + tuple(key for key in held if key.id not in {one.id for one in known})
        return found

    def target(self, actual: offboarding.Account) -> offboarding.Account:
        return offboarding.target(self._rules, actual, self._aws.partition)

    def plan(self, target: offboarding.Account, actual: offboarding.Account) -> List[Change]:  # noqa: ARG002  (the rules say where it leads)
        return offboarding.plan(self._rules, actual, self._aws.partition)

    def apply(self, change: Change) -> None:
        self._aws.apply(change)

    def outdated(self, error: Exception) -> bool:
        return session.outdated(error)

    def view(self, record: offboarding.Account) -> Dict[str, Any]:
        shown = views.view(Identities({}, {}, record.users))["users"]
        return offboarding.view(record, shown, self._keys)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    converge_module(module, Leavers(module))


if __name__ == "__main__":
    main()
