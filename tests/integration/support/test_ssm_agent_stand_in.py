# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in for the SSM agent, run below a folder against an emulator: what tests on hosts rely on of it."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

import pytest

from tests.integration.support.test_activations import make_role
from tests.ssm_agent.stand_in import share
from tests.ssm_agent.stand_in.aws import Keys
from tests.support.activations import TOKEN_TAG
from tests.support.emulators import Credentials, Emulator
from tests.support.ssm_agent_package import build, lay_out

KEYS = Keys("AKIA", "secret", "token")
WRONG = "x" * 20
THREE = "aws_access_key_id     = AKIA\naws_secret_access_key = secret\naws_session_token     = token\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"[p]\n{THREE}"),
        ("", f"[p]\n{THREE}"),
        ("[other]\na=1\nlonger: 2\n", f"[other]\na      = 1\nlonger = 2\n\n[p]\n{THREE}"),
        (
            "# mine\n[p]\n# the old\naws_access_key_id=AKIAOLD\nregion = r\n",
            "# mine\n[p]\n# the old\naws_access_key_id     = AKIA\nregion                = r\n" + THREE.partition("\n")[2],
        ),
        ("[other]\nthis is no INI\n", f"[p]\n{THREE}"),
        ("[other\n", f"[p]\n{THREE}"),
    ],
)
def test_how_credentials_are_shared(tmp_path: Path, before: str | None, after: str) -> None:
    file = tmp_path / "new" / "credentials"
    if before is not None:
        file.parent.mkdir()
        file.write_text(before)
        file.chmod(0o640)
    share.store(file, "p", KEYS)
    assert file.read_text() == after
    assert file.stat().st_mode & 0o777 == (0o600 if before is None else 0o640)
    assert share.load(file, "p") == KEYS
    share.store(file, "", KEYS)
    assert share.load(file, "") == KEYS and "[default]" in file.read_text()


