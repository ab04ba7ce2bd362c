# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the collection and import it as Ansible Galaxy does: ``python run.py``. An error or a warning of the importer's is a failure.

What Galaxy runs besides is a step of its own here: ``make lint`` and ``make sanity``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".venv" / "galaxy"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
SETTINGS = "[galaxy-importer]\nRUN_ANSIBLE_LINT=False\nRUN_ANSIBLE_TEST=False\nCHECK_REQUIRED_TAGS=True\n"


def main() -> int:
    prepare()
    with tempfile.TemporaryDirectory(prefix="aws_agents-galaxy-") as scratch:
        settings = Path(scratch) / "settings.cfg"
        settings.write_text(SETTINGS)
        build = [sys.executable, "-m", "ansible", "galaxy", "collection", "build", str(ROOT), "--output-path", scratch]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        (built,) = Path(scratch).glob("*.tar.gz")
        environment = {
            **os.environ,
            "GALAXY_IMPORTER_CONFIG": str(settings),
            "HOME": scratch,
            "PATH": f"{PLACE / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        environment.pop("ANSIBLE_COLLECTIONS_PATH", None)
        command = [str(PLACE / "bin" / "python"), "-m", "galaxy_importer.main", str(built)]
        run = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in (run.stdout + run.stderr).splitlines() if not line.startswith(("{", "Loading "))]
    print("\n".join(lines))
    wrong = [line for line in lines if line.startswith(("ERROR", "WARNING", "Traceback"))]
    return int(bool(wrong) or run.returncode != 0 or not any("completed successfully" in line for line in lines))


def prepare() -> None:
    """Make the importer's environment, with amazon.aws where its ansible-doc finds it: documentation takes fragments from there."""
    made, wanted = PLACE / "made-of", REQUIREMENTS.read_text()
    if made.exists() and made.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(PLACE)], check=True)
    pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=True)
    (packages,) = PLACE.glob("lib/python3.*/site-packages")
    (packages / "ansible_collections").mkdir()
    (packages / "ansible_collections" / "amazon").symlink_to(ROOT / ".venv/collections/ansible_collections/amazon")
    made.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main())
