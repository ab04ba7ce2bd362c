# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_check
version_added: 1.0.0
short_description: Ask AWS what identities may do, and compare it with what they should
description:
  - Asks AWS's policy simulator whether roles and users may do certain things, and compares the answers with a table of "may" and
    "may not". It changes nothing, and performs none of the actions.
  - For the identities of this collection there are presets.
author:
  - HybridOps (@hybridops)
options:
  checks:
    description: Who is expected to do what, and what not.
    type: list
    elements: dict
    required: true
    suboptions:
      principals:
        description:
          - Roles and users of the caller's account. Each is an ARN, or C(role/NAME) or C(user/NAME) with its path, as in
            C(user/hybridops/cwagent-web1).
        type: list
        elements: str
        required: true
      preset:
        description:
          - Expectations for an identity of this collection, besides O(checks[].may) and O(checks[].may_not).
          - V(cwagent_server) sends metrics. It may write no parameter, reach no object of a foreign bucket, and do nothing by which it
            could become more than it is or reach other machines.
          - V(cwagent_user) is the same for a user whose key lies on a server. It may read no parameter that is not the agent's, either.
          - V(cwagent_admin) sends metrics too, and may write no parameter that is not the agent's. Which it may write, O(checks[].may)
            says.
          - V(ssm_node) is the role of an instance or hybrid node of Systems Manager. Whether it takes sessions, O(checks[].may) says.
            V(session_manager) is one for sessions alone.
        type: str
        choices: [cwagent_server, cwagent_user, cwagent_admin, ssm_node, session_manager]
      may:
        description: What they may do.
        type: list
        elements: dict
        default: []
        suboptions: &expectation
          actions:
            description: Actions written in full, as C(cloudwatch:PutMetricData). The simulator takes no wildcards.
            type: list
            elements: str
            required: true
          resources:
            description: ARNs of the resources. C({partition}), C({account}) and C({region}) stand for the caller's.
            type: list
            elements: str
            default: ['*']
          context:
            description: "Condition keys of the request, as in C({cloudwatch:namespace: CWAgent})."
            type: dict
            default: {}
      may_not:
        description: What they may not do.
        type: list
        elements: dict
        default: []
        suboptions: *expectation
      context:
        description:
          - Condition keys of all requests of this check. They lie over those of the preset, so that a C(cloudwatch:namespace) has it ask
            for that namespace.
          - C(aws:CurrentTime) and C(aws:SecureTransport) are given when left out.
        type: dict
        default: {}
  fail_on_difference:
    description: Fail when an answer differs from what is expected, or there is none.
    type: bool
    default: false
  allow_root:
    description: Accept the credentials of the account's root user, which AWS advises against.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reads alone, so nothing differs.
    support: full
  diff_mode:
    description: There is nothing that it could change.
    support: none
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  platform:
    description: Where the module can act.
    platforms: posix
    support: full
notes:
  - "AWS documents: Testing IAM policies with the IAM policy simulator; SimulatePrincipalPolicy in the IAM API reference."
  - "Actions: C(iam:SimulatePrincipalPolicy), and C(sts:GetCallerIdentity). Whoever has the first can see what others may do."
  - The simulator sees policies of the identity and of its groups, and its permissions boundary. Service control policies it sees where
    AWS says so, and only those without conditions. Policies of resources, of sessions and of VPC endpoints, and resource control
    policies are not seen. RV(limits) says this for each run.
extends_documentation_fragment:
  - hybridops.aws_agents.attributes.actiongroup_aws
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: hybridops.aws_agents.access_info
"""

EXAMPLES = r"""
- name: See that the agents may do what they need, and no more
  hybridops.aws_agents.access_check:
    checks:
      - principals: [role/CloudWatchAgentServerRole]
        preset: cwagent_server
      - principals: [user/hybridops/cwagent-web1, user/hybridops/cwagent-web2]
        preset: cwagent_user
        context: {"cloudwatch:namespace": Shop}
    fail_on_difference: true

- name: Ask a question of one's own
  hybridops.aws_agents.access_check:
    checks:
      - principals: [role/MySessionManagerRole]
        may:
          - actions: [s3:PutObject]
            resources: ["arn:{partition}:s3:::my-session-logs/sessions/*"]
        may_not:
          - actions: [s3:GetObject, s3:DeleteObject]
            resources: ["arn:{partition}:s3:::my-session-logs/sessions/*"]
