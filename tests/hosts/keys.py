# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys as one meets them: good, split into subkeys, bound with SHA-1, expired, revoked."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Optional, Self, Type

LONG_AGO = "20200101T000000"


class Keys:
    """A home of gpg's with keys in it. Use it as a context manager."""

    def __init__(self) -> None:
        # The path of a socket in it must be short.
        self._home = Path(tempfile.mkdtemp(prefix="keys-", dir="/tmp"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self._home), "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(self._home, ignore_errors=True)

    def make(self, name: str, kind: str = "ed25519", use: str = "sign", ends: str = "never", *options: str) -> str:
        """Make a key and return its fingerprint."""
        self._gpg(*options, "--quick-generate-key", name, kind, use, ends)
        return self.fingerprint(name)

    def fingerprint(self, name: str) -> str:
        listed = self._gpg("--with-colons", "--list-keys", name)
        return next(line.split(":")[9] for line in listed.decode().splitlines() if line.startswith("fpr"))

    def add_subkey(self, name: str) -> None:
        self._gpg("--quick-add-key", self.fingerprint(name), "ed25519", "sign", "never")

    def revoke(self, name: str) -> None:
        certificate = self._home / "openpgp-revocs.d" / f"{self.fingerprint(name)}.rev"
        # gpg disarms it with a colon, against accidents.
        certificate.write_text(certificate.read_text(encoding="utf-8").replace("\n:", "\n"), encoding="utf-8")
        self._gpg("--import", str(certificate))

    def public(self, name: str) -> bytes:
        return self._gpg("--export", name)

    def armoured(self, name: str) -> str:
        return self._gpg("--armor", "--export", name).decode()

    def sign(self, name: str, data: bytes, *options: str, how: str = "--detach-sign") -> bytes:
        """Return the signature of ``data``."""
        path = self._home / "data"
        path.write_bytes(data)
        return self._gpg(*options, "--local-user", name, "--output", "-", how, str(path))

    def _gpg(self, *arguments: str) -> bytes:
        quiet = ("--homedir", str(self._home), "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", "")
        done = subprocess.run(["gpg", *quiet, *arguments], capture_output=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"gpg {' '.join(arguments)}:\n{done.stderr.decode()}"
        return done.stdout
