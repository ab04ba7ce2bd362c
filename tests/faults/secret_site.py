# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account and hosts of every kind, and what each playbook is told of them.

Hosts are this machine, each in a folder of its own that stands for ``/`` where the SSM agent is concerned. They have a Python of their own.
"""

from __future__ import annotations

import configparser
import json
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from tests.faults.secret_run import Watched
from tests.faults.secret_wire import Wire
from tests.integration.registration_site import AGENT, STAND_IN, SYSTEMCTL
from tests.support.emulators import Credentials
from tests.support.metadata_service import MetadataService

PREFIX = "hybridops.aws_agents"
MODES = {"key1": 0o600, "key2": 0o640, "parameter1": 0o600, "vault1": 0o600, "ssm1": 0o600}
"""The hosts, and which mode their credentials are to have."""
CONFIGURATION = {"metrics": {"namespace": "", "metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}}}
SECURE, FORMER = "AmazonCloudWatch-sealed", "AmazonCloudWatch-former"
OWNED = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]
ADMIN = "CloudWatchAgentAdminRole"
RETIRED = "AmazonEC2RoleforSSM"
HOSTVARS = {
    "name": "Show what is known of all hosts, and keep it",
    "hosts": "all:localhost",
    "gather_facts": False,
    "ignore_unreachable": True,
    "tasks": [
        {"ansible.builtin.debug": {"var": "hostvars"}, "run_once": True, "delegate_to": "localhost"},
        {
            "ansible.builtin.set_fact": {"all_that_is_known": "{{ __all | rejectattr('key', 'in', __not) }}", "cacheable": True},
            "vars": {"__all": "{{ hostvars[inventory_hostname] | dict2items }}", "__not": ["vars", "hostvars", "all_that_is_known"]},
        },
    ],
}


class SecretSite:
    """One account on the emulator that enforces IAM, and the hosts.

    :param proxy: stands before the emulator, with ``wire`` for a handler.
    """

    def __init__(self, emulator, proxy, wire: Wire, scratch: Path) -> None:
        self.emulator, self.proxy, self.wire, self.scratch = emulator, proxy, wire, scratch
        self.iam, self.ssm, self.ec2 = (emulator.client(service) for service in ("iam", "ssm", "ec2"))
        self.password = scratch / "given" / "password"
        self.password.parent.mkdir()
        self.password.write_text(self._secret("password of ansible-vault", secrets.token_urlsafe(30), given=False))
        self.hosts = scratch / "hosts"
        self.vault = scratch / "store" / "key.yml"
        self.vault.parent.mkdir()
        self.sink = scratch / "store" / "lease"
        self.operator = self._operator()
        files = {self.credentials(name): mode for name, mode in MODES.items()}
        self.asked = {str(path): mode for path, mode in files.items()}
        named = [*files, self.sink, self.password]
        self.watched = Watched(scratch / "runs", [self.hosts, self.vault.parent], named)
        self._install_agent("ssm1")
        self._make_account()

    # What is there before

    def _secret(self, kind, value, given=True):
        self.wire.add(kind, value, given)
        return value

    def _operator(self):
        """Return the credentials of a session, as AWX's jobs often have them."""
        name = self.iam.create_role(
            RoleName="operators",
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
            ),
        )["Role"]
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        self.iam.put_role_policy(RoleName="operators", PolicyName="all", PolicyDocument=json.dumps(document))
        user = self.emulator.operator()
        made = self.emulator.client("sts", user).assume_role(RoleArn=name["Arn"], RoleSessionName="awx")["Credentials"]
        return Credentials(
            made["AccessKeyId"],
            self._secret("operator's secret key", made["SecretAccessKey"]),
            self._secret("operator's session token", made["SessionToken"]),
        )

    def _make_account(self):
        kms = self.emulator.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/cwagent", TargetKeyId=key)
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                                                         "Action": "sts:AssumeRole"}]}  # fmt: skip
        self.iam.create_role(RoleName="Web", AssumeRolePolicyDocument=json.dumps(trust))
        self.iam.attach_role_policy(RoleName="Web", PolicyArn=f"arn:aws:iam::aws:policy/service-role/{RETIRED}")
        self.iam.create_instance_profile(InstanceProfileName="Web")
        self.iam.add_role_to_instance_profile(InstanceProfileName="Web", RoleName="Web")
        self.instance = self.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]

    def _install_agent(self, name):
        root = self.hosts / name
        filled = {"python": sys.executable, "root": root, "stand_in": STAND_IN}
        for path, text in ((root / "usr/bin/amazon-ssm-agent", AGENT), (root / "bin/systemctl", SYSTEMCTL)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(**filled))
            path.chmod(0o755)
        for folder in ("etc/amazon/ssm", "etc/systemd/system", "var/lib/amazon/ssm", "var/log/amazon/ssm"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        template = (STAND_IN / "etc" / "amazon-ssm-agent.json.template").read_text()
        (root / "etc/amazon/ssm/amazon-ssm-agent.json.template").write_text(template)
        (root / "enabled").touch()

    def end(self):
        """End the daemons."""
        for pid in self.hosts.glob("*/pid"):
            with suppress(OSError, ValueError):
                os.kill(int(pid.read_text()), 15)

    # Hosts

    def credentials(self, name):
        return self.hosts / name / "etc" / "hybridops" / "credentials"

    def held(self, name):
        parser = configparser.RawConfigParser()
        parser.read(self.credentials(name))
        return dict(parser["AmazonCloudWatchAgent"]) if parser.has_section("AmazonCloudWatchAgent") else {}

    def inventory(self, *names, **more):
        python = {"ansible_python_interpreter": str(self.watched.python)}
        common = {
            "onprem_agent_package_source": "none", "onprem_agent_config": {}, "onprem_agent_run_as_user": "",
            "onprem_agent_credentials_group": "", "onprem_agent_region": self.emulator.region, "onprem_ssm_package_source": "none",
            "onprem_ssm_agent_config": {"Ssm": {"Endpoint": self.proxy.url}}, "onprem_ssm_verify_timeout": "60s",
        }  # fmt: skip
        kinds = {
            "key": {},
            "ssm": {"onprem_agent_credentials": "ssm"},
            "parameter": {"onprem_agent_user_scope": "shared", "onprem_agent_user_name": "cwagent-shared",
                          "onprem_agent_store": {"parameter": "/hybridops/fleet", "kms_key_id": "alias/cwagent"}},
            "vault": {"onprem_agent_user_scope": "shared", "onprem_agent_user_name": "cwagent-vaulted",
                      "onprem_agent_store": {"vault_file": str(self.vault)}},
        }  # fmt: skip
        hosts = {}
        for name in names or MODES:
            folder = self.hosts / name
            (folder / "bin").mkdir(parents=True, exist_ok=True)
            hosts[name] = {
                **python, **common, **kinds[name.rstrip("0123456789")], "ansible_connection": "room",
                "onprem_agent_credentials_file": str(self.credentials(name)), "onprem_agent_credentials_mode": f"{MODES[name]:04o}",
                "onprem_agent_root": str(folder / "agent"), **more,
            }  # fmt: skip
        local = {"ansible_connection": "local"}
        return {"all": {"hosts": {"localhost": local, "admin": {**local, **python}}, "children": {"onprem": {"hosts": hosts}}}}

    # Runs

    def play(self, name, **variables):
        return {"ansible.builtin.import_playbook": f"{PREFIX}.{name}", "vars": variables}

    def run(self, way, *plays, hosts=(), verbosity=4, arguments=(), environment=None, **more):
        """Run playbooks one after the other, and show all variables of all hosts at the end.

        :param environment: laid over that of the run; what is ``None`` is left out.
        """
        where = {
            **self.emulator.environment(self.operator), "AWS_ENDPOINT_URL": self.proxy.url,
            "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).with_name("connections")), "ROOMS": str(self.hosts), **(environment or {}),
        }  # fmt: skip
        where = {name: value for name, value in where.items() if value is not None}
        return self.watched.run(way, [*plays, HOSTVARS], self.inventory(*hosts, **more), where, self.password, verbosity, arguments)

    def aws_side(self, **more):
        """What concerns AWS alone. ``more`` is for those that run roles."""
        page = {
            "aws_agents_audit_html": str(self.vault.parent / "audit.html"),
            "aws_agents_audit_json": str(self.vault.parent / "audit.json"),
        }
        return {
            "aws_access": self.play("aws_access", ssm_profile_service_role=True, **more),
            "audit": self.play("audit", **page, **more),
            "migrate": self.play("migrate", aws_agents_migrate=True, aws_agents_migrate_settle=1),
            "instance_profiles": self.play("instance_profiles", instance_profiles_name="Web", instance_profiles_ids=[self.instance]),
        }

    def sealed(self, name="config"):
        """Write a configuration that is a secret into a file of the controller that its owner alone reads. Return how it is named."""
        config = {**CONFIGURATION, "metrics": {**CONFIGURATION["metrics"], "namespace": f"canary-{secrets.token_hex(16)}"}}
        file = self.scratch / "given" / f"{name}-{secrets.token_hex(4)}.json"
        file.write_text(json.dumps(config))
        return f"file:{file}"

    def stores(self, metadata):
        """The three ways to store a configuration, each over a configuration that is a secret too."""
        self._admin(ADMIN)
        self.iam.create_user(UserName="cwagent-admin", Path="/hybridops/", Tags=OWNED)
        # One way has its configurations as a variable of the playbook, which nobody else knows.
        inline = "{{{{ lookup('ansible.builtin.file', '{}') | from_json }}}}"
        given = {way: {f"{name}-{way}": self.sealed() for name in (SECURE, FORMER)} for way in ("role", "instance", "user")}
        given["role"] = {name: inline.format(file[len("file:") :]) for name, file in given["role"].items()}

        def store(way, **more):
            variables = {f"store_agent_config_{name}": value for name, value in more.items()}
            return self.play(
                "store_agent_config", store_agent_config_type="SecureString", store_agent_config_parameters=given[way], **variables
            )

        return {
            "assume_role": store("role"),
            "instance": store("instance", via="instance", host="admin", metadata_endpoint=metadata.url, ssm_endpoint=self.proxy.url),
            "user": store("user", via="user", user="cwagent-admin", sink={"file": str(self.sink)}),
        }

    def forget_stored(self):
        """Take away what a run has stored, and keep other configurations where there were some."""
        self.ssm.delete_parameters(Names=[f"{SECURE}-{way}" for way in ("role", "instance", "user")])
        for way in ("role", "instance", "user"):
            self._put(f"{FORMER}-{way}")

    def stored(self):
        """Return all that the parameters of configurations hold."""
        names = [f"{name}-{way}" for name in (SECURE, FORMER) for way in ("role", "instance", "user")]
        found = self.ssm.get_parameters(Names=names, WithDecryption=True)["Parameters"]
        return "".join(parameter["Value"] for parameter in found)

    def failing(self, name, what, operation, kind):
        """Return a task at whose call something happens, with what it needs."""
        if what == "shared":
            self.iam.create_user(UserName=name, Path="/hybridops/", Tags=OWNED)
            self.wire.fail(
                name, operation, kind, **({"UserName": name} if operation == "CreateAccessKey" else {"Name": f"/hybridops/{name}"})
            )
            options = {"user": name, "store": {"parameter": f"/hybridops/{name}", "kms_key_id": "alias/cwagent"},
                       "credentials_region": self.emulator.region, "verify_timeout": "20s"}  # fmt: skip
            return {"name": name, f"{PREFIX}.shared_access_key": options, "ignore_errors": True}
        lease = {"via": "user", "user": name} if what == "user" else {"via": "assume_role", "role": name}
        parameter = {"UserName": name} if operation == "CreateAccessKey" else {"Name": f"AmazonCloudWatch-{name}"}
        if what == "user":
            self.iam.create_user(UserName=name, Path="/hybridops/", Tags=OWNED)
        else:
            self._admin(name)
            parameter = {"RoleArn": self.iam.get_role(RoleName=name)["Role"]["Arn"]} if operation == "AssumeRole" else parameter
        if operation == "GetParameter":
            self._put(f"AmazonCloudWatch-{name}")
        self.wire.fail(name, operation, kind, **parameter)
        options = {"name": f"AmazonCloudWatch-{name}", "config": self.sealed(), "type": "SecureString", "lease": lease, "wait_timeout": 10}
        return {"name": name, f"{PREFIX}.agent_config_parameter": options, "ignore_errors": True}

    def _put(self, name):
        """Keep a configuration that is a secret in a parameter, as if it had been there before."""
        text = json.dumps({**CONFIGURATION, "metrics": {**CONFIGURATION["metrics"], "namespace": f"canary-{secrets.token_hex(16)}"}})
        self.wire.read(json.dumps({"Type": "SecureString", "Value": text}).encode())
        self.ssm.delete_parameters(Names=[name])
        self.ssm.put_parameter(Name=name, Value=text, Type="SecureString", Tags=OWNED)

    def _admin(self, name):
        """Make a role that may store configurations, and its instance profile."""
        document = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": self.iam.get_role(RoleName="operators")["Role"]["Arn"]}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ]}  # fmt: skip
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        self.iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/CloudWatchAgentAdminPolicy")

    def metadata(self):
        return MetadataService(self.emulator, self.instance)
