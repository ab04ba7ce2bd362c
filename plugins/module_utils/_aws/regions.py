# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Regions that the installed botocore knows."""

from __future__ import annotations

from functools import lru_cache
from typing import FrozenSet, Iterable

ALL_PARTITIONS = ""


@lru_cache(maxsize=None)
def known_regions(partition: str = ALL_PARTITIONS) -> FrozenSet[str]:
    """Return the names of the Regions with Systems Manager in one partition, or in all.

    :raises ImportError: when botocore is missing.
    """
    from botocore.loaders import Loader  # noqa: PLC0415  (the lookup plugin mostly needs no botocore)
    from botocore.regions import EndpointResolver  # noqa: PLC0415

    # Not by a session: that would ask for the profile of the environment, which need not exist here.
    resolver = EndpointResolver(Loader().load_data("endpoints"))
    partitions: Iterable[str] = [partition] if partition else resolver.get_available_partitions()
    return frozenset(name for each in partitions for name in resolver.get_available_endpoints("ssm", each))
