# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the site: ``python docs/docsite/build.py DIRECTORY``. The pages are then in ``DIRECTORY/html``.

The pages are those of the repository, in the same folders, so that a link that works there works here. The reference is
made from the plugins' own documentation. A warning of Sphinx's fails the build.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["*.md", "CHANGELOG.rst", "LICENSE", "docs/*.md", "docs/images/*", "roles/*/README.md", "examples/**/*",
         "extensions/molecule/README.md", "tests/*agent/README.md", "tests/benchmark/playbooks/*.yml"]  # fmt: skip
ANSIBLE = {
    "action_plugins": "plugins/action.html",
    "ansible_collections.amazon.aws.aws_ec2_inventory": "collections/amazon/aws/aws_ec2_inventory.html",
    "ansible_collections.ansible.builtin.copy_module__parameter-src": "collections/ansible/builtin/copy_module.html#parameter-src",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
"""Labels of Ansible's documentation that the reference points to, and their pages."""
CONTENTS = re.compile(r"^\.\. contents::.*\n(?:   .*\n)*", re.MULTILINE)
ROLES = "# Roles, task by task\n\n:::{toctree}\n:glob:\n*/README\n:::\n"
COLLECTION = "hybridops.aws_agents"


def main(directory: str) -> int:
    place = Path(directory).resolve()
    shutil.rmtree(place, ignore_errors=True)
    source, reference = place / "source", place / "source" / "reference"
    reference.mkdir(parents=True, mode=0o755)
    for page in sorted({page for pattern in PAGES for page in ROOT.glob(pattern) if page.is_file()}):
        target = source / page.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(page, target)
    (source / "roles" / "index.md").write_text(ROLES, encoding="utf-8")
    index = (ROOT / "docs" / "docsite" / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(index.replace("](../../", "](").replace("](../", "](docs/"), encoding="utf-8")
    write_labels(place / "ansible.inv")
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    made = ["collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(reference), COLLECTION]
    subprocess.run([str(beside / "antsibull-docs"), *made], env=environment, check=True)
    for page in [source / "CHANGELOG.rst", *reference.glob("*.rst")]:  # the theme has each page's contents beside it
        page.write_text(CONTENTS.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")
    pages = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(ROOT / "docs" / "docsite"), str(source), str(place / "html")]
    return subprocess.run([str(beside / "sphinx-build"), *pages], env=environment, check=False).returncode


def write_labels(path: Path) -> None:
    """Write ``ANSIBLE`` in the form in which Sphinx keeps such lists: a heading, and lines that are compressed."""
    heading = "# Sphinx inventory version 2\n# Project: ansible\n# Version: \n# The remainder of this file is compressed using zlib.\n"
    lines = "".join(f"{label} std:label -1 {page} {label}\n" for label, page in sorted(ANSIBLE.items()))
    path.write_bytes(heading.encode() + zlib.compress(lines.encode()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
