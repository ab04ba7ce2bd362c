# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking away the user of a host: what is refused, and in which order the rest happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import offboarding
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.records import User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.offboarding import DENY, POLICY, Account, Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.tags import OWNER_TAG

MADE = datetime(2026, 1, 1, tzinfo=UTC)
POLICY_ARN = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
PUT = f"put inline policy {POLICY} on user"
GRANT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]}


def user(name="web1", **fields):
    base = User(name, "/hybridops/", f"arn:aws:iam::123456789012:user/hybridops/{name}", None, (POLICY_ARN,), {}, {OWNER_TAG: "default"},
                {"access key": (f"{name}-A", f"{name}-B")})  # fmt: skip
    return replace(base, **fields)


def account(*users, **more):
    keys = {one.name: (Key(f"{one.name}-A", True, MADE), Key(f"{one.name}-B", False, MADE)) for one in users}
    return replace(Account({one.name: one for one in users}, keys), **more)


def words(actual, **rules):
    wanted = Rules(tuple(actual.users), **rules)
    return [str(change).replace(POLICY_ARN, "P") for change in offboarding.plan(wanted, actual, "aws")]


DELETION = ["delete access key web1-A from user web1", "delete access key web1-B from user web1", "detach managed policy P from user web1"]


def test_a_host_that_leaves():
    assert words(account(user())) == [*DELETION, "delete user web1"]


def test_a_host_that_somebody_broke_into():
    assert words(account(user(inline={"own": GRANT, "z": GRANT})), compromised=True) == [
        f"{PUT} web1",
        "deactivate access key web1-A of user web1",
        *DELETION,
        "delete inline policy own from user web1",
        "delete inline policy z from user web1",
        f"delete inline policy {POLICY} from user web1",
        "delete user web1",
    ]


def test_all_are_contained_before_one_is_deleted():
    changes = words(account(user("web1"), user("web2")), compromised=True)
    assert changes[:4] == [f"{PUT} web1", f"{PUT} web2", "deactivate access key web1-A of user web1",
                           "deactivate access key web2-A of user web2"]  # fmt: skip
    for name in ("web1", "web2"):
        at = changes.index(f"delete user {name}")
        assert changes[at - 1] == f"delete inline policy {POLICY} from user {name}"


def test_contained_only():
    actual = account(user())
    assert words(actual, delete=False) == [f"{PUT} web1", "deactivate access key web1-A of user web1"]
    left = offboarding.target(Rules(("web1",), delete=False), actual, "aws")
    assert left.users["web1"].inline == {POLICY: DENY} and [key.active for key in left.keys["web1"]] == [False, False]
    assert words(left, delete=False) == []
    assert words(left, compromised=True) == [*DELETION, f"delete inline policy {POLICY} from user web1", "delete user web1"]


def test_a_denial_under_another_name_will_do():
    """Whoever wrote it: it is not written again, and goes last."""
    changes = words(account(user(inline={"a-deny": {**DENY, "Statement": DENY["Statement"][0]}, "b": GRANT})), compromised=True)
    assert changes[0] == "deactivate access key web1-A of user web1"
    assert changes[-2:] == ["delete inline policy a-deny from user web1", "delete user web1"]


def test_a_user_without_room_for_another_policy_is_denied_all_the_same():
    def large(size):
        return {**GRANT, "Statement": [{**GRANT["Statement"][0], "Resource": ["x" * size]}]}

    full = user(inline={"large": large(1500), "small": large(330)})
    changes = words(account(full), compromised=True)
    assert changes[0] == "put inline policy large on user web1"
    assert changes[-3:] == ["delete inline policy small from user web1", "delete inline policy large from user web1", "delete user web1"]
    left = offboarding.target(Rules(("web1",), delete=False), account(full), "aws").users["web1"].inline
    assert sum(map(documents.size, left.values())) <= documents.USER_INLINE_LIMIT


def test_a_policy_of_our_name_with_another_text_is_written_over():
    assert words(account(user(inline={POLICY: GRANT})), compromised=True)[0] == f"{PUT} web1"


def test_nobody_there():
    assert words(Account({"web1": None})) == [] == words(Account({"web1": None}), compromised=True)


