# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_node_offboarding
version_added: 1.0.0
short_description: Deregister the hybrid nodes of a host that is not to be asked
description:
  - Takes a host out of Systems Manager that does not answer any more, or that somebody broke into. What it needs is in AWS. The nodes
    are found by the tags that M(hybridops.aws_agents.ssm_registration) gives them, C(hybridops.aws_agents/owner) and
    C(hybridops.aws_agents/host), and by their name.
  - Finds all nodes of the host, those that it was before it was registered anew too, and the activations that a killed run left for it.
  - A node that is deregistered gets no new credentials. Those that it holds end within the hour, and cannot be ended before for one node
    alone, as all nodes of a service role share that role.
  - On a host that answers, M(hybridops.aws_agents.ssm_registration) with C(state=absent) does the host's side too.
options:
  name:
    description: Name of the node, as M(hybridops.aws_agents.ssm_registration) was given it; without such, the name of the host in the
      inventory.
    type: str
    required: true
  allow_online:
    description: Deregister nodes that AWS lists as Online as well, which means that it has heard of their agents within the last minutes.
      Otherwise that is refused, and nothing is changed.
    type: bool
    default: false
  owned_by:
    description: Value of the tag C(hybridops.aws_agents/owner). Nodes and activations with another value are not touched.
    type: str
    default: default
notes:
  - O(region) is the Region that the host is a node of.
  - Nodes that were made by hand have no such tags, and are not found.
  - Needs C(ssm:DescribeInstanceInformation), C(ssm:DeregisterManagedInstance), C(ssm:DescribeActivations) and C(ssm:DeleteActivation).
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Deregister a host that somebody broke into
  hybridops.aws_agents.ssm_node_offboarding:
    region: eu-west-1
    name: web1.example.com
    allow_online: true
"""

RETURN = r"""
nodes:
  description: The nodes of the host that are still there. In check mode as they would be.
  returned: success
  type: list
  elements: dict
  sample: []
activations:
  description: Ids of the activations for the host that are still there. In check mode as they would be.
  returned: success
  type: list
  elements: str
  sample: []
changes:
  description: What was changed, or would be, in words and in order.
  returned: success
  type: list
  elements: str
  sample: [deregister node mi-0123456789abcdef0]
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
from typing import Any, Dict, List

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import session
from ..module_utils._aws.activations import Activations
from ..module_utils._model.plan import Change
from ..module_utils._model.registration import leaving
from ..module_utils._model.registration.leaving import Listed
from ..module_utils._model.registration.options import leaver
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "owned_by": {"type": "str", "default": "default"},
    "allow_online": {"type": "bool", "default": False},
}


class Leaver(Resource):
    """The nodes of one host."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._module = module

    def read(self) -> Listed:
        module = self._module
        self._rules = leaver(dict(module.params, region=module.region))
        self._aws = Activations(session.patient(module.client), self._rules, module.params.get("aws_config"), time.sleep)
        return Listed(self._aws.nodes(), self._aws.left())

    def target(self, actual: Listed) -> Listed:  # noqa: ARG002  (nothing is to be left of it)
        return Listed()

    def plan(self, target: Listed, actual: Listed) -> List[Change]:  # noqa: ARG002
        return leaving.plan(actual, self._module.params["allow_online"])

    def apply(self, change: Change) -> None:
        if change.what == "activation":
            self._aws.delete(change.key)
        else:
            self._aws.deregister(change.key, self._rules.region)

    def view(self, record: Listed) -> Dict[str, Any]:
        return leaving.view(record)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    converge_module(module, Leaver(module))


if __name__ == "__main__":
    main()
