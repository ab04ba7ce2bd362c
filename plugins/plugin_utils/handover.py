# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new key on its way: made, verified, sent, proven; and what becomes of it at each place where that can end.

Before it is sent, any failure deletes it. Once sending began, what the host holds decides. Where that stays unknown, the last rule
holds: with a key that worked before, both stay Active and the next run decides; without one, the new key is deleted.
"""

from __future__ import annotations

import signal
import time
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ..module_utils._aws.access_keys import AccessKeys
from ..module_utils._aws.proof import HostProof, longest, verify
from ..module_utils._host.channel import NoAnswer
from ..module_utils._model.access_key import HostState, Key, Proof, Rules
from ..module_utils._model.errors import Outdated
from ..module_utils._model.waiting import Announced, Tell
from .controller import Trap

_READ_BACKS = (1.0, 3.0, 6.0)
_PROOFS = (0.0, 1.0, 3.0, 6.0, 12.0)
"""Seconds before each proof of a key that AWS may not know everywhere yet, although it accepted it several times in a row."""
_LOST = (AnsibleError, NoAnswer)


class Failed(Exception):
    """A step did not succeed. The text says what became of the key."""


class Mint:
    """Makes a key, waits until it works, and deletes it again where it does not come to be held.

    :param client: makes a boto3 client with the caller's options.
    :param arn: the user's.
    """

    def __init__(self, rules: Rules, aws: AccessKeys, client: Callable[..., Any], trap: Trap, arn: str,
                 announce: Tell) -> None:  # fmt: skip
        self._rules = rules
        self._aws = aws
        self._client = client
        self._trap = trap
        self._arn = arn
        self._announce = announce

    def make(self, replaces: bool, unheld: str) -> Tuple[Key, str]:
        """Return a key that AWS accepts, and its secret.

        :param replaces: it replaces one that works.
        :param unheld: what did not happen to a key that AWS does not accept, in words.
        """
        key, secret = self._aws.create()
        try:
            limit = self._rules.verify_timeout.total_seconds()
            pause = Announced(self._announce, f"AWS to accept the new key {key.id}", longest(limit, replaces), self._trap.pause)
            verify(self._client, self._rules.region, key, secret, self._arn, replaces, limit, pause)
            self._trap.check()
        except BaseException as error:
            self.drop(key, f"{unheld} ({error})")
            raise
        return key, secret

    def drop(self, key: Key, context: str) -> None:
        """Delete a new key that nobody holds; name it when that fails."""
        failed: Optional[Exception] = None
        try:
            self._aws.delete(key.id)
        except Exception as error:  # noqa: BLE001  (whatever it was, the key is there, and nobody else knows of it)
            failed = error
        if failed:
            text = f"{context}, and the new key {key.id} of user {self._rules.user} could not be deleted: {failed}. Delete it by its id"
            if self._trap.caught:  # the signal goes on before a result is shown
                Display().error(text)
            raise Failed(text) from failed


class Delivery:
    """One key and its secret on their way to a host, and the proof of what it holds afterwards.

    :param ask: asks the host, as ``Channel.ask`` does, with its path and profile filled in.
    :param reconnect: forgets the connection, so that the next command makes a new one.
    :param expected: the key id the host held when it was decided; another one is not overwritten.
    :param arn: the user's.
    """

    def __init__(self, rules: Rules, aws: AccessKeys, proof: HostProof, ask: Callable[..., Dict[str, Any]], reconnect: Callable[[], None],
                 expected: str, arn: str) -> None:  # fmt: skip
        self._rules = rules
        self._aws = aws
        self._proof = proof
        self._ask = ask
        self._reconnect = reconnect
        self._expected = expected
        self._arn = arn

    def send(self, key_id: str, secret: str, file: Mapping[str, Any]) -> Tuple[Dict[str, Any], Any, bool]:
        """Return the host's answer, why there is none, and whether the host itself said so.

        :param file: the owner, group and mode of the file, as the host wants them.
        """
        more = {"expected": self._expected, "key_id": key_id, "secret": secret, "region": self._rules.region}
        try:
            answer = self._ask("deliver", **file, **more, **self._proof.ask(self._aws.now))
        except _LOST as error:
            return {"ok": False}, error, False
        return answer, answer.get("error"), True

    def read_back(self) -> Dict[str, Any]:
        """Return what the host holds after a delivery whose outcome is not known; nothing where it cannot be asked."""
        for seconds in _READ_BACKS:
            time.sleep(seconds)
            try:
                self._reconnect()
                answer = self._ask("probe", **self._proof.ask(self._aws.now))
            except _LOST:
                continue
            if answer["ok"]:
                return answer
        return {}

    def prove(self, key_id: str, answer: Dict[str, Any]) -> None:
        """Fail unless a call that the host signs with the key is accepted."""
        for seconds in _PROOFS:
            time.sleep(seconds)
            if not answer.get("signature"):
                answer = self._ask("probe", **self._proof.ask(self._aws.now))
            signature = answer.get("signature")
            proof, says = (
                self._proof.judge(key_id, signature, self._arn) if signature else (Proof.UNKNOWN, answer.get("error") or "no signature")
            )
            if proof is not Proof.UNKNOWN:
                break
        if proof is not Proof.PROVEN:
            raise Failed(
                f"the host holds the new key {key_id}, but a call signed there was not accepted: {says}. "
                "Both sides are as they are; run again"
            )


class Handover:
    """One new key for one host.

    :param host: what the host held when it was decided.
    """

    def __init__(self, mint: Mint, delivery: Delivery, trap: Trap, host: HostState) -> None:
        self._mint = mint
        self._delivery = delivery
        self._trap = trap
        self._expected = host.key_id
        self._works = host.proof is Proof.PROVEN

    def run(self, file: Mapping[str, Any]) -> Key:
        """Return the key that the host holds now.

        :param file: the owner, group and mode of the file, as the host wants them.
        """
        with self._trap:
            key, secret = self._mint.make(self._works, "It was not sent to the host")
            self._delivery.prove(key.id, self._deliver(key, secret, file))
        return key

    def _deliver(self, key: Key, secret: str, file: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the host's answer, which shows that it holds the key."""
        try:
            # From here on a task's time limit may end a command that hangs: what the host holds is asked by the next run.
            self._trap.release(signal.SIGALRM)
            answer, why, known = self._delivery.send(key.id, secret, file)
            if not answer["ok"]:
                answer = self._delivery.read_back()
        except Exception as error:
            raise Failed(self._ended_unknown(key, error)) from error
        except BaseException as error:
            # The exception must go on as it is, so the words go another way.
            Display().error(self._ended_unknown(key, str(error) or type(error).__name__))
            raise
        if answer.get("key_id") == key.id:
            return answer
        if not answer or (self._works and not known):
            raise Failed(self._ended_unknown(key, why))
        self._mint.drop(key, f"The host did not take the key ({why})")
        # Another run has handed over its own meanwhile.
        raised = Outdated if answer.get("key_id") not in ("", self._expected) else Failed
        raise raised(f"the host did not take the key: {why}. The new key {key.id} was deleted again")

    def _ended_unknown(self, key: Key, why: Any) -> str:
        """Apply the last rule and say what it did.

        That the host shows its old key is no proof: a write that a dropped connection left behind may end after the look.
        """
        told = f"{why}. It is not known whether the host has the new key {key.id}"
        if self._works:
            return f"{told}: it and {self._expected} both stay Active, and the next run decides from what the host holds"
        self._mint.drop(key, told)
        return f"{told}: the host held no valid key before, so the new one was deleted, and the next run hands over another"
