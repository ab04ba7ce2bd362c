# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of activations and nodes, and what each operation does to it."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Callable, Dict, Mapping, Optional

from .records import TOKEN_TAG, Activation, Node
from .settings import Settings
from .trust import trusts_systems_manager
from .wire import Document, Scope, ServiceError, World, epoch, page

DAY = 86_400.0
TOKEN_SECONDS = 3_600.0

UNSIGNED = ("RegisterManagedInstance", "RequestManagedInstanceRoleToken")
"""Operations that are called without an AWS access key. No SDK has them."""

ACTIVATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANCE_ID = re.compile(r"mi-[0-9a-f]{17}")
INVALID_ACTIVATION = (
    "The activation is not valid. The activation might have been deleted, or the ActivationId and the ActivationCode do not match."
)


class Activations:
    """The state, and what each operation does to it."""

    def __init__(self) -> None:
        self.activations: Dict[str, Activation] = {}
        self.nodes: Dict[str, Node] = {}
        self.settings = Settings()
        self._operations: Dict[str, Callable[[Document, Scope, World, float], Optional[Document]]] = {
            "CreateActivation": self._create,
            "DescribeActivations": self._describe,
            "DeleteActivation": self._delete,
            "RegisterManagedInstance": self._register,
            "RequestManagedInstanceRoleToken": self._token,
            "UpdateInstanceInformation": self._heard,
            "DescribeInstanceInformation": self._instances,
            "DeregisterManagedInstance": self._deregister,
            "UpdateManagedInstanceRole": self._change_role,
            "GetServiceSetting": self.settings.get,
            "UpdateServiceSetting": self.settings.set,
            "ResetServiceSetting": self.settings.reset,
            "AddTagsToResource": self._tag,
            "RemoveTagsFromResource": self._untag,
            "ListTagsForResource": self._tags,
        }

    def reset(self) -> None:
        self.activations.clear()
        self.nodes.clear()
        self.settings.settings.clear()

    def call(self, operation: str, request: Document, scope: Scope, world: World, now: float) -> Optional[Document]:
        """Return the answer of an operation, or None when it is another's business.

        :raises ServiceError: when AWS would answer with an error.
        """
        does = self._operations.get(operation)
        return does(request, scope, world, now) if does else None

    def region(self, operation: str, request: Document) -> Optional[str]:
        """Return the region of a request that names none, since it is not signed; None when it concerns nothing known."""
        activation = self.activations.get(str(request.get("ActivationId"))) if operation == "RegisterManagedInstance" else None
        return activation.scope.region if activation else None

    # Activations

    def _create(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        limit = int(request.get("RegistrationLimit", 1))
        expires = epoch(request["ExpirationDate"]) if "ExpirationDate" in request else now + DAY
        if not 1 <= limit <= 1000:
            raise ServiceError("ValidationException", f"Value '{limit}' at 'registrationLimit' failed to satisfy constraint: 1 to 1000")
        if not now < expires <= now + 30 * DAY:
            raise ServiceError("InvalidParameters", "The expiration date must be in the future, and within 30 days.")
        role = str(request.get("IamRole", ""))
        if role.startswith("arn:"):
            raise ServiceError("ValidationException", f"Value '{role}' at 'iamRole' must be the name of a role.")
        found = world.role(role.rpartition("/")[2])
        arn = str(found["Arn"]) if found else f"arn:aws:iam::{scope.account}:role/{role}"
        if not world.may_pass(arn):
            raise ServiceError(
                "AccessDeniedException", f"User: {scope.caller} is not authorized to perform: iam:PassRole on resource: {arn}"
            )
        # By its name, or with the path in front.
        if (
            found is None
            or role not in (_role_name(arn), _role_name(arn).rpartition("/")[2])
            or not trusts_systems_manager(found["AssumeRolePolicyDocument"], scope)
        ):
            raise ServiceError("ValidationException", f"Nonexistent role or missing ssm service principal in trust policy: {arn}")
        name, description = str(request.get("DefaultInstanceName", "")), str(request.get("Description", ""))
        activation = Activation(
            scope, str(uuid.uuid4()), secrets.token_urlsafe(15), role, limit, expires, now, name, description, list(request.get("Tags", []))
        )
        self.activations[activation.id] = activation
        return {"ActivationId": activation.id, "ActivationCode": activation.code}

    def _describe(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        chosen = [each for each in self.activations.values() if _same(each.scope, scope)]
        for each in request.get("Filters", []):
            attribute = {"ActivationIds": "id", "DefaultInstanceName": "name", "IamRole": "role"}.get(str(each.get("FilterKey")))
            if attribute is None:
                raise ServiceError("InvalidFilter", "The filter name is not valid.")
            chosen = [one for one in chosen if getattr(one, attribute) in each.get("FilterValues", [])]
        return page("ActivationList", [each.document(now) for each in chosen], request, range(1, 51))

    def _delete(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        wanted = str(request.get("ActivationId", ""))
        if not ACTIVATION_ID.fullmatch(wanted):
            raise ServiceError("InvalidActivationId", "The activation ID is not valid.")
        if wanted not in self.activations or not _same(self.activations[wanted].scope, scope):
            raise ServiceError("InvalidActivation", INVALID_ACTIVATION)
        del self.activations[wanted]
        return {}

    # The agent's side

    def _register(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        activation = self.activations.get(str(request.get("ActivationId")))
        if activation is None or not secrets.compare_digest(activation.code, str(request.get("ActivationCode", ""))):
            raise ServiceError("InvalidActivation", INVALID_ACTIVATION)
        if now >= activation.expires:
            raise ServiceError("InvalidActivation", "The activation has expired.")
        if activation.used >= activation.limit:
            raise ServiceError("InvalidActivation", "The activation has been used as often as its registration limit allows.")
        if request.get("PublicKeyType") != "Rsa" or not request.get("PublicKey"):
            raise ServiceError("ValidationException", "A public key of type Rsa is required.")
        activation.used += 1
        tags = {each["Key"]: each["Value"] for each in activation.tags}
        key, fingerprint = str(request["PublicKey"]), str(request.get("Fingerprint", ""))
        instance = f"mi-0{secrets.token_hex(8)}"
        self.nodes[instance] = Node(
            activation.scope, instance, activation.id, activation.role, activation.name, tags, key, fingerprint, now
        )
        return {"InstanceId": instance}

    def _token(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        node = self.nodes.get(scope.caller)
        if node is None or not world.signed_by(node.public_key):
            raise ServiceError("AccessDeniedException", f"{scope.caller} is not registered, or did not sign with its key.")
        if request.get("Fingerprint") != node.fingerprint:
            raise ServiceError("MachineFingerprintDoesNotMatch", "The fingerprint is not the one the machine was registered with.")
        found = world.role(node.role.rpartition("/")[2])
        if found is None or not trusts_systems_manager(found["AssumeRolePolicyDocument"], node.scope):
            raise ServiceError("AccessDeniedException", f"Systems Manager's attempt to assume the role {node.role} failed.")
        seconds = float(node.tags.get(TOKEN_TAG, TOKEN_SECONDS))
        token = world.token(str(found["Arn"]), node.id, seconds)
        return {
            "AccessKeyId": token.access_key_id,
            "SecretAccessKey": token.secret_access_key,
            "SessionToken": token.session_token,
            "TokenExpirationDate": now + seconds,
            "UpdateKeyPair": False,
        }

    def _heard(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        node = self._node(request, scope)
        node.heard = now
        kept = ("AgentVersion", "PlatformType", "PlatformName", "PlatformVersion", "IPAddress", "ComputerName")
        node.said = {name: str(request[name]) for name in kept if request.get(name)}
        return {}

    # Nodes

    def _instances(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        nodes = [each for each in self.nodes.values() if _same(each.scope, scope)]
        rows = [(each.document(now), each.tags) for each in nodes] + [(each, {}) for each in world.instances()]
        wanted = [(each["Key"], each["Values"]) for each in request.get("Filters", [])]
        wanted += [(each["key"], each["valueSet"]) for each in request.get("InstanceInformationFilterList", [])]
        for key, values in wanted:
            rows = [(row, tags) for row, tags in rows if _attribute(key, row, tags) in values]
        return page("InstanceInformationList", [row for row, _tags in rows], request, range(5, 51))

    def _deregister(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        del self.nodes[self._node(request, scope).id]
        return {}

    def _change_role(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        self._node(request, scope).role = str(request["IamRole"])
        return {}

    def _node(self, request: Document, scope: Scope) -> Node:
        wanted = str(request.get("InstanceId", ""))
        node = self.nodes.get(wanted)
        if node is None or not _same(node.scope, scope):
            raise ServiceError("InvalidInstanceId", f"Instance {wanted} is not registered as a managed instance.")
        return node

    # Their tags, which are the activation's at first

    def _tag(self, request: Document, scope: Scope, world: World, now: float) -> Optional[Document]:
        if request.get("ResourceType") != "ManagedInstance":
            return None
        self._tagged(request, scope).tags.update({each["Key"]: each["Value"] for each in request.get("Tags", [])})
        return {}

    def _untag(self, request: Document, scope: Scope, world: World, now: float) -> Optional[Document]:
        if request.get("ResourceType") != "ManagedInstance":
            return None
        node = self._tagged(request, scope)
        node.tags = {name: value for name, value in node.tags.items() if name not in request.get("TagKeys", [])}
        return {}

    def _tags(self, request: Document, scope: Scope, world: World, now: float) -> Optional[Document]:
        if request.get("ResourceType") != "ManagedInstance":
            return None
        return {"TagList": [{"Key": name, "Value": value} for name, value in self._tagged(request, scope).tags.items()]}

    def _tagged(self, request: Document, scope: Scope) -> Node:
        node = self.nodes.get(str(request.get("ResourceId")))
        if node is None or not _same(node.scope, scope):
            raise ServiceError("InvalidResourceId", "The resource ID is not valid.")
        return node


def _attribute(key: str, row: Document, tags: Mapping[str, str]) -> Optional[str]:
    if key.startswith("tag:"):
        return tags.get(key[len("tag:") :])
    names = {"InstanceIds": "InstanceId", "PlatformTypes": "PlatformType", "ActivationIds": "ActivationId"}
    known = ("AgentVersion", "PingStatus", "IamRole", "ResourceType", "AssociationStatus", "SourceIds", "SourceTypes")
    if key not in names and key not in known:
        raise ServiceError("InvalidFilterKey", "The specified key is not valid.")
    value = row.get(names.get(key, key))
    return None if value is None else str(value)


def _role_name(arn: str) -> str:
    return arn.partition(":role/")[2]


def _same(one: Scope, other: Scope) -> bool:
    return (one.account, one.region) == (other.account, other.region)
