# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access key of a host as a resource: what is read from IAM and the host, and what each change of the plan does."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ..module_utils._aws.access_keys import LIMIT_SECONDS, AccessKeys
from ..module_utils._aws.proof import HostProof
from ..module_utils._aws.session import outdated
from ..module_utils._host.channel import Channel
from ..module_utils._model.access_key import (
    LAST_USES,
    NEW,
    TAKE_UP,
    HostState,
    Key,
    Proof,
    Rules,
    State,
    User,
    belonging,
    settled,
)
from ..module_utils._model.errors import Outdated, Refusal
from ..module_utils._model.key_decisions import Decision, decide
from ..module_utils._model.plan import Change
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource
from .controller import Trap
from .handover import Delivery, Failed, Handover, Mint

RESTART = "systemctl try-restart amazon-cloudwatch-agent.service"
_RELISTS = 3
_RELISTS_OF_FRESH = 25
"""How often a host's key that is not listed is looked for, once a second; where the file was just written, for as long as lists may lag."""
_FRESH = timedelta(minutes=1)


class HostAccessKey(Resource):
    """One host, one user, at most two keys.

    :param execute: runs a command on the host, as ``Channel`` wants it.
    :param reconnect: forgets the connection, so that the next command makes a new one.
    """

    def __init__(self, rules: Rules, options: Mapping[str, Any], client: Callable[..., Any], channel: Channel,
                 execute: Callable[[str, bytes], Mapping[str, Any]], reconnect: Callable[[], None]) -> None:  # fmt: skip
        self._rules = rules
        self._trap = Trap()
        self._client = client
        self._channel = channel
        self._execute = execute
        self._reconnect = reconnect
        self._proof = HostProof(client, rules.region)
        pause = Announced(self.say, f"AWS to make a new key for user {rules.user}", LIMIT_SECONDS, self._trap.pause)
        self._aws = AccessKeys(client, rules.user, options.get("aws_config"), pause)
        self._before = State(self._aws.now, None, (), HostState())
        """What was read; empty until then."""
        self._decision: Optional[Decision] = None
        self._minted: Optional[Key] = None
        self._waited = False
        self._arn = ""
        self.unreachable = False
        """Whether the run ended because the host could not be reached."""

    # Read and decide

    def read(self) -> State:
        self._before = self._with_rest(self._seen_first())
        return self._before

    def _seen_first(self) -> State:
        """Return the user, its keys and the host, as far as every decision needs them."""
        listed = self._aws.listed()
        host = self._look()
        state = State(self._aws.now, User(self._rules.user, host.says), listed or (), host)
        return state if listed and self._enough(state) else self._with_user(state, listed)

    def _enough(self, state: State) -> bool:
        """Return whether nothing is to be done, so that whose user it is need not be asked: its own list has the key that works."""
        return settled(state, self._rules) and not decide(state, self._rules).changes

    def _with_user(self, seen: State, listed: Optional[Tuple[Key, ...]]) -> State:
        user, retired = self._aws.user()
        self._arn = user.arn if user else ""
        host = belonging(seen.host, self._arn)
        keys = () if user is None else self._aws.keys(retired) if listed is None else self._aws.tagged(listed, retired)
        for _attempt in range(self._relists(host)):
            if not user or not host.key_id or host.proof is Proof.FOREIGN or any(key.id == host.key_id for key in keys):
                break
            self._trap.pause(1.0)
            keys = self._aws.keys(retired)
        return State(self._aws.now, user, keys, host)

    def _relists(self, host: HostState) -> int:
        return _RELISTS_OF_FRESH if host.written and self._aws.now - host.written < _FRESH else _RELISTS

    def _with_rest(self, state: State) -> State:
        if state.user is None or settled(state, self._rules):
            return state
        return replace(self._with_holder(state), user=self._aws.with_rights(state.user), keys=tuple(map(self._aws.with_use, state.keys)))

    def _with_holder(self, state: State) -> State:
        host = state.host
        unknown = host.key_id and state.key(host.key_id) is None and host.proof is Proof.UNKNOWN
        return replace(state, host=replace(host, holder=self._aws.holder(host.key_id))) if unknown else state

    def target(self, actual: State) -> State:
        self._decision = decide(actual, self._rules)
        return self._decision.after

    def plan(self, target: State, actual: State) -> List[Change]:  # noqa: ARG002  (the changes lead to it, and come with it)
        return list(decide(actual, self._rules).changes)

    def outdated(self, error: Exception) -> bool:
        """One new key per run: what it went to is not decided anew."""
        return self._minted is None and outdated(error)

    def _look(self) -> HostState:
        answer = self._ask("probe", **self._attributes, **self._proof.ask(self._aws.now))
        return self._seen(answer) if answer["ok"] else HostState(error=answer["error"])

    def _seen(self, answer: Mapping[str, Any]) -> HostState:
        proof, says = Proof.UNTRIED, ""
        if answer["key_id"]:
            signed = answer.get("signature")
            if not re.fullmatch(r"[A-Za-z0-9_]{1,128}", answer["key_id"]):
                proof, says = Proof.UNKNOWN, "what the profile holds is no id of a key"
            elif not signed:
                proof, says = Proof.WRONG, "the profile holds no secret"
            else:
                proof, says = self._proof.judge(answer["key_id"], signed)
        owner, group = (self._as_asked(answer, *names) for names in (("owner", "uid"), ("group", "gid")))
        written = self._aws.now - timedelta(seconds=answer["age"]) if answer["exists"] else None
        return HostState(answer["key_id"], proof, says, written=written, restarted=answer.get("restarted", False), region=answer["region"],
                         owner=owner, group=group, mode=answer.get("mode", ""), hindrance=answer.get("hindrance", ""),
                         leftover=answer.get("leftover", False),
                         unknown=tuple(map(tuple, answer.get("unknown", ()))), session=answer.get("session", False))  # fmt: skip

    def _as_asked(self, answer: Mapping[str, Any], name: str, number: str) -> str:
        """Return an owner or group in the form the user wrote it."""
        return str(answer.get(number if getattr(self._rules, name).isdigit() else name, ""))

    # Apply

    def apply(self, change: Change) -> None:
        {
            ("require", "user"): self._require,
            ("require", "system user"): self._require_account,
            ("require", "system group"): self._require_account,
            ("hand over", "access key"): self._hand_over,
            ("delete", "access key"): self._delete,
            ("retire", "access key"): self._retire,
            ("tag", "access key"): lambda change: self._aws.tag(change.key),
            ("remove", "temporary file"): lambda _change: self._write("clean"),
            ("remove", "profile"): lambda _change: self._write("take_away"),
            ("update", "profile"): lambda _change: self._write("amend", region=self._rules.region),
            ("restart", "agent"): self._restart,
            ("wait for", "agent"): self._wait,
        }[change.step, change.what](change)

    def _require(self, change: Change) -> None:
        raise no_user(change.key)

    def _require_account(self, change: Change) -> None:
        raise Refusal(
            f"The host knows no {change.what.partition(' ')[2]} {change.key}, which {self._rules.path} is to belong to. The agent's "
            "package makes cwagent. Install it first, or name another owner or group. Nothing was changed, and no key was made."
        )

    def _delete(self, change: Change) -> None:
        key = self._before.key(change.key)
        self._aws.delete(change.key, tagged=key is not None and key.tagged is not None)

    def _retire(self, change: Change) -> None:
        # Read again: AWS's date with it is what the retirement is tagged with, and uses after that forbid to delete the key.
        old = self._before.key(change.key)
        used = self._aws.with_use(old).used if old else None
        if self._waited and used and used > self._written + LAST_USES:
            raise Refusal(f"{change.key} was used while the agent took up the new key: somebody else holds it. Both keys stay Active.")
        self._aws.retire(change.key)

    def _restart(self, _change: Change) -> None:
        try:
            said = self._execute(RESTART, b"")
        except AnsibleError as error:
            self.unreachable = isinstance(error, AnsibleConnectionFailure)
            raise Failed(f"{RESTART} could not be run: {error}. Both keys stay Active") from error
        if said["rc"]:
            raise Failed(f"{RESTART} ended with status {said['rc']}: {said['stderr'].strip()[-300:]}. Both keys stay Active")

    def _wait(self, _change: Change) -> None:
        self._waited = True
        seconds = max(0.0, (self._written + TAKE_UP - self._aws.now).total_seconds())
        Announced(self.announce, f"the agent of {self._rules.user} to take up its new key", seconds, self._trap.pause)(seconds)

    def _write(self, do: str, **more: Any) -> None:
        answer = self._ask(do, expected=self._before.host.key_id, **self._attributes, **more)
        if not answer["ok"]:
            raise Failed(f"{self._rules.path} on the host was not changed: {answer['error']}")

    def _hand_over(self, _change: Change) -> None:
        mint = Mint(self._rules, self._aws, self._client, self._trap, self._arn, self.announce)
        self._minted = Handover(mint, self._delivery(), self._trap, self._before.host).run(self._attributes)

    def _delivery(self) -> Delivery:
        return Delivery(self._rules, self._aws, self._proof, self._ask, self._reconnect, self._before.host.key_id, self._arn)

    # The host

    @property
    def _written(self) -> Any:
        return self._minted.created if self._minted else self._before.host.written or self._aws.now

    @property
    def _attributes(self) -> Dict[str, str]:
        return {"owner": self._rules.owner, "group": self._rules.group, "mode": self._rules.mode}

    def _ask(self, do: str, **request: Any) -> Dict[str, Any]:
        try:
            answer = self._channel.ask(do, path=self._rules.path, profile=self._rules.profile, **request)
        except AnsibleConnectionFailure:
            self.unreachable = True
            raise
        self.unreachable = False
        return answer

    # Report

    def view(self, record: State) -> Dict[str, Any]:
        decision = self._decision
        return {
            "user": self._rules.user,
            "path": self._rules.path,
            "profile": self._rules.profile,
            "key_id": self._named(record.host.key_id),
            "region": record.host.region,
            "owner": record.host.owner,
            "group": record.host.group,
            "mode": record.host.mode,
            "access_keys": [self._told(key, record) for key in record.keys],
            "decision": decision.reason if decision else "",
            "awaiting": decision.awaiting if decision else "",
        }

    def _named(self, key_id: str) -> str:
        named = self._minted.id if key_id == NEW and self._minted else key_id
        return named.encode("utf-8", "backslashreplace").decode()

    def _told(self, key: Key, state: State) -> Dict[str, Any]:
        return dict(as_data(key, state.now), id=self._named(key.id))


def as_data(key: Key, now: datetime) -> Dict[str, Any]:
    """Return a key as plain data for a result."""
    times = {"created": key.created, "last_used": key.used, "retired": key.tagged}
    told: Dict[str, Any] = {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None for name, moment in times.items()}
    told.update(id=key.id, status="Active" if key.active else "Inactive", age_days=max(0, (now - key.created).days))
    told.update(last_used_service=key.used_service, last_used_region=key.used_region)
    return told


def no_user(name: str) -> Refusal:
    """Return the refusal of a user that is to be made first. One that was just made may not be seen everywhere yet."""
    return Outdated(
        f"User {name} does not exist, so there is nobody to give a key to. "
        "Run the playbook hybridops.aws_agents.aws_access with this host in the group of its hosts; it makes the users."
    )
