# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fits into an account, and what takes back what did not: as tables."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import quotas
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities.undo import identity, undo
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change

from .cases import AGENT, CORE, account, document, planned, role, user, words

SUMMARY = {"Roles": 998, "RolesQuota": 1000, "Policies": 5, "PoliciesQuota": 5, "PolicyVersionsInUse": 9, "PolicyVersionsInUseQuota": 9}


def roles(count):
    return {"roles": [{"name": f"r{number}", "trust": "ec2"} for number in range(count)]}


def policies(*names):
    return {"policies": [{"name": name, "document": document("s3:GetObject")} for name in names]}


@pytest.mark.parametrize(("count", "fits"), [(1, True), (2, True), (3, False)])
def test_objects_of_the_account(count, fits):
    actual = account(summary=SUMMARY)
    if fits:
        assert len(words(actual, **roles(count))) == count
        return
    with pytest.raises(Refusal, match="would make 3 of Roles per account, of which the account has 998 and may have 1,000"):
        words(actual, **roles(count))


def test_all_that_does_not_fit_is_told_at_once():
    with pytest.raises(Refusal, match=r"Customer managed policies per account.* Policy versions in use per account.* Nothing was changed"):
        words(account(summary=SUMMARY), **policies("a"))


def test_what_is_not_known_is_not_judged():
    assert words(account(), **roles(3), **policies("a")) == ["create policy a", "create role r0", "create role r1", "create role r2"]


BIG, SMALL = document("s3:GetObject", *["s3:" + "x" * 1400]), document("s3:GetObject")
# before, after, the most at a moment
PEAKS = [({}, {"a": 5}, 5), ({"a": 5}, {}, 5), ({"a": 5}, {"b": 5}, 10), ({"a": 5, "b": 1}, {"a": 1, "b": 5}, 6), ({"a": 5}, {"a": 7}, 7),
         ({"a": 5, "b": 3}, {"a": 1, "c": 4}, 12)]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "most"), PEAKS)
def test_the_most_at_a_moment(before, after, most):
    assert quotas.peak(before, after) == most


def test_inline_policies():
    there = account(user(inline={"old": BIG}))
    new = {"name": "u", "inline_policies": [{"name": "new", "document": BIG}]}
    with pytest.raises(Refusal, match=r"its inline policies would have 3,\d{3} characters .* purge_inline_policies: true"):
        words(there, users=[new])
    with pytest.raises(Refusal, match="for a moment, and IAM allows 2,048. Set allow_gap: true"):
        words(there, users=[dict(new, purge_inline_policies=True)])
    assert words(there, users=[dict(new, purge_inline_policies=True)], allow_gap=True) == [
        "delete inline policy old from user u",
        "put inline policy new on user u",
    ]


def test_an_inline_policy_that_shrinks_goes_before_one_that_grows():
    there = account(user(inline={"a": SMALL, "b": BIG}))
    entries = [{"name": "a", "document": BIG}, {"name": "b", "document": SMALL}]
    assert words(there, users=[{"name": "u", "inline_policies": entries}]) == [
        "put inline policy b on user u",
        "put inline policy a on user u",
    ]


def test_inline_policies_beyond_the_limit_that_stay_as_they_are():
    """AWS has let somebody have them; that is no business of a run that leaves them alone or makes them fewer."""
    there = account(user(inline={"a": BIG, "b": BIG}))
    assert words(there, users=[{"name": "u", "inline_policies": [{"name": "a", "document": BIG}]}]) == []
    fewer = {"name": "u", "inline_policies": [{"name": "a", "document": BIG}], "purge_inline_policies": True}
    assert words(there, users=[fewer]) == ["delete inline policy b from user u"]


def test_tags_go_first_only_where_there_is_no_room():
    old = {f"k{number}": "" for number in range(49)}
    few, many = ({"name": "u", "tags": {f"n{number}": "" for number in range(count)}, "purge_tags": True} for count in (1, 30))
    there = account(user(tags={**old, **user().tags}))
    assert [word.split()[0] for word in words(there, users=[few], guard=-1)] == ["remove", "put"]
    assert [word.split()[0] for word in words(there, users=[many], guard=-1)] == ["remove", "put"]
    roomy = account(user(tags={"k": "", **user().tags}))
    assert [word.split()[0] for word in words(roomy, users=[few])] == ["put", "remove"]


def test_the_guard_counts_each_tag():
    there = account(user(tags={"a": "", "b": "", "c": "", **user().tags}))
    with pytest.raises(Refusal, match="remove 3 things"):
        words(there, users=[{"name": "u", "tags": {}, "purge_tags": True}], guard=2)


# Taking back

NAMES = ("CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore")
WHOLE = {
    "policies": [{"name": "P", "document": SMALL}],
    "users": [{"name": "u", "policies": ["P"]}],
    "roles": [
        {
            "name": "R",
            "trust": "ec2",
            "policies": list(NAMES),
            "inline_policies": [{"name": "i", "document": SMALL}],
            "instance_profile": True,
        }
    ],
}
P_OF = "arn:aws:iam::123456789012:policy/P"
BACK = {
    "create policy P": [],
    "create user u": [],
    f"attach managed policy {P_OF} to user u": ["delete user u"],
    "create role R": [],
    "put inline policy i on role R": ["delete role R"],
    f"attach managed policy {CORE} to role R": ["delete inline policy i from role R", "delete role R"],
    f"attach managed policy {AGENT} to role R": [
        f"detach managed policy {CORE} from role R",
        "delete inline policy i from role R",
        "delete role R",
    ],
    "create instance profile R": [
        f"detach managed policy {AGENT} from role R",
        f"detach managed policy {CORE} from role R",
        "delete inline policy i from role R",
        "delete role R",
    ],
    "add role R to instance profile R": [
        "delete instance profile R",
        f"detach managed policy {AGENT} from role R",
        f"detach managed policy {CORE} from role R",
        "delete inline policy i from role R",
        "delete role R",
    ],
}  # fmt: skip


@pytest.mark.parametrize("failed", BACK)
def test_what_is_taken_back(failed):
    changes = planned(account(), **WHOLE)
    assert [str(change) for change in changes] == list(BACK)
    at = list(BACK).index(failed)
    assert [str(change) for change in undo(changes[:at], changes[at])] == BACK[failed]


def test_what_was_there_is_not_taken_back():
    changes = planned(account(role()), roles=WHOLE["roles"])
    assert all(undo(changes[:at], changes[at]) == [] for at in range(len(changes)))


def test_whose_a_change_is():
    assert identity(Change("add", "role", "R", "instance profile X")) == "role R"
    assert identity(Change("delete", "version", "v1", "policy P")) == "policy P"
