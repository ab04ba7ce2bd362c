# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done with a package: from what is installed and what was asked for to the steps between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List

from .agent_package import LATEST, upstream
from .errors import InputError, Refusal
from .plan import Change

ABSENT, INSTALLED, BROKEN, RESIDUAL = "absent", "installed", "broken", "residual"
"""Not there; there; unpacked or half installed; removed with its configuration left."""
NEW = "(new)"
"""The version of a package that was not looked into yet."""


@dataclass(frozen=True)
class Package:
    """A package on a host."""

    status: str = ABSENT
    version: str = ""
    source: str = ""
    """The URL or file that it is installed from in this run; empty otherwise."""
    fingerprint: str = ""
    """Of the key that its signature has to be made with; empty when nothing is installed."""


@dataclass(frozen=True)
class Wish:
    """What the options ask for."""

    name: str
    present: bool = True
    version: str = ""
    """Empty for any, else the number. ``latest`` has become one."""
    at_least: bool = False
    """A newer version will do as well: the one asked for is the latest that is published."""
    allow_downgrade: bool = False
    purge: bool = False


def check_version(version: str, sample: str) -> None:
    """Raise unless the option can be met.

    :param sample: a version that can be.
    :raises InputError: with the forms that can be.
    """
    if version not in ("", LATEST) and not re.fullmatch(r"\d+(\.\d+)+(b\d+)?(-[\w.+~]+)?", version):
        raise InputError(f"version: {version!r} is no version of the agent. Write latest, a number such as {sample}, or nothing for any.")


def published(text: str, where: str) -> str:
    """Return the version in the file that says which is the latest.

    :raises Refusal: when it says something else.
    """
    version = text.strip()
    if len(version) > 64 or version == LATEST or not version:
        version = "?"
    try:
        check_version(version, "")
    except InputError:
        raise Refusal(f"{where} should hold the number of the latest version, and does not. Name the version instead of latest.") from None
    return version


def meets(installed: str, wanted: str) -> bool:
    """Whether a package's version is the one asked for. Amazon's packages add a build: ``1.300071.0b1720-1`` meets ``1.300071.0``."""
    bare = upstream(installed)
    return wanted in ("", installed, bare, re.sub(r"b\d+$", "", bare))


def older(one: str, other: str) -> bool:
    """Whether a version of the agent comes before another."""
    first, second = ([int(number) for number in re.findall(r"\d+", upstream(version))] for version in (one, other))
    return first < second


def needs_package(wish: Wish, found: Package) -> bool:
    """Whether something has to be installed."""
    if not wish.present or found.status != INSTALLED:
        return wish.present
    if meets(found.version, wish.version):
        return False
    return not (wish.at_least and not wish.allow_downgrade and older(wish.version, found.version))


def aim(wish: Wish, found: Package, source: str, fingerprint: str) -> Package:
    """Return the package that there is to be.

    :param source: where one would be installed from.
    :param fingerprint: of the key that would have to have signed it.
    """
    if needs_package(wish, found):
        return Package(INSTALLED, wish.version or NEW, source, fingerprint)
    if wish.present or found.status == ABSENT or (found.status == RESIDUAL and not wish.purge):
        return found
    return Package(ABSENT)


def steps(wish: Wish, target: Package, actual: Package) -> List[Change]:
    """Return the change from one to the other, or none.

    :raises Refusal: for a downgrade that nobody allowed.
    """
    if target == actual:
        return []
    if target.status == ABSENT:
        return [Change("purge" if wish.purge else "remove", "package", wish.name, before=actual, after=target)]
    verb = "install"
    if actual.status == INSTALLED:
        verb = "downgrade" if older(target.version, actual.version) else "upgrade"
    refuse_downgrade(wish, target.version, actual)
    what = " ".join(word for word in (wish.name, target.version if target.version != NEW else "", "from", target.source) if word)
    return [Change(verb, "package", what, before=actual, after=target)]


def refuse_downgrade(wish: Wish, version: str, actual: Package) -> None:
    """Raise for an older version in place of a newer one, unless that was allowed.

    :raises Refusal: with both versions.
    """
    if actual.status == INSTALLED and older(version, actual.version) and not wish.allow_downgrade:
        raise Refusal(
            f"{wish.name} {actual.version} is installed, which is newer than {version}. "
            "Set allow_downgrade: true if the older version is meant, or ask for another."
        )


def refuse_other(wish: Wish, name: str, version: str, architecture: str, native: str) -> None:
    """Raise unless a package is the one asked for. Its signature proves who made it, not what it is.

    :param architecture: the package's.
    :param native: the host's, as its package manager calls it.
    :raises Refusal: with what it is instead.
    """
    if name != wish.name:
        raise Refusal(f"The package is {name} {version}, not {wish.name}. Nothing was installed. Correct url or file, or set name.")
    if architecture not in (native, "all", "noarch"):
        raise Refusal(f"{name} {version} is for {architecture}, and this host is {native}. Nothing was installed. Correct url or file.")
    if not meets(version, wish.version):
        raise Refusal(f"The package is {name} {version}, not {wish.version}. Nothing was installed. Correct url or file, or version.")
