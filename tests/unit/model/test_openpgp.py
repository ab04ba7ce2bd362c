# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and signatures as data, without a program that knows OpenPGP."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import openpgp
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal

ONE = "1242D2F1D8B31AB2BB616E5230F4030AEA2ABDB7"
TWO = "33CB34C830DF2B01F63DFAA42649023F6FBE1B10"
MADE = 1767225600
LASTS = 2635200
"""Seconds: what 30 days and twelve hours are."""

KEY_ONE = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaVW5ABYJKwYBBAHaRw8BAQdATgqNtPcxM7qA3BxWEvxGBkJlss9hys5TdcAy
cXwgjaG0CVRlc3RzIG9uZYiQBBMWCAA4FiEEEkLS8dizGrK7YW5SMPQDCuoqvbcF
AmlVuQACGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQMPQDCuoqvbfGqAEA
vQ4ykF80RY12hKheMGJpLsWs8utb194yij3PFZXmQcYA/0/1rPpfWVHLm3bxKEmD
ZbOnCMmRxmAX4E0NQXSwkLcC
=Ht+E
-----END PGP PUBLIC KEY BLOCK-----
"""
KEY_TWO = """-----BEGIN PGP PUBLIC KEY BLOCK-----
Comment: ends on 31 January 2026

mDMEaVW5ABYJKwYBBAHaRw8BAQdA1nN9fJdl3vTES9Xgmc6PYpiYCQYbc1cXn8mu
Pmms54q0CVRlc3RzIHR3b4iWBBMWCAA+FiEEM8s0yDDfKwH2PfqkJkkCP2++GxAF
AmlVuQACGwMFCQAoNcAFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQJkkCP2++
GxDsMQEAtGJ3PviWzKNM31KgRJ926XYMFnyf5JSIX6TjFxOL4i8A/2NnN2fdUh7e
qNpyqg7EnF2ErbsfoSy+Q8jXulZt044D
=9UBV
-----END PGP PUBLIC KEY BLOCK-----
"""
KEY_TWO_PROLONGED = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaVW5ABYJKwYBBAHaRw8BAQdA1nN9fJdl3vTES9Xgmc6PYpiYCQYbc1cXn8mu
Pmms54q0CVRlc3RzIHR3b4iQBBMWCAA4AhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4B
AheAFiEEM8s0yDDfKwH2PfqkJkkCP2++GxAFAmlYXAAACgkQJkkCP2++GxCmiQEA
smYvuzMc9KGi+bKhvyi+G9MkU6BOvwrHufXIjXnJMN4BALTBRrEPWBKa8/m39W/Y
PG3xUpkt3yqkcCFDrBfzsxwP
=qjOi
-----END PGP PUBLIC KEY BLOCK-----
"""
SIGNATURE = """-----BEGIN PGP SIGNATURE-----

iHUEABYIAB0WIQQSQtLx2LMasrthblIw9AMK6iq9twUCaVcKgAAKCRAw9AMK6iq9
t/M6AP9zJHGFuDEQfK1Lj14Oa6rlt+1rRbTHIZqkrzCaMiEJOwD+JkhIdFO1e1X6
Oty6mTYu3EDZp0i0VrfYak9Q9RJREQc=
=0gOr
-----END PGP SIGNATURE-----
"""


def binary(text: str) -> bytes:
    return openpgp._plain(text.encode())


def signature_of(text: str) -> bytes:
    return next(raw for tag, _body, raw in openpgp._packets(binary(text)) if tag == 2)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (KEY_ONE.encode(), [(ONE, None)]),
        (KEY_ONE.replace("\n", "\r\n").encode(), [(ONE, None)]),
        (b"Here it is:\n" + KEY_ONE.encode() + b"\nRegards", [(ONE, None)]),
        (binary(KEY_ONE), [(ONE, None)]),
        (openpgp.armoured(binary(KEY_TWO)).encode(), [(TWO, MADE + LASTS)]),
        (KEY_ONE.encode() + KEY_TWO.encode(), [(ONE, None), (TWO, MADE + LASTS)]),
        (binary(KEY_TWO) + binary(KEY_ONE), [(TWO, MADE + LASTS), (ONE, None)]),
        (KEY_TWO_PROLONGED.encode(), [(TWO, None)]),
        (binary(KEY_TWO) + signature_of(KEY_TWO_PROLONGED), [(TWO, None)]),
        (binary(KEY_TWO_PROLONGED) + signature_of(KEY_TWO), [(TWO, None)]),
        # A signature by somebody else on the key says nothing of when the key ends.
        (binary(KEY_ONE) + signature_of(KEY_TWO), [(ONE, None)]),
        (SIGNATURE.encode(), []),
        (binary(KEY_ONE)[:-5], []),
        (b"<html>Access denied</html>", []),
        (b"", []),
        (b"\x99", []),
        (b"\x98\x00", []),
        (KEY_ONE.replace("mDME", "m!ME").encode(), []),
    ],
)
def test_the_keys_in_a_file(data, expected):
    assert [(found.fingerprint, found.expires) for found in openpgp.certificates(data)] == expected


