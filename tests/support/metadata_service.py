# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metadata service of one EC2 instance of an emulator, on the loopback address: version 2, who the instance is, its role's credentials.

As on EC2, the instance learns of another role a while after its profile was changed, and credentials come with a session token only.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Dict, List, Optional, Self, Type

TOKEN = "a-token-of-version-2"
_ROLES = "/latest/meta-data/iam/security-credentials/"


class MetadataService:
    """Answers for one instance. Use it as a context manager.

    :param emulator: has the instance, its association, profiles and roles.
    :param lag: how many times the role of before is still told after the profile was changed.
    """

    def __init__(self, emulator: Any, instance: str, lag: int = 0) -> None:
        self.instance, self.lag = instance, lag
        self.seen: List[str] = []
        """The roles it told, in order, without repetitions."""
        self.given: List[str] = []
        """Every secret it gave out."""
        self._region = emulator.region
        self._ec2, self._iam, self._sts = (emulator.client(service) for service in ("ec2", "iam", "sts"))
        self._told = ""
        self._late = 0
        self._credentials: Dict[str, Dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> Optional[str]:
        """Return what the service says, ``None`` for what it has not."""
        if path == "/latest/meta-data/instance-id":
            return self.instance
        if path == "/latest/meta-data/placement/region":
            return str(self._region)
        role = self._role()
        if path == _ROLES:
            return role or None
        return json.dumps(self._session(role)) if role and path == _ROLES + role else None

    def _role(self) -> str:
        now = self._associated()
        if now != self._told and self._told and self._late < self.lag:
            self._late += 1
        else:
            self._told, self._late = now, 0
        if self.seen[-1:] != [self._told]:
            self.seen.append(self._told)
        return self._told

    def _associated(self) -> str:
        filters = [{"Name": "instance-id", "Values": [self.instance]}]
        found = self._ec2.describe_iam_instance_profile_associations(Filters=filters)["IamInstanceProfileAssociations"]
        named = next((each["IamInstanceProfile"] for each in found if each["State"] == "associated"), None)
        if not named:
            return ""
        name = (named.get("Arn") or named["Name"]).rpartition("/")[2]
        roles = self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
        return str(roles[0]["RoleName"]) if roles else ""

    def _session(self, role: str) -> Dict[str, str]:
        if role not in self._credentials:
            arn = self._iam.get_role(RoleName=role)["Role"]["Arn"]
            made = self._sts.assume_role(RoleArn=arn, RoleSessionName=self.instance)["Credentials"]
            self.given += [made["SecretAccessKey"], made["SessionToken"]]
            self._credentials[role] = {"Code": "Success", "AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"],
                                       "Token": made["SessionToken"],
                                       "Expiration": made["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ")}  # fmt: skip
        return self._credentials[role]

    def _handler(self) -> Type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                wanted = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
                self._say(200 if wanted else 400, TOKEN if wanted else "")

            def do_GET(self) -> None:
                if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
                    self._say(401, "")
                    return
                text = service.answer(self.path)
                self._say(404 if text is None else 200, text or "")

            def _say(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler
