# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit finds, and what it leaves alone: a table of accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import document, views
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import judge as judging
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import rules as options
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.kinds import KINDS, SEVERITIES
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.leftovers import ACTIVATION_TIER, DEFAULT_HOST_ROLE
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.records import (
    Acceptance,
    Activation,
    Drift,
    Node,
    OwnPolicy,
    Profile,
    Unseen,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue.by_name import build
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.lease import LEASE_POLICY, LEASE_TAG
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.offboarding import DENY, POLICY
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change

from tests.support.tree import ROOT
from tests.unit.audit.cases import AWS, EC2, NOW, ago, key, policy, role, rules, seen, user

WORLD = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
GONE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}, "Action": "sts:AssumeRole"}],
}
LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EC2_AND_A_ROLE = {
    "Version": "2012-10-17",
    "Statement": [
        *EC2["Statement"],
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/ops"}, "Action": "sts:AssumeRole"},
    ],
}
OLD_SERVER = build("cwagent_server", {}, Context(), "old")
OWN = "arn:aws:iam::123456789012:policy/"
USER = "cwagent-web1"
HOSTS = rules(hosts_users=frozenset([USER]))
BOUND = rules(boundary="account:/Limit")
ROW = {"principal": "arn:aws:iam::1:role/web", "action": "iam:CreateUser", "resource": "*", "policies": [{"id": "own"}], "not_seen": None}


def keyed(*keys: Any, **given: Any) -> Any:
    return seen(user(**given), keys={USER: keys})


def activation(**given: Any) -> Any:
    values = {"limit": 1, "used": 0, "created": ago(minutes=5), "expires": ago(minutes=-10), **given}
    return seen(activations=(Activation("a-1", "Hybrid", **values),))


def node(status: str, **silent: float) -> Any:
    return seen(nodes=(Node("mi-1", "web", status, ago(**silent) if silent else None),))


