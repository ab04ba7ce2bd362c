# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to a credentials file on its host: look, sign, write, take away. Runs there, standard library alone.

``ground.py``, ``accounts.py`` and ``profile.py`` are sent in front of it. The request comes as JSON on standard input, the answer is one
line of JSON; a secret is in a request to ``deliver``, and in no answer, argument or message.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from contextlib import suppress

with suppress(ImportError):  # sent as one text, those in front
    from .accounts import attributes_of, make_parents, number_of, unknown_accounts
    from .ground import Conflict, Unfit, abandoned, hindered, read, replace, respond, serve, since_boot, started, sweep, temporary_of
    from .profile import merge, parse, remove

AGENT_NAME = "amazon-cloudwatch-agent"


def probe(request):
    """Return what the file and our profile look like, with a signature when there is something to sign with."""
    data, status = read(request["path"])
    settings = parse(data).get(request["profile"], {})
    key_id = settings.get("aws_access_key_id") or ""
    answer = {"exists": status is not None, "key_id": key_id, "region": settings.get("region") or ""}
    answer["session"] = bool(settings.get("aws_session_token")) or key_id.startswith("ASIA")
    answer["hindrance"], answer["unknown"] = _hindrance(request, data), unknown_accounts(request)
    answer["leftover"] = abandoned(temporary_of(request["path"]))
    if status is not None:
        answer.update(attributes_of(status), age=max(0.0, time.time() - status.st_mtime), restarted=_restarted_since(status.st_mtime))
    secret = settings.get("aws_secret_access_key")
    if secret and request.get("string_to_sign"):
        answer["signature"] = sign(secret, request["scope"], request["string_to_sign"])
    return answer


def deliver(request):
    """Write a new key into the profile, if the key there is still the expected one; then look at what was written."""
    values = {
        "aws_access_key_id": request["key_id"],
        "aws_secret_access_key": request["secret"],
        "aws_session_token": "",
        "region": request["region"],
    }
    _change(request, lambda data: merge(data, request["profile"], values), also=request["key_id"])
    return probe(request)


def amend(request):
    """Set Region, owner, group and mode; the key stays."""
    _change(request, lambda data: merge(data, request["profile"], {"region": request["region"]}) if request["region"] else data)
    return probe(request)


def take_away(request):
    """Take our settings out of the profile; a file with nothing left in it goes. What is left keeps its owner and mode."""
    _change(request, lambda data: remove(data, request["profile"]), keep=True)
    return probe(request)


def clean(request):
    """Remove what a run left that was killed while it wrote: there may be a secret in it."""
    sweep(request["path"])
    return probe(request)


def sign(secret, scope, string_to_sign):
    """Return the Signature Version 4 of a string; ``scope`` is ``date/region/sts/aws4_request``."""
    date, region, service, end = scope.split("/")
    if service != "sts" or end != "aws4_request":
        raise ValueError("only calls of sts are signed here")
    key = ("AWS4" + secret).encode("utf-8", "surrogateescape")
    for part in (date, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()


def _hindrance(request, data):
    """Return why a write would fail, as far as can be told without one; empty where nothing speaks against it."""
    try:
        merge(data, request["profile"], {"aws_access_key_id": "AKIA", "aws_secret_access_key": "s", "region": "r"})
    except Unfit as error:
        return str(error)
    return hindered(request["path"])


def _change(request, edit, also=None, keep=False):
    """Replace the file by ``edit(content)``, if our profile holds the expected key.

    :param also: another key that it may hold.
    :param keep: leave owner, group and mode as they are.
    """
    path, mode = request["path"], None if keep else int(request["mode"], 8)
    owner, group = (-1, -1) if keep else (number_of("user", request["owner"]), number_of("group", request["group"]))

    def checked(data):
        held = parse(data).get(request["profile"], {}).get("aws_access_key_id") or ""
        if held != request["expected"] and (also is None or held != also):
            raise Conflict("profile {} now holds {}, not {}".format(request["profile"], held or "no key", request["expected"] or "none"))
        return edit(data)

    if request.get("secret"):
        make_parents(os.path.dirname(path), owner, group, mode)
    replace(path, checked, owner, group, mode)


def _restarted_since(moment):
    """Return whether a CloudWatch agent runs here that was started after a time."""
    try:
        boot = time.time() - since_boot()
        for process in filter(str.isdigit, os.listdir("/proc")):
            name, start = started(process, boot)
            if name == AGENT_NAME[:15] and start > moment and _ours(process) and _is_agent(process):
                return True
    except (OSError, AttributeError, ValueError):  # no /proc of Linux's kind: not known, so not restarted
        pass
    return False


def _is_agent(process):
    """Return whether a process is the agent, and not its control script or wizard, whose short names are the same."""
    with open(f"/proc/{process}/cmdline", "rb") as file:
        words = file.read().decode("utf-8", "replace").split("\0")
    return AGENT_NAME in map(os.path.basename, words) and "-schematest" not in words


def _ours(process):
    """Return whether a process is of this system, not of a container in it."""
    return os.readlink(f"/proc/{process}/ns/pid") == os.readlink("/proc/self/ns/pid")


OPERATIONS = {"probe": probe, "deliver": deliver, "amend": amend, "take_away": take_away, "clean": clean}


def answer(request):
    """Return the answer to a request as plain data."""
    return respond(OPERATIONS, request)


def main():
    """Answer the request that follows on standard input."""
    serve(OPERATIONS)
