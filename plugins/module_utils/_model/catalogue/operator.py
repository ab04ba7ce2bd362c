# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What those may do who run this collection: one makes policies, roles and users, the other the keys of hosts.

Neither can give itself or anybody more than the permissions boundary allows ("Permissions boundaries for IAM entities", *Delegating
responsibility to others using permissions boundaries*). The actions are those of ``calls``; what each is held to is here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Dict, Iterable, List, Mapping

from .. import calls, names
from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..identities import references
from ..options import Option
from ..shared_key_options import place
from ..tags import RETIRED_TAG
from .preset import Preset, fitting, key_arn, parameter_arns

_MANAGED = (
    "CloudWatchAgentServerPolicy",
    "CloudWatchAgentAdminPolicy",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMDirectoryServiceAccess",
)
_NO_LIMIT = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
_NAMED = re.compile(r"(?P<path>/?([A-Za-z0-9.,+@=_-]+/)*)(?P<name>[\w+=,.@-]{3,}\*?)", re.ASCII)
_ON_BOUNDARY = ["CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion", "TagPolicy",
                "UntagPolicy"]  # fmt: skip


def operator_aws(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return what it takes to make and remove policies, roles, instance profiles and users, within a boundary.

    - Reading: identities of the whole account, since IAM judges a name that does not exist yet without its path. No key or secret.
    - Changing: what lies under ``paths``, and what ``roles``, ``policies``, ``users`` and ``instance_profiles`` name elsewhere.
    - A role or user is made, and is given permissions, only when it carries ``boundary``; what is attached is a policy that may be changed
      here as well, or one of ``managed_policies`` (AWS's). The boundary itself can be neither changed nor taken away.
    - Keys can be deactivated and deleted, for users that leave, and not made. Groups, console passwords and default versions: nothing.
    - Roles can be passed to EC2, which "AddRoleToInstanceProfile" demands.
    """
    boundary = _boundary_arn(options["boundary"], context, f"{where}: boundary")
    account = context.account or _account(boundary).replace("aws", "*")
    paths = paths_of(options["paths"], f"{where}: paths")
    named = {kind: names_of(options[option], f"{where}: {option}") for kind, option in _NAMES.items()}
    if not options["instance_profiles"]:
        named["instance-profile"] = named["role"]

    def on(*kinds: str) -> List[str]:
        resources = [f"{kind}{path}*" for kind in kinds for path in paths] + [f"{kind}{name}" for kind in kinds for name in named[kind]]
        return [context.arn("iam", resource, account=account) for resource in resources]

    limited = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    attached = [*_managed(options["managed_policies"], context, f"{where}: managed_policies"), *on("policy")]
    statements = [
        allow(calls.actions(calls.ACCESS, writes=False), sid="Reads"),
        allow(_writes(_IAM_KINDS), on(*_IAM_KINDS), "Changes"),
        allow(_writes(_HOLDERS, calls.BOUNDARY), on(*_HOLDERS), "ChangesWithinBoundary", limited),
        allow(_writes(_HOLDERS, calls.ATTACHES), on(*_HOLDERS), "Attaches", {**limited, "ArnLike": {"iam:PolicyARN": attached}}),
        allow("iam:PassRole", on("role"), "PassesToEc2", {"StringEquals": {"iam:PassedToService": service_of("ec2", context)}}),
    ]
    statements += _never(boundary)
    return fitting(document(*statements), where, "Name fewer paths and names, or make a policy for each path.")


def operator_hosts(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return what it takes to hand hosts their keys, and nothing of policies, roles and users.

    - Keys of users under ``paths``, and of ``users`` elsewhere: whoever has a permission that a host should not have must live elsewhere.
    - Tags of these users: those that tell when a key was retired, so that nobody's user can be made to look like ours.
    - ``parameters``: the agent's configurations that are read before a host fetches them. ``verify_metrics``: asking for a host's metrics.
    - ``shared_parameters``, with ``kms_key_arns``: the store of a key that hosts share.
    - ``activation_roles``: registering hosts with Systems Manager under these roles, named with their paths, and no others. Nodes and
      activations can't be told apart by an ARN, so every hybrid node of the Region can be deregistered, tagged or given one of these roles.
    """
    account = context.account or "*"
    resources = [f"user{path}*" for path in paths_of(options["paths"], f"{where}: paths")]
    resources += [f"user{name}" for name in names_of(options["users"], f"{where}: users")]
    users = [context.arn("iam", resource, account=account) for resource in resources]
    tagging = ["iam:TagUser", "iam:UntagUser"]
    keys = [action for action in calls.actions(calls.KEYS, writes=True, on="user") if action not in tagging]
    # A user that is missing is asked for without its path, and should be reported as missing.
    statements = [
        allow("iam:GetUser", context.arn("iam", "user/*", account=account), "Finds"),
        allow([*(action for action in calls.actions(calls.KEYS, writes=False) if action != "iam:GetUser"), *keys], users, "Keys"),
        allow(tagging, users, "Retires", {"ForAllValues:StringLike": {"aws:TagKeys": f"{RETIRED_TAG}*"}, "Null": {"aws:TagKeys": "false"}}),
    ]
    if options["parameters"]:
        found = parameter_arns(options["parameters"], context, f"{where}: parameters")
        statements.append(allow(calls.actions(calls.CONFIGURATION, writes=False), found, "Configurations"))
    if options["verify_metrics"]:
        statements.append(allow(calls.actions(calls.METRICS, writes=False), sid="Metrics"))
    statements += _store(options, context, where)
    statements += _activations(options["activation_roles"], context, where)
    return fitting(document(*statements), where, "Name fewer of them, or make two policies.")


def _store(options: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    if bool(options["shared_parameters"]) != bool(options["kms_key_arns"]):
        raise InputError(f"{where}: shared_parameters and kms_key_arns belong together: a shared key is encrypted with a key of yours.")
    if not options["shared_parameters"]:
        return []
    for name in options["shared_parameters"]:
        try:
            place({"parameter": name}, writes=False)
        except InputError as error:
            raise InputError(f"{where}: shared_parameters: {error}") from error
    parameters = parameter_arns(options["shared_parameters"], context, f"{where}: shared_parameters")
    keys = [key_arn(key, context, f"{where}: kms_key_arns") for key in options["kms_key_arns"]]

    def both(on: str) -> List[str]:
        return [action for writes in (False, True) for action in calls.actions(calls.STORE, writes=writes, on=on)]

    return [allow(both("parameter"), parameters, "Store"), allow(both("key"), keys, "StoreKey"), allow(both(calls.ANY), sid="StoreSearch")]


def _activations(given: List[str], context: Context, where: str) -> List[Document]:
    if not given:
        return []
    names_given = names_of(given, f"{where}: activation_roles")
    roles = [context.arn("iam", f"role{name}", account=context.account or "*") for name in names_given]
    nodes = context.arn_here("ssm", "managed-instance/*")
    listing = calls.actions(calls.ACTIVATIONS, writes=False)
    return [
        allow([*listing, *calls.actions(calls.ACTIVATIONS, writes=True, on=calls.ANY)], sid="Activations"),
        allow(calls.actions(calls.ACTIVATIONS, writes=True, on="managed-instance"), nodes, "Nodes"),
        allow(calls.actions(calls.ACTIVATIONS, writes=True, on="role"), roles, "RolesOfNodes"),
        allow("iam:PassRole", roles, "PassesToSystemsManager", {"StringEquals": {"iam:PassedToService": service_of("ssm", context)}}),
    ]


def _never(boundary: str) -> List[Document]:
    """Deny what would undo the boundary, whatever else the operator is allowed."""
    lifting = {**allow(["iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"], sid="NeverUnlimited"), "Effect": "Deny"}
    if _account(boundary) == "aws":
        return [lifting]
    return [{**allow([f"iam:{action}" for action in _ON_BOUNDARY], boundary, "NeverTheBoundary"), "Effect": "Deny"}, lifting]


def _writes(kinds: Iterable[str], guard: str = "") -> List[str]:
    return sorted({action for kind in kinds for action in calls.actions(calls.ACCESS, writes=True, guard=guard, on=kind)})


def _boundary_arn(given: str, context: Context, where: str) -> str:
    if given.startswith("arn:") and not context.account:
        context = replace(context, account=names.policy_arn(given, where)["account"])
    references.check(given, context, where)
    arn = references.known_arn(given, {}, context)
    if not arn:
        raise InputError(f"{where}: {given!r} is not unambiguous here. Write account:/path/Name for a policy of the account, or an ARN.")
    if not _account(arn):
        raise InputError(f"{where}: the account is not known, and it is part of the boundary's ARN. Give account, or the whole ARN.")
    if arn.rpartition("/")[2] in _NO_LIMIT:
        raise InputError(f"{where}: {arn} limits nothing that matters. Use a policy of the preset operator_boundary, or one of your own.")
    return arn


def _account(arn: str) -> str:
    return arn.split(":")[4]


def paths_of(given: List[str], where: str) -> List[str]:
    """Return paths of our own, which ``/`` is not."""
    if not given:
        raise InputError(f"{where} names no path. The default is /hybridops/.")
    for path in given:
        names.path("managed policy", path, where)
        if path == "/":
            raise InputError(f"{where}: / is every path, so it would open all of the account. Name a path of your own, as /hybridops/.")
    return given


def names_of(given: List[str], where: str) -> List[str]:
    """Return names with their paths, beginning with a slash."""
    for name in given:
        if not _NAMED.fullmatch(name):
            raise InputError(f"{where}: {name!r} is no name. Write Name, /path/Name, or at least three characters of it and *.")
    return [f"/{name.lstrip('/')}" for name in given]


def _managed(given: List[str], context: Context, where: str) -> List[str]:
    for name in given:
        references.check(name, context, where)
        if name.startswith((references.ACCOUNT_PREFIX, "arn:")):
            raise InputError(f"{where}: {name} is not the name of a policy of AWS. Policies of the account go under policies.")
    return [context.arn("iam", f"policy/{name}", account="aws") for name in given]


def service_of(name: str, context: Context) -> List[str]:
    """Return a service's principals: they end as the partition's addresses do, or as everywhere; which of the two differs by service."""
    return sorted({f"{name}.amazonaws.com", f"{name}.{context.dns_suffix}"})


_HOLDERS = ("role", "user")
_IAM_KINDS = ("policy", *_HOLDERS, "instance-profile")
_NAMES = {"role": "roles", "policy": "policies", "user": "users", "instance-profile": "instance_profiles"}
PATHS = Option("paths", "texts", default=("/hybridops/",))

PRESETS: Dict[str, Preset] = {
    "operator_aws": Preset(
        operator_aws,
        (
            Option("boundary", required=True),
            PATHS,
            *(Option(option, "texts", default=()) for option in _NAMES.values()),
            Option("managed_policies", "texts", default=_MANAGED),
        ),
    ),
    "operator_hosts": Preset(
        operator_hosts,
        (
            PATHS,
            Option("users", "texts", default=()),
            Option("parameters", "texts", default=()),
            Option("verify_metrics", "flag", default=False),
            Option("shared_parameters", "texts", default=()),
            Option("kms_key_arns", "texts", default=()),
            Option("activation_roles", "texts", default=()),
        ),
    ),
}
