# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host, which is this machine through ``connection: local``, one user, one emulator."""

from __future__ import annotations

import configparser

from tests.support.emulators import Credentials
from tests.support.playbook import HOST, run_playbook

USER = "cwagent-web1"
PROFILE = "AmazonCloudWatchAgent"


class Site:
    """One host, one user, one emulator."""

    def __init__(self, emulator, scratch):
        self.emulator = emulator
        self.iam = emulator.client("iam")
        self.scratch = scratch
        self.path = scratch / "etc" / "credentials"
        self.runs = 0

    def make_user(self, **more):
        self.iam.create_user(UserName=USER, Path="/hybridops/", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}], **more)

    def run(self, arguments=(), environment=None, task=None, **options):
        self.runs += 1
        options = {"user": USER, "path": str(self.path), "credentials_region": self.emulator.region, **options}
        play = {"hosts": "all", "gather_facts": False,
                "tasks": [{"name": "hand over", "hybridops.aws_agents.host_access_key": options, **(task or {})}]}  # fmt: skip
        inventory = {"all": {"hosts": {"web1": HOST}}}
        variables = {**self.emulator.environment(), **(environment or {})}
        run = run_playbook([play], self.scratch / f"run{self.runs}", arguments, inventory, environment=variables)
        self.last = run
        return run

    def result(self, *arguments, **options):
        return self.run(*arguments, **options).task("hand over")

    def profile(self):
        parser = configparser.RawConfigParser()
        parser.read(self.path)
        return dict(parser[PROFILE]) if PROFILE in parser else {}

    def keys(self):
        return {key["AccessKeyId"]: key["Status"] for key in self.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]}

    def caller(self):
        held = self.profile()
        who = Credentials(held["aws_access_key_id"], held["aws_secret_access_key"])
        return self.emulator.client("sts", who).get_caller_identity()["Arn"]
