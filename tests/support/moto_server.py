# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""moto's server, taught hybrid activations, the nodes registered with them, and service settings."""

from __future__ import annotations

import copy
import json
import time
from typing import Any, Dict, List, Mapping, Optional

from tests.support.activations import UNSIGNED, Activations, Document, Scope, ServiceError, Token
from tests.support.activations.node_signature import region, signer, verified


class Asked:
    """What the state asks of moto while it answers one request."""

    def __init__(self, account: str, headers: Mapping[str, str], body: bytes) -> None:
        self._account = account
        self._headers = headers
        self._body = body

    def role(self, name: str) -> Optional[Document]:
        from moto.iam.models import iam_backends

        for role in iam_backends[self._account]["aws"].roles.values():
            if role.name == name:
                return {"Arn": role.arn, "AssumeRolePolicyDocument": json.loads(role.assume_role_policy_document)}
        return None

    def token(self, role_arn: str, session: str, seconds: float) -> Token:
        from moto.sts.models import sts_backends

        assumed = sts_backends[self._account]["aws"].assume_role("us-east-1", session, role_arn, "", int(seconds), "")
        return Token(assumed.access_key_id, assumed.secret_access_key, assumed.session_token)

    def may_pass(self, role_arn: str) -> bool:
        return True

    def signed_by(self, public_key: str) -> bool:
        return verified(public_key, self._headers, self._body)

    def instances(self) -> List[Document]:
        return []


def teach() -> None:
    """Add to the emulator in this process."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.ec2 import utils as ec2
    from moto.moto_api._internal.models import MotoAPIBackend
    from moto.moto_server.werkzeug_app import UNSIGNED_REQUESTS
    from moto.ssm.responses import SimpleSystemManagerResponse

    state = Activations()

    def dispatch(self: Any, request: Any, *more: Any, others: Any = SimpleSystemManagerResponse._dispatch) -> Any:
        headers = {name.lower(): value for name, value in request.headers.items()}
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        body = request.data
        document: Dict[str, Any] = json.loads(body or b"{}")
        where = state.region(operation, document) or region(headers) or "us-east-1"
        scope = Scope(DEFAULT_ACCOUNT_ID, where, signer(headers) if operation in UNSIGNED else "")
        try:
            answer = state.call(operation, document, scope, Asked(DEFAULT_ACCOUNT_ID, headers, body), time.time())
        except ServiceError as error:
            return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(error.document())
        if answer is None:
            return others(self, request, *more)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer)

    def forget(self: Any, *arguments: Any, known: Any = MotoAPIBackend.reset, **named: Any) -> None:
        known(self, *arguments, **named)
        state.reset()

    _read_policies_once()
    _list_no_service_credentials()
    ec2.filter_dict_attribute_mapping["iam-instance-profile.arn"] = "iam_instance_profile.Arn"
    UNSIGNED_REQUESTS["AmazonSSM"] = ("ssm", "us-east-1")
    SimpleSystemManagerResponse._dispatch = dispatch  # type: ignore[assignment,method-assign]
    MotoAPIBackend.reset = forget  # type: ignore[method-assign]


def _read_policies_once() -> None:
    """AWS's policies are more than a thousand, and moto reads their texts anew with each reset, twice: that takes two seconds."""
    from moto.iam.models import IAMBackend, ManagedPolicy

    read = IAMBackend._init_aws_policies
    known: List[ManagedPolicy] = []

    def own(self: IAMBackend) -> List[ManagedPolicy]:
        known.extend([] if known else read(self))
        policies = [copy.copy(policy) for policy in known]
        for policy in policies:
            policy.versions, policy.tags = list(policy.versions), dict(policy.tags)
        return policies

    IAMBackend._init_aws_policies = own  # type: ignore[method-assign]


def _list_no_service_credentials() -> None:
    """moto has none, and does not know the question, which is asked of a user that goes."""
    from moto.iam.responses import IamResponse

    answer = (
        '<ListServiceSpecificCredentialsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListServiceSpecificCredentialsResult>'
        "<ServiceSpecificCredentials/></ListServiceSpecificCredentialsResult></ListServiceSpecificCredentialsResponse>"
    )
    IamResponse.list_service_specific_credentials = lambda _self: answer  # type: ignore[attr-defined]


if __name__ == "__main__":
    teach()
    from moto.server import main

    main()
