# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``config-translator``: the JSON documents made into the TOML that the agent reads."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, NoReturn

from . import common_config, credentials, defaults, documents, paths, toml_text
from . import mode as modes

NO_DOCUMENT = 99
FAILED = (
    "configuration validation first phase failed. Agent version: 1.0. "
    "Verify the JSON input is only using features supported by this version"
)
MANAGED = (
    "AWS_CA_BUNDLE",
    "AWS_SDK_LOG_LEVEL",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "CWAGENT_LOG_LEVEL",
    "CWAGENT_USAGE_DATA",
    "CWAGENT_USER_AGENT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "CWAGENT_LOGS_BACKPRESSURE_MODE",
)
"""What a translation overwrites in env-config.json; other names in it stay."""


class TranslationError(Exception):
    """The last argument is what the program ends with; those before are what it says on the way."""


def main(arguments: List[str]) -> int:
    """Run the program.

    :returns: 0, or 1 with the reason on standard error.
    """
    sys.stdout.write("Starting config-translator, this will map back to a call to amazon-cloudwatch-agent\n")
    parser = argparse.ArgumentParser(prog="config-translator")
    for name, default in (("os", ""), ("input", ""), ("input-dir", ""), ("output", ""), ("mode", "ec2"), ("config", "")):
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--multi-config", default="remove")
    try:
        translate(parser.parse_args(arguments))
    except TranslationError as error:
        *before, last = map(str, error.args)
        for text in (*before, f"E! {last}"):
            say(text)
        sys.stdout.write("E! config-translator process exited with non-zero status: 1\n")
        return 1
    return 0


def say(text: str) -> None:
    """Say something as Go's ``log`` does, which is on standard error."""
    sys.stderr.write(f"{time.strftime('%Y/%m/%d %H:%M:%S')} {text}\n")


def translate(options: argparse.Namespace) -> None:
    """Write the agent's configuration.

    :raises TranslationError: when the documents are none, wrong, or lack the region.
    """
    common = common_config.CommonConfig()
    if options.config:
        try:
            common = common_config.read(Path(options.config))
        except common_config.CommonConfigError as error:
            doing = "open" if error.opening else "parse"
            raise TranslationError(f"failed to {doing} common-config file {options.config} with error: {error}") from error
    mode = modes.detect(options.mode)
    document = _document(options, mode)
    region = str(document.get("agent", {}).get("region") or credentials.region(mode, common))
    if not region:
        reason = f"Under path : /agent/ruleRegion/ | Error : Region info is missing for mode: {mode}"
        raise TranslationError(f"failed to generate TOML configuration validation content: [{reason}]")
    tables = agent_tables(document, mode, region, common)
    _write(Path(options.output), toml_text.dumps(tables))
    if "metrics" in document:
        # What is JSON is YAML too.
        _write(paths.YAML, json.dumps({"exporters": tables["outputs"]}, indent=2) + "\n")
    else:
        paths.YAML.unlink(missing_ok=True)
    say("Configuration validation first phase succeeded")
    _write_environment(common)


def _document(options: argparse.Namespace, mode: str) -> Dict[str, Any]:
    found = [_parse(path) for path in _inputs(options)]
    if not found:
        if options.multi_config == "remove":
            sys.exit(NO_DOCUMENT)
        say("No json config files found, use the default one")
        found = [defaults.document(mode)]
    merged, contradictions = documents.merge(found)
    if contradictions:
        _fail("Failed to merge multiple json config files.", contradictions)
    wrong = list(documents.check(merged))
    if wrong:
        _fail("E! Invalid Json input schema.", wrong)
    say("I! Valid Json input schema.")
    return merged


def _fail(what: str, findings: List[documents.Finding]) -> NoReturn:
    raise TranslationError(what, *(f"Under path : {path} | Error : {text}" for path, text in findings), FAILED)


def _inputs(options: argparse.Namespace) -> List[Path]:
    """Return the documents to read: only new ones (``*.tmp``) by default, old ones too to append, old ones alone otherwise."""
    chosen: Dict[str, Path] = {}
    for path in sorted(Path(options.input_dir).glob("*")):
        new = path.suffix == ".tmp"
        if new and options.multi_config in ("default", "append"):
            chosen[path.name[: -len(".tmp")]] = path
        elif not new and options.multi_config in ("append", "remove"):
            chosen.setdefault(path.name, path)
    legacy = Path(options.input)
    if options.multi_config in ("append", "remove") and legacy.is_file():
        return [legacy, *chosen.values()]
    return list(chosen.values())


