# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that misbehave: what was made on AWS is undone, the message says what to do, and the run after that converges.

Each case is a host of the inventory and a user of the account, so that one run has them all. ``/tmp`` is full and noexec for all of them.
"""

from __future__ import annotations

import configparser
import gzip
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Sequence

from tests.faults.bench import ALL
from tests.faults.hosts.odd_host import ROOT, TOOLS, OddHost
from tests.support.emulators import Credentials
from tests.support.playbook import run_playbook
from tests.support.recording_proxy import RecordingProxy

Script = Callable[[OddHost], Any]
NOTHING: Script = lambda host: None  # noqa: E731


def sh(script: str) -> Script:
    return lambda host: host.shell(script)


@dataclass(frozen=True)
class Case:
    name: str
    says: str = ""
    """What the message must say, a pattern; empty for a run that succeeds."""
    prepare: Script = NOTHING
    mend: Script = NOTHING
    arm: Script = NOTHING
    """What is done on the host right before the run that meets it."""
    hosts: Dict[str, Any] = field(default_factory=dict)
    """Its variables."""
    options: Dict[str, Any] = field(default_factory=dict)
    create: Script = NOTHING
    """What happens on the host while the key is made."""
    outcome: str = "failed"
    created: bool = False
    """Whether a key is made before that."""
    over: bool = False
    """Whether the host holds a key that works and is due."""
    kept: int = 0
    """How many keys the user has after it."""

    @property
    def folder(self) -> str:
        return f"{ROOT}/{self.name}"

    @property
    def path(self) -> str:
        return f"{self.folder}/credentials"

    @property
    def user(self) -> str:
        return f"cwagent-{self.name}"


UNFIT = "cannot be worked on: {}. Nothing was changed. Repair it, or name another path"
HINDERED = "Nothing was changed, and no key was made"


def tmpfs(name: str, options: str) -> str:
    return f"mount -t tmpfs -o {options} tmpfs {ROOT}/{name}; "


def remount(name: str, options: str) -> str:
    return f"mount -o remount,{options} {ROOT}/{name}; "


def fill(name: str) -> str:
    return f"cat /dev/zero > {ROOT}/{name}/filler 2>/dev/null || true"


def both(*scripts: Script) -> Script:
    return lambda host: [script(host) for script in scripts]


FILES = [
    Case("full", f"the file system of {ROOT}/full is full. Free some space there. {HINDERED}",
         sh(tmpfs("full", "size=64k") + fill("full")), sh(f"rm {ROOT}/full/filler")),
    Case("inodes", f"the file system of {ROOT}/inodes is full. Free some space there. {HINDERED}",
         sh(tmpfs("inodes", "nr_inodes=3") + f"touch {ROOT}/inodes/a {ROOT}/inodes/b"), sh(f"rm {ROOT}/inodes/?")),
    Case("fills", "did not take the key: No space left on device: .* Free some space there, then run again. .* was deleted again",
         sh(tmpfs("fills", "size=64k")), sh(f"rm {ROOT}/fills/filler"), create=sh(fill("fills")), created=True),
    Case("readonly", f"is mounted read-only. Mount it for writing. {HINDERED}",
         sh(tmpfs("readonly", "size=64k") + remount("readonly", "ro")), sh(remount("readonly", "rw"))),
    Case("turns-readonly", "did not take the key: Read-only file system: .* Mount it for writing .* was deleted again",
         sh(tmpfs("turns-readonly", "size=64k")), sh(remount("turns-readonly", "rw")), create=sh(remount("turns-readonly", "ro")),
         created=True),
    Case("owner", prepare=sh(f"echo > {ROOT}/owner/credentials; chmod 666 {ROOT}/owner/credentials; chown -R nobody {ROOT}/owner"),
         options={"owner": "root", "group": "root"}, outcome="ok"),
    Case("no-owner", "knows no user cwagent, .* Install it first", mend=sh("useradd --system cwagent"), options={"owner": "cwagent"}),
    Case("folder-owner", f"folder {ROOT}/folder-owner cannot be written by user [1-9]\\d*; is become set\\?. {HINDERED}",
         lambda host: host.account("plain"), sh(f"chown plain {ROOT}/folder-owner"), hosts={"ansible_user": "plain"}),
    Case("symlink", UNFIT.format("it is a symbolic link"), sh(f"ln -s /etc/hostname {ROOT}/symlink/credentials"),
         sh(f"rm {ROOT}/symlink/credentials")),
    Case("dangling", UNFIT.format("it is a symbolic link"), sh(f"ln -s nowhere {ROOT}/dangling/credentials"),
         sh(f"rm {ROOT}/dangling/credentials")),
    Case("directory", UNFIT.format("it is no regular file"), sh(f"mkdir {ROOT}/directory/credentials"),
         sh(f"rmdir {ROOT}/directory/credentials")),
    Case("fifo", UNFIT.format("it is no regular file"), sh(f"mkfifo {ROOT}/fifo/credentials"), sh(f"rm {ROOT}/fifo/credentials")),
    Case("led", f"{ROOT}/led is a symbolic link of user 65534, .* Name the folder itself \\(/var/tmp/led\\), or let root own .* {HINDERED}",
         sh(f"rmdir {ROOT}/led; mkdir /var/tmp/led; ln -s /var/tmp/led {ROOT}/led; chown -h nobody {ROOT}/led"),
         sh(f"chown -h root {ROOT}/led")),
    Case("no-folder", "file is no folder", sh(f"touch {ROOT}/no-folder/file"), sh(f"rm {ROOT}/no-folder/file"),
         options={"path": f"{ROOT}/no-folder/file/credentials"}),
]  # fmt: skip


def becoming(name: str, **more: Any) -> Dict[str, Any]:
    return {"ansible_user": name, "ansible_become": True, **more}


def python(name: str) -> Dict[str, Any]:
    return {"ansible_python_interpreter": f"{TOOLS}/{name}"}


def mended(name: str) -> Script:
    return lambda host: host.tool(name, 'exec python3 "$@"')


REACH = [
    Case("asks", "Missing sudo password on the host. Give the password with --ask-become-pass .*NOPASSWD in sudoers\\)$",
         lambda host: host.account("asks", "asks ALL=(ALL) ALL"), lambda host: host.sudoers("asks", "asks ALL=(ALL) NOPASSWD: ALL"),
         hosts=becoming("asks")),
    Case("notty", "you must have a tty .* switch requiretty off for this user in sudoers",
         lambda host: host.account("notty", "notty ALL=(ALL) NOPASSWD: ALL\nDefaults:notty requiretty"),
         lambda host: host.sudoers("notty", "notty ALL=(ALL) NOPASSWD: ALL"), hosts=becoming("notty")),
    Case("lecture", outcome="ok", hosts=becoming("lecture"), prepare=both(
        lambda host: host.account("lecture", "lecture ALL=(ALL) NOPASSWD: ALL\nDefaults:lecture lecture=always"),
        sh(r"printf 'echo Welcome; printf \"\\033[1mno line end\"\n' > /home/lecture/.bashrc"))),
    Case("late", outcome="ok", hosts=python("late")),
    Case("early", outcome="ok", hosts=python("early")),
    Case("no-python", "Install Python 3.8 or later on the host, or name the one it has in ansible_python_interpreter",
         mend=mended("missing"), hosts=python("missing")),
    Case("old-python", "Python 3.6 is too old: 3.8 or later is needed. Install a newer Python beside it",
         mend=mended("old"), hosts=python("old")),
    Case("bare-python", "This Python is not whole: install python3", mend=mended("bare"), hosts=python("bare")),
]  # fmt: skip


def losing(name: str, port: int, says: str, at: int = -1, for_good: bool = True, **more: Any) -> Case:
    """Return the case of a host that is not reached any more from a step of a delivery on."""
    hang_up, switch = OddHost.hang_up(port, for_good), f"{TOOLS}/{name}.on"

    def prepare(host: OddHost) -> None:
        host.sshd(port)
        cut = f"CUT_HOW=run CUT_DO=deliver CUT_FOLDER={ROOT}/{name} CUT_LOG=/dev/null CUT_AT={at} CUT_RUN='{hang_up}'"
        host.tool(name, f'[ -e {switch} ] || exec python3 "$@"\nexec env {cut} python3 -I {TOOLS}/cut_python.py "$@"')

    def mend(host: OddHost) -> None:
        host.shell(f"rm -f {switch}")
        if for_good:
            host.sshd(port)

    usual = {"outcome": "unreachable", "created": True, "arm": sh(f"touch {switch}")}
    return Case(name, says, prepare, mend, hosts={"ansible_port": port, **python(name)}, **{**usual, **more})


UNKNOWN = "It is not known whether the host has the new key AKIA\\w+: the host held no valid key before, so the new one was deleted"
LOST = [
    Case("before", "Make sure this host can be reached over ssh: .*Connection refused", mend=lambda host: host.sshd(2301),
         hosts={"ansible_port": 2301}, outcome="unreachable"),
    losing("at-create", 2302, UNKNOWN, create=sh(OddHost.hang_up(2302))),
    losing("before-rename", 2303, UNKNOWN, at=9),
    losing("after-rename", 2304, UNKNOWN, at=11),
    losing("comes-back", 2305, "", at=9, for_good=False, outcome="ok", created=False),
]  # fmt: skip
BOTH = "It is not known whether the host has the new key AKIA\\w+: it and AKIA\\w+ both stay Active, and the next run decides"
DUE = [
    Case("over-fills", "did not take the key: No space left on device: .* Free some space there, then run again. .* was deleted",
         sh(tmpfs("over-fills", "size=64k")), sh(f"rm {ROOT}/over-fills/filler"), create=sh(fill("over-fills")), created=True, over=True,
         kept=1),
    losing("over-at-create", 2312, BOTH, create=sh(OddHost.hang_up(2312)), over=True, kept=2),
    losing("over-before-rename", 2313, BOTH, at=10, over=True, kept=2),
    losing("over-after-rename", 2314, BOTH, at=12, over=True, kept=2),
]  # fmt: skip
"""A key that replaces one is looked at for half a minute before it is sent: in the long form alone."""
CASES = FILES + REACH + LOST + (DUE if ALL else [])


class Bench:
    """All cases at once."""

    def __init__(self, host: OddHost, emulator: Any, scratch: Any, cases: List[Case]) -> None:
        self.host, self.emulator, self.scratch, self.cases = host, emulator, scratch, cases
        self.secrets: List[str] = []
        self.runs = 0
        self.happening = False
        self.iam = emulator.client("iam")
        owned = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]
        for case in cases:
            self.iam.create_user(UserName=case.user, Path="/hybridops/", Tags=owned)
            host.shell(f"mkdir -p {case.folder}")
            case.prepare(host)

    def handle(self, call: Any, forward: Any) -> Any:
        answer = forward()
        if call.operation == "CreateAccessKey":
            body = answer.body if answer.body[:2] != b"\x1f\x8b" else gzip.decompress(answer.body)
            self.secrets += [found.decode() for found in re.findall(rb"<SecretAccessKey>([^<]+)<", body)]
            assert self.secrets
            for case in self.cases:
                if self.happening and case.user == call.parameters["UserName"]:
                    case.create(self.host)
        return answer

    def run(self, cases: Sequence[Case] = CASES) -> Any:
        self.runs += 1
        hosts = {
            case.name: {**self.host.reached(), **case.hosts, "wanted": {"user": case.user, "path": case.path, **case.options}}
            for case in cases
        }
        task = {
            "name": "hand over",
            "hybridops.aws_agents.host_access_key": {
                "user": "{{ wanted.user }}",
                "path": "{{ wanted.path }}",
                "owner": "{{ wanted.owner | default(omit) }}",
                "group": "{{ wanted.group | default(omit) }}",
                "rotate_after": "{{ wanted.rotate_after | default(omit) }}",
                "credentials_region": self.emulator.region,
            },
        }
        play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        with RecordingProxy(self.emulator.endpoint_url, handler=self.handle) as proxy:
            variables = {
                **self.emulator.operator().environment(),
                "AWS_ENDPOINT_URL": proxy.url,
                "AWS_DEFAULT_REGION": self.emulator.region,
            }
            run = run_playbook([play], self.scratch / str(self.runs), ["--forks", "12"], {"all": {"hosts": hosts}}, environment=variables)
            self.made = [call.parameters["UserName"] for call in proxy.writes if call.operation == "CreateAccessKey"]
        assert not any(secret in run.stdout + run.stderr for secret in self.secrets)
        return run

    def keys(self, case: Case) -> List[str]:
        return [key["AccessKeyId"] for key in self.iam.list_access_keys(UserName=case.user)["AccessKeyMetadata"]]

    def held(self, case: Case) -> Dict[str, str]:
        parser = configparser.RawConfigParser()
        parser.read_string(self.host.shell(f"cat {case.options.get('path', case.path)}"))
        return dict(parser["AmazonCloudWatchAgent"])


def test_hosts_that_misbehave(odd_host, ministack, tmp_path, ledger) -> None:
    bench = Bench(odd_host, ministack, tmp_path, CASES)
    odd_host.shell("mount -o remount,noexec,size=4k /tmp; cat /dev/zero > /tmp/filler 2>/dev/null || true")
    due = [case for case in CASES if case.over]
    if due:
        bench.run(due).ok()
    for case in CASES:
        case.arm(odd_host)
        case.options.update({"rotate_after": "1s"} if case.over else {})
    bench.happening = True
    faulted = bench.run()
    wrong = [told for case in CASES if (told := judged(case, faulted.task("hand over", case.name), bench))]
    assert wrong == [], "\n\n".join(wrong)
    left = odd_host.shell("grep -rlF " + " ".join(f"-e {secret}" for secret in bench.secrets) + f" {ROOT} || true").split()
    assert {path for path in left if not path.endswith("/credentials")} == set()

    bench.happening = False
    for case in CASES:
        case.mend(odd_host)
    mended_run = bench.run()
    assert [(task.host, task.msg) for task in mended_run.failures] == []
    again = bench.run()
    assert [(task.host, task.msg) for task in again.failures] == [] and again.changed == [], str(again)
    for case in CASES:
        held = bench.held(case)
        who = Credentials(held["aws_access_key_id"], held["aws_secret_access_key"])
        assert ministack.client("sts", who).get_caller_identity()["Arn"].endswith(f"/{case.user}")
        assert held["aws_access_key_id"] in bench.keys(case) and len(bench.keys(case)) <= 1 + case.over
        assert odd_host.shell(f"stat -c %a {case.options.get('path', case.path)}").strip() == "600"
        lies = odd_host.shell(f"find {case.folder}/ -name '*hybridops-new'")
        assert lies == "", case.name
    ledger.add("Hosts that misbehave, for real", cases=len(CASES), faults=len(CASES), runs=3 * len(CASES), converged=len(CASES))


def judged(case: Case, result: Any, bench: Bench) -> str:
    """Return what is not as the case says, in words."""
    keys, made = bench.keys(case), case.user in bench.made
    right = result.outcome == case.outcome
    if case.outcome == "ok":
        right = right and len(keys) == 1
    else:
        right = right and len(keys) == case.kept and made == case.created and bool(re.search(case.says, result.msg))
    return "" if right else f"{case.name}: {result.outcome}, keys {keys}, made {made}, wanted {case.says!r}: {result.msg}"
