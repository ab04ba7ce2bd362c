# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's package on real hosts: one whose apt brings gpgv, and one whose apt brings sqv."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from tests.support.agent_package import PackageServer, SigningKey, build
from tests.support.playbook import Run, run_playbook
from tests.support.systemd_hosts import SUITES, Host, Hosts

from .keys import LONG_AGO, Keys

MODULE = "hybridops.aws_agents.cloudwatch_agent_package"
NAME = "amazon-cloudwatch-agent"
CONFIG = "/opt/aws/amazon-cloudwatch-agent/etc/common-config.toml"
OLD, NEW = "1.300071.0-1", "1.300072.0-1"
HOSTS = ("host1", "host2")


class Site:
    """Two hosts, a server with two versions of the package, and a function that runs tasks on the hosts."""

    def __init__(self, hosts: Hosts, server: PackageServer, key: SigningKey, folder: Path) -> None:
        self.hosts: List[Host] = hosts.hosts
        self.server, self.key = server, key
        self.folder = folder
        self._inventory = hosts.inventory()
        self._runs = 0

    def run(self, *tasks: Dict[str, Any], arguments: List[str] | None = None) -> Run:
        """Run tasks, each with what every one needs. A name that begins with ``refuse`` may fail."""
        self._runs += 1
        given = {"base_url": self.server.base("good"), "fingerprint": self.key.fingerprint}
        written = [
            {"name": name, MODULE: {**given, **options}, "ignore_errors": name.startswith("refuse")}
            for task in tasks
            for name, options in task.items()
        ]
        play = {"hosts": "onprem", "gather_facts": False, "tasks": written}
        return run_playbook([play], self.folder / f"run{self._runs}", arguments or [], inventory=self._inventory).ok()

    def installed(self) -> List[str]:
        """What dpkg says on each host."""
        ask = ("dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", NAME)
        return [host.run(*ask, check=False).stdout for host in self.hosts]

    def leftovers(self) -> List[str]:
        """Temporary folders with a package in them."""
        found = [host.run("sh", "-c", "ls -d /var/tmp/aws_agents-* /root/.ansible/tmp/*", check=False).stdout for host in self.hosts]
        return [text for text in found if text]


@pytest.fixture
def site(onprem_hosts: Callable[..., Hosts], tmp_path: Path) -> Iterator[Site]:
    hosts = onprem_hosts(SUITES)
    key = SigningKey(tmp_path / "key")
    packages = [build(tmp_path / "packages", OLD), build(tmp_path / "packages", NEW)]
    for package in packages:
        key.sign(package)
    with PackageServer(packages, key, hosts.controller_address) as server:
        yield Site(hosts, server, key, tmp_path)


def other_package(folder: Path, key: SigningKey, name: str, architecture: str) -> Path:
    """Return a signed package that is not what it is taken for."""
    root = folder / f"{name}-{architecture}"
    (root / "DEBIAN").mkdir(parents=True)
    fields = {
        "Package": name,
        "Version": OLD,
        "Architecture": architecture,
        "Maintainer": "Tests <tests@example.invalid>",
        "Description": "x",
    }
    (root / "DEBIAN/control").write_text("".join(f"{field}: {value}\n" for field, value in fields.items()), encoding="utf-8")
    package = folder / f"{name}-{architecture}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(root), str(package)], check=True, capture_output=True)
    key.sign(package)
    return package


def hold_lock(hosts: List[Host], until: str) -> None:
    """Hold dpkg's lock on the hosts until three seconds after an expression has become true."""
    code = (
        "import fcntl, glob, time; file = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(file, fcntl.LOCK_EX)\n"
        f"while not ({until}): time.sleep(0.1)\n"
        "time.sleep(3)"
    )
    for host in hosts:
        host.run("systemctl", "stop", "holder", check=False)
        host.run("systemd-run", "--quiet", "--unit=holder", "/usr/bin/python3", "-c", code)


