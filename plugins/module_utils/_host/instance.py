# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on an EC2 instance, sent there as text behind ``ground.py``: says who the instance is, and saves a parameter as its role.

The instance's credentials come from its metadata service, version 2, and stay on it. The call is signed as AWS's IAM guide has it in
"Create a signed AWS API request", with the time that the controller heard from AWS: the instance's clock may be wrong.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from urllib.parse import urlsplit

with suppress(ImportError):  # on a host it stands in front of this, in the same text
    from .ground import Unfit, serve

_TIMEOUT = 10
_PAUSES = (0.5, 1.5, None)
"""Seconds after each attempt to save that was throttled, failed or not answered, as botocore has them; the last one decides."""
_ROLES = "/latest/meta-data/iam/security-credentials/"


def look(request):
    """Return the instance's id and Region, and the role whose credentials it has now, empty for none."""
    token = _token(request["metadata"])
    region = _read(request["metadata"], "/latest/meta-data/placement/region", token)
    return {"instance_id": _read(request["metadata"], "/latest/meta-data/instance-id", token), "region": region,
            "role": _role(request["metadata"], token)}  # fmt: skip


def save(request):
    """Call PutParameter with the role's credentials and return what came of it.

    ``saved`` is false, with AWS's code and message, where AWS refused; ``role`` is the one that the instance has.
    """
    token = _token(request["metadata"])
    role = _role(request["metadata"], token)
    if role != request["role"]:
        return {"saved": False, "role": role, "code": "", "message": ""}
    credentials = json.loads(_read(request["metadata"], _ROLES + role, token) or "{}")
    if not credentials.get("AccessKeyId"):
        return {"saved": False, "role": role, "code": "", "message": str(credentials.get("Message", ""))}
    body = json.dumps(request["parameter"]).encode()
    headers = signed(request["endpoint"], request["region"], request["stamp"], body, credentials)
    call = urllib.request.Request(request["endpoint"] + "/", data=body, headers=headers, method="POST")  # noqa: S310  (the scheme is checked)
    for pause in _PAUSES:
        try:
            with urllib.request.build_opener().open(call, timeout=3 * _TIMEOUT) as answer:
                return {"saved": True, "role": role, "version": json.loads(answer.read().decode())["Version"]}
        except urllib.error.HTTPError as error:
            refused = dict(_refused(error), saved=False, role=role)
            if pause is None or not (error.code >= 500 or "Throttl" in refused["code"] or "TooMany" in refused["code"]):
                return refused
        except (OSError, ValueError, http.client.HTTPException) as error:  # no answer, or one cut short
            if pause is None:
                raise Unfit("{} does not answer the instance ({})".format(request["endpoint"], getattr(error, "reason", error))) from None
        time.sleep(pause)
    raise AssertionError("the last round returns or raises")


def signed(endpoint, region, stamp, body, credentials):
    """Return the headers of a call of ssm PutParameter.

    :param stamp: the time, as ``20260131T100000Z``.
    """
    headers = {"content-type": "application/x-amz-json-1.1", "host": urlsplit(endpoint).netloc, "x-amz-date": stamp,
               "x-amz-security-token": credentials.get("Token", ""), "x-amz-target": "AmazonSSM.PutParameter"}  # fmt: skip
    headers = {name: value for name, value in headers.items() if value}
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}\n" for name in sorted(headers)]
    canonical = "\n".join(["POST", "/", "", "".join(lines), names, hashlib.sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{region}/ssm/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + credentials["SecretAccessKey"]).encode()
    for part in (stamp[:8], region, "ssm", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = "AWS4-HMAC-SHA256 Credential={}/{}".format(credentials["AccessKeyId"], scope)
    return dict(headers, authorization=f"{credential}, SignedHeaders={names}, Signature={signature}")


def _refused(error):
    try:
        said = json.loads(error.read().decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        said = None
    said = said if isinstance(said, dict) else {}
    code = str(said.get("__type", "")).rpartition("#")[2] or f"HTTP {error.code}"
    return {"code": code, "message": str(said.get("message") or said.get("Message") or "")}


def _role(metadata, token):
    return (_read(metadata, _ROLES, token) or "").strip().split("\n")[0]


def _token(metadata):
    headers = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    return _ask(urllib.request.Request(metadata + "/latest/api/token", headers=headers, method="PUT"))  # noqa: S310


def _read(metadata, path, token):
    return _ask(urllib.request.Request(metadata + path, headers={"X-aws-ec2-metadata-token": token}))  # noqa: S310


def _ask(call):
    """Return what the metadata service says, nothing where it has no such thing. No proxy leads there."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(call, timeout=_TIMEOUT) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        raise Unfit(f"the metadata service says {error.code} to {call.selector}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise Unfit(f"no metadata service of EC2 answers at {call.full_url} ({reason})") from None


OPERATIONS = {"look": look, "save": save}


def main():
    serve(OPERATIONS)
