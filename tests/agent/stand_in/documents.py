# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON documents: merged into one, and checked against what of the agent's schema tests need."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

RETENTION = (-1, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
METRICS_KEYS = {
    "namespace",
    "aggregation_dimensions",
    "append_dimensions",
    "metrics_destinations",
    "metrics_collected",
    "force_flush_interval",
    "credentials",
    "endpoint_override",
    "service.name",
    "deployment.environment",
}
LOGS_KEYS = {
    "logs_collected",
    "metrics_collected",
    "log_stream_name",
    "force_flush_interval",
    "credentials",
    "endpoint_override",
    "concurrency",
    "service.name",
    "deployment.environment",
}
FILE_KEYS = {
    "file_path",
    "blacklist",
    "publish_multi_logs",
    "log_group_name",
    "log_group_class",
    "log_stream_name",
    "multi_line_start_pattern",
    "timestamp_format",
    "timezone",
    "trim_timestamp",
    "encoding",
    "auto_removal",
    "retention_in_days",
    "filters",
    "backpressure_mode",
    "service.name",
    "deployment.environment",
}

Finding = Tuple[str, str]
"""A path in the document, and what is wrong there."""


def merge(documents: Sequence[Mapping[str, Any]]) -> Tuple[Dict[str, Any], List[Finding]]:
    """Return all documents as one, and the values in which they contradict each other."""
    merged: Dict[str, Any] = {}
    findings: List[Finding] = []
    for document in documents:
        _merge(document, merged, "/", findings)
    return merged, findings


def _merge(source: Mapping[str, Any], result: Dict[str, Any], path: str, findings: List[Finding]) -> None:
    for key, value in source.items():
        here = result.get(key)
        if key not in result:
            result[key] = dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        elif isinstance(value, dict) and isinstance(here, dict):
            _merge(value, here, f"{path}{key}/", findings)
        elif isinstance(value, list) and isinstance(here, list):
            here.extend(each for each in value if each not in here)
        elif here != value:
            findings.append((f"{path}{key}", f"Different values are specified for {key}"))


def check(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the schema has against a document."""
    for name in ("agent", "metrics", "logs", "traces"):
        if name in document and not isinstance(document[name], dict):
            yield f"/{name}", f"Invalid type. Expected: object, given: {_kind(document[name])}"
            return
    yield from _interval(document.get("agent", {}), "/agent", "metrics_collection_interval")
    metrics, logs = document.get("metrics"), document.get("logs", {})
    if metrics is not None:
        yield from _unknown(metrics, METRICS_KEYS, "/metrics")
        yield from _endpoint(metrics, "/metrics")
        yield from _interval(metrics, "/metrics", "force_flush_interval")
        if "metrics_collected" not in metrics:
            yield "/metrics", "metrics_collected is required"
        elif not metrics["metrics_collected"]:
            yield "/metrics/metrics_collected", "Must have at least 1 properties"
    yield from _unknown(logs, LOGS_KEYS, "/logs")
    yield from _endpoint(logs, "/logs")
    yield from _interval(logs, "/logs", "force_flush_interval")
    for number, entry in enumerate(logs.get("logs_collected", {}).get("files", {}).get("collect_list", [])):
        path = f"/logs/logs_collected/files/collect_list/{number}"
        yield from _unknown(entry, FILE_KEYS, path)
        if "file_path" not in entry:
            yield path, "file_path is required"
        if entry.get("retention_in_days", -1) not in RETENTION:
            yield f"{path}/retention_in_days", "retention_in_days must be one of the following: " + ", ".join(map(str, RETENTION))


def _unknown(section: Mapping[str, Any], known: set[str], path: str) -> Iterator[Finding]:
    for key in sorted(set(section) - known):
        yield path, f"Additional property {key} is not allowed"


def _endpoint(section: Mapping[str, Any], path: str) -> Iterator[Finding]:
    value = section.get("endpoint_override")
    if value is not None and not (isinstance(value, str) and 4 <= len(value) <= 2048):
        yield f"{path}/endpoint_override", "String length must be greater than or equal to 4"


def _interval(section: Mapping[str, Any], path: str, key: str) -> Iterator[Finding]:
    value = section.get(key, 1)
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"{path}/{key}", f"Invalid type. Expected: integer, given: {_kind(value)}"
    elif value < 1:
        yield f"{path}/{key}", "Must be greater than or equal to 1"
    elif value > 172800:
        yield f"{path}/{key}", "Must be less than or equal to 172800"


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object", type(None): "null"}
    return names[type(value)]
