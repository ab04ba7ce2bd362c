# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes over the wire and to the emulator: documents, errors, whose call it is, pages."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Protocol, Sequence

PAGE = 10
"""Small, so that a caller who forgets to ask for the next page is found out."""

Document = Dict[str, Any]


class ServiceError(Exception):
    """What AWS answers in place of a result."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def document(self) -> Document:
        return {"__type": self.code, "message": self.message}


@dataclass(frozen=True)
class Scope:
    """Whose call it is, and where: everything here is kept per account and region."""

    account: str
    region: str
    caller: str = ""
    """ARN of who calls, for LastModifiedUser."""

    def arn(self, resource: str) -> str:
        return f"arn:aws:ssm:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Token:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


class World(Protocol):
    """What an emulator is asked."""

    def role(self, name: str) -> Optional[Document]:
        """Return ``{"Arn": …, "AssumeRolePolicyDocument": {…}}`` of the role that has this name, or None."""

    def token(self, role_arn: str, session: str, seconds: float) -> Token:
        """Return temporary credentials of the role that really are the role's, for so long."""

    def may_pass(self, role_arn: str) -> bool:
        """Return whether the caller may pass the role to Systems Manager."""

    def signed_by(self, public_key: str) -> bool:
        """Return whether the request at hand is signed with the key that belongs to ``public_key`` (base64 of its DER form)."""

    def instances(self) -> List[Document]:
        """Return the EC2 instances that Systems Manager manages, as DescribeInstanceInformation has them."""


def page(name: str, rows: Sequence[Document], request: Document, sizes: range) -> Document:
    size = int(request.get("MaxResults", PAGE))
    if size not in sizes:
        raise ServiceError("ValidationException", f"Value '{size}' at 'maxResults' must be from {sizes.start} to {sizes.stop - 1}")
    token = str(request.get("NextToken", "after-0"))
    if not re.fullmatch(r"after-\d+", token):
        raise ServiceError("InvalidNextToken", "The specified token is not valid.")
    start = int(token[len("after-") :])
    more = {"NextToken": f"after-{start + size}"} if len(rows) > start + size else {}
    return {name: list(rows[start : start + size]), **more}


def epoch(value: Any) -> float:
    if isinstance(value, str):
        parsed = datetime.datetime.fromisoformat(value)
        return parsed.replace(tzinfo=parsed.tzinfo or datetime.UTC).timestamp()
    return float(value)


def listed(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]
