# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy that ends TLS: it passes on what is for AWS, whole, and nothing else."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.tls_proxy import TlsProxy, Tunnel

AWS = "monitoring.us-east-1.amazonaws.com"


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.headers["Host"], body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def upstream():
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        server.requests = []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(upstream, tmp_path):
    with TlsProxy(f"http://127.0.0.1:{upstream.server_address[1]}", tmp_path / "authority") as proxy:
        yield proxy


def connect(proxy, name=AWS, trusting=True, port=443):
    """Return a connection to a name through the proxy."""
    context = ssl.create_default_context(cafile=proxy.authority.certificate if trusting else None)
    host, _colon, at = proxy.url.partition("://")[2].partition(":")
    connection = http.client.HTTPSConnection(host, int(at), context=context, timeout=10)
    connection.set_tunnel(name, port)
    return connection


def seen(proxy):
    deadline = time.monotonic() + 5
    while not proxy.seen and time.monotonic() < deadline:
        time.sleep(0.01)
    return proxy.seen


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_what_is_for_aws_is_passed_on_whole_both_ways(proxy, upstream, size):
    body = bytes(number % 251 for number in range(size))
    connection = connect(proxy)
    for _again in range(2):
        connection.request("POST", "/", body)
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() == body
    assert upstream.requests == [(AWS, body)] * 2
    assert proxy.seen == [Tunnel(AWS, 443, "passed")]


@pytest.mark.parametrize(("name", "port"), [("example.org", 443), ("amazonaws.com.example.org", 443), (AWS, 80)])
def test_what_is_not_for_aws_is_refused(proxy, upstream, name, port):
    with pytest.raises(OSError, match="403"):
        connect(proxy, name, port=port).request("POST", "/", b"x")
    assert proxy.seen == [Tunnel(name, port, "refused")] and upstream.requests == []


def test_a_client_that_does_not_know_the_authority_breaks_off(proxy, upstream):
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(proxy, trusting=False).request("POST", "/", b"x")
    assert seen(proxy) == [Tunnel(AWS, 443, "distrusted")] and upstream.requests == []


def test_the_certificate_is_for_the_name_asked_for(proxy):
    names = (AWS, "logs.us-east-1.amazonaws.com")
    for name in names:
        connection = connect(proxy, name)
        connection.connect()
        assert connection.sock.getpeercert()["subjectAltName"] == (("DNS", name),)
        connection.close()


def test_it_is_no_proxy_for_plain_http(proxy):
    host, _colon, port = proxy.url.partition("://")[2].partition(":")
    with socket.create_connection((host, int(port)), 5) as client:
        client.sendall(b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 405 ")
    assert proxy.seen == []


def test_nobody_else_can_read_the_keys(proxy):
    connect(proxy).connect()
    assert {path.stat().st_mode & 0o077 for path in proxy.authority.certificate.parent.glob(f"{AWS}.pem")} == {0}
