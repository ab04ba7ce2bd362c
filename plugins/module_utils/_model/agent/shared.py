# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile in which SSM Agent shares its credentials with the CloudWatch agent, in place of an access key of an IAM user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..errors import Refusal
from ..plan import Change


@dataclass(frozen=True)
class Sharing:
    """Who is to read the profile. Empty names leave things as they are."""

    owner: str = ""
    group: str = ""
    mode: str = "0640"


@dataclass(frozen=True)
class SharedProfile:
    """What the profile looks like, its keys aside."""

    temporary: bool = False
    """It holds credentials with a session token, as SSM Agent writes them and nobody else does for long."""
    region: str = ""
    owner: str = ""
    group: str = ""
    mode: str = ""
    unknown: Tuple[Tuple[str, str], ...] = ()
    """Kinds and names that were asked for and the host does not know."""
    unfit: str = ""
    """Why the file cannot be worked on."""

    @classmethod
    def of(cls, answer: Optional[Mapping[str, Any]]) -> Optional[SharedProfile]:
        """Return the profile that a host's answer describes."""
        return None if answer is None else cls(**dict(answer, unknown=tuple(map(tuple, answer.get("unknown", ())))))


_FIELDS = ("region", "owner", "group", "mode")


def target(actual: Optional[SharedProfile], wanted: Optional[Sharing], region: str) -> Optional[SharedProfile]:
    """Return the profile as it is asked for, laid over what is there."""
    if actual is None or wanted is None:
        return actual
    return replace(
        actual,
        temporary=True,
        region=region or actual.region,
        owner=wanted.owner or actual.owner,
        group=wanted.group or actual.group,
        mode=wanted.mode,
        unknown=(),
    )


def plan(target: Optional[SharedProfile], actual: Optional[SharedProfile], profile: str, file: str) -> List[Change]:
    """Return the ordered changes. In check mode the SSM Agent, or the package with its group, may be about to come.

    :raises Refusal: for a file that is not edited.
    """
    if target is None or actual is None:
        return []
    if actual.unfit:
        raise Refusal(f"{file} on the host cannot be worked on: {actual.unfit}. Nothing was changed.")
    changes = [] if actual.temporary else [Change("require", "shared credentials", profile, file)]
    changes += [Change("require", f"system {kind}", name) for kind, name in actual.unknown]
    differ = [name for name in _FIELDS if getattr(target, name) != getattr(actual, name)]
    return changes + ([Change("update", "profile", ", ".join(differ), file)] if differ else [])


def opens(changes: List[Change]) -> bool:
    """Return whether a plan gives the file another owner, group or mode."""
    return any((change.step, change.what) == ("update", "profile") and change.key != "region" for change in changes)


def required(change: Change, profile: str, file: str) -> Refusal:
    """Return the refusal of what has to be there before."""
    if change.what == "shared credentials":
        return Refusal(
            f"SSM Agent has written no credentials into profile {profile} of {file}. Register the host first (module "
            "hybridops.aws_agents.ssm_registration with share_credentials: true, this share_profile and credentials_file, or the role "
            "onprem_ssm); they are there some seconds after the agent has started. Nothing was changed."
        )
    kind = change.what.partition(" ")[2]
    return Refusal(f"The host knows no {kind} {change.key}, which {file} is to belong to. Name another one. Nothing was changed.")


def view(record: Optional[SharedProfile]) -> Dict[str, str]:
    """Return the profile as plain data."""
    return {name: getattr(record, name) for name in _FIELDS} if record else {}
