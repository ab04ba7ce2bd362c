# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and changes the instances of one task.

Calls besides those of ``instance_profiles``: sts GetCallerIdentity, ec2 DescribeInstances, RebootInstances.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, Mapping, Optional

from .._model.context import Context
from .._model.errors import Outdated, Refusal
from .._model.instance_association import STOPPED, Fleet, Instance, Rules, wants_profile
from .._model.instance_profiles import Profile, name_of
from .._model.plan import Change
from . import session
from .instance_profiles import Associations


class Instances:
    """The instances of one task.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param wait_timeout: as for ``Associations``.
    :param sleep: sleeps so many seconds.
    """

    def __init__(
        self,
        client: Callable[..., Any],
        wanted: Rules,
        allow_root: bool,
        wait_timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._rules = wanted
        self._allow_root = allow_root
        self._wait_timeout = wait_timeout
        self._sleep = sleep
        self.context = Context()

    def read(self) -> Fleet:
        who = session.caller(self._client("sts", config=session.CLIENT_CONFIG), self._allow_root)
        self._ec2 = self._client("ec2", config=session.CLIENT_CONFIG)
        self._associations = Associations(self._one_client, self._wait_timeout, sleep=self._sleep)
        self.context = Context(who.partition, who.account, str(self._ec2.meta.region_name))
        found = sorted(self._described(), key=lambda instance: instance.id)
        associations = self._associations.of_all([instance.id for instance in found if not instance.gone])
        instances = tuple(replace(instance, association=associations.get(instance.id)) for instance in found)
        self._profile = self._read_profile() if wants_profile(self._rules, instances) else None
        return Fleet(instances, self._profile)

    def _one_client(self, service: str, **more: Any) -> Any:
        """EC2's is the largest of botocore's models: it is loaded once."""
        return self._ec2 if service == "ec2" else self._client(service, **more)

    def apply(self, change: Change) -> None:
        after: Instance = change.after
        if change.step == "reboot":
            # An instance that restarts before it has the profile would start with its former credentials.
            self._associations.wait(after.id, after.profile)
            self._ec2.reboot_instances(InstanceIds=[after.id])
            return
        association = change.before.association
        if change.step == "detach":
            self._associations.disassociate(association.id)
        elif change.step == "replace" and change.before.state in STOPPED:
            self._swap(change.before, after)
        elif change.step == "replace":
            self._associations.replace(association.id, self._given(after), self._fresh)
        else:
            self._associations.associate(after.id, self._given(after), self._fresh)

    def _swap(self, before: Instance, after: Instance) -> None:
        """EC2 replaces the profile of running instances only. Nothing on a stopped one misses it; what fails puts the former back."""
        arn = self._given(after)
        if before.association is None:
            raise AssertionError("what is replaced is there")
        self._associations.disassociate(before.association.id)
        try:
            self._associations.associate(after.id, arn, self._fresh)
        except Exception:
            self._associations.associate(after.id, before.association.profile_arn)
            raise

    def wait_for(self, wanted: Mapping[str, Optional[str]]) -> None:
        self._associations.wait_for(wanted)

    @property
    def _fresh(self) -> bool:
        return self._profile is not None and self._profile.fresh

    def _given(self, after: Instance) -> str:
        """Return the ARN to give, of a profile that exists: a run that only predicts may come before it is made."""
        if self._profile is None:
            self._profile = self._read_profile()
        if self._profile is None:
            raise Outdated(
                f"There is no instance profile {self._rules.profile}. Correct its name, or make it: iam_identities does, with "
                "instance_profile: true."
            )
        if self._profile.arn != after.profile:
            raise Refusal(
                f"The instance profile {self._profile.name} has the ARN {self._profile.arn}, and not {after.profile}: correct the ARN, or "
                "give the name alone."
            )
        return self._profile.arn

    def _read_profile(self) -> Optional[Profile]:
        asked = self._rules.profile
        try:
            return self._associations.profile(name_of(asked))
        except Exception as error:
            # An ARN is enough for EC2. Of a name it would not say under which path it found it.
            if session.error_code(error) != "AccessDenied" or not asked.startswith("arn:"):
                raise
            return Profile(name_of(asked), asked, ("",))

    def _described(self) -> Iterator[Instance]:
        pages = self._ec2.get_paginator("describe_instances")
        try:
            for page in pages.paginate(**self._which()):
                for reservation in page["Reservations"]:
                    yield from map(_instance, reservation["Instances"])
        except self._ec2.exceptions.ClientError as error:
            if not session.error_code(error).startswith("InvalidInstanceID"):
                raise
            raise Refusal(
                f"instance_ids, in {self.context.region}: {error}. Look for a slip, or for the Region or account that has them. "
                "EC2 forgets a terminated instance after about an hour: take it out of the list."
            ) from error

    def _which(self) -> Dict[str, Any]:
        if self._rules.instances:
            return {"InstanceIds": list(self._rules.instances)}
        return {"Filters": [{"Name": name, "Values": list(values)} for name, values in sorted(self._rules.filters.items())]}


def _instance(item: Mapping[str, Any]) -> Instance:
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
    return Instance(item["InstanceId"], tags.get("Name", ""), item["State"]["Name"])
