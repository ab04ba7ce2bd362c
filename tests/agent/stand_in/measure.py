# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured: memory, swap, disk and processor of the host."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Tuple


@dataclass(frozen=True)
class Datum:
    name: str
    value: float
    unit: str
    timestamp: str
    """UTC, as ``2026-11-22T04:15:04Z``."""
    dimensions: Tuple[Tuple[str, str], ...]


def measure(plugins: List[Tuple[str, List[str]]], timestamp: str, common: Tuple[Tuple[str, str], ...]) -> Iterator[Datum]:
    """Yield what is asked for and known here.

    :param plugins: the names of plugins, each with its measurements, with or without the plugin's name in front; none are all.
    """
    for plugin, asked in plugins:
        wanted = {name.removeprefix(f"{plugin}_") for name in asked}
        values, extra = PLUGINS[plugin]() if plugin in PLUGINS else ({}, ())
        for name, (value, unit) in values.items():
            if not wanted or name in wanted:
                yield Datum(f"{plugin}_{name}", value, unit, timestamp, (*extra, *common))


Values = Tuple[Dict[str, Tuple[float, str]], Tuple[Tuple[str, str], ...]]


def _meminfo() -> Dict[str, int]:
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return {name: int(number) * 1024 for name, number in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def _mem() -> Values:
    memory = _meminfo()
    total, available = memory["MemTotal"], memory["MemAvailable"]
    used = total - available
    return {
        "used_percent": (100 * used / total, "Percent"),
        "used": (used, "Bytes"),
        "available": (available, "Bytes"),
        "total": (total, "Bytes"),
    }, ()


def _swap() -> Values:
    memory = _meminfo()
    total, used = memory["SwapTotal"], memory["SwapTotal"] - memory["SwapFree"]
    return {"used_percent": (100 * used / total if total else 0.0, "Percent"), "used": (used, "Bytes")}, ()


def _disk() -> Values:
    found = os.statvfs("/")
    total, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    return {
        "used_percent": (100 * used / (used + free) if used + free else 0.0, "Percent"),
        "used": (used, "Bytes"),
        "free": (free, "Bytes"),
        "total": (total, "Bytes"),
    }, (("path", "/"),)


def _cpu() -> Values:
    user, nice, system, idle, waiting = map(int, Path("/proc/stat").read_text(encoding="ascii").split()[1:6])
    total = user + nice + system + idle + waiting
    return {
        "usage_active": (100 * (user + nice + system) / total, "Percent"),
        "usage_idle": (100 * idle / total, "Percent"),
    }, (("cpu", "cpu-total"),)


PLUGINS = {"mem": _mem, "swap": _swap, "disk": _disk, "cpu": _cpu}
