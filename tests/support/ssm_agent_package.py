# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for the SSM Agent as a Debian package, signed and served as Amazon serves its own.

What is in the package, and what it does, is told in tests/ssm_agent/README.md.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Mapping, Optional

from tests.support import agent_package
from tests.support.signing_key import SigningKey

__all__ = ["PackageServer", "SigningKey", "build", "lay_out"]

SOURCE = Path(__file__).resolve().parents[1] / "ssm_agent"
HOME = "usr/lib/amazon-ssm-agent-stand-in"
SETTINGS = "etc/default/amazon-ssm-agent-stand-in"
VERSION = "3.3.1142.0-1"
PROGRAMS = {"amazon-ssm-agent": "agent", "ssm-cli": "cli"}
"""What does the work of each program, in ``stand_in``."""

# Neither the caller's Python settings nor compiled files that dpkg knows nothing of.
LAUNCHER = """\
#!/usr/bin/python3 -IB
# Stand-in of the hybridops.aws_agents tests for Amazon's program of this name.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../lib/amazon-ssm-agent-stand-in"))

from stand_in import {module}

sys.exit({module}.main(sys.argv[1:]))
"""


def build(folder: Path, version: str = VERSION, environment: Optional[Mapping[str, str]] = None) -> Path:
    """Make the package and return its path.

    :param folder: where; made if it is not there.
    :param version: as dpkg has it, ``3.3.1142.0-1``.
    :param environment: the stand-in's own settings, ``STAND_IN_…``.
    :raises PackageError: when dpkg-deb fails.
    """
    with tempfile.TemporaryDirectory(prefix="aws_agents-package-") as scratch:
        root = Path(scratch) / "root"
        lay_out(root, version, environment)
        return agent_package.pack(root, SOURCE / "debian", "amazon-ssm-agent", version, folder)


def lay_out(root: Path, version: str = VERSION, environment: Optional[Mapping[str, str]] = None) -> None:
    """Put what the package installs below ``root``; parameters as of ``build``."""
    home = root / HOME
    (home / "stand_in").mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    for name, module in PROGRAMS.items():
        (root / "usr/bin" / name).write_text(LAUNCHER.format(module=module), encoding="ascii")
        (root / "usr/bin" / name).chmod(0o755)
    for path in (SOURCE / "stand_in").glob("*.py"):
        _copy(path, home / "stand_in" / path.name)
    (home / "stand_in/VERSION").write_text(f"{agent_package.upstream(version)}\n", encoding="ascii")
    _copy(SOURCE / "README.md", home / "README.md")
    _copy(SOURCE / "etc/amazon-ssm-agent.json.template", root / "etc/amazon/ssm/amazon-ssm-agent.json.template")
    _copy(SOURCE / "etc/amazon-ssm-agent.service", root / "lib/systemd/system/amazon-ssm-agent.service")
    if environment:
        (root / SETTINGS).parent.mkdir(parents=True, exist_ok=True)
        (root / SETTINGS).write_text("".join(f"{name}={value}\n" for name, value in environment.items()), encoding="utf-8")


class PackageServer(agent_package.PackageServer):
    """Serves packages under the URLs of Amazon's buckets of the SSM Agent; otherwise as its base class."""

    KEY = "assets/amazon-ssm-agent.gpg"
    """No path of Amazon's, who prints the key on the page that tells how to verify the agent's signature."""
    LATEST = "latest/VERSION"
    BUCKET = r"(amazon-ssm-[a-z0-9-]+|ec2-downloads-windows/SSMAgent)/"
    PACKAGE = "{version}/debian_{architecture}/amazon-ssm-agent.deb"
    MISSING = ()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
