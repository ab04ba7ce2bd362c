# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Weather for moto: reads that lag behind writes by up to so many seconds, each by another lag, so that they go back and forth.

Each answer comes from a copy of the account that is as old as the lag drawn for it. What a write changes is read just before it: so every
answer of the past is one that moto gave. A copy that does not know an object yet refuses what refers to it, and one that still knows a
deleted one refuses its successor, in AWS's words.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import urllib.parse
from collections import Counter, defaultdict
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from tests.faults.bench import drawn
from tests.support.emulators import Emulator
from tests.support.recording_proxy import Call, Forward, Response, failure

SECONDS = 20.0
"""The longest lag."""

Thing = Tuple[str, str]
"""A kind and a name, or the ARN of a policy."""
Refused = Tuple[str, str, int]
"""A code, what AWS says to it, and the status."""
Asked = Tuple[str, Tuple[Tuple[str, str], ...]]

NAMED = {"UserName": "user", "RoleName": "role", "PolicyArn": "policy", "InstanceProfileName": "profile"}
READS: Mapping[str, Tuple[str, ...]] = {
    "user": ("GetUser", "ListAccessKeys", "ListAttachedUserPolicies", "ListUserPolicies", "ListUserTags", "ListGroupsForUser"),
    "role": ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "ListRoleTags", "ListInstanceProfilesForRole"),
    "policy": ("GetPolicy", "ListPolicyVersions", "ListPolicyTags"),
    "profile": ("GetInstanceProfile",),
}
"""What is asked of an object by its name alone."""
OF_ACCOUNT: Mapping[str, Dict[str, str]] = {
    "ListPolicies": {"Scope": "Local"},
    "GetAccountAuthorizationDetails": {"Filter.member.1": "User"},
}
LACKED = {"ListServiceSpecificCredentials": "InvalidAction", "SimulatePrincipalPolicy": "AccessDenied"}
"""What moto cannot be asked, and how AWS refuses it to some."""
CREATES = {"CreateUser", "CreateRole", "CreatePolicy", "CreateInstanceProfile"}
DELETES = {"DeleteUser", "DeleteRole", "DeletePolicy", "DeleteInstanceProfile"}
LETS_GO = re.compile(r"(Detach|Delete|Remove)\w+(Policy|Version|Key|Profile|Boundary)")
NEVER = float("-inf")
PLAIN = re.compile(r"(Version|Action|MaxItems)")
"""Parameters that ask for nothing else."""


