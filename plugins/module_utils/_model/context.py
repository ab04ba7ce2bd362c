# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where documents will live: partition, account and Region, and the ARNs that follow from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import FrozenSet, Iterable, List, Optional

from .errors import InputError

_REGION = r"[a-z]{2,}(-[a-z]+)+-\d+"

_DNS_SUFFIXES = {
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
"""DNS suffixes of the partitions, as in botocore's ``partitions.json``. All others use ``amazonaws.com``."""


@dataclass(frozen=True)
class Context:
    """What a document has to know of its surroundings."""

    partition: str = "aws"
    account: str = ""
    """Twelve digits; empty when not known."""
    region: str = ""
    """Name of the Region the caller works in; empty when not known."""
    regions: FrozenSet[str] = frozenset()
    """The Region names that botocore knows; empty when not known, then no name is refused as unknown."""
    assumed: bool = False
    """Partition and account are stand-ins: what depends on them is not judged."""

    @classmethod
    def placeholder(cls, region: str = "", regions: Iterable[str] = ()) -> Context:
        """Return a context to check input with before the caller's account is known.

        Documents made with it have the right shape and about the right size, and are never sent.

        :param regions: the Region names of all partitions, since the partition is not known either.
        """
        return cls("aws", "000000000000", region, frozenset(regions), assumed=True)

    @classmethod
    def checked(cls, partition: str, account: str, region: str, regions: Iterable[str], entry: str) -> Context:
        """Return the context that a user describes.

        :param account: may be empty, as may ``region``.
        :raises InputError: when one of them cannot be.
        """
        for name, value, rule, example in (
            ("partition", partition, r"aws(-[a-z]+)*", "aws-us-gov"),
            ("account", account, r"(\d{12})?", "111122223333, in quotes"),
            ("region", region, rf"({_REGION})?", "eu-west-1"),
        ):
            if not re.fullmatch(rule, value):
                raise InputError(f"{entry}: {value!r} is no {name}. Write it as {example}.")
        return cls(partition, account, region, frozenset(regions))

    @property
    def dns_suffix(self) -> str:
        return _DNS_SUFFIXES.get(self.partition, "amazonaws.com")

    def arn(self, service: str, resource: str, region: str = "", account: Optional[str] = None) -> str:
        """Return the ARN of ``resource``.

        :param region: empty for a resource that belongs to no Region.
        :param account: left out, the context's; empty for a resource whose ARN names no account, as S3's.
        """
        return f"arn:{self.partition}:{service}:{region}:{self.account if account is None else account}:{resource}"

    def arn_here(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this Region and account; ``*`` stands for the one that is not known."""
        return self.arn(service, resource, self.region or "*", self.account or "*")


def region_names(names: List[str], allow_unknown: bool, context: Context, where: str) -> List[str]:
    """Return the names of Regions without duplicates.

    :raises InputError: for a wildcard, and for a name that botocore does not know unless ``allow_unknown``.
    """
    for name in names:
        if not re.fullmatch(_REGION, name):
            raise InputError(f"{where}: {name!r} is no name of a Region. Name each Region, as in eu-west-1; wildcards are not accepted.")
        if context.regions and name not in context.regions and not allow_unknown:
            scope = "" if context.assumed else f" in the partition {context.partition}"
            raise InputError(
                f"{where}: {name} is no Region known to the installed botocore{scope}. Correct it, "
                "or say allow_unknown_region: true for a Region that is newer than botocore."
            )
    return list(dict.fromkeys(names))
