# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls to Systems Manager: unsigned, signed with the node's RSA key, or with temporary credentials."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Union

from . import paths
from .keys import Key

SECONDS = 30.0
SDK_RETRIES = 3


class AwsError(Exception):
    """An error as the Go SDK words it: ``Code: message``."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status


@dataclass(frozen=True)
class NodeKey:
    """A registered node, which signs with its RSA key."""

    instance_id: str
    key: Key = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """Temporary credentials of the service role."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


Signer = Union[None, NodeKey, Keys]


def call(endpoint: str, region: str, operation: str, request: Mapping[str, Any], who: Signer = None) -> Dict[str, Any]:
    """Call an operation of Systems Manager and return its answer.

    :param endpoint: a URL, or ``""`` for AWS's own.
    :raises AwsError: when it failed, be it on the way (``RequestError``, after three more attempts) or there.
    """
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = (endpoint or f"https://ssm.{region}.{domain}").rstrip("/") + "/"
    body = json.dumps(request).encode()
    for attempt in range(SDK_RETRIES + 1):
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonSSM.{operation}"}
        try:
            return _post(url, _signed(url, headers, body, region, who), body)
        except AwsError as error:
            if attempt == SDK_RETRIES or not (error.code == "RequestError" or error.status >= 500):
                raise
        time.sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


def _signed(url: str, headers: Dict[str, str], body: bytes, region: str, who: Signer) -> Dict[str, str]:
    if who is None:
        return headers
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/{region}/ssm/aws4_request"
    headers = {**headers, "X-Amz-Date": now}
    if isinstance(who, Keys):
        headers["X-Amz-Security-Token"] = who.session_token
    lower = {"host": urllib.parse.urlsplit(url).netloc, **{name.lower(): value for name, value in headers.items()}}
    names = ";".join(sorted(lower))
    lines = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower))
    canonical = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    text = "\n".join(("AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    name, signature = (
        (who.instance_id, who.key.sign(text))
        if isinstance(who, NodeKey)
        else (who.access_key_id, _hmac(who.secret_access_key, now[:8], region, text))
    )
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={name}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers


def _hmac(secret: str, day: str, region: str, text: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "ssm", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _post(url: str, headers: Mapping[str, str], body: bytes) -> Dict[str, Any]:
    parts = urllib.parse.urlsplit(url)
    proxy = _proxy(parts)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({parts.scheme: proxy} if proxy else {}))
    request = urllib.request.Request(url, data=body, headers={**headers, "User-Agent": paths.USER_AGENT}, method="POST")
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return dict(json.loads(answer.read() or b"{}"))
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise AwsError("RequestError", f'send request failed\ncaused by: Post "{url}": {error}') from error


def _proxy(parts: urllib.parse.SplitResult) -> str:
    """Return the proxy that the environment names. Go, unlike Python, never asks one for the host itself."""
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or urllib.request.proxy_bypass(host):
        return ""
    return os.environ.get(f"{parts.scheme}_proxy") or os.environ.get(f"{parts.scheme}_proxy".upper()) or ""


def _refused(error: urllib.error.HTTPError) -> AwsError:
    try:
        document = json.loads(error.read())
        code = str(document.get("__type", "UnknownError")).rpartition("#")[2]
        message = str(document.get("message") or document.get("Message") or "")
    except (ValueError, AttributeError):
        code, message = "SerializationError", "failed to unmarshal error message"
    return AwsError(code, f"{message}\n\tstatus code: {error.code}, request id: ", error.code)
