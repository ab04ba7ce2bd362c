# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says on the terminal what a host's task waits for: until a task ends, Ansible shows nothing of it."""

from __future__ import annotations

import math

from ansible.utils.display import Display


def announce(host: str, what: str, seconds: float) -> None:
    """Say what is waited for, and for how many seconds at most. To standard error: what some callbacks print is read by programs."""
    number, unit = (math.ceil(seconds), "second") if seconds < 120 else (math.ceil(seconds / 60), "minute")
    Display().display(f"{host}: waiting for {what}, {number} {unit}{'' if number == 1 else 's'} at most", stderr=True)
