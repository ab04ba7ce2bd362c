# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's JSON configuration: what its schema does not say, what a host on premises cannot have, and what follows from it."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Tuple
from urllib.parse import urlsplit

from ..errors import InputError

SECTIONS = ("metrics", "logs", "traces", "opentelemetry")
"""At least one of them gives the agent something to do."""
AGENT_KEYS = (
    "aws_sdk_log_level", "credentials", "debug", "deployment.environment", "internal", "logfile", "metrics_collection_interval",
    "omit_hostname", "quiet", "region", "run_as_user", "service.name", "system_metrics_enabled", "use_dualstack_endpoint",
    "user_agent",
)  # fmt: skip
"""Of the section ``agent``, for which the schema allows any key."""
MINUTE = 60
LOGS_FLUSH = 5
"""Seconds between two sendings of log events, where the configuration does not say."""
LOGS_RETRY = 65.0
"""Seconds within which log events that could not be sent are tried again: the agent waits for up to a minute."""


@dataclass(frozen=True)
class Facts:
    """What others need to know of a configuration."""

    run_as_user: str = ""
    region: str = ""
    interval: float = float(MINUTE)
    """Seconds within which it sends at least once."""
    metrics: bool = False
    namespace: str = "CWAgent"
    host_dimension: bool = True
    """Metrics carry the host's name."""
    logfile: str = ""
    """Where the agent writes its log; empty for the usual place."""
    silence: float = 0.0
    """Seconds that may pass between two errors of an agent that fails all the time."""
    endpoints: Tuple[str, ...] = ()
    """URLs that data goes to in place of AWS's."""


def parse(text: str, where: str) -> Dict[str, Any]:
    """Return a configuration from its text.

    :raises InputError: for what is no JSON object. It quotes nothing of the text.
    """
    try:
        config = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{where} is no JSON{at}.") from None
    if not isinstance(config, dict):
        raise InputError(f"{where} is no JSON object. The agent's configuration has the keys agent, {', '.join(SECTIONS)}.")
    if re.search("[\ud800-\udfff]", json.dumps(config, ensure_ascii=False)):
        raise InputError(f"{where} holds half a character (U+D800 to U+DFFF), which no file in UTF-8 can. Take it out.")
    return config


def _refuse(word: str) -> None:
    raise ValueError(f"JSON has no {word}")


def plain(config: Any, where: str) -> Dict[str, Any]:
    """Return a configuration given as a dictionary, free of a caller's own types.

    :raises InputError: for what JSON cannot hold.
    """
    try:
        text = json.dumps(config, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{where} cannot be written as JSON: {error}.") from None
    return parse(text, where)


def render(config: Mapping[str, Any], region: str, run_as_user: str = "") -> str:
    """Return a configuration's text, the same for the same content. Region and user are filled in where it names none."""
    whole = dict(config)
    missing = {name: value for name, value in (("region", region), ("run_as_user", run_as_user)) if value}
    if missing:
        whole["agent"] = {**missing, **whole.get("agent", {})}
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def check(config: Mapping[str, Any], where: str) -> List[str]:
    """Return what looks wrong and may be meant.

    :param config: one that the agent's schema accepts.
    :raises InputError: for what the schema lets pass and a host on premises cannot run. Values are not quoted, names are.
    """
    _something(config, where)
    for path, value in _walk(config):
        if value is None:
            raise InputError(f"{where}: {path} is null. Give it a value or leave it out.")
        if isinstance(value, str) and "${aws:" in value:
            raise InputError(
                f"{where}: {path} holds a ${{aws:...}} placeholder, which only an EC2 instance can fill in. Write the value itself."
            )
    if "append_dimensions" in config.get("metrics", {}):
        raise InputError(
            f"{where}: metrics.append_dimensions makes the agent ask EC2's instance metadata (its ec2tagger), without which it does not "
            "start on premises. Take it out; append_dimensions inside a plugin of metrics_collected works everywhere."
        )
    agent = config.get("agent", {})
    if not isinstance(agent.get("run_as_user", ""), str) or agent.get("run_as_user") == "":
        raise InputError(f"{where}: agent.run_as_user must be the name of a user, as text.")
    warnings = _names("agent", agent, AGENT_KEYS, where)
    return warnings + _names("", config, ("agent", "$schema", *SECTIONS), where)


def facts(config: Mapping[str, Any]) -> Facts:
    """Return what follows from a configuration that was checked."""
    agent, metrics = config.get("agent", {}), config.get("metrics", {})
    return Facts(
        run_as_user=agent.get("run_as_user", ""),
        region=agent.get("region", ""),
        interval=_interval(config),
        metrics=bool(metrics),
        namespace=metrics.get("namespace", Facts.namespace),
        host_dimension=not agent.get("omit_hostname", False),
        logfile=agent.get("logfile", ""),
        silence=LOGS_RETRY if config.get("logs") else 0.0,
        endpoints=tuple(config[name]["endpoint_override"] for name in ("metrics", "logs") if config.get(name, {}).get("endpoint_override")),
    )


def port_of(url: str) -> int:
    """Return the port of a URL; 0 for what is none."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        return parts.port or {"http": 80}.get(parts.scheme, 443)
    except ValueError:
        return 0


def _interval(config: Mapping[str, Any]) -> float:
    """A metric is sent once it was collected and the next flush comes: the slower of both decides."""
    intervals: List[float] = []
    metrics, logs = config.get("metrics"), config.get("logs")
    if metrics:
        common = config.get("agent", {}).get("metrics_collection_interval", MINUTE)
        plugins = [plugin for found in metrics.get("metrics_collected", {}).values() for plugin in _as_list(found)]
        collected = min([plugin.get("metrics_collection_interval", common) for plugin in plugins] or [common])
        intervals.append(max(metrics.get("force_flush_interval", MINUTE), collected))
    if logs:
        intervals.append(logs.get("force_flush_interval", LOGS_FLUSH))
    return float(max(intervals or [MINUTE]))


def _as_list(found: Any) -> List[Mapping[str, Any]]:
    return [plugin for plugin in (found if isinstance(found, list) else [found]) if isinstance(plugin, dict)]


def _something(config: Mapping[str, Any], where: str) -> None:
    if not any(config.get(section) for section in SECTIONS):
        raise InputError(f"{where} gives the agent nothing to do. Add at least one of {', '.join(SECTIONS)}.")
    for section in SECTIONS:
        if section in config and not config[section]:
            raise InputError(f"{where}: {section} is empty. Fill it or leave it out.")
    for path, value in _walk(config):
        if path.endswith("collect_list") and value == []:
            raise InputError(f"{where}: {path} is empty. Name a file or leave it out.")


def _names(section: str, found: Mapping[str, Any], known: Tuple[str, ...], where: str) -> List[str]:
    dot = f"{section}." if section else ""
    warnings = []
    for name in found:
        if name in known:
            continue
        close = difflib.get_close_matches(re.sub(r"[\W_]+", "_", name.lower()), known, 1, 0.8)
        if close:
            raise InputError(f"{where}: {dot}{name} is nothing that the agent knows. Is {dot}{close[0]} meant?")
        warnings.append(f"{where}: {dot}{name} is nothing that version 1.300071.0 of the agent documents; it is passed on as it is.")
    return warnings


def _walk(value: Any, path: str = "") -> Iterator[Tuple[str, Any]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{at}]")
