# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is repeated: the table, and botocore's clients with it."""

from __future__ import annotations

import json

import boto3
import botocore.endpoint
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws import session
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.access_keys import AccessKeys, NoKey
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.activations import Activations, NoActivation
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.state import Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.says_aws import repeats
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

NOT_NOW = {
    "ConcurrentModification": True,
    "ConcurrentModificationException": True,
    "EntityTemporarilyUnmodifiable": True,
    "OperationAborted": True,
    "OperationAbortedException": True,
    "RequestLimitExceeded": True,
    "SlowDown": True,
    "Throttling": True,
    "ThrottlingException": True,
    "TooManyRequestsException": True,
    "TooManyUpdates": True,
    # What may have taken effect is botocore's to repeat, where the client repeats at all.
    "InternalFailure": False,
    "InternalServerError": False,
    "ServiceFailure": False,
    "ServiceUnavailable": False,
    # What waits for this run's own changes is repeated where they were made.
    "DeleteConflict": False,
    "InvalidClientTokenId": False,
    "NoSuchEntity": False,
    # What stays.
    "AccessDenied": False,
    "EntityAlreadyExists": False,
    "LimitExceeded": False,
    "LimitExceededException": False,
    "": False,
}


@pytest.mark.parametrize(("code", "expected"), NOT_NOW.items())
def test_which_refusals_pass(code, expected):
    assert repeats.not_now(code) is expected
    assert (repeats.pause(code, 1, 5, 1) is not None) is expected


def test_pauses_grow_up_to_a_bound_and_are_drawn():
    assert [repeats.pause("Throttling", attempt, 11, 1) for attempt in range(1, 11)] == [1, 2, 4, 8, 16, 20, 20, 20, 20, 20]
    assert repeats.pause("Throttling", 4, 11, 0.25) == 2


@pytest.mark.parametrize(("attempt", "attempts", "repeated"), [(1, 1, False), (1, 2, True), (2, 2, False), (10, 11, True), (11, 11, False)])
def test_attempts_are_bounded(attempt, attempts, repeated):
    assert (repeats.pause("TooManyUpdates", attempt, attempts, 1) is not None) is repeated


def refusals(client, code, status, times):
    """Let the first calls of a client be refused, and return what comes to the wire."""
    sent = []

    def answer(request, **_event):
        sent.append(request)
        if client.meta.service_model.metadata["protocol"] == "query":
            refused, success = f"<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>", "<r/>"
        else:
            refused, success = json.dumps({"__type": code, "message": "m"}), "{}"
        body = (refused if len(sent) <= times else success).encode()
        made = AWSResponse(request.url, status if len(sent) <= times else 200, {}, None)
        made._content = body
        return made

    client.meta.events.register("before-send", answer)
    return sent


@pytest.fixture
def slept(monkeypatch):
    seconds: list[float] = []
    monkeypatch.setattr(botocore.endpoint.time, "sleep", seconds.append)
    return seconds


def make(service, patient=True, **retries):
    def client(name, **options):
        return boto3.client(name, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s", **options)

    return (session.patient(client) if patient else client)(service, config=Config(retries=retries) if retries else None)


CALLS = {"iam": ("tag_user", {"UserName": "u", "Tags": []}), "ssm": ("delete_parameter", {"Name": "p"})}


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("iam", "ConcurrentModification", 409),
        ("iam", "EntityTemporarilyUnmodifiable", 409),
        ("iam", "Throttling", 400),
        ("iam", "RequestLimitExceeded", 503),
        ("iam", "ServiceFailure", 500),
        ("ssm", "TooManyUpdates", 400),
        ("ssm", "ThrottlingException", 400),
        ("ssm", "InternalServerError", 500),
    ],
)
def test_clients_of_ours_repeat_in_each_mode(service, code, status, mode, slept):
    client = make(service, mode=mode, total_max_attempts=4)
    sent = refusals(client, code, status, 3)
    operation, arguments = CALLS[service]
    getattr(client, operation)(**arguments)
    assert len(sent) == 4
    assert len(slept) == 3


