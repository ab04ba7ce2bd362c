# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four ways to refer to a managed policy."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.identities import references

GOV = Context("aws-us-gov", "123456789012", "us-gov-west-1")
OWN = {"Mine": "arn:aws-us-gov:iam::123456789012:policy/Mine"}


@pytest.mark.parametrize(
    ("reference", "arn"),
    [
        ("Mine", OWN["Mine"]),
        ("arn:aws-us-gov:iam::aws:policy/X", "arn:aws-us-gov:iam::aws:policy/X"),
        ("account:Name", "arn:aws-us-gov:iam::123456789012:policy/Name"),
        ("account:/Name", "arn:aws-us-gov:iam::123456789012:policy/Name"),
        ("account:/a/b/Name", "arn:aws-us-gov:iam::123456789012:policy/a/b/Name"),
        ("SomeManagedPolicy", ""),
    ],
)
def test_known_without_a_look_up(reference, arn):
    assert references.known_arn(reference, OWN, GOV) == arn


def test_aws_managed_policies_are_tried_at_the_bare_path_and_under_service_role():
    assert references.candidates("AmazonEC2RoleforSSM", GOV) == [
        "arn:aws-us-gov:iam::aws:policy/AmazonEC2RoleforSSM",
        "arn:aws-us-gov:iam::aws:policy/service-role/AmazonEC2RoleforSSM",
    ]
    assert references.candidates("service-role/X", GOV) == ["arn:aws-us-gov:iam::aws:policy/service-role/X"]


def test_a_customer_policy_of_the_same_name_is_no_match_for_an_aws_managed_one():
    held = ["arn:aws-us-gov:iam::123456789012:policy/CloudWatchAgentServerPolicy"]
    assert references.answered("CloudWatchAgentServerPolicy", OWN, held, GOV) == ""
    held += ["arn:aws-us-gov:iam::aws:policy/CloudWatchAgentServerPolicy"]
    assert references.answered("CloudWatchAgentServerPolicy", OWN, held, GOV) == held[1]


def test_a_reference_by_arn_is_no_proof_that_the_policy_is_there():
    arn = "arn:aws-us-gov:iam::123456789012:policy/x/P"
    assert references.answered("account:/x/P", OWN, [], GOV) == references.answered(arn, OWN, [], GOV) == ""
    assert references.answered("account:/x/P", OWN, [arn], GOV) == arn
    with pytest.raises(Refusal, match="there is no policy arn:aws-us-gov:iam::123456789012:policy/x/P"):
        references.resolve("account:/x/P", OWN, [], {}, GOV, "user u")
    assert references.resolve("account:/x/P", OWN, [], {"account:/x/P": arn}, GOV, "user u") == arn


def test_a_policy_that_is_not_there_is_refused_with_the_remedy():
    with pytest.raises(Refusal, match="no AWS managed policy named Nope in the partition aws-us-gov.*account:/path/Nope"):
        references.resolve("Nope", OWN, [], {}, GOV, "user u")
