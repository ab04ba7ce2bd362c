# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may use whom. The layers are folders; the arrows between them go down."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Dict, Iterator, Set

import pytest

from .files import ROOT, name, python_files

COLLECTION = "ansible_collections.hybridops.aws_agents.plugins."
UTILS = "module_utils."

MAY_USE: Dict[str, Set[str]] = {
    "modules": {"_reconcile", "_aws", "_host", "_model"},
    "action": {"_reconcile", "_aws", "_host", "_model"},
    "lookup": {"_aws", "_model"},
    "filter": {"_model"},
    "plugin_utils": {"_reconcile", "_aws", "_host", "_model"},
    "doc_fragments": set(),
    "_reconcile": {"_model"},
    "_aws": {"_model"},
    "_host": {"_model"},
    "_model": set(),
}
"""Beside itself, what each room may use."""

AMAZON_AWS = {
    "ansible_collections.amazon.aws.plugins.module_utils.modules",
    "ansible_collections.amazon.aws.plugins.module_utils.botocore",
    "ansible_collections.amazon.aws.plugins.module_utils.exceptions",
    "ansible_collections.amazon.aws.plugins.plugin_utils.base",
}
"""The narrow door to amazon.aws: what it may be asked for. Its service helpers are not among it."""


PLUGINS = python_files("plugins")


def room(path: Path) -> str:
    """Return the room a file is in: the first part below ``plugins``, or below ``plugins/module_utils``."""
    parts = path.relative_to(ROOT / "plugins").with_suffix("").parts
    return parts[1] if parts[0] == "module_utils" and len(parts) > 1 else parts[0]


def imports(path: Path) -> Iterator[str]:
    """Yield each name that a file imports, relative ones written out from ``plugins`` on."""
    yield from imports_of(path.read_text(encoding="utf-8"), path)


def imports_of(source: str, path: Path) -> Iterator[str]:
    """Yield the same for ``source``, as if it stood in the file ``path``."""
    package = path.relative_to(ROOT / "plugins").parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (node.module,) if node.module else ()
            yield from (".".join((*base, *module, alias.name)) for alias in node.names)


def used_rooms(path: Path) -> Set[str]:
    inside = [text.removeprefix(COLLECTION) for text in imports(path)]
    return {text[len(UTILS) :].partition(".")[0] for text in inside if text.startswith(UTILS)} - {room(path)}


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_arrows_go_down(path: Path) -> None:
    assert used_rooms(path) <= MAY_USE.get(room(path), set())


@pytest.mark.parametrize("path", python_files("plugins/module_utils/_model"), ids=name)
def test_the_model_needs_only_the_standard_library(path: Path) -> None:
    outside = {text.partition(".")[0] for text in imports(path)} - {"module_utils"}
    assert outside <= sys.stdlib_module_names


@pytest.mark.parametrize("path", python_files("plugins/module_utils/_host"), ids=name)
def test_what_runs_on_a_host_needs_only_the_standard_library(path: Path) -> None:
    outside = {text.partition(".")[0] for text in imports(path)} - {"module_utils"}
    assert outside <= sys.stdlib_module_names


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_amazon_aws_is_used_through_a_narrow_door(path: Path) -> None:
    used = {text.rpartition(".")[0] for text in imports(path) if text.startswith("ansible_collections.amazon.")}
    assert used <= AMAZON_AWS


@pytest.mark.parametrize("path", python_files("plugins/modules", "plugins/module_utils"), ids=name)
def test_imports_within_the_collection_are_relative(path: Path) -> None:
    assert not [text for text in imports(path) if text.startswith(COLLECTION)]


def test_imports_are_seen() -> None:
    # Without this, a mistake in `imports` would make every test above pass.
    lines = ["from .._model.plan import Change", "from . import session", "import boto3", "from ansible_collections.amazon.aws.a import b"]
    example = ROOT / "plugins" / "module_utils" / "_aws" / "example.py"
    assert list(imports_of("\n".join(lines), example)) == [
        "module_utils._model.plan.Change",
        "module_utils._aws.session",
        "boto3",
        "ansible_collections.amazon.aws.a.b",
    ]
    assert list(imports_of(lines[0].replace("..", "..module_utils."), ROOT / "plugins" / "action" / "example.py")) == [
        "module_utils._model.plan.Change"
    ]
