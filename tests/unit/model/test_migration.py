# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving identities off retired policies: who is found, in which order, what stays, and what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import migration, migration_report
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.records import Policy, Version
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.migration import Account, Holder

PRINTED = Path(__file__).parents[1] / "golden" / "documents"
SERVER, ADMIN = (json.loads((PRINTED / f"cwagent_{name}.json").read_text()) for name in ("server", "admin"))
CONTEXT = Context("aws-cn", "111122223333")
AWS, OWN = "arn:aws-cn:iam::aws:policy/", "arn:aws-cn:iam::111122223333:policy/"
SSM, CORE, AGENT, ADMINISTRATOR = (
    AWS + name
    for name in (
        "service-role/AmazonEC2RoleforSSM",
        "AmazonSSMManagedInstanceCore",
        "CloudWatchAgentServerPolicy",
        "CloudWatchAgentAdminPolicy",
    )
)
MINE, OTHER = OWN + "agents/Mine", OWN + "Other"
TEN = tuple(f"{AWS}P{number}" for number in range(10))

OPTIONS = {
    "state": "migrated", "identities": [], "all": False, "ssm_policies": ["AmazonSSMManagedInstanceCore"],
    "server_policies": ["CloudWatchAgentServerPolicy"], "admin_policies": ["CloudWatchAgentAdminPolicy"],
    "delete_policies": False, "allow_gap": False,
}  # fmt: skip


def allow(*actions, on="*"):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": on}]}


def policy(arn, document, versions=1):
    path, _slash, name = arn.partition(":policy")[2].rpartition("/")
    return Policy(name, f"{path}/", arn, "", document, {}, tuple(Version(f"v{n}", n == versions) for n in range(1, versions + 1)))


TEXTS = {
    SSM: allow(
        "ssm:UpdateInstanceInformation", "s3:GetObject", "s3:PutObject", "logs:PutLogEvents", "ds:CreateComputer", "ssm:GetParameters"
    ),
    CORE: allow("ssm:UpdateInstanceInformation", "ssm:GetParameter", "ssm:GetParameters"),
    AGENT: allow("logs:PutLogEvents", "logs:PutRetentionPolicy"),
    ADMINISTRATOR: allow("ssm:PutParameter", on="arn:aws-cn:ssm:*:*:parameter/AmazonCloudWatch-*"),
    **{arn: allow("sts:GetCallerIdentity") for arn in TEN},
}
FOUND = {**{name.rpartition("/")[2]: name for name in (CORE, AGENT, ADMINISTRATOR)}, OTHER: OTHER}


def holder(kind="role", name="web", attached=(SSM,), path="/", **more):
    return Holder(kind, name, path, f"arn:aws-cn:iam::111122223333:{kind}{path}{name}", tuple(sorted(attached)), **more)


def account(*holders, versions=1):
    return Account(holders, {MINE: policy(MINE, SERVER, versions), OTHER: policy(OTHER, allow("s3:GetObject"))}, TEXTS, FOUND)


def run(*holders, versions=1, actual=None, **options):
    """Return the changes in short words, and what is told."""
    actual = actual or account(*holders, versions=versions)
    wanted = migration.rules({**OPTIONS, "all": not options.get("identities"), **options})
    target = migration.target(wanted, actual, CONTEXT)
    changes = migration.plan(wanted, target, actual)
    asked = {one.id for one in migration.chosen(wanted, actual)} if wanted.move else set()
    told = migration_report.report(wanted, actual, CONTEXT, asked, migration_report.done(changes, []))
    again = migration.target(wanted, target, CONTEXT)
    assert migration.plan(wanted, again, target) == []
    return [str(change).replace("managed policy ", "").replace(AWS, "").replace(OWN, "") for change in changes], told


