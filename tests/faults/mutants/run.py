# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries mutants: each in a process forked from one that has all of other people's modules, and with the tests that know the module."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, FrozenSet, Iterable, List, Sequence, Set, Tuple

import pytest

from tests.faults.mutants.mutate import Mutant, mutated
from tests.support.tree import ROOT

PACKAGE = "ansible_collections.hybridops.aws_agents.plugins"
PLUGINS = ROOT / "plugins"
MODEL = PLUGINS / "module_utils" / "_model"
UNIT = ROOT / "tests" / "unit"
LIMIT = 120
"""Seconds of processor time after which a mutant counts as found out: it has made a loop endless. All tests of one module take 30."""
ABROAD = ("pytest", "hypothesis", "yaml", "boto3", "botocore.session", "ansible.plugins.action", "ansible.plugins.lookup", "jsonschema")
"""What tests import of others, and need not import again for each mutant."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    killed: bool
    tests: int
    """How many files of tests were asked."""


def module_of(path: Path) -> str:
    """Return the name under which a file of the checkout is imported."""
    home = (PACKAGE, PLUGINS) if path.is_relative_to(PLUGINS) else ("tests", ROOT / "tests")
    parts = path.relative_to(home[1]).with_suffix("").parts
    return ".".join((home[0], *(parts[:-1] if parts[-1] == "__init__" else parts)))


@cache
def imports(path: Path) -> FrozenSet[str]:
    """Return what a file names in its imports, as far as it is ours: modules, and what is in them."""
    package = module_of(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    found: Set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            found.update([whole, *(f"{whole}.{alias.name}" for alias in node.names)])
    return frozenset(name for name in found if name.startswith((PACKAGE, "tests.unit")))


@lru_cache(maxsize=1)
def _ours() -> Dict[str, Path]:
    """Return all modules that lead from a test to what it tests."""
    return {module_of(path): path for folder in (PLUGINS, UNIT) for path in sorted(folder.rglob("*.py"))}


@cache
def watchers(module: str) -> Tuple[Path, ...]:
    """Return the unit tests that may know a module: those that import it, then those that import what imports it, and so on."""
    found: List[Path] = []
    nearest, seen = {module}, {module}
    while nearest:
        nearest = {name for name, path in _ours().items() if name not in seen and any(_names(path, other) for other in nearest)}
        seen |= nearest
        tests = [_ours()[name] for name in sorted(nearest) if name.rpartition(".")[2].startswith("test_")]
        found += sorted(tests, key=lambda path: -_alike(module, path))
    # Properties take long, and most of what they find a row of a table has found before.
    return tuple(sorted(found, key=lambda path: "hypothesis" in path.read_text(encoding="utf-8")))


def _alike(module: str, test: Path) -> int:
    """Return how many words the names of a module and of a test have in common."""
    return len(set(module.replace(".", "_").split("_")[-5:]) & set("_".join(test.with_suffix("").parts[-2:]).split("_")))


def _names(path: Path, module: str) -> bool:
    """Return whether a file imports a module, or one that hands on what is in it."""
    return any(name == module or _hands_on(name, module) for name in imports(path))


@cache
def _hands_on(name: str, module: str) -> bool:
    """Return whether a module, such as ``_model.document``, says by ``__all__`` that what it imports is to be had of it."""
    path = _ours().get(name)
    return path is not None and module in imports(path) and "\n__all__ = " in path.read_text(encoding="utf-8")


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with a change in it."""

    def __init__(self, mutant: Mutant) -> None:
        self._name, self._mutant = module_of(mutant.path), mutant

    def find_spec(self, fullname: str, _path: Any, _target: Any = None) -> Any:
        if fullname != self._name:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=str(self._mutant.path))
        spec.has_location = True
        return spec

    def create_module(self, _spec: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(mutated(self._mutant), module.__dict__)  # noqa: S102  (a mutant is code)


def load_others() -> None:
    """Import what is not ours, for all forks at once."""
    for name in ABROAD:
        importlib.import_module(name)


def attempt(mutant: Mutant, depth: int = 0) -> Verdict:
    """Return whether the unit tests notice a mutant.

    :param depth: how many files of tests are asked, nearest first; 0 for all.
    """
    tests = watchers(module_of(mutant.path))
    tests = tests[:depth] if depth else tests
    return Verdict(mutant, bool(tests) and not _passes([_Changed(mutant)], tests), len(tests))


def passes_unchanged(tests: Sequence[Path]) -> bool:
    """Return whether tests pass in such a process without any change: else each mutant would count as found out."""
    return _passes([], tests)


def _passes(finders: Iterable[Any], tests: Sequence[Path]) -> bool:
    child = os.fork()
    if child == 0:
        _run(finders, tests)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run(finders: Iterable[Any], tests: Sequence[Path]) -> None:
    """Run tests in this process, a fork, and end it with their status."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 1))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        # A wrong rule may make a test wait for real, where a right one does not.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(2 * LIMIT)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        for name in [name for name in sys.modules if name.startswith(("ansible_collections.hybridops", "tests.unit"))]:
            del sys.modules[name]
        sys.meta_path[:0] = list(finders)
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler", "--no-header"]
        with contextlib.suppress(BaseException):
            status = int(pytest.main([*options, *map(str, tests)]))
    finally:
        os._exit(status)


def took(started: float) -> float:
    """Return the processor time of the forks since a moment of ``time.process_time`` and theirs, in seconds."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime + time.process_time() - started
