# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's own log."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Dict, Mapping

LEVELS = {"D": 0, "I": 1, "W": 2, "E": 3}
THRESHOLDS = {"DEBUG": 0, "INFO": 1, "WARN": 2, "ERROR": 3, "OFF": 4}


class Log:
    """Writes ``2026-11-22T04:15:04Z E! ...`` lines, in UTC. A text that starts with ``E!`` and the like tells its level."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")

    def say(self, text: str) -> None:
        """Log a text, unless its level is below ``CWAGENT_LOG_LEVEL``."""
        threshold = THRESHOLDS.get(os.environ.get("CWAGENT_LOG_LEVEL") or "INFO", 1)
        if LEVELS.get(text[:1] if text[1:2] == "!" else "I", 1) >= threshold:
            with self._lock:
                self._file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
                self._file.flush()


class Sent:
    """``var/sent.jsonl``: what became of each batch. For tests; Amazon's agent has nothing like it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a line, with the time."""
        stamped: Dict[str, Any] = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **line}
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(stamped) + "\n")
