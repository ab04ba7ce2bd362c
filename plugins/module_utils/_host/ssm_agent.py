# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SSM agent on its host: look, write its files, register, clear, turn its service. Runs there, standard library alone.

``ground.py``, ``commands.py``, ``accounts.py``, ``profile.py`` and ``shared_profile.py`` are sent in front of it. The agent takes an
activation code as an argument of its process and in no other way: the code is in a request to ``register``, in the argument list of the
agent that registers, and in no answer. The private key of a registration is in no answer either.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import time
from contextlib import contextmanager, suppress

with suppress(ImportError):  # sent as one text, those in front
    from .commands import content, overwrite, run, service
    from .ground import Conflict, Unfit, hindered, make_folders, respond, serve
    from .shared_profile import close_profile, shared_profile

VERBS = ("enable", "disable", "start", "stop", "restart")
VAULT = "Vault/Store/RegistrationKey"
REMEMBERED = "registration"
"""Below the agent's folder of states. The agent writes it once and never again: a hint, not the truth."""
LAST_WORDS = 16 * 1024


def probe(request):
    """Return which agent there is, what it is registered as, and what its files hold."""
    places = request["places"]
    found = [agent for agent in places["agents"] if os.access(agent["binary"], os.X_OK)]
    agent = found[0] if found else places["agents"][0]
    drop_in = os.path.join(places["units"], agent["unit"] + ".d", places["drop_in"])
    config, config_written = content(places["config"])
    environment, environment_written = content(drop_in)
    folder = request["folder"]
    file, profile = request["shared"]
    shared = shared_profile(file, profile, {"owner": "", "group": ""}) if file else {}
    return dict(
        look(dict(request, unit=agent["unit"], since=None)),
        installed=[known["kind"] for known in found],
        agent=agent,
        version=_version(agent["binary"]) if found else "",
        config=config if config_written else None,
        config_written=config_written,
        template=next((text for text, written in map(content, places["templates"]) if written), None),
        drop_in=drop_in,
        environment=environment,
        environment_written=environment_written,
        folder=not folder or os.path.isdir(folder),
        shares=shared.get("temporary", False),
        hostname=socket.gethostname(),
        hindrance=_hindrance([places["config"], drop_in, os.path.join(places["state"], VAULT)]),
    )


def look(request):
    """Return what the host is registered as, whether the agent runs, and the last errors that it wrote down since a time."""
    places = request["places"]
    answer = dict(service(request["unit"]), now=time.time(), errors=[])
    answer.update(_registration(places["state"]))
    with suppress(OSError, Unfit):
        if request["since"] is not None and os.stat(places["errors"]).st_mtime >= request["since"]:
            with open(places["errors"], "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_WORDS))
                answer["errors"] = [line.strip()[:300] for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()][-3:]
    return answer


def write(request):
    """Replace a file, if its content is still the expected one; the folder of one that goes does so too when it is empty."""
    overwrite(request["path"], request["text"], request["expected"], int(request["mode"], 8))
    if not request["text"]:
        with suppress(OSError):  # somebody else has a file there: the folder stays
            os.rmdir(os.path.dirname(request["path"]))
    return run(["systemctl", "daemon-reload"]) if request["reload"] else {}


def make_folder(request):
    """Make the folder that the agent's shared credentials are to lie in."""
    make_folders(request["path"])
    return {}


def register(request):
    """Register the host, if it is still what the caller saw. The agent replaces a registration before it has the next one."""
    arguments = ["-register", "-code", request["code"], "-id", request["activation"], "-region", request["region"]]
    with _alone(request["places"]["state"]):
        _still_as_seen(request)
        if request["expected"]:
            arguments.append("-y")  # without it, a registration that appeared since makes the agent ask, and end
        # Its usage and its log might quote what it was given.
        done = run([request["binary"], *arguments], dict(os.environ, LC_ALL="C", **request["environment"]), hidden=request["code"])
        return dict(_registration(request["places"]["state"]), **done)


def clear(request):
    """Take the registration off the host, if it is still what the caller saw."""
    state = request["places"]["state"]
    done = {"rc": 0, "stdout": "", "stderr": ""}
    with _alone(state):
        held = _registration(state)
        if held["instance"] or held["broken"]:
            _still_as_seen(request)
            if request["binary"]:
                done = run([request["binary"], "-register", "-clear"], dict(os.environ, LC_ALL="C"))
            else:
                os.unlink(os.path.join(state, VAULT))
        if not done["rc"]:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(state, REMEMBERED))
        return dict(_registration(state), **done)


def turn(request):
    """Enable, disable, start, stop or restart the service."""
    if request["verb"] not in VERBS:
        raise Unfit("nothing is known of " + request["verb"])
    unit = request["unit"]
    # After a run that ended between a write and the reload, the agent would start as it was set before.
    if request["verb"] in ("start", "restart") and "=yes" in run(["systemctl", "show", "--property", "NeedDaemonReload", unit])["stdout"]:
        reloaded = run(["systemctl", "daemon-reload"])
        if reloaded["rc"]:
            return reloaded
    return run(["systemctl", request["verb"], unit])


def _registration(state):
    """Return what the host is registered as, without the key: by the agent's vault, and by its own note of it."""
    vault, written = _json(os.path.join(state, VAULT))
    note = _json(os.path.join(state, REMEMBERED))[0] or {}
    known = vault or {}
    return {
        "instance": str(known.get("instanceID") or ""),
        "region": str(known.get("region") or ""),
        "broken": vault is None,
        "registered_at": written,
        "remembered": str(note.get("ManagedInstanceID") or ""),
        "remembered_region": str(note.get("Region") or ""),
    }


def _json(path):
    """Return an object and when it was written: empty for a file that is not there, ``None`` for one that cannot be understood."""
    text, written = content(path)
    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return None, written
    return (found if isinstance(found, dict) else None), written


def _version(binary):
    found = re.search(r"\d+(\.\d+)+", run([binary, "-version"])["stdout"])
    return found.group() if found else ""


def _hindrance(paths):
    for path in paths:
        why = hindered(path)
        if why:
            return f"{path} cannot be written: {why}."
    return ""


def _still_as_seen(request):
    held = _registration(request["places"]["state"])["instance"]
    if held != request["expected"]:
        raise Conflict("the host is now {}".format("registered as " + held if held else "not registered"))


@contextmanager
def _alone(state):
    """Keep other runs of ours out while the registration changes."""
    make_folders(state)
    handle = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("another run is registering the host now") from None
        except OSError:  # NFS locks no folder
            pass
        yield
    finally:
        os.close(handle)


OPERATIONS = {
    "probe": probe, "look": look, "write": write, "make_folder": make_folder, "register": register, "clear": clear, "turn": turn,
    "close": close_profile,
}  # fmt: skip


def answer(request):
    """Return the answer to a request as plain data."""
    return respond(OPERATIONS, request)


def main():
    """Answer the request that follows on standard input."""
    serve(OPERATIONS)
