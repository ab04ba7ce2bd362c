# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes by between the collection and the emulator that nobody may see, and calls that go wrong while it does."""

from __future__ import annotations

import gzip
import json
import re
import threading
import urllib.parse
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List, Tuple

from tests.faults.secret_search import PART, Secret
from tests.support.recording_proxy import Call, Dropped, Forward, Response, failure

MEMBERS = {
    "SecretAccessKey": "secret access key",
    "SessionToken": "session token",
    "ActivationCode": "activation code",
    "Password": "password",
    "Plaintext": "plain text of a KMS key",
}
PUBLIC = ("access_key_id", "user", "created")
"""What else stands in a stored key."""


class Wire:
    """A handler of the proxy that keeps every secret of a question or an answer, in whichever protocol it came, packed or not."""

    def __init__(self) -> None:
        self.secrets: Dict[str, Secret] = {}
        self.faults: List[Callable[[Call, Forward], Response]] = []
        """Each is asked in turn, around the one before. One that concerns itself with another call passes it on."""
        self.hits: Counter[str] = Counter()
        """How often each fault happened, by its name."""
        self._lock = threading.Lock()

    def fail(self, name: str, operation: str, kind: str, **parameters: str) -> None:
        """Have calls of an operation go wrong; those with these parameters alone, where some are given.

        :param kind: one of ``KINDS``.
        """

        def fault(call: Call, forward: Forward) -> Response:
            if call.operation != operation or any(call.parameters.get(each) != value for each, value in parameters.items()):
                return forward()
            self.hits[name] += 1
            return KINDS[kind](call, forward)

        self.faults.append(fault)

    def add(self, kind: str, value: str, given: bool = False, words: bool = False) -> None:
        """Keep a secret. One that was given stays one that was given."""
        with self._lock:
            self.secrets.setdefault(value, Secret(kind, value, given, words))

    def __call__(self, call: Call, forward: Forward) -> Response:
        self._asked(call)

        def answered() -> Response:
            answer = forward()
            self.read(body(answer))
            return answer

        passed: Forward = answered
        for fault in self.faults:
            passed = _around(fault, call, passed)
        return passed()

    def read(self, data: bytes) -> None:
        """Keep the secrets of an answer."""
        for name, kind in MEMBERS.items():
            for found in re.findall(rf"<{name}>([^<]+)</".encode(), data):
                self.add(kind, found.decode())
        for members in _objects(data):
            for name, kind in MEMBERS.items():
                if isinstance(members.get(name), str):
                    self.add(kind, members[name])
            self._parameter(members)

    def _asked(self, call: Call) -> None:
        if call.protocol == "query":
            form = urllib.parse.parse_qs(call.body.decode("utf-8", "replace"))
            for value in form.get("Password", []):
                self.add("password", value)
        for members in _objects(call.body):
            self._parameter(members)

    def _parameter(self, members: Dict[str, Any]) -> None:
        if members.get("Type") != "SecureString" or not isinstance(members.get("Value"), str):
            return
        text = members["Value"]
        self.add("SecureString", text, words=True)
        for name, leaf in _leaves(text):
            # A configuration consists of public words; those of a test say that they are none.
            if name == "secret_access_key" or "canary" in leaf:
                self.add(f"{name} of a SecureString", leaf)


def _around(fault: Callable[[Call, Forward], Response], call: Call, forward: Forward) -> Forward:
    return lambda: fault(call, forward)


def body(answer: Response) -> bytes:
    return gzip.decompress(answer.body) if answer.body[:2] == b"\x1f\x8b" else answer.body


def _objects(data: bytes) -> Iterator[Dict[str, Any]]:
    """Yield every object within JSON or CBOR, from the outermost on."""
    try:
        found: Any = json.loads(data)
    except ValueError:
        try:
            import cbor2  # comes with moto

            found = cbor2.loads(data) if data[:1] > b"\x80" else None
        except Exception:  # noqa: BLE001  (it is neither)
            return
    yield from _within(found)


def _within(found: Any) -> Iterator[Dict[str, Any]]:
    if isinstance(found, dict):
        yield found
    for each in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _within(each)


def _leaves(text: str) -> Iterator[Tuple[str, str]]:
    for members in _objects(text.encode()):
        for name, value in members.items():
            if isinstance(value, str) and len(value) >= PART and name not in PUBLIC:
                yield name, value


# What goes wrong


def _whole(call: Call, answer: Response) -> Response:
    headers = tuple((name, value) for name, value in answer.headers if name.lower() not in ("content-encoding", "content-length"))
    return Response(answer.status, headers, body(answer))


def garbled(call: Call, forward: Forward) -> Response:
    """An answer that cannot be read: the end of it is another."""
    whole = _whole(call, forward())
    return Response(whole.status, whole.headers, whole.body[:-12] + b"<&\x00oops")


def cut(call: Call, forward: Forward) -> Response:
    """An answer that ends too early."""
    whole = _whole(call, forward())
    return Response(whole.status, whole.headers, whole.body[: len(whole.body) * 5 // 6])


def broken(call: Call, forward: Forward) -> Response:
    """An answer with an error's status whose text is what would have been the answer, as a gateway on the way may make it."""
    whole = _whole(call, forward())
    return Response(500, whole.headers, whole.body)


def broken_and_cut(call: Call, forward: Forward) -> Response:
    """The same, which ends too early."""
    answer = cut(call, forward)
    return Response(500, answer.headers, answer.body)


def odd(call: Call, forward: Forward) -> Response:
    """An answer in which a date and a number are none."""
    whole = _whole(call, forward())
    text = re.sub(rb"(<(CreateDate|Expiration)>)[^<]*", rb"\g<1>soon", whole.body)
    return Response(whole.status, whole.headers, re.sub(rb'("Version": ?)\d+', rb'\g<1>"one"', text))


def lost(call: Call, forward: Forward) -> Response:
    forward()
    raise Dropped


def quoted(call: Call, forward: Forward) -> Response:
    """A refusal that quotes what was asked."""
    given = call.parameters.get("Value", "") if call.protocol == "json" else ""
    return failure(call, "ValidationException", f"1 validation error detected: Value '{given}' at 'value' failed to satisfy constraint")


def quoted_in_part(call: Call, forward: Forward) -> Response:
    """A refusal that quotes half of what was asked."""
    given = call.parameters.get("Value", "") if call.protocol == "json" else ""
    return failure(call, "ValidationException", f"Value '{given[: len(given) * 2 // 3]}...' is too long")


def denied(call: Call, forward: Forward) -> Response:
    return failure(call, "AccessDeniedException", status=400)


ANSWERS: Dict[str, Callable[[Call, Forward], Response]] = {
    "garbled": garbled,
    "cut": cut,
    "broken": broken,
    "broken and cut": broken_and_cut,
    "odd": odd,
    "lost": lost,
}
"""What may become of an answer with a secret in it."""
REFUSALS: Dict[str, Callable[[Call, Forward], Response]] = {
    "quoted": quoted,
    "quoted in part": quoted_in_part,
    "denied": denied,
    "lost": lost,
}
"""What may be said to a question with a secret in it."""
KINDS = {**ANSWERS, **REFUSALS}
