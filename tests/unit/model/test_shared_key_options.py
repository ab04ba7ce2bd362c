# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person may write for a shared key and its store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key_options import (
    ARGUMENT_SPEC,
    Place,
    place,
    shared_rules,
)

KMS = {"kms_key_id": "alias/cwagent"}


@pytest.mark.parametrize(
    "name",
    ["key", "/hybridops/key", "hybridops/key", "a.b_c-d", "/a/AmazonCloudWatch-key", "CloudWatch-key", "/x" * 15, "x" * 1011],
)
def test_names_of_parameters(name: str) -> None:
    assert place({"parameter": name, **KMS}, writes=True) == Place(name, "alias/cwagent")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "either"),
        ({"parameter": "", "vault_file": ""}, "either"),
        ({"parameter": "x", "vault_file": "/x"}, "not both"),
        ({"parameter": "AmazonCloudWatch-x"}, "every server"),
        ({"parameter": "/AmazonCloudWatch-x"}, "every server"),
        ({"parameter": "amazoncloudwatch-x"}, "every server"),
        ({"parameter": "/AmazonCloudWatch-/x"}, "every server"),
        ({"parameter": "aws/x"}, "keeps for itself"),
        ({"parameter": "/ssmx"}, "keeps for itself"),
        ({"parameter": "a b"}, "no name"),
        ({"parameter": "//x"}, "no name"),
        ({"parameter": "/x/"}, "no name"),
        ({"parameter": "ssm:x"}, "no name"),
        ({"parameter": "/x" * 16}, "no name"),
        ({"parameter": "x" * 1012}, "no name"),
        ({"parameter": "x", "kms_key_id": ""}, "kms_key_id"),
        ({"parameter": "x", "kms_key_id": "alias/aws/ssm"}, "AWS's own key"),
        ({"parameter": "x", "kms_key_id": "arn:aws:kms:eu-west-1:1:alias/aws/ssm"}, "AWS's own key"),
        ({"vault_file": "key.yml"}, "absolute"),
        ({"vault_file": "/srv/../key.yml"}, "absolute"),
    ],
)
def test_places_that_are_refused(options: Dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        place({**KMS, **options}, writes=True)


def test_who_only_reads_needs_no_kms_key() -> None:
    assert place({"parameter": "x"}, writes=False) == Place("x")
    with pytest.raises(InputError, match="every server"):
        place({"parameter": "AmazonCloudWatch-x"}, writes=False)


def options(**given: Any) -> Dict[str, Any]:
    defaults = {name: entry.get("default") for name, entry in ARGUMENT_SPEC.items()}
    return {**defaults, "user": "shared", "region": "eu-west-1", **given}


def test_rules_of_the_options() -> None:
    rules = shared_rules(options(rotate_after="90d", drop_key="AKIA1", credentials_region="us-east-1"), {})
    assert (rules.keys.rotate_after, rules.keys.drop_key, rules.keys.region) == (timedelta(days=90), "AKIA1", "us-east-1")
    assert rules.hosts is None and not rules.partial and not rules.rotate
    seen = shared_rules(options(hosts={"a": "AKIA1", "b": None, "c": ""}, all_hosts=True), {})
    assert seen.hosts == {"a": "AKIA1", "b": "", "c": ""} and not seen.partial
    assert "a" in shared_rules(options(hosts={"a": "AKIA1"}, all_hosts=True), {"ansible_limit": "a"}).partial
    assert shared_rules(options(hosts={}), {}).partial


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"user": "a b"}, "user"),
        ({"region": None}, "credentials_region"),
        ({"all_hosts": True}, "hosts"),
        ({"host_count": 0}, "hosts"),
        ({"hosts": {}, "rotate": True}, "rotate"),
        ({"hosts": {"a": 1}}, "hosts: a"),
        ({"hosts": {"a": {}}}, "hosts: a"),
        ({"grace": "x"}, "grace"),
    ],
)
def test_options_that_are_refused(given: Dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        shared_rules(options(**given), {})
