# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of answers that cannot be read and hold a secret, and of refusals that quote one."""

from __future__ import annotations

import json
import traceback
from types import SimpleNamespace

import boto3
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.agent_parameter import ConfigParameter
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.lease import LeaseMarks
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.parameter import Parameter as Store
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter import SECURE, Parameter
from botocore.awsrequest import AWSResponse
from botocore.config import Config

SECRET = "s3cr3t/" + "x1y2" * 8
NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
SESSION = (
    f"<AssumeRoleResponse {NAMESPACE}><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"
    f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SECRET}</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
HELD = json.dumps({"Parameter": {"Name": "n", "Type": SECURE, "Value": SECRET, "Version": 1}})


def refusal(message):
    return 400, json.dumps({"__type": "ValidationException", "message": message})


def answering(status, body):
    """Return what makes clients that hear this answer to all they ask."""

    def client(service, **_options):
        plain = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator", "region_name": "us-east-1"}
        made = boto3.session.Session(**plain).client(service, config=Config(retries={"total_max_attempts": 1}))
        stream = SimpleNamespace(stream=lambda **_more: iter([body.encode()]))
        made.meta.events.register("before-send", lambda request, **_event: AWSResponse(request.url, status, {}, stream))
        return made

    return client


def assume(client):
    LeaseMarks(client).session("arn:aws:iam::111122223333:role/R", {}, 900, "")


def read(client):
    ConfigParameter(client, "n").read()


def look(client):
    Store(client, "/n").value()


def save(client):
    ConfigParameter(client, "n").put(Parameter(text=SECRET, kind=SECURE), False, False)


def store(client):
    Store(client, "/n").put(SECRET, "alias/k", "default", False)


CASES = {
    "a session whose end is another": (assume, (200, SESSION[:-9] + "<&oops"), "AssumeRole"),
    "a session that is cut": (assume, (200, SESSION[: len(SESSION) * 4 // 5]), "AssumeRole"),
    "a session with no end that can be": (assume, (200, SESSION.replace("<Credentials>", "<Credentials><Expiration>soon</Expiration>")),
                                          "AssumeRole"),
    "a session with the status of an error": (assume, (500, SESSION[:-9]), "AssumeRole"),
    "a configuration that is cut": (read, (200, HELD[:-9]), "GetParameter"),
    "a configuration with the status of an error": (read, (500, HELD[:-9]), "GetParameter"),
    "a stored key that is cut": (look, (200, HELD[:-9]), "GetParameter"),
    "a stored key with the status of an error": (look, (500, HELD[:-9]), "GetParameter"),
    "a refused configuration": (save, refusal(f"Value '{SECRET}' is too long"), "AWS refused the value (Validation)"),
    "a refused configuration, quoted in part": (save, refusal(f"Value '{SECRET[:20]}...' is too long"), "AWS refused the value"),
    "a refused configuration that is not quoted": (save, refusal("n is no name"), "n is no name"),
    "a refused key, quoted in part": (store, refusal(f"Value '{SECRET[:20]}...' is too long"), "AWS refused the value"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_no_secret_is_told(name):
    act, answer, says = CASES[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011  (each has its own, and the words count)
        act(answering(*answer))
    told = str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert says in told and SECRET[:12] not in told