"""

RETURN = r"""
rows:
  description: A row for each question.
  returned: always
  type: list
  elements: dict
  contains:
    principal: {description: "ARN of who was asked about.", type: str, returned: always}
    action: {description: "The action.", type: str, returned: always}
    resource: {description: "The resource.", type: str, returned: always}
    context: {description: "Condition keys that the check gave.", type: dict, returned: always}
    expected: {description: "V(may) or V(may_not).", type: str, returned: always}
    decision: {description: "V(allowed), V(explicitDeny) or V(implicitDeny); null where AWS gave no answer.", type: str, returned: always}
    agrees: {description: "Whether that is what was expected; null where AWS gave no answer.", type: bool, returned: always}
    policies: {description: "The policies whose statements decided.", type: list, elements: dict, returned: always}
    missing_context: {description: "Condition keys that policies look at and nobody gave.", type: list, elements: str, returned: always}
    organization_allows: {description: "What service control policies say; null where AWS does not tell.", type: bool, returned: always}
    boundary_allows: {description: "What the permissions boundary says; null without one.", type: bool, returned: always}
    not_seen: {description: "Why there is no answer.", type: str, returned: always}
  sample:
    - principal: arn:aws:iam::123456789012:role/CloudWatchAgentServerRole
      action: cloudwatch:PutMetricData
      resource: '*'
      context: {"cloudwatch:namespace": [CWAgent]}
      expected: may
      decision: allowed
      agrees: true
      policies: [{id: CloudWatchAgentServerPolicy, type: aws-managed}]
      missing_context: []
      organization_allows: true
      boundary_allows: null
      not_seen: null
differences:
  description: What differs from what is expected, and what was not answered, in words.
  returned: always
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:user/hybridops/cwagent-web1: iam:CreateUser is allowed, and should not be (by AdministratorAccess)"]
limits:
  description: What the answers do not say.
  returned: always
  type: list
  elements: str
  sample: ["Service control policies are part of it, those without conditions."]
"""

from contextlib import suppress
from typing import Any, Dict

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import session
from ..module_utils._aws.simulation import Simulator
from ..module_utils._model.access_check import questions
from ..module_utils._model.access_check.expectations import PRESETS
from ..module_utils._model.context import Context
from ..module_utils._model.errors import InputError, Refusal
from ..module_utils._model.says_aws.remedies import Answered

with suppress(ImportError):  # AnsibleAWSModule says so
    from botocore.exceptions import BotoCoreError, ClientError

_EXPECTATION = {
    "actions": {"type": "list", "elements": "str", "required": True},
    "resources": {"type": "list", "elements": "str", "default": ["*"]},
    "context": {"type": "dict", "default": {}},
}
_CHECK = {
    "principals": {"type": "list", "elements": "str", "required": True},
    "preset": {"type": "str", "choices": list(PRESETS)},
    "may": {"type": "list", "elements": "dict", "default": [], "options": _EXPECTATION},
    "may_not": {"type": "list", "elements": "dict", "default": [], "options": _EXPECTATION},
    "context": {"type": "dict", "default": {}},
}
ARGUMENT_SPEC: Dict[str, Any] = {
    "checks": {"type": "list", "elements": "dict", "required": True, "options": _CHECK},
    "fail_on_difference": {"type": "bool", "default": False},
    "allow_root": {"type": "bool", "default": False},
}


def ask(module: AnsibleAWSModule) -> Dict[str, Any]:
    """Return the result of the task."""
    checks, region = module.params["checks"], module.region or ""
    questions.questions(checks, Context.placeholder(region))
    client = session.patient(module.client)
    who = session.caller(client("sts", config=session.CLIENT_CONFIG), module.params["allow_root"])
    asked = questions.questions(checks, Context(who.partition, who.account, region))
    answers = Simulator(client("iam", config=session.CLIENT_CONFIG)).answers(questions.batches(asked))
    table = questions.rows(asked, answers)
    differences = [f"{row['principal']}: {questions.difference(row)}" for row in table if not row["agrees"]]
    return {"rows": table, "differences": differences, "limits": questions.limits(table)}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = ask(module)
    except (InputError, Refusal) as error:
        module.fail_json(msg=str(error))
    except (ClientError, BotoCoreError) as error:
        module.fail_json_aws(Answered(error), msg="Could not ask who calls")
    if result["differences"] and module.params["fail_on_difference"]:
        count = len(result["differences"])
        module.fail_json(
            msg=f"{count} of {len(result['rows'])} answers differ or are missing: {'; '.join(result['differences'][:20])}", **result
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
