# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key to sign packages with, made for one test run."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

LONGEST_SOCKET_PATH = 100


class PackageError(Exception):
    """A program that makes or signs packages failed. The text says which, and what it said."""


class SigningKey:
    """A key to sign packages with, made anew, in a GPG home of its own.

    :param folder: where its home and public key are put; made if it is not there.
    :raises PackageError: when gpg fails.
    """

    def __init__(self, folder: Path, name: str = "Tests of hybridops.aws_agents") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._home = folder / "gnupg"
        self._home.mkdir(mode=0o700)
        self._gpg("--quick-gen-key", f"{name} <tests@example.invalid>", "rsa2048", "sign", "never")
        listed = self._gpg("--list-keys", "--with-colons")
        self.fingerprint: str = re.findall(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)[0]
        self.armoured = self._gpg("--armor", "--export", self.fingerprint)
        self.file = folder / "amazon-cloudwatch-agent.gpg"
        """The public key as a file."""
        self.file.write_text(self.armoured, encoding="ascii")

    def sign(self, path: Path) -> Path:
        """Sign a file and return the path of the signature, which is detached and binary, in ``path``'s folder.

        :raises PackageError: when gpg fails.
        """
        signature = path.with_name(f"{path.name}.sig")
        self._gpg("--yes", "--local-user", self.fingerprint, "--output", str(signature), "--detach-sign", str(path))
        return signature

    def signature(self, content: bytes) -> bytes:
        """Return the signature of ``content``."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            path = Path(scratch) / "content"
            path.write_bytes(content)
            return self.sign(path).read_bytes()

    def _gpg(self, *arguments: str) -> str:
        # A socket's path must be short, and a test's own folder is deep: gpg gets a link with a short name then.
        with tempfile.TemporaryDirectory(prefix="gpg-", dir="/tmp") as short:
            home = Path(short) / "h"
            home.symlink_to(self._home)
            work = self._home if len(str(self._home)) < LONGEST_SOCKET_PATH - 25 else home
            try:
                return run("gpg", "--homedir", str(work), "--batch", "--passphrase", "", *arguments)
            finally:
                # gpg leaves an agent behind, which would outlive the test.
                subprocess.run(["gpgconf", "--homedir", str(work), "--kill", "all"], capture_output=True, check=False)


def run(*command: str) -> str:
    """Return what a command prints.

    :raises PackageError: when it is missing or fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise PackageError(f"{command[0]} is not installed. Debian has it in the packages dpkg, gnupg.") from error
    if done.returncode != 0:
        raise PackageError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout
