# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several hosts, which are this machine through ``connection: local``, one user, one store, one emulator."""

from __future__ import annotations

import configparser
import json
import os
from pathlib import Path

from tests.support.emulators import Credentials
from tests.support.playbook import HOST, LOCALHOST, run_playbook

USER = "cwagent-shared"
PARAMETER = "/hybridops/cwagent-shared"
PASSWORD = "vault-pa55word"
WATCH, HURRY = (Path(__file__).parents[1] / "support" / name for name in ("watch", "hurry"))


class SharedSite:
    """Hosts with one user.

    :param kind: of the store, ``parameter`` or ``vault``.
    """

    def __init__(self, emulator, scratch, kind="parameter", hosts=("web1", "web2")):
        self.emulator, self.scratch, self.hosts = emulator, scratch, hosts
        self.iam, self.ssm, self.kms = (emulator.client(service) for service in ("iam", "ssm", "kms"))
        self.iam.create_user(UserName=USER, Path="/hybridops/", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])
        self.kms_key = self.kms.create_key()["KeyMetadata"]
        self.kms.create_alias(AliasName="alias/cwagent", TargetKeyId=self.kms_key["KeyId"])
        self.password = scratch / "password"
        self.password.write_text(PASSWORD)
        self.file = scratch / "store" / "key.yml"
        self.file.parent.mkdir()
        self.store = {"parameter": PARAMETER, "kms_key_id": "alias/cwagent"} if kind == "parameter" else {"vault_file": str(self.file)}
        self.runs = 0

    def play(self, tasks, arguments=(), environment=None, hosts="localhost"):
        self.runs += 1
        inventory = {"all": {"hosts": dict.fromkeys(self.hosts, HOST) | LOCALHOST["all"]["hosts"]}}
        plays = tasks if "hosts" in tasks[0] else [{"hosts": hosts, "gather_facts": False, "tasks": tasks}]
        variables = {"PYTHONPATH": str(HURRY), **self.emulator.environment(), **(environment or {})}
        arguments = ["--vault-password-file", str(self.password), *arguments]
        self.last = run_playbook(plays, self.scratch / f"run{self.runs}", arguments, inventory, environment=variables)
        return self.last

    def shared(self, name="keep", task=None, **options):
        options = {"user": USER, "store": self.store, "credentials_region": self.emulator.region, **options}
        return {"name": name, "hybridops.aws_agents.shared_access_key": options, **(task or {})}

    def host(self, name="deliver", task=None, **options):
        path = f"{self.scratch}/{{{{ inventory_hostname }}}}"
        options = {"user": USER, "store": self.store, "credentials_region": self.emulator.region, "path": path, **options}
        return {"name": name, "hybridops.aws_agents.host_access_key": options, "register": "onprem_agent_key", **(task or {})}

    def keep(self, arguments=(), environment=None, **options):
        """Run the first stage and return its result."""
        return self.play([self.shared(**options)], arguments, environment).task("keep")

    def deliver(self, arguments=(), environment=None, hosts="web1", **options):
        """Run the second stage on hosts; return the result of the first one."""
        return self.play([self.host(**options)], arguments, environment, hosts).task("deliver", hosts.split(",")[0])

    def all_stages(self, arguments=(), environment=None, keep=None, finish=None):
        """Run the three stages as a playbook does."""
        seen = {host: f"{{{{ (hostvars['{host}'].onprem_agent_key | default({{}})).key_id | default('') }}}}" for host in self.hosts}
        tasks = {
            "localhost": [self.shared(task={"register": "kept"}, **(keep or {}))],
            "all:!localhost": [self.host(stored_key_id="{{ hostvars.localhost.kept.key_id }}")],
            "localhost,": [self.shared("finish", **{"hosts": seen, "all_hosts": True, **(finish or {})})],
        }
        plays = [{"hosts": hosts, "gather_facts": False, "tasks": these} for hosts, these in tasks.items()]
        return self.play(plays, arguments, environment)

    # What is where

    def keys(self):
        return {key["AccessKeyId"]: key["Status"] for key in self.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]}

    def stored(self):
        """Return the fields in the store, read apart from the collection; none for an empty one."""
        if "parameter" in self.store:
            try:
                return json.loads(self.ssm.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]["Value"])
            except self.ssm.exceptions.ParameterNotFound:
                return {}
        if not self.file.exists():
            return {}
        from ansible.parsing.vault import VaultLib, VaultSecret

        return json.loads(VaultLib([("default", VaultSecret(PASSWORD.encode()))]).decrypt(self.file.read_bytes()))

    def held(self, host):
        parser = configparser.RawConfigParser()
        parser.read(self.scratch / host)
        return dict(parser["AmazonCloudWatchAgent"]) if parser.has_section("AmazonCloudWatchAgent") else {}

    def caller(self, host):
        held = self.held(host)
        who = Credentials(held["aws_access_key_id"], held["aws_secret_access_key"])
        return self.emulator.client("sts", who).get_caller_identity()["Arn"]

    def written(self, run):
        """Return all that a run wrote below its folder and the store's, removed files too."""
        folders = (self.scratch / f"run{run}", self.scratch / "removed", self.file.parent)
        files = [Path(root) / name for folder in folders for root, _folders, names in os.walk(folder) for name in names]
        return "".join(file.read_text(errors="replace") for file in files)
