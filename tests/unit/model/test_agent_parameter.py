# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agent's configuration becomes in Parameter Store: a table of what is there, what is asked for, and what is done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import agent_parameter as deciding
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter import Parameter, Rules, Verdict
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.lease import Lease, found, tag_value
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.tags import OWNER_TAG

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
NAME = "AmazonCloudWatch-linux"
CONFIG = {"metrics": {"metrics_collected": {"mem": {"measurement": ["used"]}}}}
OURS = {OWNER_TAG: "default"}
HERE = Parameter(json.dumps(CONFIG), version=3, tags=OURS)
SECURE = replace(HERE, kind="SecureString", kms_key_id="alias/aws/ssm")
RULES = Rules(NAME, config=CONFIG)


SESSION = "arn:aws:sts::123456789012:assumed-role/Admin/hybridops-aws-agents-lease"
BY_LEASE = replace(RULES, saves_as=":assumed-role/Admin/hybridops-aws-agents-lease")
HALF_MADE = Parameter(deciding.text_of(CONFIG), version=1, saved_by=SESSION)
"""What a run leaves that was killed after it had saved and before it could write down whose it is."""


def large(length):
    return {"metrics": {"namespace": "n" * (length - len('{"metrics":{"namespace":""}}'))}}


def planned(rules, actual, left=(), lease="with a lease"):
    after = deciding.target(actual, rules)
    return [str(change) for change in deciding.plan(after, actual, rules, list(left), lease)], after


CREATE = f"create parameter {NAME} with a lease"
UPDATE = f"update parameter {NAME} with a lease"
TAG = f"tag parameter {NAME}"
PLANS = {
    "a new one": (RULES, None, [CREATE, TAG]),
    "the same": (RULES, HERE, []),
    "the same, written otherwise": (RULES, replace(HERE, text=json.dumps(CONFIG, indent=7)), []),
    "another": (replace(RULES, config=large(50)), HERE, [UPDATE]),
    "true is not 1": (replace(RULES, config={"a": True}), replace(HERE, text='{"a": 1}'), [UPDATE]),
    "no JSON is there": (RULES, replace(HERE, text="agent config"), [UPDATE]),
    "another description": (replace(RULES, description="Linux"), HERE, [UPDATE]),
    "the description that is there": (RULES, replace(HERE, description="Linux"), []),
    "an empty description": (replace(RULES, description=""), replace(HERE, description="Linux"), [UPDATE]),
    "one more tag": (replace(RULES, tags={"team": "ops"}), HERE, [TAG]),
    "the tags that are there": (RULES, replace(HERE, tags={**OURS, "team": "ops"}), []),
    "another tier": (replace(RULES, tier="advanced"), HERE, [UPDATE]),
    "a tier that stays": (RULES, replace(HERE, tier="Advanced"), []),
    "a type that stays": (RULES, SECURE, []),
    "another key": (replace(RULES, kms_key_id="alias/mine"), SECURE, [UPDATE]),
    "somebody else's that is as it shall be": (RULES, replace(HERE, tags={}), []),
    "somebody else's, adopted": (replace(RULES, adopt=True, config={"a": 1}), replace(HERE, tags={}), [UPDATE]),
    "half made, which is finished": (BY_LEASE, HALF_MADE, [TAG]),
    "half made, and another is asked for": (replace(BY_LEASE, adopt=True, config=large(50)), HALF_MADE, [UPDATE]),
    "saved by somebody else": (BY_LEASE, replace(HALF_MADE, saved_by="arn:aws:iam::123456789012:user/somebody"), []),
    "saved more than once": (BY_LEASE, replace(HALF_MADE, version=2), []),
    "with a tag of somebody's": (BY_LEASE, replace(HALF_MADE, tags={"team": "ops"}), []),
    "of another owner": (BY_LEASE, replace(HALF_MADE, tags={OWNER_TAG: "blue"}), []),
    "written otherwise": (BY_LEASE, replace(HALF_MADE, text=json.dumps(CONFIG, indent=7)), []),
    "saved without a lease": (RULES, HALF_MADE, []),
    "none that is gone": (Rules(NAME, present=False), None, []),
    "one that goes": (Rules(NAME, present=False), HERE, [f"delete parameter {NAME}"]),
}


@pytest.mark.parametrize("case", PLANS)
def test_plan(case):
    rules, actual, steps = PLANS[case]
    changes, after = planned(rules, actual)
    assert changes == steps
    if after is None:
        return
    writes = any("create" in step or "update" in step for step in steps)
    assert after.version == (actual.version if actual else 0) + writes
    # What was planned leaves nothing to plan.
    assert planned(rules, after)[0] == []


def test_with_the_callers_own_permission_tags_come_with_the_parameter():
    assert planned(RULES, None, lease="")[0] == [f"create parameter {NAME}"]