def test_a_package_that_is_not_proven_to_be_the_right_one_is_not_installed(site: Site) -> None:
    latest = site.folder / "packages" / f"{NAME}_{NEW}_amd64.deb"
    stranger = other_package(site.folder, site.key, "stranger", "all")
    foreign = other_package(site.folder, site.key, NAME, "s390x")
    with Keys() as keys:
        keys.make("other")
        keys.make("expired", "ed25519", "sign", "2020-02-01", "--faked-system-time", LONG_AGO)
        keys.make("revoked")
        for name, options in (("expired", ("--faked-system-time", "20200110T000000")), ("revoked", ())):
            (site.folder / f"{name}.sig").write_bytes(keys.sign(name, latest.read_bytes(), *options))
        keys.revoke("revoked")
        given = {name: {"key": keys.armoured(name), "fingerprint": keys.fingerprint(name)} for name in ("other", "expired", "revoked")}
    base = site.server.base
    file = {"source": "file", "file": str(latest)}
    cases = [
        ("unsigned", {"base_url": base("unsigned")}, "has no signature: the server answered 403"),
        ("wrongly signed", {"base_url": base("wrongly_signed")}, "The signature of http"),
        ("altered", {"base_url": base("altered")}, "The signature of http"),
        ("cut short", {"base_url": base("short")}, "The signature of http"),
        ("broken off", {"base_url": base("truncated")}, "broke off after"),
        ("not there", {"version": "1.300070.0"}, "has no signature: the server answered 403"),
        ("other key", given["other"], "The signature of http"),
        (
            "key that is not the one named",
            {"key": site.server.key_url, "fingerprint": given["other"]["fingerprint"]},
            "does not hold the key",
        ),
        ("key that is none", {"key": site.server.version_url}, "it holds no OpenPGP public key"),
        ("expired key", {**file, **given["expired"], "signature": str(site.folder / "expired.sig")}, "has expired"),
        ("revoked key", {**file, **given["revoked"], "signature": str(site.folder / "revoked.sig")}, "revoked"),
        ("key without fingerprint", {"key": site.server.key_url, "fingerprint": None}, "fingerprint: name the fingerprint"),
        ("other package", {"source": "file", "file": str(stranger)}, "The package is stranger"),
        ("other architecture", {"source": "file", "file": str(foreign)}, "is for s390x"),
        ("other version", {**file, "version": "1.300071.0"}, f"{NAME} {NEW}, not 1.300071.0"),
        ("no server", {"base_url": "http://127.0.0.1:9"}, "was not reached"),
        (
            "password",
            {
                "url": "http://user:hush-1@127.0.0.1:9/p.deb?hush-2",
                "signature": "http://127.0.0.1:9/p.sig?hush-3",
                "http_proxy": "http://user:hush-4@127.0.0.1:9",
                "ca_bundle": "/etc/ssl/certs/ca-certificates.crt",
            },
            "was not reached",
        ),
        ("no file", {"source": "file", "file": str(site.folder / "no.deb")}, "is no file on the controller"),
    ]
    run = site.run(*({f"refuse {name}": options} for name, options, _words in cases), arguments=["-vvv"])
    assert "hush" not in run.stdout + run.stderr
    assert ["hush" in host.run("journalctl", "--no-pager").stdout for host in site.hosts] == [False, False]
    for name, _options, words in cases:
        for host in HOSTS:
            task = run.task(f"refuse {name}", host)
            assert task.outcome == "ignored" and not task.changed, f"{name} on {host}: {task.result}"
            assert words in task.msg, f"{name} on {host}: {task.msg}"
            assert "No such option" not in task.msg and "Traceback" not in str(task.result), task.result
    assert site.installed() == ["", ""] or site.installed() == ["unknown ok not-installed "] * 2
    assert site.leftovers() == []


