# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reverse proxy before an emulator that records each API call and lets a test interfere.

Requests go on byte for byte, the Host header too, so that signatures stay valid.
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import sys
import threading
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Self, Tuple, Type, Union

READS = re.compile(
    r"(BatchGet|Check|Describe|Filter|Get|Head|List|Lookup|Query|Search|Select|Simulate|Test|Validate)[A-Z]"
    r"|AssumeRole|DecodeAuthorizationMessage"
)
"""How the names of operations begin that change nothing."""

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "content-length"}

Headers = Union[Message, Mapping[str, str]]

SERVICES = {"monitoring": "cloudwatch"}
"""Names in a signature's scope that differ from those of boto3."""


class Dropped(Exception):
    """Raised by a handler: close the connection without an answer, as a network does."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: Tuple[Tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass
class Call:
    """One API call as the proxy saw it."""

    service: str
    operation: str
    """``CreateUser``. For S3 made of verb, kind and subresource (``GetBucketEncryption``, ``PutObject``), since S3 sends no name."""
    access_key_id: str
    region: str
    method: str
    path: str
    protocol: str
    """How the service speaks: ``query`` (XML), ``json``, ``cbor`` or ``rest``."""
    body: bytes = field(repr=False, default=b"")
    """Unpacked when it came as gzip."""
    status: Optional[int] = None
    """None while no answer was given, and for good when the connection was dropped."""
    forwarded: bool = False
    """Whether it reached the emulator."""

    @property
    def write(self) -> bool:
        """Whether it may change something. A name that is not known to read counts as a write."""
        return not READS.match(self.operation)

    @property
    def parameters(self) -> Dict[str, Any]:
        """Return what was asked: form fields, or the JSON body. Empty for other protocols."""
        if self.protocol == "query":
            return {name: values[0] for name, values in urllib.parse.parse_qs(self.body.decode(), keep_blank_values=True).items()}
        if self.protocol == "json":
            return dict(json.loads(self.body or b"{}"))
        return {}

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


Forward = Callable[[], Response]
Handler = Callable[[Call, Forward], Response]


def forward_all(call: Call, forward: Forward) -> Response:
    """Interfere with nothing."""
    return forward()


def failure(call: Call, code: str, message: str = "injected by a test", status: int = 400) -> Response:
    """Return the error answer that AWS would give to ``call`` in its own protocol."""
    if call.protocol in ("query", "rest"):
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        )
        return Response(status, (("Content-Type", "text/xml"),), body.encode())
    if call.protocol == "cbor":
        import cbor2  # comes with moto

        body_bytes: bytes = cbor2.dumps({"__type": code, "message": message})
        return Response(status, (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")), body_bytes)
    return Response(status, (("Content-Type", "application/x-amz-json-1.1"),), json.dumps({"__type": code, "message": message}).encode())


class RecordingProxy:
    """Stand at ``url`` before ``upstream``. Use it as a context manager.

    :param upstream: the emulator's ``http://host:port``.
    :param host: the address to listen on. A container reaches the one of its bridge.
    :param handler: called with each call and a function that passes it on and returns the answer. It may return another answer, raise
        ``Dropped`` before or after passing it on, wait, or look at the call. It runs in several threads at once. ``handler`` can
        be replaced between two requests.
    """

    def __init__(self, upstream: str, host: str = "127.0.0.1", handler: Handler = forward_all) -> None:
        parts = urllib.parse.urlsplit(upstream)
        assert parts.scheme == "http" and parts.hostname and parts.port, f"not http://host:port: {upstream}"
        self.handler = handler
        self.calls: List[Call] = []
        self.errors: List[Exception] = []
        self._upstream = (parts.hostname, parts.port)
        self._server = _Server((host, 0), _RequestHandler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self.errors and error is None:
            raise AssertionError(f"the proxy failed {len(self.errors)} times") from self.errors[0]

    # What a test asks

    @property
    def reads(self) -> List[Call]:
        return [call for call in self.calls if not call.write]

    @property
    def writes(self) -> List[Call]:
        return [call for call in self.calls if call.write]

    def counts(self) -> Counter[str]:
        """Return how often each ``service:Operation`` was called."""
        return Counter(map(str, self.calls))

    def clear(self) -> None:
        """Forget the calls so far."""
        self.calls.clear()

    # Inside

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> Response:
        """Record a request and return its answer.

        :raises Dropped: when the handler wants no answer.
        """
        call = describe(method, path, headers, body)
        self.calls.append(call)

        def forward() -> Response:
            call.forwarded = True
            return self._forward(method, path, headers, body)

        response = self.handler(call, forward)
        call.status = response.status
        return response

    def _forward(self, method: str, path: str, headers: Message, body: bytes) -> Response:
        connection = http.client.HTTPConnection(*self._upstream, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in _passed_on(headers.items()):
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Response(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            connection.close()


def describe(method: str, path: str, headers: Headers, body: bytes) -> Call:
    """Return which API call a request is."""
    scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request", headers.get("Authorization", ""))
    key, region, signed_for = scope.groups() if scope else ("", "", "")
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    protocol, operation = _operation(method, path, headers, body)
    return Call(SERVICES.get(signed_for, signed_for), operation, key, region, method, path, protocol, body)


def _operation(method: str, path: str, headers: Headers, body: bytes) -> Tuple[str, str]:
    target = headers.get("X-Amz-Target", "")
    if target:
        return "json", target.rpartition(".")[2]
    rpc = re.fullmatch(r"/service/\w+/operation/(\w+)", path)
    if rpc:
        return "cbor", rpc.group(1)
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return "query", urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]
    parts = urllib.parse.urlsplit(path)
    key = parts.path.lstrip("/").partition("/")[2]
    names = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
    subresource = next((name for name in names if names[name] == [""]), "")
    return "rest", method.title() + ("Object" if key else "Bucket") + subresource.title()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: RecordingProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, as those do that a test ends."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Header and body go out as two writes; with Nagle's algorithm each answer would wait some 40 ms for the client's acknowledgement.
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        try:
            response = self.server.proxy.answer(self.command, self.path, self.headers, self._body())
        except Dropped:
            self.close_connection = True
            return
        except Exception as error:  # noqa: BLE001  (a broken handler must fail the test, which runs in another thread)
            self.server.proxy.errors.append(error)
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in _passed_on(response.headers):
            self.send_header(name, value)
        # The answer to HEAD tells the length of a body that is not sent.
        length = dict(response.headers).get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _handle  # noqa: N815  (names that the base class looks for)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Print nothing: the calls are recorded."""


def _passed_on(headers: Iterable[Tuple[str, str]]) -> List[Tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
