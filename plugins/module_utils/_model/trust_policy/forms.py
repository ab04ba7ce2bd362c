# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of trust: who may assume a role. Each is narrow by construction."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .. import options as declared
from ..context import Context, region_names
from ..document import Document, document
from ..errors import InputError
from ..options import Option

FORMS: Dict[str, Tuple[Option, ...]] = {
    "ec2": (Option("service"), Option("principals", "texts", default=())),
    "ssm": (Option("regions", "texts"), Option("allow_unknown_region", "flag", default=False)),
    "service": (
        Option("services", "texts", required=True),
        Option("source_account", "flag", default=False),
        Option("source_arns", "texts", default=()),
    ),
    "account": (
        Option("accounts", "texts", default=()),
        Option("principals", "texts", default=()),
        Option("external_ids", "texts", default=()),
        Option("organizations", "texts", default=()),
        Option("mfa", "flag", default=False),
    ),
    "saml": (Option("provider", required=True), Option("audiences", "texts", default=())),
    "oidc": (
        Option("provider", required=True),
        Option("audiences", "texts", required=True),
        Option("subjects", "texts", required=True),
    ),
}
"""The options of each form.

ec2: an EC2 instance, through its instance profile. ``service`` overrides the service principal, which differs in ``aws-cn``;
``principals`` are ARNs of roles or users that may assume the role as well.
ssm: Systems Manager for hybrid nodes of this account, in ``regions`` (default: the caller's Region). "Create an IAM service role for a
hybrid environment" asks for both conditions.
service: any AWS services, narrowed to requests of this account or for certain ARNs.
account: whole ``accounts`` by id, or ``principals`` by the ARN of a role or user; ``organizations`` are ids as ``o-a1b2c3d4e5``.
saml: ``provider`` is its ARN, or its name in this account; ``audiences`` are by default the AWS sign-in address of the partition.
oidc: ``provider`` is its ARN, or its host and path without ``https://``.
"""

_SIGN_IN = {"aws-cn": "https://signin.amazonaws.cn/saml", "aws-us-gov": "https://signin.amazonaws-us-gov.com/saml"}
_ACCOUNT = re.compile(r"\d{12}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:(iam::\d{12}:(role|user)/[^*?\s]+|sts::\d{12}:assumed-role/[^*?\s]+/[^*?\s]+)")
_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:.*:.*:.+")
_SERVICE = re.compile(r"[a-z0-9.-]+\.[a-z.]+")
_PROVIDER_TYPE = {"saml": "saml-provider", "oidc": "oidc-provider"}


def trust(form: str, options: Any, context: Context, entry: str) -> Document:
    """Return the trust policy of a form, for example ``ec2``.

    :param options: as declared in ``FORMS``.
    :raises InputError: for an unknown form, for unknown, missing or contradictory options, and for trust that is too wide.
    """
    if form not in FORMS:
        raise InputError(f"{entry}: {form!r} is no form of trust. Allowed are: {', '.join(FORMS)}.")
    where = f"{entry}: trust {form}"
    return _BUILDERS[form](declared.read(options, FORMS[form], where), context, where)


def ec2_service(partition: str) -> str:
    """Return the service principal that EC2 instances assume roles as."""
    return "ec2.amazonaws.com.cn" if partition == "aws-cn" else "ec2.amazonaws.com"


def _assume(principal: Mapping[str, Any], action: str = "sts:AssumeRole", when: Optional[Mapping[str, Any]] = None) -> Document:
    statement: Document = {"Effect": "Allow", "Principal": dict(principal), "Action": action}
    conditions = {operator: keys for operator, keys in (when or {}).items() if keys}
    if conditions:
        statement["Condition"] = conditions
    return statement


def _ec2(options: Mapping[str, Any], context: Context, where: str) -> Document:
    service = options["service"] or ec2_service(context.partition)
    instances = _assume({"Service": _matching([service], _SERVICE, "service principal, as ec2.amazonaws.com", where)[0]})
    principals = _matching(options["principals"], _PRINCIPAL, "ARN of a role or user", where)
    return document(instances, *([_assume({"AWS": principals})] if principals else []))


def _ssm(options: Mapping[str, Any], context: Context, where: str) -> Document:
    regions = options["regions"] if options["regions"] is not None else [context.region] if context.region else []
    if not regions:
        raise InputError(f"{where}: regions is required where the caller's Region is not known: name the Regions the nodes register in.")
    if not context.account:
        raise InputError(f"{where} needs to know the account, since it trusts Systems Manager for the nodes of that account only.")
    arns = [context.arn("ssm", "*", region) for region in region_names(regions, options["allow_unknown_region"], context, where)]
    when = {"StringEquals": {"aws:SourceAccount": context.account}, "ArnLike": {"aws:SourceArn": arns}}
    return document(_assume({"Service": "ssm.amazonaws.com"}, when=when))


