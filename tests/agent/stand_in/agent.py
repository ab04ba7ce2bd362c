# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``amazon-cloudwatch-agent``, which stays: it collects and sends until it is told to end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any, Dict, List, Mapping, Union

from . import credentials, metrics, paths
from . import mode as modes
from .aws import Client
from .errors import AwsError
from .log import Log, Sent
from .logs import Logs, targets

NO_METADATA = {
    "caller": "ec2tagger/ec2tagger.go:485",
    "msg": "ec2tagger: Unable to retrieve EC2 Metadata. This plugin must only be used on an EC2 instance.",
    "kind": "processor",
    "name": "ec2tagger",
    "pipeline": "metrics/host",
}


def main(arguments: List[str]) -> int:
    """Run the program.

    :returns: 0 when it was told to end, 1 when its configuration is not usable.
    """
    parser = argparse.ArgumentParser(prog="amazon-cloudwatch-agent")
    for name in ("config", "envconfig", "otelconfig", "pidfile", "setenv"):
        parser.add_argument(f"-{name}", f"--{name}", default="")
    for name in ("schematest", "version"):
        parser.add_argument(f"-{name}", f"--{name}", action="store_true")
    options = parser.parse_args(arguments)
    if options.version:
        sys.stdout.write(f"{paths.full_version()}\nThis is a stand-in for tests, not Amazon's agent.\n")
        return 0
    if options.setenv:
        name, _equals, value = options.setenv.partition("=")
        _set_environment(Path(options.envconfig), name, value)
        return 0
    try:
        tables = tomllib.loads(Path(options.config).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        sys.stderr.write(f"E! Error running agent: error loading config file {options.config}: {error}\n")
        return 1
    if options.schematest:
        return 0
    return _run(tables, options)


def _run(tables: Mapping[str, Any], options: argparse.Namespace) -> int:
    stop = threading.Event()
    ends = {signal.SIGTERM, signal.SIGINT}
    # Before the first thread: they inherit it, and the signal is left to `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    os.environ.update(_environment(Path(options.envconfig)))
    logfile = tables["agent"]["logfile"]
    log = Log(Path(logfile))
    log.say(f"I! Starting AmazonCloudWatchAgent {paths.full_version()} with log file {logfile} with log target lumberjack")
    log.say("I! AWS SDK log level not set")
    pid = Path(options.pidfile)
    pid.write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        if "ec2tagger" in tables.get("processors", {}) and not modes.instance():
            log.say(f"E! {json.dumps(NO_METADATA, separators=(',', ':'))}")
            log.say("E! Error running agent: cannot start pipelines: EC2MetadataRequestError: failed to get EC2 instance identity document")
            return 1
        running = _start(tables, log, stop)
        signal.sigwait(ends)
        stop.set()
        log.say("I! Profiler is stopped during shutdown")
        for each in running:
            each.close()
    finally:
        pid.unlink(missing_ok=True)
    return 0


def _start(tables: Mapping[str, Any], log: Log, stop: threading.Event) -> List[Union[metrics.Metrics, Logs]]:
    running: List[Union[metrics.Metrics, Logs]] = []
    sent = Sent(paths.SENT)
    outputs = tables["outputs"]
    if "cloudwatch" in outputs:
        client = _client("monitoring", "STAND_IN_MONITORING_ENDPOINT", outputs["cloudwatch"], log)
        running.append(metrics.Metrics(metrics.settings(tables), client, log, sent, stop))
    if "cloudwatchlogs" in outputs:
        output = outputs["cloudwatchlogs"]
        client = _client("logs", "STAND_IN_LOGS_ENDPOINT", output, log)
        running.append(Logs(targets(tables), float(output["force_flush_interval"].rstrip("s")), client, log, sent, stop))
    for each in running:
        each.start()
    return running


def _client(service: str, setting: str, output: Mapping[str, Any], log: Log) -> Client:
    """Return a client, having tried its credentials and said how that went."""
    path, profile = output["shared_credential_file"], output["profile"]
    if path or profile:
        log.say("I! will use file based credentials provider ")
    provider = credentials.provider(path, profile, float(paths.setting("STAND_IN_REREAD_SECONDS")))
    try:
        provider.get()
    except AwsError as error:
        log.say(f"E! Failed to get credential from session: {error}")
    return Client(service, output["region"], provider, output["endpoint_override"] or paths.setting(setting))


def _environment(path: Path) -> Dict[str, str]:
    try:
        found: Dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _set_environment(path: Path, name: str, value: str) -> None:
    path.write_text(json.dumps({**_environment(path), name: value}, indent="\t") + "\n", encoding="utf-8")
    os.chmod(path, 0o644)
