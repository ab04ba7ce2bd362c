# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to an agent: a pure function of what is on its host's disk and what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Optional

from ..common_config import SETTINGS, pointed, shown
from ..errors import Refusal
from ..plan import Change
from . import shared
from .state import COMMON, AgentState, Reader, Rules


def target(actual: AgentState, rules: Rules) -> AgentState:
    """Return what the rules ask for, laid over what is there.

    :raises Refusal: for what a person has to settle first: a file that is not edited.
    """
    try:
        common = pointed(actual.common, rules.settings)
    except Refusal as refusal:
        raise Refusal(f"{rules.path(COMMON)}: {refusal}") from None
    if not rules.present:
        return _without(replace(actual, common=common), rules)
    actual = replace(actual, common=common, shared=shared.target(actual.shared, rules.sharing, rules.region))
    if rules.wanted is None:
        return actual
    if not actual.systemd:
        raise Refusal(
            "The host has no systemctl, and the agent's service is turned with systemd. Leave the configuration out to manage "
            "common-config.toml alone. Nothing was changed."
        )
    wanted = rules.wanted
    kept = {} if rules.exclusive else actual.configurations
    return replace(
        actual,
        installed=True,
        source=wanted.sha256 if wanted.source.startswith("file:") else actual.source,
        files=tuple(sorted({**kept, wanted.name: wanted.sha256}.items())),
        text=None if wanted.secret else wanted.text,
        legacy=actual.legacy and not rules.exclusive,
        translated=True,
        enabled=True,
        running=True,
        outdated=False,
        reader=None,
    )


def plan(target: AgentState, actual: AgentState, rules: Rules, stale_credentials: bool = False) -> List[Change]:
    """Return the ordered changes.

    :param stale_credentials: the agent fails with credentials that were replaced since.
    :raises Refusal: when a write would fail.
    """
    if not rules.present:
        changes = _leave(target, actual, rules)
    else:
        opened = shared.plan(target.shared, actual.shared, rules.credentials_profile, rules.credentials_file)
        changes = _settings(target, actual, rules)
        if rules.wanted is not None:
            changes = _configure(target, actual, rules, changes, opened, stale_credentials)
        changes = sorted([*opened, *changes], key=lambda change: change.step != "require")
    if changes and actual.hindrance and changes[0].step != "require":
        raise Refusal(f"{actual.hindrance} Nothing was changed.")
    return changes


def _configure(
    target: AgentState, actual: AgentState, rules: Rules, settings: List[Change], opened: List[Change], stale: bool
) -> List[Change]:
    changes = [*_required(actual, rules, opened), *settings]
    if target.source != actual.source:
        changes.append(_file(target, actual, rules))
    others = sorted(set(actual.configurations) - set(target.configurations)) + (["(legacy)"] if actual.legacy != target.legacy else [])
    load = bool(settings) or target.files != actual.files or actual.legacy != target.legacy or not actual.translated
    if load:
        changes.append(Change("load", "configuration", rules.name, before=actual.configurations.get(rules.name)))
    if others:
        # The control script's fetch-config does it, at once with the new one: at no moment is the agent without.
        changes.append(Change("remove", "configuration", ", ".join(others), implied=True))
    if not actual.enabled:
        changes.append(Change("enable", "service"))
    if not actual.running:
        changes.append(Change("start", "service"))
    elif load or stale or actual.outdated:
        changes.append(Change("restart", "service"))
    return changes


def _required(actual: AgentState, rules: Rules, opened: List[Change]) -> List[Change]:
    """Return what has to be there before anything is written. In check mode a task of before may be about to make it."""
    if not actual.installed:
        return [Change("require", "agent", of=rules.root)]
    reader = actual.reader
    if reader and (not reader.known or (reader.reads is False and not (reader.barrier == rules.credentials_file and shared.opens(opened)))):
        return [Change("require", "credentials", f"readable by {reader.user}", rules.credentials_file)]
    return []


