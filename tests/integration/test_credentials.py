# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which people hold credentials, each with a module, with one that runs in Ansible's process, and with a handover to a host.

The account enforces IAM: whoever is not known there gets nothing done.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Callable, Dict, Iterator

import pytest

from tests.support.emulators import Credentials, Emulator
from tests.support.metadata_service import MetadataService
from tests.support.playbook import HOST, LOCALHOST, Run, run_playbook
from tests.support.tls_proxy import TlsProxy

ROLE = "Job"
ACCOUNT = "arn:aws:iam::{account}"
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")


class Site:
    """What a run is given: variables of its environment, files, options of each task, and of the play."""

    def __init__(self, aws: Emulator, scratch: Any) -> None:
        self.aws, self.scratch = aws, scratch
        self.keys = aws.operator()
        self.environment: Dict[str, Any] = {**dict.fromkeys(NAMES), "AWS_ENDPOINT_URL": aws.endpoint_url, "AWS_REGION": aws.region}
        self.options: Dict[str, Any] = {}
        self.play: Dict[str, Any] = {}

    def file(self, name: str, text: str) -> str:
        (self.scratch / name).write_text(text)
        return str(self.scratch / name)

    def role(self, principal: Dict[str, str], action: str = "sts:AssumeRole") -> str:
        """Make the role that jobs act as, and return its ARN."""
        iam = self.aws.client("iam")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]}
        rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:*", "sts:*"], "Resource": "*"}]}
        arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=ROLE, PolicyName="job", PolicyDocument=json.dumps(rights))
        return str(arn)

    def session(self) -> Credentials:
        """Return the credentials of a session as the role."""
        user = f"{ACCOUNT.format(account=self.aws.account)}:user/test/operator"
        made = self.aws.client("sts", self.keys).assume_role(RoleArn=self.role({"AWS": user}), RoleSessionName="job")["Credentials"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def run(self) -> Run:
        users = [{"name": "cwagent-web1", "path": "/hybridops/"}]
        tasks = [
            {"name": "identities", "hybridops.aws_agents.iam_identities": {"users": users, **self.options}, "delegate_to": "localhost"},
            {"name": "look", "hybridops.aws_agents.access_info": {"users": ["cwagent-web1"], **self.options}, "delegate_to": "localhost"},
            {"name": "hand over", "hybridops.aws_agents.host_access_key":
                {"user": "cwagent-web1", "path": str(self.scratch / "held"), "credentials_region": self.aws.region, **self.options}},
        ]  # fmt: skip
        inventory = {"all": {"hosts": {**LOCALHOST["all"]["hosts"], "web1": HOST}}}
        play = {"hosts": "web1", "gather_facts": False, "tasks": tasks, **self.play}
        given = {name: value for name, value in self.environment.items() if value is not None}
        return run_playbook([play], self.scratch / "run", (), inventory, {}, given)


def environment(site: Site) -> Iterator[None]:
    site.environment |= site.keys.environment()
    yield


def session_in_the_environment(site: Site) -> Iterator[None]:
    site.environment |= site.session().environment()
    yield


def environment_of_the_play(site: Site) -> Iterator[None]:
    site.play["environment"] = site.session().environment()
    yield


def options_of_the_task(site: Site) -> Iterator[None]:
    session = site.session()
    site.options = {"access_key": session.access_key_id, "secret_key": session.secret_access_key, "session_token": session.session_token}
    yield


def options_under_their_other_names(site: Site) -> Iterator[None]:
    site.options = {"aws_access_key": site.keys.access_key_id, "aws_secret_key": site.keys.secret_access_key}
    yield


def module_defaults(site: Site) -> Iterator[None]:
    keys = {"access_key": site.keys.access_key_id, "secret_key": site.keys.secret_access_key}
    del site.environment["AWS_ENDPOINT_URL"], site.environment["AWS_REGION"]
    where = {"region": site.aws.region, "endpoint_url": site.aws.endpoint_url}
    site.play["module_defaults"] = {"group/hybridops.aws_agents.aws": {**keys, **where}}
    yield


def _profile(site: Site, name: str) -> str:
    return f"[{name}]\naws_access_key_id = {site.keys.access_key_id}\naws_secret_access_key = {site.keys.secret_access_key}\n"


def profile(site: Site) -> Iterator[None]:
    site.environment["AWS_SHARED_CREDENTIALS_FILE"] = site.file("credentials", _profile(site, "ops"))
    site.options = {"profile": "ops"}
    yield


def profile_of_the_environment(site: Site) -> Iterator[None]:
    site.environment |= {"AWS_SHARED_CREDENTIALS_FILE": site.file("credentials", _profile(site, "ops")), "AWS_PROFILE": "ops"}
    yield


def assumed_role(site: Site) -> Iterator[None]:
    arn = site.role({"AWS": f"{ACCOUNT.format(account=site.aws.account)}:user/test/operator"})
    site.environment["AWS_SHARED_CREDENTIALS_FILE"] = site.file("credentials", _profile(site, "base"))
    site.environment["AWS_CONFIG_FILE"] = site.file("config", f"[profile job]\nrole_arn = {arn}\nsource_profile = base\n")
    site.environment["AWS_PROFILE"] = "job"
    yield


def a_process_that_tells(site: Site) -> Iterator[None]:
    session = site.session()
    told = {"Version": 1, "AccessKeyId": session.access_key_id, "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token}  # fmt: skip
    said = site.file("said.json", json.dumps(told))
    site.environment |= {"AWS_CONFIG_FILE": site.file("config", f"[profile job]\ncredential_process = cat {said}\n"), "AWS_PROFILE": "job"}
    yield


def web_identity(site: Site) -> Iterator[None]:
    arn = site.role(
        {"Federated": f"{ACCOUNT.format(account=site.aws.account)}:oidc-provider/ci.example.com"}, "sts:AssumeRoleWithWebIdentity"
    )
    head, claims = ({"alg": "none"}, {"iss": "https://ci.example.com", "sub": "job", "aud": "sts.amazonaws.com"})
    token = ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims)), "signature"])
    site.environment |= {"AWS_ROLE_ARN": arn, "AWS_WEB_IDENTITY_TOKEN_FILE": site.file("token", token)}
    yield


