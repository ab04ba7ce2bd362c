# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where AWS publishes the CloudWatch agent: from a host's system to the address of its package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from .agent_package import LATEST, Product, domain, extension, folder, system_name, upstream
from .errors import InputError

NAME = "amazon-cloudwatch-agent"
FINGERPRINT = "937616F3450B7D806CBD9725D58167303B789C72"
"""Of the key that AWS signs the agent with ("Verifying the signature of the CloudWatch agent package")."""
_EVERYWHERE = "https://amazoncloudwatch-agent.s3.amazonaws.com"
_BUCKET = "amazoncloudwatch-agent"
_ARM64 = {"centos": "redhat", "debian": "ubuntu", "oracle_linux": "redhat"}
"""Folders that hold no package for arm64, or none of the older versions, and the one whose package fits."""
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class CloudWatchAgent:
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
            raise InputError(
                f"No CloudWatch agent of AWS's is known for {system_name(system)}. Set url to the package that is meant for it."
            )
        if architecture not in _ARCHITECTURES:
            raise InputError(f"AWS publishes the CloudWatch agent for x86_64 and arm64; this host is {architecture}.")
        arch = _ARCHITECTURES[architecture]
        if arch == "arm64":
            place = _ARM64.get(place, place)
        return f"{self.base}/{place}/{arch}/{upstream(version) or LATEST}/{name}.{extension(place)}"


def address(region: str = "", base_url: str = "") -> CloudWatchAgent:
    """Return where a Region's packages are.

    :param region: empty for the bucket of all Regions, which is in the partition aws.
    :param base_url: a mirror of the bucket; it replaces the Region's.
    :raises InputError: for a Region that cannot be, or of which no bucket is known.
    """
    if base_url:
        return CloudWatchAgent(base_url.rstrip("/"))
    if not region:
        return CloudWatchAgent(_EVERYWHERE)
    return CloudWatchAgent(f"https://{_BUCKET}-{region}.s3.{region}.{domain(region)}")


def default_key(base_url: str = "") -> str:
    """Return where AWS's public key is: in the bucket of all Regions, or in its mirror."""
    return address(base_url=base_url).key


PRODUCT = Product(NAME, "CloudWatch agent", address, "1.300071.0", default_key, FINGERPRINT)
