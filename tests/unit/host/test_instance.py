# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on the admin instance: its metadata service, and a call that is signed as botocore signs it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import instance
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import respond
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

STAMP = "20260131T100000Z"
GIVEN = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "secret/key+1", "Token": "tok/en=="}


@pytest.mark.parametrize("endpoint", ["https://ssm.eu-west-1.amazonaws.com", "http://127.0.0.1:4566"])
@pytest.mark.parametrize("token", [GIVEN["Token"], ""])
def test_signed_as_botocore_signs(endpoint, token):
    body = json.dumps({"Name": "AmazonCloudWatch-ü", "Value": "{}"}).encode()
    ours = instance.signed(endpoint, "eu-west-1", STAMP, body, dict(GIVEN, Token=token))
    theirs = AWSRequest("POST", endpoint + "/", data=body, headers={
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.PutParameter", "X-Amz-Date": STAMP,
        **({"X-Amz-Security-Token": token} if token else {}),
    })  # fmt: skip
    theirs.context["timestamp"] = STAMP
    auth = SigV4Auth(Credentials(GIVEN["AccessKeyId"], GIVEN["SecretAccessKey"], token or None), "ssm", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    assert ours["authorization"].endswith(f"Signature={signature}")


class Instance:
    """A metadata service and Systems Manager at one address."""

    def __init__(self):
        self.role, self.credentials = "Admin", dict(GIVEN, Code="Success")
        self.status, self.answer, self.calls = 200, {"Version": 7}, []
        self.troubles = []
        """What becomes of calls before they are answered: status and code, or 0 for no answer at all."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                self.say(200, "token")

            def do_GET(self):
                texts = {
                    "/latest/meta-data/instance-id": "i-0123456789abcdef0",
                    "/latest/meta-data/placement/region": "eu-west-1",
                    "/latest/meta-data/iam/security-credentials/": service.role,
                }
                if service.role:
                    texts[f"/latest/meta-data/iam/security-credentials/{service.role}"] = json.dumps(service.credentials)
                text = texts.get(self.path) if self.headers["X-aws-ec2-metadata-token"] == "token" else None
                self.say(200 if text else 404, text or "")

            def do_POST(self):
                service.calls.append((dict(self.headers), json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                if service.troubles:
                    status, code = service.troubles.pop(0)
                    if status:
                        self.say(status, json.dumps({"__type": code}))
                    return
                self.say(service.status, json.dumps(service.answer))

            def say(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def ask(self, do, **more):
        request = {"metadata": self.url, "role": "Admin", "endpoint": self.url, "region": "eu-west-1", "stamp": STAMP,
                   "parameter": {"Name": "AmazonCloudWatch-linux", "Value": "{}"}}  # fmt: skip
        return respond(instance.OPERATIONS, dict(request, do=do, **more))


@pytest.fixture
def here():
    made = Instance()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_look(here):
    assert here.ask("look") == {"ok": True, "instance_id": "i-0123456789abcdef0", "region": "eu-west-1", "role": "Admin"}
    here.role = ""
    assert here.ask("look")["role"] == ""


def test_save(here):
    assert here.ask("save") == {"ok": True, "saved": True, "role": "Admin", "version": 7}
    ((headers, body),) = here.calls
    assert body == {"Name": "AmazonCloudWatch-linux", "Value": "{}"}
    assert headers["X-Amz-Target"] == "AmazonSSM.PutParameter" and headers["X-Amz-Security-Token"] == GIVEN["Token"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"role": "Server"}, {"role": "Server", "code": "", "message": ""}),
        ({"role": ""}, {"role": "", "code": "", "message": ""}),
        ({"credentials": {"Code": "AssumeRoleUnauthorizedAccess", "Message": "not yet"}},
         {"role": "Admin", "code": "", "message": "not yet"}),
        ({"status": 400, "answer": {"__type": "com.amazonaws#AccessDeniedException", "Message": "no"}},
         {"role": "Admin", "code": "AccessDeniedException", "message": "no"}),
        ({"status": 400, "answer": {"__type": "ValidationException", "message": "no"}},
         {"role": "Admin", "code": "ValidationException", "message": "no"}),
        ({"status": 503, "answer": "down"}, {"role": "Admin", "code": "HTTP 503", "message": ""}),
    ],
)  # fmt: skip
def test_not_saved(here, change, expected):
    vars(here).update(change)
    assert here.ask("save") == {"ok": True, "saved": False, **expected}


@pytest.mark.parametrize("trouble", [(0, ""), (500, "InternalServerError"), (503, "ServiceUnavailable"), (400, "ThrottlingException")])
def test_what_passes_is_tried_again(here, trouble):
    here.troubles = [trouble, trouble]
    assert here.ask("save")["version"] == 7 and len(here.calls) == 3
    here.troubles = [trouble] * 3
    told = here.ask("save")
    assert len(here.calls) == 6 and not told.get("saved")


def test_what_stays_is_not(here):
    here.troubles = [(400, "ParameterAlreadyExists")]
    assert here.ask("save")["code"] == "ParameterAlreadyExists" and len(here.calls) == 1


def test_no_instance_and_no_way(here):
    nowhere = here.ask("look", metadata="http://127.0.0.1:9")
    assert not nowhere["ok"] and "no metadata service of EC2 answers at http://127.0.0.1:9" in nowhere["error"]
    silent = here.ask("save", endpoint="http://127.0.0.1:9")
    assert not silent["ok"] and "http://127.0.0.1:9 does not answer the instance" in silent["error"]