def test_the_keyring_is_one_key():
    both = KEY_TWO.encode() + KEY_ONE.encode()
    assert openpgp.only(both, ONE, "there", MADE).data == binary(KEY_ONE)
    assert openpgp.only(both, TWO, "there", MADE + LASTS - 1).data == binary(KEY_TWO)


@pytest.mark.parametrize(
    ("data", "now", "words"),
    [
        (KEY_TWO.encode(), MADE + LASTS, "33CB 34C8 30DF 2B01 F63D FAA4 2649 023F 6FBE 1B10 from there has expired"),
        (KEY_ONE.encode(), MADE, "it holds 1242 D2F1 D8B3 1AB2 BB61 6E52 30F4 030A EA2A BDB7"),
        (b"<html>", MADE, "it holds no OpenPGP public key"),
    ],
)
def test_a_key_that_is_not_the_one_named_or_no_longer_good_is_refused(data, now, words):
    with pytest.raises(Refusal, match="Nothing was installed") as refused:
        openpgp.only(data, TWO, "there", now)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SIGNATURE.encode(), True),
        (binary(SIGNATURE), True),
        (binary(SIGNATURE) * 2, True),
        (b"\xcb\xff" + len(SIGNATURE).to_bytes(4, "big") + SIGNATURE.encode(), True),
        (binary(KEY_ONE), False),
        (binary(SIGNATURE) + binary(KEY_ONE), False),
        (binary(SIGNATURE)[:-1], False),
        (b"", False),
        (b"not found", False),
    ],
)
def test_what_a_detached_signature_is(data, expected):
    assert bool(openpgp.detached_signature(data)) is expected
    assert openpgp.detached_signature(data) in (b"", binary(SIGNATURE), binary(SIGNATURE) * 2)


GOOD = f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG {ONE[-16:]} Tests one\n[GNUPG:] VALIDSIG {ONE} 2026-01-02 1767312000 0 4 0 22 8 00 {ONE}\n"
VALID = GOOD.splitlines()[2]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (GOOD, ""),
        (GOOD.replace(f"VALIDSIG {ONE}", f"VALIDSIG {TWO}"), ""),  # a subkey of the key
        (GOOD.replace(f"00 {ONE}", f"00 {TWO}"), f"another key made it: {TWO}"),
        (GOOD + GOOD.replace(ONE, TWO), f"another key made it: {TWO}"),
        (f"[GNUPG:] BADSIG {ONE[-16:]} Tests one\n", "the package is not what was signed: it was changed, or cut short"),
        (f"{GOOD}[GNUPG:] BADSIG {ONE[-16:]} Tests one\n", "the package is not what was signed: it was changed, or cut short"),
        # gpgv ends with 0 after these two.
        (f"[GNUPG:] EXPKEYSIG {ONE[-16:]} Tests one\n{VALID}", "the key has expired"),
        (f"[GNUPG:] REVKEYSIG {ONE[-16:]} Tests one\n{VALID}", "the key was revoked"),
        (f"[GNUPG:] EXPSIG {ONE[-16:]} Tests one\n{VALID}", "the signature has expired"),
        (f"[GNUPG:] ERRSIG {TWO[-16:]} 22 8 00 1 9 {TWO}\n[GNUPG:] NO_PUBKEY {TWO[-16:]}\n", f"another key made it: {TWO[-16:]}"),
        (VALID, "it could not be read, or is of a kind that is not supported here"),
        ("", "it could not be read, or is of a kind that is not supported here"),
        (GOOD.replace("[GNUPG:]", "gpg:"), "it could not be read, or is of a kind that is not supported here"),
    ],
)
def test_what_status_lines_prove(status, reason):
    assert openpgp.judged(status, ONE) == reason


@pytest.mark.parametrize("text", [ONE, ONE.lower(), openpgp.grouped(ONE), ":".join(ONE[at : at + 2] for at in range(0, 40, 2)), f" {ONE} "])
def test_a_fingerprint_is_written_in_many_ways(text):
    assert openpgp.fingerprint(text) == ONE


@pytest.mark.parametrize("text", ["", ONE[-8:], ONE[-16:], ONE[:-1], f"{ONE}0", "x" * 40])
def test_less_than_a_fingerprint_is_refused(text):
    with pytest.raises(InputError, match="40 digits"):
        openpgp.fingerprint(text)
