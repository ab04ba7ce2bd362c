# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease of who has a user to save with: a key of it that lives for one task, and the permission that ends with it.

"Create IAM Roles and Users for Use With CloudWatch Agent" says to use this user only while the configuration is stored.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from ..module_utils._aws.access_keys import LIMIT_SECONDS, AccessKeys, NoKey
from ..module_utils._aws.lease import Holder, as_arguments
from ..module_utils._aws.proof import verify
from ..module_utils._host.ground import Conflict, read
from ..module_utils._host.ground import replace as replace_file
from ..module_utils._model import access_key as words
from ..module_utils._model import lease as leases
from ..module_utils._model.access_key import Key
from ..module_utils._model.agent_parameter_options import LeaseRules, Sink
from ..module_utils._model.errors import Outdated, Refusal
from ..module_utils._model.lease import LEASE_POLICY, LEASE_TAG, Left
from ..module_utils._model.shared_key import Content
from ..module_utils._model.waiting import Announced
from .config_lease import Lease, Saving
from .controller import Trap
from .key_store_vault import VaultStore


class UserKey(Lease):
    """A key of a user.

    :param options: the task's, for the calls that make keys.
    :param region: whose endpoint of STS must accept the key.
    :param sink: where the key lies meanwhile, if anywhere.
    """

    granted = True

    def __init__(self, rules: LeaseRules, client: Callable[..., Any], trap: Trap, options: Mapping[str, Any], region: str,
                 sink: Optional[KeyFile]) -> None:  # fmt: skip
        super().__init__(rules, client, trap)
        pause = Announced(self._say, f"AWS to make a new key for user {rules.user}", LIMIT_SECONDS, trap.pause)
        self._aws = AccessKeys(client, rules.user, options.get("aws_config"), pause)
        self._owned_by, self._adopt = options["owned_by"], options["adopt"]
        self._region = region
        self._sink = sink
        self._user: Optional[Holder] = None
        self._key_id = ""
        self._unknown = False
        """Whether a key may have been made whose id is not known."""

    @property
    def words(self) -> str:  # type: ignore[override]  # says more than that there is none
        sink = f" (in {self._sink.path} meanwhile)" if self._sink else ""
        return f"with a key of user {self._rules.user}, which is deleted right after that{sink}"

    @property
    def saves_as(self) -> str:
        return self._user.arn if self._user else ""

    def left(self) -> List[Left]:
        self._user = self._marks.holder("User", self._rules.user)
        if self._user is None:
            return []
        document = self._marks.policy("User", self._rules.user)
        left = leases.found(f"user {self._rules.user}", self._marks.now, self._user.lease, document)
        return [left] if left else []

    def writer(self, caller: str) -> Tuple[str, str]:  # noqa: ARG002  (the user writes, whoever calls)
        return self._found.arn, f"user {self._rules.user}"

    def prepare(self) -> None:
        name, owner = self._rules.user, self._found.owner
        if owner != self._owned_by and not self._adopt:
            whose = f"belongs to {owner}" if owner else "has no owner of ours"
            raise Refusal(f"lease.user: {name} {whose}, and this run acts for {self._owned_by}. Name another, or set adopt: true.")
        keys = self._aws.keys({})
        held = leases.lease_of(self._found.lease or "")
        goes = leases.keys_of(held, keys, self._aws.now) if self._found.lease else []
        stay = [key.id for key in keys if key not in goes]
        if len(stay) >= 2:
            # Keys of other runs' leases are among them, and go with those.
            raise Outdated(f"lease.user: {name} has as many keys as it may ({', '.join(stay)}). Delete the one that nobody uses.")
        if self._sink and not os.path.isdir(os.path.dirname(self._sink.path)):
            raise Refusal(f"lease.sink: the folder of {self._sink.path} is not there. Make it, or name another path.")
        if self._sink and self._sink.taken(held.key_id):
            raise Refusal(f"lease.sink: {self._sink.path} is there already. Name another path, or remove it.")

    @property
    def _found(self) -> Holder:
        if self._user is None:
            raise Outdated(f"lease.user: there is no user {self._rules.user}. The role cwagent_admin makes it (cwagent_admin_users).")
        return self._user

    def end_left(self, left: Left) -> None:
        for key in self._of_lease(left.lease):
            self._aws.delete(key.id)
        if self._sink:
            self._sink.remove(left.lease.key_id)
        self._close()
        self._ended.append(left.lease)

    def _of_lease(self, lease: leases.Lease) -> List[Key]:
        """Return the keys that a lease made.

        :raises Refusal: where one that it does not name was used, so that it may be somebody else's.
        """
        made = leases.keys_of(lease, self._aws.keys({}), self._aws.now)
        for key in map(self._aws.with_use, [] if lease.key_id else made):
            if not words.virgin(key):
                raise Refusal(
                    f"user {self._rules.user}: {words.told(key, self._aws.now)} was made while a lease was open that did not say which key "
                    "is its own. Delete the key by its id if nobody knows it, then run again."
                )
        return made

    def _save(self, saving: Saving) -> int:
        name = self._rules.user
        now = self._marks.holder("User", name)
        self._refuse_another(f"user {name}", now.lease if now else None)
        until = self._start(self._rules.length)
        lease = leases.Lease(until, self._marks.now, kept=tuple(key.id for key in self._aws.keys({})))
        self._opens(
            f"user {name} keeps the tag {LEASE_TAG}: take it off",
            lambda: self._marks.untag_user(name),
            lambda: self._marks.tag_user(name, leases.tag_value(lease)),
            bounds=True,
        )
        self._opens(
            f"user {name} keeps the inline policy {LEASE_POLICY}, which denies every save after {self.until}: delete it",
            lambda: self._marks.delete_policy("User", name),
            lambda: self._marks.put_policy("User", name, leases.policy(saving.arn, until, saving.encrypts)),
            bounds=True,
        )
        key, secret = self._opens(f"user {name} may have a key that nobody holds: delete it", self._delete, self._create)
        self._marks.tag_user(name, leases.tag_value(replace(lease, key_id=key.id)))
        self._trap.check()
        pause = self._announced(f"AWS to accept the new key {key.id}", self._trap.pause)
        verify(self._client, self._region, key, secret, self._found.arn, False, self._rules.wait_timeout, pause)
        if self._sink:
            sink = self._sink
            content = Content(name, key.id, secret, leases.told(key.created))
            self._opens(f"{sink.path} holds a key: remove it", lambda: sink.remove(key.id), lambda: sink.write(content))
        return self._until_known(lambda: saving.put(as_arguments(key.id, secret)))

    def _create(self) -> Tuple[Key, str]:
        try:
            key, secret = self._aws.create()
        except NoKey:
            self._unknown = True
            raise
        self._key_id = key.id
        return key, secret

    def _delete(self) -> None:
        if self._unknown:
            raise Refusal("whether one was made is not known")
        if self._key_id:
            self._aws.delete(self._key_id)

    def _close(self) -> None:
        self._marks.delete_policy("User", self._rules.user)
        self._marks.untag_user(self._rules.user)


