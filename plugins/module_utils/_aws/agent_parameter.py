# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameter that holds the agent's configuration: what is called, and nothing about when.

Calls: ssm GetParameter, DescribeParameters, ListTagsForResource, PutParameter, AddTagsToResource, DeleteParameter; kms DescribeKey;
iam GetRole, SimulatePrincipalPolicy.

No error leaves here with the value of a SecureString in it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Callable, Dict, Mapping, Optional

from .._model.agent_parameter import SECURE, Parameter, Verdict
from .._model.errors import Outdated, Refusal
from .._model.gives_away import gives_away
from .parameter import said
from .session import CLIENT_CONFIG, Retry, error_code

with suppress(ImportError):  # the plugin says so before anything is called
    from botocore import exceptions as boto

_FRESH_SECONDS = 30
DENIED = frozenset({"AccessDenied", "UnauthorizedOperation"})


class NotRead(Exception):
    """What is there could not be read. The text holds no value."""


class NotSaved(Exception):
    """PutParameter did not succeed. ``passing``: it may, once AWS knows everywhere what was just granted."""

    def __init__(self, text: str, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


PASSING = DENIED | {"InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "ExpiredToken"}
"""What AWS says to a permission or key that it does not know everywhere yet."""


class ConfigParameter:
    """A parameter by its name.

    :param client: makes a boto3 client of a service, with the caller's options.
    """

    def __init__(self, client: Callable[..., Any], name: str) -> None:
        self._client = client
        self._ssm = client("ssm", config=CLIENT_CONFIG)
        self._name = name

    @property
    def endpoint(self) -> str:
        """The address that the caller's own calls go to."""
        return str(self._ssm.meta.endpoint_url)

    def read(self) -> Optional[Parameter]:
        """Return what is there; ``None`` for none.

        :raises Refusal: when the caller may not read it.
        :raises NotRead: when the answer says nothing that can be understood.
        """
        found: Mapping[str, Any] = {}
        unread = ""
        try:
            found = self._ssm.get_parameter(Name=self._name, WithDecryption=True)["Parameter"]
        except boto.ClientError as error:
            code = error_code(error)
            if code == "ParameterNotFound":
                return None
            if code in DENIED:
                raise Refusal(
                    f"The caller's credentials may not read parameter {self._name}: {error}. It is read first, so that nobody gets the "
                    "permission to write where nothing is to be written. Allow ssm:GetParameter on it, and kms:Decrypt on its key."
                ) from error
            if str(error) == said(error):
                raise
            unread = said(error)
        except (KeyError, TypeError) as error:
            unread = type(error).__name__
        if unread:  # outside of the handler, so that no traceback leads to a text with the value in it
            raise NotRead(f"AWS's answer to GetParameter of {self._name} could not be read ({unread}). Run again.")
        more = self._described()
        tags = self._ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=self._name)["TagList"]
        return Parameter(
            text=found["Value"],
            kind=found["Type"],
            version=found["Version"],
            tier=more.get("Tier") or "Standard",
            description=more.get("Description") or "",
            kms_key_id=more.get("KeyId") or "",
            tags={tag["Key"]: tag["Value"] for tag in tags},
            saved_by=more.get("LastModifiedUser") or "",
        )

    def version(self) -> int:
        """Return the version that is there now; 0 for none."""
        try:
            return int(self._ssm.get_parameter(Name=self._name)["Parameter"]["Version"])
        except boto.ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise
            return 0

    def put(self, wanted: Parameter, exists: bool, with_tags: bool, credentials: Optional[Mapping[str, str]] = None) -> int:
        """Write a version and return its number.

        :param with_tags: in the same call, for one that is made with the caller's own permissions.
        :param credentials: of the lease, as arguments of a client; the caller's own without them.
        :raises NotSaved: with what AWS said.
        :raises Outdated: where it is there meanwhile.
        """
        ssm = self._client("ssm", config=CLIENT_CONFIG, **credentials) if credentials else self._ssm
        more: Dict[str, Any] = {"Tags": _listed(wanted.tags)} if with_tags and not exists else {}
        failed, passing = "", False
        try:
            return int(ssm.put_parameter(**request(self._name, wanted, exists), **more)["Version"])
        except boto.ClientError as error:
            if error_code(error) == "ParameterAlreadyExists":
                raise Outdated(f"Parameter {self._name} was not there a moment ago: another run has made it. Run again.") from None
            failed, passing = without(str(error), wanted, error_code(error)), error_code(error) in PASSING
        except boto.ParamValidationError as error:
            failed = type(error).__name__ if wanted.kind == SECURE else str(error)
        # Outside of the handler, so that no traceback leads to a text with the value in it.
        raise NotSaved(failed, passing)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Tag it. Where one that was just made is not known yet, it is waited for: without its owner's tag no later run would touch it."""
        given = {"ResourceType": "Parameter", "ResourceId": self._name, "Tags": _listed(tags)}
        Retry(_FRESH_SECONDS)(self._ssm.add_tags_to_resource, given, frozenset({"InvalidResourceId"}))

    def delete(self) -> None:
        try:
            self._ssm.delete_parameter(Name=self._name)
        except boto.ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise

    def same_key(self, one: str, other: str) -> bool:
        """Return whether two names of KMS keys are those of one."""
        if one == other:
            return True
        kms = self._client("kms", config=CLIENT_CONFIG)
        arns = {kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] for name in (one, other)}
        return len(arns) == 1

    def simulated(self, writer: str, parameter_arn: str) -> Optional[Verdict]:
        """Return what the writer's own policies say of ssm:PutParameter; ``None`` where the caller may not ask.

        :param writer: ARN of a role, a role's session, or a user.
        """
        iam = self._client("iam", config=CLIENT_CONFIG)
        try:
            if ":assumed-role/" in writer:
                writer = iam.get_role(RoleName=writer.split("/")[1])["Role"]["Arn"]
            answer = iam.simulate_principal_policy(PolicySourceArn=writer, ActionNames=["ssm:PutParameter"], ResourceArns=[parameter_arn])[
                "EvaluationResults"
            ][0]
        except boto.ClientError as error:
            # InvalidInput: what no policies are asked of, such as the account's root user or a federated one.
            if error_code(error) not in DENIED | {"InvalidInput", "NoSuchEntity"}:
                raise
            return None
        boundary = answer.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True)
        return Verdict(answer["EvalDecision"], bool(boundary))

    def _described(self) -> Mapping[str, Any]:
        filters = [{"Key": "Name", "Option": "Equals", "Values": [self._name]}]
        pages = self._ssm.get_paginator("describe_parameters").paginate(ParameterFilters=filters)
        return next((entry for page in pages for entry in page["Parameters"]), {})


def request(name: str, wanted: Parameter, exists: bool) -> Dict[str, Any]:
    """Return what PutParameter is given; a description or tier that is left out could be lost."""
    given = {"Name": name, "Value": wanted.text, "Type": wanted.kind, "Tier": wanted.tier, "Overwrite": exists}
    if wanted.description or exists:
        given["Description"] = wanted.description
    if wanted.kind == SECURE and wanted.kms_key_id:
        given["KeyId"] = wanted.kms_key_id
    return given


def without(text: str, wanted: Parameter, code: str = "") -> str:
    """Return what was said; where that quotes a value that is not shown, be it in part, the code alone."""
    hidden = wanted.kind == SECURE and gives_away(text, wanted.text)
    return f"AWS refused the value{code and f' ({code})'}" if hidden else text


def _listed(tags: Mapping[str, str]) -> Any:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
