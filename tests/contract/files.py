# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the collection, found anew at each run: what is added is held to the same rules."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import yaml

from tests.support.tree import ROOT

HEADER = """\
# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""

MODULE_UTILS = ROOT / "plugins" / "module_utils"


def python_files(*below: str) -> List[Path]:
    """Return the Python files below directories of the collection, in order."""
    return sorted(path for directory in below for path in (ROOT / directory).rglob("*.py"))


def product_files() -> List[Path]:
    """Return the files that a user installs and runs: code and data, no texts."""
    kinds = (".py", ".yml", ".yaml", ".j2", ".json", ".sh", ".ps1")
    found = [path for directory in ("plugins", "roles", "playbooks") for path in sorted((ROOT / directory).rglob("*"))]
    return [path for path in found if path.is_file() and path.suffix in kinds and path not in filter_documents()]


def filter_documents() -> List[Path]:
    """Return the documentation files of the filters, one per filter."""
    return sorted((ROOT / "plugins" / "filter").glob("*.yml"))


def code(path: Path) -> str:
    """Return what a product file does, without what it says of itself."""
    text = path.read_text(encoding="utf-8")
    return without_documentation(text) if path.suffix == ".py" else text


def plugins(kind: str) -> List[Path]:
    """Return the plugins of a kind (``modules``, ``lookup`` …)."""
    return [path for path in python_files(f"plugins/{kind}") if path.stem != "__init__"]


def roles() -> List[Path]:
    return sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())


def name(path: Path) -> str:
    """Return the name of a file under which a failing test shows it."""
    return str(path.relative_to(ROOT))


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def documents(path: Path) -> Dict[str, Any]:
    """Return the documentation texts of a plugin, parsed: ``DOCUMENTATION``, ``EXAMPLES``, ``RETURN``.

    :param path: the plugin; for a filter the file of its name that ends in ``.yml``.
    """
    if path.suffix == ".yml":
        beside: Dict[str, Any] = read_yaml(path)
        return beside
    return {name: yaml.safe_load(ast.literal_eval(node.value)) for name, node in documentation_nodes(path.read_text(encoding="utf-8"))}


def documentation_nodes(source: str) -> Iterator[Tuple[str, ast.Assign]]:
    """Yield the assignments of documentation texts, with the name of each."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
                yield name, node


def without_documentation(source: str) -> str:
    """Return Python source with the lines of its documentation texts emptied."""
    lines = source.splitlines()
    for _name, node in documentation_nodes(source):
        end = node.end_lineno or node.lineno
        lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    return "\n".join(lines)
