# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where AWS publishes the CloudWatch agent: from a host's system to the address of its package."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Dict, List, Mapping
from urllib.parse import urlsplit, urlunsplit

from .errors import InputError

NAME = "amazon-cloudwatch-agent"
FINGERPRINT = "937616F3450B7D806CBD9725D58167303B789C72"
"""Of the key that AWS signs the agent with ("Verifying the signature of the CloudWatch agent package")."""
LATEST = "latest"
_EVERYWHERE = "https://amazoncloudwatch-agent.s3.amazonaws.com"
_BUCKET = "amazoncloudwatch-agent"

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
_ARM64 = {"centos": "redhat", "debian": "ubuntu", "oracle_linux": "redhat"}
"""Folders that hold no package for arm64, or none of the older versions, and the one whose package fits."""
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SUFFIXES = (("cn-", "amazonaws.com.cn"), ("us-iso", ""), ("eu-iso", ""), ("eusc-", ""))
"""Domains by the start of a Region's name; empty where AWS documents no bucket of the agent's. All others use amazonaws.com."""


@dataclass(frozen=True)
class Address:
    """Where things are, beside the package's own folder."""

    base: str
    """The bucket or its mirror, without a slash at the end."""

    @property
    def version(self) -> str:
        """Where the number of the latest version stands."""
        return f"{self.base}/info/latest/CWAGENT_VERSION"

    @property
    def key(self) -> str:
        """Where the public key stands."""
        return f"{self.base}/assets/amazon-cloudwatch-agent.gpg"

    def package(self, system: Mapping[str, str], architecture: str, version: str, name: str = NAME) -> str:
        """Return the address of a package.

        :param system: the content of os-release.
        :param architecture: the host's, as dpkg, rpm or the kernel call it.
        :param version: as an option gives it; empty for the latest.
        :raises InputError: for a system or an architecture that AWS publishes nothing for.
        """
        place = folder(system)
        if not place:
            called = system.get("PRETTY_NAME") or system.get("ID") or "a system without os-release"
            raise InputError(f"No CloudWatch agent of AWS's is known for {called}. Set url to the package that is meant for it.")
        if architecture not in _ARCHITECTURES:
            raise InputError(f"AWS publishes the CloudWatch agent for x86_64 and arm64; this host is {architecture}.")
        arch = _ARCHITECTURES[architecture]
        if arch == "arm64":
            place = _ARM64.get(place, place)
        return f"{self.base}/{place}/{arch}/{upstream(version) or LATEST}/{name}.{extension(place)}"


def address(region: str = "", base_url: str = "") -> Address:
    """Return where a Region's packages are.

    :param region: empty for the bucket of all Regions, which is in the partition aws.
    :param base_url: a mirror of the bucket; it replaces the Region's.
    :raises InputError: for a Region that cannot be, or of which no bucket is known.
    """
    if base_url:
        return Address(base_url.rstrip("/"))
    if not region:
        return Address(_EVERYWHERE)
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise InputError(f"region: {region!r} is no Region. Name one, such as eu-west-1, or leave it out.")
    suffix = next((suffix for start, suffix in _SUFFIXES if region.startswith(start)), "amazonaws.com")
    if not suffix:
        raise InputError(f"region: where the agent is published in {region} is not known here. Set base_url or url.")
    return Address(f"https://{_BUCKET}-{region}.s3.{region}.{suffix}")


def default_key(base_url: str = "") -> str:
    """Return where AWS's public key is: in the bucket of all Regions, or in its mirror."""
    return address(base_url=base_url).key


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
