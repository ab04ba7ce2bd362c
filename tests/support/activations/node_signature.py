# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature of a registered node: Signature Version 4 whose last step is RSA (PSS, SHA-256) in place of an HMAC."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\S+), ?SignedHeaders=(\S+), ?Signature=(\S+)")


def signer(headers: Mapping[str, str]) -> str:
    """Return the node's id that a request names in place of an access key, or ``""``.

    :param headers: with names in small letters.
    """
    match = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return match.group(1) if match else ""


def region(headers: Mapping[str, str]) -> str:
    """Return the region of a signed request, or ``""``."""
    match = re.search(r"Credential=[^/]+/\d+/([^/]+)/", headers.get("authorization", ""))
    return match.group(1) if match else ""


def verified(public_key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether ``POST /`` with these headers and body is signed with the key that belongs to ``public_key``."""
    match = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if not match:
        return False
    _id, scope, names, signature = match.groups()
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names.split(";"))
    canonical = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    text = "\n".join(("AWS4-HMAC-SHA256", headers.get("x-amz-date", ""), scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = load_der_public_key(base64.b64decode(public_key))
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(base64.b64decode(signature), text.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
