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
from ..module_utils._model.errors import InputError, Refusal
from ..module_utils._model.instance_profiles import Profile, name_of
from ..module_utils._model.lease import LEASE_POLICY, LEASE_TAG, Left
from .config_lease import Failed, RoleLease, Saving
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
        super().__init__(rules, client, trap)
        self._channel = channel
        self._associations = Associations(client, rules.wait_timeout, sleep=trap.pause)
        self._ending = Associations(client, rules.wait_timeout)
        """A signal that was caught must not keep the former profile from its place."""
        self._instance = rules.instance_id
        self._region = region
        self._profile: Optional[Profile] = None

    @property
    def words(self) -> str:  # type: ignore[override]  # says more than that there is none
        profile, minutes = self._rules.instance_profile, leases.lengths(self._rules.length.total_seconds())
        return f"from instance {self._instance}, which has instance profile {profile} meanwhile, for {minutes} at most"

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
        tagged = self._marks.instances()
        found = [leases.found(f"instance {instance}", self._marks.now, tag) for instance, tag in sorted(tagged.items())]
        left = [each for each in found if each and self._concerns(each)]
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

    def end_left(self, left: Left) -> None:
        kind, _space, name = left.holder.partition(" ")
        if kind == "role":
            super().end_left(left)
            return
        self._restore(name, left.lease)
        if left.lease.role:
            self._marks.delete_policy("Role", left.lease.role)
        self._marks.untag_instance(name)

    def _save(self, saving: Saving) -> int:
        instance, role, profile = self._instance, self._rules.role_name, self._profile
        if profile is None:
            raise AssertionError("prepare comes first")
        until = self._start(self._rules.length)
        before = self._associations.of(instance)
        lease = leases.Lease(until, profile=name_of(before.profile_arn) if before else "", role=role)
        self._opens(
            f"instance {instance} keeps the tag {LEASE_TAG}: delete it",
            lambda: self._marks.untag_instance(instance),
            lambda: self._marks.tag_instance(instance, leases.tag_value(lease)),
        )
        self._opens(
            f"role {role} keeps the inline policy {LEASE_POLICY}, which denies every save after {self.until}: delete it",
            lambda: self._marks.delete_policy("Role", role),
            lambda: self._marks.put_policy("Role", role, leases.policy(saving.arn, until, saving.encrypts)),
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
        if now:
            self._associations.replace(now.id, profile.arn, profile.fresh)
        else:
            self._associations.associate(instance, profile.arn, profile.fresh)
        self._associations.wait(instance, profile.arn)

    def _restore(self, instance: str, lease: leases.Lease) -> None:
        """Give an instance the profile back that it had before a lease, unless somebody gave it another meanwhile."""
        now = self._ending.of(instance)
        has = name_of(now.profile_arn) if now else ""
        if has == lease.profile:
            return
        if now and has != self._rules.instance_profile:
            profile = self._ending.profile(has)
            if profile is None or lease.role not in profile.roles:
                self.warnings.append(f"Instance {instance} was given the instance profile {has} by somebody else meanwhile, and keeps it.")
                return
        if not lease.profile:
            if now:
                self._ending.disassociate(now.id)
            self._ending.wait(instance, None)
            return
        former = self._ending.profile(lease.profile)
        if former is None:
            raise Failed(f"its former instance profile {lease.profile} is gone; give it another")
        if now:
            self._ending.replace(now.id, former.arn, former.fresh)
        else:
            self._ending.associate(instance, former.arn, former.fresh)
        self._ending.wait(instance, former.arn)

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
        raise NotSaved(f"PutParameter from the instance: {code}: {message}", passing=plain in PASSING)
