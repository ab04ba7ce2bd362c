# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests with other versions: ``python run.py [--sample] [ROW ...] [-- PYTEST ARGUMENT ...]``.

Each row of ``rows.toml`` gets an environment of its own below ``.venv/matrix``. Emulators run with the environment that this script is
run with, since they ask for a boto3 of their own. A row whose Python the machine has not is left out and said to be; that is a failure
of the whole matrix, and none of the sample.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".venv" / "matrix"
HERE = Path(__file__).parent

FREE = ("ansible-core", "boto3", "botocore", "resolvelib", "s3transfer", "urllib3")
"""What a row, or what it asks for, has another version of than ``requirements/constraints.txt``."""


@dataclass(frozen=True)
class Row:
    name: str
    python: list[str]
    host_python: str
    core: str
    ansible: str
    boto3: str

    @property
    def packages(self) -> list[str]:
        return [f"ansible-core=={self.core}", f"boto3=={self.boto3}"]

    def __str__(self) -> str:
        return f"{self.name}: ansible-core {self.core}, boto3 {self.boto3}, amazon.aws of ansible {self.ansible}"


def main(arguments: list[str]) -> int:
    table = tomllib.loads((HERE / "rows.toml").read_text())
    asked, pytest_arguments = split(arguments)
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", action="store_true", help="the ends of the matrix, and the tests that tell most")
    parser.add_argument("--workers", default="2")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    options = parser.parse_args(asked)
    kind = table["sample" if options.sample else "whole"]
    names = options.rows or kind.get("rows", list(table["rows"]))
    tests = pytest_arguments or kind["tests"]
    # Who names tests of his own asked for nothing else.
    sane = [] if pytest_arguments else kind.get("sanity", [])
    said = {}
    for name in names:
        row = Row(name, **table["rows"][name])
        print(f"\n== {row}", flush=True)
        said[name] = outcome(row, ["-n", options.workers, *tests], sanity=name in sane)
    print("\n== The matrix")
    for name, words in said.items():
        print(f"{name:10} {words}")
    fine = ("passed", "left out") if options.sample else ("passed",)
    return int(not all(words.startswith(fine) for words in said.values()))


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def outcome(row: Row, arguments: list[str], sanity: bool) -> str:
    python = next(filter(None, map(interpreter, row.python)), None)
    if python is None:
        return f"left out: no Python {' or '.join(row.python)} on PATH, nor below ~/.pyenv/versions"
    environment = prepared(row, python)
    began = time.monotonic()
    host_python = interpreter(row.host_python)
    variables = {**os.environ, "EMULATORS_PYTHON": sys.executable, "HOST_PYTHON": str(host_python or "")}
    # What the tests call by name is the row's.
    variables["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    variables.pop("ANSIBLE_COLLECTIONS_PATH", None)
    commands = {"tests": ["-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]}
    if sanity:
        commands["ansible-test sanity"] = ["tests/sanity/run.py"]
    failed = [
        what
        for what, words in commands.items()
        if subprocess.run([environment / "bin" / "python", *words], cwd=ROOT, env=variables, check=False).returncode
    ]
    verdict = f"failed ({', '.join(failed)})" if failed else f"passed ({', '.join(commands)})"
    hosts = f"Python {row.host_python}" if host_python else f"the controller's Python, since the machine has no {row.host_python}"
    return f"{verdict} in {time.monotonic() - began:.0f} s, with {version(python)}; hosts with {hosts}"


def interpreter(version: str) -> Path | None:
    """Return a Python of this version, 3.11 or the like, that works: a pyenv shim may be found that does not."""
    on_path = shutil.which(f"python{version}")
    known = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for found in filter(None, (Path(on_path) if on_path else None, *known)):
        asked = subprocess.run([found, "-c", "import ensurepip, json, venv"], capture_output=True, check=False)
        if asked.returncode == 0:
            return found
    return None


def version(python: Path) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def prepared(row: Row, python: Path) -> Path:
    """Return the row's environment, made when it is not there or not of these versions."""
    place = PLACE / row.name
    pinned = (ROOT / "requirements" / "constraints.txt").read_text().splitlines()
    tools = HERE / "requirements.txt"
    wanted = "\n".join([str(row), version(python), tools.read_text(), *pinned])
    made = place / "made-of"
    if made.exists() and made.read_text() == wanted:
        return place
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(place)], check=True)
    constraints = place / "constraints.txt"
    constraints.write_text("\n".join(line for line in pinned if not free(line)))
    install = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*install, "--constraint", str(constraints), "--requirement", str(tools), *row.packages], check=True)
    # Unit tests judge documents with its evaluator, which needs nothing else. Its pip package asks for a certain boto3.
    ministack = next(line for line in pinned if line.startswith("ministack=="))
    subprocess.run([*install, "--no-deps", ministack], check=True)
    lay_collections(place, row)
    made.write_text(wanted)
    return place


def lay_collections(place: Path, row: Row) -> None:
    """Lay the checkout beside the row's amazon.aws, where the tests look for both."""
    collections = place / "collections"
    fetch = [str(place / "bin" / "python"), str(ROOT / "requirements" / "fetch_collections.py"), str(collections)]
    subprocess.run([*fetch, f"ansible=={row.ansible}"], check=True)
    checkout = collections / "ansible_collections" / "hybridops" / "aws_agents"
    checkout.parent.mkdir(parents=True)
    checkout.symlink_to(ROOT)


def free(line: str) -> bool:
    return re.split("[=<>]", line)[0].strip() in FREE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
