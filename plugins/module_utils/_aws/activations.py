# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hybrid activations and the nodes that come of them: what is called, and nothing about when.

Calls: ssm CreateActivation, AddTagsToResource (asked for by CreateActivation with tags), DescribeActivations, DeleteActivation,
DescribeInstanceInformation, UpdateManagedInstanceRole, DeregisterManagedInstance; iam PassRole for the role of the nodes.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .._model.registration.state import HOST_TAG, Activation, Node, Rules
from .._model.tags import OWNER_TAG
from .session import CLIENT_CONFIG, error_code, not_now

with suppress(ImportError):  # the plugin says so before anything is called
    from botocore import exceptions as boto

ROLE_SECONDS = 30
"""How long a role that was just made may be unknown to Systems Manager."""
_GAP = 5
_LOOKS = (1.0, 2.0, 4.0)
_NOT_SENT = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "NoCredentialsError", "ParamValidationError")
_NO_ROLE = ("nonexistent role", "not existing role", "missing ssm service principal")


class NoActivation(Exception):
    """None came of it that anybody can use. The text says what is left of it."""


@dataclass(frozen=True)
class Made:
    """An activation as AWS shows it once."""

    id: str
    code: str = field(repr=False)


class Activations:
    """The activations and nodes of one host.

    :param client: makes a boto3 client of a service, with the caller's options: ``client("ssm", **more)``.
    :param options: the caller's ``aws_config``, which a client of our own must not let override its retries.
    :param pause: sleeps so many seconds; raises when the run is to end.
    """

    def __init__(
        self, client: Callable[..., Any], rules: Rules, options: Optional[Mapping[str, Any]], pause: Callable[[float], None]
    ) -> None:
        self._client = client
        self._rules = rules
        self._options = dict(options or {})
        self._pause = pause
        self._clients: Dict[str, Any] = {}
        self._heard_at = time.monotonic()
        self._date = datetime.now(timezone.utc)

    @property
    def now(self) -> datetime:
        """The date of AWS's latest answer and the time since; the controller's clock until there is one, or where it has no date."""
        return self._date + timedelta(seconds=time.monotonic() - self._heard_at)

    def node(self, instance: str, region: str) -> Optional[Node]:
        """Return a node; ``None`` for one that AWS does not list."""
        try:
            answer = self._ssm(region).describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [instance]}])
        except boto.ClientError as error:
            if error_code(error) != "InvalidInstanceId":
                raise
            return None
        return next((_node(found) for found in self._heard(answer)["InstanceInformationList"] if found["InstanceId"] == instance), None)

    def nodes(self) -> Tuple[Node, ...]:
        """Return the nodes that activations of ours made of this host: by their tags, which no other filter goes with, and by name."""
        wanted = {OWNER_TAG: self._rules.owned_by, HOST_TAG: self._rules.name}
        filters = [{"Key": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
        pages = self._ssm(self._rules.region).get_paginator("describe_instance_information").paginate(Filters=filters)
        nodes = [_node(found) for page in pages for found in self._heard(page)["InstanceInformationList"]]
        return tuple(node for node in nodes if node.id.startswith("mi-") and node.name == self._rules.name)

    def left(self) -> Tuple[Activation, ...]:
        """Return the activations that runs of ours made for this host and left behind."""
        return tuple(Activation(found["ActivationId"], found.get("Description", "")) for found in self._listed() if self._ours(found))

    def create(self) -> Made:
        """Return a new activation for one host.

        One attempt: a repeated call whose first answer was lost would leave an activation whose code somebody may have read. It is
        looked for by its description and deleted. An answer that says no is repeated where a role was just made.

        :raises NoActivation: with what is left, when there is none or its code is not known.
        """
        ssm = self._client("ssm", region=self._rules.region, aws_config=dict(self._options, retries=_ONCE))
        description = f"hybridops.aws_agents {uuid.uuid4().hex}"
        for waited in range(0, ROLE_SECONDS + 1, _GAP):
            lost = ""
            try:
                answer = self._heard(ssm.create_activation(**self._asked(description)))
                made = Made(answer["ActivationId"], answer["ActivationCode"])
            except boto.ClientError as error:
                lost = self._unclear(error, waited)
            except boto.BotoCoreError as error:
                if type(error).__name__ in _NOT_SENT:
                    raise NoActivation(f"CreateActivation was not sent: {error}") from error
                lost = type(error).__name__
            except Exception as error:  # noqa: BLE001  (an unreadable answer is quoted in the error's text, and holds the code)
                lost = type(error).__name__
            else:
                return made
            if lost:
                raise NoActivation(self._lost(description, lost))  # outside of the handler, so that no traceback leads to that text
            self._pause(_GAP)
        raise AssertionError("the last round raises")

    def delete(self, activation: str) -> None:
        """Delete an activation; one that is gone already is as good."""
        try:
            self._heard(self._ssm(self._rules.region).delete_activation(ActivationId=activation))
        except boto.ClientError as error:
            if error_code(error) not in ("InvalidActivation", "InvalidActivationId"):
                raise

    def change_role(self, instance: str) -> None:
        """Give a node the role of the rules."""
        self._ssm(self._rules.region).update_managed_instance_role(InstanceId=instance, IamRole=self._rules.iam_role)

    def deregister(self, instance: str, region: str) -> None:
        """Deregister a node; one that is gone already is as good."""
        try:
            self._ssm(region).deregister_managed_instance(InstanceId=instance)
        except boto.ClientError as error:
            if error_code(error) != "InvalidInstanceId":
                raise

    def _asked(self, description: str) -> Dict[str, Any]:
        tags = {**self._rules.tags, OWNER_TAG: self._rules.owned_by, HOST_TAG: self._rules.name}
        return {
            "Description": description,
            "DefaultInstanceName": self._rules.name,
            "IamRole": self._rules.iam_role,
            "RegistrationLimit": 1,
            "ExpirationDate": self.now + self._rules.expires_in,
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
        }

    def _unclear(self, error: Any, waited: int) -> str:
        """Return the code of an answer that leaves open whether there is an activation; empty for a role that may appear, and for a
        refusal that passes.

        :raises NoActivation: for an answer that says no, with the remedy.
        """
        if not_now(error) and waited < ROLE_SECONDS:
            return ""
        if not not_now(error) and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            return error_code(error) or "no code"
        no_role = any(words in str(error).lower() for words in _NO_ROLE)
        if no_role and waited < ROLE_SECONDS:
            return ""
        remedy = _role_remedy(self._rules.iam_role) if no_role else ""
        raise NoActivation(f"AWS made no activation: {error}{remedy}") from error

    def _lost(self, description: str, why: str) -> str:
        """Delete what a call may have made whose answer is lost, and say what is left."""
        told = f"AWS's answer to CreateActivation was lost ({why})"
        found: List[str] = []
        try:
            for seconds in (0.0, *_LOOKS):
                time.sleep(seconds)
                found = [activation["ActivationId"] for activation in self._listed() if activation.get("Description") == description]
                if found:
                    break
            for activation in found:
                self.delete(activation)
        except (boto.ClientError, boto.BotoCoreError) as error:
            names = f" Activation {', '.join(found)} is there: delete it." if found else ""
            return f"{told}, and what it made could not be looked for and deleted: {error}.{names} The host was not touched; run again"
        if found:
            return f"{told}. Activation {', '.join(found)} was found by its description and deleted. The host was not touched; run again"
        end = (self.now + self._rules.expires_in).strftime("%H:%M UTC")
        return (
            f"{told}, and AWS lists no activation of its description ({description}). If there is one, nobody knows its code, and it ends "
            f"by {end}. The host was not touched; run again"
        )

    def _listed(self) -> List[Dict[str, Any]]:
        filters = [{"FilterKey": "DefaultInstanceName", "FilterValues": [self._rules.name]}]
        pages = self._ssm(self._rules.region).get_paginator("describe_activations").paginate(Filters=filters)
        return [found for page in pages for found in self._heard(page).get("ActivationList", [])]

    def _ours(self, found: Mapping[str, Any]) -> bool:
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags") or []}
        return (tags.get(OWNER_TAG), tags.get(HOST_TAG)) == (self._rules.owned_by, self._rules.name)

    def _ssm(self, region: str) -> Any:
        if region not in self._clients:
            self._clients[region] = self._client("ssm", region=region, config=CLIENT_CONFIG)
        return self._clients[region]

    def _heard(self, answer: Any) -> Any:
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._date, self._heard_at = parsedate_to_datetime(date).astimezone(timezone.utc), time.monotonic()
        return answer


_ONCE = {"mode": "standard", "total_max_attempts": 1}


def _node(found: Mapping[str, Any]) -> Node:
    return Node(found["InstanceId"], found.get("PingStatus", ""), found.get("AgentVersion", ""), found.get("ComputerName", ""),
                found.get("Name", ""), found.get("IamRole", ""), found.get("LastPingDateTime"))  # fmt: skip


def _role_remedy(role: str) -> str:
    return (
        f". There must be a role {role} in this account, given with its path where it has one, that trusts ssm.amazonaws.com. "
        "The playbook hybridops.aws_agents.aws_access makes one"
    )
