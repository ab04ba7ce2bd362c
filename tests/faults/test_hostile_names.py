# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that nobody should give: what is taken here is taken by AWS's own models, and what is the same to IAM is refused.

The oracle is what the models of botocore write down: pattern, shortest and longest of each member.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from typing import Any, Callable, Dict, List, Tuple

import botocore.session
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import (
    agent_parameter_options,
    grants,
    inventory,
    key_options,
    leaving,
    names,
    options,
    shared_key_options,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import options as agent_options
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.duration import duration
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import references, requests
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import spec as identities_spec
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.instance_association import rules as association_rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import options as registration_options
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences import options as preferences_options
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.user_name import check_user_name, user_name
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.hostile import hostile, outcome, plain_data, texts

Shape = Tuple[str, ...]


@cache
def limits(*path: str) -> Dict[str, Any]:
    """Return what botocore's model of AWS says of a member: ``("iam", "CreateRole", "RoleName")``."""
    shape = botocore.session.get_session().get_service_model(path[0]).operation_model(path[1]).input_shape
    for part in path[2:]:
        shape = shape.member if part == "*" else shape.members[part]
    return dict(shape.metadata)


def aws_takes(value: str, *path: str) -> bool:
    """Return whether AWS takes a value, as far as its model says."""
    rule = limits(*path)
    value.encode()
    # AWS counts as Java does: a character beyond the basic plane is two.
    length = len(value.encode("utf-16-le")) // 2
    if not rule.get("min", 0) <= length <= rule.get("max", 10**6):
        return False
    pattern = rule.get("pattern", "")
    if r"\p{L}" in pattern:
        return all(unicodedata.category(letter)[0] in "LZN" or letter in "_.:/=+-@" for letter in value)
    return re.fullmatch(pattern, value, re.ASCII) is not None if pattern else True


def named(kind: str) -> Callable[[str], str]:
    return lambda value: names.name(kind, value, "entry")


def registered(option: str, result: str) -> Callable[[str], str]:
    base = {
        **{name: spec.get("default") for name, spec in registration_options.ARGUMENT_SPEC.items()},
        "region": "eu-west-1",
        "iam_role": "R",
    }
    return lambda value: str(getattr(registration_options.rules({**base, option: value}, "web1"), result))


def parametered(option: str, result: str) -> Callable[[str], str]:
    base = {
        **{name: spec.get("default") for name, spec in agent_parameter_options.ARGUMENT_SPEC.items()},
        "name": "AmazonCloudWatch-a",
        "config": {},
    }
    return lambda value: str(getattr(agent_parameter_options.rules({**base, option: value})[0], result))


def leased(value: str) -> str:
    lease = {"role": "R", "via": "assume_role", "external_id": value, "metadata_endpoint": "", "ssm_endpoint": ""}
    return agent_parameter_options.lease_rules(lease, 1).external_id


def preferred(value: str) -> str:
    return preferences_options.wanted({**PREFERENCES, "name": value}).name


PREFERENCES = {
    "name": "SSM-SessionManagerRunShell", "state": "present", "owned_by": "default", "description": None, "allow_weaker": False,
    "verify": True, "create": False, "s3_cross_account": False, "s3_kms_key_arn": None, "log_group_kms_key_arn": None,
    "log_group_retention": None, "activation_tier": None, "delete_unowned": False,
}  # fmt: skip

ROWS: List[Tuple[str, Callable[[str], Any], Shape]] = [
    ("policy", named("managed policy"), ("iam", "CreatePolicy", "PolicyName")),
    ("role", named("role"), ("iam", "CreateRole", "RoleName")),
    ("user", named("user"), ("iam", "CreateUser", "UserName")),
    ("instance profile", named("instance profile"), ("iam", "CreateInstanceProfile", "InstanceProfileName")),
    ("inline policy", named("inline policy"), ("iam", "PutRolePolicy", "PolicyName")),
    ("path of a policy", lambda value: names.path("managed policy", value, "entry"), ("iam", "CreatePolicy", "Path")),
    ("path of a role", lambda value: names.path("role", value, "entry"), ("iam", "CreateRole", "Path")),
    ("description", lambda value: names.description(value, "entry"), ("iam", "CreateRole", "Description")),
    ("key of a tag", lambda value: next(iter(names.tags({value: ""}, "entry"))), ("iam", "TagRole", "Tags", "*", "Key")),
    ("value of a tag", lambda value: names.tags({"a": value}, "entry")["a"], ("iam", "TagRole", "Tags", "*", "Value")),
    ("owner", names.owner, ("ssm", "CreateActivation", "Tags", "*", "Value")),
    ("node", registered("name", "name"), ("ssm", "CreateActivation", "DefaultInstanceName")),
    ("role of a node", registered("iam_role", "iam_role"), ("ssm", "CreateActivation", "IamRole")),
    ("owner of a node", registered("owned_by", "owned_by"), ("ssm", "CreateActivation", "Tags", "*", "Value")),
    ("parameter", parametered("name", "name"), ("ssm", "PutParameter", "Name")),
    ("description of a parameter", parametered("description", "description"), ("ssm", "PutParameter", "Description")),
    ("KMS key", parametered("kms_key_id", "kms_key_id"), ("ssm", "PutParameter", "KeyId")),
    ("external id", leased, ("sts", "AssumeRole", "ExternalId")),
    ("session document", preferred, ("ssm", "CreateDocument", "Name")),
    ("host's user", user_name, ("iam", "CreateUser", "UserName")),
]  # fmt: skip
LIKELY = texts("web1", "Role_1", "a.b", "/x/", "ä", "日本", "٣", "Ⅷ", "²", "_", "@", "+=,.@-", "arn:aws:iam::1:role/x", "𝒳", "🄰", longest=4)


@pytest.mark.parametrize(("take", "shape"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
@hostile(40, 1500)
@given(LIKELY)
def test_what_is_taken_is_taken_by_aws(take: Callable[[str], Any], shape: Shape, value: str) -> None:
    taken, _why = outcome(lambda: take(value))
    if taken not in ("", "None", None):
        assert aws_takes(taken, *shape), f"{taken[:80]!r} would fail after the first call"


TEXTS: Dict[str, Callable[[str], Any]] = {
    "user of a key": check_user_name,
    "path of a file": lambda value: key_options.absolute("path", "/" + value),
    "KMS key of a store": shared_key_options.check_kms_key,
    "parameter of a store": lambda value: shared_key_options.place({"parameter": value}, writes=False),
    "duration": duration,
    "configuration's origin": agent_options.origin,
    "configuration's parameter": lambda value: agent_options.check_parameter(value, ["AmazonCloudWatch-", value]),
    "reference to a policy": lambda value: references.check(value, Context.placeholder(), "entry"),
    "reference by account": lambda value: references.check("account:" + value, Context.placeholder(), "entry"),
    "reference by ARN": lambda value: references.check("arn:" + value, Context.placeholder(), "entry"),
    "list in text": lambda value: grants.listed(value, "list"),
    "prefix of users": lambda value: user_name("web1", value),
    "instance": lambda value: association_rules({**ASSOCIATION, "instance_ids": [value]}),
    "instance profile": lambda value: association_rules({**ASSOCIATION, "instance_profile": value}),
    "filter": lambda value: association_rules({**ASSOCIATION, "instance_ids": [], "filters": {value: value}}),
}
ASSOCIATION = {
    "instance_profile": "P", "state": "present", "replace": "false", "instance_ids": ["i-0123456789abcdef0"], "filters": {},
    "allow_no_match": False, "leave_others": False, "reboot": False, "guard": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
@hostile(30, 1500)
@given(LIKELY)
def test_texts_are_taken_or_refused_in_words(name: str, value: str) -> None:
    outcome(lambda: TEXTS[name](value))


@hostile(100, 3000)
@given(plain_data("name", "state", "policies", "tags", "web1"), plain_data("wanted", "managed", "preset", "name", "parameters", "options"))
def test_data_of_the_wrong_shape_is_refused_in_words(value: Any, grant: Any) -> None:
    declared = (options.Option("name", required=True), options.Option("tags", "texts"), options.Option("state", "flag"))
    deeper = (*declared, options.Option("policies", "records", members=declared))
    for call in (
        lambda: options.read(value, deeper, "entry"),
        lambda: grants.policy_entries([grant if isinstance(grant, dict) else {"managed": grant}]),
        lambda: grants.policy_names([grant if isinstance(grant, dict) else {"name": grant, "preset": grant}], value),
        lambda: names.tags(value if isinstance(value, dict) else {"a": value}, "entry"),
    ):
        outcome(call)


@hostile(60, 2000)
@given(st.dictionaries(LIKELY, st.fixed_dictionaries({}, optional={
    inventory.OVERRIDE: LIKELY,
    inventory.SCOPE: st.sampled_from(["host", "shared", "x"]),
    inventory.CREDENTIALS: st.sampled_from(["ssm", "access_key", "\n"]),
}), max_size=6))  # fmt: skip
def test_no_two_hosts_have_one_user(hostvars: Dict[str, Dict[str, Any]]) -> None:
    """Hosts whose names differ in case, in accents, or in what cannot be part of a user's name."""
    found, why = outcome(lambda: inventory.agent_user_names(list(hostvars), hostvars))
    outcome(lambda: inventory.shared_users(list(hostvars), hostvars))
    outcome(lambda: leaving.kept_users(list(hostvars), [], hostvars))
    if why:
        return
    assert len({name.casefold() for name in found}) == len(found)
    own = [
        host for host, given_of in hostvars.items() if not given_of.get(inventory.OVERRIDE) and given_of.get(inventory.CREDENTIALS) != "ssm"
    ]
    assert all(user_name(host) in found and aws_takes(user_name(host), "iam", "CreateUser", "UserName") for host in own)


@hostile(150, 5000)
@given(st.lists(LIKELY.filter(bool), min_size=2, max_size=2, unique=True))
def test_names_of_users_keep_hosts_apart(hosts: List[str]) -> None:
    one, other = map(user_name, hosts)
    assert one.lower() != other.lower()


ENTRY = {
    "state": "present", "path": "/", "description": None, "document": None, "preset": "cwagent_server", "options": None, "tags": None,
    "purge_tags": False,
}  # fmt: skip


@hostile(60, 2000)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"name": LIKELY}, optional={"path": LIKELY, "description": LIKELY, "tags": st.dictionaries(LIKELY, LIKELY, max_size=3)}
        ),
        min_size=1,
        max_size=3,
    ),
    st.dictionaries(LIKELY, LIKELY, max_size=2),
    LIKELY,
)
def test_policies_of_a_task_are_refused_or_sent_exactly(entries: List[Dict[str, Any]], tags: Dict[str, str], owner: str) -> None:
    asked = {
        **{name: spec.get("default") for name, spec in identities_spec.ARGUMENT_SPEC.items()},
        "policies": [{**ENTRY, **entry, "path": entry.get("path", "/")} for entry in entries], "tags": tags, "owned_by": owner,
    }  # fmt: skip
    request, why = outcome(lambda: requests.request(asked, Context.placeholder("eu-west-1")))
    if why:
        return
    assert [policy.name for policy in request.policies] == [entry["name"] for entry in entries]
    assert len({policy.name.lower() for policy in request.policies}) == len(entries)
    for policy, entry in zip(request.policies, entries, strict=True):
        assert policy.tags == entry.get("tags") and policy.description == entry.get("description")
    assert json.loads(json.dumps([dict(request.tags), request.owned_by])) == [tags, owner]
