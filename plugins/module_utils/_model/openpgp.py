# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be known of OpenPGP data before and after a program verifies a signature: which key it is, and what the program said.

Programs that verify differ in what they read and refuse. Here is what is the same on every host: the keyring is one key, named by its
fingerprint, and a key that has expired is none, whenever it signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

from .errors import InputError, Refusal

_SIGNATURE, _PUBLIC_KEY = 2, 6
_CERTIFICATIONS = frozenset({0x10, 0x11, 0x12, 0x13, 0x1F})
"""Types of signatures that can carry the time a key ends: those on a user id, and the one on the key itself."""
_CREATED, _KEY_LASTS, _ISSUER, _ISSUER_FINGERPRINT = 2, 9, 16, 33
_ARMOUR = re.compile(rb"-----BEGIN PGP ([A-Z ]+)-----\r?\n(.*?)-----END PGP \1-----", re.DOTALL)

_JUDGEMENTS = (
    ("BADSIG", "the package is not what was signed: it was changed, or cut short"),
    ("REVKEYSIG", "the key was revoked"),
    ("EXPKEYSIG", "the key has expired"),
    ("EXPSIG", "the signature has expired"),
    ("NO_PUBKEY", "another key made it: {}"),
)
"""What gpg and gpgv say on their status line, the worst first. gpgv ends with 0 for keys that are revoked or have expired."""


@dataclass(frozen=True)
class Certificate:
    """A public key with what belongs to it."""

    fingerprint: str
    """Of the primary key: hexadecimal digits in capitals, no spaces."""
    data: bytes
    expires: Optional[int] = None
    """Seconds since 1970; None for never."""


def fingerprint(text: str) -> str:
    """Return a fingerprint without spaces or colons, in capitals.

    :raises InputError: when it is none, a short key id for example.
    """
    plain = re.sub(r"[\s:]", "", text).upper()
    if not re.fullmatch(r"([0-9A-F]{40}|[0-9A-F]{64})", plain):
        raise InputError(f"fingerprint: {text!r} is no fingerprint. Give all 40 digits; the id of a key is too short to trust.")
    return plain


def grouped(plain: str) -> str:
    """Return a fingerprint as people compare it: in groups of four."""
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def certificates(data: bytes) -> List[Certificate]:
    """Return the public keys in a file, armoured or not; none when it holds something else."""
    try:
        packets = list(_packets(_plain(data)))
        starts = [number for number, (tag, _body, _raw) in enumerate(packets) if tag == _PUBLIC_KEY]
        return [_certificate(packets[at:end]) for at, end in zip(starts, [*starts[1:], len(packets)])]
    except (ValueError, IndexError):
        return []


def only(data: bytes, wanted: str, where: str, now: float) -> Certificate:
    """Return the one key that a signature may be made with.

    :param wanted: its fingerprint, as ``fingerprint`` returns it.
    :param where: where ``data`` came from, for the reader.
    :param now: seconds since 1970.
    :raises Refusal: when ``data`` has no key with the fingerprint, or the key has expired.
    """
    found = certificates(data)
    for certificate in found:
        if certificate.fingerprint == wanted:
            if certificate.expires is not None and certificate.expires <= now:
                raise Refusal(
                    f"The key {grouped(wanted)} from {where} has expired. Nothing was installed. Set key to the key that is used today."
                )
            return certificate
    there = " and ".join(grouped(certificate.fingerprint) for certificate in found)
    raise Refusal(
        f"{where} does not hold the key {grouped(wanted)}; "
        + (f"it holds {there}. " if there else "it holds no OpenPGP public key. ")
        + "Nothing was installed. Find out from the publisher of the package which key is right, then set key and fingerprint."
    )


def detached_signature(data: bytes) -> bytes:
    """Return the detached signatures in a file without armour; empty unless it holds nothing else.

    No program may verify a message inside it in place of the package. So it is given what is returned here: what it would make of the file
    itself, which may be armour within a message, is its own affair.
    """
    try:
        packets = list(_packets(_plain(data)))
    except (ValueError, IndexError):
        return b""
    return b"".join(raw for _tag, _body, raw in packets) if {tag for tag, _body, _raw in packets} == {_SIGNATURE} else b""


def armoured(data: bytes) -> str:
    """Return a public key as text; armoured data comes back as it is."""
    if data.lstrip().startswith(b"-----BEGIN"):
        return data.decode("ascii", "replace")
    lines = base64.encodebytes(data).decode("ascii")
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{lines}-----END PGP PUBLIC KEY BLOCK-----\n"


