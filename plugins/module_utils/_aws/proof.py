# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proof that a secret works: a call of sts GetCallerIdentity, signed where the secret lies.

See "Create a signed AWS API request" in AWS's IAM guide for the string to sign. It doesn't depend on the key, so one visit to the
host learns the key's id and brings the signature back.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from .._model.access_key import Key, Proof

try:
    from botocore import UNSIGNED
    from botocore import exceptions as boto
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:  # the plugin says so before anything is called
    pass

_VERDICTS = {
    "InvalidClientTokenId": Proof.UNKNOWN,
    "UnrecognizedClientException": Proof.UNKNOWN,
    "InvalidAccessKeyId": Proof.UNKNOWN,
    "SignatureDoesNotMatch": Proof.WRONG,
    "InvalidSignatureException": Proof.WRONG,
}
_REGIONAL = "AWS_STS_REGIONAL_ENDPOINTS"
_SETTLED_AGE = timedelta(seconds=30)
_IN_A_ROW = 3
_GAP = 2.0


class NotVerified(Exception):
    """AWS did not accept a new key in time, or as somebody else."""


class WrongEndpoint(Exception):
    """The endpoint of sts is another Region's, so that its answers say nothing about the key."""


class _Seen(Exception):
    """Ends a call before it is sent, with the request it would have sent."""


class HostProof:
    """One call that the host signs.

    :param client: makes a boto3 client with the caller's options.
    :param region: the Region whose endpoint of sts is asked: the host's own.
    """

    def __init__(self, client: Callable[..., Any], region: str) -> None:
        self._region = region
        with _regional():
            self._sts = client("sts", region=region, config={"signature_version": UNSIGNED})
        self._sts.meta.events.register("before-send.sts.GetCallerIdentity", self._before_send)
        self._headers: Optional[Dict[str, str]] = None
        self._scope = self._stamp = self._signed = ""

    def ask(self, now: datetime) -> Dict[str, str]:
        """Return what the host is to sign: ``scope`` and ``string_to_sign``."""
        self._headers = None
        sent = self._unsent()
        stamp = now.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        request = AWSRequest(
            "POST", sent.url, data=sent.body, headers={"Content-Type": _text(sent.headers["Content-Type"]), "X-Amz-Date": stamp}
        )
        request.context["timestamp"] = stamp
        auth = SigV4Auth(Credentials("none", "none"), "sts", self._region)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        self._scope = auth.credential_scope(request)
        self._stamp, self._signed = stamp, auth.signed_headers(auth.headers_to_sign(request))
        return {"scope": self._scope, "string_to_sign": text}

    def judge(self, key_id: str, signature: str, arn: Optional[str] = None) -> Tuple[Proof, str]:
        """Return what AWS says to the signature, as a verdict and in words.

        :param arn: who the caller must be; its account is part of it. Without it, whoever it is is told by the words.
        """
        credential = f"AWS4-HMAC-SHA256 Credential={key_id}/{self._scope}, SignedHeaders={self._signed}, Signature={signature}"
        self._headers = {"X-Amz-Date": self._stamp, "Authorization": credential}
        try:
            caller = self._sts.get_caller_identity()["Arn"]
        except boto.ClientError as error:
            return _verdict(error, self._region), error.response["Error"].get("Message", "")
        finally:
            self._headers = None
        return (Proof.PROVEN if arn in (None, caller) else Proof.FOREIGN), caller

    def _unsent(self) -> Any:
        try:
            self._sts.get_caller_identity()
        except _Seen as seen:
            return seen.args[0]
        raise AssertionError("nothing is sent without headers of ours")

    def _before_send(self, request: Any, **_event: Any) -> None:
        if self._headers is None:
            raise _Seen(request)
        for name, value in self._headers.items():
            request.headers[name] = value


def longest(limit: float, replaces: bool) -> float:
    """Return for how many seconds a new key is verified at most: one that replaces another gets what it takes to become old enough."""
    return max(limit, _SETTLED_AGE.total_seconds() + 2 * _GAP) if replaces else limit


def verify(
    client: Callable[..., Any], region: str, key: Key, secret: str, arn: str, replaces: bool, limit: float, pause: Callable[[float], None]
) -> None:
    """Wait until AWS knows a new key: three successes in a row at the host Region's endpoint.

    :param replaces: it replaces one that works, so it must also be 30 seconds old: the agent drops what it sends with a key
        that is not known yet.
    :param limit: seconds until giving up, ``longest`` of them.
    :raises NotVerified: when it is not accepted in time, or belongs to somebody else.
    :raises WrongEndpoint: when the endpoint is not the Region's.
    """
    with _regional():
        sts = client(
            "sts", region=region, aws_access_key_id=key.id, aws_secret_access_key=secret, aws_session_token=None, profile_name=None
        )
    limit = longest(limit, replaces)
    successes, waited, gap, said = 0, 0.0, 0.0, "no answer yet"
    age = timedelta(0)
    while successes < _IN_A_ROW or (replaces and age < _SETTLED_AGE):
        if waited + gap > limit:
            raise NotVerified(f"AWS did not accept the new key {key.id} {_IN_A_ROW} times in a row within {int(limit)} seconds: {said}")
        pause(gap)
        waited += gap
        try:
            caller = sts.get_caller_identity()
        except boto.ClientError as error:
            _verdict(error, region)
            successes, gap, said = 0, _GAP, str(error)
            continue
        if caller["Arn"] != arn:
            raise NotVerified(f"the new key {key.id} is {caller['Arn']}, not {arn}")
        successes, gap = successes + 1, (0.2 if successes < _IN_A_ROW - 1 else _GAP)
        age = timedelta(seconds=waited)


def _verdict(error: Any, region: str) -> Proof:
    """Return what an error says about a key; raise what says nothing about it."""
    text = error.response["Error"].get("Message", "")
    verdict = _VERDICTS.get(error.response["Error"].get("Code", ""))
    # AWS uses the code of a wrong signature for a request of another time or Region as well.
    if "scoped" in text.lower():
        raise WrongEndpoint(
            f"The endpoint of sts does not take calls signed for Region {region} ({text}), so nothing is known about the key. "
            f"Does endpoint_url, or AWS_ENDPOINT_URL, name the endpoint of another Region? Leave it out, or name that of {region}."
        ) from error
    if verdict is None or "expired" in text.lower() or "not yet current" in text.lower():
        raise error
    return verdict


@contextmanager
def _regional() -> Iterator[None]:
    """Let botocore make clients for the Region's own endpoint of sts, which older versions and settings do not.

    The variable wins over the configuration file; no parameter of a client does.
    """
    before = os.environ.get(_REGIONAL)
    os.environ[_REGIONAL] = "regional"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_REGIONAL]
        else:
            os.environ[_REGIONAL] = before


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
