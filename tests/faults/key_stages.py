# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that handle keys of hosts as stages: keys of their own, a key that they share, and hosts that leave."""

from __future__ import annotations

import json

from tests.faults.host_matrix import HostStage
from tests.faults.world import DAY, MINUTE, OWNER, World
from tests.integration.key_site import USER
from tests.integration.shared_key_site import PARAMETER
from tests.integration.shared_key_site import USER as SHARED_USER

LATER = (0.0, 16 * MINUTE, 16 * MINUTE, 16 * MINUTE, DAY, DAY, 8 * DAY, DAY, DAY, 8 * DAY, DAY)
"""When a timer runs a playbook that handles keys."""


class KeyStage(HostStage):
    """Hosts that hold a key of one user."""

    user = USER
    writes_iam = True
    makes_user = True
    holds = True
    """Whether a run that succeeds leaves every host with a key."""

    def prepare(self):
        super().prepare()
        self.world = World(self.aws, self.user, [self.credentials(name) for name in self.hosts], self.makes_user)
        self.proxy.handler = self.watch

    def credentials(self, name):
        return self.folder / name / "credentials"

    def host(self, name):
        return {
            "onprem_agent_credentials_file": str(self.credentials(name)),
            "onprem_agent_root": str(self.folder / name / "agent"),
            "onprem_agent_credentials_group": "",
            "onprem_agent_credentials_mode": "0600",
            "onprem_agent_region": self.aws.region,
            "onprem_agent_package_source": "none",
            "onprem_agent_config": {},
            "onprem_agent_run_as_user": "",
        }

    def variables(self):
        return {"aws_agents_region": self.aws.region}

    def watch(self, call, forward):
        return self.world.handle(call, forward)

    def passed(self, seconds):
        self.world.wait(seconds)

    def looked(self, run):
        if run.rc == 0 and self.holds:
            self.world.delivered()
        self.world.look()
        for holder in self.world.holders:
            if holder.held and not self.world.works(holder):
                self.said.append(f"what {holder.path} holds does not work")

    def unfinished(self, run):
        told = [task.result for task in run.tasks if task.action.endswith("_access_key")]
        results = [each for result in told for each in result.get("results", [result])]
        return bool(run.changed) or any(result.get("awaiting") for result in results)

    def wrong(self):
        found = list(self.world.broken)
        keys, held = self.world.keys(), {holder.key_id for holder in self.world.holders}
        if keys != dict.fromkeys(held - {""}, "Active"):
            found.append(f"the hosts hold {held}, and AWS has {keys}")
        return found


class FirstKey(KeyStage):
    name = "onprem, a host's first key"
    waits = LATER


class Whole(KeyStage):
    """The AWS side and a host, from an empty account."""

    name = "site, a host's user and its first key"
    playbook = "site"
    makes_user = False
    waits = LATER


class NewKey(KeyStage):
    name = "rotate_keys, a new key"
    playbook = "rotate_keys"
    waits = LATER

    def prepare(self):
        super().prepare()
        (holder,) = self.world.holders
        self.world.give(self.world.make_key(), holder)
        self.world.wait(100 * DAY)


class EndOfKey(KeyStage):
    name = "rotate_keys, the end of the old one"
    playbook = "rotate_keys"
    waits = LATER

    def prepare(self):
        super().prepare()
        (holder,) = self.world.holders
        old = self.world.make_key()
        self.world.give(old, holder)
        self.world.wait(50 * DAY)
        self.world.give(self.world.make_key(), holder)
        self.world.wait(DAY)
        self.world.retire(old["AccessKeyId"])
        self.world.wait(8 * DAY)


class SharedKey(KeyStage):
    """Two hosts with one user, and a parameter that their key comes from."""

    name = "onprem, a key that two hosts share"
    user = SHARED_USER
    hosts = ("web1", "web2")
    waits = LATER

    def prepare(self):
        super().prepare()
        self.ssm = self.aws.client("ssm")
        self.kms_key = self.aws.client("kms").create_key()["KeyMetadata"]["KeyId"]

    def host(self, name):
        store = {"parameter": PARAMETER, "kms_key_id": self.kms_key}
        shared = {"onprem_agent_user_scope": "shared", "onprem_agent_user_name": SHARED_USER, "onprem_agent_store": store}
        return {**super().host(name), **shared}

    def stored(self):
        """Return the fields in the store; none for an empty one."""
        try:
            return json.loads(self.ssm.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]["Value"])
        except self.ssm.exceptions.ParameterNotFound:
            return {}

    def store(self, key):
        """Put a key into the store as a run long ago did."""
        content = {"user": self.user, "access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"],
                   "created": "2026-01-01T00:00:00Z"}  # fmt: skip
        self.ssm.put_parameter(Name=PARAMETER, Value=json.dumps(content), Type="SecureString", KeyId=self.kms_key, Tags=[OWNER])

    def looked(self, run):
        super().looked(run)
        stored = self.stored()
        if stored and self.world.keys().get(stored["access_key_id"]) != "Active" and run.rc == 0:
            self.said.append(f"the store holds {stored['access_key_id']}, and AWS has {self.world.keys()}")

    def put_off(self, run):
        """A key that is in no store yet may be on another run's way there, and without a key there is nothing to give to hosts."""
        return run.rc != 0 and not run.changed and "Nothing was changed. Run again in 15 minutes." in run.stdout

    def wrong(self):
        stored = self.stored().get("access_key_id")
        wrong = [f"{holder.path} does not hold {stored}, which is in the store" for holder in self.world.holders if holder.key_id != stored]
        return super().wrong() + wrong


class NewSharedKey(SharedKey):
    name = "rotate_keys, a key that two hosts share"
    playbook = "rotate_keys"

    def prepare(self):
        super().prepare()
        key = self.world.make_key()
        self.store(key)
        for holder in self.world.holders:
            self.world.give(key, holder)
        self.world.wait(100 * DAY)


class Leaving(KeyStage):
    """A host that leaves with the agent, its key and its user; another one stays."""

    name = "offboard, a host with a key"
    playbook = "offboard"
    holds = False

    def prepare(self):
        super().prepare()
        (holder,) = self.world.holders
        self.world.give(self.world.make_key(), holder)
        # It is given up: that it works no more is what was asked for.
        holder.held.clear()
        self.world.wait(50 * DAY)
        self.world.iam.create_user(UserName="cwagent-web2", Path="/hybridops/", Tags=[OWNER])
        common = self.folder / "web1" / "agent" / "etc" / "common-config.toml"
        common.parent.mkdir(parents=True)
        common.write_text(f'[credentials]\nshared_credential_profile = "AmazonCloudWatchAgent"\nshared_credential_file = "{holder.path}"\n')

    def variables(self):
        return {**super().variables(), "aws_agents_hosts": "web1", "offboard_all": True}


class Compromised(Leaving):
    name = "offboard, a host that somebody broke into"

    def variables(self):
        return {**super().variables(), "offboard_compromised": True}
