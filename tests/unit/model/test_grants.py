# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.grants import listed, named, policy_entries, policy_names

CORE: Dict[str, Any] = {"managed": "AmazonSSMManagedInstanceCore"}
S3: Dict[str, Any] = {"name": "S3", "preset": "ssm_s3", "options": {"vpc_endpoint_regions": ["eu-west-1"]}}
SERVER: Dict[str, Any] = {"managed": "CloudWatchAgentServerPolicy"}

WANTED = [(True, True), (False, False), ("true", True), ("no", False), ("False", False)]


@pytest.mark.parametrize(("value", "wanted"), WANTED)
def test_a_grant_counts_when_its_box_is_checked(value: Any, wanted: bool) -> None:
    grants = [CORE, {**S3, "wanted": value}]
    assert policy_names(grants) == ["AmazonSSMManagedInstanceCore"] + (["S3"] if wanted else [])
    assert [entry["name"] for entry in policy_entries(grants)] == (["S3"] if wanted else [])


def test_only_documents_of_the_catalogue_are_defined_with_what_all_have_in_common() -> None:
    assert policy_entries([CORE, S3], {"path": "/agents/", "state": "absent"}) == [
        {"name": "S3", "preset": "ssm_s3", "options": {"vpc_endpoint_regions": ["eu-west-1"]}, "path": "/agents/", "state": "absent"}
    ]


def test_the_same_document_is_defined_once() -> None:
    assert len(policy_entries([S3, dict(S3)])) == 1


def test_two_documents_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="policy S3: two different documents have this name"):
        policy_entries([S3, {**S3, "options": {"vpc_endpoint_regions": ["eu-west-2"]}}])


@pytest.mark.parametrize("order", [1, -1])
def test_a_policy_named_like_a_granted_one_of_aws_is_refused(order: int) -> None:
    """Its name would mean the customer's policy wherever the call refers to it."""
    own = {"name": "CloudWatchAgentServerPolicy", "preset": "cwagent_server"}
    with pytest.raises(InputError, match="AWS's managed policy of the same name is granted too"):
        policy_entries([own, SERVER][::order])
    assert policy_entries([own, {**SERVER, "wanted": False}])


PARAMETERS = [
    ([], None),
    (["AmazonCloudWatch-linux"], None),
    ("AmazonCloudWatch-linux,AmazonCloudWatch-web", None),
    (["AmazonCloudWatch-linux", "cloudwatch/web", "amazoncloudwatch-x"], "cloudwatch/web, amazoncloudwatch-x"),
]


@pytest.mark.parametrize(("parameters", "unreached"), PARAMETERS)
def test_a_managed_policy_reaches_parameters_of_its_prefix_only(parameters: Any, unreached: Any) -> None:
    grants = [{**SERVER, "parameters": parameters}]
    if unreached is None:
        assert policy_entries(grants) == []
    else:
        with pytest.raises(InputError, match=f"AmazonCloudWatch-, and so not {unreached}. Rename"):
            policy_entries(grants)


OPTIONS: List[Any] = [
    ({}, [], {}),
    ({}, ["a"], {"parameters": ["a"]}),
    ({"parameters": ["b"]}, ["a"], {"parameters": ["b"]}),
    (None, ["a"], {"parameters": ["a"]}),
    ({"traces": True}, "a,b", {"parameters": ["a", "b"], "traces": True}),
]


@pytest.mark.parametrize(("options", "parameters", "expected"), OPTIONS)
def test_a_preset_is_told_the_parameters_unless_it_names_its_own(options: Any, parameters: Any, expected: Any) -> None:
    grant = {"name": "P", "preset": "cwagent_server_scoped", "options": options, "parameters": parameters}
    assert policy_entries([grant])[0]["options"] == expected


BROKEN = [
    {},
    {"name": "P"},
    {"preset": "ssm_s3"},
    {"managed": "M", "name": "P", "preset": "ssm_s3"},
]


@pytest.mark.parametrize("grant", BROKEN)
def test_a_grant_is_either_managed_or_of_the_catalogue(grant: Dict[str, Any]) -> None:
    with pytest.raises(InputError, match="give either managed, or name and preset"):
        policy_names([grant])


def test_an_unknown_key_of_a_grant_is_refused() -> None:
    with pytest.raises(InputError, match="grant M: unknown option: want. Allowed are: wanted, managed"):
        policy_names([{"managed": "M", "want": True}])


@pytest.mark.parametrize("more", [["account:/X", "AmazonSSMManagedInstanceCore"], "account:/X, AmazonSSMManagedInstanceCore"])
def test_further_policies_follow_and_none_is_named_twice(more: Any) -> None:
    assert policy_names([CORE, S3], more) == ["AmazonSSMManagedInstanceCore", "S3", "account:/X"]


LISTS = [([], []), ("", []), (None, []), (["a", "b"], ["a", "b"]), ("a, b", ["a", "b"]), ("a\nb\n", ["a", "b"]), ("a", ["a"])]


@pytest.mark.parametrize(("value", "expected"), LISTS)
def test_lists_are_read_from_text_too(value: Any, expected: List[str]) -> None:
    assert listed(value, "list") == expected
    assert named(value, {"path": "/x/"}) == [{"path": "/x/", "name": name} for name in expected]
