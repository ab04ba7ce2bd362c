# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every source file is held to."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .files import HEADER, MODULE_UTILS, code, name, product_files, python_files, roles, without_documentation

LONGEST = 300
"""Lines of a Python file, documentation texts of plugins left out. Tests are tables, which grow with what they cover."""

ALL_PYTHON = python_files("plugins", "tests", "demo", "requirements", "examples")


@pytest.mark.parametrize("path", ALL_PYTHON, ids=name)
def test_the_header_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text or re.sub(r"\A#!.*\n", "", text).startswith(HEADER)


@pytest.mark.parametrize("path", [path for path in ALL_PYTHON if not path.name.startswith("test_")], ids=name)
def test_files_are_short(path: Path) -> None:
    assert len(re.sub(r"\n{4,}", "\n", code(path)).splitlines()) <= LONGEST


@pytest.mark.parametrize("path", python_files("plugins/modules", "plugins/module_utils"), ids=name)
def test_what_hosts_run_is_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    # Python 3.8 parses annotations such as `list[str]`, and fails on them unless this stands first.
    defined = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AnnAssign))]
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    assert future or not defined


PREDICTS = MODULE_UTILS.parents[1] / "playbooks" / "tasks" / "audit_role.yml"
"""Has Ansible predict a role, by the keyword for that. It does not ask whether a run is in check mode."""


@pytest.mark.parametrize("path", [path for path in product_files() if path not in (MODULE_UTILS / "_reconcile.py", PREDICTS)], ids=name)
def test_only_the_loop_knows_check_mode(path: Path) -> None:
    if path.parts[-2] == "doc_fragments" or path.name in ("argument_specs.yml", "argument_specs.yaml"):
        return
    assert not re.findall(r"(?<!supports_)check_mode", code(path))


def test_documentation_is_left_out_and_code_is_not() -> None:
    source = 'DOCUMENTATION = r"""\nattributes:\n  check_mode: full\n"""\nif module.check_mode:\n    pass\n'
    assert without_documentation(source).split() == ["if", "module.check_mode:", "pass"]


@pytest.mark.parametrize("path", product_files(), ids=name)
def test_the_partition_is_never_written_out(path: Path) -> None:
    assert "arn:aws" not in code(path)


@pytest.mark.parametrize("path", product_files(), ids=name)
def test_no_import_is_deprecated(path: Path) -> None:
    """Runs do not tell: amazon.aws 10 imports it too, and Ansible warns once."""
    assert "module_utils._text" not in code(path)


@pytest.mark.parametrize("path", product_files(), ids=name)
def test_no_structured_data_comes_from_a_template(path: Path) -> None:
    assert not path.name.endswith((".json.j2", ".yml.j2", ".yaml.j2"))
    assert path.suffix == ".py" or "{%" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for role in roles() for path in role.glob("tasks/*.yml")], ids=name)
def test_no_failure_is_ignored(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "ignore_errors" not in text
    assert "ansible_check_mode" not in text
