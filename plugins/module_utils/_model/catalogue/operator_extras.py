# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator gets beside ``operator_aws`` only where it is asked for, and what somebody gets who only looks.

Session preferences are run on every node, a service setting is the whole account's, an instance profile changes what a machine may do.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Tuple

from .. import calls
from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .operator import PATHS, names_of, paths_of, service_of
from .preset import Preset, bucket_arn, fitting, key_arn, log_group_arns, parameter_arns, role_arns
from .session_access import PREFERENCES, document_name

_TIER = "servicesetting/ssm/managed-instance/activation-tier"
_READS, _ALL = (False,), (False, True)
"""Whether what writes is meant, too."""


def operator_extras(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return a policy to attach beside ``operator_aws``. At least one switch is on.

    - ``session_preferences``: making and changing the session documents ``document_names``, the buckets ``bucket_names`` and the log
      groups ``log_groups`` that keep the logs; looking at the keys ``kms_key_arns``.
    - ``service_settings``: the tier of hybrid nodes.
    - ``instance_profile_associations``: giving instances of this Region other profiles, whose roles lie under ``paths`` or are in
      ``roles``. ``reboot``: rebooting them.
    - ``role_arns``: assuming these roles to save the agent's configuration in ``parameters``, and looking at the keys ``kms_key_arns`` of
      those that are SecureString. The other two ways of a lease take an administrator: one makes keys, the other changes what instances
      may do.
    """
    statements: List[Document] = []
    if options["session_preferences"]:
        statements += _sessions(options, context, where)
    if options["service_settings"]:
        statements.append(allow(_all(calls.SETTINGS, "servicesetting"), context.arn_here("ssm", _TIER), "ServiceSettings"))
    if options["instance_profile_associations"]:
        statements += _associations(options, context, where)
    elif options["reboot"]:
        raise InputError(f"{where}: reboot is about instances that were given a profile. Set instance_profile_associations as well.")
    if options["role_arns"]:
        roles = role_arns(options["role_arns"], context, f"{where}: role_arns")
        parameters = parameter_arns(options["parameters"], context, f"{where}: parameters")
        statements += [
            allow(_all(calls.SAVE, "role"), roles, "SavesAs"),
            allow(_all(calls.SAVE, "parameter"), parameters, "Saves"),
            allow(_all(calls.SAVE, calls.ANY), sid="SavedSearch"),
        ]
        if options["kms_key_arns"] and not options["session_preferences"]:
            keys = [key_arn(key, context, f"{where}: kms_key_arns") for key in options["kms_key_arns"]]
            statements.append(allow(_all(calls.SAVE, "key"), keys, "SavedKeys"))
    if not statements:
        raise InputError(f"{where} grants nothing: switch something on, or leave the policy out.")
    return fitting(document(*statements), where, "Make a policy for each switch.")


def operator_audit(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return what ``access_info`` and ``access_check`` read: all identities, activations, hybrid nodes and settings, and no secret.

    ``session_preferences``: looking at the documents ``document_names`` and at the ``bucket_names``, ``log_groups`` and ``kms_key_arns`` of
    their logs, for a playbook ``audit`` whose role ``session_manager`` keeps preferences.
    """
    uses = (calls.AUDIT, calls.ACCESS, calls.KEYS)
    statements = [allow(calls.actions(*uses, writes=False), sid="Reads")]
    if options["session_preferences"]:
        statements += _sessions(options, context, where, _READS)
    return fitting(document(*statements), where, "Name fewer documents, buckets, log groups and keys.")


def _sessions(options: Mapping[str, Any], context: Context, where: str, how: Tuple[bool, ...] = _ALL) -> List[Document]:
    documents = [context.arn_here("ssm", f"document/{document_name(name, where)}") for name in options["document_names"]]
    buckets = [bucket_arn(name, context, f"{where}: bucket_names") for name in options["bucket_names"]]
    groups = log_group_arns(options["log_groups"], context, f"{where}: log_groups")
    keys = [key_arn(key, context, f"{where}: kms_key_arns") for key in options["kms_key_arns"]]
    statements = [allow(_all(calls.SESSIONS, "document", how), documents, "SessionDocuments")]
    if buckets:
        statements.append(allow(_all(calls.SESSIONS, "bucket", how), buckets, "SessionBuckets"))
    if groups:
        statements += [
            allow(_all(calls.SESSIONS, "log-group", how), groups, "SessionLogs"),
            allow(_all(calls.SESSIONS, calls.ANY, how), sid="SessionLogsSearch"),
        ]
    if keys:
        statements.append(allow(_all(calls.SESSIONS, "key", how), keys, "SessionKeys"))
    return statements


def _associations(options: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    account = context.account or "*"
    resources = [f"role{path}*" for path in paths_of(options["paths"], f"{where}: paths")]
    resources += [f"role{name}" for name in names_of(options["roles"], f"{where}: roles")]
    roles = [context.arn("iam", resource, account=account) for resource in resources]
    changes = [
        *calls.actions(calls.ASSOCIATIONS, writes=True, on="instance"),
        *(_all(calls.REBOOT, "instance") if options["reboot"] else []),
    ]
    return [
        allow(calls.actions(calls.ASSOCIATIONS, writes=False), sid="Instances"),
        allow(changes, context.arn_here("ec2", "instance/*"), "InstanceProfiles"),
        allow("iam:PassRole", roles, "PassesToInstances", {"StringEquals": {"iam:PassedToService": service_of("ec2", context)}}),
    ]


def _all(use: str, on: str, how: Tuple[bool, ...] = _ALL) -> List[str]:
    return sorted({action for writes in how for action in calls.actions(use, writes=writes, on=on)})


_SESSIONS = (
    Option("session_preferences", "flag", default=False),
    Option("document_names", "texts", default=(PREFERENCES,)),
    Option("bucket_names", "texts", default=()),
    Option("log_groups", "texts", default=()),
    Option("kms_key_arns", "texts", default=()),
)
PRESETS = {
    "operator_extras": Preset(
        operator_extras,
        (
            *_SESSIONS,
            *(Option(flag, "flag", default=False) for flag in ("service_settings", "instance_profile_associations", "reboot")),
            PATHS,
            Option("roles", "texts", default=()),
            Option("role_arns", "texts", default=()),
            Option("parameters", "texts", default=("AmazonCloudWatch-*",)),
        ),
    ),
    "operator_audit": Preset(operator_audit, _SESSIONS),
}