CASES: dict[str, tuple[Any, Any, dict[str, str]]] = {
    "all is well": (
        seen(role(attached=(AWS + "CloudWatchAgentServerPolicy",)), user(), keys={USER: (key(ago(days=3), used=ago(hours=5)),)},
             passwords={USER: False}, profiles=(Profile("web", ("web",)),)),
        HOSTS, {},
    ),
    "nobody's identities are not looked at": (seen(role(tags={}, trust=WORLD, profiles=()), user(tags={})), rules(), {}),
    "unless they are named": (seen(role(tags={}, trust=WORLD)), rules(roles=frozenset(["web"])), {"trust-wide": "role web"}),
    "another owner's are not, when one is named": (seen(role(trust=WORLD)), rules(owned_by="blue"), {}),
    "trust of anybody": (seen(role(trust=WORLD)), rules(), {"trust-wide": "role web"}),
    "trust of somebody deleted": (seen(role(trust=GONE)), rules(), {"trust-of-deleted": "role web"}),
    "all rights by a policy of AWS": (seen(role(attached=(AWS + "AdministratorAccess",))), rules(), {"admin-policy": "role web"}),
    "a policy of that name of one's own": (seen(role(attached=(OWN + "AdministratorAccess",))), rules(), {}),
    "all rights by one's own": (
        seen(role(attached=(OWN + "P",)), policies=(OwnPolicy("P", OWN + "P", policy("iam:*")),)), rules(), {"admin-policy": "role web"},
    ),
    **{
        f"{wide} by one's own": (
            seen(role(attached=(OWN + "P",)), policies=(OwnPolicy("P", OWN + "P", policy(wide)),)), rules(), {"admin-policy": "role web"},
        )
        for wide in ("*", "*:*", "sts:*", "IAM:*")
    },
    "all rights on one resource": (
        seen(role(attached=(OWN + "P",)), policies=(OwnPolicy("P", OWN + "P", policy("iam:*", OWN)),)), rules(), {},
    ),
    "all denied": (seen(role(inline={POLICY: DENY})), rules(), {}),
    "all rights inline": (
        seen(user(inline={"x": policy("*")})), rules(), {"admin-policy": f"user {USER}", "policy-inline": f"user {USER}"},
    ),
    "an inline policy that is expected": (
        seen(user(inline={"x": policy("s3:GetObject")})), rules(expected_inline={f"user {USER}": frozenset("x")}), {},
    ),
    "a boundary that is missing": (seen(role()), BOUND, {"boundary-missing": "role web"}),
    "another boundary": (seen(role(boundary=OWN + "Other")), BOUND, {"boundary-other": "role web"}),
    "the boundary": (seen(role(boundary=OWN + "Limit")), BOUND, {}),
    "any boundary": (seen(role(boundary=OWN + "Other")), rules(boundary="any"), {}),
    "a password": (seen(user(), passwords={USER: True}), rules(), {"password": f"user {USER}"}),
    "groups": (seen(user(groups=("admins",))), rules(), {"group-member": f"user {USER}"}),
    "a profile without its role": (
        seen(role(profiles=()), profiles=(Profile("web", ()),)), rules(),
        {"profile-empty": "instance profile web", "role-without-profile": "role web"},
    ),
    "somebody else's empty profile": (seen(role(), profiles=(Profile("other", ()),)), rules(), {}),
    "a role that people assume": (seen(role(trust=EC2_AND_A_ROLE, profiles=())), rules(), {}),
    "a role that was named and is not there": (
        seen(role()), rules(asked=frozenset(["role WEB", "role Webb"])), {"identity-missing": "role Webb"},
    ),
    "one that was not read": (
        seen(unseen=(Unseen("role web", "AccessDenied"),)), rules(asked=frozenset(["role web"])), {"not-seen": "role web"},
    ),
    "a role that is not EC2's": (seen(role(trust=LAMBDA, profiles=())), rules(), {}),
    "a deprecated policy, anywhere": (
        seen(role("theirs", tags={}, attached=(AWS + "service-role/AmazonEC2RoleforSSM",))), rules(), {"policy-deprecated": "role theirs"},
    ),
    "the policy of 2018, anywhere and by any name": (
        seen(role(tags={}, attached=(OWN + "P",)), user(inline={"x": OLD_SERVER}), policies=(OwnPolicy("P", OWN + "P", OLD_SERVER),)),
        rules(expected_inline={f"user {USER}": frozenset("x")}), {"policy-of-2018": f"role web, user {USER}"},
    ),
    "an old key": (keyed(key(ago(days=91), used=ago(hours=9))), HOSTS, {"key-old": f"access key AKIAEXAMPLE of user {USER}"}),
    "a key of that age": (keyed(key(ago(days=90), used=ago(hours=9))), HOSTS, {}),
    "keys of any age": (keyed(key(ago(days=900), used=ago(hours=9))), rules(max_key_age=None), {}),
    "a key that is not used any more": (
        keyed(key(ago(days=80), used=ago(days=46))), HOSTS, {"key-unused": f"access key AKIAEXAMPLE of user {USER}"},
    ),
    "a key that was never used": (keyed(key(ago(days=46))), HOSTS, {"key-unused": f"access key AKIAEXAMPLE of user {USER}"}),
    "a new key that was never used": (keyed(key(ago(days=44))), HOSTS, {}),
    "a key that somebody deactivated": (
        keyed(key(ago(days=400), False)), HOSTS, {"key-inactive": f"access key AKIAEXAMPLE of user {USER}"},
    ),
    "a retired key": (keyed(key(ago(days=400), False, tagged=ago(days=6))), HOSTS, {}),
    "a retired key beyond its grace": (
        keyed(key(ago(days=400), False, tagged=ago(days=8))), HOSTS, {"key-retired-due": f"access key AKIAEXAMPLE of user {USER}"},
    ),
    "a retired key that was used": (
        keyed(key(ago(days=400), False, tagged=ago(days=8), used=ago(days=1))), HOSTS,
        {"key-used-when-retired": f"access key AKIAEXAMPLE of user {USER}"},
    ),
    "a rotation": (keyed(key(ago(days=60), used=ago(days=1)), key(ago(days=6), id="AKIANEW")), HOSTS, {}),
    "two keys for good": (
        keyed(key(ago(days=60), used=ago(days=1)), key(ago(days=8), id="AKIANEW", used=ago(days=1))), HOSTS, {"keys-two": f"user {USER}"},
    ),
    "an orphan with a key": (keyed(key(ago(days=1))), rules(hosts_users=frozenset()), {"user-orphan": f"user {USER}"}),
    "an orphan without a key that works": (
        keyed(key(ago(days=1), False, tagged=ago(days=1))), rules(hosts_users=frozenset()), {"user-orphan-idle": f"user {USER}"},
    ),
    "a user that needs no host": (keyed(key(ago(days=1))), rules(hosts_users=frozenset(), users=frozenset([USER])), {}),
    "a user whose host writes it in other letters": (
        keyed(key(ago(days=1))), rules(hosts_users=frozenset([USER.upper()])), {},
    ),
    "orphans are not known without hosts": (keyed(key(ago(days=1))), rules(), {}),
    "an orphan whose keys were not read": (seen(user()), rules(hosts_users=frozenset()), {}),
    "a host without a user": (seen(), HOSTS, {"host-without-user": f"user {USER}"}),
    "in other letters": (seen(user(USER.upper())), rules(hosts_users=frozenset([USER, USER.upper()])), {}),
    "a user that was not read is not missing": (
        seen(unseen=(Unseen(f"user {USER}", "AccessDenied"),)), HOSTS, {"not-seen": f"user {USER}"},
    ),
    "a lease that is over": (
        seen(role(tags={}, inline={LEASE_POLICY: policy("ssm:PutParameter")})), rules(), {"lease-left": "role web"},
    ),
    "a lease on an instance": (
        seen(leased_instances={"i-1": "until=2026-05-31T00:00:00Z profile=web"}), rules(), {"lease-left": "instance i-1"},
    ),
    "a lease in force": (
        seen(user(tags={LEASE_TAG: "until=2026-06-01T12:10:00Z key=AKIAEXAMPLE"})), rules(), {"lease-held": f"user {USER}"},
    ),
    "an activation of a run at work": (activation(), rules(), {}),
    "an open activation": (activation(limit=10), rules(), {"activation-open": "activation a-1"}),
    "one that was made long ago": (activation(created=ago(hours=2)), rules(), {"activation-open": "activation a-1"}),
    "one that ends late": (activation(expires=ago(days=-1)), rules(), {"activation-open": "activation a-1"}),
    "one that is used up": (activation(used=1), rules(), {"activation-left": "activation a-1"}),
    "one that is over": (activation(limit=10, expires=ago(days=1)), rules(), {"activation-left": "activation a-1"}),
    "a node that is there": (node("Online", days=90), rules(), {}),
    "a node that is silent": (node("ConnectionLost", days=31), rules(), {"node-offline": "node mi-1"}),
    "a node that was there lately": (node("ConnectionLost", days=29), rules(), {}),
    "a node that never was": (node("Inactive"), rules(), {"node-offline": "node mi-1"}),
    "silence does not matter": (node("Inactive"), rules(offline_after=None), {}),
    "Quick Setup": (seen(role("AWS-QuickSetup-x", tags={})), rules(), {"quick-setup": "role AWS-QuickSetup-x"}),
    "its policy": (
        seen(role(tags={}, attached=(AWS + "AmazonSSMManagedEC2InstanceDefaultPolicy",))), rules(), {"default-host-management": "role web"},
    ),
    "its setting": (
        seen(settings={DEFAULT_HOST_ROLE: "service-role/x"}), rules(),
        {"default-host-management": "Region eu-west-1"},
    ),
    "no setting": (
        seen(settings={DEFAULT_HOST_ROLE: "$None", ACTIVATION_TIER: "standard"}),
        rules(), {},
    ),
    "the tier that costs": (
        seen(settings={ACTIVATION_TIER: "advanced"}), rules(), {"advanced-instances": "Region eu-west-1"},
    ),
    "drift": (
        seen(drifts=(Drift("expected, member 1", (Change("attach", "managed policy", AWS + "X", "role web"),
                                                  Change("create", "role", "app"),
                                                  Change("detach", "managed policy", AWS + "Y", "role web", implied=True))),)),
        rules(), {"drift": "role app, role web", "policy-extra": "role web"},
    ),
    "no plan": (
        seen(drifts=(Drift("expected, member 1", refusal="It belongs to blue."),)), rules(), {"drift-refused": "expected, member 1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_findings(name: str) -> None:
    account, wanted, expected = CASES[name]
    kinds: dict[str, list[str]] = {}
    for one in judging.judge(account, wanted).findings:
        kinds.setdefault(one.id, []).append(one.object)
    assert {kind: ", ".join(where) for kind, where in kinds.items()} == expected


def test_every_kind_has_a_case_and_is_documented() -> None:
    elsewhere = {"may-too-much", "may-too-little"}
    assert set(KINDS) == {kind for _account, _rules, expected in CASES.values() for kind in expected} | elsewhere
    guide = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"| `{kind}` | {KINDS[kind].severity} |" not in guide] == []
    assert {kind.severity for kind in KINDS.values()} == set(SEVERITIES)


def test_predictions_of_roles() -> None:
    predicted = [
        {"name": "role x", "changes": ["detach managed policy arn from role web", "create tag team for user a", "something new"]},
        {"name": "role y", "changes": [], "refusal": "No."},
    ]
    found = judging.judge(seen(), rules(), predicted).findings
    assert [(one.id, one.object) for one in found] == [
        ("drift-refused", "role y"), ("drift", "role x"), ("drift", "user a"), ("policy-extra", "role web"),
    ]  # fmt: skip


def test_answers_that_differ_are_one_finding_for_each_principal() -> None:
    rows = [
        {**ROW, "expected": "may_not", "agrees": False},
        {**ROW, "expected": "may_not", "agrees": False, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/o"},
        {**ROW, "expected": "may", "agrees": False},
        {**ROW, "expected": "may", "agrees": True},
        {**ROW, "expected": "may", "agrees": None, "not_seen": "AccessDenied"},
    ]
    assert [(one.id, one.object, one.what) for one in judging.judge(seen(), rules(), (), rows).findings] == [
        ("may-too-much", "role web", "iam:CreateUser, s3:GetObject on arn:aws:s3:::b/o (by own)"),
        ("may-too-little", "role web", "iam:CreateUser (by own)"),
        ("not-seen", "what role/web may do", "AccessDenied"),
    ]


def test_other_severities_and_accepted_findings() -> None:
    account = seen(role(trust=WORLD), user(groups=("admins",)))
    until = NOW + timedelta(days=1)
    wanted = rules(severities={"trust-wide": "info"}, accept=(Acceptance("group-member", "user cw*", "They know.", until),))
    verdict = judging.judge(account, wanted)
    assert [(one.id, one.severity) for one in verdict.findings] == [("trust-wide", "info")]
    assert [(one.id, reason) for one, reason in verdict.accepted] == [("group-member", "They know.")]
    assert verdict.counts == {"high": 0, "medium": 0, "low": 0, "info": 1}
    over = rules(accept=(Acceptance("group-member", "*", "They know.", NOW),))
    assert [one.id for one in judging.judge(account, over).findings] == ["trust-wide", "group-member"]


OPTIONS = {
    "owned_by": None, "roles": [], "users": [], "hosts_users": None, "max_key_age": "90d", "unused_after": "never", "grace": "7d",
    "offline_after": "30d", "required_boundary": None, "severities": {}, "accept": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"accept": [{"id": "nothing", "object": "*", "reason": "x", "until": None}]}, "is no kind of finding"),
        ({"accept": [{"id": "drift", "object": "*", "reason": " ", "until": None}]}, "needs a reason"),
        ({"accept": [{"id": "drift", "object": "*", "reason": "x", "until": "soon"}]}, "is no date"),
        ({"severities": {"drift": "grave"}}, "is none of high, medium, low, info"),
        ({"severities": {"nothing": "low"}}, "is no kind of finding"),
        ({"roles": ["a b"]}, "not a valid role name"),
        ({"max_key_age": "old"}, "max_key_age"),
        ({"required_boundary": "account:"}, "required_boundary"),
    ],
)
def test_wrong_options(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        options.rules({**OPTIONS, **given})


def test_options() -> None:
    wanted = options.rules(OPTIONS)
    assert options.rules({**OPTIONS, "roles": ["web"], "users": ["u"]}).asked == {"role web", "user u"}
    assert (wanted.owned_by, wanted.hosts_users, wanted.unused_after, wanted.max_key_age) == (None, None, None, timedelta(days=90))


def test_what_predicted_roles_ask_for_is_no_finding() -> None:
    """An administrator's user has no host, and a role may have the inline policy that was asked for."""
    account = seen(role(inline={"Own": policy("s3:GetObject")}), user("admin"), keys={"admin": (key(ago(days=1)),)})
    alone = rules(hosts_users=frozenset())
    assert [one.id for one in judging.judge(account, alone).findings] == ["user-orphan", "policy-inline"]
    task = {"users": ["admin"], "inline_policies": {"role web": ["Own"]}}
    told = options.predicting(alone, [task, {"users": [], "inline_policies": {}}])
    assert judging.judge(account, told).findings == ()


def test_a_document_says_what_fails_a_run() -> None:
    account = seen(role(trust=WORLD), user(groups=("admins",)))
    shown = views.view(account, rules(), judging.judge(account, rules()))
    assert [document.document(shown, None, level)["failing"] for level in ("high", "medium", "info", "never")] == [1, 2, 2, 0]
    assert document.document(shown)["summary"][0] == "account 123456789012, Region eu-west-1, 2026-06-01T12:00:00Z: 1 high, 1 medium"
    with pytest.raises(InputError, match="grave"):
        document.document(shown, None, "grave")
