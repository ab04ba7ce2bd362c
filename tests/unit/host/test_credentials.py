# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to the file itself: nobody else can read it for an instant, and it is never half written."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import credentials, ground
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.channel import Channel, NoAnswer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SECRET = "s3cr3t/" + "x" * 33


@pytest.fixture(autouse=True)
def wide_umask():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "credentials"


def request(path, do, **more):
    plain = {"path": str(path), "profile": "P", "owner": "", "group": "", "mode": "0600", "expected": "", "region": "eu-west-1"}
    return credentials.answer({**plain, "do": do, **more})


def deliver(path, key_id="AKIA1", **more):
    return request(path, "deliver", key_id=key_id, secret=SECRET, **more)


def test_delivered_and_seen(path):
    answer = deliver(path)
    assert answer["ok"] and answer["key_id"] == "AKIA1" and answer["mode"] == "0600" and SECRET not in str(answer)
    assert SECRET in path.read_text() and os.listdir(path.parent) == ["credentials"]
    assert deliver(path)["ok"], "a delivery that arrives twice"


def test_compare_and_swap(path):
    deliver(path)
    before = path.read_bytes()
    for expected in ("", "AKIA0"):
        answer = deliver(path, "AKIA2", expected=expected)
        assert (answer["ok"], answer["kind"]) == (False, "conflict") and "AKIA1" in answer["error"]
    assert path.read_bytes() == before and os.listdir(path.parent) == ["credentials"]
    assert deliver(path, "AKIA2", expected="AKIA1")["key_id"] == "AKIA2"


@pytest.mark.parametrize("kind", ["symlink", "dangling", "directory", "fifo", "unparsable"])
def test_what_is_no_plain_file_is_left_alone(path, kind):
    if kind == "symlink":
        (path.parent / "real").write_text("[a]\n")
        path.symlink_to(path.parent / "real")
    elif kind == "dangling":
        path.symlink_to(path.parent / "nowhere")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.write_text("words\n")
    names = sorted(os.listdir(path.parent))
    for answer in (request(path, "probe"), deliver(path)):
        assert not answer["ok"] and answer["error"] and SECRET not in str(answer)
    assert sorted(os.listdir(path.parent)) == names
    assert not (path.parent / "nowhere").exists()


def test_owner_and_mode_are_kept_or_set(path):
    path.write_text("[a]\nx = 1\n")
    os.chmod(path, 0o644)
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
    deliver(path, mode="0640")
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    if os.geteuid() == 0:
        assert (status.st_uid, status.st_gid) == (12345, 54321)
        deliver(path, "AKIA2", expected="AKIA1", owner="0", group="root")
        assert (path.stat().st_uid, path.stat().st_gid) == (0, 0)


def test_unknown_owner_changes_nothing(path):
    answer = deliver(path, owner="no-such-user-here")
    assert not answer["ok"] and "no-such-user-here" in answer["error"] and not os.listdir(path.parent)


@pytest.mark.parametrize(("mode", "folder"), [("0600", 0o700), ("0640", 0o750), ("0400", 0o700)])
def test_missing_folders(tmp_path, mode, folder):
    path = tmp_path / "a" / "b" / "credentials"
    deliver(path, mode=mode)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path.parent.parent)] == [folder, 0o755]
    assert request(tmp_path / "c" / "credentials", "probe")["ok"] and not (tmp_path / "c").exists()


def test_folders_above_the_last_are_not_the_owners(tmp_path):
    if os.geteuid():
        pytest.skip("only root gives files away")
    path = tmp_path / "a" / "b" / "credentials"
    assert deliver(path, owner="12345", group="54321", mode="0640")["ok"]
    found = [(each.stat().st_uid, each.stat().st_gid) for each in (path, path.parent, path.parent.parent)]
    assert found == [(12345, 54321), (12345, 54321), (0, os.getgid())]


@pytest.mark.parametrize("fits", [{}, {"owner": "0", "group": "root"}])
def test_nothing_hinders(tmp_path, fits):
    answer = request(tmp_path / "a" / "b" / "credentials", "probe", **fits)
    assert answer["ok"] and answer["hindrance"] == "" and not os.listdir(tmp_path)


