# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as a hybrid node, as a resource: what is read from it and from AWS, and what each change of the plan does."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ..module_utils._aws.activations import ROLE_SECONDS, Activations
from ..module_utils._host.channel import Channel, NoAnswer
from ..module_utils._model.agent.state import checksum
from ..module_utils._model.errors import Refusal
from ..module_utils._model.plan import Change
from ..module_utils._model.registration import files
from ..module_utils._model.registration import plan as deciding
from ..module_utils._model.registration.says import explain
from ..module_utils._model.registration.state import NEW, ONLINE, PLACES, SHARED_FILE, Host, Node, Rules, State, host_of, online
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource
from .activation import Failed, Registration
from .controller import Trap

_LOOK = 3.0
"""Seconds between two questions whether a node is online."""


class SsmRegistration(Resource):
    """One host, one registration.

    :param options: validated.
    :param client: makes a boto3 client with the caller's options.
    :param reconnect: forgets the connection, so that the next command makes a new one.
    """

    def __init__(self, rules: Rules, options: Mapping[str, Any], client: Callable[..., Any], channel: Channel,
                 reconnect: Callable[[], None]) -> None:  # fmt: skip
        self._rules = rules
        self._channel = channel
        self._reconnect = reconnect
        self._trap = Trap()
        pause = Announced(self.say, "Systems Manager to make an activation", ROLE_SECONDS, self._trap.pause)
        self._aws = Activations(client, rules, options.get("aws_config"), pause)
        self._before = State(Host())
        self._target = State(Host())
        self._node: Optional[Node] = None
        self._instance = ""
        """Of the node that this run registered."""
        self._stopped = False
        self._held = ExitStack()
        """The trap, from the stop of an agent to its start."""
        self._started: Optional[datetime] = None
        """When this run started the agent, by AWS's clock."""
        self._seen_at = 0.0
        """By the host's clock."""
        self._warnings: List[str] = []
        self.unreachable = False
        """Whether the run ended because the host could not be reached."""

    # Read and decide

    def read(self) -> State:
        answer = self._ask("probe", folder=self._rules.folder, shared=self._rules.shared)
        if not answer["ok"]:
            raise Refusal(f"The SSM agent on the host cannot be looked at: {answer['error']}. Is become set? Nothing was changed.")
        host, self._seen_at = host_of(answer), answer["now"]
        asked = deciding.asked_id(host, self._rules)
        self._node = self._aws.node(asked, deciding.asked_region(host, self._rules)) if asked else None
        left = self._aws.left() if deciding.wants_activations(host, self._rules) else ()
        self._before = State(host, self._node, left)
        return self._before

    def target(self, actual: State) -> State:
        self._target = deciding.target(actual, self._rules)
        self._warnings = deciding.warnings(actual, self._rules)
        return self._target

    def plan(self, target: State, actual: State) -> List[Change]:
        return deciding.plan(target, actual, self._rules)

    # Apply

    def apply(self, change: Change) -> None:
        """Make a change. A signal waits from the stop of a registered agent to its start, so that it does not stay stopped."""
        if change.step == "stop" and self._rules.present and self._before.host.instance:
            self._held.enter_context(self._trap)
        try:
            if not self._instance:  # it is registered by now, and only its start is left
                self._trap.check()
            self._apply(change)
        except BaseException as error:
            # A task's time limit is no Exception. It ends a command on the host half way, so that _go_on connects anew.
            self.unreachable = self.unreachable or not isinstance(error, Exception)
            try:
                self._go_on()
            finally:
                self._held.close()
            raise
        if change.step == "start":
            self._held.close()

    def _apply(self, change: Change) -> None:
        {
            ("require", "agent"): self._require,
            ("delete", "activation"): lambda change: self._aws.delete(change.key),
            ("create", "folder"): lambda change: self._done("make_folder", path=change.key),
            ("register", "node"): self._register,
            ("update", "role"): lambda change: self._aws.change_role(change.of.rpartition(" ")[2]),
            ("deregister", "node"): lambda change: self._aws.deregister(change.key, deciding.asked_region(self._before.host, self._rules)),
            ("clear", "registration"): self._clear,
            ("remove", "profile"): lambda change: self._done("close", on=change.of, path=change.of, profile=change.key),
        }.get((change.step, change.what), self._otherwise)(change)

    def _otherwise(self, change: Change) -> None:
        if change.what == "configuration":
            self._write(PLACES["config"], self._before.host.config, self._target.host.config, "0644")
        elif change.what == "environment":
            # Proxies may have a password in their address.
            self._write(self._before.host.drop_in, self._before.host.environment, self._target.host.environment, "0600", reload=True)
        else:
            self._stopped = self._stopped or change.step == "stop"
            self._turn(change.step)
            self._stopped = self._stopped and change.step != "start"

    def _require(self, _change: Change) -> None:
        raise Refusal(
            "The SSM agent is not installed on the host. Install it first (module hybridops.aws_agents.ssm_agent_package, or the role "
            "onprem_ssm). Nothing was changed, and no activation was made."
        )

    def _register(self, _change: Change) -> None:
        host, text = self._before.host, self._target.host.environment
        environment = {name: value for name, value in files.variables(text).items() if name != SHARED_FILE}
        way = Registration(self._rules, self._aws, self._ask, self._reconnect, self._trap, host)
        self._instance = way.run(environment)
        self._warnings += way.left

    def _go_on(self) -> None:
        """Start an agent again that was stopped to be registered anew: with the registration it had, or with the new one."""
        if self._stopped and self._rules.present and self._before.host.instance:
            with suppress(AnsibleError, NoAnswer, Failed):  # what went wrong first is what is told
                if self.unreachable:
                    self._reconnect()
                answer = self._ask("look", unit=self._before.host.unit, since=None)
                if answer["ok"] and answer["instance"] in {self._before.host.instance, self._instance} - {""}:
                    self._turn("start")

    def _clear(self, _change: Change) -> None:
        answer = self._done("clear", binary=self._before.host.binary, expected=self._before.host.instance)
        if answer["instance"]:
            raise Failed(f"amazon-ssm-agent -register -clear ended well, and the host is still registered as {answer['instance']}")

    def _write(self, path: str, before: Optional[str], text: Optional[str], mode: str, reload: bool = False) -> None:
        self._done("write", path=path, text=text or "", expected=checksum(before or ""), mode=mode, reload=reload, on=path)

    def _turn(self, verb: str) -> None:
        if verb in ("start", "restart"):
            self._started = self._aws.now
        self._done("turn", verb=verb, unit=self._before.host.unit)

    def _done(self, do: str, on: str = "", **request: Any) -> Dict[str, Any]:
        """Ask the host to do something, and fail with its words when it did not."""
        answer = self._ask(do, **request)
        if not answer["ok"]:
            raise Failed(f"{on} on the host was not written: {answer['error']}" if on else str(answer["error"]))
        if answer.get("rc"):
            said = explain([*answer["stdout"].splitlines(), *answer["stderr"].splitlines()])
            raise Failed(f"it ended with status {answer['rc']}. {said}")
        return answer

    # Prove

    def settle(self, changes: List[Change]) -> None:
        if not self._rules.present:
            return
        instance = self._instance or self._before.host.instance
        if not self._rules.verify:
            self._node = self._node if not self._instance else None
            return
        deadline = time.monotonic() + self._rules.verify_timeout.total_seconds()
        if changes or self._node is None:
            self._node = self._aws.node(instance, self._rules.region)
        pause = Announced(self.announce, f"node {instance} to be Online", self._rules.verify_timeout.total_seconds(), time.sleep)
        while not online(self._node, self._started) and time.monotonic() < deadline:
            pause(min(_LOOK, max(0.0, deadline - time.monotonic())))
            self._node = self._aws.node(instance, self._rules.region)
        if not online(self._node, self._started):
            raise Refusal(self._offline(instance, self._seen_at if changes else 0.0))

    def _offline(self, instance: str, since: float) -> str:
        limit = self._rules.verify_timeout.total_seconds()
        answer = self._ask("look", unit=self._before.host.unit, since=since)
        said = explain(answer.get("errors", ()))
        on_host = f"On the host its service is {answer.get('status') or 'unknown'}{f': {said}' if said else ''}."
        if self._node is None:
            return f"{deciding.unknown_node(instance, self._rules.region)} {on_host}"
        ping = self._node.ping or "nothing"
        ping += ", and has not heard of it since its service was started" if ping == ONLINE else ""
        return (
            f"Node {instance} is not online after {limit:.0f} s; AWS says {ping}. {on_host} Run again when that is "
            "mended, raise verify_timeout, or set verify: false."
        )

    # The host

    def _ask(self, do: str, **request: Any) -> Dict[str, Any]:
        try:
            answer = self._channel.ask(do, places=PLACES, **request)
        except AnsibleConnectionFailure:
            self.unreachable = True
            raise
        self.unreachable = False
        return answer

    # Report

    def report(self) -> Dict[str, Any]:
        node = self._node
        told: Dict[str, Any] = {"ping_status": node.ping if node else "", "computer_name": node.computer if node else ""}
        return dict(told, **({"warnings": self._warnings} if self._warnings else {}))

    def view(self, record: State) -> Dict[str, Any]:
        if record.host.instance == NEW and self._instance:
            record = replace(record, host=replace(record.host, instance=self._instance))
        return dict(deciding.view(record, self._rules), name=self._rules.name)
