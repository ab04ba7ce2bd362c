# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CloudWatch agent on its host: look, write a file, run its control script, turn its service. Runs there, standard library alone.

``ground.py``, ``commands.py``, ``accounts.py``, ``profile.py``, ``shared_profile.py``, ``open_files.py`` and ``agent_log.py`` are sent in
front of it. What is seen is judged elsewhere; contents of configurations are in an answer only where the request asks for them.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import socket
import stat
import time
from contextlib import suppress

with suppress(ImportError):  # sent as one text, those in front
    from .agent_log import read_log
    from .commands import content, overwrite, run, service
    from .ground import Unfit, hindered, read, respond, serve
    from .open_files import held, moved, unanswered
    from .profile import parse
    from .shared_profile import open_profile, shared_profile

UNIT = "amazon-cloudwatch-agent.service"
VERBS = ("enable", "disable", "start", "stop", "restart")


def probe(request):
    """Return what is on the disk, what runs, and what the log says."""
    root = request["root"]
    common, common_written = content(os.path.join(root, "etc/common-config.toml"))
    control = os.path.join(root, "bin/amazon-cloudwatch-agent-ctl")
    answer = {
        "installed": os.access(control, os.X_OK),
        "version": content(os.path.join(root, "bin/CWAGENT_VERSION"))[0].strip(),
        "package": _package(),
        "common": common,
        "common_written": common_written,
        "source": _checksum(request["config_path"]),
        "name": request["name"],
        "files": _files(os.path.join(root, "etc/amazon-cloudwatch-agent.d"), request["name"] if request["show"] else None),
        "legacy": os.path.exists(os.path.join(root, "etc/amazon-cloudwatch-agent.json")),
        "translated": _written(os.path.join(root, "etc/amazon-cloudwatch-agent.toml")),
        "profile_region": _profile_region(request["credentials_file"], request["profile"]),
        "reader": _reader(request["run_as_user"], request["credentials_file"]),
        "shared": shared_profile(request["credentials_file"], request["profile"], request["shared"]),
        "hostname": socket.gethostname(),
        "hindrance": _hindrance(request),
    }
    return dict(answer, **look(request))


def look(request):
    """Return whether the agent runs, since when, and the last errors and warnings of its log."""
    log = request["logfile"] or os.path.join(request["root"], "logs/amazon-cloudwatch-agent.log")
    answer, links = service(UNIT), []
    if answer["running"]:
        links = held(answer["process"])
    lines, begun, there = read_log(log)
    answer.update(now=time.time(), log=lines, begun=begun, log_there=there, log_moved=moved(log, links))
    answer.update(unanswered=unanswered(answer["process"], links), credentials_written=_written(request["credentials_file"]))
    return answer


def write(request):
    """Replace a file, if its content is still the expected one; folders that are missing are made."""
    overwrite(request["path"], request["text"], request["expected"])
    return {}


def control(request):
    """Run the control script and return how it ended, with the last words of all it has."""
    root, begun = request["root"], time.time()
    environment = dict(os.environ, LC_ALL="C")
    if request["region"]:
        environment["AWS_REGION"] = request["region"]
    done = run([os.path.join(root, "bin/amazon-cloudwatch-agent-ctl"), *request["arguments"]], environment)
    log = os.path.join(root, "logs/configuration-validation.log")
    fresh = (_written(log) or 0) >= begun - 1
    done["validation"] = ""
    with suppress(Unfit):
        done["validation"] = content(log)[0][-4000:] if done["rc"] and fresh else ""
    done["files"] = {name: found["sha256"] for name, found in _files(os.path.join(root, "etc/amazon-cloudwatch-agent.d"), None).items()}
    return done


def turn(request):
    """Enable, disable, start, stop or restart the service."""
    if request["verb"] not in VERBS:
        raise Unfit("nothing is known of " + request["verb"])
    return run(["systemctl", request["verb"], UNIT])


def _written(path):
    try:
        return os.stat(path).st_mtime if path else None
    except OSError:
        return None


def _checksum(path):
    data, status = read(path)
    return hashlib.sha256(data).hexdigest() if status else ""


def _files(folder, shown):
    """Return the configurations of the agent by name; what a failed run of its control script left is none.

    The folder is the agent's own user's: a link there may lead to what only root may read, so none is followed. It has no checksum, which
    no configuration has, and goes with the next one that is loaded.
    """
    found = {}
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.endswith(".tmp") or not os.path.isfile(path):
                continue
            try:
                data = read(path)[0]
            except Unfit:
                found[name] = {"sha256": "", "written": None}
                continue
            found[name] = {"sha256": hashlib.sha256(data).hexdigest(), "written": _written(path)}
            if name == shown:
                found[name]["text"] = data.decode("utf-8", "replace")
    return found


def _package():
    """Return the version of the installed package as the package manager has it; empty for none."""
    for command in (
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", "amazon-cloudwatch-agent"],
        ["rpm", "--query", "--queryformat", "installed %{VERSION}-%{RELEASE}", "amazon-cloudwatch-agent"],
    ):
        done = run(command)
        if done["rc"] == 0 and done["stdout"].startswith("installed "):
            return done["stdout"].split()[1]
    return ""


def _profile_region(path, profile):
    if not path:
        return ""
    with suppress(OSError, Unfit):
        return parse(read(path)[0]).get(profile, {}).get("region") or ""
    return ""


def _reader(user, path):
    """Return whether a user can read a file, tried as that user: with its groups, through all folders above."""
    if not user or not path:
        return None
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return {"user": user, "known": False}
    if os.geteuid() != 0 or not os.path.lexists(path):
        return {"user": user}
    folders = [os.path.dirname(path)]
    while os.path.dirname(folders[-1]) != folders[-1]:
        folders.append(os.path.dirname(folders[-1]))
    for place, way in [(folder, os.X_OK) for folder in reversed(folders)] + [(path, os.R_OK)]:
        if not _may(found, place, way):
            status = os.stat(place)
            return {"user": user, "reads": False, "barrier": place, "mode": f"{stat.S_IMODE(status.st_mode):04o}",
                    "owner": _called(pwd.getpwuid, status.st_uid), "group": _called(grp.getgrgid, status.st_gid)}  # fmt: skip
    return {"user": user, "reads": True}


def _may(user, place, way):
    child = os.fork()
    if child == 0:
        try:
            os.initgroups(user.pw_name, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os._exit(0 if os.access(place, way) else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def _called(look_up, number):
    try:
        return look_up(number)[0]
    except KeyError:
        return str(number)


def _hindrance(request):
    for path in request["writes"]:
        why = hindered(path)
        if why:
            return f"{path} cannot be written: {why}."
    return ""


OPERATIONS = {"probe": probe, "look": look, "write": write, "open": open_profile, "control": control, "turn": turn}


def answer(request):
    """Return the answer to a request as plain data."""
    return respond(OPERATIONS, request)


def main():
    """Answer the request that follows on standard input."""
    serve(OPERATIONS)
