# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lease says of itself, and what is read out of one that was left behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import lease as leases
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.lease import Lease, found, lease_of, policy, tag_value, until_of

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=15)
ARN = "arn:aws:ssm:eu-west-1:111122223333:parameter/AmazonCloudWatch-linux"


@pytest.mark.parametrize(
    "lease",
    [
        Lease(UNTIL),
        Lease(UNTIL, NOW, profile="web=1,prod", role="CloudWatchAgentAdminRole"),
        Lease(UNTIL, NOW, key_id="AKIAIOSFODNN7EXAMPLE", kept=("AKIA1", "AKIA2")),
        Lease(),
    ],
)
def test_a_tag_says_what_it_was_made_of(lease):
    value = tag_value(lease)
    assert lease_of(value) == lease and len(value) <= 256


def test_the_longest_names_fit_into_a_tag():
    assert len(tag_value(Lease(UNTIL, profile="p" * 128, role="r" * 64))) <= 256


def test_the_tag_of_a_user_has_only_characters_that_iam_takes():
    assert re.fullmatch(r"[\w\s.:/=+@-]+", tag_value(Lease(UNTIL, NOW, key_id="AKIA0", kept=("AKIA1",))))


@pytest.mark.parametrize("value", ["", "yes", "until=", "until=tomorrow", "until=2026-13-40T00:00:00Z more words"])
def test_a_tag_that_says_no_time_is_over(value):
    assert lease_of(value).until is None and lease_of(value).expired(NOW)


@pytest.mark.parametrize(
    ("tag", "inline", "says", "expired"),
    [
        (None, None, None, None),
        (tag_value(Lease(UNTIL, profile="web", role="Admin")), None,
         "until 2026-11-22T08:45:00Z (tag hybridops.aws_agents/lease, instance profile web before, role Admin)", False),
        (tag_value(Lease(NOW, role="Admin")), None,
         "over since 2026-11-22T08:30:00Z (tag hybridops.aws_agents/lease, no instance profile before, role Admin)", True),
        (None, policy(ARN, UNTIL), "until 2026-11-22T08:45:00Z (inline policy hybridops-aws-agents-lease)", False),
        (None, {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
         "without a time at which it ends (inline policy hybridops-aws-agents-lease)", True),
        ("nonsense", policy(ARN, UNTIL),
         ("until 2026-11-22T08:45:00Z (inline policy hybridops-aws-agents-lease, tag hybridops.aws_agents/lease, "
          "no instance profile before)"), False),
    ],
)  # fmt: skip
def test_what_is_found(tag, inline, says, expired):
    left = found("instance i-1", NOW, tag, inline)
    assert (left and left.says, left and left.expired) == (says, expired)


def test_what_is_found_on_a_user():
    left = found("user cwagent-admin", NOW, tag_value(Lease(UNTIL, NOW, key_id="AKIA0")))
    assert left.says == "until 2026-11-22T08:45:00Z (tag hybridops.aws_agents/lease, access key AKIA0)"
    assert (left.holder, left.lease.key_id) == ("user cwagent-admin", "AKIA0")


@pytest.mark.parametrize("encrypts", [False, True])
def test_a_policy_says_until_when_it_holds(encrypts):
    made = policy(ARN, UNTIL, encrypts)
    assert until_of(made) == UNTIL
    *grants, late = made["Statement"]
    assert all(
        grant["Effect"] == "Allow" and grant["Condition"]["DateLessThan"] == {"aws:CurrentTime": "2026-11-22T08:45:00Z"} for grant in grants
    )
    assert grants[0]["Action"] == ["ssm:PutParameter"] and grants[0]["Resource"] == [ARN] and len(grants) == 1 + encrypts
    # What CloudWatchAgentAdminPolicy allows for ever ends too.
    assert late["Effect"] == "Deny" and late["Resource"] == ["*"] and "DateGreaterThanEquals" in late["Condition"]


def test_a_session_reaches_one_parameter_and_needs_no_end_of_its_own():
    (statement,) = leases.session_policy(ARN)["Statement"]
    assert statement["Action"] == ["ssm:GetParameter", "ssm:PutParameter"] and statement["Resource"] == [ARN]
    assert leases.session_policy(ARN, encrypts=True)["Statement"][1]["Condition"] == {
        "StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": ARN}
    }


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 seconds"), (900, "15 minutes")])
def test_lengths(seconds, words):
    assert leases.lengths(seconds) == words


def key(name, minutes):
    return Key(name, True, NOW + timedelta(minutes=minutes))


OPEN = Lease(UNTIL, NOW, kept=("OLD",))
KEYS = [key("OLD", 1), key("BEFORE", -1), key("JUST", -0.05), key("MADE", 3), key("LATER", 20)]


@pytest.mark.parametrize(
    ("lease", "expected"),
    [
        (OPEN, ["JUST", "MADE"]),
        (Lease(UNTIL, NOW, key_id="MADE"), ["MADE"]),
        (Lease(UNTIL, NOW, key_id="GONE"), []),
        (Lease(UNTIL), []),
        (Lease(), []),
        (Lease(None, NOW), ["OLD", "JUST", "MADE"]),
    ],
)
def test_the_keys_of_a_lease(lease, expected):
    assert [key.id for key in leases.keys_of(lease, KEYS, NOW + timedelta(minutes=10))] == expected
