# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which permissions one set of texts gives and another does not."""

from __future__ import annotations

import fnmatch

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.permissions import compare, overlap
from hypothesis import given
from hypothesis import strategies as st

NAMED = "arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"
SECURE = {"Bool": {"aws:SecureTransport": "true"}}


def allow(actions, resource="*", effect="Allow", **more):
    return {"Statement": [{"Effect": effect, "Action": actions, "Resource": resource, **more}]}


CASES = {
    "nothing": ([], [], [], []),
    "the same": ([allow("s3:Get*")], [allow(["s3:Get*"], ["*"])], [], []),
    "the same in another case": ([allow("S3:getobject")], [allow("s3:GetObject")], [], []),
    "gone": ([allow(["s3:PutObject", "s3:GetObject"])], [], ["s3:GetObject, s3:PutObject on *"], []),
    "new": ([], [allow("s3:GetObject", "arn:aws:s3:::b/*")], [], ["s3:GetObject on arn:aws:s3:::b/*"]),
    "narrower": ([allow("ssm:GetParameter")], [allow("ssm:GetParameter", NAMED)], [f"ssm:GetParameter on * (only on {NAMED})"], []),
    "wider": ([allow("ssm:GetParameter", NAMED)], [allow("ssm:GetParameter")], [], [f"ssm:GetParameter on * (only on {NAMED})"]),
    "another": ([allow("ssm:GetParameters")], [allow("ssm:GetParameter")], ["ssm:GetParameters on *"], ["ssm:GetParameter on *"]),
    "by a pattern": ([allow("ssm:GetParameters")], [allow("ssm:Get*")], [], ["ssm:Get* on *"]),
    "a pattern by its members": ([allow("ssm:Get*")], [allow(["ssm:GetParameter"])], ["ssm:Get* on *"], []),
    "by everything": ([allow("s3:GetObject"), allow("logs:*")], [allow("*")], [], ["* on *"]),
    "by another policy": ([allow(["s3:GetObject", "ds:CreateComputer"])], [allow("ds:*"), allow("s3:*")], [], ["ds:*, s3:* on *"]),
    "with a condition": (
        [allow("s3:GetObject")],
        [allow("s3:GetObject", Condition=SECURE)],
        ['s3:GetObject on * (only on * when {"bool":{"aws:securetransport":["true"]}})'],
        [],
    ),
    "without a condition": ([allow("s3:GetObject", Condition=SECURE)], [allow("s3:GetObject")], [], [
        's3:GetObject on * (only on * when {"bool":{"aws:securetransport":["true"]}})']),
    "the same condition": ([allow("s3:GetObject", Condition=SECURE)], [allow("s3:*", Condition=SECURE)], [], [
        's3:* on * when {"bool":{"aws:securetransport":["true"]}}']),
    "within all but": ([allow("s3:GetObject")], [{"Statement": {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}}], [], [
        "all but iam:* on *"]),
    "what is left out": ([allow(["iam:GetUser", "i*"])], [{"Statement": {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}}], [
        "i* on *"], ["all but iam:* on *"]),
    "resources left out": (
        [allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("s3:PutObject", "arn:aws:s3:::b/*")],
        [{"Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": ["arn:aws:s3:::b/*"]}}],
        ["s3:PutObject on arn:aws:s3:::b/*"],
        ["s3:* on all but arn:aws:s3:::b/* (only on arn:aws:s3:::a/*)"],
    ),
    "by resource": (
        [allow(["s3:PutObject", "s3:GetObject"]), allow("logs:PutLogEvents", "arn:x")],
        [],
        ["s3:GetObject, s3:PutObject on *", "logs:PutLogEvents on arn:x"],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_compare(name):
    before, after, loses, gains = CASES[name]
    found = compare(before, after)
    assert [str(one) for one in found.loses] == loses
    assert [str(one) for one in found.gains] == gains
    assert found.denied == ()


def test_what_is_denied():
    found = compare(
        [allow("s3:*"), allow("s3:PutObject", effect="Deny")], [allow("s3:*"), allow(["s3:PutObject", "s3:GetObject"], effect="Deny")]
    )
    assert (found.loses, found.gains, [str(one) for one in found.denied]) == ((), (), ["s3:GetObject on *"])


PATTERNS = st.text("ab:*?", max_size=6)


@given(PATTERNS, PATTERNS, st.text("ab:", max_size=6))
def test_patterns_that_match_the_same_text_overlap(one, other, text):
    if fnmatch.fnmatchcase(text, one) and fnmatch.fnmatchcase(text, other):
        assert overlap(one, other)


@given(PATTERNS, PATTERNS, st.text("ab:", max_size=6))
def test_no_loss_is_left_out(one, other, text):
    """What the first pattern matches and the second does not is reported."""
    if fnmatch.fnmatchcase(text, one) and not fnmatch.fnmatchcase(text, other):
        assert compare([allow(one)], [allow(other)]).loses