def judged(status: str, wanted: str) -> str:
    """Return why the status lines of gpg or gpgv are no proof of a signature by the key ``wanted``; empty when they are."""
    said = [line.split()[1:] for line in status.splitlines() if line.startswith("[GNUPG:] ") and len(line.split()) > 1]
    for word, reason in _JUDGEMENTS:
        for line in said:
            if line[0] == word:
                return reason.format(line[1] if len(line) > 1 else "")
    valid = [line[-1] for line in said if line[0] == "VALIDSIG"]
    if not valid or not any(line[0] == "GOODSIG" for line in said):
        return "it could not be read, or is of a kind that is not supported here"
    others = [key for key in valid if key != wanted]
    return f"another key made it: {others[0]}" if others else ""


def _plain(data: bytes) -> bytes:
    """Take the armour off, that of several blocks too."""
    if b"-----BEGIN PGP " not in data:
        return data
    plain = b""
    for kind, block in _ARMOUR.findall(data):
        if kind not in (b"PUBLIC KEY BLOCK", b"SIGNATURE"):
            continue
        headers, blank, lines = block.replace(b"\r\n", b"\n").partition(b"\n\n")
        if not blank:
            lines = headers
        encoded = b"".join(line.strip() for line in lines.splitlines() if not line.startswith(b"="))
        try:
            plain += base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error
    return plain


def _packets(data: bytes) -> Iterator[Tuple[int, bytes, bytes]]:
    """Yield tag, body and the whole of each packet (RFC 9580, section 4.2).

    :raises ValueError: when ``data`` is something else, or cut short.
    """
    at = 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise ValueError("no OpenPGP packet")
        if first & 0x40:
            tag, (size, header) = first & 0x3F, _length(data[at + 1 : at + 6])
        else:
            tag, octets = (first & 0x3C) >> 2, (1, 2, 4, 0)[first & 3]
            size, header = int.from_bytes(data[at + 1 : at + 1 + octets], "big"), octets
            if not octets:
                raise ValueError("a packet without a length")
        end = at + 1 + header + size
        if end > len(data):
            raise ValueError("cut short")
        yield tag, data[at + 1 + header : end], data[at:end]
        at = end


def _length(octets: bytes) -> Tuple[int, int]:
    """Return a length and how many octets it takes."""
    if not octets or 224 <= octets[0] < 255:
        raise ValueError("a packet in parts")
    if octets[0] < 192:
        return octets[0], 1
    if octets[0] < 255:
        return ((octets[0] - 192) << 8) + octets[1] + 192, 2
    return int.from_bytes(octets[1:5], "big"), 5


def _certificate(packets: List[Tuple[int, bytes, bytes]]) -> Certificate:
    key = packets[0][1]
    if key[0] == 4:
        name = hashlib.sha1(b"\x99" + len(key).to_bytes(2, "big") + key).hexdigest()  # noqa: S324  (what a fingerprint of version 4 is)
    else:
        name = hashlib.sha256(b"\x9b" + len(key).to_bytes(4, "big") + key).hexdigest()
    lasts = _lasts([body for tag, body, _raw in packets if tag == _SIGNATURE], name)
    made = int.from_bytes(key[1:5], "big")
    return Certificate(name.upper(), b"".join(raw for _tag, _body, raw in packets), made + lasts if lasts else None)


def _lasts(signatures: List[bytes], name: str) -> int:
    """Return for how many seconds a key is good, by its own newest signature on itself; 0 for ever."""
    newest, lasts = -1, 0
    for body in signatures:
        if body[0] != 4 or body[1] not in _CERTIFICATIONS:
            continue
        hashed = int.from_bytes(body[4:6], "big")
        signed = dict(_subpackets(body[6 : 6 + hashed]))
        rest = body[6 + hashed :]
        issuers = {**dict(_subpackets(rest[2 : 2 + int.from_bytes(rest[:2], "big")])), **signed}
        own = issuers.get(_ISSUER_FINGERPRINT, b"")[1:].hex() == name or issuers.get(_ISSUER, b"-").hex() == name[-16:]
        created = int.from_bytes(signed.get(_CREATED, b""), "big")
        if own and created > newest:
            newest, lasts = created, int.from_bytes(signed.get(_KEY_LASTS, b""), "big")
    return lasts


def _subpackets(data: bytes) -> Iterator[Tuple[int, bytes]]:
    at = 0
    while at < len(data):
        first = data[at]
        if first < 192:
            size, header = first, 1
        elif first < 255:
            size, header = ((first - 192) << 8) + data[at + 1] + 192, 2
        else:
            size, header = int.from_bytes(data[at + 1 : at + 5], "big"), 5
        yield data[at + header] & 0x7F, data[at + header + 1 : at + header + size]
        at += header + max(size, 1)
