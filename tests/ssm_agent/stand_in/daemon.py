# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The daemon: tokens of the service role, a sign of life now and then, and the credentials that others share."""

from __future__ import annotations

import datetime
import json
import platform
import signal
import socket
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Dict, Optional

from . import aws, config, log, paths, share, vault

REFRESHER = "[CredentialRefresher]"
LONG = {"AccessDeniedException": 1_800.0, "MachineFingerprintDoesNotMatch": 1_800.0}
"""How long it waits before it asks again after an answer that will not change soon, in seconds."""


def run() -> int:
    """Run until SIGTERM.

    :returns: 0, always: an unregistered agent ends like one that was stopped, and systemd starts it again and again.
    """
    log.info("This is a stand-in for tests, not the Amazon SSM Agent.")
    node = vault.node()
    if node is None:
        log.error("Agent failed to assume any identity")
        log.error("Error occurred when starting amazon-ssm-agent: failed to find agent identity")
        return 0
    log.info("Agent will take identity from OnPrem")
    stopped = threading.Event()

    def stop(number: int, _frame: Optional[FrameType]) -> None:
        log.info(f"amazon-ssm-agent got signal:{signal.Signals(number).name.lower()} value:0x{number:x}")
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    Daemon(node, vault.region(), stopped).live()
    return 0


class Daemon:
    def __init__(self, node: aws.NodeKey, region: str, stopped: threading.Event) -> None:
        self._node = node
        self._region = region
        self._stopped = stopped
        self._config = config.read()
        self._file = share.file(paths.CREDENTIALS) if self._config.share else None
        self._keys: Optional[aws.Keys] = None
        self._failures = 0

    def live(self) -> None:
        """Rotate and tell, each when it is due, until stopped."""
        rotate = self._resume()
        tell = 0.0
        while not self._stopped.is_set():
            now = time.time()
            if now >= rotate:
                rotate = self._rotate()
            if now >= tell and self._current() is not None:
                self._tell()
                tell = time.time() + self._config.health_seconds
            self._stopped.wait(max(0.05, min(rotate, tell or rotate) - time.time()))

    def _resume(self) -> float:
        """Return when to rotate first: at once, unless what was shared by the daemon before is still good."""
        known = _read_runtime()
        fresh = (known.get("InstanceId"), known.get("ShareFile"), known.get("ShareProfile")) == self._identity()
        expires = _seconds(str(known.get("CredentialsExpiresAt", ""))) if fresh else 0.0
        if not self._file or expires <= time.time() or share.load(self._file, self._config.profile) is None:
            return 0.0
        log.info(f"{REFRESHER} Credentials ready")
        return self._half(_seconds(str(known["CredentialsRetrievedAt"])), expires)

    def _identity(self) -> tuple[str, str, str]:
        return self._node.instance_id, str(self._file or ""), self._config.profile

    def _half(self, got: float, expires: float) -> float:
        due = expires - (expires - got) / 2
        log.info(f"{REFRESHER} Next credential rotation will be in {max(0.0, due - time.time()) / 60:.2f} minutes")
        return due

    def _rotate(self) -> float:
        """Get a token, share it, and return when to do so again."""
        got = time.time()
        try:
            answer = aws.call(
                self._config.endpoint, self._region, "RequestManagedInstanceRoleToken", {"Fingerprint": vault.fingerprint()}, self._node
            )
        except aws.AwsError as error:
            self._failures += 1
            wait = paths.RETRY_SECONDS or LONG.get(error.code, min(2.0**self._failures, 600.0))
            log.error(f"{REFRESHER} Retrieve credentials produced error: {error}")
            log.info(f"{REFRESHER} Sleeping for {wait:g}s before retrying retrieve credentials")
            return time.time() + wait
        self._failures = 0
        self._keys = aws.Keys(str(answer["AccessKeyId"]), str(answer["SecretAccessKey"]), str(answer["SessionToken"]))
        expires = float(answer["TokenExpirationDate"])
        if self._file:
            share.store(self._file, self._config.profile, self._keys)
        _write_runtime(self._identity(), got, expires)
        log.info(f"{REFRESHER} Credentials ready")
        return self._half(got, expires)

    def _current(self) -> Optional[aws.Keys]:
        """Return the credentials to act with: those in the file when they are shared, whoever changed them there."""
        return share.load(self._file, self._config.profile) if self._file else self._keys

    def _tell(self) -> None:
        request = {
            "InstanceId": self._node.instance_id,
            "AgentName": "amazon-ssm-agent",
            "AgentVersion": paths.VERSION,
            "AgentStatus": "Active",
            "PlatformType": "Linux",
            "PlatformName": platform.freedesktop_os_release().get("NAME", "Linux"),
            "PlatformVersion": platform.freedesktop_os_release().get("VERSION_ID", ""),
            "ComputerName": socket.gethostname(),
            "IPAddress": _address(),
        }
        try:
            aws.call(self._config.endpoint, self._region, "UpdateInstanceInformation", request, self._current())
        except aws.AwsError as error:
            log.error(f"[HealthCheck] error when calling AWS APIs. error details - {error}")


def _address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: a datagram socket that is connected only knows its own address.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _read_runtime() -> Dict[str, Any]:
    try:
        return dict(json.loads(paths.RUNTIME.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write_runtime(identity: tuple[str, str, str], got: float, expires: float) -> None:
    instance_id, file, profile = identity
    record = {
        "SchemaVersion": "1.1",
        "InstanceId": instance_id,
        "IdentityType": "OnPrem",
        "ShareFile": file,
        "ShareProfile": profile,
        "CredentialsExpiresAt": _stamp(expires),
        "CredentialsRetrievedAt": _stamp(got),
        "CredentialSource": "SSM",
    }
    Path(paths.RUNTIME).parent.mkdir(parents=True, exist_ok=True)
    paths.RUNTIME.write_text(json.dumps(record), encoding="utf-8")
    paths.RUNTIME.chmod(0o600)


def _stamp(when: float) -> str:
    return datetime.datetime.fromtimestamp(when, datetime.UTC).isoformat().replace("+00:00", "Z")


def _seconds(stamp: str) -> float:
    try:
        return datetime.datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0
