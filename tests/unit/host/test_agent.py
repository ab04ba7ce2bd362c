# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on a host for its agent: what it sees, what it writes, and how it ends what does not end."""

from __future__ import annotations

import hashlib
import os
import pwd
import socket
import stat
import time

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import agent, agent_log, commands, ground, open_files

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="trying as another user needs root")
NOBODY = "nobody"


@pytest.fixture
def root(tmp_path):
    for folder in ("bin", "etc/amazon-cloudwatch-agent.d", "logs"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    return tmp_path / "root"


def checksum(text):
    return hashlib.sha256(text.encode()).hexdigest()


def ask(root, do, **more):
    plain = {
        "root": str(root), "config_path": str(root.parent / "kept" / "config.json"), "credentials_file": "", "profile": "P", "logfile": "",
        "name": "file_config.json", "show": True, "run_as_user": "", "writes": [], "region": "", "shared": None,
    }  # fmt: skip
    return agent.answer({**plain, "do": do, **more})


def control(root, script, mode=0o755):
    path = root / "bin" / "amazon-cloudwatch-agent-ctl"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(mode)


def test_a_host_with_nothing(tmp_path):
    seen = ask(tmp_path / "nowhere", "probe")
    assert seen["ok"] and not seen["installed"] and (seen["common"], seen["common_written"], seen["source"]) == ("", None, "")
    assert (seen["files"], seen["legacy"], seen["translated"], seen["log"], seen["log_there"]) == ({}, False, None, [], False)


def test_what_is_on_the_disk(root):
    control(root, "exit 0")
    (root / "bin" / "CWAGENT_VERSION").write_text("1.300071.0\n")
    (root / "etc" / "common-config.toml").write_bytes(b"# \xff\r\n")
    folder = root / "etc" / "amazon-cloudwatch-agent.d"
    (folder / "file_config.json").write_text("ours")
    (folder / "ssm_secret").write_text("s3cret")
    (folder / "file_config.json.tmp").write_text("half")
    (folder / "folder").mkdir()
    seen = ask(root, "probe")
    assert (seen["installed"], seen["version"], seen["common"]) == (True, "1.300071.0", "# \udcff\r\n")
    assert set(seen["files"]) == {"file_config.json", "ssm_secret"}
    assert seen["files"]["file_config.json"]["text"] == "ours" and seen["files"]["ssm_secret"]["sha256"] == checksum("s3cret")
    assert "s3cret" not in str(seen) and "text" not in ask(root, "probe", show=False)["files"]["file_config.json"]


def test_the_region_of_the_profile_and_nothing_else_of_it(root, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("[P]\naws_access_key_id = A\naws_secret_access_key = s3cret\nregion = eu-west-1\n")
    seen = ask(root, "probe", credentials_file=str(file))
    assert seen["profile_region"] == "eu-west-1" and "s3cret" not in str(seen)
    assert ask(root, "probe", credentials_file=str(file), profile="Q")["profile_region"] == ""
    file.write_text("no profile here")
    assert ask(root, "probe", credentials_file=str(file))["profile_region"] == ""


@AS_ROOT
@pytest.mark.parametrize(
    ("folder", "file", "barrier"),
    [(0o755, 0o644, ""), (0o755, 0o600, "file"), (0o700, 0o644, "folder"), (0o750, 0o640, "folder")],
)
def test_whether_a_user_can_read_is_tried_as_that_user(root, tmp_path, folder, file, barrier):
    place = tmp_path / "etc"
    place.mkdir()
    (place / "credentials").write_text("x")
    for above in [tmp_path, *tmp_path.parents]:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
    (place / "credentials").chmod(file)
    place.chmod(folder)
    reader = ask(root, "probe", credentials_file=str(place / "credentials"), run_as_user=NOBODY)["reader"]
    expected = {"file": str(place / "credentials"), "folder": str(place)}.get(barrier)
    assert reader["reads"] is (not barrier) and reader.get("barrier") == expected
    if barrier:
        mode = {"file": file, "folder": folder}[barrier]
        assert (reader["owner"], reader["mode"]) == (pwd.getpwuid(0)[0], f"{mode:04o}")


def test_users_that_are_not_there_and_files_that_are_not_yet(root, tmp_path):
    missing = str(tmp_path / "credentials")
    assert ask(root, "probe", credentials_file=missing, run_as_user="nobody-here")["reader"] == {"user": "nobody-here", "known": False}
    assert ask(root, "probe", credentials_file=missing, run_as_user=NOBODY)["reader"] == {"user": NOBODY}
    assert ask(root, "probe", credentials_file=missing)["reader"] is None


def test_a_file_is_written_if_nobody_else_did(tmp_path):
    path = tmp_path / "new" / "config.json"
    before = os.umask(0o077)
    try:
        assert ask(tmp_path, "write", path=str(path), text="one", expected=checksum(""))["ok"]
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644 and stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    refused = ask(tmp_path, "write", path=str(path), text="two", expected=checksum("zero"))
    assert (refused["ok"], refused["kind"]) == (False, "conflict") and path.read_text() == "one"
    assert ask(tmp_path, "write", path=str(path), text="one", expected=checksum("zero"))["ok"], "a write that arrives twice"
    assert ask(tmp_path, "write", path=str(path), text="", expected=checksum("one"))["ok"] and not path.exists()
    assert ask(tmp_path, "write", path=str(path), text="", expected=checksum("one"))["ok"], "gone is gone"
    assert os.listdir(path.parent) == []


def test_a_link_is_not_followed(root, tmp_path):
    (tmp_path / "real").write_text("theirs")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    answer = ask(root, "write", path=str(tmp_path / "link"), text="ours", expected=checksum("theirs"))
    assert answer["kind"] == "unfit" and (tmp_path / "real").read_text() == "theirs"
    (root / "etc" / "common-config.toml").symlink_to(tmp_path / "real")
    assert ask(root, "probe")["kind"] == "unfit"


def test_a_write_that_would_fail_is_known_before(root, tmp_path):
    (tmp_path / "file").write_text("")
    assert "is no folder" in ask(root, "probe", writes=[str(tmp_path / "file" / "x")])["hindrance"]
    assert ask(root, "probe", writes=[str(tmp_path / "a" / "b")])["hindrance"] == ""


def test_the_control_script_is_told_the_region_and_shows_its_last_words(root):
    control(root, 'echo "$AWS_REGION $LC_ALL $*"; echo why >&2; echo phase two >"${0%/bin/*}/logs/configuration-validation.log"; exit 1')
    answer = ask(root, "control", arguments=["-a", "fetch-config"], region="eu-west-1")
    assert (answer["rc"], answer["stdout"], answer["stderr"]) == (1, "eu-west-1 C -a fetch-config\n", "why\n")
    assert answer["validation"] == "phase two\n"
    control(root, 'touch -d "1 hour ago" "${0%/bin/*}/logs/configuration-validation.log"; exit 1')
    assert ask(root, "control", arguments=[])["validation"] == "", "an old log says nothing of this run"
    control(root, 'echo x >"${0%/bin/*}/etc/amazon-cloudwatch-agent.d/file_config.json"')
    assert ask(root, "control", arguments=[])["files"] == {"file_config.json": checksum("x\n")}


def test_a_control_script_that_cannot_be_run(root):
    assert "No such file" in ask(root, "control", arguments=[])["stderr"]
    control(root, "", mode=0o644)
    assert ask(root, "control", arguments=[])["rc"] == 127


def test_a_control_script_that_does_not_end_is_ended_with_its_children(root, monkeypatch):
    monkeypatch.setattr(commands, "LONGEST", 0.5)
    control(root, "sleep 60 & sleep 60")
    began = time.monotonic()
    answer = ask(root, "control", arguments=[])
    assert time.monotonic() - began < 10 and answer["rc"] != 0 and "timeout" in answer["stderr"]


def test_only_five_verbs():
    assert agent.answer({"do": "turn", "verb": "mask"})["kind"] == "unfit"


def test_errors_of_the_log_come_with_their_lines(root):
    lines = [
        "2026-01-01T00:00:00Z E! one",
        "caused by: two",
        "2026-01-01T00:00:01Z I! Starting AmazonCloudWatchAgent CWAgent/1 with log file x",
        "not of an error",
        "2026-01-01T00:00:02.5Z W! three",
        "2026-01-01T00:00:03Z D! four",
    ]
    (root / "logs" / "amazon-cloudwatch-agent.log").write_text("\n".join(lines))
    seen = ask(root, "look")
    assert (seen["log"], seen["begun"], seen["log_there"]) == ([lines[0], lines[1], lines[4]], lines[2], True)
    (root / "elsewhere").write_text(lines[0])
    assert ask(root, "look", logfile=str(root / "elsewhere"))["log"] == [lines[0]]


def test_plugins_push_nothing_out_of_the_log(root):
    noise = "2026-01-01T00:00:02Z E! [inputs.procstat] no such process\ncaused by: x\n"
    (root / "logs" / "amazon-cloudwatch-agent.log").write_text("2026-01-01T00:00:01Z E! cloudwatch: one\n" + noise * 300)
    assert ask(root, "look")["log"] == ["2026-01-01T00:00:01Z E! cloudwatch: one"]


def test_lines_of_the_starter_are_entries_of_their_own(root, monkeypatch):
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    lines = [
        "2026-01-01T00:00:00Z E! one",
        "2026/01/01 02:00:01 I! Detected tls: runasuser",
        "more of it",
        "2026/01/01 02:00:02 E! Cannot translate JSON, ERROR is exit status 1",
    ]
    (root / "logs" / "amazon-cloudwatch-agent.log").write_text("\n".join(lines))
    try:
        assert ask(root, "look")["log"] == [lines[0], "2026-01-01T00:00:02Z E! Cannot translate JSON, ERROR is exit status 1"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_log_that_is_no_file_is_none(root):
    os.mkfifo(root / "logs" / "amazon-cloudwatch-agent.log")
    assert ask(root, "look")["log_there"] is False


@AS_ROOT
def test_a_log_that_may_not_be_read_is_none(root):
    log = root / "logs" / "amazon-cloudwatch-agent.log"
    log.write_text("")
    log.chmod(0o600)
    for above in [root / "logs", root, *root.parents]:
        above.chmod(above.stat().st_mode | 0o011)
    child = os.fork()
    if not child:
        os.setuid(pwd.getpwnam(NOBODY).pw_uid)
        os._exit(ask(root, "look")["log_there"] is not False)
    assert os.waitpid(child, 0)[1] == 0 and ask(root, "look")["log_there"] is True


def test_a_link_among_the_configurations_is_not_followed(root, tmp_path):
    (tmp_path / "shadow").write_text("s3cret")
    (root / "etc" / "amazon-cloudwatch-agent.d" / "file_config.json").symlink_to(tmp_path / "shadow")
    seen = ask(root, "probe")
    assert seen["files"] == {"file_config.json": {"sha256": "", "written": None}} and "s3cret" not in str(seen)


def test_a_file_keeps_its_mode(root):
    common = root / "etc" / "common-config.toml"
    common.write_text("# a proxy with a password\n")
    common.chmod(0o600)
    assert ask(root, "write", path=str(common), text="# new\n", expected=checksum(common.read_text()))["ok"]
    assert stat.S_IMODE(common.stat().st_mode) == 0o600 and common.read_text() == "# new\n"


def test_a_file_that_cannot_be_worked_on_is_named(root, tmp_path):
    common = root / "etc" / "common-config.toml"
    common.symlink_to(tmp_path / "x")
    assert ask(root, "probe")["error"] == f"{common}: it is a symbolic link"
    common.unlink()
    common.write_text("#" * (1024 * 1024 + 1))
    assert ask(root, "probe")["error"] == f"{common}: it is larger than 1 MiB"


def test_a_connection_that_nobody_answers_is_seen():
    with socket.socket() as full, socket.socket() as first, socket.socket() as asking:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        asking.setblocking(False)
        asking.connect_ex(full.getsockname())
        found = open_files.unanswered(os.getpid(), open_files.held(os.getpid()))
        assert found == [list(full.getsockname())]
    assert open_files.held("none") == [] and open_files.unanswered("none", ["socket:[1]"]) == []


def test_a_server_of_names_that_was_asked_is_seen():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asked:
        asked.connect(("::1", 53))
        assert ["::1", 53] in open_files.unanswered(os.getpid(), open_files.held(os.getpid()))


@pytest.mark.parametrize("there", [False, True])
def test_a_log_that_was_moved_away_while_it_is_written(tmp_path, there):
    log = tmp_path / "agent.log"
    with log.open("w"):
        assert open_files.moved(str(log), open_files.held(os.getpid())) == ""
        log.rename(tmp_path / "agent.log.1")
        if there:
            log.write_text("")
        assert open_files.moved(str(log), open_files.held(os.getpid())) == f"{log}.1"
    assert open_files.moved(str(log), open_files.held(os.getpid())) == ""


def test_a_large_log_is_read_at_its_end(root, monkeypatch):
    monkeypatch.setattr(agent_log, "LOG_TAIL", 100)
    (root / "logs" / "amazon-cloudwatch-agent.log").write_text("2026-01-01T00:00:00Z E! old\n" * 100 + "2026-01-01T00:00:02Z E! new\n")
    assert len(ask(root, "look")["log"]) <= 4 and ask(root, "look")["log"][-1].endswith("new")


def test_the_start_of_a_process(root):
    name, start = ground.started(os.getpid(), time.time() - ground.since_boot())
    assert name and time.time() - 3600 < start <= time.time() + 0.1
    assert ground.started("none", 0.0) == ("", 0.0)


SHARED = "[default]\nx = 1\n\n[P]\naws_access_key_id     = ASIA1\naws_secret_access_key = s3cret\naws_session_token     = t0ken\n"


def test_a_profile_that_ssm_agent_shares_is_opened_and_keeps_its_keys(root):
    file = root / "credentials"
    file.write_text(SHARED)
    file.chmod(0o600)
    wanted = {"owner": "", "group": "0", "mode": "0640"}
    seen = ask(root, "probe", credentials_file=str(file), shared=wanted)["shared"]
    assert seen == {"temporary": True, "region": "", "owner": "root", "group": "0", "mode": "0600", "unknown": []}
    where = {"path": str(file), "profile": "P", "region": "eu-west-1"}
    assert ask(root, "open", **where, **wanted)["ok"]
    assert file.read_text() == SHARED + "region = eu-west-1\n"
    opened = ask(root, "probe", credentials_file=str(file), shared=wanted)["shared"]
    assert (opened["region"], opened["mode"]) == ("eu-west-1", "0640")
    assert "s3cret" not in str(opened) and "t0ken" not in str(opened)


@pytest.mark.parametrize("text", ["", "[P]\naws_access_key_id = AKIA\naws_secret_access_key = s3cret\n"], ids=["none", "of a user"])
def test_keys_that_are_not_of_ssm_agent_are_not_opened(root, text):
    file = root / "credentials"
    file.write_text(text)
    wanted = {"owner": "nobody-here", "group": "", "mode": "0640"}
    seen = ask(root, "probe", credentials_file=str(file), shared=wanted)["shared"]
    assert not seen["temporary"] and seen["unknown"] == [("user", "nobody-here")]
    anybody = {"owner": "", "group": "", "mode": "0640"}
    answer = ask(root, "open", path=str(file), profile="P", region="eu-west-1", **anybody)
    assert not answer["ok"] and "gone" in answer["error"] and file.read_text() == text


def test_a_credentials_file_that_is_none_says_so(root):
    file = root / "credentials"
    file.write_text("no profile\n")
    seen = ask(root, "probe", credentials_file=str(file), shared={"owner": "", "group": "", "mode": "0640"})["shared"]
    assert list(seen) == ["unfit"] and "credentials file" in seen["unfit"]