NEW, OLD = "attach AmazonSSMManagedInstanceCore to", "detach service-role/AmazonEC2RoleforSSM from"
PLANS = {
    "nobody": ([holder(attached=[CORE])], {}, []),
    "a role": ([holder()], {}, [f"{NEW} role web", f"{OLD} role web"]),
    "all, attached before any is detached": (
        [holder(), holder("user", "web1", [SSM, MINE])],
        {},
        [
            "attach AmazonSSMManagedInstanceCore to user web1",
            "attach CloudWatchAgentServerPolicy to user web1",
            f"{NEW} role web",
            f"{OLD} role web",
            "detach agents/Mine from user web1",
            f"{OLD} user web1",
        ],
    ),
    "one of them": ([holder(), holder(name="db")], {"identities": ["role/db"]}, [f"{NEW} role db", f"{OLD} role db"]),
    "by name and by ARN": (
        [holder(), holder("user", "web1")],
        {"identities": ["web", "arn:aws-cn:iam::111122223333:user/web1"]},
        [f"{NEW} user web1", f"{NEW} role web", f"{OLD} role web", f"{OLD} user web1"],
    ),
    "has the new one": ([holder(attached=[SSM, CORE])], {}, [f"{OLD} role web"]),
    "two in the place of one": (
        [holder()],
        {"ssm_policies": ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"]},
        [f"{NEW} role web", "attach CloudWatchAgentServerPolicy to role web", f"{OLD} role web"],
    ),
    "one of ours in its place": ([holder()], {"ssm_policies": [OTHER]}, ["attach Other to role web", f"{OLD} role web"]),
    "a group stays": ([holder("group", "ops")], {}, []),
    "a service's role stays": ([holder(path="/aws-service-role/ssm.amazonaws.com/")], {}, []),
    "a boundary stays": ([holder(attached=(), boundary=SSM)], {}, []),
    "an inline policy stays": ([holder(attached=(), inline={"old": SERVER})], {}, []),
    "an inline policy goes": (
        [holder(attached=(), inline={"old": ADMIN, "own": allow("s3:GetObject")})],
        {"delete_policies": True, "identities": ["web"]},
        ["attach CloudWatchAgentAdminPolicy to role web", "delete inline policy old from role web"],
    ),
    "the policy goes": (
        [holder(attached=[MINE])],
        {"delete_policies": True, "identities": ["web"]},
        ["attach CloudWatchAgentServerPolicy to role web", "delete version v1 from policy Mine", "delete version v2 from policy Mine",
         "detach agents/Mine from role web", "delete policy Mine"],
    ),
    "the policy is still in use": (
        [holder(attached=[MINE]), holder("group", "ops", [MINE])],
        {"delete_policies": True},
        ["attach CloudWatchAgentServerPolicy to role web", "detach agents/Mine from role web"],
    ),
    "the policy is a boundary": (
        [holder(attached=[MINE]), holder(name="db", attached=(), boundary=MINE)],
        {"delete_policies": True},
        ["attach CloudWatchAgentServerPolicy to role web", "detach agents/Mine from role web"],
    ),
    "the policy is left of an earlier run": ([holder(attached=())], {"delete_policies": True}, ["delete policy Mine"]),
    "the policy is another's to name": ([holder(attached=())], {"delete_policies": True, "identities": ["web"]}, []),
    "the report alone": ([holder()], {"state": "report"}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_plan(name):
    holders, options, expected = PLANS[name]
    changes, _told = run(*holders, versions=3 if name == "the policy goes" else 1, **options)
    assert sorted(changes) == sorted(expected)
    steps = [change.split()[0] for change in changes if "version" not in change]
    assert steps == sorted(steps, key=["attach", "detach", "delete"].index) or "inline" in name


def test_a_full_quota():
    crowded = holder(attached=[SSM, *TEN[:9]])
    actual = replace(account(crowded), attachments_quota={"role": 10})
    with pytest.raises(Refusal, match="allow_gap: true"):
        run(actual=actual)
    assert run(actual=actual, allow_gap=True)[0] == [f"{OLD} role web", f"{NEW} role web"]
    wanted = migration.rules({**OPTIONS, "all": True})
    assert migration_report.needs_quota(wanted, actual, CONTEXT)
    assert not migration_report.needs_quota(wanted, account(holder()), CONTEXT)
    assert run(actual=replace(actual, attachments_quota={"role": 11}))[0] == [f"{NEW} role web", f"{OLD} role web"]


REFUSED = {
    "not there": ([holder()], {"identities": ["role/wbe"]}, "no role or user role/wbe"),
    "a user, and not a role": ([holder("user", "web")], {"identities": ["role/web"]}, "no role or user role/web"),
    "both": ([holder(), holder("user", "web")], {"identities": ["web"]}, "Write role/web or user/web"),
    "a service's": ([holder(path="/aws-service-role/x/")], {"identities": ["web"]}, "belongs to an AWS service"),
    "no such policy": ([holder()], {"ssm_policies": ["Wrong"]}, "no AWS managed policy named Wrong"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    holders, options, says = REFUSED[name]
    with pytest.raises(Refusal, match=says):
        run(*holders, **options)


WRONG = {
    "nobody named": ({}, "or set all: true"),
    "both": ({"identities": ["web"], "all": True}, "not both"),
    "a group": ({"identities": ["group/ops"]}, "Groups are reported only"),
    "nothing instead": ({"all": True, "server_policies": []}, "server_policies: it names nothing"),
    "itself instead": ({"all": True, "ssm_policies": ["AmazonEC2RoleforSSM"]}, "is what shall be replaced"),
    "itself by path": ({"all": True, "admin_policies": ["service-role/AmazonEC2RoleforSSM"]}, "is what shall be replaced"),
    "itself by ARN": ({"all": True, "ssm_policies": [SSM]}, "is what shall be replaced"),
    "no reference": ({"all": True, "ssm_policies": ["a b"]}, "ssm_policies: 'a b'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input(name):
    given, says = WRONG[name]
    with pytest.raises(InputError, match=says):
        migration.rules({**OPTIONS, **given})


def test_what_is_told_of_a_role():
    (told,) = run(holder(attached=[SSM, OTHER]), state="report")[1]
    assert told["retired"][0]["name"] == "AmazonEC2RoleforSSM" and told["attach"] == [CORE] and not told["moved"]
    # s3:GetObject stays, by the other policy.
    assert [one["actions"] for one in told["loses"]] == [["ds:CreateComputer", "logs:PutLogEvents", "s3:PutObject"]]
    assert [one["actions"] for one in told["gains"]] == [["ssm:GetParameter"]]
    assert [text.split()[0] for text in told["advice"]] == ["Objects", "Logs", "Instances"]
    assert told["stays"] == "this is the report alone"


def test_what_is_told_of_a_user():
    """What its groups may do counts in: it keeps that."""
    group = holder("group", "ops", [OTHER])
    (told,) = run(holder("user", "web1", groups=("ops",)), group, identities=["web1"])[1]
    assert ["s3:PutObject" in one["actions"] and "s3:GetObject" not in one["actions"] for one in told["loses"]] == [True]
    assert told["moved"] and told["stays"] == ""


def test_what_is_told_of_the_agent():
    (told,) = run(holder(attached=[OWN + "x/Admin"]), actual=replace(
        account(holder(attached=[OWN + "x/Admin"])), policies={OWN + "x/Admin": policy(OWN + "x/Admin", ADMIN)}))[1]  # fmt: skip
    narrowed = next(one for one in told["loses"] if one["actions"] == ["ssm:PutParameter"])
    assert narrowed["still"] == ["arn:aws-cn:ssm:*:*:parameter/AmazonCloudWatch-*"]
    assert any(text.startswith("Parameters: ") for text in told["advice"])


STAYS = {
    "a group": (holder("group", "ops"), {}, "groups are reported only"),
    "a service's": (holder(path="/aws-service-role/x/"), {}, "belongs to an AWS service"),
    "not asked for": (holder(), {"identities": ["db"]}, "nobody asked"),
    "inline": (holder(attached=(), inline={"old": SERVER}), {}, "delete_policies: true"),
    "a boundary": (holder(boundary=SSM), {}, "by hand"),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_stays(name):
    one, options, says = STAYS[name]
    told = next(entry for entry in run(one, holder(name="db", attached=[CORE]), **options)[1] if entry["name"] == one.name)
    assert says in told["stays"]


def test_a_move_that_was_broken_off():
    actual = account(holder(), holder(name="db"))
    wanted = migration.rules({**OPTIONS, "all": True})
    changes = migration.plan(wanted, migration.target(wanted, actual, CONTEXT), actual)
    gone = [change for change in changes if change.step == "detach"]
    assert len(gone) == 2 and migration_report.done(changes, gone[-1:]) == [gone[0].of]


def test_the_lines():
    said = migration_report.lines(run(holder(attached=[SSM, CORE]), holder("group", "ops", [MINE]))[1])
    assert said[0] == f"role web: AmazonEC2RoleforSSM ({SSM})" and "  moved" in said and said[-1].startswith("  stays: groups")
    assert "  loses: ds:CreateComputer, logs:PutLogEvents, s3:GetObject, s3:PutObject on *" in said


CHOICES = {
    "nothing": ("", ("report", [], False)),
    "false": (False, ("report", [], False)),
    "false as text": ("False", ("report", [], False)),
    "true": (True, ("migrated", [], True)),
    "true as text": ("true", ("migrated", [], True)),
    "names": (["role/a"], ("migrated", ["role/a"], False)),
    "names as text": ("role/a, b", ("migrated", ["role/a", "b"], False)),
    "no names": ([], ("report", [], False)),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_choice_of_a_playbook(name):
    given, (state, identities, everybody) = CHOICES[name]
    assert migration.choice(given) == {"state": state, "identities": identities, "all": everybody}
