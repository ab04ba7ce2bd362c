# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instances are given a profile: what is refused, passed over, replaced, and what is told of it."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import instance_association as model
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.instance_association import Fleet, Instance, Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.instance_profiles import Association, Profile

CONTEXT = Context("aws-cn", "111122223333", "cn-north-1")
PREFIX = "arn:aws-cn:iam::111122223333:instance-profile/"
WEB = Profile("Web", PREFIX + "app/Web", ("Web",))
I1, I2, I3 = (f"i-0123456789abcdef{number}" for number in range(3))

OPTIONS = {
    "instance_profile": "Web", "instance_ids": None, "filters": None, "allow_no_match": False, "guard": 25, "state": "present",
    "replace": False, "leave_others": False, "reboot": False,
}  # fmt: skip


def instance(name=I1, profile=None, state="running", association="associated"):
    held = Association("a-" + name[-1], PREFIX + profile, association) if profile else None
    return Instance(name, "", state, held)


def run(*instances, profile=WEB, **options):
    """Return what is planned, in words, and what is told of it."""
    wanted = Rules(**{"profile": "Web", "instances": tuple(one.id for one in instances), **options})
    actual = Fleet(instances, profile if model.wants_profile(wanted, instances) else None)
    target = model.target(wanted, actual, CONTEXT)
    changes = model.plan(wanted, target, actual, "cn-north-1")
    return [str(change) for change in changes], model.told(wanted, actual, target, changes), target


