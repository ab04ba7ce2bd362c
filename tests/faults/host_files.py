# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes on a host, each as the request that is sent there; and a process that does one and is killed at a step of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Self, Tuple

from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import channel
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.state import checksum

OLD, NEW, NEXT = "AKIAOLD", "AKIANEW", "AKIANEXT"
SECRETS = {OLD: "old/" + "o" * 36, NEW: "new/" + "n" * 36, NEXT: "next" + "x" * 36}
PASSWORD = "proxy-s3cr3t"
OTHERS = "[backup]\naws_access_key_id = AKIABACKUP\naws_secret_access_key = b\n\n"
GROUP = 54321
Seen = Dict[str, Tuple[int, int, int, Optional[bytes]]]
"""By relative path: kind and mode, owner, group, and content of a file."""


def held(key_id: str) -> str:
    return f"[P]\naws_access_key_id = {key_id}\naws_secret_access_key = {SECRETS[key_id]}\nregion = eu-west-1\n"


@dataclass(frozen=True)
class Write:
    """One request, and what it finds."""

    sources: Tuple[str, ...]
    request: Dict[str, Any]
    again: Dict[str, Any] = field(default_factory=dict)
    """What of the next run's request is another: the key of a killed delivery is deleted, and another one made."""
    before: str = ""
    """Content of the file; empty for none."""
    path: str = "etc/app/file"
    ends_with: str = NEXT
    """What is in the file at last."""


def delivery(key_id: str, expected: str = "") -> Dict[str, Any]:
    return {"do": "deliver", "key_id": key_id, "secret": SECRETS[key_id], "expected": expected}


_PROFILE = {"profile": "P", "owner": "", "group": str(GROUP), "mode": "0640", "region": "eu-west-1"}
_AGENT: Tuple[str, ...] = channel.AGENT
_SSM: Tuple[str, ...] = channel.SSM_AGENT
_KEYS: Tuple[str, ...] = channel.CREDENTIALS
_TEXT, _ENVIRONMENT = '{"agent": {}}\n', f"[Service]\nEnvironment=https_proxy=http://web:{PASSWORD}@proxy:3128\n"
WRITES = {
    "a first key": Write(_KEYS, {**_PROFILE, **delivery(NEW)}, delivery(NEXT)),
    "a key in the place of another": Write(_KEYS, {**_PROFILE, **delivery(NEW, OLD)}, delivery(NEXT), OTHERS + held(OLD)),
    "Region and mode": Write(
        _KEYS, {**_PROFILE, "do": "amend", "region": "eu-west-2", "expected": OLD}, {}, OTHERS + held(OLD), ends_with="eu-west-2"
    ),
    "a profile taken out": Write(_KEYS, {**_PROFILE, "do": "take_away", "expected": OLD}, {}, OTHERS + held(OLD), ends_with="[backup]"),
    "the last profile taken out": Write(_KEYS, {**_PROFILE, "do": "take_away", "expected": OLD}, {}, held(OLD), ends_with=""),
    "SSM Agent's profile opened": Write(
        _AGENT, {**_PROFILE, "do": "open"}, {}, held(OLD) + "aws_session_token = t\n", ends_with="aws_session_token"
    ),
    "an agent's configuration": Write(_AGENT, {"do": "write", "text": _TEXT, "expected": checksum("")}, {}, ends_with="agent"),
    "an agent's configuration in the place of another": Write(
        _AGENT, {"do": "write", "text": _TEXT, "expected": checksum("{}\n")}, {}, "{}\n", ends_with="agent"
    ),
    "a drop-in with a password": Write(
        _SSM, {"do": "write", "text": _ENVIRONMENT, "expected": checksum(""), "mode": "0600", "reload": False}, {}, ends_with=PASSWORD
    ),
    "a drop-in taken away": Write(
        _SSM,
        {"do": "write", "text": "", "expected": checksum(_ENVIRONMENT), "mode": "0600", "reload": False},
        {},
        _ENVIRONMENT,
        ends_with="",
    ),
}
_SOURCES = sorted({write.sources for write in WRITES.values()})


class Python:
    """A host's Python that does one request after the other, each in a process of its own. Use it as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("cut_python.py")), "--serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        self._tell([b"".join(Path(channel.__file__).with_name(name).read_bytes() for name in names).decode() for names in _SOURCES])
        return self

    def __exit__(self, *_error: object) -> None:
        with self._process as process:
            process.kill()

    def do(self, write: Write, request: Dict[str, Any], root: Path, at: int) -> List[str]:
        """Do it, and be killed at a step. Return the steps of a process that was not."""
        self._tell({"code": _SOURCES.index(write.sources), "request": request, "root": str(root), "at": at})
        assert self._process.stdout
        status, said = json.loads(self._process.stdout.readline())
        assert status == (0 if at < 0 else -signal.SIGKILL), f"it ended with {status}: {said}"
        return str(said).split(",")

    def _tell(self, what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


class Place:
    """A host in a folder, and one write on it."""

    def __init__(self, root: Path, write: Write, python: Python) -> None:
        self.root, self.write, self._python = root, write, python
        self.path = root / write.path

    def reset(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        if self.write.before:
            self.path.parent.mkdir(parents=True)
            self.path.write_text(self.write.before)
            self.path.chmod(0o600)

    def run(self, at: int = -1, again: bool = False) -> List[str]:
        """Do it, and be killed at a step. Return the steps of a process that was not.

        :param again: as the next run does, which has looked at the file before.
        """
        request = {**self.write.request, "path": str(self.path)}
        if again:
            request.update(self.write.again, expected=self._expected() if "profile" in request else request["expected"])
        return self._python.do(self.write, request, self.root, at)

    def content(self) -> Optional[bytes]:
        return self.path.read_bytes() if self.path.exists() else None

    def _expected(self) -> str:
        """Return the key in the file, which the next run sees before it writes."""
        found = re.search(r"\[P\]\naws_access_key_id = (\w+)", self.path.read_text()) if self.path.exists() else None
        return found.group(1) if found else ""

    def seen(self) -> Seen:
        """Return all that is there."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            status = path.lstat()
            found[str(path.relative_to(self.root))] = (
                status.st_mode, status.st_uid, status.st_gid, path.read_bytes() if path.is_file() else None)  # fmt: skip
        return found


def readable_secrets(seen: Seen) -> List[str]:
    """Return what somebody could read who should not: all secrets are for root and, where the file's mode says so, its group."""
    secrets = [secret.encode() for secret in (*SECRETS.values(), PASSWORD)]
    return [
        f"{name} has mode {stat.S_IMODE(mode):04o} and group {group}"
        for name, (mode, _owner, group, content) in seen.items()
        if content and any(secret[:8] in content for secret in secrets) and (mode & 0o007 or (mode & 0o070 and group != GROUP))
    ]
