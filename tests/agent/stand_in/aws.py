# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls to AWS: signed, packed, through a proxy, and tried again as the SDK does."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Mapping, Tuple

from . import paths, sigv4
from .credentials import Provider
from .errors import AwsError

SECONDS = 60.0
SDK_RETRIES = 3
"""How often the SDK repeats a call by itself before the agent hears of it."""

RETRYABLE = {
    "RequestError",
    "RequestTimeout",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}


class Client:
    """One service in one region.

    :param service: the name in the signature's scope (``monitoring``, ``logs``, ``ssm``).
    :param endpoint: a URL, or ``""`` for AWS's own.
    """

    def __init__(self, service: str, region: str, provider: Provider, endpoint: str = "") -> None:
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        self._service = service
        self._region = region
        self._provider = provider
        self._url = (endpoint or f"https://{service}.{region}.{domain}").rstrip("/") + "/"

    def query(self, action: str, version: str, fields: Mapping[str, str]) -> Tuple[str, str]:
        """Call an action of the Query protocol, packed when that is smaller.

        :returns: the access key id used, and the answer.
        :raises AwsError: when it failed; ``access_key_id`` tells with which key.
        """
        body = urllib.parse.urlencode({"Action": action, "Version": version, **fields}).encode()
        return self._call({"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, body, packed=True)

    def json(self, target: str, fields: Mapping[str, Any], packed: bool = False) -> Tuple[str, Dict[str, Any]]:
        """Call an operation of the JSON 1.1 protocol; otherwise as ``query``."""
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        key, text = self._call(headers, json.dumps(fields).encode(), packed)
        return key, json.loads(text or "{}")

    def _call(self, headers: Dict[str, str], body: bytes, packed: bool) -> Tuple[str, str]:
        headers["User-Agent"] = paths.full_version()
        small = gzip.compress(body) if packed else body
        if len(small) < len(body):
            headers["Content-Encoding"] = "gzip"
            body = small
        attempt = 0
        while True:
            keys = self._provider.get()
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            signed = sigv4.sign(self._url, headers, body, keys, self._region, self._service, now)
            try:
                return keys.access_key_id, _post(self._url, signed, body)
            except AwsError as error:
                error.access_key_id = keys.access_key_id
                if error.code in EXPIRED:
                    self._provider.expire()
                if attempt == SDK_RETRIES or not (error.code in RETRYABLE | EXPIRED or error.status >= 500):
                    raise
            time.sleep((0.03 + random.random() * 0.03) * 2**attempt)  # noqa: S311
            attempt += 1


def proxy_for(url: str) -> str:
    """Return the proxy for a URL by the environment, or ``""``. Go, unlike Python, never asks a proxy for the host itself."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1" or urllib.request.proxy_bypass(host):
        return ""
    name = f"{parts.scheme}_proxy"
    return os.environ.get(name.upper()) or os.environ.get(name) or ""


def _post(url: str, headers: Mapping[str, str], body: bytes) -> str:
    proxy = proxy_for(url)
    handlers: List[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({urllib.parse.urlsplit(url).scheme: proxy} if proxy else {})]
    if url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_trust()))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(urllib.request.Request(url, data=body, headers=dict(headers), method="POST"), timeout=SECONDS) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise AwsError("RequestError", "send request failed", cause=f'Post "{url}": {_in_go(error, url, proxy)}') from error


def _trust() -> ssl.SSLContext:
    try:
        # A bundle replaces the system's certificates, it does not add to them.
        return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    except OSError as error:
        raise AwsError("LoadCustomCABundleError", "failed to load custom CA bundle PEM file", cause=str(error)) from error


def _refused(error: urllib.error.HTTPError) -> AwsError:
    """Return what an answer that is an error says, be it XML or JSON."""
    text = error.read().decode(errors="replace")
    header = error.headers.get("x-amzn-RequestId") or error.headers.get("x-amz-request-id") or ""
    try:
        document = json.loads(text)
        code = str(document.get("__type") or document.get("code") or "").rpartition("#")[2]
        return AwsError(code or "UnknownError", str(document.get("message") or document.get("Message") or ""), error.code, header)
    except (ValueError, AttributeError):
        found = {name: re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL) for name in ("Code", "Message", "RequestId")}
        code, message, request_id = (match.group(1) if match else "" for match in found.values())
        if not code:
            return AwsError("SerializationError", "failed to unmarshal error message", error.code, header)
        return AwsError(code, message, error.code, request_id or header)


def _in_go(error: Exception, url: str, proxy: str) -> str:
    """Return a network failure as Go puts it."""
    reason = error.reason if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception) else error
    parts = urllib.parse.urlsplit(proxy or url)
    place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    dial = f"proxyconnect tcp: dial tcp {place}" if proxy else f"dial tcp {place}"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    if isinstance(reason, ConnectionRefusedError):
        return f"{dial}: connect: connection refused"
    if isinstance(reason, socket.gaierror):
        return f"dial tcp: lookup {parts.hostname}: no such host"
    if isinstance(reason, TimeoutError):
        return f"{dial}: i/o timeout"
    if isinstance(reason, (ConnectionResetError, http.client.HTTPException)):
        return "EOF"
    return str(reason)
