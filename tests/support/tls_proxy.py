# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy as companies have it: it accepts CONNECT, ends TLS with certificates of its own authority, and looks at what it passes on.

It lets its clients through to AWS's names only, and what it passes on goes to an emulator.
"""

from __future__ import annotations

import contextlib
import datetime
import select
import socket
import socketserver
import ssl
import threading
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Dict, List, Optional, Self, Tuple, Type

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = datetime.timedelta(days=2)
IDLE_SECONDS = 60.0
CHUNK = 65536


@dataclass(frozen=True)
class Tunnel:
    """One request for a tunnel."""

    name: str
    """The host asked for, as the client wrote it."""
    port: int
    outcome: str
    """``passed``, ``refused`` (not a name of AWS's), or ``distrusted``: the client broke off because it does not know the authority."""


class Authority:
    """A certificate authority that signs a certificate for each name it is asked for.

    :param folder: where its own certificate and those it makes are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Proxy of the tests")])
        self._contexts: Dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        signing = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signing, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "authority.pem"
        """What a client has to trust."""
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, name: str) -> ssl.SSLContext:
        """Return what a server needs to be taken for ``name``."""
        with self._lock:
            if name not in self._contexts:
                self._contexts[name] = self._make(name)
            return self._contexts[name]

    def _make(self, name: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]), key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        # The standard library reads a key from a file only.
        path = self._folder / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(path)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            # A host's clock may be a little behind.
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + LIFE)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


class TlsProxy:
    """Listen at ``url``. Use it as a context manager.

    :param upstream: the emulator's ``http://host:port``. Requests reach it byte for byte, so that signatures stay valid.
    :param folder: where certificates are written.
    :param host: the address to listen on. A container reaches the one of its bridge.
    :param domain: the names that it lets its clients reach end so.
    """

    def __init__(self, upstream: str, folder: Path, host: str = "127.0.0.1", domain: str = ".amazonaws.com") -> None:
        parts = urllib.parse.urlsplit(upstream)
        assert parts.scheme == "http" and parts.hostname and parts.port, f"not http://host:port: {upstream}"
        self.authority = Authority(folder)
        self.domain = domain
        self.upstream = (parts.hostname, parts.port)
        self.seen: List[Tunnel] = []
        self._server = _Server((host, 0), _Client)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._server.shutdown()
        self._server.server_close()

    def saw(self, name: str, port: int, outcome: str) -> None:
        self.seen.append(Tunnel(name, port, outcome))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    proxy: TlsProxy


class _Client(socketserver.StreamRequestHandler):
    # Nothing may be read ahead: what follows the request is TLS, and not for this reader.
    rbufsize = 0
    timeout = IDLE_SECONDS
    server: _Server

    def handle(self) -> None:
        # Clients come and go as they like: a connection that breaks is not the proxy's concern.
        with contextlib.suppress(OSError):
            self._handle()

    def _handle(self) -> None:
        proxy = self.server.proxy
        name, port = self._asked()
        if not name:
            self._answer("405 Only CONNECT")
            return
        if port != 443 or not name.endswith(proxy.domain):
            proxy.saw(name, port, "refused")
            self._answer("403 Not a name of AWS")
            return
        context = proxy.authority.context(name)
        self._answer("200 Connection established")
        try:
            client = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            proxy.saw(name, port, "distrusted")
            return
        proxy.saw(name, port, "passed")
        with client, socket.create_connection(proxy.upstream, timeout=IDLE_SECONDS) as upstream:
            _pass(client, upstream)

    def _asked(self) -> Tuple[str, int]:
        words = self.rfile.readline(CHUNK).decode("latin-1").split()
        while self.rfile.readline(CHUNK).strip():
            pass
        if len(words) != 3 or words[0] != "CONNECT":
            return "", 0
        name, _colon, port = words[1].rpartition(":")
        return name, int(port) if port.isdigit() else 0

    def _answer(self, status: str) -> None:
        self.wfile.write(f"HTTP/1.1 {status}\r\n\r\n".encode())


def _pass(client: ssl.SSLSocket, upstream: socket.socket) -> None:
    """Pass on what either side says until one of them is done."""
    while True:
        # What was decrypted already makes no socket readable.
        ready = [client] if client.pending() else select.select([client, upstream], [], [], IDLE_SECONDS)[0]
        if not ready:
            return
        for source in ready:
            data = source.recv(CHUNK)
            if not data:
                return
            (upstream if source is client else client).sendall(data)
