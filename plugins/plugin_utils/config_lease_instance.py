# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease as the AWS document has it: the admin instance carries the admin role while it saves, and its former profile otherwise.

"Create IAM Roles and Users for Use With CloudWatch Agent" says to use the role only on this instance, only while the configuration is
saved, and to detach it afterwards.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

from ..module_utils._aws.agent_parameter import PASSING, NotSaved, without
from ..module_utils._aws.instance_profiles import Associations
from ..module_utils._host.channel import Channel
from ..module_utils._model import lease as leases
from ..module_utils._model.agent_parameter_options import LeaseRules
from ..module_utils._model.errors import InputError, Outdated, Refusal
from ..module_utils._model.instance_profiles import Profile, name_of
from ..module_utils._model.lease import LEASE_POLICY, LEASE_TAG, Left
from .config_lease import Failed, Saving
from .config_lease_role import RoleLease
from .controller import Trap

SOURCES = ("ground.py", "instance.py")
"""What runs on the instance."""


class InstanceRole(RoleLease):
    """The instance's profile is another for the length of the save, which the instance itself makes.

    :param channel: to the instance.
    :param region: where the parameter and the instance are.
    """

    granted = True

    def __init__(self, rules: LeaseRules, client: Callable[..., Any], trap: Trap, channel: Channel, region: str) -> None:
        super().__init__(rules, client, trap, region)
        self._channel = channel
        pause = self._announced(f"EC2 to give the instance the profile {rules.instance_profile}", trap.pause)
        self._associations = Associations(self._one_client, rules.wait_timeout, sleep=pause)
        self._instance = rules.instance_id
        self._profile: Optional[Profile] = None

    @property
    def words(self) -> str:  # type: ignore[override]  # says more than that there is none
        profile, minutes = self._rules.instance_profile, leases.lengths(self._rules.length.total_seconds())
        return f"from instance {self._instance}, which has instance profile {profile} meanwhile, for {minutes} at most"

    @property
    def saves_as(self) -> str:
        return f":assumed-role/{self._rules.role_name}/{self._instance}"

    def left(self) -> List[Left]:
        seen = self._look()
        if self._instance and seen["instance_id"] != self._instance:
            raise InputError(
                f"lease.instance_id: this host is instance {seen['instance_id']}, not {self._instance}. Let the task act on that instance "
                "(hosts or delegate_to), or leave instance_id out."
            )
        if seen["region"] != self._region:
            raise InputError(f"lease: instance {seen['instance_id']} is in Region {seen['region']}, and the task works in {self._region}.")
        self._instance = seen["instance_id"]
        role = self._role_left()
        left = [each for each in self._instances_left() if self._concerns(each)]
        if role and not any(each.lease.role == self._rules.role_name for each in left):
            left.append(role)
        return left

    def _concerns(self, left: Left) -> bool:
        """Leave the leases of others alone, as long as they hold."""
        return left.expired or left.lease.role == self._rules.role_name or left.holder == f"instance {self._instance}"

    def prepare(self) -> None:
        name = self._rules.instance_profile
        self._profile = self._associations.profile(name)
        if self._profile is None:
            raise Refusal(f"lease.instance_profile: there is no instance profile {name}. The role cwagent_admin makes it.")
        if self._rules.role_name not in self._profile.roles:
            holds = ", ".join(self._profile.roles) or "no role"
            raise Refusal(f"lease.instance_profile: {name} holds {holds}, not {self._rules.role_name}. Name the profile of that role.")

    def _save(self, saving: Saving) -> int:
        instance, role, profile = self._instance, self._rules.role_name, self._profile
        if profile is None:
            raise AssertionError("prepare comes first")
        self._refuse_another(f"instance {instance}", self._marks.instances().get(instance))
        until = self._start(self._rules.length)
        before = self._associations.of(instance)
        former_arn = before.profile_arn if before and not before.leaving else ""
        lease = leases.Lease(until, profile=name_of(former_arn), role=role)
        self._opens(
            f"instance {instance} keeps the tag {LEASE_TAG}: delete it",
            lambda: self._marks.untag_instance(instance),
            lambda: self._marks.tag_instance(instance, leases.tag_value(lease)),
            bounds=True,
        )
        self._opens(
            f"role {role} keeps the inline policy {LEASE_POLICY}, which denies every save after {self.until}: delete it",
            lambda: self._marks.delete_policy("Role", role),
            lambda: self._marks.put_policy("Role", role, leases.policy(saving.arn, until, saving.encrypts)),
            bounds=True,
        )
        former = lease.profile or "none"
        self._opens(
            f"instance {instance} may have the instance profile {profile.name} in place of {former}: give it {former} back",
            lambda: self._restore(instance, lease),
            lambda: self._give(instance, profile),
        )
        return self._until_known(lambda: self._attempt(saving))

    def _give(self, instance: str, profile: Profile) -> None:
        now = self._associations.of(instance)
        if now and now.profile_arn == profile.arn:
            self.warnings.append(
                f"Instance {instance} has the instance profile {profile.name} for good, and keeps it. It should have that of the role "
                "cwagent_server, and this one only while a configuration is saved."
            )
            return
        if now and not now.leaving:
            self._associations.replace(now.id, profile.arn, profile.fresh)
        else:
            self._associations.associate(instance, profile.arn, profile.fresh)
        self._associations.wait(instance, profile.arn)

    # The instance

    def _look(self) -> Dict[str, Any]:
        answer = self._channel.ask("look", metadata=self._rules.metadata_endpoint)
        if not answer["ok"] or not answer.get("instance_id"):
            raise Refusal(
                f"lease: via: instance saves from an EC2 instance, and this host shows itself as none: {answer.get('error', 'no id')}. "
                "Let the task act on the admin instance (hosts or delegate_to)."
            )
        return answer

    def _attempt(self, saving: Saving) -> int:
        endpoint = self._rules.ssm_endpoint or saving.parameter.endpoint.rstrip("/")
        stamp = self._marks.now.strftime("%Y%m%dT%H%M%SZ")
        answer = self._channel.ask("save", metadata=self._rules.metadata_endpoint, role=self._rules.role_name, endpoint=endpoint,
                                   region=self._region, stamp=stamp, parameter=saving.request)  # fmt: skip
        if not answer["ok"]:
            raise Failed(f"the instance could not save: {without(answer['error'], saving.wanted)}")
        if answer["saved"]:
            return int(answer["version"])
        code, message = answer["code"], without(answer["message"], saving.wanted)
        if not code:
            has = f"role {answer['role']}" if answer["role"] else "no role"
            raise NotSaved(f"the instance still has the credentials of {has} {message}".strip(), passing=True)
        plain = code.removesuffix("Exception")
        if plain == "ParameterAlreadyExists":  # by this very save, whose first answer was lost, or by somebody who was faster
            raise Outdated(f"PutParameter from the instance: {code}: {message}. It was not there a moment ago: run again.")
        raise NotSaved(f"PutParameter from the instance: {code}: {message}", passing=plain in PASSING)