def test_what_hinders_a_write_is_known_before(path, monkeypatch):
    (path.parent / "file").write_text("")
    assert "is no folder" in request(path.parent / "file" / "credentials", "probe")["hindrance"]
    path.write_text(" [P]\nregion = x\n")
    assert "not plain enough" in request(path, "probe")["hindrance"]
    path.unlink()
    monkeypatch.setattr(credentials.os, "access", lambda folder, _mode: folder != str(path.parent))
    assert str(path.parent) in request(path.parent / "a" / "credentials", "probe")["hindrance"]


def test_a_secret_in_another_encoding_is_signed_with(path):
    path.write_bytes(b"[P]\naws_access_key_id = AKIA1\naws_secret_access_key = caf\xe9\n")
    answer = request(path, "probe", scope="20260301/eu-west-1/sts/aws4_request", string_to_sign="x")
    assert answer["ok"] and len(answer["signature"]) == 64


def test_amend_and_take_away(path):
    path.write_text("[other]\nx = 1\n")
    deliver(path)
    os.chmod(path, 0o644)
    assert request(path, "amend", expected="AKIA1", region="us-east-1")["region"] == "us-east-1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and SECRET in path.read_text()
    assert request(path, "take_away", expected="AKIA9")["kind"] == "conflict"
    assert request(path, "take_away", expected="AKIA1")["key_id"] == ""
    assert path.read_text().strip() == "[other]\nx = 1"
    alone = path.with_name("alone")
    deliver(alone)
    assert request(alone, "take_away", expected="AKIA1")["exists"] is False and not alone.exists()


