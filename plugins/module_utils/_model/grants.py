# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles of the collection grant, written down as the AWS documents do: a list of policies, each with a check box.

A grant is a dictionary. With ``managed`` it is an AWS managed policy; with ``name``, ``preset`` and ``options`` it is a document of the
catalogue. ``wanted`` is the check box. ``parameters`` names SSM parameters that the grant must reach.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional

from .errors import InputError
from .options import Option, read

AWS_PARAMETER_PREFIX = "AmazonCloudWatch-"

_GRANT = (
    Option("wanted", "flag", default=True),
    Option("managed"),
    Option("name"),
    Option("preset"),
    Option("parameters", "texts", default=()),
)


def policy_entries(grants: Iterable[Mapping[str, Any]], common: Optional[Mapping[str, Any]] = None) -> List[Dict[str, Any]]:
    """Return the policies to define, as ``iam_identities`` takes them: each wanted grant of the catalogue once.

    :param common: what all entries have besides, such as their ``path`` and ``state``.
    :raises InputError: when two policies of one name differ, when a name is that of an AWS managed policy which is granted too, or when
        an AWS managed policy does not reach a parameter.
    """
    entries: Dict[str, Dict[str, Any]] = {}
    wanted = _wanted(grants)
    for grant in wanted:
        if grant["managed"]:
            _check_reach(grant)
            continue
        entry = {**(common or {}), "name": grant["name"], "preset": grant["preset"], "options": grant["options"]}
        if entries.setdefault(grant["name"], entry) != entry:
            raise InputError(f"policy {grant['name']}: two different documents have this name. Give one of them another name.")
    for grant in wanted:
        if grant["managed"] in entries:
            raise InputError(
                f"policy {grant['managed']}: a policy of yours has this name, and AWS's managed policy of the same name is granted too. "
                "Give yours another name, or grant the same one everywhere."
            )
    return list(entries.values())


def policy_names(grants: Iterable[Mapping[str, Any]], more: Any = ()) -> List[str]:
    """Return the names of the wanted policies, and ``more`` (a list, or text with commas), each once and in this order."""
    names = [grant["managed"] or grant["name"] for grant in _wanted(grants)]
    return list(dict.fromkeys([*names, *listed(more, "extra policies")]))


def named(names: Any, common: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return one entry with the values of ``common`` for each of ``names`` (a list, or text with commas)."""
    return [{**common, "name": name} for name in listed(names, "names")]


def listed(value: Any, what: str) -> List[str]:
    """Return a list of texts. Text is split at commas and lines, since surveys and ``-e`` give nothing else."""
    result: List[str] = read({what: value}, (Option(what, "texts", default=()),), "roles")[what]
    return result


def _wanted(grants: Iterable[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    result = []
    for grant in grants:
        known = {key: value for key, value in grant.items() if key != "options"}
        read_grant = read(known, _GRANT, f"grant {grant.get('managed') or grant.get('name')}")
        if not read_grant["wanted"]:
            continue
        if bool(read_grant["managed"]) == bool(read_grant["name"] and read_grant["preset"]):
            raise InputError(f"grant {dict(grant)!r}: give either managed, or name and preset.")
        read_grant["options"] = _reaching(grant.get("options") or {}, read_grant["parameters"])
        result.append(read_grant)
    return result


def _reaching(options: Mapping[str, Any], parameters: List[str]) -> Dict[str, Any]:
    """Options of a preset name its parameters themselves; where they don't, the grant's are meant."""
    return {"parameters": parameters, **options} if parameters else dict(options)


def _check_reach(grant: Mapping[str, Any]) -> None:
    """AWS's policies reach parameters of one prefix only ("Create IAM Roles and Users for Use With CloudWatch Agent", note)."""
    unreached = [name for name in grant["parameters"] if not name.startswith(AWS_PARAMETER_PREFIX)]
    if unreached:
        raise InputError(
            f"policy {grant['managed']}: this AWS managed policy reaches no other parameters than those whose names begin with "
            f"{AWS_PARAMETER_PREFIX}, and so not {', '.join(unreached)}. Rename what is named here, or use a policy of the kind scoped."
        )
