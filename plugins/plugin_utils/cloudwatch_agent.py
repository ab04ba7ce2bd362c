# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CloudWatch agent of a host as a resource: what is read there, and what each change of the plan does."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure

from ..module_utils._host.channel import Channel
from ..module_utils._model.agent import plan as deciding
from ..module_utils._model.agent import shared
from ..module_utils._model.agent.configuration import Facts, facts, port_of
from ..module_utils._model.agent.control import explain
from ..module_utils._model.agent.health import Health, Seen, judge, needs_restart, window
from ..module_utils._model.agent.log import Circumstances
from ..module_utils._model.agent.state import COMMON, SERVICE, AgentState, Rules, Wanted, checksum, parameter_file_name, state_of
from ..module_utils._model.common_config import FILE, PROFILE
from ..module_utils._model.errors import InputError, Refusal
from ..module_utils._model.plan import Change
from ..module_utils._model.waiting import Announced
from ..module_utils._reconcile import Resource
from .cloudwatch_agent_proof import prove, refuse_unproven, wait_until_listed
from .cloudwatch_agent_wanted import wanted


class Failed(Exception):
    """A step did not succeed. The text says what the host said."""


class CloudWatchAgent(Resource):
    """One host, one agent.

    :param options: validated.
    :param client: makes a boto3 client with the caller's options.
    """

    def __init__(self, rules: Rules, options: Mapping[str, Any], client: Callable[..., Any], channel: Channel) -> None:
        self._rules = rules
        self._options = options
        self._client = client
        self._channel = channel
        self._facts = Facts()
        self._before = AgentState()
        self._target = AgentState()
        self._seen: Optional[Seen] = None
        self._health = Health()
        self._verified = ""
        self._warnings: List[str] = []
        self.unreachable = False
        """Whether the run ended because the host could not be reached."""

    # Read and decide

    def read(self) -> AgentState:
        if self._rules.present:
            found, self._warnings = wanted(self._rules, self._options["parameter_prefixes"], self._client)
            self._rules = replace(self._rules, wanted=found)
            self._facts = facts(found.content) if found else Facts()
            self._check_times()
        elif self._rules.origin[0] == "ssm":
            name = self._rules.origin[1]
            self._rules = replace(self._rules, wanted=Wanted("", parameter_file_name(name), f"ssm:{name}"))
        answer = self._ask(
            "probe",
            **self._where,
            config_path=self._rules.config_path,
            profile=self._rules.credentials_profile,
            shared=asdict(self._rules.sharing) if self._rules.sharing else None,
            name=self._rules.name,
            run_as_user=self._facts.run_as_user,
            writes=self._writes,
            show=not (self._rules.wanted and self._rules.wanted.secret),
        )
        if not answer["ok"]:
            raise Refusal(f"The agent's files on the host cannot be worked on: {answer['error']}. Nothing was changed.")
        self._before = state_of(answer)
        self._seen = Seen.of(answer)
        self._judge(self._seen, self._before)
        self._warnings += deciding.warnings(self._before, self._rules, self._facts.region)
        return self._before

    def target(self, actual: AgentState) -> AgentState:
        self._target = deciding.target(actual, self._rules)
        return self._target

    def plan(self, target: AgentState, actual: AgentState) -> List[Change]:
        stale = self._seen is not None and needs_restart(self._seen, self._facts.interval, self._around(actual), self._facts.silence)
        return deciding.plan(target, actual, self._rules, stale)

    def _check_times(self) -> None:
        limit, needed = self._rules.prove_timeout.total_seconds(), window(self._facts.interval)
        if self._rules.wanted and self._rules.prove and limit < needed:
            raise InputError(
                f"prove_timeout: {limit:.0f} s is shorter than a proof takes with this configuration, which sends every "
                f"{self._facts.interval:.0f} s. Give it {2 * needed:.0f}s, or set prove: false."
            )

    # Apply

    def apply(self, change: Change) -> None:
        {
            ("require", "agent"): self._require,
            ("require", "credentials"): self._require,
            ("require", "shared credentials"): self._require_shared,
            ("require", "system user"): self._require_shared,
            ("require", "system group"): self._require_shared,
            ("update", "profile"): self._open_profile,
            ("update", "common settings"): self._write_settings,
            ("create", "file"): self._write_source,
            ("update", "file"): self._write_source,
            ("delete", "file"): self._write_source,
            ("load", "configuration"): self._load,
            ("remove", "configuration"): lambda _change: None,
            ("unload", "configuration"): self._unload,
        }.get((change.step, change.what), self._turn)(change)

    def _require(self, _change: Change) -> None:
        if self._before.installed:
            deciding.refuse_unreadable(self._before, self._rules)
        raise Refusal(
            f"The CloudWatch agent is not installed in {self._rules.root} on the host. Install its package first (module "
            "hybridops.aws_agents.cloudwatch_agent_package, or the role onprem_agent). Nothing was changed."
        )

    def _require_shared(self, change: Change) -> None:
        raise shared.required(change, self._rules.credentials_profile, self._rules.credentials_file)

    def _open_profile(self, _change: Change) -> None:
        path = self._rules.credentials_file
        answer = self._ask("open", path=path, profile=self._rules.credentials_profile, **shared.view(self._target.shared))
        if not answer["ok"]:
            raise Failed(f"{path} on the host was not changed: {answer['error']}. Run again")

    def _write_settings(self, _change: Change) -> None:
        self._write(self._rules.path(COMMON), self._target.common, checksum(self._before.common))

    def _write_source(self, _change: Change) -> None:
        text = self._rules.wanted.text if self._rules.wanted else ""
        self._write(self._rules.config_path, text, self._before.source or checksum(""))

    def _write(self, path: str, text: str, expected: str) -> None:
        answer = self._ask("write", path=path, text=text, expected=expected)
        if not answer["ok"]:
            raise Failed(f"{path} on the host was not written: {answer['error']}")

    def _load(self, _change: Change) -> None:
        action = "fetch-config" if self._rules.exclusive else "append-config"
        answer = self._control("-a", action, "-m", "onPremise", "-c", self._rules.source)
        expected = self._target.configurations[self._rules.name]
        if answer["files"].get(self._rules.name) != expected:
            raise Failed(
                f"the host's copy of {self._rules.source} is not what was read before: somebody changed it meanwhile, or the host looks in "
                "another Region or account. Run again"
            )

    def _unload(self, _change: Change) -> None:
        # Never with -s, which would start the agent again, with a configuration of its own.
        everything = not self._target.configurations
        self._control("-a", "remove-config", "-m", "onPremise", "-c", "all" if everything else self._rules.source)

    def _control(self, *arguments: str) -> Dict[str, Any]:
        answer = self._ask("control", root=self._rules.root, arguments=list(arguments), region=self._rules.region)
        if not answer["ok"]:
            raise Failed(str(answer["error"]))
        if answer["rc"]:
            secret = bool(self._rules.wanted and self._rules.wanted.secret)
            raise Failed(f"{explain(answer, secret)}. The agent goes on as it was; run again when that is mended")
        return answer

    def _turn(self, change: Change) -> None:
        answer = self._ask("turn", verb=change.step)
        if not answer["ok"] or answer["rc"]:
            said = answer.get("error") or f"status {answer['rc']}: {answer['stderr'].strip()[-300:]}"
            raise Failed(f"systemctl {change.step} {SERVICE} failed, {said}")

    # Prove

    def settle(self, changes: List[Change]) -> None:
        if not self._rules.present or self._rules.wanted is None or self._seen is None:
            return
        seen = self._look() if changes else self._seen
        self._judge(seen, self._target)
        if self._rules.prove:
            limit = self._rules.prove_timeout.total_seconds()
            pause = Announced(self.announce, "the agent's log to show that it sends", limit, time.sleep)
            self._health = prove(self._look, seen, self._facts, self._around(self._target), limit, pause)
            refuse_unproven(self._health, limit)
        if self._rules.verify_metrics:
            cloudwatch = self._client("cloudwatch", region=self._facts.region or self._rules.region)
            longest = self._rules.verify_metrics_timeout.total_seconds()
            pause = Announced(self.announce, "CloudWatch to list a metric of this host", longest, time.sleep)
            self._verified = wait_until_listed(cloudwatch, self._facts, self._before.hostname, longest, pause)

    def _look(self) -> Seen:
        answer = self._ask("look", **self._where)
        if not answer["ok"]:
            raise Failed(f"the agent could not be looked at: {answer['error']}")
        return Seen.of(answer)

    def _judge(self, seen: Seen, state: AgentState) -> None:
        if self._before.installed:
            self._health = judge(seen, self._facts.interval, self._around(state), self._facts.silence)
        else:
            self._health = Health(says="the agent is not installed")

    # The host

    @property
    def _where(self) -> Dict[str, str]:
        return {"root": self._rules.root, "credentials_file": self._rules.credentials_file, "logfile": self._facts.logfile}

    @property
    def _writes(self) -> List[str]:
        """The files that a plan may write."""
        common = [self._rules.path(COMMON)] if self._rules.settings else []
        source = self._rules.wanted is not None and self._rules.source.startswith("file:")
        return common + ([self._rules.config_path] if source else [])

    def _around(self, state: AgentState) -> Circumstances:
        settings = state.settings
        profile = settings[PROFILE] or self._rules.credentials_profile
        others = [*self._facts.endpoints, settings["http_proxy"], settings["https_proxy"]]
        ports = Circumstances.ports | {port_of(url) for url in others if url}
        return Circumstances(profile, settings[FILE] or self._rules.credentials_file, self._facts.region or self._rules.region, ports)

    def _ask(self, do: str, **request: Any) -> Dict[str, Any]:
        try:
            answer = self._channel.ask(do, **request)
        except AnsibleConnectionFailure:
            self.unreachable = True
            raise
        self.unreachable = False
        return answer

    # Report

    def report(self) -> Dict[str, Any]:
        told = {"health": self._health.verdict, "says": self._health.says, "verified": self._verified}
        warnings = list(dict.fromkeys([*self._warnings, *(f"The CloudWatch agent: {text}" for text in self._health.warnings)]))
        return dict(told, **({"warnings": warnings} if warnings else {}))

    def view(self, record: AgentState) -> Dict[str, Any]:
        return dict(deciding.view(record, self._rules))
