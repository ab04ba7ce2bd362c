# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package of the stand-in, its signature, and the server that it is fetched from."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Iterator

import pytest

from tests.support.agent_package import HOME, PackageServer, SigningKey, build, upstream

CONTENTS = [
    ("-rwxr-xr-x", f"./{HOME}/bin/amazon-cloudwatch-agent-ctl"),
    ("-rwxr-xr-x", f"./{HOME}/bin/config-downloader"),
    ("-rwxr-xr-x", f"./{HOME}/bin/config-translator"),
    ("-rwxr-xr-x", f"./{HOME}/bin/start-amazon-cloudwatch-agent"),
    ("-rwxr-xr-x", f"./{HOME}/bin/amazon-cloudwatch-agent"),
    ("-rw-r--r--", f"./{HOME}/etc/common-config.toml"),
    ("drwxr-xr-x", f"./{HOME}/etc/amazon-cloudwatch-agent.d/"),
    ("-rw-r--r--", "./etc/systemd/system/amazon-cloudwatch-agent.service"),
    ("lrwxrwxrwx", f"./usr/bin/amazon-cloudwatch-agent-ctl -> /{HOME}/bin/amazon-cloudwatch-agent-ctl"),
    ("lrwxrwxrwx", f"./etc/amazon/amazon-cloudwatch-agent -> /{HOME}/etc"),
    ("lrwxrwxrwx", f"./var/log/amazon/amazon-cloudwatch-agent -> /{HOME}/logs"),
]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("packages")
    return [build(folder, "1.300070.0-1"), build(folder, reread_seconds=2, environment={"STAND_IN_SSM_ENDPOINT": "http://x"})]


@pytest.fixture(scope="module")
def server(packages: list[Path], key: SigningKey) -> Iterator[PackageServer]:
    with PackageServer(packages, key) as running:
        yield running


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def verifies(key: SigningKey, content: bytes, signature: bytes, folder: Path) -> bool:
    (folder / "keyring").write_bytes(
        subprocess.run(["gpg", "--dearmor"], input=key.armoured.encode(), capture_output=True, check=True).stdout
    )
    (folder / "content").write_bytes(content)
    (folder / "content.sig").write_bytes(signature)
    command = ["gpgv", "--keyring", str(folder / "keyring"), str(folder / "content.sig"), str(folder / "content")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("mode", "name"), CONTENTS)
def test_the_package_holds(packages: list[Path], mode: str, name: str) -> None:
    rows = [line.split(None, 5) for line in output("dpkg-deb", "--contents", str(packages[1])).splitlines()]
    assert ([mode, "root/root"], name) in [(row[:2], row[5]) for row in rows]
    assert not [row for row in rows if row[5].startswith(("./root", "./home")) or "__pycache__" in row[5]]


def test_the_package_says_what_it_is(packages: list[Path], tmp_path: Path) -> None:
    fields = {each: output("dpkg-deb", "--field", str(packages[0]), each).strip() for each in ("Package", "Version", "Description")}
    assert (fields["Package"], fields["Version"]) == ("amazon-cloudwatch-agent", "1.300070.0-1")
    assert "tests only" in fields["Description"] and "not Amazon's" in fields["Description"]
    output("dpkg-deb", "--control", str(packages[0]), str(tmp_path))
    assert (tmp_path / "conffiles").read_text().split() == [f"/{HOME}/etc/common-config.toml"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o111) == ["postinst", "preinst", "prerm"]


def test_versions_and_settings_are_in_the_package(packages: list[Path], tmp_path: Path) -> None:
    for package, version, settings in [
        (packages[0], "1.300070.0", ""),
        (packages[1], "1.300071.0", "STAND_IN_SSM_ENDPOINT=http://x\nSTAND_IN_REREAD_SECONDS=2\n"),
    ]:
        root = tmp_path / version
        output("dpkg-deb", "--extract", str(package), str(root))
        assert (root / HOME / "bin/CWAGENT_VERSION").read_text() == f"{version}\n"
        file = root / "etc/default/amazon-cloudwatch-agent-stand-in"
        assert (file.read_text() if file.exists() else "") == settings


def test_nothing_is_set_when_the_package_is_new(packages: list[Path], tmp_path: Path) -> None:
    output("dpkg-deb", "--extract", str(packages[0]), str(tmp_path))
    lines = (tmp_path / HOME / "etc/common-config.toml").read_text().splitlines()
    assert lines and all(not line or line.startswith("#") for line in lines)


@pytest.mark.parametrize(
    ("kind", "fetched", "signed", "good"),
    [
        ("good", True, True, True),
        ("unsigned", True, False, False),
        ("wrongly_signed", True, True, False),
        ("altered", True, True, False),
        ("short", True, True, False),
        ("truncated", False, True, False),
        ("missing", False, False, False),
    ],
)
def test_the_server_serves(
    server: PackageServer, key: SigningKey, tmp_path: Path, kind: str, fetched: bool, signed: bool, good: bool
) -> None:
    parts = []
    for url in (server.package_url(kind), server.package_url(kind) + ".sig"):
        with contextlib.suppress(http.client.IncompleteRead, urllib.error.HTTPError):
            parts.append(fetch(url))
            continue
        parts.append(b"")
    assert [bool(part) for part in parts] == [fetched, signed]
    assert (verifies(key, parts[0], parts[1], tmp_path) if all(parts) else False) is good


@pytest.mark.parametrize("bucket", ["", "amazoncloudwatch-agent/", "amazoncloudwatch-agent-eu-west-1/"])
def test_the_server_knows_the_shapes_of_the_urls(server: PackageServer, packages: list[Path], bucket: str) -> None:
    below = f"{server.base()}/{bucket}"
    architecture = packages[0].stem.rpartition("_")[2]
    assert fetch(f"{below}info/latest/CWAGENT_VERSION") == b"1.300071.0\n"
    assert fetch(f"{below}assets/amazon-cloudwatch-agent.gpg").startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    for version, package in (("1.300070.0", packages[0]), ("1.300071.0", packages[1]), ("latest", packages[1])):
        assert fetch(f"{below}ubuntu/{architecture}/{version}/amazon-cloudwatch-agent.deb") == package.read_bytes()
    for wrong in ("ubuntu/sparc/latest", f"ubuntu/{architecture}/1.2.3", f"redhat/{architecture}/latest"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(f"{below}{wrong}/amazon-cloudwatch-agent.deb")


def test_the_server_counts_downloads(packages: list[Path], key: SigningKey) -> None:
    with PackageServer(packages, key) as server:
        fetch(server.version_url)
        fetch(server.key_url)
        urllib.request.urlopen(urllib.request.Request(server.package_url(), method="HEAD"), timeout=10).close()
        assert server.downloads == 0
        fetch(server.package_url())
        assert (server.downloads, len(server.requests)) == (1, 4)


@pytest.mark.parametrize(("version", "expected"), [("1.300071.0-1", "1.300071.0"), ("1.300071.0", "1.300071.0")])
def test_upstream(version: str, expected: str) -> None:
    assert upstream(version) == expected
