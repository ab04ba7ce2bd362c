# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that make a host a node, and none, as stages. SSM Agent is the tests' stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

from tests.faults.host_matrix import HostStage
from tests.faults.world import OWNER
from tests.integration.registration_site import ROLE, Site

HOST = {"Key": "hybridops.aws_agents/host"}
MINUTES = 15
"""So long an activation lasts by default."""


class Joining(HostStage):
    """A host that becomes a node."""

    name = "onprem, a node"

    def prepare(self):
        self.close()
        super().prepare()
        self.site = Site(self.aws, self.folder)
        self.site.install()
        self.root = str(self.site.root)

    def host(self, name):
        return {
            "aws_agents_host_roles": ["onprem_ssm"],
            "onprem_agent_credentials": "ssm",
            "onprem_ssm_package_source": "none",
            "onprem_ssm_agent_config": {"Ssm": {"Endpoint": self.aws.endpoint_url}},
            "onprem_ssm_share_credentials": False,
            "onprem_ssm_verify_timeout": "60s",
        }

    def variables(self):
        return {"aws_agents_region": self.aws.region}

    def places(self, calls):
        # Whether the node is online is asked until it is.
        return [at for at in super().places(calls) if calls[: at + 1].count("ssm:DescribeInstanceInformation") < 2]

    def systemctl(self, verb):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run([f"{self.root}/bin/systemctl", verb], env=clean, capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if not line.startswith("MainPID")]

    def close(self):
        if self.root:
            self.site.end()

    def looked(self, run):
        """An activation that is left behind serves one host, and nobody for longer than minutes."""
        for left in self.site.ssm.describe_activations()["ActivationList"]:
            if left["ExpirationDate"].timestamp() - time.time() > MINUTES * 60 or left["RegistrationLimit"] != 1:
                self.said.append(f"an activation of more than {MINUTES} minutes, or for more than one host: {left}")

    def ends(self):
        nodes = self.site.nodes()
        return {
            **super().ends(),
            "nodes": sorted((node["Name"], node["PingStatus"]) for node in nodes.values()),
            "activations": len(self.site.activations()),
            "registered": self.site.instance() in nodes,
            "service": self.systemctl("show"),
        }

    def files(self):
        return [path.exists() and path.read_text() for path in (self.site.config, self.site.drop_in)]

    def join(self):
        """Make the host a node that runs, apart from the collection."""
        self.site.config.write_text(json.dumps({"Ssm": {"Endpoint": self.aws.endpoint_url}}))
        made = self.site.ssm.create_activation(IamRole=ROLE, DefaultInstanceName="web1", Tags=[OWNER, {**HOST, "Value": "web1"}])
        given = ["-register", "-code", made["ActivationCode"], "-id", made["ActivationId"], "-region", self.aws.region]
        subprocess.run([f"{self.root}/usr/bin/amazon-ssm-agent", *given], check=True, capture_output=True)
        self.site.ssm.delete_activation(ActivationId=made["ActivationId"])
        self.systemctl("start")


class JoiningAgain(Joining):
    """A host that is a node and is registered anew, once."""

    name = "onprem, a node that is registered anew"

    def prepare(self):
        super().prepare()
        self.join()
        self.force = True

    def variables(self):
        return {**super().variables(), **({"onprem_ssm_force": True} if self.force else {})}

    def options(self, step):
        return {"force": self.force} if step.action.endswith(".ssm_registration") else {}

    def run(self, environment):
        run = super().run(environment)
        self.force = False
        return run

    def looked(self, run):
        super().looked(run)
        could = run.rc != -signal.SIGKILL and not (self.folder / "gone").exists()
        if could and self.site.instance() and "ActiveState=active" not in self.systemctl("show"):
            self.said.append(f"the host is registered, and its agent was left stopped by a run that ended with {run.rc}")

    def ends(self):
        # The node of before stays listed, as the run says; there is none where the run was broken off before it did anything.
        ends = super().ends()
        return {**ends, "nodes": {"as many as two": 1 <= len(ends["nodes"]) <= 2}}


class NodeLeaving(Joining):
    name = "offboard, a node"
    playbook = "offboard"

    def prepare(self):
        super().prepare()
        self.join()

    def host(self, name):
        return {**super().host(name), "onprem_agent_root": f"{self.root}/agent", "onprem_agent_credentials_file": f"{self.root}/shared"}

    def variables(self):
        return {**super().variables(), "aws_agents_hosts": "web1", "offboard_all": True}
