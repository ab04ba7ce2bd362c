# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs on a host for its SSM agent: what it sees, what it writes, and who learns of an activation's code."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import time

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import commands, ssm_agent

MI, OTHER = "mi-0123456789abcdef0", "mi-0fedcba9876543210"
CODE = "c0de-that-nobody-sees"

REGISTERS = f"""
echo "$@" >>{{calls}}
env >>{{calls}}
case "$*" in
*-clear*) echo '{{{{"instanceID": "", "region": ""}}}}' >{{vault}} ;;
*-version*) echo "SSM Agent version: 3.3.1142.0" ;;
*) echo "using $3 for it"; echo "ERROR $3" >&2
   echo '{{{{"instanceID": "{MI}", "region": "eu-west-1", "privateKey": "s3cret"}}}}' >{{vault}}
   echo '{{{{"ManagedInstanceID": "{MI}", "Region": "eu-west-1"}}}}' >{{note}} ;;
esac
"""


class Host:
    """A host in a folder, with an agent and a systemctl of its own."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.state = folder / "state"
        self.vault = self.state / "Vault" / "Store" / "RegistrationKey"
        self.note = self.state / "registration"
        self.calls = folder / "calls"
        self.agent = folder / "bin" / "amazon-ssm-agent"
        self.config = folder / "etc" / "amazon-ssm-agent.json"
        for made in (self.vault.parent, folder / "bin", folder / "etc", folder / "units"):
            made.mkdir(parents=True)
        self.script("systemctl", f'echo "systemctl $*" >>{self.calls}; echo ActiveState=active; echo UnitFileState=enabled; echo MainPID=0')
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        self.places = {
            "config": str(self.config), "templates": [str(folder / "none"), str(folder / "etc" / "template")], "state": str(self.state),
            "errors": str(folder / "errors.log"), "units": str(folder / "units"), "drop_in": "hybridops.conf",
            "agents": [
                {"kind": "package", "binary": str(self.agent), "unit": "amazon-ssm-agent.service"},
                {"kind": "snap", "binary": str(folder / "snap" / "agent"), "unit": "snap.x.service"},
            ],
        }  # fmt: skip

    def script(self, name, text):
        path = self.folder / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def install(self, text=REGISTERS):
        self.script("amazon-ssm-agent", text.format(calls=self.calls, vault=self.vault, note=self.note))

    def registered(self, instance=MI, region="eu-west-1"):
        self.vault.write_text(json.dumps({"instanceID": instance, "region": region, "privateKey": "s3cret"}))
        self.note.write_text(json.dumps({"ManagedInstanceID": instance, "Region": region}))

    def ask(self, do, **more):
        plain = {"folder": "", "shared": ("", ""), "unit": "u", "since": None, "binary": str(self.agent), "code": CODE, "activation": "a-1",
                 "region": "eu-west-1", "expected": "", "environment": {}, "mode": "0644", "reload": False}  # fmt: skip
        return ssm_agent.answer({**plain, "places": self.places, "do": do, **more})

    def called(self):
        return self.calls.read_text() if self.calls.exists() else ""


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def checksum(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_host_with_nothing(host):
    seen = host.ask("probe")
    assert seen["ok"] and (seen["installed"], seen["instance"], seen["region"], seen["remembered"]) == ([], "", "", "")
    assert (seen["config"], seen["template"], seen["environment"], seen["broken"], seen["version"]) == (None, None, "", False, "")
    assert seen["agent"]["kind"] == "package" and seen["folder"] is True and seen["hindrance"] == ""


def test_what_is_on_the_disk_and_never_the_key(host):
    host.install()
    host.registered()
    host.config.write_text("{}")
    (host.folder / "etc" / "template").write_text('{"a": 1}')
    seen = host.ask("probe", folder=str(host.folder / "nowhere"))
    assert (seen["installed"], seen["version"]) == (["package"], "3.3.1142.0")
    assert (seen["instance"], seen["region"], seen["remembered"], seen["remembered_region"]) == (MI, "eu-west-1", MI, "eu-west-1")
    assert (seen["config"], seen["template"], seen["folder"], seen["enabled"], seen["running"]) == ("{}", '{"a": 1}', False, True, True)
    assert abs(seen["registered_at"] - time.time()) < 60 and "s3cret" not in str(seen)


def test_a_snap_has_its_own_unit(host):
    (host.folder / "snap").mkdir()
    host.install()
    host.agent.rename(host.folder / "snap" / "agent")
    seen = host.ask("probe")
    assert seen["installed"] == ["snap"] and seen["agent"]["unit"] == "snap.x.service"
    assert seen["drop_in"] == str(host.folder / "units" / "snap.x.service.d" / "hybridops.conf")
    assert "ActiveState,SubState,MainPID,UnitFileState snap.x.service" in host.called()


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_vault_that_is_none(host, text):
    host.vault.write_bytes(text.encode("latin-1"))
    assert (host.ask("probe")["broken"], host.ask("probe")["instance"]) == (True, "")


def test_a_vault_that_is_a_link_is_named(host):
    host.vault.symlink_to(host.folder / "x")
    assert host.ask("probe")["error"] == f"{host.vault}: it is a symbolic link"


def test_the_code_is_in_the_argument_list_of_the_agent_and_nowhere_else(host):
    host.install()
    done = host.ask("register", environment={"https_proxy": "http://p:1"})
    assert done["ok"] and (done["rc"], done["instance"], done["region"]) == (0, MI, "eu-west-1")
    called = host.called()
    assert called.splitlines()[0] == f"-register -code {CODE} -id a-1 -region eu-west-1"
    assert "https_proxy=http://p:1" in called and called.count(CODE) == 1
    assert (done["stdout"], done["stderr"]) == ("using *** for it\n", "ERROR ***\n")
    assert CODE not in str(done) and "s3cret" not in str(done)


def test_an_agent_that_is_registered_is_asked_to_forget_only_what_the_caller_saw(host):
    host.install()
    host.registered(OTHER)
    refused = host.ask("register")
    assert (refused["ok"], refused["kind"]) == (False, "conflict") and OTHER in refused["error"] and not host.called()
    assert host.ask("register", expected=MI)["kind"] == "conflict"
    done = host.ask("register", expected=OTHER)
    assert done["instance"] == MI and host.called().splitlines()[0].endswith(" -y")


def test_one_run_at_a_time(host):
    host.install()
    handle = os.open(host.state, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        assert "another run" in host.ask("register")["error"] and "another run" in host.ask("clear")["error"]
    finally:
        os.close(handle)
    assert host.ask("register")["ok"]


def test_a_failed_registration_says_what_is_left(host):
    host.install('echo \'{{"instanceID": ""}}\' >{vault}; echo InvalidActivation >&2; exit 1')
    host.registered(OTHER)
    done = host.ask("register", expected=OTHER)
    assert done["ok"] and (done["rc"], done["instance"], done["remembered"], done["stderr"]) == (1, "", OTHER, "InvalidActivation\n")


def test_an_agent_that_does_not_end_is_ended(host, monkeypatch):
    monkeypatch.setattr(commands, "LONGEST", 0.5)
    host.install("sleep 60")
    begun = time.monotonic()
    assert "i/o timeout" in host.ask("register")["stderr"] and time.monotonic() - begun < 10


def test_no_part_of_a_code_is_left_where_what_was_said_is_cut(host):
    host.install('printf "%s%3992s" "$3" x >&2')
    done = host.ask("register")
    assert done["stderr"].startswith("***") and CODE[-8:] not in str(done)


def test_clear_and_again(host):
    host.install()
    host.registered()
    assert host.ask("clear", expected=OTHER)["kind"] == "conflict"
    done = host.ask("clear", expected=MI)
    assert done["ok"] and (done["instance"], done["remembered"]) == ("", "") and "-register -clear" in host.called()
    assert not host.note.exists() and host.ask("clear", expected="")["ok"]


def test_clear_of_a_vault_that_is_none(host):
    host.install()
    host.vault.write_text("{")
    done = host.ask("clear", expected="")
    assert done["ok"] and (done["broken"], done["instance"]) == (False, "") and "-register -clear" in host.called()


def test_clear_without_the_agent(host):
    host.registered()
    assert host.ask("clear", expected=MI, binary="")["instance"] == "" and not host.vault.exists() and not host.note.exists()


def test_a_file_is_written_if_nobody_else_did(host):
    path = host.folder / "units" / "u.d" / "hybridops.conf"
    assert host.ask("write", path=str(path), text="one", expected=checksum(""), mode="0600", reload=True)["ok"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and "systemctl daemon-reload" in host.called()
    assert host.ask("write", path=str(path), text="two", expected=checksum("x"))["kind"] == "conflict"
    path.chmod(0o640)
    assert host.ask("write", path=str(path), text="two", expected=checksum("one"))["ok"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.read_text() == "two"
    assert host.ask("write", path=str(path), text="", expected=checksum("two"))["ok"] and not path.parent.exists()
    (host.folder / "etc" / "theirs").write_text("")
    host.config.write_text("x")
    assert host.ask("write", path=str(host.config), text="", expected=checksum("x"))["ok"] and (host.folder / "etc").is_dir()


def test_a_folder_that_others_may_pass(host):
    assert host.ask("make_folder", path=str(host.folder / "a" / "b"))["ok"]
    assert stat.S_IMODE((host.folder / "a" / "b").stat().st_mode) == 0o755


def test_last_errors_of_the_agent(host):
    log = host.folder / "errors.log"
    log.write_text("old\n" * 9 + "one\n\ntwo\n")
    assert host.ask("look", since=time.time() - 60)["errors"] == ["old", "one", "two"]
    assert host.ask("look", since=time.time() + 60)["errors"] == [] and host.ask("look")["errors"] == []


def test_only_five_verbs(host):
    assert host.ask("turn", verb="mask")["kind"] == "unfit"
    assert host.ask("turn", verb="restart")["rc"] == 0 and "systemctl restart u" in host.called()


def test_a_unit_that_was_written_and_not_read_is_read_before_the_agent_starts(host):
    host.script("systemctl", f'echo "systemctl $*" >>{host.calls}; echo NeedDaemonReload=yes')
    for verb in ("start", "restart", "stop"):
        host.ask("turn", verb=verb)
    shown = "systemctl show --property NeedDaemonReload u"
    assert host.called().splitlines() == [
        shown, "systemctl daemon-reload", "systemctl start u", shown, "systemctl daemon-reload", "systemctl restart u", "systemctl stop u",
    ]  # fmt: skip
    host.script("systemctl", 'test "$1" != daemon-reload && echo NeedDaemonReload=yes')
    assert host.ask("turn", verb="start")["rc"] == 1, "not started as it was set before"


def test_shared_credentials_go_and_keys_of_others_stay(host):
    file = host.folder / "credentials"
    temporary = "aws_access_key_id     = ASIA1\naws_secret_access_key = s3cret\naws_session_token     = t0ken\n"
    file.write_text("[mine]\naws_access_key_id = AKIA1\n\n[P]\nregion = eu-west-1\n" + temporary)
    assert host.ask("probe", shared=(str(file), "P"))["shares"] is True
    for profile in ("mine", "P"):
        assert host.ask("close", path=str(file), profile=profile)["ok"]
    assert file.read_text() == "[mine]\naws_access_key_id = AKIA1\n\n"
    assert host.ask("probe", shared=(str(file), "P"))["shares"] is False
    assert host.ask("probe", shared=(str(host.folder / "none"), "P"))["shares"] is False
