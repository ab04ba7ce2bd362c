# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instance profile an EC2 instance has, and giving it another.

Calls: ec2 DescribeIamInstanceProfileAssociations, AssociateIamInstanceProfile, ReplaceIamInstanceProfileAssociation,
DisassociateIamInstanceProfile; iam GetInstanceProfile.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from .._model.errors import Outdated, Refusal
from .._model.instance_profiles import ASSOCIATED, Association, Profile, current
from .._model.tags import OWNER_TAG
from . import session

FRESH = timedelta(minutes=10)
"""How old a profile may be for EC2 not to know it yet: IAM's changes usually take seconds to get there, at times minutes."""
VALUES_PER_FILTER = 200
"""EC2 takes no more in one filter."""

_NOT_YET_KNOWN = ("Invalid IAM Instance Profile", "has no associated IAM Roles")
_IN_BETWEEN = frozenset({"IncorrectState", "IncorrectInstanceState"})


class Associations:
    """The instance profiles of instances.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param wait_timeout: seconds to wait at most for EC2 to know a fresh profile, and for an association to get where it goes.
    """

    def __init__(
        self,
        client: Callable[..., Any],
        wait_timeout: float = 120,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._ec2 = client("ec2", config=session.CLIENT_CONFIG)
        self._wait_timeout = wait_timeout
        self._clock = clock
        self._sleep = sleep

    def profile(self, name: str) -> Optional[Profile]:
        """Return the profile of that name as IAM knows it, else ``None``."""
        iam = self._client("iam", config=session.CLIENT_CONFIG)
        try:
            answer = iam.get_instance_profile(InstanceProfileName=name)
        except iam.exceptions.NoSuchEntityException:
            return None
        found = answer["InstanceProfile"]
        owned = any(tag["Key"] == OWNER_TAG for tag in found.get("Tags", ()))
        age = _time_of(answer) - found["CreateDate"]
        roles = tuple(role["RoleName"] for role in found["Roles"])
        return Profile(found["InstanceProfileName"], found["Arn"], roles, fresh=owned or age < FRESH)

    def of(self, instance: str) -> Optional[Association]:
        """Return the instance's association, else ``None``. It may be on its way: see ``Association.state``."""
        return self.of_all([instance])[instance]

    def of_all(self, instances: Iterable[str]) -> Dict[str, Optional[Association]]:
        """Return the association of each instance by its id. Instances that do not exist have none."""
        ids = list(instances)
        found: Dict[str, List[Association]] = {instance: [] for instance in ids}
        pages = self._ec2.get_paginator("describe_iam_instance_profile_associations")
        for start in range(0, len(ids), VALUES_PER_FILTER):
            chunk = ids[start : start + VALUES_PER_FILTER]
            for page in pages.paginate(Filters=[{"Name": "instance-id", "Values": chunk}]):
                for item in page["IamInstanceProfileAssociations"]:
                    found[item["InstanceId"]].append(_association(item))
        return {instance: current(associations) for instance, associations in found.items()}

    def associate(self, instance: str, profile_arn: str, fresh: bool = False) -> Association:
        """Give a profile to an instance that has none, or whose former one is about to leave. Does not wait for ``associated``.

        :param fresh: EC2 may not know the profile yet, see ``Profile.fresh``.
        :raises Outdated: when the instance has another profile, which it was given meanwhile or which EC2 did not tell of before.
        :raises Refusal: when what EC2 says has a remedy that it does not name.
        """
        doing = f"give instance {instance} the instance profile {profile_arn}"

        def attempt() -> Association:
            try:
                answer = self._ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Arn": profile_arn})
            except self._ec2.exceptions.ClientError as error:
                now = self.of(instance) if session.error_code(error) in _IN_BETWEEN else None
                if now is None or now.leaving:
                    raise
                if now.profile_arn == profile_arn:
                    return now
                raise Outdated(
                    f"Could not {doing}: meanwhile it was given {now.profile_arn}. Find out by whom, then run the task again."
                ) from error
            return _association(answer["IamInstanceProfileAssociation"])

        return self._until_taken(attempt, doing, fresh)

    def replace(self, association_id: str, profile_arn: str, fresh: bool = False) -> Association:
        """Put a profile in the place of another, without a moment in which the instance has none. Does not wait for ``associated``.

        :param association_id: of the profile that goes.
        :param fresh: as for ``associate``.
        :raises Refusal: when what EC2 says has a remedy that it does not name.
        """
        doing = f"put the instance profile {profile_arn} in the place of the association {association_id}"

        def attempt() -> Association:
            given = {"AssociationId": association_id, "IamInstanceProfile": {"Arn": profile_arn}}
            return _association(self._ec2.replace_iam_instance_profile_association(**given)["IamInstanceProfileAssociation"])

        return self._until_taken(attempt, doing, fresh)

    def disassociate(self, association_id: str) -> None:
        """Take a profile off its instance. One that is off already is fine. Does not wait until it is gone."""
        try:
            self._ec2.disassociate_iam_instance_profile(AssociationId=association_id)
        except self._ec2.exceptions.ClientError as error:
            if session.error_code(error) != "InvalidAssociationID.NotFound":
                raise

    def wait(self, instance: str, profile_arn: Optional[str]) -> None:
        """Wait until the instance has the profile for good; ``None`` until it has none.

        :raises Refusal: when it takes longer than ``wait_timeout``.
        """
        self.wait_for({instance: profile_arn})

    def wait_for(self, wanted: Mapping[str, Optional[str]]) -> None:
        """Wait for several instances at once: id to the ARN of a profile, or ``None``.

        :raises Refusal: naming those that did not get there within ``wait_timeout``.
        """
        deadline = self._clock() + self._wait_timeout
        pause = 0.5
        missing = dict(wanted)
        while missing:
            now = self.of_all(missing)
            missing = {instance: arn for instance, arn in missing.items() if not _has_settled(now[instance], arn)}
            if not missing:
                return
            if self._clock() + pause > deadline:
                found = "; ".join(f"{instance} has {_said(now[instance])}, not {arn or 'none'}" for instance, arn in missing.items())
                raise Refusal(
                    f"After {self._wait_timeout:g} s instances have not got their profile for good: {found}. EC2 usually gets there later: "
                    "run the task again, or raise wait_timeout."
                )
            self._sleep(pause)
            pause = min(pause * 2, 8)

    def _until_taken(self, attempt: Callable[[], Association], doing: str, fresh: bool) -> Association:
        deadline = self._clock() + self._wait_timeout
        pause = 1.0
        while True:
            try:
                return attempt()
            except self._ec2.exceptions.ClientError as error:
                code = session.error_code(error)
                passes = code in _IN_BETWEEN or (fresh and _not_yet_known(error))
                if not passes or self._clock() + pause > deadline:
                    remedy = _remedy(code, str(error))
                    if not remedy:
                        raise
                    raised = Outdated if session.outdated(error) else Refusal
                    raise raised(f"Could not {doing}: {error}. {remedy}") from error
            self._sleep(pause)
            pause = min(pause * 2, 8)


def _association(item: Mapping[str, Any]) -> Association:
    return Association(item["AssociationId"], item["IamInstanceProfile"]["Arn"], item["State"])


def _time_of(answer: Mapping[str, Any]) -> datetime:
    """Return when AWS answered, by its own clock: the controller's may be wrong."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date) if date else datetime.now(timezone.utc)


def _not_yet_known(error: Exception) -> bool:
    return session.error_code(error) == "InvalidParameterValue" and any(text.lower() in str(error).lower() for text in _NOT_YET_KNOWN)


def _has_settled(association: Optional[Association], profile_arn: Optional[str]) -> bool:
    if association is None:
        return profile_arn is None
    return association.profile_arn == profile_arn and association.state == ASSOCIATED


def _said(association: Optional[Association]) -> str:
    return f"{association.profile_arn} ({association.state})" if association else "no profile"


def _remedy(code: str, text: str) -> str:
    if "PassRole" in text or code in ("UnauthorizedOperation", "AccessDenied"):
        return (
            "To hand a role to an instance takes iam:PassRole on the role in the profile, with iam:PassedToService ec2.amazonaws.com, "
            "besides ec2:AssociateIamInstanceProfile and ec2:ReplaceIamInstanceProfileAssociation. Have them granted to whoever runs this; "
            "`aws sts decode-authorization-message` tells which one EC2 missed."
        )
    if code == "InvalidAssociationID.NotFound":
        return "Somebody else has changed the instance's profile meanwhile. Run the task again to see what it has now."
    if code == "InvalidParameterValue":
        return (
            "EC2 does not take this profile. Look whether it exists and holds a role (`aws iam get-instance-profile`). One that was made "
            "moments ago takes some time to be known: run the task again, or raise wait_timeout."
        )
    if code in _IN_BETWEEN:
        return (
            "EC2 does this for instances that run or are stopped, replaces profiles of running ones only, and makes one change at a time. "
            "Run the task again, or raise wait_timeout."
        )
    return ""
