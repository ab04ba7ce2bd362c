# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What calls that go by tell: which metrics a host sent, what was refused, what somebody wrote. No secret is kept."""

from __future__ import annotations

import datetime
import re
import urllib.parse
from typing import Any, Dict, Iterable, List, Mapping

from .recording_proxy import Call


def noted(call: Call) -> Dict[str, Any]:
    """Return what a scenario asks of a call. No more: it may carry a secret."""
    row: Dict[str, Any] = {"call": str(call), "key": call.access_key_id, "write": call.write}
    if call.operation == "PutMetricData":
        row["metrics"] = metrics(call.body)
    elif call.operation == "PutLogEvents":
        given = call.parameters
        row["log"] = {"group": given.get("logGroupName"), "stream": given.get("logStreamName"), "events": len(given.get("logEvents", ()))}
    return row


def metrics(body: bytes) -> Dict[str, Any]:
    """Return the namespace of a PutMetricData call, the host that it is about, and the values of the stand-in agent's counter."""
    form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode("utf-8", "replace")).items()}
    host, sequences = "", []
    for name, value in form.items():
        dimension = re.fullmatch(r"(MetricData\.member\.\d+\.Dimensions\.member\.\d+)\.Name", name)
        if dimension and value == "host":
            host = form.get(f"{dimension.group(1)}.Value", "")
        datum = re.fullmatch(r"(MetricData\.member\.\d+)\.MetricName", name)
        if datum and value == "stand_in_sequence":
            sequences += [
                int(float(number))
                for key, number in form.items()
                if re.fullmatch(re.escape(datum.group(1)) + r"\.(Value|Values\.member\.\d+)", key)
            ]
    return {"namespace": form.get("Namespace", ""), "host": host, "sequences": sorted(set(sequences))}


def aged(body: bytes, days: float, made_before: str) -> bytes:
    """Return an answer of ListAccessKeys in which each key made before a time looks so many days older."""

    def older(found: re.Match[bytes]) -> bytes:
        made = datetime.datetime.fromisoformat(found.group(1).decode())
        if made >= datetime.datetime.fromisoformat(made_before):
            return found.group(0)
        return f"<CreateDate>{(made - datetime.timedelta(days=days)).strftime('%Y-%m-%dT%H:%M:%SZ')}</CreateDate>".encode()

    return re.sub(rb"<CreateDate>([^<]+)</CreateDate>", older, body)


def received(lines: Iterable[Dict[str, Any]], operator: str) -> Dict[str, Any]:
    """Return per host what CloudWatch accepted and refused of it, and what the operator wrote since the last mark."""
    hosts: Dict[str, Dict[str, Any]] = {}
    logs: Dict[str, int] = {}
    writes: List[str] = []
    for line in lines:
        if "mark" in line:
            writes = []
        elif line["key"] == operator:
            writes += [line["call"]] if line["write"] else []
        elif "metrics" in line:
            _count(
                hosts.setdefault(line["metrics"]["host"], {"namespaces": [], "access_keys": [], "ways": [], "sequences": [], "refused": 0}),
                line,
            )
        elif "log" in line and line["status"] == 200:
            logs[line["log"]["group"]] = logs.get(line["log"]["group"], 0) + line["log"]["events"]
    for host in hosts.values():
        host["sequences"] = sorted(set(host["sequences"]))
    return {"metrics": hosts, "logs": logs, "writes": writes}


def _count(host: Dict[str, Any], line: Mapping[str, Any]) -> None:
    if line["status"] != 200:
        host["refused"] += 1
        return
    host["sequences"] += line["metrics"]["sequences"]
    for field, value in (("namespaces", line["metrics"]["namespace"]), ("access_keys", line["key"]), ("ways", line["way"])):
        if value not in host[field]:
            host[field].append(value)