def _services(options: Mapping[str, Any], context: Context, where: str) -> Document:
    services = _matching(options["services"], _SERVICE, "service principal, as lambda.amazonaws.com", where)
    if options["source_account"] and not context.account:
        raise InputError(f"{where}: source_account needs to know the account.")
    arns = _matching(options["source_arns"], _ARN, "ARN", where)
    when = {
        "StringEquals": {"aws:SourceAccount": context.account} if options["source_account"] else {},
        "ArnLike": {"aws:SourceArn": arns} if arns else {},
    }
    return document(_assume({"Service": services}, when=when))


def _account(options: Mapping[str, Any], context: Context, where: str) -> Document:
    accounts = _matching(options["accounts"], _ACCOUNT, "account id of twelve digits (write it in quotes)", where)
    principals = _matching(options["principals"], _PRINCIPAL, "ARN of a role or user", where)
    organizations = _matching(options["organizations"], _ORGANIZATION, "organisation id, as o-a1b2c3d4e5", where)
    if not accounts and not principals:
        raise InputError(f"{where} needs accounts (with external_ids or organizations) or principals.")
    if accounts and not options["external_ids"] and not organizations:
        raise InputError(
            f"{where}: a whole account is too wide: any administrator there could let anyone in. Add external_ids or organizations, "
            "or name roles and users in principals instead of accounts."
        )
    equal_to: Dict[str, Any] = {}
    if options["external_ids"]:
        equal_to["sts:ExternalId"] = options["external_ids"]
    if organizations:
        equal_to["aws:PrincipalOrgID"] = organizations
    when = {"StringEquals": equal_to, "Bool": {"aws:MultiFactorAuthPresent": "true"} if options["mfa"] else {}}
    roots = [context.arn("iam", "root", account=account) for account in accounts]
    return document(_assume({"AWS": roots + principals}, when=when))


def _saml(options: Mapping[str, Any], context: Context, where: str) -> Document:
    audiences = options["audiences"] or [_SIGN_IN.get(context.partition, f"https://signin.aws.{_sign_in_domain(context)}/saml")]
    provider = _provider("saml", options["provider"], context, where)
    return document(_assume({"Federated": provider}, "sts:AssumeRoleWithSAML", {"StringEquals": {"SAML:aud": audiences}}))


def _sign_in_domain(context: Context) -> str:
    return "amazon.com" if context.dns_suffix == "amazonaws.com" else context.dns_suffix


def _oidc(options: Mapping[str, Any], context: Context, where: str) -> Document:
    wide = [audience for audience in options["audiences"] if "*" in audience]
    wide += [subject for subject in options["subjects"] if re.fullmatch(r"([a-z_]+:)?[*?].*", subject)]
    if wide:
        raise InputError(f"{where}: {wide[0]!r} lets anyone of the provider in. Name the audience in full, the subject at least in part.")
    provider = _provider("oidc", options["provider"], context, where)
    host = provider.split("oidc-provider/", 1)[1]
    operator = "StringLike" if any("*" in subject or "?" in subject for subject in options["subjects"]) else "StringEquals"
    when: Dict[str, Dict[str, Any]] = {"StringEquals": {f"{host}:aud": options["audiences"]}}
    when.setdefault(operator, {})[f"{host}:sub"] = options["subjects"]
    return document(_assume({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", when))


def _provider(form: str, value: str, context: Context, where: str) -> str:
    kind = _PROVIDER_TYPE[form]
    if value.startswith("arn:"):
        if not re.fullmatch(rf"arn:[a-z-]+:iam::\d{{12}}:{kind}/.+", value):
            raise InputError(f"{where}: {value!r} is no ARN of an identity provider, which reads arn:PARTITION:iam::ACCOUNT:{kind}/NAME.")
        return value
    if not context.account:
        raise InputError(f"{where}: the account is not known, so give the provider's ARN instead of {value!r}.")
    return context.arn("iam", f"{kind}/{re.sub('^https://', '', value)}")


def _matching(values: List[str], rule: Any, kind: str, where: str) -> List[str]:
    for value in values:
        if not rule.fullmatch(value):
            raise InputError(f"{where}: {value!r} is no {kind}.")
    return list(dict.fromkeys(values))


_BUILDERS = {"ec2": _ec2, "ssm": _ssm, "service": _services, "account": _account, "saml": _saml, "oidc": _oidc}
