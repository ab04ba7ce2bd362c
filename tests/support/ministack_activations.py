# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hybrid activations in ministack, which enforces IAM: a node's tokens can do what its role's policies allow, and no more."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from tests.support.activations import UNSIGNED, Activations, Document, Scope, ServiceError, Token
from tests.support.activations.node_signature import region, signer, verified

# Operations on one thing, which policies may name: the member of the request that names it, and how its ARN is made.
RESOURCES: Mapping[str, Tuple[str, str]] = {
    "DeregisterManagedInstance": ("InstanceId", "managed-instance/"),
    "UpdateInstanceInformation": ("InstanceId", "managed-instance/"),
    "UpdateManagedInstanceRole": ("InstanceId", "managed-instance/"),
    "GetServiceSetting": ("SettingId", "servicesetting"),
    "UpdateServiceSetting": ("SettingId", "servicesetting"),
    "ResetServiceSetting": ("SettingId", "servicesetting"),
}


class Asked:
    """What the state asks of ministack while it answers one request."""

    def __init__(self, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> None:
        self._headers = headers
        self._body = body
        self._query = query

    def role(self, name: str) -> Optional[Document]:
        from ministack.services import iam  # type: ignore[import-untyped]

        found = iam._roles.get(name)
        return found and {"Arn": found["Arn"], "AssumeRolePolicyDocument": json.loads(found["AssumeRolePolicyDocument"])}

    def token(self, role_arn: str, session: str, seconds: float) -> Token:
        from ministack.services import iam, sts

        token = Token(iam._gen_session_access_key(), iam._gen_secret(), iam._gen_session_token())
        arn, _error = sts._assumed_role_arn(role_arn, session)
        record = {
            "Arn": arn,
            "UserId": f"{sts._role_id(role_arn)}:{session}",
            "SecretAccessKey": token.secret_access_key,
            "SessionToken": token.session_token,
            "Expiration": time.time() + seconds,
            "AccountId": role_arn.split(":")[4],
            "PrincipalType": "AssumedRole",
            "SessionTags": [],
            "SessionPolicies": None,
        }
        sts.register_session(token.access_key_id, record)
        return token

    def may_pass(self, role_arn: str) -> bool:
        from ministack.app import AUTH  # type: ignore[import-untyped]
        from ministack.core.iam_evaluator import enforce  # type: ignore[import-untyped]
        from ministack.core.responses import get_region  # type: ignore[import-untyped]
        from ministack.core.router import extract_access_key_id  # type: ignore[import-untyped]

        key = extract_access_key_id(self._headers, self._query)
        context = {"iam:passedtoservice": "ssm.amazonaws.com"}
        return not AUTH or not enforce(key, "iam:PassRole", "iam", get_region(), resource_arn=role_arn, service_context=context)

    def signed_by(self, public_key: str) -> bool:
        return verified(public_key, self._headers, self._body)

    def instances(self) -> List[Document]:
        from ministack.services import ssm

        status, _headers, answer = ssm._describe_instance_information({"MaxResults": 1_000_000})
        assert status == 200
        return list(json.loads(answer)["InstanceInformationList"])


def teach() -> None:
    """Add activations to the emulator in this process."""
    from ministack import app  # type: ignore[import-untyped]
    from ministack.core import iam_actions  # type: ignore[import-untyped]
    from ministack.core.iam_evaluator import request_caller_arn
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import ssm

    state = Activations()

    async def handle(
        method: str, path: str, headers: Dict[str, str], body: bytes, query: Dict[str, Any], others: Any = ssm.handle_request
    ) -> Any:
        operation = _operation(headers)
        if operation.endswith("ServiceSetting"):
            # It has those itself, and its parameters heed them.
            return await others(method, path, headers, body, query)
        request = json.loads(body or b"{}")
        where = state.region(operation, request) or region(headers) or get_region()
        caller = signer(headers) if operation in UNSIGNED else request_caller_arn(headers, query)
        try:
            answer = state.call(operation, request, Scope(get_account_id(), where, caller), Asked(headers, body, query), time.time())
        except ServiceError as error:
            return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(error.document()).encode()
        if answer is None:
            return await others(method, path, headers, body, query)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    def action(
        service: str, method: str, path: str, headers: Dict[str, str], *more: Any, known: Any = iam_actions.extract_iam_action
    ) -> Any:
        return None if service == "ssm" and _operation(headers) in UNSIGNED else known(service, method, path, headers, *more)

    def resource(
        service: str,
        method: str,
        path: str,
        headers: Dict[str, str],
        body: bytes,
        *more: Any,
        known: Any = iam_actions.extract_resource_arn,
    ) -> Any:
        operation = _operation(headers)
        if service != "ssm" or operation not in RESOURCES:
            return known(service, method, path, headers, body, *more)
        member, prefix = RESOURCES[operation]
        named = str(json.loads(body or b"{}").get(member, ""))
        return named if named.startswith("arn:") else f"arn:aws:ssm:{region(headers)}:{get_account_id()}:{prefix}{named}"

    def authenticate(service: str, headers: Dict[str, str], *more: Any, known: Any = app._authenticate_only) -> Any:
        return None if service == "ssm" and _operation(headers) in UNSIGNED else known(service, headers, *more)

    def forget(known: Any = ssm.reset) -> None:
        known()
        state.reset()

    ssm.handle_request, ssm.reset = handle, forget
    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, resource
    app._authenticate_only = authenticate


def _operation(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]
