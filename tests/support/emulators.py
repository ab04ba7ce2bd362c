# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two AWS emulators as processes of their own, on the loopback address and a free port.

moto knows AWS's managed policies and its limits, and lets every caller do everything. ministack checks signatures and
policies. What holds on both is unlikely to be an artefact of one.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Self, Sequence, Tuple, Type

REGION = "us-east-1"
START_ATTEMPTS = 5
START_SECONDS = 90.0

PYTHON = os.environ.get("EMULATORS_PYTHON", sys.executable)
"""What emulators run with: they need a boto3 of their own where the one under test is another."""

OPERATOR_ACTIONS = ("iam:*", "sts:*", "ssm:*", "logs:*", "cloudwatch:*", "ec2:*", "s3:*", "kms:*")
"""What the operator of a test may do, when the test says nothing else: everything the collection has to do with."""


class EmulatorError(Exception):
    """An emulator did not start, or ended. The text holds the end of its log."""


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: Optional[str] = field(default=None, repr=False)

    def environment(self) -> Dict[str, str]:
        """Return the environment variables that botocore reads."""
        variables = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        if self.session_token:
            variables["AWS_SESSION_TOKEN"] = self.session_token
        return variables


class Emulator:
    """One emulator. Use it as a context manager; subclasses say how it is started, asked and emptied.

    :param keep: leave it running when the context, or this process, ends.
    """

    name = ""
    account = ""
    enforces_iam = False

    def __init__(self, keep: bool = False) -> None:
        self.region = REGION
        self.root = Credentials("AKIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30))
        self.endpoint_url = ""
        self._keep = keep
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._scratch = Path()
        self._operators: Dict[str, Credentials] = {}
        self._clients: Dict[Tuple[str, Credentials, str], Any] = {}

    # What differs between the emulators

    def _command(self, port: int) -> List[str]:
        raise NotImplementedError

    def _variables(self, port: int) -> Dict[str, str]:
        raise NotImplementedError

    _ready_path = ""
    _reset_path = ""

    # Life

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    @property
    def log(self) -> Path:
        """The file that holds what the emulator printed."""
        return self._scratch / "log"

    def start(self) -> Self:
        self._scratch = Path(tempfile.mkdtemp(prefix=f"aws_agents-{self.name}-"))
        for _attempt in range(START_ATTEMPTS):
            port = _free_port()
            self._process = self._launch(port)
            if self._wait_until_ready(f"http://127.0.0.1:{port}"):
                self.endpoint_url = f"http://127.0.0.1:{port}"
                return self
        tail = self._log_tail()
        self.stop()
        raise EmulatorError(f"{self.name} did not start in {START_ATTEMPTS} attempts. The end of its log:\n{tail}")

    def stop(self) -> None:
        """End the process and remove what it wrote. Safe to call twice."""
        self._end_process()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if not (self._keep and kind is None):
            self.stop()

    def reset(self) -> None:
        """Forget everything that was made since the start, and the clients that acted with it or through a proxy: each takes megabytes."""
        self._operators.clear()
        own = (self.root, self.endpoint_url)
        self._clients = {known: client for known, client in self._clients.items() if known[1:] == own}
        request = urllib.request.Request(self.endpoint_url + self._reset_path, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60):
                pass
        except OSError as error:
            raise EmulatorError(f"{self.name} could not be reset: {error}. The end of its log:\n{self._log_tail()}") from error

    # Use

    def client(self, service: str, credentials: Optional[Credentials] = None, endpoint_url: Optional[str] = None) -> Any:
        """Return a boto3 client that acts with ``credentials`` (default: root) and gives up after one try."""
        import boto3
        from botocore.config import Config

        who = credentials or self.root
        known = (service, who, endpoint_url or self.endpoint_url)
        if known in self._clients:  # to make one takes longer than most calls
            return self._clients[known]
        session = boto3.session.Session(
            aws_access_key_id=who.access_key_id,
            aws_secret_access_key=who.secret_access_key,
            aws_session_token=who.session_token,
            region_name=self.region,
        )
        config = Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"})
        self._clients[known] = session.client(service, endpoint_url=known[2], config=config)
        return self._clients[known]

    def operator(
        self, name: str = "operator", actions: Sequence[str] = OPERATOR_ACTIONS, policy: Optional[Mapping[str, Any]] = None
    ) -> Credentials:
        """Return the keys of an IAM user for tests to act as, since the collection refuses the root user.

        :param name: the user is made at the first call with a name; later calls return the same keys until ``reset``.
        :param actions: what it may do, on every resource.
        :param policy: a whole document in place of ``actions``.
        """
        if name not in self._operators:
            document = policy or {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
            iam = self.client("iam")
            iam.create_user(UserName=name, Path="/test/")
            iam.put_user_policy(UserName=name, PolicyName="operator", PolicyDocument=json.dumps(document))
            key = iam.create_access_key(UserName=name)["AccessKey"]
            self._operators[name] = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        return self._operators[name]

    def environment(self, credentials: Optional[Credentials] = None) -> Dict[str, str]:
        """Return the variables with which a process uses this emulator as ``credentials`` (default: the operator)."""
        return dict((credentials or self.operator()).environment(), AWS_REGION=self.region, AWS_ENDPOINT_URL=self.endpoint_url)

    # Inside

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        # A shell's own AWS settings would decide which region and keys the emulator takes for its own.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_", "MOTO_"))}
        environment = {**inherited, "TMPDIR": str(self._scratch), **self._variables(port)}
        arguments = self._command(port)
        started_by = ["-m"] if self._keep else [str(Path(__file__).with_name("serve.py"))]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [PYTHON, *started_by, *arguments],
                env=environment,
                cwd=self._scratch,
                stdin=subprocess.DEVNULL if self._keep else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal goes to the whole group; the emulator must outlive the clean-up that uses it.
                start_new_session=True,
            )

    def _wait_until_ready(self, url: str) -> bool:
        """Return False when the process ended by itself: its port was taken between choice and use."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            answered = answers(url + self._ready_path)
            if self._process.poll() is not None:
                return False
            if answered:
                return True
            time.sleep(0.1)
        tail = self._log_tail()
        self.stop()
        raise EmulatorError(f"{self.name} was not ready after {START_SECONDS:.0f} s. The end of its log:\n{tail}")

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log_tail(self) -> str:
        if not self.log.is_file():
            return "(nothing)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:]) or "(nothing)"


class Moto(Emulator):
    """moto_server. It asks for no permission; a caller it does not know is taken for a user named ``moto``."""

    name = "moto"
    account = "123456789012"
    _ready_path = "/moto-api/data.json"
    _reset_path = "/moto-api/reset"

    def _command(self, port: int) -> List[str]:
        return ["tests.support.moto_server", "-H", "127.0.0.1", "-p", str(port)]

    def _variables(self, port: int) -> Dict[str, str]:
        return {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **self.root.environment()}


class Ministack(Emulator):
    """ministack with signatures and policies enforced, for users and roles.

    Not for its root: whoever names the root key id, ``test`` or an account number as key id is root, whatever the signature.
    So it listens on the loopback address alone, its root key id is random, and no test proves anything with root.
    """

    name = "ministack"
    account = "000000000000"
    enforces_iam = True
    _ready_path = "/_ministack/ready"
    _reset_path = "/_ministack/reset"

    def _command(self, port: int) -> List[str]:
        return ["tests.support.ministack_server"]

    def _variables(self, port: int) -> Dict[str, str]:
        return {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_REGION": self.region,
            "STATE_DIR": str(self._scratch / "state"),
            "S3_DATA_DIR": str(self._scratch / "s3"),
            # A Docker engine of the user's is none of our business, and asking for one that is not there takes seconds.
            "DOCKER_HOST": f"unix://{self._scratch}/no-docker.sock",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            **self.root.environment(),
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether something at ``url`` says 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
