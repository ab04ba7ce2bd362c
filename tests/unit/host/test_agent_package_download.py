# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are had from real servers on the loopback address, through proxies and with certificates of one's own."""

from __future__ import annotations

import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import agent_package_download as download
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.agent_package_download import Missing, NotFetched, Web

CONTENT = b"x" * 3000


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization"), self.headers.get("Proxy-Authorization")))  # type: ignore[attr-defined]
        code = {"/404": 404, "/403": 403, "/500": 500}.get(self.path, 302 if self.path.startswith("/to/") else 200)
        self.send_response(code)
        if code == 302:
            self.send_header("Location", self.path[4:])
        if self.path != "/unannounced":
            self.send_header("Content-Length", str(5000 if self.path == "/short" else len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *arguments: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: List[Tuple[str, Any, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


def web(ca_bundle: str = "", **proxies: str) -> Web:
    return Web(proxies, ca_bundle, 5)


def test_a_file_is_written_and_a_text_returned(server: Server, tmp_path: Path):
    for path in ("/a", "/unannounced"):
        web().file(server.url + path, str(tmp_path / "a"))
        assert (tmp_path / "a").read_bytes() == web().text(server.url + path) == CONTENT


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("/404", Missing, "answered 404 Not Found for http://127.0.0.1"),
        ("/403", Missing, "answered 403"),
        ("/500", NotFetched, "answered 500"),
        ("/short", NotFetched, "broke off after 3000 of 5000 bytes"),
    ],
)
def test_what_cannot_be_had_is_told(server: Server, tmp_path: Path, path: str, kind: type, words: str):
    with pytest.raises(NotFetched, match=words) as error:
        web().file(server.url + path, str(tmp_path / "a"))
    assert error.value.__class__ == kind


def test_sizes_have_limits(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "LARGE", 2999)
    monkeypatch.setattr(download, "SMALL", 2999)
    for path in ("/a", "/unannounced"):
        with pytest.raises(NotFetched, match="3000 bytes, more than any package"):
            web().file(server.url + path, str(tmp_path / "a"))
        with pytest.raises(NotFetched, match="larger than 2999"):
            web().text(server.url + path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a", "https://127.0.0.1:9/a?secret=1"])
def test_a_server_that_is_not_there_is_told_without_the_query(server: Server, url: str):
    with pytest.raises(NotFetched, match="127.0.0.1:9/a was not reached") as error:
        web().text(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "/etc/passwd"])
def test_nothing_but_http_is_spoken(url: str):
    with pytest.raises(NotFetched, match="no URL of http or https"):
        web().text(url)


def test_user_and_password_of_a_url_go_where_servers_look(server: Server):
    web().text(server.url.replace("://", "://u:p%40ss@") + "/a")
    assert server.seen == [("/a", "Basic dTpwQHNz", None)]


def test_user_and_password_go_to_no_other_server(server: Server):
    other = Server()
    with_user = server.url.replace("://", "://u:p%40ss@")
    assert web().text(f"{with_user}/to/{other.url}/b") == web().text(f"{with_user}/to/{server.url}/c") == CONTENT
    assert other.seen == [("/b", None, None)] and server.seen[-1] == ("/c", "Basic dTpwQHNz", None)
    other.shutdown()
    other.server_close()


@pytest.mark.parametrize("there", ["ftp://127.0.0.1/a", "file:///etc/passwd"])
def test_a_redirect_away_from_http_is_not_followed(server: Server, there: str):
    with pytest.raises(NotFetched, match=r"[Rr]edirect"):
        web().text(f"{server.url}/to/{there}")


@pytest.mark.parametrize(
    ("given", "environment", "through_proxy"),
    [
        ({"http": "P"}, {}, True),
        ({"http": "P", "no": "10.0.0.1,127.0.0.1"}, {}, False),
        ({}, {"http_proxy": "P"}, True),
        ({}, {"http_proxy": "P", "no_proxy": "127.0.0.1"}, False),
        ({"http": "P"}, {"http_proxy": "http://127.0.0.1:9"}, True),
        ({"http": "", "https": "P"}, {}, False),
    ],
)
def test_a_proxy_is_used_where_one_is_given(
    server: Server, monkeypatch: pytest.MonkeyPatch, given: Dict[str, str], environment: Dict[str, str], through_proxy: bool
):
    proxy = Server()
    address = proxy.url.replace("://", "://user:word@")
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("P", address) if value == "P" else value)
    before = dict(os.environ)
    url = f"{server.url}/a"
    web(**{name: address if value == "P" else value for name, value in given.items()}).text(url)
    assert proxy.seen == ([(url, None, "Basic dXNlcjp3b3Jk")] if through_proxy else [])
    assert server.seen == ([] if through_proxy else [("/a", None, None)])
    assert dict(os.environ) == before
    proxy.shutdown()
    proxy.server_close()


@pytest.fixture
def secure(server: Server, tmp_path: Path) -> Tuple[str, str]:
    """The server's URL over TLS, and the certificate to trust."""
    import subprocess

    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    made = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(["openssl", "req", *made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.url.replace("http:", "https:"), certificate


def test_certificates_are_checked_against_the_bundle(secure: Tuple[str, str]):
    url, certificate = secure
    assert web(certificate).text(f"{url}/a") == CONTENT
    with pytest.raises(NotFetched, match="CERTIFICATE_VERIFY_FAILED"):
        web().text(f"{url}/a")


def test_a_bundle_that_is_not_there_is_told(server: Server):
    with pytest.raises(NotFetched, match="No such file"):
        web("/no/bundle.pem").text("https://127.0.0.1:9/a")