class Weather:
    """A handler for ``RecordingProxy``.

    :param name: of the case, from which the lags are drawn.
    :param clock: by which they are counted.
    :param seconds: the longest lag; 0 is calm.
    """

    def __init__(self, emulator: Emulator, name: object, clock: Callable[[], float], seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._now = clock
        self.stale: Counter[str] = Counter()
        """How often what was answered from a copy of before, or refused by one."""
        self.keys: Dict[str, str] = {}
        """Whose each access key is that was made in this weather."""
        self.most_keys: Counter[str] = Counter()
        self._emulator = emulator
        self._name = name
        self._lock = threading.RLock()
        self._asked: Counter[object] = Counter()
        self._past: Dict[Asked, List[Tuple[float, Response]]] = defaultdict(list)
        self._born: Dict[Thing, float] = {}
        self._gone: Dict[Thing, float] = {}
        self._let_go: Dict[Thing, float] = {}
        self._changed: Dict[Thing, float] = {}
        self._seen: Dict[str, Dict[Asked, Call]] = defaultdict(dict)

    def __call__(self, call: Call, forward: Forward) -> Response:
        with self._lock:
            known = self._caller_unknown(call)
            if known:
                return known
            forward = mended(call, forward)
            if call.write and call.service != "sts":
                return self._write(call, forward)
            return self._read(call, forward)

    def _read(self, call: Call, forward: Forward) -> Response:
        asked = _asked(call)
        moment = self._moment(asked)
        for until, answer in self._past.get(asked, ()):
            if until > moment:
                self.stale[str(call)] += 1
                return answer
        if call.operation == "AssumeRole":
            arn = call.parameters["RoleArn"]
            if self._changed.get(("role", arn.rpartition("/")[2]), NEVER) > moment:
                return self._refused(call, "AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
        if call.operation == "ListTagsForResource" and self._unborn(("parameter", call.parameters["ResourceId"]), moment):
            return self._refused(call, "InvalidResourceId", "The resource ID is not valid.", 400)
        if call.operation == "GetAccessKeyLastUsed" and self._unborn(("key", call.parameters["AccessKeyId"]), moment):
            return self._refused(call, "NoSuchEntity", "The access key cannot be found.", 404)
        if call.service in ("ssm", "ec2"):
            self._seen[call.service][asked] = call
        return forward()

    def _moment(self, what: object) -> float:
        """Return of when the copy is that answers."""
        self._asked[what] += 1
        return self._now() - drawn("weather", self._name, what, self._asked[what]).uniform(0.0, self.seconds)

    def _unborn(self, thing: Thing, moment: float) -> bool:
        return self._born.get(thing, NEVER) > moment

    def _write(self, call: Call, forward: Forward) -> Response:
        refused = self._refusal(call)
        if refused:
            return refused
        things = set(self._things(call))
        before = list(self._before(call, things))
        answer = forward()
        now = self._now()
        for asked, past in before:
            self._past[asked].append((now, past))
        if answer.status < 300:
            self._note(call, answer, things, now)
        return answer

    def _note(self, call: Call, answer: Response, things: Set[Thing], now: float) -> None:
        for thing in things:
            self._changed[thing] = now
            if LETS_GO.match(call.operation) and thing[0] != "keys":
                self._let_go[thing] = now
        made = call.operation in CREATES or (call.operation == "PutParameter" and not call.parameters.get("Overwrite"))
        for thing in things if made else ():
            self._born[thing] = now
            self._gone.pop(thing, None)
        kind = {"DeleteAccessKey": "key", "DeleteParameter": "parameter"}.get(call.operation, "")
        for thing in things if kind or call.operation in DELETES else ():
            if kind in ("", thing[0]):
                self._gone[thing] = now
                self._born.pop(thing, None)
        if call.operation == "DeleteAccessKey" and self._count_keys(call.parameters["UserName"]) == 1:
            self._let_go[("keys", call.parameters["UserName"])] = now
        if call.operation == "CreateAccessKey":
            (key_id,) = re.findall(rb"<AccessKeyId>(\w+)<", answer.body)
            self.keys[key_id.decode()] = call.parameters["UserName"]
            self._born[("key", key_id.decode())] = now
            self._count_keys(call.parameters["UserName"])
        if call.operation == "CreatePolicyVersion":
            (version,) = re.findall(rb"<VersionId>(v\d+)<", answer.body)
            asked = ("GetPolicyVersion", (("PolicyArn", call.parameters["PolicyArn"]), ("VersionId", version.decode())))
            self._past[asked].append((now, failure(call, "NoSuchEntity", f"Policy version {version.decode()} does not exist.", 404)))

    def _count_keys(self, user: str) -> int:
        listed = self._recorded("ListAccessKeys", {"UserName": user})[1]
        keys = listed.body.count(b"<AccessKeyId>")
        self.most_keys[user] = max(self.most_keys[user], keys)
        return keys

    def _refusal(self, call: Call) -> Optional[Response]:
        """Return what a copy answers that does not know of a change yet."""
        moment = self._moment(("write", call.operation, tuple(sorted(self._things(call)))))
        parameters = {name: str(value) for name, value in call.parameters.items()}
        for code, message, status in (*self._of_things(call, moment), *self._of_references(call, parameters, moment)):
            return self._refused(call, code, message, status)
        return None

    def _of_things(self, call: Call, moment: float) -> Iterator[Refused]:
        for kind, name in self._things(call) if call.service == "iam" else ():
            if call.operation in CREATES:
                if self._gone.get((kind, name), NEVER) > moment:
                    yield "EntityAlreadyExists", f"{kind.title()} with name {name} already exists.", 409
            elif self._unborn((kind, name), moment):
                yield "NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404
            elif call.operation in DELETES and self._let_go.get((kind, name), NEVER) > moment:
                yield "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409
            elif call.operation == "CreateAccessKey" and self._let_go.get(("keys", name), NEVER) > moment:
                yield "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409

    def _of_references(self, call: Call, parameters: Mapping[str, str], moment: float) -> Iterator[Refused]:
        if self._unborn(("policy", parameters.get("PermissionsBoundary", "")), moment):
            yield "NoSuchEntity", f"Policy {parameters['PermissionsBoundary']} does not exist or is not attachable.", 404
        if call.operation in ("CreateRole", "UpdateAssumeRolePolicy"):
            document = parameters.get("AssumeRolePolicyDocument") or parameters["PolicyDocument"]
            for (kind, name), born in self._born.items():
                if born > moment and re.search(rf'"[^"]*:{kind}/([^"]*/)?{re.escape(name)}"', document):
                    yield "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{kind}/{name}"', 400
        role = parameters.get("IamRole", "").rpartition("/")[2]
        if role and self._changed.get(("role", role), NEVER) > moment:
            yield "ValidationException", "Nonexistent role or missing ssm service principal in trust policy", 400
        profile = next((value for name, value in parameters.items() if name.startswith("IamInstanceProfile.")), "").rpartition("/")[2]
        if profile and self._changed.get(("profile", profile), NEVER) > moment:
            yield (
                "InvalidParameterValue",
                f"Value ({profile}) for parameter iamInstanceProfile is invalid. Invalid IAM Instance Profile",
                400,
            )
        if call.operation == "AddTagsToResource" and self._unborn(("parameter", parameters["ResourceId"]), moment):
            yield "InvalidResourceId", "The resource ID is not valid.", 400

    def _refused(self, call: Call, code: str, message: str, status: int) -> Response:
        self.stale[f"{call} {code}"] += 1
        return failure(call, code, message.replace('"', "&quot;") if call.protocol == "query" else message, status)

    def _caller_unknown(self, call: Call) -> Optional[Response]:
        key_id = call.access_key_id
        if key_id not in self.keys:
            return None
        moment = self._moment(("caller", key_id))
        if ("key", key_id) in self._gone or self._unborn(("key", key_id), moment):
            return self._refused(call, "InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        if call.service != "sts" and self._changed.get(("user", self.keys[key_id]), NEVER) > moment:
            return self._refused(call, "AccessDeniedException", f"User is not authorized to perform: {call}", 400)
        return None

    def _things(self, call: Call) -> Iterator[Thing]:
        parameters = call.parameters
        if call.service == "iam":
            yield from ((kind, parameters[name]) for name, kind in NAMED.items() if name in parameters)
            if call.operation == "CreatePolicy":
                yield "policy", f"arn:aws:iam::{self._emulator.account}:policy{parameters.get('Path', '/')}{parameters['PolicyName']}"
            if "AccessKeyId" in parameters:
                yield "key", parameters["AccessKeyId"]
            if call.operation in ("DeleteAccessKey", "CreateAccessKey"):
                yield "keys", parameters["UserName"]
        elif call.operation in ("PutParameter", "DeleteParameter"):
            yield "parameter", parameters["Name"]

    # What was there before a write

    def _before(self, call: Call, things: Set[Thing]) -> Iterator[Tuple[Asked, Response]]:
        if call.service in ("ssm", "ec2"):
            for asked, seen in list(self._seen[call.service].items()):
                yield asked, self._ask(seen)
        if call.service != "iam":
            return
        parameters = {kind: name for name, kind in NAMED.items()}
        for kind, name in things:
            for operation in READS.get(kind, ()):
                yield self._recorded(operation, {parameters[kind]: name})
            if kind in ("user", "role") and "PolicyName" in call.parameters:
                yield self._recorded(f"Get{kind.title()}Policy", {parameters[kind]: name, "PolicyName": call.parameters["PolicyName"]})
        if call.operation in ("CreatePolicy", "DeletePolicy"):
            yield self._recorded("ListPolicies", OF_ACCOUNT["ListPolicies"], MaxItems="1000")
        if any(kind == "user" for kind, _name in things):
            yield self._recorded("GetAccountAuthorizationDetails", OF_ACCOUNT["GetAccountAuthorizationDetails"])

    def _recorded(self, operation: str, parameters: Mapping[str, str], **more: str) -> Tuple[Asked, Response]:
        body = urllib.parse.urlencode({"Action": operation, "Version": "2010-05-08", **parameters, **more}).encode()
        call = Call("iam", operation, self._emulator.root.access_key_id, "us-east-1", "POST", "/", "query", body)
        return _asked(call), self._ask(call)

    def _ask(self, call: Call) -> Response:
        """Ask moto as a client would."""
        scope = f"{call.access_key_id}/20260101/us-east-1/{call.service}/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
        if call.protocol == "json":
            headers.update({"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonSSM.{call.operation}"})
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        where = urllib.parse.urlsplit(self._emulator.endpoint_url)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
        try:
            connection.request("POST", "/", call.body, headers)
            answer = connection.getresponse()
            return Response(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            connection.close()


def mended(call: Call, forward: Forward) -> Forward:
    """Return what answers as AWS does where moto has no answer, or fails."""

    def answer() -> Response:
        if call.operation in LACKED:
            return failure(call, LACKED[call.operation], "not here", 403)
        given = forward()
        if given.status == 500 and call.operation == "RemoveRoleFromInstanceProfile":
            return failure(call, "NoSuchEntity", "The role is not in the instance profile.", 404)
        return given

    return answer


def _asked(call: Call) -> Asked:
    parameters: Mapping[str, Any] = call.parameters
    return call.operation, tuple(
        sorted((name, value if isinstance(value, str) else json.dumps(value, sort_keys=True)) for name, value in parameters.items()
               if not PLAIN.fullmatch(name))
    )  # fmt: skip
