# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where AWS publishes SSM Agent: from a host's system to the address of its package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from .agent_package import LATEST, Product, domain, extension, folder, system_name, upstream
from .errors import InputError

NAME = "amazon-ssm-agent"
_EVERYWHERE = "https://s3.amazonaws.com/ec2-downloads-windows/SSMAgent"
_ARCHITECTURES = {
    "deb": {"amd64": "amd64", "arm64": "arm64", "armhf": "arm", "i386": "386"},
    "rpm": {"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i586": "386", "i686": "386"},
}
"""By the kind of package, AWS's names for the architectures that it publishes it for, by what dpkg and rpm call them."""
_SYSTEMS = {"deb": "debian", "rpm": "linux"}


@dataclass(frozen=True)
class SsmAgent:
    """Where things are, beside the package's own folder."""

    base: str
    """The folder of all versions in a bucket, or its mirror, without a slash at the end."""

    @property
    def version(self) -> str:
        """Where the number of the latest version stands."""
        return f"{self.base}/{LATEST}/VERSION"

    def package(self, system: Mapping[str, str], architecture: str, version: str, name: str = NAME) -> str:
        """Return the address of a package.

        :param system: the content of os-release.
        :param architecture: the host's, as dpkg or rpm call it.
        :param version: as an option gives it; empty for the latest.
        :raises InputError: for a system or an architecture that AWS publishes nothing for.
        """
        place = folder(system)
        if not place:
            raise InputError(f"No SSM Agent of AWS's is known for {system_name(system)}. Set url to the package that is meant for it.")
        kind = extension(place)
        if architecture not in _ARCHITECTURES[kind]:
            known = ", ".join(_ARCHITECTURES[kind])
            raise InputError(f"AWS publishes SSM Agent as {kind} for {known}; this host is {architecture}.")
        built = f"{_SYSTEMS[kind]}_{_ARCHITECTURES[kind][architecture]}"
        return f"{self.base}/{upstream(version) or LATEST}/{built}/{name}.{kind}"


def address(region: str = "", base_url: str = "") -> SsmAgent:
    """Return where a Region's packages are ("Manually installing SSM Agent on EC2 instances for Linux").

    :param region: empty for the bucket of all Regions, which is in the partition aws.
    :param base_url: a mirror of the bucket's folder; it replaces the Region's.
    :raises InputError: for a Region that cannot be, or of which no bucket is known.
    """
    if base_url:
        return SsmAgent(base_url.rstrip("/"))
    if not region:
        return SsmAgent(_EVERYWHERE)
    return SsmAgent(f"https://s3.{region}.{domain(region)}/amazon-ssm-{region}")


PRODUCT = Product(
    NAME,
    "SSM Agent",
    address,
    "3.3.1142.0",
    key_from='Set key and fingerprint to those that AWS prints in "Verify the signature of SSM Agent".',
    # snapd's own folder, and where systems without /snap have it.
    copies=("/snap/amazon-ssm-agent", "/var/lib/snapd/snap/amazon-ssm-agent"),
    instead="Remove it with `snap remove amazon-ssm-agent`, which ends its registration, or keep it and install no package.",
)