REFUSED = {
    "of another owner": (replace(RULES, config={"a": 1}), replace(HERE, tags={OWNER_TAG: "them"}), "belongs to them .*adopt: true"),
    "of nobody": (replace(RULES, config={"a": 1}), replace(HERE, tags={}), "no owner of ours .*adopt: true"),
    "of another owner, to be tagged": (replace(RULES, tags={"a": "b"}), replace(HERE, tags={OWNER_TAG: "them"}), "belongs to them"),
    "deleting of nobody": (Rules(NAME, present=False, adopt=True), replace(HERE, tags={}), "delete_unowned: true"),
    "a list": (RULES, replace(HERE, kind="StringList"), "is a StringList"),
    "another type": (replace(RULES, kind="SecureString"), HERE, "is a String, and Parameter Store never makes it a SecureString"),
    "a key for a String": (replace(RULES, kms_key_id="alias/mine"), HERE, "not encrypted"),
    "down to Standard": (replace(RULES, tier="standard"), replace(HERE, tier="Advanced"), "never makes one Standard again"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    rules, actual, words = REFUSED[case]
    with pytest.raises(Refusal, match=words):
        planned(rules, actual)


TIERS = {
    "small": (large(100), "auto", "Standard"),
    "as large as Standard goes": (large(4096), "auto", "Standard"),
    "larger": (large(4097), "auto", "Advanced"),
    "asked for": (large(100), "advanced", "Advanced"),
    "too large for what was asked for": (large(4097), "standard", "holds 4096"),
    "as large as it gets": (large(8192), "auto", "Advanced"),
    "too large": (large(8193), "auto", "holds 8192"),
    "counted in bytes": ({"metrics": {"namespace": "ü" * 4090}}, "auto", "holds 8192"),
}


@pytest.mark.parametrize("case", TIERS)
def test_tier(case):
    config, asked, expected = TIERS[case]
    text = deciding.text_of(config)
    assert json.loads(text) == config
    if expected in ("Standard", "Advanced"):
        assert deciding.tier_for(text, asked) == expected
        return
    with pytest.raises(InputError, match=expected):
        deciding.tier_for(text, asked)


def test_a_text_is_readable_where_that_costs_nothing():
    assert "\n  " in deciding.text_of(CONFIG)
    assert "\n" not in deciding.text_of({"metrics": {f"m{number}": {"a": 1} for number in range(150)}})


USUAL, OTHER = NAME, "/web/agent"
VERDICTS = {
    "allowed": (USUAL, Verdict("allowed"), False, None),
    "allowed by another name": (OTHER, Verdict("allowed"), False, "CloudWatchAgentServerPolicy alone cannot read it"),
    "denied": (USUAL, Verdict("implicitDeny"), False, Refusal),
    "granted by the lease": (USUAL, Verdict("implicitDeny"), True, None),
    "denied whatever a lease grants": (USUAL, Verdict("explicitDeny"), True, Refusal),
    "outside of the boundary": (USUAL, Verdict("implicitDeny", within_boundary=False), True, Refusal),
    "no lease stretches to other names": (OTHER, Verdict("implicitDeny"), True, Refusal),
    "not known": (USUAL, None, False, "could not be asked"),
    "not known, of another name": (OTHER, None, False, Refusal),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_name(case):
    name, verdict, granted, expected = VERDICTS[case]
    rules = replace(RULES, name=name)
    if expected is Refusal:
        with pytest.raises(Refusal, match="ssm:PutParameter|parameter_prefixes"):
            deciding.judge_name(rules, verdict, "role r", granted)
        return
    warnings = deciding.judge_name(rules, verdict, "role r", granted)
    assert [expected in warning for warning in warnings] == ([True] if expected else [])


def test_a_prefix_that_was_named_counts_where_iam_says_nothing():
    assert len(deciding.judge_name(replace(RULES, name=OTHER, prefixes=("/web/",)), None, "role r", False)) == 1


OVER, RUNNING = (found("instance i-1", NOW, tag_value(Lease(NOW + timedelta(minutes=when), role="r"))) for when in (-1, 5))
END = "end lease left behind on instance i-1: over since 2026-11-22T08:29:00Z"
LEFT = {
    "one that is over ends first": (RULES, None, OVER, [END, CREATE, TAG]),
    "and alone where nothing is to be saved": (RULES, HERE, OVER, [END]),
    "one that runs keeps nobody who has nothing to do": (RULES, HERE, RUNNING, []),
    "one that runs is taken over": (
        replace(RULES, take_over=True),
        None,
        RUNNING,
        ["end lease left behind on instance i-1: until 2026-11-22T08:35:00Z", CREATE, TAG],
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_leases_left_behind(case):
    rules, actual, left, steps = LEFT[case]
    assert [change.partition(" (")[0] for change in planned(rules, actual, [left])[0]] == steps


def test_a_lease_that_runs_is_waited_for():
    with pytest.raises(Refusal, match=r"i-1, until 2026-11-22T08:35:00Z .*take_over: true"):
        planned(RULES, None, [RUNNING])


def test_the_content_of_a_securestring_is_not_shown():
    shown = deciding.view(replace(SECURE, text=json.dumps({"agent": {"hidden": "content"}})))
    assert "content" not in str(shown) and "hidden" not in repr(replace(SECURE, text="hidden"))
    assert deciding.view(HERE)["config"] == CONFIG and deciding.view(replace(HERE, text="no"))["config"] == "no"
    assert deciding.view(None) == {"state": "absent"}


def test_what_only_instances_can_fill_in_is_set_apart():
    config = {"metrics": {"append_dimensions": {"InstanceId": "${aws:InstanceId}"}, "metrics_collected": {"cpu": [{"a": "${aws:x}"}]}}}
    assert deciding.without_ec2(config) == {"metrics": {"metrics_collected": {"cpu": [{"a": "{x}"}]}}}
    assert deciding.without_ec2(CONFIG) == CONFIG and deciding.without_ec2({"logs": {}}) == {"logs": {}}
