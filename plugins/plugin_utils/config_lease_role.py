# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The leases that use the admin role: what they have in common, and the one that assumes it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, Callable, List, Optional, Tuple

from ..module_utils._aws.instance_profiles import Associations
from ..module_utils._aws.lease import Holder
from ..module_utils._model import lease as leases
from ..module_utils._model.agent_parameter_options import SESSION_SECONDS, LeaseRules
from ..module_utils._model.errors import Outdated, Refusal
from ..module_utils._model.instance_profiles import name_of
from ..module_utils._model.lease import Left
from .config_lease import Failed, Lease, Saving
from .controller import Trap


class RoleLease(Lease):
    """What the two ways that use a role have in common."""

    def __init__(self, rules: LeaseRules, client: Callable[..., Any], trap: Trap, region: str) -> None:
        super().__init__(rules, client, trap)
        self._region = region
        self._role: Optional[Holder] = None

    @cached_property
    def _ending(self) -> Associations:
        """A signal that was caught must not keep the former profile from its place."""
        pause = self._announced("EC2 to bring instance profiles back to what they were", time.sleep)
        return Associations(self._one_client, self._rules.wait_timeout, sleep=pause)

    def _one_client(self, service: str, **more: Any) -> Any:
        return self._marks.ec2 if service == "ec2" else self._client(service, **more)

    @property
    def role_arn(self) -> str:
        if self._rules.role.startswith("arn:"):
            return self._rules.role
        if self._role is None:
            self._role = self._marks.holder("Role", self._rules.role)
        if self._role is None:
            raise Outdated(f"lease.role: there is no role {self._rules.role}. The role cwagent_admin makes it.")
        return self._role.arn

    def writer(self, caller: str) -> Tuple[str, str]:
        account = caller.split(":")[4]
        if self.role_arn.split(":")[4] != account:
            raise Refusal(
                f"lease.role: {self.role_arn} belongs to another account than the caller ({account}), and would write a parameter there. "
                "Run with credentials of that account."
            )
        return self.role_arn, f"role {self._rules.role_name}"

    def _role_left(self) -> Optional[Left]:
        name = self._rules.role_name
        document = self._marks.policy("Role", name)
        left = leases.found(f"role {name}", self._marks.now, inline=document)
        region = leases.region_of(document or {})
        if left and left.expired and region not in ("", self._region):
            raise Refusal(
                f"Role {name} still has a lease of a run in Region {region}: {left.says}. An instance there may still have the role, and "
                f"then nothing else ends its permission to write. Run this once with region: {region}, which ends both."
            )
        return left

    def _instances_left(self) -> List[Left]:
        tagged = self._marks.instances()
        found = [leases.found(f"instance {instance}", self._marks.now, tag) for instance, tag in sorted(tagged.items())]
        return [each for each in found if each]

    def end_left(self, left: Left) -> None:
        kind, _space, name = left.holder.partition(" ")
        if kind == "instance":
            self._restore(name, left.lease)
        role = name if kind == "role" else left.lease.role
        if role:
            self._marks.delete_policy("Role", role)
        if kind == "instance":
            self._marks.untag_instance(name)
        self._ended.append(left.lease)

    def _restore(self, instance: str, lease: leases.Lease) -> None:
        """Give an instance the profile back that it had before a lease, unless somebody gave it another meanwhile."""
        now = self._ending.of(instance)
        now = None if now and now.leaving else now
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
            with suppress(Outdated):  # the first answer was lost, and the call repeated: whether it did it, the wait says
                self._ending.replace(now.id, former.arn, former.fresh)
        else:
            self._ending.associate(instance, former.arn, former.fresh)
        self._ending.wait(instance, former.arn)


class AssumedRole(RoleLease):
    """A session of the role, narrowed to the parameter. Its credentials are in this process's memory only, and end by themselves."""

    @property
    def words(self) -> str:  # type: ignore[override]  # says more than that there is none
        return f"with a session of role {self._rules.role_name}, which ends after {leases.lengths(SESSION_SECONDS)}"

    @property
    def saves_as(self) -> str:
        return f":assumed-role/{self._rules.role_name}/{leases.LEASE_POLICY}"

    def left(self) -> List[Left]:
        # One that holds is that of an instance, and nothing to a session; one that is over denies the session its save. That denial is
        # also all that ends the permission of an instance whose run was killed, so the instance goes first.
        left = self._role_left()
        if left is None or not left.expired:
            return []
        return [each for each in self._instances_left() if each.lease.role == self._rules.role_name] or [left]

    def _save(self, saving: Saving) -> int:
        policy = leases.session_policy(saving.arn, saving.encrypts)
        credentials = self._marks.session(self.role_arn, policy, SESSION_SECONDS, self._rules.external_id)
        self._start(timedelta(seconds=SESSION_SECONDS))
        self._trap.check()
        if self._ended:  # its denial may hold for some more seconds
            return self._until_known(lambda: saving.put(credentials))
        return saving.put(credentials)
