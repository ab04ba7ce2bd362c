# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the packages of AWS's agents have in common: systems, versions, addresses, and what one of them has of its own."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Optional, Protocol, Tuple
from urllib.parse import urlsplit, urlunsplit

from .errors import InputError

LATEST = "latest"

_FOLDERS = {
    "almalinux": "redhat",
    "amzn": "amazon_linux",
    "centos": "centos",
    "debian": "debian",
    "fedora": "redhat",
    "ol": "oracle_linux",
    "opensuse": "suse",
    "rhel": "redhat",
    "rocky": "redhat",
    "sles": "suse",
    "suse": "suse",
    "ubuntu": "ubuntu",
}
"""AWS's folder for an ``ID`` of os-release ("Download the CloudWatch agent package"). Others are found by their ``ID_LIKE``."""
_DEB = frozenset({"debian", "ubuntu"})
_SUFFIXES = (("cn-", "amazonaws.com.cn"), ("us-iso", ""), ("eu-iso", ""), ("eusc-", ""))
"""Domains by the start of a Region's name; empty where AWS documents no bucket of its agents. All others use amazonaws.com."""


class Address(Protocol):
    """Where a product's files are."""

    @property
    def version(self) -> str:
        """Where the number of the latest version stands."""

    def package(self, system: Mapping[str, str], architecture: str, version: str, name: str) -> str:
        """Return the address of a package.

        :param system: the content of os-release.
        :param architecture: the host's, as dpkg, rpm or the kernel call it.
        :param version: as an option gives it; empty for the latest.
        :raises InputError: for a system or an architecture that AWS publishes nothing for.
        """


@dataclass(frozen=True)
class Product:
    """One of AWS's agents, as far as its packages differ from another's."""

    name: str
    """Of the package."""
    called: str
    address: Callable[[str, str], Address]
    """From a Region and a mirror's URL, either empty, to where things are."""
    sample: str
    """A version, for texts that explain."""
    key: Optional[Callable[[str], str]] = None
    """From a mirror's URL to where the key is by default. None where the task has to name it."""
    fingerprint: str = ""
    """Of the key that is used by default."""
    key_from: str = ""
    """What to do where there is no key by default."""
    copies: Tuple[str, ...] = ()
    """Folders on a host that tell of another copy of the agent, which a package must not be installed beside."""
    instead: str = ""
    """What to do then."""


def domain(region: str) -> str:
    """Return the domain of a Region's endpoints.

    :raises InputError: for a Region that cannot be, or where AWS documents no bucket of its agents.
    """
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise InputError(f"region: {region!r} is no Region. Name one, such as eu-west-1, or leave it out.")
    suffix = next((suffix for start, suffix in _SUFFIXES if region.startswith(start)), "amazonaws.com")
    if not suffix:
        raise InputError(f"region: where the agent is published in {region} is not known here. Set base_url or url.")
    return suffix


def system_name(system: Mapping[str, str]) -> str:
    """Return what to call a system, from the content of os-release."""
    return system.get("PRETTY_NAME") or system.get("ID") or "a system without os-release"


def folder(system: Mapping[str, str]) -> str:
    """Return AWS's folder for a system; empty when there is none."""
    names = [system.get("ID", ""), *system.get("ID_LIKE", "").split()]
    # openSUSE's and SUSE's ids have the product in them: opensuse-leap, sles_sap.
    names += [re.split(r"[-_]", name)[0] for name in names]
    return next((_FOLDERS[name] for name in names if name in _FOLDERS), "")


def extension(place: str) -> str:
    return "deb" if place in _DEB else "rpm"


def os_release(text: str) -> Dict[str, str]:
    """Return the variables of os-release; lines that are none are left out."""
    found: Dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            try:
                found[name] = "".join(shlex.split(value))
            except ValueError:
                continue
    return found


def upstream(version: str) -> str:
    """Return a version without the epoch in front and the package's revision at the end."""
    return version.rpartition(":")[2].partition("-")[0]


def shown(url: str) -> str:
    """Return a URL without what may be secret: user, password, and the query, which can be a signature."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def secrets_of(url: str) -> List[str]:
    """Return the parts of a URL that no result may hold; none of what is no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    user, _colon, password = parts.netloc.rpartition("@")[0].partition(":")
    # A user without a password is a token.
    return [text for text in (password or user, parts.query) if text]


def is_web(url: str) -> bool:
    """Whether a text is a URL of http or https."""
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def beside(url: str) -> str:
    """Return where the signature of a package is unless somebody says otherwise.

    :raises InputError: for a URL with a query, which holds for the package alone.
    """
    parts = urlsplit(url)
    if parts.query:
        raise InputError("signature: url has a query, so where the signature is cannot be told from it. Set signature to its URL.")
    return f"{url}.sig"
