# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Python and Ansible find this checkout and amazon.aws as collections.

``make`` lays the tree beside its virtual environment. A pytest started by hand from another environment gets a
temporary one, so that an editor's "run this test" works too.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Iterator, Optional

ROOT = Path(__file__).resolve().parents[2]
"""The checkout, which is the root of the collection too."""

NAMESPACE, NAME = "hybridops", "aws_agents"


def collections_path() -> Path:
    """Return a directory that holds ``ansible_collections`` with this checkout and amazon.aws in it."""
    made = Path(sys.prefix) / "collections"
    if (made / "ansible_collections" / NAMESPACE / NAME).resolve() == ROOT and _amazon_aws(made):
        return made
    temporary = Path(tempfile.mkdtemp(prefix="aws_agents-tree-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    amazon_aws = next((found for found in map(_amazon_aws, _candidates()) if found), None)
    if amazon_aws is None:
        raise RuntimeError("amazon.aws is neither on sys.path nor on ANSIBLE_COLLECTIONS_PATH. Install it, or run the tests with make.")
    link(temporary, amazon_aws)
    return temporary


def link(directory: Path, amazon_aws: Path) -> None:
    """Lay out ``directory`` as a collections path with symbolic links to this checkout and to ``amazon_aws``."""
    for target, name in ((ROOT, f"{NAMESPACE}/{NAME}"), (amazon_aws, "amazon/aws")):
        place = directory / "ansible_collections" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(target)


def _candidates() -> Iterator[Path]:
    for directory in os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep) + sys.path:
        if directory:
            yield Path(directory)


def _amazon_aws(directory: Path) -> Optional[Path]:
    place = directory / "ansible_collections" / "amazon" / "aws"
    return place if (place / "MANIFEST.json").is_file() else None
