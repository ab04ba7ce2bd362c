# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audits to make pages of: one in which much was found, with names that would do harm if they were more than text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import document, views
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.judge import judge
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.records import Acceptance, Activation, Drift, Node

from tests.unit.audit.cases import AWS, NOW, ago, key, policy, role, rules, seen, user

HOSTILE = (
    "<script>fetch('http://example.org/')</script>",
    '"><img src=http://example.org/x onerror=alert(1)>',
    "'; } body{background:url(http://example.org/y)} </style>",
    "{{ 7*7 }}{% for x in y %}",
    "&lt;b&gt; &amp; </bdi></td></table>",
    "right \u202e to left \x1b[31m\x00",
    "x" * 500,
)
WORLD = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


def hostile_document(hostile: str = HOSTILE[0]) -> dict[str, Any]:
    """Return an audit that names something hostile wherever it names anything."""
    account = seen(
        role(
            hostile,
            trust=WORLD,
            attached=(AWS + "AdministratorAccess", f"{AWS}{hostile}"),
            inline={hostile: policy("*")},
            profiles=(hostile,),
        ),
        role("web", boundary=f"{AWS}{hostile}", last_used=ago(days=2)),
        user("cwagent-web1", groups=(hostile,), tags={"hybridops.aws_agents/owner": hostile}),
        user("cwagent-web2"),
        keys={
            "cwagent-web1": (key(ago(days=120), used=ago(hours=5), used_service=hostile), key(ago(days=300), False, id=hostile)),
            "cwagent-web2": (),
        },
        passwords={"cwagent-web1": True},
        activations=(Activation("a-1", hostile, 50, 3, ago(days=2), NOW + timedelta(days=20), name=hostile),),
        nodes=(Node("mi-0123456789abcdef0", hostile, "ConnectionLost", ago(days=90), hostile),),
        drifts=(Drift(hostile, refusal=hostile),),
    )
    wanted = rules(hosts_users=frozenset(["cwagent-web1"]), accept=(Acceptance("group-member", "*", hostile),))
    row = {
        "principal": f"arn:aws:iam::123456789012:role/{hostile}",
        "action": "iam:CreateUser",
        "resource": hostile,
        "context": {hostile: [hostile]},
        "expected": "may_not",
        "decision": "allowed",
        "agrees": False,
        "policies": [{"id": hostile, "type": "user"}, {"id": "b", "type": "user"}],
        "missing_context": [],
        "organization_allows": None,
        "boundary_allows": None,
        "not_seen": None,
    }
    rows = [row, {**row, "decision": None, "agrees": None, "not_seen": hostile}]
    rows += [{**row, "action": f"iam:Action{number}", "decision": "implicitDeny", "agrees": True, "policies": []} for number in range(9)]
    found = views.view(account, wanted, judge(account, wanted, (), rows))
    return document.document(found, {"rows": rows, "limits": [hostile]}, "high")


def empty_document() -> dict[str, Any]:
    """Return an audit in which nothing was found."""
    account = seen(role(), user(), keys={"cwagent-web1": (key(ago(days=3), used=ago(hours=5)),)})
    return document.document(views.view(account, rules(), judge(account, rules())))
