# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RSA key of a node: made, written down as the agent does, and signed with (PSS, SHA-256).

Slow and open to side channels: good enough for a host that lives for one test, since Python brings no RSA of its own.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Tuple

BITS = 2048
EXPONENT = 65537
SALT_BYTES = 32
SMALL_PRIMES = [number for number in range(3, 2000, 2) if all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))]
ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
"""The identifier of RSA in a SubjectPublicKeyInfo."""


@dataclass(frozen=True)
class Key:
    modulus: int
    private_exponent: int
    primes: Tuple[int, int]

    def private(self) -> str:
        """Return it as base64 of its PKCS #1 DER form."""
        one, two = self.primes
        numbers = (0, self.modulus, EXPONENT, self.private_exponent, one, two)
        more = (self.private_exponent % (one - 1), self.private_exponent % (two - 1), pow(two, -1, one))
        return base64.b64encode(_der(0x30, b"".join(_integer(number) for number in numbers + more))).decode()

    def public(self) -> str:
        """Return its public half as base64 of its PKIX DER form."""
        bits = b"\0" + _der(0x30, _integer(self.modulus) + _integer(EXPONENT))
        return base64.b64encode(_der(0x30, ALGORITHM + _der(0x03, bits))).decode()

    def sign(self, text: str) -> str:
        """Return the signature of ``text`` in base64."""
        salt = secrets.token_bytes(SALT_BYTES)
        size = BITS // 8
        digest = hashlib.sha256(b"\0" * 8 + hashlib.sha256(text.encode()).digest() + salt).digest()
        block = b"\0" * (size - len(salt) - len(digest) - 2) + b"\1" + salt
        mask = b"".join(hashlib.sha256(digest + count.to_bytes(4, "big")).digest() for count in range(size // 32 + 1))
        masked = bytearray(one ^ two for one, two in zip(block, mask, strict=False))
        masked[0] &= 0x7F
        number = int.from_bytes(bytes(masked) + digest + b"\xbc", "big")
        return base64.b64encode(pow(number, self.private_exponent, self.modulus).to_bytes(size, "big")).decode()


def make() -> Key:
    """Return a new key."""
    one, two = _prime(BITS // 2), _prime(BITS // 2)
    return _key(one, two)


def read(private: str) -> Key:
    """Return the key that ``Key.private`` wrote."""
    content = base64.b64decode(private)
    numbers, at = [], _skip_header(content, 0)
    while at < len(content):
        start = _skip_header(content, at)
        length = _length(content, at)
        numbers.append(int.from_bytes(content[start : start + length], "big"))
        at = start + length
    return _key(numbers[4], numbers[5])


def _key(one: int, two: int) -> Key:
    return Key(one * two, pow(EXPONENT, -1, (one - 1) * (two - 1)), (one, two))


def _prime(bits: int) -> int:
    while True:
        # The two highest bits are set, so that the product of two has all its bits.
        number = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(number % prime for prime in SMALL_PRIMES) and number % EXPONENT != 1 and _probably_prime(number):
            return number


def _probably_prime(number: int) -> bool:
    odd, halvings = number - 1, 0
    while odd % 2 == 0:
        odd, halvings = odd // 2, halvings + 1
    for _round in range(5):
        value = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if value in (1, number - 1):
            continue
        for _step in range(halvings - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    raw = length.to_bytes(2, "big").lstrip(b"\0")
    size = bytes([length]) if length < 0x80 else bytes([0x80 | len(raw)]) + raw
    return bytes([tag]) + size + content


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _skip_header(content: bytes, at: int) -> int:
    return at + 2 + (content[at + 1] & 0x7F if content[at + 1] & 0x80 else 0)


def _length(content: bytes, at: int) -> int:
    first = content[at + 1]
    return int.from_bytes(content[at + 2 : at + 2 + (first & 0x7F)], "big") if first & 0x80 else first