class Machine:
    """A folder that is a host to the stand-in."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        lay_out(root, environment={"STAND_IN_HEALTH_SECONDS": "0.5", "STAND_IN_RETRY_SECONDS": "0.5"})
        self.root = root
        self.shared = root / "shared"
        self._region = emulator.region
        self._ssm = emulator.client("ssm")
        self._environment = {"PATH": os.defpath, "STAND_IN_ROOT": str(root), "AWS_SHARED_CREDENTIALS_FILE": str(self.shared)}
        config = {"Ssm": {"Endpoint": emulator.endpoint_url}, "Profile": {"ShareProfile": "AmazonCloudWatchAgent"}}
        (root / "etc/amazon/ssm/amazon-ssm-agent.json").write_text(json.dumps(config))

    def run(self, *command: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        program = str(self.root / "usr/bin" / command[0])
        return subprocess.run([program, *command[1:]], input=answer, env=self._environment, capture_output=True, text=True, check=False)

    def activation(self, **tags: str) -> Dict[str, str]:
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        made = self._ssm.create_activation(IamRole="SSMServiceRole", DefaultInstanceName="host1", Tags=listed)
        return {name: str(made[name]) for name in ("ActivationId", "ActivationCode")}

    def register(self, made: Dict[str, str], *more: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        given = ("-code", made["ActivationCode"], "-id", made["ActivationId"], "-region", self._region)
        return self.run("amazon-ssm-agent", "-register", *given, *more, answer=answer)

    @property
    def instance(self) -> str:
        path = self.root / "var/lib/amazon/ssm/Vault/Store/RegistrationKey"
        return str(json.loads(path.read_text())["instanceID"]) if path.exists() else "none"

    @property
    def told(self) -> str:
        path = self.root / "var/lib/amazon/ssm/registration"
        return str(json.loads(path.read_text())["ManagedInstanceID"]) if path.exists() else "none"

    @property
    def log(self) -> str:
        return (self.root / "var/log/amazon/ssm/amazon-ssm-agent.log").read_text()

    def keys(self) -> Credentials:
        parser = configparser.RawConfigParser()
        parser.read(self.shared)
        section = parser["AmazonCloudWatchAgent"]
        return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"], section["aws_session_token"])

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        program = str(self.root / "usr/bin/amazon-ssm-agent")
        with subprocess.Popen([program], env=self._environment, stdout=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.terminate()


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def machine(ministack: Emulator, tmp_path: Path) -> Machine:
    make_role(ministack)
    return Machine(tmp_path / "root", ministack)


def test_registering_destroys_before_it_succeeds_and_clearing_leaves_a_trace(machine: Machine, ministack: Emulator) -> None:
    assert machine.run("amazon-ssm-agent", "-version").stdout == "SSM Agent version: 3.3.1142.0\n"
    unregistered = machine.run("ssm-cli", "get-instance-information")
    assert unregistered.returncode == 255 and unregistered.stdout.endswith("\nerror: failed to find agent identity\n")
    idle = machine.run("amazon-ssm-agent")
    assert idle.returncode == 0 and "ERROR Agent failed to assume any identity" in machine.log

    done = machine.register(machine.activation())
    assert done.returncode == 0
    first = machine.instance
    assert f"Successfully registered the instance with AWS SSM using Managed instance-id: {first}" in done.stdout and first == machine.told
    told = json.loads(machine.run("ssm-cli", "get-instance-information").stdout.splitlines()[-1])
    assert told == {"instance-id": first, "region": ministack.region, "release-version": "3.3.1142.0"}
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (machine.root / "var/lib/amazon/ssm").rglob("*")}
    assert modes == {
        "Vault": "0o700",
        "Store": "0o700",
        "Manifest": "0o600",
        "registration": "0o600",
        "RegistrationKey": "0o600",
        "InstanceFingerprint": "0o600",
    }

    for answer in ("no\n", "\n", ""):
        asked = machine.register(machine.activation(), answer=answer)
        assert asked.returncode == 1 and "[Yes/No]: " in asked.stdout and machine.instance == first
    assert machine.register(machine.activation(), answer="yes\n").returncode == 0
    second = machine.instance
    assert second not in ("", first)

    good = machine.activation()
    failed = machine.register({**good, "ActivationCode": WRONG}, "-y")
    assert failed.returncode == 1
    assert "ERROR Registration failed due to error registering the instance with AWS SSM. InvalidActivation: " in failed.stdout
    assert (machine.instance, machine.told) == ("", second), "the working registration is gone, and the file says it is there"
    assert WRONG not in machine.log

    short = machine.register({**good, "ActivationCode": "x"})
    assert short.returncode == 1 and "minimum field size of 20, RegisterManagedInstanceInput.ActivationCode" in short.stdout
    assert machine.register(good).returncode == 0
    third = machine.instance
    cleared = machine.run("amazon-ssm-agent", "-register", "-clear")
    assert cleared.returncode == 0 and "Registration information has been removed from the instance." in cleared.stdout
    assert (machine.instance, machine.told) == ("", third)
    for wrong, code in ((("-register", "-code", "x"), 1), (("-y",), 1), (("-unknown",), 2)):
        refused = machine.run("amazon-ssm-agent", *wrong)
        assert refused.returncode == code and "Command-line Usage" in refused.stderr


def test_the_daemon_lives_shares_and_rotates_until_it_is_deregistered(machine: Machine, ministack: Emulator) -> None:
    ssm = ministack.client("ssm")
    machine.shared.write_text("[mine]\nkey=value\n")
    assert machine.register(machine.activation(**{TOKEN_TAG: "4"})).returncode == 0

    def listed() -> Dict[str, Any]:
        return dict(ssm.describe_instance_information()["InstanceInformationList"][0])

    assert listed()["PingStatus"] == "ConnectionLost"
    with machine.daemon():
        until(lambda: listed()["PingStatus"] == "Online", "it never told that it lives")
        first = machine.keys()
        arn = ministack.client("sts", first).get_caller_identity()["Arn"]
        assert arn.endswith(f":assumed-role/SSMServiceRole/{machine.instance}")
        assert machine.shared.read_text().startswith("[mine]\nkey = value\n\n[AmazonCloudWatchAgent]\n")
        until(lambda: machine.keys() != first, "it never rotated")
        ministack.client("sts", first).get_caller_identity()
    second = machine.keys()
    with machine.daemon():
        # What it shared before it was started again is still good.
        until(lambda: machine.log.count("Credentials ready") >= 3, "it never was ready")
        assert machine.keys() == second
        ssm.deregister_managed_instance(InstanceId=machine.instance)
        until(lambda: "Retrieve credentials produced error: AccessDeniedException" in machine.log, "its token was not refused")
    secrets = [first.secret_access_key, second.secret_access_key, str(second.session_token)]
    assert not any(secret in machine.log for secret in secrets)


def test_the_package_says_what_it_is(tmp_path: Path) -> None:
    package = build(tmp_path)
    said = subprocess.run(["dpkg-deb", "--field", str(package)], capture_output=True, text=True, check=True).stdout
    assert "Package: amazon-ssm-agent\nVersion: 3.3.1142.0-1\n" in said and "This is not Amazon's program." in said
    holds = subprocess.run(["dpkg-deb", "--contents", str(package)], capture_output=True, text=True, check=True).stdout
    assert "./etc/amazon/ssm/amazon-ssm-agent.json.template" in holds and "./usr/bin/ssm-cli" in holds and "__pycache__" not in holds
