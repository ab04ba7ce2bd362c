# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Signature Version 4, for POST requests without a query string."""

from __future__ import annotations

import hashlib
import hmac
import urllib.parse
from typing import Dict, Mapping

from .credentials import Keys


def sign(url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, service: str, now: str) -> Dict[str, str]:
    """Return ``headers`` with what a signed POST needs besides.

    :param now: UTC, as ``20261122T041504Z``.
    """
    parts = urllib.parse.urlsplit(url)
    signed = {**headers, "Host": parts.netloc, "X-Amz-Date": now}
    if keys.session_token:
        signed["X-Amz-Security-Token"] = keys.session_token
    lowered = {name.lower(): " ".join(value.split()) for name, value in signed.items() if name.lower() != "user-agent"}
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        ["POST", parts.path or "/", ""]
        + [f"{name}:{lowered[name]}" for name in sorted(lowered)]
        + ["", names, hashlib.sha256(body).hexdigest()]
    )
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    signed["Authorization"] = f"AWS4-HMAC-SHA256 Credential={keys.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return signed
