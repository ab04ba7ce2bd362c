# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for the CloudWatch agent as a Debian package, signed and served as Amazon serves its own.

What is in the package, and what it does, is told in tests/agent/README.md.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Self, Sequence, Tuple, Type

from tests.support.signing_key import PackageError, SigningKey, run

__all__ = ["PackageError", "PackageServer", "SigningKey", "build", "lay_out", "upstream"]

SOURCE = Path(__file__).resolve().parents[1] / "agent"
HOME = "opt/aws/amazon-cloudwatch-agent"
SETTINGS = "etc/default/amazon-cloudwatch-agent-stand-in"
VERSION = "1.300071.0-1"
REREAD_SECONDS = 600.0
LINKS = {
    "usr/bin/amazon-cloudwatch-agent-ctl": f"/{HOME}/bin/amazon-cloudwatch-agent-ctl",
    "etc/amazon/amazon-cloudwatch-agent": f"/{HOME}/etc",
    "var/log/amazon/amazon-cloudwatch-agent": f"/{HOME}/logs",
    "var/run/amazon/amazon-cloudwatch-agent": f"/{HOME}/var",
}
PROGRAMS = {
    "config-downloader": "downloader",
    "config-translator": "translator",
    "start-amazon-cloudwatch-agent": "start",
    "amazon-cloudwatch-agent": "agent",
}
"""What does the work of each program, in ``stand_in``."""

# Neither the caller's Python settings nor compiled files that dpkg knows nothing of.
LAUNCHER = """\
#!/usr/bin/python3 -IB
# Stand-in of the hybridops.aws_agents tests for Amazon's program of this name.
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from stand_in import {module}

sys.exit({module}.main(sys.argv[1:]))
"""
KINDS = ("good", "unsigned", "wrongly_signed", "altered", "short", "truncated", "missing")


def build(
    folder: Path, version: str = VERSION, reread_seconds: float = REREAD_SECONDS, environment: Optional[Mapping[str, str]] = None
) -> Path:
    """Make the package and return its path.

    :param folder: where; made if it is not there.
    :param version: as dpkg has it, ``1.300071.0-1``.
    :param reread_seconds: how long the agent uses keys from a file before it reads that again. Amazon's: 600.
    :param environment: more of the stand-in's own settings, ``STAND_IN_…``.
    :raises PackageError: when dpkg-deb fails.
    """
    with tempfile.TemporaryDirectory(prefix="aws_agents-package-") as scratch:
        root = Path(scratch) / "root"
        lay_out(root, version, reread_seconds, environment)
        return pack(root, SOURCE / "debian", "amazon-cloudwatch-agent", version, folder)


def pack(root: Path, control: Path, name: str, version: str, folder: Path) -> Path:
    """Make a package of the files below ``root`` and the control files in ``control``, and return its path in ``folder``.

    :raises PackageError: when dpkg-deb fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    architecture = run("dpkg", "--print-architecture").strip()
    (root / "DEBIAN").mkdir()
    for path in sorted(control.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.name == "control":
            text = text.format(version=version, architecture=architecture)
        (root / "DEBIAN" / path.name).write_text(text, encoding="utf-8")
        (root / "DEBIAN" / path.name).chmod(0o755 if text.startswith("#!") else 0o644)
    for each in root.rglob("*"):
        if each.is_dir() and not each.is_symlink():
            each.chmod(0o755)
    root.chmod(0o755)
    package = folder / f"{name}_{version}_{architecture}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(root), str(package))
    return package


def lay_out(
    root: Path, version: str = VERSION, reread_seconds: float = REREAD_SECONDS, environment: Optional[Mapping[str, str]] = None
) -> None:
    """Put what the package installs below ``root``; parameters as of ``build``."""
    home = root / HOME
    for name in ("bin", "etc/amazon-cloudwatch-agent.d", "logs", "var", "doc", "stand_in"):
        (home / name).mkdir(parents=True)
    _copy(SOURCE / "amazon-cloudwatch-agent-ctl", home / "bin/amazon-cloudwatch-agent-ctl", 0o755)
    for name, module in PROGRAMS.items():
        (home / "bin" / name).write_text(LAUNCHER.format(module=module), encoding="ascii")
        (home / "bin" / name).chmod(0o755)
    for path in (SOURCE / "stand_in").glob("*.py"):
        _copy(path, home / "stand_in" / path.name, 0o644)
    (home / "bin/CWAGENT_VERSION").write_text(upstream(version) + "\n", encoding="ascii")
    _copy(SOURCE / "README.md", home / "doc/README.md", 0o644)
    _copy(SOURCE / "etc/common-config.toml", home / "etc/common-config.toml", 0o644)
    _copy(SOURCE / "etc/amazon-cloudwatch-agent.service", root / "etc/systemd/system/amazon-cloudwatch-agent.service", 0o644)
    for name, target in LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    settings = dict(environment or {})
    if reread_seconds != REREAD_SECONDS:
        settings["STAND_IN_REREAD_SECONDS"] = str(reread_seconds)
    if settings:
        (root / SETTINGS).parent.mkdir(parents=True, exist_ok=True)
        (root / SETTINGS).write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")


def upstream(version: str) -> str:
    """Return a package's version as the agent itself says it: ``1.300071.0`` for ``1.300071.0-1``."""
    return version.rpartition("-")[0] or version


