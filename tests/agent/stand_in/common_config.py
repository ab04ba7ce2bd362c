# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``common-config.toml``: credentials, proxy, CA bundle."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict


class CommonConfigError(Exception):
    """The file cannot be opened (``opening``) or parsed. The text is the reason."""

    def __init__(self, text: str, opening: bool) -> None:
        super().__init__(text)
        self.opening = opening


@dataclass(frozen=True)
class CommonConfig:
    profile: str = ""
    file: str = ""
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: str = ""
    ca_bundle: str = ""

    def environment(self) -> Dict[str, str]:
        """Return the environment variables it stands for, those that are set."""
        named = {
            "HTTP_PROXY": self.http_proxy,
            "HTTPS_PROXY": self.https_proxy,
            "NO_PROXY": self.no_proxy,
            "AWS_CA_BUNDLE": self.ca_bundle,
        }
        return {name: value for name, value in named.items() if value}

    def apply(self) -> None:
        """Set those variables in this process."""
        os.environ.update(self.environment())


def read(path: Path) -> CommonConfig:
    """Read the file.

    :raises CommonConfigError: when it is missing, or no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommonConfigError(f"open {path}: {(error.strerror or '').lower()}", opening=True) from error
    try:
        tables: Dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CommonConfigError(str(error), opening=False) from error
    credentials, proxy, ssl = (tables.get(name, {}) for name in ("credentials", "proxy", "ssl"))
    return CommonConfig(
        credentials.get("shared_credential_profile", ""),
        credentials.get("shared_credential_file", ""),
        proxy.get("http_proxy", ""),
        proxy.get("https_proxy", ""),
        proxy.get("no_proxy", ""),
        ssl.get("ca_bundle_path", ""),
    )
