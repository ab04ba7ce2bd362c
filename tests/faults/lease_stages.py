# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``store_agent_config`` as stages for ``matrix``: a save with a permission that lasts as long as the save."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any, Dict, List, Mapping

from tests.faults.aws_stages import TaskStage
from tests.faults.direct import Step
from tests.faults.kinds import Fault
from tests.integration.lease_site import CONFIG, LEASE_POLICY, LEASE_TAG, NAME, ROLE, SERVER, USER, LeaseSite
from tests.support import iam_state
from tests.support.metadata_service import MetadataService
from tests.support.playbook import Run
from tests.support.recording_proxy import Call, Forward, Response

OWNER_SAYS = "The lease has not ended"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Lease(TaskStage):
    """With a session of the admin role."""

    name = "store_agent_config, assume_role"
    playbook = "store_agent_config"
    emulator = "ministack"
    instance = ""

    def prepare(self) -> None:
        self.site = LeaseSite(self.aws, self.scratch)
        self.site.make_role()

    def lease(self) -> Dict[str, Any]:
        return {"via": "assume_role", "role": ROLE}

    def saves_as(self) -> str:
        return f"arn:aws:sts::{self.aws.account}:assumed-role/{ROLE}/{LEASE_POLICY}"

    def watch(self, call: Call, forward: Forward) -> Response:
        """Tell who saved the parameter, which the emulator says is root."""
        if call.operation == "PutParameter":
            assert call.access_key_id != self.site.operator.access_key_id, "saved without the lease"
        answer = forward()
        if call.operation != "DescribeParameters":
            return answer
        body = answer.body.replace(f"arn:aws:iam::{self.aws.account}:root".encode(), self.saves_as().encode())
        return Response(answer.status, answer.headers, body)

    def variables(self) -> Dict[str, Any]:
        return {
            "store_agent_config_parameters": {NAME: CONFIG},
            **{f"store_agent_config_{name}": value for name, value in self.lease().items() if name not in ("role", "instance_profile")},
        }

    def inventory(self) -> Any:
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        return {"all": {"hosts": {"localhost": local, "admin": local}}}

    def learn(self, run: Run) -> None:
        """The plugin's results do not tell its options: ``tasks`` says them."""

    def tasks(self) -> List[Step]:
        options = {"name": NAME, "config": CONFIG, "lease": self.lease()}
        return [Step("Store each", "hybridops.aws_agents.agent_config_parameter", options)]

    def end_state(self) -> Any:
        found: Dict[str, Any] = {"stored": self.site.stored(), **iam_state.of(self.aws)}
        if self.site.stored() is not None:
            found["tags"] = self.site.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=NAME)["TagList"]
        if self.instance:
            found["profile"] = self.site.profile(self.instance)
        return found

    def broken(self) -> List[str]:
        found = [f"a lease is left: {mark}" for mark in self.site.marks(self.instance)]
        if any(user["UserName"] == USER for user in self.site.iam.list_users()["Users"]):
            found += [f"a key is left: {key_id}" for key_id in self.site.keys()]  # noqa: SIM118  (no dictionary)
        if (self.scratch / "sink").exists():
            found.append("the key's file is left")
        return found

    def left(self, fault: Fault, run: Run) -> List[str]:
        if fault.kind.startswith("SIGKILL"):
            return []
        left = self.broken()
        said = fault.kind not in ("SIGINT", "SIGTERM") and OWNER_SAYS in " ".join(task.msg for task in run.failures)
        return [] if said else left

    def finish(self) -> int:
        """Run; where a lease still holds, the run says so. Then its time passes."""
        run = self.run(self.plain())
        if run.rc:
            (failure,) = run.failures
            assert "take_over" in failure.msg and "until" in failure.msg, f"neither saved nor said what is in the way: {run}"
            self.pass_time()
        return super().finish()

    def pass_time(self) -> None:
        """Have the leases that are there end now."""
        time.sleep(1.1)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        iam = self.site.iam
        for kind, name in (("Role", ROLE), ("User", USER)):
            named = {f"{kind}Name": name}
            try:
                found = getattr(iam, f"get_{kind.lower()}_policy")(PolicyName=LEASE_POLICY, **named)["PolicyDocument"]
            except iam.exceptions.NoSuchEntityException:
                continue
            text = found if isinstance(found, str) else json.dumps(found)
            getattr(iam, f"put_{kind.lower()}_policy")(PolicyName=LEASE_POLICY, PolicyDocument=MOMENT.sub(now, text), **named)
        for value in self._tags_of_user():
            iam.tag_user(UserName=USER, Tags=[{"Key": LEASE_TAG, "Value": _ended(value, now)}])
        if self.instance:
            tags = self.site.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [self.instance]}])["Tags"]
            for tag in [tag for tag in tags if tag["Key"] == LEASE_TAG]:
                value = {"Key": LEASE_TAG, "Value": _ended(tag["Value"], now)}
                self.site.ec2.create_tags(Resources=[self.instance], Tags=[value])

    def _tags_of_user(self) -> List[str]:
        try:
            tags = self.site.iam.list_user_tags(UserName=USER)["Tags"]
        except self.site.iam.exceptions.NoSuchEntityException:
            return []
        return [tag["Value"] for tag in tags if tag["Key"] == LEASE_TAG]


def _ended(value: str, now: str) -> str:
    return re.sub(r"until=\S+", f"until={now}", value)


class LeaseOfUser(Lease):
    """With a key of the admin user, in a file meanwhile."""

    name = "store_agent_config, user"

    def prepare(self) -> None:
        super().prepare()
        self.site.make_user()
        (self.scratch / "sink").unlink(missing_ok=True)

    def saves_as(self) -> str:
        return f"arn:aws:iam::{self.aws.account}:user/hybridops/{USER}"

    def lease(self) -> Dict[str, Any]:
        return {"via": "user", "user": USER, "sink": {"file": str(self.scratch / "sink")}}


class LeaseOfInstance(Lease):
    """From the admin instance, which has the server's profile otherwise."""

    name = "store_agent_config, instance"
    metadata: Any = None

    def prepare(self) -> None:
        super().prepare()
        self.instance = self.site.make_instance(SERVER)
        self.close()
        self.metadata = MetadataService(self.aws, self.instance, lag=1).__enter__()

    def close(self) -> None:
        if self.metadata:
            self.metadata.__exit__(None, None, None)
            self.metadata = None

    def saves_as(self) -> str:
        return f"arn:aws:sts::{self.aws.account}:assumed-role/{ROLE}/{self.instance}"

    def lease(self) -> Dict[str, Any]:
        return {"via": "instance", "role": ROLE, "instance_profile": ROLE, "metadata_endpoint": self.metadata.url}

    def variables(self) -> Dict[str, Any]:
        return {**super().variables(), "store_agent_config_host": "admin"}

    def run(self, environment: Mapping[str, str]) -> Run:
        return super().run({**environment, "AWS_ENDPOINT_URL": self.proxy.url})
