# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to make a host a node, or none: a pure function of the host, of what AWS knows, and of what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Optional

from ..common_config import shown
from ..errors import Refusal
from ..plan import Change
from . import files
from .state import DEREGISTERED, LEFT_BEHIND, NEW, PLACES, Host, Node, Rules, State, same_computer

CONFIG = PLACES["config"]


def registers(state: State, rules: Rules) -> bool:
    """Return whether the host gets a new registration."""
    return rules.present and (rules.force or not state.host.instance)


def asked_id(host: Host, rules: Rules) -> str:
    """Return the id of the node that AWS is to be asked about; empty for none.

    The agent's own note counts where a host leaves: its registration may be gone while its node is not.
    """
    if rules.present:
        return host.instance if _ours(host, rules) else ""
    return next((found for found in (host.instance, host.remembered) if found.startswith("mi-")), "")


def asked_region(host: Host, rules: Rules) -> str:
    """Return the Region in which the node is to be asked for."""
    if rules.present:
        return rules.region
    return (host.region if host.instance else host.remembered_region) or rules.region


def wants_activations(host: Host, rules: Rules) -> bool:
    """Return whether activations left behind matter: a host that stays what it has been for long needs no look.

    Where the agent of a registered host does not run, another run may be registering it anew at this moment, with an activation in hand.
    """
    left = _ours(host, rules) and host.registered_for < LEFT_BEHIND and host.running
    return not rules.present or rules.force or not host.instance or left


def refuse(state: State, rules: Rules) -> None:
    """Refuse what a person has to decide.

    :raises Refusal: with what would allow it.
    """
    host = state.host
    if len(host.kinds) > 1:
        raise Refusal("The SSM agent is installed on the host twice, as a package and as a snap, and both would use one registration. "
                      "Remove one of them. Nothing was changed.")  # fmt: skip
    if not host.systemd and (rules.present or host.installed):
        raise Refusal("The host has no systemctl, and the agent's service is turned with systemd. Nothing was changed.")
    if rules.force:
        return
    if host.broken:
        way = "to register the host anew" if rules.present else "to clear it all the same"
        raise Refusal(
            f"The agent's record of its registration in {PLACES['state']}/Vault cannot be understood. Restore it from a backup, or set "
            f"force: true {way}. Nothing was changed."
        )
    if host.instance and not host.instance.startswith("mi-"):
        raise Refusal(f"The agent is registered as {host.instance}, which is no hybrid node (mi-...). Nothing was changed.")
    if rules.present:
        _refuse_present(state, rules)
    elif state.node and host.instance and not _same(state.node, host):
        raise Refusal(
            f"The host says that it is node {state.node.id}, and that node is computer {state.node.computer} by what AWS lists: the host "
            "may be a copy of it, or have been renamed. Set force: true to deregister the node all the same. Nothing was changed."
        )
    elif state.node and host.instance and not _named(state.node, rules):
        raise Refusal(
            f"The host says that it is node {state.node.id}, and that node is {state.node.name} by what AWS lists, not {rules.name}. Set "
            "name to that if it is the same host, or force: true to deregister the node all the same. Nothing was changed."
        )


def _refuse_present(state: State, rules: Rules) -> None:
    host = state.host
    if not host.instance:
        return
    if host.region != rules.region:
        raise Refusal(
            f"The host is node {host.instance} of Region {host.region}, and {rules.region} was asked for. A registration holds in one "
            "Region. Set force: true to register it anew; the registration it has is lost then, whatever becomes of the new one, and its "
            f"node stays listed in {host.region} until it is deregistered there. Nothing was changed."
        )
    if state.node is None and host.running and host.registered_for > DEREGISTERED:
        raise Refusal(unknown_node(host.instance, rules.region))


def unknown_node(instance: str, region: str) -> str:
    """Return what to do about a host whose node AWS does not list."""
    return (
        f"The host is registered as {instance}, and AWS lists no such node in {region}: it was deregistered, or the credentials are of "
        "another account. The agent cannot take part any more with that registration. Set force: true to register the host anew."
    )


def warnings(state: State, rules: Rules) -> List[str]:
    """Return what looks wrong and is not refused."""
    host, node, found = state.host, state.node, []
    if not rules.present:
        if host.instance.startswith("mi-") and node is None and host.registered_for > DEREGISTERED:
            found.append(
                f"AWS lists no node {host.instance} in {asked_region(host, rules)}: it is deregistered already, or the credentials are of "
                "another account, where it stays listed. What is cleared is the host's side alone."
            )
        return found
    if registers(state, rules):
        former = host.instance or host.remembered
        if former:
            region = host.region or host.remembered_region or rules.region
            found.append(
                f"The host was node {former} of {region} before. That node stays listed until it is deregistered "
                f"(aws ssm deregister-managed-instance --region {region} --instance-id {former})."
            )
        return found
    if node and not _same(node, host):
        found.append(
            f"AWS lists node {node.id} as computer {node.computer}, and this host is {host.hostname}. It was renamed a moment ago, or it "
            "is a copy of that computer: two that share a registration take it from each other. Set force: true for the copy, once."
        )
    return found


def target(actual: State, rules: Rules) -> State:
    """Return what the rules ask for, laid over what is there.

    :raises Refusal: for what a person has to settle first.
    """
    refuse(actual, rules)
    host = actual.host
    if not rules.present:
        # A host without the agent has nothing to turn; a unit that is there all the same is left alone.
        gone = replace(host, instance="", region="", broken=False, registered_for=0.0, remembered="", remembered_region="", outdated=False,
                       enabled=host.enabled and not host.installed, running=host.running and not host.installed,
                       config=_restored(host, rules), environment="", shares=False)  # fmt: skip
        return State(gone)
    kept: Dict[str, Any] = {
        "kinds": host.kinds or ("package",),
        "enabled": True,
        "running": True,
        "outdated": False,
        "folder": True,
        "config": _configured(host, rules),
        "environment": _environment(host, rules),
    }
    if not registers(actual, rules):
        return State(replace(host, **kept), _with_role(actual.node, rules))
    node = Node(NEW, role=rules.iam_role)
    return State(replace(host, instance=NEW, region=rules.region, broken=False, remembered=NEW, **kept), node)


