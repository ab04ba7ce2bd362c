# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small wrong changes to a module, one at a time: what a slip of the hand, or of the head, would make of it.

The ready-made tools write each change into the checkout and start a process for it, or name modules by their files; here a module is
known as part of a collection, and forty changes must be tried in a minute.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional, Tuple

_COMPARED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COUNTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add}
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Mutant:
    """One change: which node of which module, and what it becomes."""

    path: Path
    node: int
    """The place of the node in a walk through the tree."""
    variant: int
    line: int
    what: str
    """In words: ``a < b`` becomes ``a <= b``."""
    function: str
    """The function it is in; empty for what stands in none."""

    def __str__(self) -> str:
        return f"{'/'.join(self.path.parts[self.path.parts.index('_model') :])}:{self.line}: {self.what}"


def mutants(path: Path) -> List[Mutant]:
    """Return all mutants of a file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = _words(tree)
    found = []
    functions = {id(node): outer.name for outer in ast.walk(tree) if isinstance(outer, ast.FunctionDef) for node in ast.walk(outer)}
    for at, node in enumerate(ast.walk(tree)):
        if id(node) in words:
            continue
        for variant, change in enumerate(_changes(node)):
            after = change(copy.deepcopy(node))
            what = f"{_text(node)} becomes {_text(after)}"
            found.append(Mutant(path, at, variant, getattr(node, "lineno", 0), what, functions.get(id(node), "")))
    return sorted(found, key=lambda mutant: (mutant.line, mutant.node, mutant.variant))


def mutated(mutant: Mutant) -> Any:
    """Return the code of the module with the change in it."""
    tree = ast.parse(mutant.path.read_text(encoding="utf-8"))
    target = list(ast.walk(tree))[mutant.node]
    changed = _Replace(target, list(_changes(target))[mutant.variant]).visit(tree)
    return compile(ast.fix_missing_locations(changed), str(mutant.path), "exec")


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, change: Change) -> None:
        self._target, self._change = target, change

    def visit(self, node: ast.AST) -> Any:
        if node is self._target:
            return ast.copy_location(self._change(node), node)
        return self.generic_visit(node)


def _words(tree: ast.AST) -> set[int]:
    """Return the nodes that are words for people, names for type checkers, or the machinery of Python: none of them is a rule."""
    left: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.JoinedStr, ast.ImportFrom, ast.Import)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            left.update(map(id, ast.walk(node)))
        elif isinstance(node, ast.Raise):
            left.update(id(inner) for inner in ast.walk(node) if inner is not node)
        elif isinstance(node, (ast.FunctionDef, ast.AnnAssign, ast.arg)):
            for part in (getattr(node, "returns", None), getattr(node, "annotation", None), *getattr(node, "decorator_list", ())):
                left.update(map(id, ast.walk(part)) if part else ())
        elif isinstance(node, ast.ClassDef):
            left.update(id(inner) for part in (*node.decorator_list, *node.bases) for inner in ast.walk(part))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_type(node):
            left.update(map(id, ast.walk(node)))
    return left


def _is_type(node: ast.Assign) -> bool:
    """Return whether a name is given to a type, as in ``Rows = Iterable[Row]``."""
    value = node.value
    return isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and value.value.id[:1].isupper()


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield what a node may become."""
    yield from _values(node)
    yield from _steps(node)


def _values(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        yield from (_operator(at, _COMPARED[type(op)]) for at, op in enumerate(node.ops))
    elif isinstance(node, ast.BoolOp):
        yield _with(op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        yield from map(_without, range(len(node.values)))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda found: found.operand
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _COUNTED:
        yield _with(op=_COUNTED[type(node.op)]())
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.IfExp):
        yield lambda found: ast.IfExp(found.test, found.orelse, found.body)


def _steps(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, (ast.If, ast.While)) and isinstance(node.test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
        yield lambda found: type(found)(ast.UnaryOp(ast.Not(), found.test), found.body, found.orelse)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield _with(ifs=[])
    elif isinstance(node, ast.Return) and node.value and not (isinstance(node.value, ast.Constant) and not node.value.value):
        yield _with(value=ast.Constant(None))
    elif isinstance(node, (ast.Raise, ast.Continue, ast.Break)) or _is_call(node):
        yield lambda _found: ast.Pass()


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Yield))


def _constants(value: Any) -> Iterator[Change]:
    if isinstance(value, bool):
        yield lambda _found: ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield lambda _found: ast.Constant(value + 1)
    elif isinstance(value, str) and " " not in value:  # words for people are no rule
        yield lambda _found: ast.Constant(f"{value}x" if value else "x")


def _operator(at: int, other: Any) -> Change:
    def change(found: Any) -> Any:
        return ast.Compare(found.left, [other() if number == at else op for number, op in enumerate(found.ops)], found.comparators)

    return change


def _without(at: int) -> Change:
    def change(found: Any) -> Any:
        left = [value for number, value in enumerate(found.values) if number != at]
        return left[0] if len(left) == 1 else ast.BoolOp(found.op, left)

    return change


def _with(**fields: Any) -> Change:
    def change(found: Any) -> Any:
        changed = copy.copy(found)
        for name, value in fields.items():
            setattr(changed, name, value)
        return changed

    return change


def _text(node: Optional[Any]) -> str:
    text = "nothing" if node is None else ast.unparse(ast.fix_missing_locations(node)).strip()
    first: Tuple[str, ...] = tuple(text.splitlines())
    return (first[0][:90] + ("…" if len(first) > 1 or len(first[0]) > 90 else "")) if first else "nothing"
