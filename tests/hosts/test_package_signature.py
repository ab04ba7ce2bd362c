# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What gpgv and gpg make of signatures, and what is made of what they say. sqv is on the hosts of test_package.py."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable, Dict, Iterator, Optional, Tuple

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.agent_package_signature import Verifier
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal

from .keys import LONG_AGO, Keys

DATA = b"the package"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with Keys() as keys:
        for name in ("good", "other", "revoked"):
            keys.make(name)
        keys.make("split", "ed25519", "cert")
        keys.add_subkey("split")
        keys.make("old", "rsa2048", "sign", "never", "--faked-system-time", LONG_AGO, "--cert-digest-algo", "SHA1")
        keys.make("expired", "ed25519", "sign", "2020-02-01", "--faked-system-time", LONG_AGO)
        yield keys


@pytest.fixture(scope="module")
def signatures(keys: Keys) -> Dict[str, bytes]:
    """By name: signatures of DATA, all but the last two."""
    found = {name: keys.sign(name, DATA) for name in ("good", "other", "split", "revoked", "old")}
    found["armoured"] = keys.sign("good", DATA, "--armor")
    found["expired"] = keys.sign("expired", DATA, "--faked-system-time", "20200110T000000")
    found["ended"] = keys.sign("old", DATA, "--faked-system-time", "20200110T000000", "--default-sig-expire", "5d")
    found["inline"] = keys.sign("good", DATA, how="--sign")
    found["of something else"] = keys.sign("good", b"something else")
    keys.revoke("revoked")
    return found


Verify = Callable[..., None]


@pytest.fixture(params=["gpgv", "gpg"])
def verify(request: pytest.FixtureRequest, tmp_path: Path, keys: Keys, signatures: Dict[str, bytes]) -> Tuple[str, Verify]:
    """One of the programs, and a function that verifies a named signature with it against named keys."""

    def which(name: str, path: Optional[str] = None) -> Optional[str]:
        return shutil.which(name, path=path) if name == request.param else None

    assert which(request.param), f"{request.param} is not installed. `make hosts` installs it on Debian, as root."

    def run(signature: str, key: bytes, fingerprint: str, data: bytes = DATA) -> None:
        (tmp_path / "package").write_bytes(data)
        (tmp_path / "package.sig").write_bytes(signatures.get(signature, signature.encode()))
        Verifier(str(tmp_path), which=which).verify(
            str(tmp_path / "package"), str(tmp_path / "package.sig"), key, fingerprint, "there", "P"
        )

    return request.param, run


@pytest.mark.parametrize(("signature", "name"), [("good", "good"), ("armoured", "good"), ("split", "split"), ("old", "old")])
def test_a_signature_by_the_key_is_accepted(verify: Tuple[str, Verify], keys: Keys, signature: str, name: str) -> None:
    verify[1](signature, keys.public(name), keys.fingerprint(name))


def test_a_key_may_be_armoured(verify: Tuple[str, Verify], keys: Keys) -> None:
    verify[1]("good", keys.armoured("good").encode(), keys.fingerprint("good"))


def test_other_keys_in_the_same_file_play_no_part(verify: Tuple[str, Verify], keys: Keys) -> None:
    both = keys.public("other") + keys.public("good")
    with pytest.raises(Refusal, match="another key made it"):
        verify[1]("other", both, keys.fingerprint("good"))


REFUSED = [
    ("other", "good", DATA, "another key made it: {other}"),
    ("good", "good", b"the packagE", "it was changed, or cut short"),
    ("good", "good", b"the pack", "it was changed, or cut short"),
    ("of something else", "good", DATA, "it was changed, or cut short"),
    ("revoked", "revoked", DATA, "the key was revoked"),
    ("expired", "expired", DATA, "has expired"),
    ("ended", "old", DATA, "the signature has expired"),
    ("inline", "good", DATA, "it is no detached signature"),
    ("inline", "good", b"something else", "it is no detached signature"),
    ("<html>", "good", DATA, "it is no detached signature"),
    ("", "good", DATA, "it is no detached signature"),
]


@pytest.mark.parametrize(("signature", "name", "data", "words"), REFUSED)
def test_every_other_signature_is_refused(
    verify: Tuple[str, Verify], keys: Keys, signature: str, name: str, data: bytes, words: str
) -> None:
    with pytest.raises(Refusal, match="Nothing was installed") as refused:
        verify[1](signature, keys.public(name), keys.fingerprint(name), data)
    assert words.format(other=keys.fingerprint("other")[-16:]) in str(refused.value)


def test_the_key_must_be_the_one_named(verify: Tuple[str, Verify], keys: Keys) -> None:
    with pytest.raises(Refusal, match="does not hold the key"):
        verify[1]("good", keys.public("good"), keys.fingerprint("other"))


def test_a_host_without_a_verifier_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="Install the package gpgv"):
        Verifier(str(tmp_path), which=lambda name, path=None: None).program()