ATTACH = "attach instance profile Web to instance "
REPLACED = f"replace instance profile Old by Web of instance {I1}"
PLANS = {
    "none yet": ([instance()], {}, [ATTACH + I1]),
    "has it": ([instance(profile="app/Web")], {}, []),
    "has it, on its way": ([instance(profile="app/Web", association="associating")], {}, []),
    "has it, in another spelling": ([instance(profile="app/web")], {}, []),
    "has it, by ARN": ([instance(profile="app/Web")], {"profile": WEB.arn}, []),
    "is about to lose it": ([instance(profile="app/Web", association="disassociating")], {}, [ATTACH + I1]),
    "another leaves": ([instance(profile="Old", association="disassociating")], {}, [ATTACH + I1]),
    "another, any may go": ([instance(profile="Old")], {"replace": True}, [REPLACED]),
    "another, named": ([instance(profile="x/Old")], {"replaces": ("Old",)}, [REPLACED]),
    "another, by ARN": ([instance(profile="x/Old")], {"replaces": (PREFIX + "x/Old",)}, [REPLACED]),
    "another, passed over": ([instance(profile="Old"), instance(I2)], {"leave_others": True}, [ATTACH + I2]),
    "terminated": ([instance(state="terminated"), instance(I2, state="shutting-down"), instance(I3, state="stopped")], {},
                   [ATTACH + I3]),
    "reboot, those changed and running": (
        [instance(), instance(I2, state="stopped"), instance(I3, profile="Web")],
        {"reboot": True},
        [ATTACH + I1, ATTACH + I2, f"reboot instance {I1}"],
    ),
    "absent": ([instance(profile="app/Web")], {"present": False}, [f"detach instance profile Web from instance {I1}"]),
    "absent, has none": ([instance()], {"present": False}, []),
    "absent, leaves already": ([instance(profile="Web", association="disassociating")], {"present": False}, []),
    "absent, has another": ([instance(profile="Old")], {"present": False}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_plan(name):
    instances, options, expected = PLANS[name]
    changes, _told, target = run(*instances, **options)
    assert changes == expected
    again = model.plan(Rules(**{"profile": "Web", **options}), target, target, "")
    assert again == []


REFUSED = {
    "another's": ([instance(profile="Old"), instance(I2)], {}, rf"{I1} has Old\. Add the policies .*leave_others: true"),
    "another's than the named": ([instance(profile="Old")], {"replaces": ("Older",)}, "replace: .NAME."),
    "no match": ([], {"filters": {"tag:Role": ("web",)}}, "no instance in cn-north-1 matches tag:Role=web. Look"),
    "ended ones match": ([instance(state="terminated")], {"instances": (), "filters": {"a": ("b",)}}, "a=b but 1 that are terminated"),
    "too many": ([instance(), instance(I2)], {"instances": (), "filters": {"a": ("b",)}, "guard": 1},
                 f"finds 2 instances .* guard=1 .*{I1}, {I2}"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    instances, options, says = REFUSED[name]
    with pytest.raises(Refusal, match=says):
        run(*instances, **options)


def test_a_profile_without_a_role():
    empty = Profile("Web", WEB.arn)
    with pytest.raises(Refusal, match="holds no role"):
        run(instance(), profile=empty)
    assert run(instance(profile="Web"), profile=empty)[0] == []


def test_allowed():
    by_filter = {"instances": (), "filters": {"a": ("b",)}}
    assert run(**by_filter, allow_no_match=True)[0] == []
    # The guard counts what changes, and what a filter found: ids were written down by somebody.
    assert run(instance(), instance(I2, profile="Web"), **by_filter, guard=1)[0] != []
    assert len(run(instance(), instance(I2), **by_filter, guard=-1)[0]) == 2
    assert len(run(instance(), instance(I2), guard=0)[0]) == 2


def test_what_is_told():
    fleet = instance(), instance(I2, profile="Old"), instance(I3, state="terminated")
    first, second, third = run(*fleet, leave_others=True)[1]
    assert (first["before"], first["after"], first["changed"], first["needs_restart"]) == (None, WEB.arn, True, True)
    assert (second["after"], second["changed"], second["passed_over"]) == (PREFIX + "Old", False, "it has the profile Old")
    assert (third["changed"], third["passed_over"]) == (False, "it is terminated")


NEEDS_RESTART = {
    "runs": (instance(), {}, True),
    "is stopped": (instance(state="stopped"), {}, False),
    "is rebooted": (instance(), {"reboot": True}, False),
    "lost it": (instance(profile="Web"), {"present": False}, False),
    "had it": (instance(profile="Web"), {}, False),
}


@pytest.mark.parametrize("name", NEEDS_RESTART)
def test_which_agents_must_be_restarted(name):
    one, options, expected = NEEDS_RESTART[name]
    assert run(one, **options)[1][0]["needs_restart"] is expected


def test_a_failure_tells_what_was_done_before():
    wanted = Rules("Web", instances=(I1, I2), reboot=True)
    actual = Fleet((instance(), instance(I2)), WEB)
    target = model.target(wanted, actual, CONTEXT)
    made = model.plan(wanted, target, actual, "")[:1]
    first, second = model.told(wanted, actual, target, made)
    assert (first["changed"], first["rebooted"], first["needs_restart"]) == (True, False, True)
    assert (second["changed"], second["after"], second["needs_restart"]) == (False, None, False)


def test_a_profile_that_is_not_there_yet():
    """So predicts a run whose earlier task would make it."""
    changes, _told, target = run(instance(), profile=None)
    assert changes and target.instances[0].profile == PREFIX + "Web"
    assert model.asked_for(Rules("Web"), Fleet((instance(),)), CONTEXT) == {"name": "Web", "arn": PREFIX + "Web", "exists": False}
    assert model.asked_for(Rules("Web"), Fleet((instance(profile="Web"),)), CONTEXT) is None


def test_what_is_waited_for():
    wanted = Rules("Web", instances=(I1, I2, I3))
    on_its_way = instance(I2, profile="Web", association="associating")
    actual = Fleet((instance(), on_its_way, instance(I3, profile="Web")), WEB)
    assert model.to_wait_for(model.target(wanted, actual, CONTEXT), actual) == {I1: WEB.arn, I2: PREFIX + "Web"}
    leaving = Fleet((instance(profile="Web", association="disassociating"), instance(I2, state="terminated")))
    assert model.to_wait_for(model.target(Rules("Web", present=False), leaving, CONTEXT), leaving) == {I1: None}


REPLACE = {
    "false": (False, (False, ())),
    "true": (True, (True, ())),
    "true as text": ("Yes", (True, ())),
    "false as text": ("false", (False, ())),
    "names": (["Old", PREFIX + "x/Old"], (False, ("Old", PREFIX + "x/Old"))),
    "names as text": ("Old, Older", (False, ("Old", "Older"))),
    "nothing": ([], (False, ())),
}


@pytest.mark.parametrize("name", REPLACE)
def test_replace(name):
    given, expected = REPLACE[name]
    wanted = model.rules({**OPTIONS, "instance_ids": [I1], "replace": given})
    assert (wanted.replace, wanted.replaces) == expected


def test_filters():
    given = {"tag:Role": "web", "tag:Backup": True, "tag:Tier": [1, "two"]}
    assert model.rules({**OPTIONS, "filters": given}).filters == {"tag:Role": ("web",), "tag:Backup": ("true",), "tag:Tier": ("1", "two")}


WRONG = {
    "no id": ({"instance_ids": ["web1"]}, "is no id of an instance"),
    "neither": ({}, "every instance of the Region"),
    "empty filters": ({"filters": {}}, "every instance of the Region"),
    "both": ({"instance_ids": [I1], "filters": {"a": "b"}}, "Both were given"),
    "a filter without value": ({"filters": {"tag:Role": []}}, "tag:Role has no value"),
    "a filter of nothing": ({"filters": {"tag:Role": None}}, "tag:Role has no value"),
    "a name that cannot be": ({"instance_ids": [I1], "instance_profile": "a b"}, "instance_profile: 'a b' is not a valid"),
    "the ARN of a role": ({"instance_ids": [I1], "instance_profile": "arn:aws:iam::111122223333:role/Web"}, "not the ARN of an instance"),
    "a former one that cannot be": ({"instance_ids": [I1], "replace": ["a b"]}, "replace: 'a b'"),
    "replace and absent": ({"instance_ids": [I1], "state": "absent", "replace": True}, "for state: present"),
    "reboot and absent": ({"instance_ids": [I1], "state": "absent", "reboot": True}, "for state: present"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input(name):
    given, says = WRONG[name]
    with pytest.raises(InputError, match=says):
        model.rules({**OPTIONS, **given})
