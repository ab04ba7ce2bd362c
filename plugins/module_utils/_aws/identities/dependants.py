# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hangs on a user and must go before the user can be deleted ("DeleteUser" in the IAM API reference)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..._model.identities.records import DEPENDANTS
from ..session import error_code

Listing = Callable[[Any, str], List[str]]


def read(iam: Any, user: str) -> Dict[str, Tuple[str, ...]]:
    """Return the ids of all dependants by kind."""
    return {kind: tuple(_known(_LISTS[kind], iam, user)) for kind in DEPENDANTS}


def _known(listing: Listing, iam: Any, user: str) -> List[str]:
    """Not every partition has every kind; where the very action is unknown, a user can have none."""
    try:
        return listing(iam, user)
    except iam.exceptions.ClientError as error:
        if error_code(error) not in ("InvalidAction", "NotSupportedService", "ServiceNotSupported"):
            raise
        return []


def _pages(operation: str, items: str, key: str) -> Listing:
    def listing(iam: Any, user: str) -> List[str]:
        return [item[key] for page in iam.get_paginator(operation).paginate(UserName=user) for item in page[items]]

    return listing


def _login_profile(iam: Any, user: str) -> List[str]:
    try:
        iam.get_login_profile(UserName=user)
    except iam.exceptions.NoSuchEntityException:
        return []
    return [user]


def _service_credentials(iam: Any, user: str) -> List[str]:
    found = iam.list_service_specific_credentials(UserName=user)["ServiceSpecificCredentials"]
    return [credential["ServiceSpecificCredentialId"] for credential in found]


def _mfa_devices(virtual: bool) -> Listing:
    every = _pages("list_mfa_devices", "MFADevices", "SerialNumber")

    def listing(iam: Any, user: str) -> List[str]:
        return [serial for serial in every(iam, user) if (":mfa/" in serial) == virtual]

    return listing


_LISTS: Mapping[str, Listing] = {
    "login profile": _login_profile,
    "access key": _pages("list_access_keys", "AccessKeyMetadata", "AccessKeyId"),
    "signing certificate": _pages("list_signing_certificates", "Certificates", "CertificateId"),
    "SSH public key": _pages("list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
    "service-specific credential": _service_credentials,
    "virtual MFA device": _mfa_devices(virtual=True),
    "MFA device": _mfa_devices(virtual=False),
    "group membership": _pages("list_groups_for_user", "Groups", "GroupName"),
}


def _delete(operation: str, key: str) -> Callable[..., Any]:
    return lambda iam, user, value: getattr(iam, operation)(UserName=user, **{key: value})


def _delete_virtual_mfa(iam: Any, user: str, value: str) -> None:
    # Deactivated already when a run broke off between the two.
    with suppress(iam.exceptions.NoSuchEntityException):
        iam.deactivate_mfa_device(UserName=user, SerialNumber=value)
    iam.delete_virtual_mfa_device(SerialNumber=value)


def _delete_login_profile(iam: Any, user: str, value: str) -> None:  # noqa: ARG001  (a user has one, so it needs no name)
    iam.delete_login_profile(UserName=user)


DELETE: Mapping[str, Callable[..., Any]] = {
    "login profile": _delete_login_profile,
    "access key": _delete("delete_access_key", "AccessKeyId"),
    "signing certificate": _delete("delete_signing_certificate", "CertificateId"),
    "SSH public key": _delete("delete_ssh_public_key", "SSHPublicKeyId"),
    "service-specific credential": _delete("delete_service_specific_credential", "ServiceSpecificCredentialId"),
    "virtual MFA device": _delete_virtual_mfa,
    "MFA device": _delete("deactivate_mfa_device", "SerialNumber"),
    "group membership": lambda iam, user, value: iam.remove_user_from_group(UserName=user, GroupName=value),
}
"""How each kind is deleted, by keywords ``iam``, ``user`` and ``value``. A hardware device stays somebody's, so it is deactivated only."""
