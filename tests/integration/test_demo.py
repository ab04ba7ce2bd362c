# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``make demo KEEP=1`` shows and leaves behind is what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from tests.support.tree import ROOT, collections_path


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name, as temporary folders have."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def test_the_demo_is_all_as_expected_and_can_be_looked_around_in(place: Path) -> None:
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": binaries, "HOME": str(place), "TMPDIR": str(place), "ANSIBLE_COLLECTIONS_PATH": str(collections_path())}
    environment.update({name: value for name, value in os.environ.items() if name == "EMULATORS_PYTHON"})
    command = [sys.executable, str(ROOT / "demo" / "run.py"), "--keep"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    emulator = int(re.findall(r"kill (\d+);", done.stdout)[0]) if "kill " in done.stdout else 0
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "All as expected" in done.stdout and "NOT AS EXPECTED" not in done.stdout
        exports = dict(re.findall(r"export (\w+)=(\S+)", done.stdout))
        printed = re.findall(r"^  (\S+ -c '.*')$", done.stdout, re.MULTILINE)[0]
        names = subprocess.run(  # noqa: S602  (what a person would paste)
            printed, shell=True, env={**environment, **exports}, capture_output=True, text=True, check=False
        )
        assert "CloudWatchAgentServerRole" in names.stdout, names.stderr
        left = {path.name.split("-")[0] for path in place.iterdir()}
        assert left <= {"hybridops", "aws_agents", ".ansible", ".cache"}, left
    finally:
        if emulator:
            os.kill(emulator, signal.SIGTERM)
