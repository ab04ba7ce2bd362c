# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment for AWX, as far as ansible-builder takes it without a registry: the build's context and needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tree import ROOT, collections_path

BUILDER = str(Path(sys.executable).with_name("ansible-builder"))
DEFINITION = ROOT / "examples" / "execution-environment" / "execution-environment.yml"


def builder(*words: Any, rc: int = 0) -> str:
    done = subprocess.run([BUILDER, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == rc, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_build_is_prepared(tmp_path: Path) -> None:
    # Without a name given, the builder's choice depends on which container program this machine has.
    builder("create", "--file", DEFINITION, "--context", tmp_path / "context", "--output-filename", "Containerfile")
    lines = (tmp_path / "context" / "Containerfile").read_text()
    assert "quay.io/centos/centos:stream9" in lines and "ansible-core>=2.17" in lines and "/usr/bin/python3.12" in lines
    wanted = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text())
    assert wanted == {"collections": [{"name": "hybridops.aws_agents", "version": ">=1.0.0"}]}


def test_a_definition_that_is_wrong_is_refused(tmp_path: Path) -> None:
    """Otherwise the test above would prove little."""
    definition = yaml.safe_load(DEFINITION.read_text())
    definition["dependencies"]["collections"] = []
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(definition))
    builder("create", "--file", tmp_path / "wrong.yml", "--context", tmp_path / "context", rc=1)


@pytest.mark.parametrize("package", [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1] not in ("#", "")])
def test_what_the_collection_needs_is_found(package: str) -> None:
    found = yaml.safe_load(builder("introspect", collections_path()).partition("---")[2])
    assert any(line.startswith(f"{package} ") and "hybridops.aws_agents" in line for line in found["python"])
