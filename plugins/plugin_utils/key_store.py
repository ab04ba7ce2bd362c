# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a key lies that several hosts share: a SecureString parameter, or a file of ansible-vault."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Protocol, Sequence, Tuple

from ..module_utils._aws.parameter import SECURE, Parameter, Value
from ..module_utils._model.errors import InputError, Refusal
from ..module_utils._model.shared_key import Content, Stored, as_text, shown
from ..module_utils._model.shared_key_options import Place
from .key_store_vault import VaultStore

Found = Tuple[Stored, Optional[Content]]
"""What a store shows, and the content with the secret where there is one."""


class Store(Protocol):
    """What the stages need of a store."""

    place: str

    def look(self) -> Found:
        """Return everything that a decision about writing needs."""

    def content(self) -> Found:
        """Return what is stored, and nothing about writing."""

    def write(self, content: Content) -> None:
        """Replace what is stored, if it still is what ``look`` saw."""


class ParameterStore:
    """A SecureString parameter. It keeps the versions of before: their secrets are those of keys that are deleted, sooner or later."""

    def __init__(self, client: Callable[..., Any], place: Place, owned_by: str) -> None:
        self.place = f"parameter {place.parameter}"
        self._parameter = Parameter(client, place.parameter)
        self._kms_key_id = place.kms_key_id
        self._owned_by = owned_by
        self._exists = False

    def look(self) -> Found:
        key = self._parameter.describe_key(self._kms_key_id)
        if key is None or not key.usable:
            raise Refusal(f"store.kms_key_id: {self._kms_key_id} is {'not there' if key is None else 'disabled, or encrypts no texts'}.")
        if key.of_aws:
            raise InputError(f"store.kms_key_id: {self._kms_key_id} is AWS's own key. Name a customer managed key.")
        value = self._parameter.value()
        self._exists = value is not None
        if value is None:
            return Stored(self.place), None
        more: Dict[str, Any] = {"owner": self._parameter.owner()}
        if value.kind == SECURE:
            more["sealed"] = self._sealed(key.arn)
        return self._seen(value, **more)

    def content(self) -> Found:
        value = self._parameter.value()
        return self._seen(value) if value else (Stored(self.place), None)

    def write(self, content: Content) -> None:
        self._parameter.put(as_text(content), self._kms_key_id, self._owned_by, self._exists)

    def _seen(self, value: Value, **more: Any) -> Found:
        if value.kind != SECURE:
            error = f"it is a {value.kind}, which is not encrypted. Delete it, or name another."
            return Stored(self.place, True, error=error, **more), None
        return shown(value.text, Stored(self.place, True, **more))

    def _sealed(self, wanted: str) -> str:
        """Return the name of the KMS key it is encrypted with, where that is another than the wanted one."""
        name = self._parameter.kms_key()
        # One that was just written may not be listed yet, which is no reason to replace the key in it.
        if name in (None, self._kms_key_id, wanted):
            return ""
        if not name or name.endswith("alias/aws/ssm"):
            return "AWS's own key"
        key = self._parameter.describe_key(name)
        return "" if key is not None and key.arn == wanted else f"another KMS key ({name})"


def open_store(place: Place, client: Callable[..., Any], vault_secrets: Sequence[Tuple[str, Any]], owned_by: str) -> Store:
    """Return the store of a place.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param vault_secrets: the run's, by vault id.
    :raises InputError: for a file of ansible-vault in a run that has no secret for it.
    """
    if place.parameter:
        return ParameterStore(client, place, owned_by)
    return VaultStore(place.vault_file, place.vault_id, vault_secrets)
