# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of identities have in common: options as a task gives them, and records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import plan, requests, target
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.records import (
    Identities,
    InstanceProfile,
    Policy,
    Role,
    User,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.tags import OWNER_TAG
from ansible_collections.hybridops.aws_agents.plugins.modules.iam_identities import ARGUMENT_SPEC

CONTEXT = Context("aws", "123456789012", "eu-west-1")
EC2_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
MINE = {OWNER_TAG: "default"}
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
P_ARN = "arn:aws:iam::123456789012:policy/P"
AGENT = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"


def document(*actions: str) -> Dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": ["*"]}]}


def options(**given: Any) -> Dict[str, Any]:
    """Return a task's options as the module sees them, defaults filled in.

    :raises InputError: for what Ansible itself refuses.
    """
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    if result.error_messages:
        raise InputError("; ".join(result.error_messages))
    return dict(result.validated_parameters)


def request(**given: Any) -> requests.Request:
    return requests.request(options(**given), CONTEXT)


def planned(actual: Identities, context: Context = CONTEXT, **given: Any) -> list[Change]:
    wanted = requests.request(options(**given), context)
    there = everything(wanted, actual)
    return plan.plan(wanted, target.target(wanted, there, context), there)


def words(actual: Identities, **given: Any) -> list[str]:
    return [str(change) for change in planned(actual, **given)]


def everything(wanted: requests.Request, actual: Identities) -> Identities:
    """Fill in what the request names and the account lacks."""
    return replace(
        actual,
        policies={**{entry.name: None for entry in wanted.policies}, **actual.policies},
        roles={**{entry.name: None for entry in wanted.roles}, **actual.roles},
        users={**{entry.name: None for entry in wanted.users}, **actual.users},
    )


def account(*records: Any, **more: Any) -> Identities:
    """Return an account that holds ``records``. AWS managed policies that tests refer to exist."""
    known = {"AmazonSSMManagedInstanceCore": CORE, "CloudWatchAgentServerPolicy": AGENT, CORE: CORE, P_ARN: P_ARN}
    more.setdefault("found", known)
    return Identities(
        policies={record.name: record for record in records if isinstance(record, Policy)},
        roles={record.name: record for record in records if isinstance(record, Role)},
        users={record.name: record for record in records if isinstance(record, User)},
        **more,
    )


def policy(name: str = "P", **fields: Any) -> Policy:
    base = Policy(name, "/", f"arn:aws:iam::123456789012:policy/{name}", "", document("s3:GetObject"), dict(MINE))
    return replace(base, **fields)


def role(name: str = "R", **fields: Any) -> Role:
    base = Role(name, "/", f"arn:aws:iam::123456789012:role/{name}", EC2_TRUST, "", 3600, None, (), None, dict(MINE))
    return replace(base, **fields)


def user(name: str = "u", **fields: Any) -> User:
    return replace(User(name, "/", f"arn:aws:iam::123456789012:user/{name}", None, (), None, dict(MINE)), **fields)


def profile(name: str = "R", *roles: str, **fields: Any) -> InstanceProfile:
    return replace(InstanceProfile(name, "/", f"arn:aws:iam::123456789012:instance-profile/{name}", roles, dict(MINE)), **fields)
