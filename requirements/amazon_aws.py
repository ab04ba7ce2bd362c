# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put amazon.aws into a collections path: ``python amazon_aws.py DIRECTORY``.

It comes out of PyPI's package ``ansible``, which holds a hundred collections. Only the 4.5 MB of this one are unpacked.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WANTED = "ansible_collections/amazon/aws/"


def main(directory: str) -> None:
    requirements = Path(__file__).with_name("collections.txt")
    with tempfile.TemporaryDirectory() as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", scratch]
        subprocess.run([*download, "--requirement", str(requirements)], check=True)
        (wheel,) = Path(scratch).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(WANTED)]
            if not members:
                sys.exit(f"{wheel.name} holds no {WANTED}")
            archive.extractall(directory, members)


if __name__ == "__main__":
    main(sys.argv[1])
