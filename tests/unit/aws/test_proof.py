# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verification of a new key, and the proof that a host signs, against answers that a real AWS gives."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import boto3
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.proof import HostProof, NotVerified, WrongEndpoint, verify
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.credentials import sign
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key, Proof
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARN = "arn:aws:iam::123456789012:user/web1"
KEY = Key("AKIA1", True, NOW)


def refused(code, message="x"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


class Sts:
    """Answers in the order given, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    def get_caller_identity(self):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"Arn": answer}


SCOPED = "Credential should be scoped to a valid region."
UNKNOWN = refused("InvalidClientTokenId")


@pytest.mark.parametrize(
    ("answers", "replaces", "asked", "at_least"),
    [
        ([ARN], False, 3, 0),
        ([UNKNOWN, ARN], False, 4, 2),
        ([ARN, ARN, UNKNOWN, ARN], False, 6, 2),
        ([refused("SignatureDoesNotMatch"), ARN], False, 4, 2),
        ([ARN], True, None, 30),
    ],
)
def test_verified(answers, replaces, asked, at_least):
    sts, slept = Sts(*answers), []
    verify(lambda *_a, **_m: sts, "eu-west-1", KEY, "s", ARN, replaces, 120, slept.append)
    assert asked in (None, sts.asked) and sum(slept) >= at_least
    assert replaces or sum(slept) < 10


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (UNKNOWN, NotVerified, "within 60 seconds"),
        ("arn:aws:iam::123456789012:user/other", NotVerified, "user/other"),
        (refused("AccessDenied"), ClientError, "AccessDenied"),
        (refused("SignatureDoesNotMatch", SCOPED), WrongEndpoint, "endpoint_url"),
        (refused("SignatureDoesNotMatch", "Signature expired: x"), ClientError, "expired"),
    ],
)
def test_not_verified(answer, error, says):
    slept = []
    with pytest.raises(error, match=says):
        verify(lambda *_a, **_m: Sts(answer), "eu-west-1", KEY, "s", ARN, False, 60, slept.append)
    assert sum(slept) <= 60


def test_a_replacement_gets_the_time_it_needs():
    slept = []
    verify(lambda *_a, **_m: Sts(ARN), "eu-west-1", KEY, "s", ARN, True, 3, slept.append)
    assert 30 <= sum(slept) <= 34
    with pytest.raises(NotVerified, match="within 34 seconds.*InvalidClientTokenId"):
        verify(lambda *_a, **_m: Sts(UNKNOWN), "eu-west-1", KEY, "s", ARN, True, 3, lambda _seconds: None)


def test_verified_as_the_new_key_alone():
    asked = {}
    verify(lambda *_a, **more: asked.update(more) or Sts(ARN), "eu-west-1", KEY, "s", ARN, False, 60, lambda _s: None)
    assert asked["aws_access_key_id"] == "AKIA1" and asked["aws_session_token"] is None and asked["profile_name"] is None


def client(service, region, config):
    plain = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator", "region_name": region}
    return boto3.session.Session(**plain).client(service, config=Config(**config, retries={"max_attempts": 0}))


def test_what_is_sent_is_what_was_signed():
    """The request that goes out carries the signature that botocore itself would have made with the host's secret."""
    proof = HostProof(client, "eu-west-1")
    asked = proof.ask(NOW)
    signature = sign("s3cr3t", asked["scope"], asked["string_to_sign"])
    sent = []
    body = f"<R><GetCallerIdentityResult><Arn>{ARN}</Arn></GetCallerIdentityResult></R>".encode()

    class Raw:
        def stream(self, **_more):
            yield body

    def capture(request, **_event):
        sent.append(request)
        return AWSResponse(request.url, 200, {}, Raw())

    proof._sts.meta.events.register_last("before-send.sts.GetCallerIdentity", capture)
    assert proof.judge("AKIAHOST", signature, ARN) == (Proof.PROVEN, ARN)
    assert proof.judge("AKIAHOST", signature, ARN + "2") == (Proof.FOREIGN, ARN)
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in sent[0].headers.items()}
    assert sent[0].url == "https://sts.eu-west-1.amazonaws.com/" and headers["x-amz-date"] == "20260301T120000Z"
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAHOST/20260301/eu-west-1/sts/aws4_request, SignedHeaders=")
    assert headers["authorization"].endswith(signature) and "x-amz-security-token" not in headers


@pytest.mark.parametrize(
    ("code", "message", "verdict"),
    [
        ("InvalidClientTokenId", "The security token included in the request is invalid", Proof.UNKNOWN),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", Proof.WRONG),
        ("SignatureDoesNotMatch", "Signature expired: 20260301T120000Z is now earlier than 20260301T130000Z", None),
        ("SignatureDoesNotMatch", "Signature not yet current: 20260301T120000Z is still later than", None),
        ("Throttling", "Rate exceeded", None),
        ("SignatureDoesNotMatch", SCOPED, None),
    ],
)
def test_verdicts(monkeypatch, code, message, verdict):
    proof = HostProof(client, "eu-west-1")
    proof.ask(NOW)
    monkeypatch.setattr(proof, "_sts", Sts(refused(code, message)))
    if verdict is None:
        with pytest.raises(
            WrongEndpoint if message == SCOPED else ClientError, match="eu-west-1.*endpoint_url" if message == SCOPED else code
        ):
            proof.judge("AKIA1", "x", ARN)
    else:
        assert proof.judge("AKIA1", "x", ARN) == (verdict, message)


@pytest.mark.parametrize("configured", ["variable", "file"])
def test_the_regions_own_endpoint(monkeypatch, tmp_path, configured):
    if configured == "variable":
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    else:
        (tmp_path / "config").write_text("[default]\nsts_regional_endpoints = legacy\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    legacy = client("sts", "eu-west-1", {})
    assert legacy.meta.endpoint_url == "https://sts.amazonaws.com", "the test sets nothing"
    before = dict(os.environ)
    proof = HostProof(client, "eu-west-1")
    proof.ask(NOW)
    assert proof._unsent().url == "https://sts.eu-west-1.amazonaws.com/"
    made = []

    def noted(service, region, **_more):
        made.append(client(service, region, {}))
        return Sts(ARN)

    verify(noted, "eu-west-1", KEY, "s", ARN, False, 60, lambda _seconds: None)
    assert made[0].meta.endpoint_url == "https://sts.eu-west-1.amazonaws.com" and dict(os.environ) == before


def test_the_opt_in_endpoint_is_the_hosts():
    proof = HostProof(client, "cn-north-1")
    assert "/cn-north-1/sts/" in proof.ask(NOW)["scope"]
