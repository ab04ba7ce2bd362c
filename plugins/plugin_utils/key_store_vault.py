# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of ansible-vault on the controller that holds a key, written with Ansible's own library. What touches the disk is encrypted."""

from __future__ import annotations

import dataclasses
import os
import stat
from typing import Any, Optional, Sequence, Tuple

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted

from ..module_utils._host.ground import LARGEST, Conflict, Unfit, read, replace
from ..module_utils._model.errors import InputError
from ..module_utils._model.shared_key import Content, Stored, as_text, shown


class VaultStore:
    """One file. Its secrets are the run's: ``--vault-id``, ``--vault-password-file`` and what stands for them in the configuration.

    :param vault_id: which of them encrypts; empty for the one that the configuration names, or else the first.
    :raises InputError: without a secret to encrypt with.
    """

    def __init__(self, path: str, vault_id: str, secrets: Sequence[Tuple[str, Any]]) -> None:
        self.place = f"vault file {path}"
        self._path = path
        self._vault = VaultLib(list(secrets))
        wanted = vault_id or constants.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY") or ""
        fitting = [secret for name, secret in secrets if not wanted or name == wanted]
        if not fitting:
            has = ", ".join(name for name, _secret in secrets) or "none"
            what = f"vault id {wanted}" if wanted else "any vault id"
            raise InputError(
                f"store.vault_file: this run has no vault secret of {what} (it has {has}), so {path} cannot be encrypted. "
                "Give one with --vault-id or --vault-password-file."
            )
        self._label, self._secret = wanted, fitting[0]
        self._before: Optional[bytes] = None
        """The file's bytes when it was looked at; ``None`` without a file."""

    def look(self) -> Tuple[Stored, Optional[Content]]:
        """Return everything that a decision about writing needs."""
        folder = os.path.dirname(self._path)
        hindrance = "" if os.path.isdir(folder) else f"folder {folder} is not there"
        if not hindrance and not os.access(folder, os.W_OK | os.X_OK):
            hindrance = f"folder {folder} cannot be written by user {os.geteuid()}"
        return self._look(hindrance)

    def content(self) -> Tuple[Stored, Optional[Content]]:
        """Return what is stored, and nothing about writing."""
        return self._look("")

    def write(self, content: Content) -> None:
        """Replace the file at once, if it still is what was looked at: whoever opens it sees the old one or the new one."""
        label = self._label if self._label != constants.config.get_config_value("DEFAULT_VAULT_IDENTITY") else None
        encrypted = self._vault.encrypt(as_text(content), self._secret, label)

        def edit(data: bytes) -> bytes:
            if data != (self._before or b""):
                raise Conflict(f"{self._path} was changed by somebody meanwhile")
            return bytes(encrypted)

        replace(self._path, edit, mode=0o600)

    def _look(self, hindrance: str) -> Tuple[Stored, Optional[Content]]:
        try:
            data, status = read(self._path)
        except (Unfit, OSError) as error:
            why = getattr(error, "strerror", None) or str(error)
            return Stored(self.place, True, error=f"{why}. Repair it, or name another path."), None
        self._before = data if status else None
        if status is None:
            return Stored(self.place, hindrance=hindrance), None
        stored = Stored(self.place, True, mode=f"{stat.S_IMODE(status.st_mode):04o}", hindrance=hindrance)
        if len(data) > LARGEST or not is_encrypted(data):
            return dataclasses.replace(stored, error="it is not encrypted with ansible-vault. Name another path, or remove it."), None
        try:
            text = self._vault.decrypt(data).decode()
        except (AnsibleError, UnicodeDecodeError) as error:
            why = str(error).splitlines()[0] if isinstance(error, AnsibleError) else "what it holds is no text"
            return dataclasses.replace(stored, error=f"{why}. Give the run the vault secret it was encrypted with."), None
        return shown(text, stored)
