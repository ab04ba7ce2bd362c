# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An instance profile on an EC2 instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

ASSOCIATED = "associated"
LEAVING = ("disassociating", "disassociated")


@dataclass(frozen=True)
class Association:
    """That an instance has a profile, or is about to have or to lose it."""

    id: str
    profile_arn: str
    state: str
    """``associating``, ``associated``, ``disassociating`` or ``disassociated``, as EC2 says it."""

    @property
    def leaving(self) -> bool:
        return self.state in LEAVING


@dataclass(frozen=True)
class Profile:
    """An instance profile as IAM knows it."""

    name: str
    arn: str
    roles: Tuple[str, ...] = ()
    """Names. IAM allows one."""
    fresh: bool = False
    """It was made moments ago, or by this collection: that EC2 does not know it yet will pass."""


def current(found: Iterable[Association]) -> Optional[Association]:
    """Return the association that counts among those of one instance, else ``None``.

    While one profile replaces another, EC2 shows both: the one that leaves counts only when there is no other.
    """
    ranked = sorted(found, key=lambda association: (association.leaving, association.state != ASSOCIATED))
    return next((association for association in ranked if association.state != "disassociated"), None)


def name_of(arn: str) -> str:
    """Return the name of a profile: the last part of its ARN."""
    return arn.rpartition("/")[2]


def is_named(arn: str, asked: str) -> bool:
    """Return whether ``asked``, a name or an ARN, means the profile of that ARN. Names are unique in an account, whatever the path."""
    return arn == asked if asked.startswith("arn:") else name_of(arn).lower() == asked.lower()