def test_from_nothing_to_nothing(site: Site) -> None:
    latest = str(site.folder / "packages" / f"{NAME}_{NEW}_amd64.deb")
    for host in site.hosts:
        host.run("mkdir", "-p", CONFIG.rpartition("/")[0])
        host.run("sh", "-c", f"echo '# mine' > {CONFIG}")

    predicted = site.run({"any": {}}, arguments=["--check", "--diff"])
    for host in HOSTS:
        task = predicted.task("any", host)
        assert task.changed and task.result["version"] == "(new)" and task.result["url"].startswith(site.server.base("good"))
        assert task.result["diff"]["after"]["fingerprint"] == site.key.fingerprint
    assert site.server.requests == [] and all(text.split(" ")[0] != "installed" for text in site.installed())

    exact, newest = {"version": "1.300071.0"}, {"version": "latest"}
    run = site.run({"install": exact}, {"install again": exact}, {"any": {}})
    for host in HOSTS:
        assert run.task("install", host).changed
        assert run.task("install", host).result["version"] == OLD
        assert not run.task("install again", host).changed and not run.task("any", host).changed
    assert site.installed() == [f"installed {OLD}"] * 2
    assert [host.run("cat", CONFIG).stdout for host in site.hosts] == ["# mine\n"] * 2
    assert [host.run("systemctl", "is-enabled", f"{NAME}.service", check=False).stdout for host in site.hosts] == ["disabled\n"] * 2
    assert site.server.downloads == 2

    # Latest: one question about the version and nothing else where it is there.
    run = site.run(
        {"upgrade": newest}, {"upgrade again": newest}, {"refuse downgrade": exact}, {"downgrade": {**exact, "allow_downgrade": True}}
    )
    for host in HOSTS:
        upgraded = run.task("upgrade", host).result
        assert upgraded["changed"] and (upgraded["previous_version"], upgraded["version"]) == (OLD, NEW)
        assert upgraded["changes"] == [f"upgrade package {NAME} 1.300072.0 from {upgraded['url']}"]
        assert not run.task("upgrade again", host).changed
        assert "Set allow_downgrade: true" in run.task("refuse downgrade", host).msg
        assert run.task("downgrade", host).result["version"] == OLD
    assert site.server.downloads == 6

    # A file of the controller, over a package that dpkg was interrupted in.
    for host in site.hosts:
        host.run("sed", "-i", f"/^Package: {NAME}$/,/^$/s/^Status: .*/Status: install ok half-configured/", "/var/lib/dpkg/status")
    file = {"source": "file", "file": latest, "key": str(site.key.file)}
    run = site.run({"repair": file}, {"repair again": file})
    for host in HOSTS:
        assert run.task("repair", host).result["version"] == NEW
        assert not run.task("repair again", host).changed
    assert site.installed() == [f"installed {NEW}"] * 2
    assert site.leftovers() == []

    away: Dict[str, Any] = {"state": "absent"}
    run = site.run({"remove": away}, {"remove again": away}, {"purge": {**away, "purge": True}}, {"purge again": {**away, "purge": True}})
    assert run.changed == ["remove", "remove", "purge", "purge"]
    assert all(not text.startswith("installed") for text in site.installed())


def test_an_idle_host_costs_one_execution_and_a_lock_is_waited_for(site: Site) -> None:
    file = {"source": "file", "file": str(site.folder / "packages" / f"{NAME}_{NEW}_amd64.deb")}
    with Keys() as keys:
        # As AWS's key may be: of a time when names were bound to keys with SHA-1.
        keys.make("old", "rsa2048", "sign", "never", "--faked-system-time", LONG_AGO, "--cert-digest-algo", "SHA1")
        signed = site.folder / "old.sig"
        signed.write_bytes(keys.sign("old", Path(file["file"]).read_bytes()))
        old = {"key": keys.armoured("old"), "fingerprint": keys.fingerprint("old"), "signature": str(signed)}
    hold_lock(site.hosts, until="False")
    run = site.run({"refuse lock": {**file, **old, "lock_timeout": 2}})
    for host in HOSTS:
        assert "another process held the lock of dpkg for 2 seconds" in run.task("refuse lock", host).msg
    # Let go of while the module waits.
    hold_lock(site.hosts, until="glob.glob('/var/tmp/aws_agents-*/package.deb')")
    run = site.run({"install": {**file, **old}})
    for host in HOSTS:
        assert run.task("install", host).changed
        assert run.task("install", host).result["url"] == file["file"]
    assert any("Waited" in line for line in run.warnings), str(run)
    idle = site.run({"idle": {**file, **old}}, arguments=["-vvv"])
    assert idle.changed == []
    executed = [line for line in idle.stdout.splitlines() if "SSH: EXEC" in line]
    assert len(executed) == len(HOSTS), "\n".join(executed)
    assert site.server.requests == []