class PackageServer:
    """Serves packages under the URLs of Amazon's buckets. Use it as a context manager.

    :param packages: paths that ``build`` returned. The last one is ``latest``.
    :param key: signs them.
    :param host: the address to listen on. A container reaches the one of its bridge.
    """

    KEY = "assets/amazon-cloudwatch-agent.gpg"
    LATEST = "info/latest/CWAGENT_VERSION"
    BUCKET = r"amazoncloudwatch-agent(-[a-z0-9-]+)?/"
    """What stands in front where the bucket is in the path."""
    PACKAGE = "{system}/{architecture}/{version}/amazon-cloudwatch-agent.deb"
    MISSING: Tuple[str, ...] = ("debian/arm64/",)
    """Amazon has no package for Debian on arm64; Ubuntu's serves."""

    def __init__(self, packages: Sequence[Path], key: SigningKey, host: str = "127.0.0.1") -> None:
        self.requests: List[Tuple[str, str]] = []
        self._packages = {upstream(path.name.split("_")[1]): path for path in packages}
        self._architectures = {path.stem.rpartition("_")[2] for path in packages}
        self._latest = upstream(packages[-1].name.split("_")[1])
        self._key = key
        self._signatures: Dict[Path, bytes] = {}
        self._other: Optional[SigningKey] = None
        self._lock = threading.Lock()
        self._server = _Server((host, 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._server.shutdown()
        self._server.server_close()

    def base(self, kind: str = "good") -> str:
        """Return the URL below which packages of a kind (one of ``KINDS``) lie."""
        assert kind in KINDS, kind
        return f"{self.url}/{kind}"

    def package_url(self, kind: str = "good", version: str = "latest", system: str = "debian", architecture: Optional[str] = None) -> str:
        """Return the URL of a package; its signature is at the same with ``.sig``."""
        built = architecture or next(iter(self._architectures))
        return f"{self.base(kind)}/{self.PACKAGE.format(system=system, architecture=built, version=version)}"

    @property
    def key_url(self) -> str:
        return f"{self.url}/good/{self.KEY}"

    @property
    def version_url(self) -> str:
        return f"{self.url}/good/{self.LATEST}"

    @property
    def downloads(self) -> int:
        """How often a package was asked for with GET, signatures and the rest aside."""
        return sum(method == "GET" and path.endswith(".deb") for method, path in self.requests)

    # Inside

    def content(self, path: str) -> Optional[Tuple[bytes, int]]:
        """Return what is at a path and how long it is said to be, or None."""
        kind, _slash, rest = path.lstrip("/").partition("/")
        rest = re.sub(f"^{self.BUCKET}", "", rest)
        if kind not in KINDS or kind == "missing":
            return None
        if rest == self.LATEST:
            return _whole(f"{self._latest}\n".encode())
        if rest == self.KEY:
            return _whole(self._key.armoured.encode())
        package = self._package(rest.removesuffix(".sig"))
        if package is None:
            return None
        return self._signature(kind, package) if rest.endswith(".sig") else _damaged(kind, package.read_bytes())

    def _package(self, rest: str) -> Optional[Path]:
        parts = {"system": "(?P<system>debian|ubuntu)", "architecture": r"(?P<architecture>\w+)", "version": r"(?P<version>[\w.]+)"}
        match = re.fullmatch(self.PACKAGE.replace(".", r"\.").format(**parts), rest)
        if not match or match["architecture"] not in self._architectures or rest.startswith(self.MISSING):
            return None
        return self._packages.get(self._latest if match["version"] == "latest" else match["version"])

    def _signature(self, kind: str, package: Path) -> Optional[Tuple[bytes, int]]:
        if kind == "unsigned":
            return None
        with self._lock:
            if kind == "wrongly_signed":
                self._other = self._other or SigningKey(Path(tempfile.mkdtemp(dir=self._key.folder)), "Somebody else")
                return _whole(self._other.signature(package.read_bytes()))
            if package not in self._signatures:
                self._signatures[package] = self._key.signature(package.read_bytes())
            return _whole(self._signatures[package])


def _whole(content: bytes) -> Tuple[bytes, int]:
    return content, len(content)


def _damaged(kind: str, content: bytes) -> Tuple[bytes, int]:
    half = content[: len(content) // 2]
    if kind == "altered":
        return _whole(half[:-1] + bytes([half[-1] ^ 1]) + content[len(half) :])
    if kind == "short":
        return _whole(half)
    return (half, len(content)) if kind == "truncated" else _whole(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: PackageServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        owner = self.server.owner
        path = self.path.partition("?")[0]
        owner.requests.append((self.command, path))
        found = owner.content(path)
        if found is None:
            # To callers who may not list a bucket, S3 denies what is not there.
            found = _whole(
                b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
            )
            self.send_response(403)
            self.send_header("Content-Type", "application/xml")
        else:
            self.send_response(200)
            self.send_header("Content-Type", "binary/octet-stream")
            self.send_header("ETag", f'"{hashlib.md5(found[0], usedforsecurity=False).hexdigest()}"')
        body, length = found
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.close_connection = self.close_connection or len(body) < length

    do_GET = do_HEAD = _answer  # noqa: N815  (names that the base class looks for)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Print nothing: the requests are recorded."""


def _copy(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)
