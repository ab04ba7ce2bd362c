# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access key of a host that gets it from a store: delivered and proven, never made or ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, List, Mapping, Optional

from ..module_utils._aws.proof import HostProof
from ..module_utils._host.channel import Channel
from ..module_utils._host.credentials import sign
from ..module_utils._model import shared_key_delivery as delivery
from ..module_utils._model.access_key import Rules, State
from ..module_utils._model.errors import Refusal
from ..module_utils._model.plan import Change
from ..module_utils._model.shared_key import Content, Stored
from .access_key import HostAccessKey
from .handover import Failed
from .key_store import Store


class StoredHostKey(HostAccessKey):
    """One host, and the store that its key comes from.

    :param newest: the id of the store's key, where the caller knows it: a host that has it needs no look into the store.
    """

    def __init__(self, rules: Rules, options: Mapping[str, Any], client: Callable[..., Any], channel: Channel,
                 execute: Callable[[str, bytes], Mapping[str, Any]], reconnect: Callable[[], None],
                 store: Store, newest: str) -> None:  # fmt: skip
        super().__init__(rules, options, client, channel, execute, reconnect)
        self._store = store
        self._newest = newest
        self._stored: Optional[Stored] = None
        self._content: Optional[Content] = None

    def read(self) -> State:
        state = self._with_holder(self._seen_first())
        if state.user and delivery.wants_store(state, self._rules, self._newest):
            state = replace(state, user=self._aws.with_rights(state.user))
            # Before the secret is read: a host or user that gets none needs none.
            delivery.refuse(state, self._rules)
            stored, self._content = self._store.content()
            self._stored = proven(self._proof, self._aws.now, stored, self._content, self._arn)
        self._before = state
        return state

    def _enough(self, state: State) -> bool:
        wanting = delivery.wants_store(state, self._rules, self._newest)
        return not wanting and not delivery.decide(state, None, self._rules).changes

    def target(self, actual: State) -> State:
        self._decision = delivery.decide(actual, self._stored, self._rules)
        return self._decision.after

    def plan(self, target: State, actual: State) -> List[Change]:  # noqa: ARG002  (the changes lead to it, and come with it)
        return list(delivery.decide(actual, self._stored, self._rules).changes)

    def apply(self, change: Change) -> None:
        if (change.step, change.what) == ("require", "key in the store"):
            raise Refusal(f"The {self._store.place} {change.before}, so there is nothing to deliver. {delivery.FIRST}")
        if (change.step, change.what) == ("deliver", "access key"):
            self._deliver()
        else:
            super().apply(change)

    def _deliver(self) -> None:
        content = self._content
        if content is None:
            raise AssertionError("what is not there is required first")
        way = self._delivery()
        answer, why, _known = way.send(content.key_id, content.secret, self._attributes)
        if not answer["ok"]:
            answer = way.read_back()
        if not answer:
            raise Failed(f"{why}. It is not known whether the host has {content.key_id}: the next run decides from what it holds")
        if answer.get("key_id") != content.key_id:
            raise Failed(f"the host did not take the key {content.key_id}: {why}")
        way.prove(content.key_id, answer)


def proven(proof: HostProof, now: Any, stored: Stored, content: Optional[Content], arn: Optional[str] = None) -> Stored:
    """Return what a store holds with what AWS says to a call signed with it here.

    :param arn: who the caller must be. Without it, whoever it is is told by the words.
    """
    if content is None:
        return stored
    asked = proof.ask(now)
    verdict, says = proof.judge(content.key_id, sign(content.secret, asked["scope"], asked["string_to_sign"]), arn)
    return replace(stored, proof=verdict, says=says)
