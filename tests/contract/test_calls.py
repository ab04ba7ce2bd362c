# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of calls is the code's: every operation of AWS that the code names is in it, and nothing else.

The code is read, not run. An operation is a method of a client (``iam.get_user``), or a text that names one:
``get_paginator("list_users")``, ``f"attach_{kind}_policy"``. Methods of a client are known from the SDK's own models.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import parliament
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.calls import ANY, ATTACHES, BOUNDARY, CALLS
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel

from .files import name, python_files

SERVICES = ("iam", "sts", "ssm", "kms", "cloudwatch", "ec2", "s3", "logs")
KINDS = ("role", "user")
"""What a placeholder in the name of an operation stands for."""

FILES = python_files("plugins/module_utils/_aws", "plugins/plugin_utils", "plugins/action", "plugins/modules")


@cache
def operations(service: str) -> Dict[str, str]:
    """Return the operations of a service by the names of the client's methods."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    return {xform_name(operation): operation for operation in model.operation_names}


def named(path: Path) -> Set[str]:
    """Return the operations that a file names, as ``service:Operation``."""
    return named_in(ast.parse(path.read_text(encoding="utf-8")), name(path))


def named_in(tree: ast.AST, where: str) -> Set[str]:
    services = {service for service in SERVICES if any(service in words for words in _words(tree))}
    found = set()
    for node in ast.walk(tree):
        for method in _methods(node):
            beside = _services_beside(node)
            candidates = sorted(service for service in (beside or services) if method in operations(service))
            assert len(candidates) < 2, f"{where}:{getattr(node, 'lineno', 0)}: {method} may be an operation of {candidates}"
            found.update(f"{service}:{operations(service)[method]}" for service in candidates)
    return found


def _methods(node: ast.AST) -> Iterator[str]:
    """Yield the names in a node that may be methods of a client."""
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if "_" in node.value:
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        pattern = "".join(re.escape(part.value) if isinstance(part, ast.Constant) else f"({'|'.join(KINDS)})" for part in node.values)
        yield from (method for method in operations("iam") if re.fullmatch(pattern, method))


def _services_beside(node: ast.AST) -> Set[str]:
    """Return the services that the receiver of a method tells: ``self._iam``, ``client("kms")``."""
    if not isinstance(node, ast.Attribute):
        return set()
    return {service for service in SERVICES if any(service in words for words in _words(node.value))}


def _words(tree: ast.AST) -> Iterator[List[str]]:
    """Yield the words of the names and of the one-word texts in code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr.split("_")
        elif isinstance(node, ast.Name):
            yield node.id.split("_")
        elif isinstance(node, ast.arg):
            yield node.arg.split("_")
        elif isinstance(node, ast.Constant) and node.value in SERVICES:
            yield [str(node.value)]


def test_calls_are_seen() -> None:
    # Without this, a mistake above would make the tests below pass.
    source = """
def calls(client, iam, kind):
    iam.get_user(UserName="u")
    client("kms", config={}).describe_key(KeyId="k")
    iam.get_paginator("list_policies")
    Call(f"attach_{kind}_policy")
    getattr(iam, f"get_{kind}")
    return {"create_user": 1, "some_words": 2}
"""
    assert named_in(ast.parse(source), "example") == {
        *(
            "iam:GetUser",
            "kms:DescribeKey",
            "iam:ListPolicies",
            "iam:AttachRolePolicy",
            "iam:AttachUserPolicy",
            "iam:GetRole",
            "iam:CreateUser",
        )
    }


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_call_is_in_the_table(path: Path) -> None:
    assert named(path) - set(CALLS) == set(), "these calls are in the code and not in _model/calls.py"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_client_is_of_a_service_that_is_looked_for(path: Path) -> None:
    asked = {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if getattr(node.func, "attr", getattr(node.func, "id", "")).rpartition("_")[2] in ("client", "service")
    }
    assert {service for service in asked if isinstance(service, str)} <= set(SERVICES)


def test_every_line_of_the_table_is_in_the_code() -> None:
    assert set(CALLS) - {call for path in FILES for call in named(path)} == set(), "these lines of _model/calls.py are called nowhere"


# The table's facts


@cache
def reference() -> Dict[str, Dict[str, Any]]:
    """Return the Service Authorization Reference, as parliament brings it: by action in small letters."""
    text = (Path(parliament.__file__).parent / "iam_definition.json").read_text(encoding="utf-8")
    return {
        f"{service['prefix']}:{privilege['privilege']}".lower(): privilege
        for service in json.loads(text)
        for privilege in service["privileges"]
    }


PAIRS = [(call, action, kind) for call in CALLS.values() for action, kind in call.actions]


@pytest.mark.parametrize(("call", "action", "kind"), PAIRS, ids=[f"{call.operation}-{action}" for call, action, _kind in PAIRS])
def test_the_action_is_one_and_can_be_limited_so(call: Any, action: str, kind: str) -> None:
    known = reference()[action.lower()]
    assert known["privilege"] == action.partition(":")[2]
    kinds = {entry["resource_type"].rstrip("*").replace("iam-role", "role") for entry in known["resource_types"]} - {""}
    assert kind.partition(" ")[0] in kinds if kinds else kind == ANY, kinds


@pytest.mark.parametrize("operation", [call.operation for call in CALLS.values() if call.actions and call.operation.startswith("iam:")])
def test_the_condition_keys_are_those_of_the_reference(operation: str) -> None:
    call = CALLS[operation]
    keys = {key for entry in reference()[call.actions[0][0].lower()]["resource_types"] for key in entry["condition_keys"]}
    known = (
        {ATTACHES} if {"iam:PermissionsBoundary", "iam:PolicyARN"} <= keys else {BOUNDARY} if "iam:PermissionsBoundary" in keys else {""}
    )
    # What is detached is not asked for.
    assert call.guard in (known | {BOUNDARY} if "Detach" in operation else known)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_reads_is_called_so(call: Any) -> None:
    level = {reference()[action.lower()]["access_level"] for action, _kind in call.actions[:1]}
    assert call.writes == bool(level - {"Read", "List"})