def role_of_an_instance(site: Site) -> Iterator[None]:
    site.role({"Service": "ec2.amazonaws.com", "AWS": f"{ACCOUNT.format(account=site.aws.account)}:root"})
    iam = site.aws.client("iam")
    iam.create_instance_profile(InstanceProfileName=ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)
    wanted = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": ROLE}}
    instance = site.aws.client("ec2").run_instances(**wanted)["Instances"][0]["InstanceId"]
    with MetadataService(site.aws, instance) as metadata:
        site.environment |= {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url}
        yield


def a_proxy_of_the_environment(site: Site) -> Iterator[None]:
    """And a certificate authority of the company's own. No endpoint is named: the names are AWS's."""
    with TlsProxy(site.aws.endpoint_url, site.scratch / "authority") as tls:
        site.environment |= site.keys.environment()
        site.environment |= {"AWS_ENDPOINT_URL": None, "HTTPS_PROXY": tls.url, "AWS_CA_BUNDLE": str(tls.authority.certificate)}
        yield
        assert {tunnel.outcome for tunnel in tls.seen} == {"passed"}


def a_proxy_of_the_options(site: Site) -> Iterator[None]:
    with TlsProxy(site.aws.endpoint_url, site.scratch / "authority") as tls:
        site.environment |= {**site.keys.environment(), "AWS_ENDPOINT_URL": None}
        site.options = {"aws_config": {"proxies": {"https": tls.url}}, "aws_ca_bundle": str(tls.authority.certificate)}
        yield
        assert {tunnel.outcome for tunnel in tls.seen} == {"passed"}


WAYS: Dict[str, Callable[[Site], Iterator[None]]] = {
    way.__name__: way
    for way in (
        environment, session_in_the_environment, environment_of_the_play, options_of_the_task, options_under_their_other_names,
        module_defaults, profile, profile_of_the_environment, assumed_role, a_process_that_tells, web_identity, role_of_an_instance,
        a_proxy_of_the_environment, a_proxy_of_the_options,
    )
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_way(way: str, ministack: Emulator, tmp_path: Any) -> None:
    site = Site(ministack, tmp_path)
    holding = WAYS[way](site)
    next(holding)
    run = site.run()
    assert next(holding, "over") == "over"
    assert run.rc == 0 and [task.outcome for task in run.tasks] == ["ok"] * 3, run
    (key,) = ministack.client("iam").list_access_keys(UserName="cwagent-web1")["AccessKeyMetadata"]
    assert key["AccessKeyId"] in (tmp_path / "held").read_text()


def test_nobody_gets_nothing_done(ministack: Emulator, tmp_path: Any) -> None:
    run = Site(ministack, tmp_path).run()
    assert run.rc != 0 and "Unable to locate credentials" in run.failures[0].msg
