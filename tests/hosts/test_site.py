# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole way, on real hosts over ssh: from an empty account to credentials that work, and a secret that is nowhere else."""

from __future__ import annotations

import base64
import configparser
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from botocore.exceptions import ClientError

from tests.support.agent_package import PackageServer, SigningKey, build
from tests.support.emulators import Credentials, Emulator
from tests.support.playbook import Run, run_playbook
from tests.support.recording_proxy import RecordingProxy
from tests.support.systemd_hosts import Host, Hosts

SITE = "hybridops.aws_agents.site"
FILE = "/etc/hybridops/cloudwatch-agent/credentials"
COMMON_CONFIG = "/opt/aws/amazon-cloudwatch-agent/etc/common-config.toml"
PROFILE = "AmazonCloudWatchAgent"
WATCH = Path(__file__).parents[1] / "support" / "watch"
HOST_WATCH = "/var/tmp/watch-removed"  # noqa: S108  (in a host of the test's own)


class Processes(threading.Thread):
    """Collects the command lines of all processes, those in the hosts too, while a run lasts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for file in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / file).read_bytes())
                    except OSError:
                        continue
            time.sleep(0.1)

    def end(self) -> bytes:
        self._ended.set()
        self.join()
        return b"\n".join(self.seen)


def credentials(host: Host) -> Credentials:
    parser = configparser.RawConfigParser()
    parser.read_string(host.run("cat", FILE).stdout)
    return Credentials(parser[PROFILE]["aws_access_key_id"], parser[PROFILE]["aws_secret_access_key"])


def watch(host: Host) -> None:
    """Make Python in the host keep what it removes."""
    code = base64.b64encode((WATCH / "sitecustomize.py").read_bytes()).decode()
    write = (
        "import base64, sys, sysconfig; open(sysconfig.get_path('stdlib') + '/sitecustomize.py', 'wb').write(base64.b64decode(sys.argv[1]))"
    )
    host.run("mkdir", "-p", HOST_WATCH)
    host.run("sh", "-c", "rm -f /usr/lib/python3.*/sitecustomize.py")
    host.run("python3", "-c", write, code)


@pytest.fixture
def site(onprem_hosts: Callable[[int], Hosts], ministack: Emulator, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """A function that runs the site playbook on two hosts; it carries hosts and proxy."""
    hosts = onprem_hosts(["bookworm", "trixie"])
    inventory = hosts.inventory()
    signer = SigningKey(tmp_path / "gpg")
    with (
        RecordingProxy(ministack.endpoint_url) as proxy,
        RecordingProxy(ministack.endpoint_url, host=hosts.controller_address) as sent,
        PackageServer([build(tmp_path / "package")], signer, host=hosts.controller_address) as packages,
    ):
        variables = {
            "onprem_agent_package_url": packages.package_url("good"),
            "onprem_agent_package_key": packages.key_url,
            "onprem_agent_package_key_fingerprint": signer.fingerprint,
            "onprem_agent_config": {
                "agent": {"metrics_collection_interval": 1},
                "metrics": {
                    "endpoint_override": sent.url,
                    "force_flush_interval": 1,
                    "metrics_collected": {"mem": {"measurement": ["used_percent"]}},
                },
            },
            "aws_agents_region": ministack.region,
            "aws_agents_endpoint_url": proxy.url,
            "cwagent_server_user_policy": "scoped",
            "session_manager_logs": True,
        }

        def run(*arguments: str, **environment: str) -> Run:
            proxy.clear()
            acting = {**ministack.operator().environment(), **environment}
            return run_playbook(SITE, tmp_path / "controller", arguments, inventory, variables, acting, timeout=600)

        run.hosts, run.proxy, run.sent = hosts, proxy, sent  # type: ignore[attr-defined]
        yield run


def test_from_nothing_to_working_credentials(site: Any, ministack: Emulator, tmp_path: Path) -> None:
    hosts: List[Host] = site.hosts.hosts
    checked = site("--check", "--diff").ok()
    assert not site.proxy.writes
    assert {name: counts["changed"] for name, counts in checked.stats.items()} == {"localhost": 4, "host1": 3, "host2": 3}
    assert all(host.run("test", "-e", FILE, check=False).returncode for host in hosts)

    removed = tmp_path / "removed"
    removed.mkdir()
    for host in hosts:
        watch(host)
    processes = Processes()
    processes.start()
    log = tmp_path / "ansible.log"
    first = site("-vvv", "--diff", PYTHONPATH=str(WATCH), WATCH_REMOVED=str(removed), ANSIBLE_LOG_PATH=str(log)).ok()
    command_lines = processes.end()
    assert {name: counts["changed"] for name, counts in first.stats.items()} == {"localhost": 4, "host1": 3, "host2": 3}

    held = [credentials(host) for host in hosts]
    assert len({each.access_key_id for each in held}) == 2
    for host, each in zip(hosts, held, strict=True):
        assert host.run("stat", "-c", "%a %U %G %F", FILE).stdout.strip() == "640 root cwagent regular file"
        config = host.run("cat", COMMON_CONFIG).stdout
        assert f'shared_credential_file = "{FILE}"' in config and f'shared_credential_profile = "{PROFILE}"' in config
        assert [call.status for call in site.sent.calls if call.access_key_id == each.access_key_id][-1] == 200
        assert allowed(ministack, each) == {"metric": True, "metric elsewhere": False, "log": True, "user": False}
    assert_nowhere(held, first, log, removed, command_lines, tmp_path, hosts)

    again = site().ok()
    assert {name: counts["changed"] for name, counts in again.stats.items()} == {"localhost": 0, "host1": 0, "host2": 0}
    assert not site.proxy.writes
    assert [credentials(host) for host in hosts] == held


def test_a_host_that_is_down_gets_no_key_and_holds_up_nobody(site: Any, ministack: Emulator) -> None:
    down = site.hosts.hosts[1]
    down.run("systemctl", "stop", "ssh.socket", "ssh.service", check=False)
    run = site()
    assert [(failure.host, failure.outcome) for failure in run.failures] == [("host2", "unreachable")]
    assert credentials(site.hosts.hosts[0])
    iam = ministack.client("iam")
    assert {name: len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]) for name in ("cwagent-host1", "cwagent-host2")} == {
        "cwagent-host1": 1,
        "cwagent-host2": 0,
    }
    down.run("systemctl", "start", "ssh.service")
    assert {name: counts["changed"] for name, counts in site().ok().stats.items()} == {"localhost": 0, "host1": 0, "host2": 3}


def allowed(emulator: Emulator, who: Credentials) -> Dict[str, bool]:
    """Return what a host's credentials can do, tried for real."""
    cloudwatch, logs, iam = (emulator.client(name, who) for name in ("cloudwatch", "logs", "iam"))
    data = [{"MetricName": "m", "Value": 1.0}]
    group = f"/hosts/{who.access_key_id}"
    calls = {
        "metric": lambda: cloudwatch.put_metric_data(Namespace="CWAgent", MetricData=data),
        "metric elsewhere": lambda: cloudwatch.put_metric_data(Namespace="Elsewhere", MetricData=data),
        "log": lambda: logs.create_log_group(logGroupName=group),
        "user": lambda: iam.create_user(UserName="intruder"),
    }
    return {name: _succeeds(call) for name, call in calls.items()}


