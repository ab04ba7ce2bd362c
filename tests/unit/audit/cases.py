# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account in records, for the tables of the audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.records import Holder, Rules, Seen
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.tags import OWNER_TAG

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACCOUNT = "123456789012"
AWS = "arn:aws:iam::aws:policy/"
MINE = {OWNER_TAG: "default"}
EC2 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def role(name: str = "web", **given: Any) -> Holder:
    values = {"tags": MINE, "trust": EC2, "profiles": (name,), **given}
    return Holder("role", name, f"arn:aws:iam::{ACCOUNT}:role/{name}", **values)


def user(name: str = "cwagent-web1", **given: Any) -> Holder:
    return Holder("user", name, f"arn:aws:iam::{ACCOUNT}:user/hybridops/{name}", **{"tags": MINE, **given})


def key(created: datetime, active: bool = True, **given: Any) -> Key:
    return Key(given.pop("id", "AKIAEXAMPLE"), active, created, **given)


def seen(*holders: Holder, **given: Any) -> Seen:
    return Seen(NOW, ACCOUNT, "aws", "eu-west-1", holders, **given)


def rules(**given: Any) -> Rules:
    return Rules(**given)


def policy(action: Any, resource: Any = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]}
