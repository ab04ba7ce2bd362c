# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release notes know what the collection holds, and its version."""

from __future__ import annotations

from typing import Any, Dict, List, Set

from packaging.version import Version

from .files import ROOT, filter_documents, plugins, read_yaml, roles

VERSION = str(read_yaml(ROOT / "galaxy.yml")["version"])
RELEASES: Dict[str, Dict[str, Any]] = read_yaml(ROOT / "changelogs" / "changelog.yaml")["releases"]
FRAGMENTS = sorted((ROOT / "changelogs" / "fragments").glob("*.y*ml"))


def announced() -> Set[str]:
    """Return what any release said to be new, as ``kind name``."""
    lists: List[Dict[str, Any]] = [
        {"module": release.get("modules", []), **release.get("plugins", {}), **release.get("objects", {})} for release in RELEASES.values()
    ]
    return {f"{kind} {entry['name']}" for kinds in lists for kind, entries in kinds.items() for entry in entries}


def held() -> Set[str]:
    files = {
        "module": plugins("modules"),
        "lookup": plugins("lookup"),
        "filter": filter_documents(),
        "role": roles(),
        "playbook": (ROOT / "playbooks").glob("*.yml"),
    }
    return {f"{kind} {path.stem}" for kind, paths in files.items() for path in paths}


def test_the_version_is_the_newest_release_or_follows_it() -> None:
    newest = max(map(Version, RELEASES))
    if FRAGMENTS:
        assert Version(VERSION) > newest, "fragments wait for a release: galaxy.yml has the version that they are for, such as 1.1.0-dev"
    else:
        assert Version(VERSION) == newest


def test_what_is_new_is_announced() -> None:
    """A release lists what it adds by itself, playbooks apart. Until then there is a fragment that says so."""
    assert FRAGMENTS or announced() == held()