def plan(target: State, actual: State, rules: Rules) -> List[Change]:
    """Return the ordered changes.

    :raises Refusal: when a write would fail.
    """
    changes = _join(target, actual, rules) if rules.present else _leave(target, actual, rules)
    writes = any(change.step in ("create", "update", "register") and change.what != "role" for change in changes)
    if writes and actual.host.hindrance and changes[0].step != "require":
        raise Refusal(f"{actual.host.hindrance} Nothing was changed.")
    return changes


def _join(target: State, actual: State, rules: Rules) -> List[Change]:
    before = actual.host
    changes = [] if before.installed else [Change("require", "agent")]
    new = registers(actual, rules)
    changes += _activations(actual)
    if new and before.running:
        changes.append(Change("stop", "service"))
    if not before.folder:
        changes.append(Change("create", "folder", rules.folder))
    written = _files(target.host, before, rules)
    changes += written
    if new:
        changes.append(Change("register", "node", rules.name, before=before.instance or None))
    elif target.node != actual.node and actual.node:
        changes.append(Change("update", "role", rules.iam_role, f"node {actual.node.id}", before=actual.node.role))
    if not before.enabled:
        changes.append(Change("enable", "service"))
    if new or not before.running:
        changes.append(Change("start", "service"))
    elif written or before.outdated:
        changes.append(Change("restart", "service"))
    return changes


def _leave(target: State, actual: State, rules: Rules) -> List[Change]:
    host, changes = actual.host, _activations(actual)
    if host.running and not target.host.running:
        changes.append(Change("stop", "service"))
    if host.enabled and not target.host.enabled:
        changes.append(Change("disable", "service"))
    # The agent's own note alone proves nothing: an image may hold that of the computer it was made from.
    node = actual.node if actual.node and (host.instance or (_same(actual.node, host) and _named(actual.node, rules))) else None
    if node or (host.instance.startswith("mi-") and host.registered_for <= DEREGISTERED):
        changes.append(Change("deregister", "node", node.id if node else host.instance))
    if host.instance or host.remembered or host.broken:
        changes.append(Change("clear", "registration", host.instance or host.remembered))
    if host.shares:
        changes.append(Change("remove", "profile", rules.shared[1], rules.shared[0]))
    return changes + _files(target.host, host, None)


def _activations(actual: State) -> List[Change]:
    return [Change("delete", "activation", activation.id) for activation in actual.activations]


def _files(target: Host, actual: Host, rules: Optional[Rules]) -> List[Change]:
    changes = []
    if target.config != actual.config:
        step = "create" if actual.config is None else "delete" if target.config is None else "update"
        keys = ", ".join(files.named(rules.settings)) if rules else ""
        changes.append(Change(step, "configuration", keys, CONFIG))
    if target.environment != actual.environment:
        step = "create" if not actual.environment else "delete" if not target.environment else "update"
        changes.append(Change(step, "environment", of=actual.drop_in))
    return changes


def _configured(host: Host, rules: Rules) -> Optional[str]:
    if not rules.settings:
        return host.config
    path = CONFIG if host.config is not None else f"{CONFIG}.template"
    before = files.parsed(host.config if host.config is not None else host.template, path)
    after = files.merged(before, rules.settings)
    return files.rendered(after) if after != before or host.config is None else host.config


def _restored(host: Host, rules: Rules) -> Optional[str]:
    if not rules.settings or host.config is None:
        return host.config
    before, template = files.parsed(host.config, CONFIG), files.parsed(host.template, f"{CONFIG}.template")
    after = files.restored(before, rules.settings, template)
    if after == before:
        return host.config
    return None if after in (template, {}) else files.rendered(after)


def _environment(host: Host, rules: Rules) -> str:
    before = files.variables(host.environment)
    after = {name: value for name, value in {**before, **rules.environment}.items() if value is not None}
    return files.drop_in(after) if after != before else host.environment


def _ours(host: Host, rules: Rules) -> bool:
    return not rules.force and host.instance.startswith("mi-") and host.region == rules.region


def _with_role(node: Optional[Node], rules: Rules) -> Optional[Node]:
    """Return a node with the role that was asked for. AWS may show a role without its path."""
    if node is None or not node.role or node.role.rpartition("/")[2] == rules.iam_role.rpartition("/")[2]:
        return node
    return replace(node, role=rules.iam_role)


def _same(node: Node, host: Host) -> bool:
    return not node.computer or same_computer(node.computer, host.hostname)


def _named(node: Node, rules: Rules) -> bool:
    """Return whether AWS has a node under the name that is to leave. What a host tells of itself may be another's."""
    return node.name in ("", rules.name)


def view(record: State, rules: Rules) -> Dict[str, Any]:
    """Return the record for results and diffs."""
    host = record.host
    status = "not installed" if not host.installed else "running" if host.running else "stopped"
    config = files.parsed(host.config, CONFIG) if rules.settings else {}
    return {
        "instance_id": host.instance,
        "region": host.region,
        "iam_role": record.node.role if record.node else "",
        "status": status,
        "enabled": host.enabled,
        "version": host.version,
        "agent_config": files.chosen(config, rules.settings),
        "environment": shown(dict(files.variables(host.environment))),
        "activations": [activation.id for activation in record.activations],
    }
