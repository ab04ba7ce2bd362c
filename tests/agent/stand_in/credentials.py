# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys and the region, where the agent looks for them."""

from __future__ import annotations

import configparser
import json
import os
import pwd
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional

from . import mode as modes
from .common_config import CommonConfig
from .errors import AwsError

DEFAULT_PROFILE = "AmazonCloudWatchAgent"


@dataclass(frozen=True)
class Keys:
    access_key_id: str
    secret_access_key: str
    session_token: str = ""


def profile(mode: str, common: CommonConfig) -> str:
    """Return the profile to use. Outside of EC2 there is always one."""
    return common.profile or (DEFAULT_PROFILE if mode in modes.ON_PREMISES else "")


def file(mode: str, common: CommonConfig) -> str:
    """Return the credentials file to use, ``""`` where a profile is none: the home folder is that of the passwd entry, not ``$HOME``."""
    if common.file:
        return common.file
    return f"{pwd.getpwuid(os.getuid()).pw_dir}/.aws/credentials" if profile(mode, common) else ""


def region(mode: str, common: CommonConfig) -> str:
    """Return the region that belongs to the credentials, or ``""``. The agent's JSON has no say in it."""
    name, path = profile(mode, common), file(mode, common)
    found = _region_of_profile(name or "default", Path(path)) if path else ""
    if not found and mode == "ec2":
        found = str(modes.instance().get("region", ""))
    return found


def _region_of_profile(name: str, path: Path) -> str:
    sections: List[Dict[str, str]] = []
    for each in (path, path.parent / "config"):
        parser = _parse(each)
        if parser is not None:
            sections += [dict(parser[section]) for section in (name, f"profile {name}") if parser.has_section(section)]
    if not sections:
        # An explicit profile that exists nowhere is an error to the SDK, whatever the environment says.
        return ""
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return named or next((section["region"] for section in reversed(sections) if section.get("region")), "")


def _parse(path: Path) -> Optional[configparser.RawConfigParser]:
    parser = configparser.RawConfigParser(default_section="no such section", strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return None
    return parser


def read_file(path: str, name: str) -> Keys:
    """Read a profile's keys.

    :raises AwsError: ``SharedCredsLoad`` and the like, in the SDK's words.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        cause = f"FailedRead: unable to open file\ncaused by: open {path}: {(error.strerror or '').lower()}"
        raise AwsError("SharedCredsLoad", "failed to load shared credentials file", cause=cause) from error
    parser = configparser.RawConfigParser(default_section="no such section", strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise AwsError("SharedCredsLoad", "failed to load shared credentials file", cause=f"INIParseError: {error.message}") from error
    name = name or "default"
    if not parser.has_section(name):
        raise AwsError("SharedCredsLoad", "failed to get profile")
    section = parser[name]
    for key, code in (("aws_access_key_id", "SharedCredsAccessKey"), ("aws_secret_access_key", "SharedCredsSecret")):
        if not section.get(key):
            raise AwsError(code, f"shared credentials {name} in {path} did not contain {key}")
    return Keys(section["aws_access_key_id"], section["aws_secret_access_key"], section.get("aws_session_token", ""))


def read_instance_role() -> Keys:
    """Return the keys of the instance's role, as the SDK's default chain finds them.

    :raises AwsError: ``NoCredentialProviders``.
    """
    role = modes.metadata("meta-data/iam/security-credentials/")
    text = modes.metadata(f"meta-data/iam/security-credentials/{role.split()[0]}") if role and role.split() else None
    try:
        found = json.loads(text or "")
        return Keys(found["AccessKeyId"], found["SecretAccessKey"], found.get("Token", ""))
    except (ValueError, KeyError) as error:
        cause = (
            "EnvAccessKeyNotFound: failed to find credentials in the environment.\n"
            "SharedCredsLoad: failed to load profile, .\nEC2RoleRequestError: no EC2 instance role found"
        )
        raise AwsError("NoCredentialProviders", "no valid providers in chain", cause=cause) from error


class Provider:
    """Keys that are read again after so many seconds.

    As in the SDK: when reading again fails, one call fails with it, and the old keys are good for as long again.
    """

    def __init__(self, read: Callable[[], Keys], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._keys: Optional[Keys] = None
        self._until = 0.0
        self._lock = threading.Lock()

    def get(self) -> Keys:
        """Return the keys.

        :raises AwsError: when they cannot be read.
        """
        with self._lock:
            if self._keys is None or time.monotonic() >= self._until:
                self._until = time.monotonic() + self._seconds
                self._keys = self._read()
            return self._keys

    def expire(self) -> None:
        """Forget the keys, as the SDK does when AWS calls them expired."""
        with self._lock:
            self._keys = None


def provider(path: str, name: str, seconds: float) -> Provider:
    """Return where keys come from: a profile of a file when either is named, else the instance's role."""
    return Provider((lambda: read_file(path, name)) if path or name else read_instance_role, seconds)
