# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key that all hosts share as a resource: its user's keys, its store, and what each change of the plan does."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ..module_utils._aws.access_keys import LIMIT_SECONDS, AccessKeys
from ..module_utils._aws.proof import HostProof
from ..module_utils._aws.session import outdated
from ..module_utils._model import access_key as words
from ..module_utils._model.access_key import NEW, Key, User
from ..module_utils._model.errors import Refusal
from ..module_utils._model.plan import Change
from ..module_utils._model.shared_key import Content, SharedRules, SharedState, Stored, holders, of_user, settled
from ..module_utils._model.shared_key_decisions import SharedDecision, decide
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource
from .access_key import as_data, no_user
from .controller import Trap
from .handover import Failed, Mint
from .key_store import Store
from .shared_host_key import proven

_RELISTS = 3
_READ_BACKS = (0.0, 1.0, 3.0)


class SharedAccessKey(Resource):
    """One user, at most two keys, one store."""

    def __init__(self, rules: SharedRules, options: Mapping[str, Any], client: Callable[..., Any], store: Store) -> None:
        self._rules = rules
        self._client = client
        self._store = store
        self._trap = Trap()
        self._proof = HostProof(client, rules.keys.region)
        pause = Announced(self.say, f"AWS to make a new key for user {rules.keys.user}", LIMIT_SECONDS, self._trap.pause)
        self._aws = AccessKeys(client, rules.keys.user, options.get("aws_config"), pause)
        self._before = SharedState(self._aws.now, None, (), Stored(store.place))
        self._content: Optional[Content] = None
        self._decision: Optional[SharedDecision] = None
        self._minted: Optional[Key] = None
        self._arn = ""

    # Read and decide

    def read(self) -> SharedState:
        self._before = self._with_rest(self._seen_first())
        return self._before

    def _seen_first(self) -> SharedState:
        """Return the user, its keys and the store, as far as every decision needs them."""
        listed = self._aws.listed()
        state = SharedState(self._aws.now, User(self._rules.keys.user, ""), listed or (), Stored(self._store.place))
        if self._rules.hosts is None or not settled(state, self._rules):
            stored, self._content = self._store.look()
            state = replace(state, store=proven(self._proof, self._aws.now, stored, self._content))
        return state if listed and self._enough(state) else self._with_user(state, listed)

    def _enough(self, state: SharedState) -> bool:
        """Return whether nothing is to be done, so that whose user it is need not be asked: its own list has the key that works."""
        return settled(state, self._rules) and not decide(state, self._rules).changes

    def _with_user(self, seen: SharedState, listed: Optional[Tuple[Key, ...]]) -> SharedState:
        user, retired = self._aws.user()
        self._arn = user.arn if user else ""
        stored = of_user(seen.store, self._arn) if user else seen.store
        keys = () if user is None else self._aws.keys(retired) if listed is None else self._aws.tagged(listed, retired)
        for _attempt in range(_RELISTS):
            if not user or not stored.key_id or any(key.id == stored.key_id for key in keys):
                break
            self._trap.pause(1.0)
            keys = self._aws.keys(retired)
        return SharedState(self._aws.now, user, keys, stored)

    def _with_rest(self, state: SharedState) -> SharedState:
        if state.user is None or settled(state, self._rules):
            return state
        return replace(state, user=self._aws.with_rights(state.user), keys=tuple(map(self._aws.with_use, state.keys)))

    def target(self, actual: SharedState) -> SharedState:
        self._decision = decide(actual, self._rules)
        return self._decision.after

    def plan(self, target: SharedState, actual: SharedState) -> List[Change]:  # noqa: ARG002  (the changes lead to it, and come with it)
        return list(decide(actual, self._rules).changes)

    # Apply

    def outdated(self, error: Exception) -> bool:
        """One new key per run: what it went to is not decided anew."""
        return self._minted is None and outdated(error)

    def apply(self, change: Change) -> None:
        {
            ("require", "user"): self._require,
            ("create", "access key"): self._create,
            ("delete", "access key"): self._delete,
            ("retire", "access key"): self._retire,
            ("tag", "access key"): lambda change: self._aws.tag(change.key),
            ("update", "store"): self._update,
        }[change.step, change.what](change)

    def _require(self, change: Change) -> None:
        raise no_user(change.key)

    def _delete(self, change: Change) -> None:
        key = self._before.key(change.key)
        self._aws.delete(change.key, tagged=key is not None and key.tagged is not None)

    def _retire(self, change: Change) -> None:
        old = self._before.key(change.key)
        # Read again: a use that AWS tells of only now, and its date, which the retirement is tagged with.
        now = self._aws.with_use(old) if old else None
        if old and now and now.used != old.used and not words.quiet(now, self._aws.now, self._rules.keys):
            raise Refusal(f"{change.key} was used just now, so it stays Active: {words.told(now, self._aws.now)}.")
        self._aws.retire(change.key)

    def _update(self, _change: Change) -> None:
        if self._content:
            self._store.write(self._content)

    def _create(self, _change: Change) -> None:
        mint = Mint(self._rules.keys, self._aws, self._client, self._trap, self._arn, self.announce)
        with self._trap:
            key, secret = mint.make(any(key.active for key in self._before.keys), "It was not stored")
            content = Content(self._rules.keys.user, key.id, secret, key.created.strftime("%Y-%m-%dT%H:%M:%SZ"))
            try:
                stored, why = self._put(content)
            except BaseException as error:
                mint.drop(key, f"The {self._store.place} may not hold it ({type(error).__name__})")
                raise
            if not stored:
                mint.drop(key, f"The {self._store.place} does not hold it ({why})")
                raise Failed(f"the {self._store.place} was not given the key: {why}. The new key {key.id} was deleted again")
        self._minted = key

    def _put(self, content: Content) -> Tuple[bool, str]:
        """Return whether the store holds a content, by reading it back, and what was said meanwhile."""
        why = "it was written, and something else was read back"
        try:
            self._store.write(content)
        except Exception as error:  # noqa: BLE001  (what the store holds decides: an answer may be lost on its way back)
            why = str(error)
        for seconds in _READ_BACKS:
            time.sleep(seconds)
            try:
                if self._store.content()[1] == content:
                    return True, ""
            except Exception as error:  # noqa: BLE001  (not read back is not stored)
                why = f"{why}; reading back: {error}"
        return False, why

    # Report

    def view(self, record: SharedState) -> Dict[str, Any]:
        decision, hosts = self._decision, self._rules.hosts or {}
        ids = {key.id for key in record.keys}
        return {
            "user": self._rules.keys.user,
            "store": self._store.place,
            "key_id": self._named(record.store.key_id),
            "access_keys": [self._told(key, record) for key in record.keys],
            "hosts_without": sorted(host for host, key_id in hosts.items() if key_id not in ids),
            "decision": decision.reason if decision else "",
            "awaiting": decision.awaiting if decision else "",
        }

    def _told(self, key: Key, state: SharedState) -> Dict[str, Any]:
        return dict(as_data(key, state.now), id=self._named(key.id), hosts=holders(key.id, self._rules.hosts or {}))

    def _named(self, key_id: str) -> str:
        return self._minted.id if key_id == NEW and self._minted else key_id