@pytest.mark.parametrize("code", ["ConcurrentModification", "EntityTemporarilyUnmodifiable"])
def test_botocore_alone_does_not(code, slept):
    client = make("iam", patient=False, mode="adaptive", total_max_attempts=4)
    sent = refusals(client, code, 409, 1)
    with pytest.raises(ClientError):
        client.tag_user(UserName="u", Tags=[])
    assert len(sent) == 1, "botocore repeats it now: the table may lose it"


def test_the_attempts_of_the_client_are_the_bound(slept):
    client = make("iam", mode="standard", total_max_attempts=3)
    sent = refusals(client, "ConcurrentModification", 409, 9)
    with pytest.raises(ClientError):
        client.tag_user(UserName="u", Tags=[])
    assert len(sent) == 3


def test_a_client_that_tries_once_tries_once(slept):
    client = make("iam", mode="standard", total_max_attempts=1)
    sent = refusals(client, "Throttling", 400, 9)
    with pytest.raises(ClientError):
        client.create_access_key(UserName="u")
    assert len(sent) == 1
    assert not slept


def test_without_a_word_it_is_botocores_own_number(slept):
    client = make("iam")
    sent = refusals(client, "ConcurrentModification", 409, 9)
    with pytest.raises(ClientError):
        client.tag_user(UserName="u", Tags=[])
    assert len(sent) == 5


def test_what_stays_refused_is_said_at_once(slept):
    client = make("iam", mode="adaptive", total_max_attempts=4)
    sent = refusals(client, "AccessDenied", 403, 9)
    with pytest.raises(ClientError):
        client.tag_user(UserName="u", Tags=[])
    assert len(sent) == 1


# What is made once, by a client that tries once. A refusal has made nothing, so it is no answer that was lost.


class Once:
    """A service whose one operation gives these answers in turn."""

    def __init__(self, operation, made, *refused) -> None:
        self.made, self.refused, self.slept = made, list(refused), []
        setattr(self, operation, self._answer)

    def client(self, _service, **_options):
        return self

    def _answer(self, **_asked):
        if not self.refused:
            return self.made
        code, status = self.refused.pop(0)
        error = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(error, "Create")


PASSING = [("Throttling", 400), ("RequestLimitExceeded", 503), ("ConcurrentModification", 409), ("EntityTemporarilyUnmodifiable", 409)]


def new_key(*refused):
    iam = Once("create_access_key", {"AccessKey": {"AccessKeyId": "AKIANEW", "SecretAccessKey": "s"}}, *refused)
    return iam, AccessKeys(iam.client, "web1", None, iam.slept.append)


def new_activation(*refused):
    ssm = Once("create_activation", {"ActivationId": "a-1", "ActivationCode": "c"}, *refused)
    rules = Rules(region="eu-west-1", name="web1", iam_role="SSMServiceRole", tags={})
    return ssm, Activations(ssm.client, rules, None, ssm.slept.append)


@pytest.mark.parametrize("refused", PASSING, ids=str)
@pytest.mark.parametrize(("make", "made"), [(new_key, "AKIANEW"), (new_activation, "a-1")])
def test_what_is_made_once_waits_out_a_refusal(make, made, refused):
    service, maker = make(refused, refused)
    found = maker.create()
    assert getattr(found, "id", "") == made or found[0].id == made
    assert service.slept == [5, 5]


def test_a_key_that_stays_refused_is_told_as_refused():
    """Not as perhaps made: nobody has to look for it."""
    service, maker = new_key(*[("RequestLimitExceeded", 503)] * 30)
    with pytest.raises(ClientError, match="RequestLimitExceeded"):
        maker.create()
    assert sum(service.slept) == 120


def test_an_activation_that_stays_refused_is_told_as_refused():
    service, maker = new_activation(*[("ThrottlingException", 400)] * 30)
    with pytest.raises(NoActivation, match="AWS made no activation: .*Throttling"):
        maker.create()
    assert sum(service.slept) == 30


def test_what_may_have_been_made_is_never_repeated():
    service, maker = new_key(("ServiceFailure", 500))
    with pytest.raises(NoKey, match="not known"):
        maker.create()
    assert not service.slept
