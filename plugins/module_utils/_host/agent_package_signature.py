# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifies a detached signature with what the host has, against one key and nothing else."""

from __future__ import annotations

import os
import shutil
import time
from typing import Callable, Dict, List, Optional

from .._model.errors import Refusal
from .._model.openpgp import Certificate, detached_signature, grouped, judged, only
from .agent_package import Run, run, search_path

_SEQUOIA_POLICY = "/etc/crypto-policies/back-ends/sequoia.config"
_BINDINGS_OF_BEFORE = '[hash_algorithms]\nsha1.second_preimage_resistance = "always"\n'
"""Keys of AWS's age may bind their names with SHA-1, which sqv alone refuses. The fingerprint says which key it is; a signature of data
by SHA-1 stays refused."""


class Verifier:
    """gpgv, gpg or sqv, whichever is there.

    :param folder: nobody else's; the keyring is written there.
    """

    def __init__(self, folder: str, run: Run = run, which: Callable[..., Optional[str]] = shutil.which) -> None:
        self._folder = folder
        self._run = run
        self._which = which

    def program(self) -> str:
        """Return the program that will verify.

        :raises Refusal: when there is none.
        """
        for name in ("gpgv", "gpg", "gpg2", "sqv"):
            if self._which(name, path=search_path()):
                return name
        raise Refusal(
            "The host has no program that verifies a signature: gpgv, gpg and sqv are missing. Nothing was installed. "
            "Install the package gpgv on Debian and Ubuntu, gnupg2 on Red Hat's and Amazon's systems, or gpg2 on SUSE's."
        )

    def verify(self, package: str, signature: str, key: bytes, fingerprint: str, key_from: str, called: str) -> None:
        """Raise unless the key made the signature of the package.

        :param package: its file, as ``signature`` is.
        :param key: public keys, armoured or not; the one with ``fingerprint`` is used and the others are not.
        :param key_from: where ``key`` came from, and ``called`` the package, for the reader.
        :raises Refusal: when it did not, or the key is not there or no longer good.
        """
        program = self.program()
        certificate = only(key, fingerprint, key_from, time.time())
        with open(signature, "rb") as file:
            detached = detached_signature(file.read())
        if not detached:
            reason = "it is no detached signature"
        else:
            alone = self._written("signature", detached)
            reason = (self._sqv if program == "sqv" else self._gnupg)(program, package, alone, certificate)
        if reason:
            raise Refusal(
                f"The signature of {called} was not accepted by {program}: {reason}. The key {grouped(fingerprint)} has to have made it. "
                "Nothing was installed. Get package and signature again, from where the package is published."
            )

    def _gnupg(self, program: str, package: str, signature: str, certificate: Certificate) -> str:
        command = [program, "--status-fd", "1", "--keyring", self._written("key.gpg", certificate.data), signature, package]
        if program != "gpgv":
            home = os.path.join(self._folder, "home")
            os.mkdir(home, 0o700)
            own = ["--homedir", home, "--no-options", "--batch", "--no-default-keyring", "--no-auto-check-trustdb", "--no-autostart"]
            command = [program, *own, "--trust-model", "always", *command[1:5], "--verify", *command[5:]]
        done = self._run(command)
        reason = judged(done.out, certificate.fingerprint)
        if reason or done.rc == 0:
            return reason
        return f"it ended with {done.rc}"

    def _sqv(self, program: str, package: str, signature: str, certificate: Certificate) -> str:
        environment: Dict[str, str] = {}
        if "SEQUOIA_CRYPTO_POLICY" not in os.environ and not os.path.exists(_SEQUOIA_POLICY):
            environment["SEQUOIA_CRYPTO_POLICY"] = self._written("policy", _BINDINGS_OF_BEFORE.encode())
        done = self._run([program, "--keyring", self._written("key.gpg", certificate.data), signature, package], environment)
        if done.rc != 0:
            said: List[str] = [line.strip() for line in done.err.splitlines() if line.strip()]
            hint = "; Debian's package gpgv judges by rules of its own" if "olicy" in done.err else ""
            return (" ".join(said)[:400] or f"it ended with {done.rc}") + hint
        made = set(done.out.split())
        return "" if made == {certificate.fingerprint} else f"another key made it: {' '.join(sorted(made)) or 'none'}"

    def _written(self, name: str, data: bytes) -> str:
        path = os.path.join(self._folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path