def _succeeds(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return False
    return True


def assert_nowhere(
    held: List[Credentials], run: Run, log: Path, removed: Path, command_lines: bytes, scratch: Path, hosts: List[Host]
) -> None:
    """Search everything the run said, wrote, kept, removed or started for the secrets."""
    copies = [path.read_bytes() for path in removed.iterdir()]
    assert copies, "the watcher saw nothing, so it proves nothing"
    places = {
        "output": (run.stdout + run.stderr).encode(),
        "results": repr(run.tasks).encode(),
        "log": log.read_bytes(),
        "processes": command_lines,
        "removed files of the controller": b"\n".join(copies),
        "files of the controller": b"\n".join(path.read_bytes() for path in scratch.rglob("*") if path.is_file()),
    }
    for host in hosts:
        packed = host.run("sh", "-c", f"cat {HOST_WATCH}/* 2>/dev/null | base64").stdout
        places[f"removed files of {host.name}"] = base64.b64decode(packed)
        places[f"temporary files of {host.name}"] = host.run(
            "sh", "-c", "grep -rl aws_secret /tmp /var/tmp /root /run || true"
        ).stdout.encode()
    for place, content in places.items():
        for each in held:
            assert each.secret_access_key.encode() not in content, place
    assert held[0].access_key_id.encode() in places["output"], "the search would find nothing even if it were there"
    assert not any(places[f"temporary files of {host.name}"].replace(HOST_WATCH.encode(), b"").strip() for host in hosts)