class KeyFile:
    """A file of mode 0600 in the form of AWS's credentials files, or one of ansible-vault, which is there as long as a lease.

    :raises InputError: for ansible-vault in a run that has no secret for it.
    """

    def __init__(self, sink: Sink, vault_secrets: Sequence[Tuple[str, Any]]) -> None:
        self.path = sink.path
        self._vault = VaultStore(sink.vault_file, sink.vault_id, vault_secrets) if sink.vault_file else None

    def taken(self, key_id: str) -> bool:
        """Return whether something else is there than a key that a lease left behind."""
        return os.path.lexists(self.path) and not (key_id and self._holds(key_id))

    def write(self, content: Content) -> None:
        if self._vault:
            self._vault.look()
            self._vault.write(content)
            return
        lines = ["[default]", f"aws_access_key_id = {content.key_id}", f"aws_secret_access_key = {content.secret}", ""]

        def edit(data: bytes) -> bytes:
            if data:
                raise Conflict(f"{self.path} was written by somebody meanwhile")
            return "\n".join(lines).encode()

        replace_file(self.path, edit, mode=0o600)

    def remove(self, key_id: str) -> None:
        """Remove the file if it holds that key."""
        if os.path.lexists(self.path) and key_id and self._holds(key_id):
            with suppress(FileNotFoundError):
                os.unlink(self.path)

    def _holds(self, key_id: str) -> bool:
        if self._vault:
            return self._vault.content()[0].key_id == key_id
        try:
            return f"aws_access_key_id = {key_id}\n".encode() in read(self.path)[0]
        except Exception:  # noqa: BLE001  (what cannot be read is not what was written)
            return False