def _without(actual: AgentState, rules: Rules) -> AgentState:
    """Return a host whose agent has nothing of ours, and nothing at all unless others have a part in it."""
    others = {} if rules.exclusive else {name: found for name, found in actual.configurations.items() if name != rules.name}
    shared = bool(others)
    return replace(
        actual,
        source="",
        files=tuple(sorted(others.items())),
        text=None,
        legacy=actual.legacy and shared,
        translated=actual.translated and shared,
        enabled=actual.enabled and shared,
        running=actual.running and shared,
        outdated=False,
    )


def _leave(target: AgentState, actual: AgentState, rules: Rules) -> List[Change]:
    changes = []
    gone = sorted(set(actual.configurations) - set(target.configurations))
    if actual.installed and (gone or actual.translated != target.translated):
        changes.append(Change("unload", "configuration", ", ".join(gone)))
    if actual.running and not target.running:
        changes.append(Change("stop", "service"))
    if actual.enabled and not target.enabled:
        changes.append(Change("disable", "service"))
    changes += _settings(target, actual, rules)
    if actual.source:
        changes.append(_file(target, actual, rules))
    if target.running and changes:
        changes.append(Change("restart", "service"))
    return changes


def _settings(target: AgentState, actual: AgentState, rules: Rules) -> List[Change]:
    before, after = actual.settings, target.settings
    names = [name for name in SETTINGS if before[name] != after[name]]
    return [Change("update", "common settings", ", ".join(names), rules.path(COMMON))] if names else []


def _file(target: AgentState, actual: AgentState, rules: Rules) -> Change:
    step = "create" if not actual.source else "update" if target.source else "delete"
    return Change(step, "file", rules.config_path)


def refuse_unreadable(actual: AgentState, rules: Rules) -> None:
    """Refuse a configuration whose user could not read the credentials.

    :raises Refusal: with the owner, group and mode that would do.
    """
    reader = actual.reader
    if reader is None:
        return
    if not reader.known:
        raise Refusal(
            f"agent.run_as_user is {reader.user}, and the host knows no such user. The agent's package makes cwagent; make another user "
            "before, or leave run_as_user out. Nothing was changed."
        )
    if reader.reads is False:
        raise Refusal(
            f"The agent is to run as {reader.user} (agent.run_as_user), who cannot read {rules.credentials_file}: "
            f"{_barrier(reader, rules.credentials_file)}. Nothing was changed."
        )


def _barrier(reader: Reader, file: str) -> str:
    held = f"{reader.barrier} belongs to {reader.owner}:{reader.group} with mode {reader.mode}"
    if reader.barrier == file:
        return f"{held}. Owner root, group {reader.user} and mode 0640 would do (options owner, group and mode of host_access_key)"
    return f"{held}, and its way leads through it. Group {reader.user} and mode 0750 would do"


def warnings(actual: AgentState, rules: Rules, config_region: str) -> List[str]:
    """Return what looks wrong between the configuration and the credentials profile."""
    if not rules.present or rules.wanted is None:
        return []
    profile, found = actual.profile_region, []
    if config_region and profile and config_region != profile:
        found.append(
            f"The configuration sends to Region {config_region}, and profile {rules.credentials_profile} in {rules.credentials_file} names "
            f"{profile}. The agent sends to {config_region}."
        )
    if not config_region and not profile:
        found.append(
            "Neither the configuration nor the credentials profile names a Region, and without one the agent sends nothing. "
            "Add agent.region to the configuration."
        )
    return found


def view(record: AgentState, rules: Rules) -> Dict[str, object]:
    """Return the record for results and diffs."""
    settings: Dict[str, Optional[str]] = shown(record.settings)
    status = "not installed" if not record.installed else "running" if record.running else "stopped"
    return {
        "root": rules.root,
        "version": record.version,
        "package": record.package,
        "status": status,
        "enabled": record.enabled,
        "shared_profile": shared.view(record.shared),
        "common_config": {name: value or "" for name, value in settings.items()},
        "config_path": rules.config_path if record.source else "",
        "configurations": record.configurations,
        "configuration": record.text or "",
    }
