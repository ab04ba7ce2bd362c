# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's end of a conversation with a host's Python: code and request on standard input, one line back.

Nothing is copied to the host, and no argument holds more than the few words that start the reading of standard input.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Sequence

from .._model.host_says import remedy
from .ground import ANSWER

CREDENTIALS = ("ground.py", "accounts.py", "profile.py", "credentials.py")
"""What works on a credentials file."""
AGENT = ("ground.py", "commands.py", "accounts.py", "profile.py", "shared_profile.py", "open_files.py", "agent_log.py", "agent.py")
"""What works on the CloudWatch agent."""
SSM_AGENT = ("ground.py", "commands.py", "accounts.py", "profile.py", "shared_profile.py", "ssm_agent.py")
"""What works on the SSM agent."""
_START = (
    # Read by any Python, so that one which is too old can say so.
    'import sys; sys.version_info < (3, 8) and sys.exit("Python %d.%d is too old: 3.8 or later is needed" % sys.version_info[:2]); '
    'r = sys.stdin.buffer; n = {"__name__": "hybridops"}; '
    '[exec(compile(r.read(int(r.readline())), "<hybridops>", "exec"), n) for _ in range(int(r.readline()))]; n["main"]()'
)


SECRETS = ("secret", "code")
"""What of a request is told to nobody but the host."""


class NoAnswer(Exception):
    """The host ran something and said nothing we know: what happened there is not known."""


class Channel:
    """Asks the host's Python.

    :param execute: runs a command line on the host with bytes on its standard input; returns ``rc``, ``stdout``, ``stderr``.
    :param python: the host's interpreter, a path or a command.
    :param sources: the files beside this one that are sent, as one text in this order; ``main`` of the last one answers.
    """

    def __init__(self, execute: Callable[[str, bytes], Mapping[str, Any]], python: str, sources: Sequence[str] = CREDENTIALS) -> None:
        self._execute = execute
        # Isolated: neither the working directory nor PYTHONPATH may put modules of their own before the standard library.
        self._python = python
        self._command = f"{python} -I -c {shlex.quote(_START)}"
        self._code = [Path(__file__).with_name(name).read_bytes() for name in sources]

    def ask(self, do: str, **request: Any) -> Dict[str, Any]:
        """Return the host's answer to a request.

        :param do: one of the ``OPERATIONS`` of the last source.
        :raises NoAnswer: when it is not known whether the host did it.
        """
        parts = [b"%d\n" % len(self._code), *(b"%d\n%s" % (len(code), code) for code in self._code)]
        said = self._execute(self._command, b"".join(parts) + json.dumps(dict(request, do=do)).encode())
        for line in said["stdout"].splitlines():
            if line.startswith(ANSWER):
                return _understood(line[len(ANSWER) :], said["rc"])
        tail = " / ".join(line.strip() for line in said["stderr"].strip().splitlines()[-3:]) or "nothing on standard error"
        for secret in filter(None, map(request.get, SECRETS)):  # a host may say again what it was sent
            tail = tail.replace(secret, "***")
        told = f"{self._python} on the host ended with status {said['rc']} and said: {tail[:300]}"
        raise NoAnswer(". ".join(part for part in (told, remedy(told)) if part))


def _understood(line: str, status: Any) -> Dict[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        raise NoAnswer(f"the host's answer was cut short or changed on its way, status {status}. Run again")
    return answer
