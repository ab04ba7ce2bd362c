# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put amazon.aws and awx.awx into a collections path: ``python fetch_collections.py DIRECTORY [RELEASE]``.

The release of ``ansible`` is that of collections.txt, or one like ``ansible==14.5.0``.
They come out of PyPI's package ``ansible``, which holds a hundred collections. Only the 6 MB of these are unpacked. The tests alone need
awx.awx, whose modules playbook awx is run with; releases of ``ansible`` from 14 on hold none.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NEEDED, WANTED = "ansible_collections/amazon/aws/", "ansible_collections/awx/awx/"


def main(directory: str, *releases: str) -> None:
    wanted = releases or ("--requirement", str(Path(__file__).with_name("collections.txt")))
    with tempfile.TemporaryDirectory() as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", scratch]
        subprocess.run([*download, *wanted], check=True)
        (wheel,) = Path(scratch).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith((NEEDED, WANTED))]
            if not any(name.startswith(NEEDED) for name in members):
                sys.exit(f"{wheel.name} holds no {NEEDED}")
            archive.extractall(directory, members)


if __name__ == "__main__":
    main(*sys.argv[1:])
