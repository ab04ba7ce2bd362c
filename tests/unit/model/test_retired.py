# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which policies are taken for retired ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import retired

PRINTED = Path(__file__).parents[1] / "golden" / "documents"
SERVER = json.loads((PRINTED / "cwagent_server.json").read_text())
ADMIN = json.loads((PRINTED / "cwagent_admin.json").read_text())
(STATEMENT,) = SERVER["Statement"]

ARNS = {
    "arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM": True,
    "arn:aws-cn:iam::aws:policy/service-role/AmazonEC2RoleforSSM": True,
    "arn:aws:iam::aws:policy/AmazonEC2RoleforSSM": False,
    "arn:aws:iam::111122223333:policy/service-role/AmazonEC2RoleforSSM": False,
    "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore": False,
}


@pytest.mark.parametrize("arn", ARNS)
def test_a_managed_policy(arn):
    found = retired.managed(arn)
    assert (found is not None) is ARNS[arn]
    assert found is None or found.replaced_by == ("AmazonSSMManagedInstanceCore",)


DOCUMENTS = {
    "as printed": (SERVER, retired.SERVER_2018),
    "of the administrator": (ADMIN, retired.ADMIN_2018),
    "another Sid": ({**SERVER, "Statement": {**STATEMENT, "Sid": "Mine"}}, retired.SERVER_2018),
    "no Sid": ({**SERVER, "Statement": [{key: STATEMENT[key] for key in ("Effect", "Action", "Resource")}]}, retired.SERVER_2018),
    "another order": (
        {**SERVER, "Statement": [{**STATEMENT, "Action": STATEMENT["Action"][::-1], "Resource": ["*"]}]},
        retired.SERVER_2018,
    ),
    "one action more": ({**SERVER, "Statement": [{**STATEMENT, "Action": [*STATEMENT["Action"], "logs:PutRetentionPolicy"]}]}, None),
    "one action less": ({**SERVER, "Statement": [{**STATEMENT, "Action": STATEMENT["Action"][1:]}]}, None),
    "limited": ({**SERVER, "Statement": [{**STATEMENT, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}, None),
    "something besides": ({**SERVER, "Statement": [STATEMENT, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}, None),
    "denied": ({**SERVER, "Statement": [{**STATEMENT, "Effect": "Deny"}]}, None),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document(name):
    document, expected = DOCUMENTS[name]
    assert retired.custom(document) is expected


def test_all_say_what_takes_their_place():
    for one in (retired.SERVER_2018, retired.ADMIN_2018, *retired.MANAGED.values()):
        assert one.name and one.why and one.replaced_by