PASSWORD = {"login profile": ("web1",)}
GROUP = {"group membership": ("admins",)}
REFUSED = [
    ({"tags": {}}, {}, "delete_unowned"),
    ({"tags": {OWNER_TAG: "blue"}}, {}, "it belongs to 'blue'"),
    ({"tags": {}}, {"compromised": True}, "delete_unowned"),
    ({"tags": {}}, {"delete": False}, "delete_unowned"),
    ({"dependants": PASSWORD}, {}, "delete_people"),
    ({"dependants": {"MFA device": ("x",)}}, {}, "delete_people"),
    ({"dependants": GROUP}, {}, "admins"),
    ({"dependants": GROUP}, {"groups": ("agents",)}, "admins"),
    ({"arn": "arn:aws:iam::123456789012:user/me"}, {"compromised": True, "delete_unowned": True}, "lock itself out"),
]


@pytest.mark.parametrize(("fields", "rules", "says"), REFUSED)
def test_refused(fields, rules, says):
    with pytest.raises(Refusal, match=says):
        words(account(user(**fields), caller="arn:aws:iam::123456789012:user/me"), **rules)


USES = [
    # active, hours since its last use, rules, refused
    (True, 1, {}, True),
    (True, 23, {}, True),
    (True, 24, {}, False),
    (True, None, {}, False),
    (False, 1, {}, False),
    (True, 1, {"allow_in_use": True}, False),
    (True, 1, {"compromised": True}, False),
    (True, 1, {"delete": False}, False),
]


@pytest.mark.parametrize(("active", "hours", "rules", "refused"), USES)
def test_a_key_that_was_used(active, hours, rules, refused):
    now = MADE + timedelta(days=90)
    used = None if hours is None else now - timedelta(hours=hours)
    keys = {"web1": (Key("web1-A", active, MADE, used, "logs", "eu-west-1"), Key("web1-B", True, MADE))}
    actual = account(user(), keys=keys, now=now)
    if not refused:
        assert words(actual, **rules)
        return
    with pytest.raises(Refusal, match="user web1 is in use: its key web1-A was last used .* by logs in eu-west-1.*allow_in_use: true"):
        words(actual, **rules)


TAKEN = [
    ({"tags": {}}, {"delete_unowned": True}),
    ({"dependants": PASSWORD}, {"delete_people": True}),
    ({"dependants": GROUP}, {"groups": ("admins",)}),
    # Whoever holds the key may have made these.
    ({"dependants": {**PASSWORD, **GROUP}}, {"compromised": True}),
    ({"dependants": {**PASSWORD, **GROUP}}, {"delete": False}),
]


@pytest.mark.parametrize(("fields", "rules"), TAKEN)
def test_not_refused(fields, rules):
    assert words(account(user(**fields)), **rules)


def options(**given):
    base = {"users": ["web1"], "state": "absent", "compromised": False, "protected": [], "groups": [], "owned_by": "default",
            "delete_unowned": False, "delete_people": False, "allow_in_use": False}  # fmt: skip
    return {**base, **given}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"users": ["web 1"]}, "valid user name"),
        ({"users": ["web1", "WEB1"]}, "ignores letter case"),
        ({"protected": ["Web1"]}, "named in protected"),
    ],
)
def test_wrong_input(given, says):
    with pytest.raises(InputError, match=says):
        offboarding.rules(options(**given))


def test_what_is_shown():
    actual = account(user(dependants={"access key": ("web1-A", "web1-B"), **PASSWORD}))
    wanted = offboarding.rules(options())
    before = offboarding.view(actual, {"web1": {"name": "web1"}}, actual.keys)
    assert before["users"] == {"web1": {"name": "web1", "attached": {"login profile": ["web1"]}}}
    assert [key["status"] for key in before["access_keys"]] == ["Active", "Inactive"]
    after = offboarding.view(offboarding.target(wanted, actual, "aws"), {}, actual.keys)
    assert after["users"] == {} and [key["status"] for key in after["access_keys"]] == ["deleted", "deleted"]
    contained = offboarding.target(replace(wanted, delete=False), actual, "aws")
    assert [key["status"] for key in offboarding.view(contained, {}, actual.keys)["access_keys"]] == ["Inactive", "Inactive"]