def _parse(path: Path) -> Dict[str, Any]:
    say(f"Reading json config file path: {path} ...")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TranslationError(f"failed to generate merged json config: unable to parse json, error: {error}") from error
    if not isinstance(document, dict):
        reason = "json: cannot unmarshal into Go value of type map[string]interface {}"
        raise TranslationError(f"failed to generate merged json config: unable to parse json, error: {reason}")
    return document


def agent_tables(document: Mapping[str, Any], mode: str, region: str, common: common_config.CommonConfig) -> Dict[str, Any]:
    """Return the agent's configuration, as the tables of its TOML."""
    agent, metrics, logs = (document.get(name, {}) for name in ("agent", "metrics", "logs"))
    keys = {
        "region": region,
        "mode": mode,
        "profile": credentials.profile(mode, common),
        "shared_credential_file": credentials.file(mode, common),
    }
    collected = metrics.get("metrics_collected", {})
    asked = [each.get("metrics_collection_interval") for each in collected.values() if isinstance(each, dict)]
    interval = min([agent.get("metrics_collection_interval", 60), *(each for each in asked if isinstance(each, int))])
    tables: Dict[str, Any] = {
        "agent": {
            "hostname": str(agent.get("hostname", "")),
            "interval": f"{interval}s",
            "logfile": str(agent.get("logfile") or paths.LOG),
            "logtarget": "lumberjack",
            "omit_hostname": bool(agent.get("omit_hostname", False)),
        },
        "inputs": {},
        "outputs": {},
    }
    if agent.get("run_as_user"):
        tables["agent"]["run_as_user"] = agent["run_as_user"]
    if "metrics" in document:
        tables["inputs"]["metrics"] = [{"name": name, "measurement": _measurements(each)} for name, each in collected.items()]
        tables["outputs"]["cloudwatch"] = {
            **keys,
            "namespace": metrics.get("namespace", "CWAgent"),
            "endpoint_override": metrics.get("endpoint_override", ""),
            "force_flush_interval": f"{metrics.get('force_flush_interval', 60)}s",
        }
    if metrics.get("append_dimensions"):
        tables["processors"] = {"ec2tagger": {"ec2_metadata_tags": sorted(metrics["append_dimensions"])}}
    files = logs.get("logs_collected", {}).get("files", {}).get("collect_list", [])
    if "logs" in document:
        default_stream = logs.get("log_stream_name") or ("{instance_id}" if mode == "ec2" else "{hostname}")
        tables["inputs"]["logfile"] = [_log_file(entry, default_stream) for entry in files]
        tables["outputs"]["cloudwatchlogs"] = {
            **keys,
            "endpoint_override": logs.get("endpoint_override", ""),
            "force_flush_interval": f"{logs.get('force_flush_interval', 5)}s",
        }
    return tables


def _measurements(plugin: Any) -> List[str]:
    asked = plugin.get("measurement", []) if isinstance(plugin, dict) else []
    return [str(each.get("name", "")) if isinstance(each, dict) else str(each) for each in asked]


def _log_file(entry: Mapping[str, Any], default_stream: str) -> Dict[str, Any]:
    return {
        "file_path": entry["file_path"],
        "log_group_name": _fill(entry.get("log_group_name") or entry["file_path"].replace(".", "_")),
        "log_stream_name": _fill(entry.get("log_stream_name") or default_stream),
        "retention_in_days": entry.get("retention_in_days", -1),
    }


def _fill(name: str) -> str:
    for place in ("{hostname}", "{local_hostname}"):
        name = name.replace(place, socket.gethostname())
    if "{instance_id}" in name:
        name = name.replace("{instance_id}", str(modes.instance().get("instanceId", "i-UNKNOWN")))
    return name


def _write(path: Path, text: str) -> None:
    new = not path.exists()
    path.write_text(text, encoding="utf-8")
    if new:
        os.chmod(path, 0o644)


def _write_environment(common: common_config.CommonConfig) -> None:
    try:
        held = json.loads(paths.ENVIRONMENT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        held = {}
    kept = {name: value for name, value in held.items() if name not in MANAGED}
    _write(paths.ENVIRONMENT, json.dumps({**kept, **common.environment()}, indent="\t") + "\n")
