# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test sanity on a copy of the checkout: ``python run.py [ARGUMENT ...]``, for example ``--test pep8``.

The ansible-test and the amazon.aws are those of the environment that this script is run with. ansible-test wants the collection in a
directory of a certain name and no symbolic links there, so it gets a copy. It installs what each test needs below ``~/.ansible``; it
gets a home of its own in the environment, which keeps that for the next run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ansible_test._internal.host_configs import NativePythonConfig
from ansible_test._internal.python_requirements import get_venv_packages

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = Path(sys.prefix)
HOME = ENVIRONMENT / "sanity-home"
VERSION = ".".join(map(str, sys.version_info[:2]))

SKIPPED = ["pslint"]
"""PowerShell is not on PyPI, and the collection has no plugin in it."""


def main(arguments: list[str]) -> int:
    prepare_home()
    with tempfile.TemporaryDirectory(prefix="aws_agents-sanity-") as scratch:
        collections = Path(scratch) / "ansible_collections"
        checkout = collections / "hybridops" / "aws_agents"
        copy_checkout(checkout)
        shutil.copytree(ENVIRONMENT / "collections/ansible_collections/amazon/aws", collections / "amazon/aws")
        skip = [word for name in SKIPPED for word in ("--skip-test", name)]
        command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", "--color", "no", "--python", VERSION, *skip, *arguments]
        path = os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)])
        environment = {**os.environ, "HOME": str(HOME), "LC_ALL": "C.UTF-8", "PATH": path}
        return subprocess.run(command, cwd=checkout, env=environment, check=False).returncode


def prepare_home() -> None:
    """Spare ansible-test the download of a script that installs pip: Python has one of its own."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    python = NativePythonConfig(version=VERSION, path=sys.executable)
    version = get_venv_packages(python)["pip"]
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text("import ensurepip\nensurepip.bootstrap(default_pip=True)\n")
    # pip must go on finding the user's index and certificates.
    for name in (".config/pip", ".pip", ".netrc"):
        link, target = HOME / name, Path.home() / name
        if target.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)


def copy_checkout(target: Path) -> None:
    """Copy what git tracks or would track, and make it a repository, so that ansible-test asks git for the files too."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