def test_never_readable_by_others(path):
    """A watcher looks at every file of the folder while keys are written, old wide mode and umask 0 notwithstanding."""
    path.write_text("[a]\nx = 1\n")
    os.chmod(path, 0o600)
    seen, done = set(), threading.Event()

    def watch():
        while not done.is_set():
            for entry in os.scandir(path.parent):
                with contextlib.suppress(FileNotFoundError):
                    seen.add((entry.name != "credentials", stat.S_IMODE(entry.stat().st_mode)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    held = ""
    for number in range(150):
        deliver(path, f"AKIA{number}", expected=held)
        held = f"AKIA{number}"
    done.set()
    watcher.join()
    assert seen and not [mode for _temporary, mode in seen if mode & 0o077], seen


@pytest.mark.parametrize("fails", ["rename", "fsync", "fchmod", "fchown"])
def test_a_failure_leaves_the_old_file_and_no_secret(path, monkeypatch, fails):
    path.write_text("[a]\nx = 1\n")
    written = []

    def broken(*_arguments, **_more):
        written.extend(file.read_text() for file in path.parent.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(credentials.os, fails, broken)
    answer = deliver(path)
    monkeypatch.undo()
    assert (answer["ok"], answer["kind"]) == (False, "failed") and SECRET not in str(answer)
    assert os.listdir(path.parent) == ["credentials"] and path.read_text() == "[a]\nx = 1\n"
    assert fails not in ("rename", "fsync") or any(SECRET in text for text in written), "the test looked too early"


def test_the_secret_is_in_the_file_of_its_mode_alone(path, monkeypatch):
    """Whatever is renamed or unlinked holds the secret only as 0600."""
    looked = []
    for name in ("rename", "unlink"):
        real = getattr(os, name)

        def hooked(*names, real=real):
            status = os.lstat(names[0])
            with open(names[0]) as file:
                looked.append((SECRET in file.read(), stat.S_IMODE(status.st_mode)))
            return real(*names)

        monkeypatch.setattr(credentials.os, name, hooked)
    deliver(path)
    assert looked == [(True, 0o600)]


def test_another_run_is_writing(path):
    """Whoever holds the temporary file is at work, however old it is; one that nobody holds is what a killed run left."""
    temporary = path.with_name(".credentials.hybridops-new")
    temporary.write_text("half")
    with open(temporary) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        os.utime(temporary, (time.time() - 300, time.time() - 300))
        for answer in (deliver(path), request(path, "clean")):
            assert answer["kind"] == "conflict" and "Run again" in answer["error"]
        assert temporary.read_text() == "half" and not path.exists() and request(path, "probe")["leftover"] is False
    assert request(path, "probe")["leftover"] is True
    assert deliver(path)["ok"] and os.listdir(path.parent) == ["credentials"]


def test_what_a_killed_run_left_is_cleaned(path):
    deliver(path)
    path.with_name(".credentials.hybridops-new").write_text(SECRET)
    answer = request(path, "clean")
    assert answer["ok"] and answer["leftover"] is False and answer["key_id"] == "AKIA1" and os.listdir(path.parent) == ["credentials"]


@pytest.mark.parametrize(("moved", "abandoned"), [(0, False), (-300, True), (300, True)])
def test_without_locks_age_tells(path, monkeypatch, moved, abandoned):
    """As on some network file systems; the clock may have been ahead when the file was made."""
    monkeypatch.setattr(ground.fcntl, "flock", lambda *_arguments: fail(OSError(37, "No locks available")))
    temporary = path.with_name(".credentials.hybridops-new")
    temporary.write_text("half")
    os.utime(temporary, (time.time() + moved, time.time() + moved))
    assert request(path, "probe")["leftover"] is abandoned and deliver(path)["ok"] is abandoned


def fail(error):
    raise error


def test_a_temporary_file_that_is_another_runs_is_left_alone(path, monkeypatch):
    """It took this one for abandoned, and made its own in the same place."""
    temporary = path.with_name(".credentials.hybridops-new")

    def overtaken(_handle):
        temporary.rename(path.with_name("ours"))
        temporary.write_text("theirs")

    monkeypatch.setattr(credentials.os, "fsync", overtaken)
    assert deliver(path)["kind"] == "conflict" and temporary.read_text() == "theirs" and not path.exists()


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ({"f_flag": os.ST_RDONLY}, "mounted read-only. Mount it"),
        ({"f_bfree": 1, "f_bavail": 1}, "is full. Free some space"),
        ({"f_favail": 0}, "is full. Free some space"),
        ({"f_blocks": 0, "f_bfree": 0, "f_bavail": 0, "f_files": 0, "f_favail": 0}, ""),
    ],
)
def test_what_a_file_system_says_before_a_write(path, monkeypatch, folder, says):
    room = {"f_flag": 0, "f_frsize": 4096, "f_blocks": 99, "f_bfree": 99, "f_bavail": 99, "f_files": 9, "f_favail": 9, **folder}
    monkeypatch.setattr(credentials.os, "statvfs", lambda _folder: SimpleNamespace(**room))
    hindrance = request(path, "probe")["hindrance"]
    assert says in hindrance and bool(says) == bool(hindrance)


def test_a_folder_that_somebody_may_lead_elsewhere(tmp_path):
    if os.geteuid():
        pytest.skip("only root makes links of others")
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real")
    assert request(link / "a" / "credentials", "probe")["hindrance"] == ""
    os.lchown(link, 12345, 0)
    hindrance = request(link / "a" / "credentials", "probe")["hindrance"]
    assert f"{link} is a symbolic link of user 12345" in hindrance and f"({tmp_path / 'real'})" in hindrance


@pytest.mark.parametrize(
    ("number", "says"), [(28, "Free some space there, then run again"), (30, "Mount it"), (13, "Set become"), (2, "such")]
)
def test_what_to_do_about_an_error_of_the_system(path, monkeypatch, number, says):
    monkeypatch.setattr(credentials.os, "rename", lambda *_names: fail(OSError(number, os.strerror(number), str(path))))
    answer = deliver(path)
    assert says in answer["error"] and str(path) in answer["error"] and os.strerror(number) in answer["error"]


def test_signature_is_botocores(path):
    deliver(path)
    call = AWSRequest("POST", "https://sts.eu-west-1.amazonaws.com/", data="Action=GetCallerIdentity&Version=2011-06-15")
    call.context["timestamp"] = call.headers["X-Amz-Date"] = "20260301T120000Z"
    auth = SigV4Auth(Credentials("AKIA1", SECRET), "sts", "eu-west-1")
    text = auth.string_to_sign(call, auth.canonical_request(call))
    answer = request(path, "probe", scope=auth.credential_scope(call), string_to_sign=text)
    assert answer["signature"] == auth.signature(text, call)


def test_only_sts_is_signed_for(path):
    deliver(path)
    with pytest.raises(ValueError, match="sts"):
        request(path, "probe", scope="20260301/eu-west-1/iam/aws4_request", string_to_sign="x")


def shell(command, data):
    done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
    return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


def test_channel_says_nothing_in_arguments(path, tmp_path):
    commands = []

    def execute(command, data):
        commands.append(command)
        said = shell(command, data)
        return {**said, "stdout": "Welcome!\n" + said["stdout"]}

    (tmp_path / "json.py").write_text("raise SystemExit('a module of the working directory')")
    answer = Channel(execute, f"cd {tmp_path} && {sys.executable}").ask(
        "deliver", path=str(path), profile="P", owner="", group="", mode="0600", expected="", region="r", key_id="AKIA1", secret=SECRET
    )
    assert answer["ok"] and SECRET in path.read_text()
    assert SECRET not in commands[0] and len(commands[0]) < 600


def test_channel_without_a_python():
    with pytest.raises(NoAnswer, match=r"no-such-python.*127"):
        Channel(shell, "/no-such-python").ask("probe", path="/x", profile="P")


def test_channel_cut_short(path):
    """A connection that ends while the request is sent: the host writes nothing."""

    def execute(command, data):
        return shell(command, data[:-5])

    with pytest.raises(NoAnswer) as silent:
        Channel(execute, sys.executable).ask(
            "deliver", path=str(path), profile="P", owner="", group="", mode="0600", expected="", region="r", key_id="A", secret=SECRET
        )
    assert not path.exists() and SECRET[:10] not in str(silent.value)


def test_an_owner_or_group_that_is_not_there_is_told_and_hinders_no_leaving(path):
    deliver(path, "AKIA1")
    path.chmod(0o640)
    told = request(path, "probe", owner="no-such-user", group="no-such-group")
    assert told["unknown"] == [("user", "no-such-user"), ("group", "no-such-group")] and told["hindrance"] == ""
    assert deliver(path, "AKIA2", expected="AKIA1", group="no-such-group")["error"].endswith("no-such-group")
    left = request(path, "take_away", expected="AKIA1", group="no-such-group")
    assert left["ok"] and left["key_id"] == ""


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("amazon-cloudwatch-agent", [], True),
        ("amazon-cloudwatch-agent", ["-schematest"], False),
        ("amazon-cloudwatch-agent-ctl", [], False),
        ("amazon-cloudwatch-agent-config-wizard", [], False),
    ],
)
def test_the_agent_is_told_from_what_is_called_nearly_the_same(tmp_path, name, arguments, expected):
    program = tmp_path / name
    program.write_text("#!/bin/sh\nread forever\n")
    program.chmod(0o755)
    process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE)
    try:
        until = time.monotonic() + 5
        # The kernel names a process before it gives it its arguments.
        while str(program).encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes() and time.monotonic() < until:
            time.sleep(0.02)
        assert credentials._is_agent(process.pid) is expected
    finally:
        process.communicate()


def test_a_process_that_stood_still_writes_no_more(path, monkeypatch):
    """As on a host that was paused: the key that it was sent may be deleted by now."""
    monkeypatch.setattr(ground, "_deadline", time.monotonic() - 1)
    answer = deliver(path)
    assert answer["kind"] == "conflict" and "took more than" in answer["error"] and os.listdir(path.parent) == []


def test_a_folder_that_another_run_made_meanwhile(tmp_path, monkeypatch):
    """And the one that a killed run left half made."""
    path, rename = tmp_path / "a" / "credentials", os.rename
    (tmp_path / ".a.hybridops-new").mkdir(mode=0o700)

    def overtaken(source, target):
        if target == str(path.parent):
            path.parent.mkdir()
            (path.parent / "theirs").touch()
        rename(source, target)

    monkeypatch.setattr(credentials.os, "rename", overtaken)
    assert deliver(path)["ok"] and sorted(os.listdir(path.parent)) == ["credentials", "theirs"] and os.listdir(tmp_path) == ["a"]
