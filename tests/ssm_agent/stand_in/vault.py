# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agent keeps: the vault, which holds the registration, and the file ``registration``, which only tells of it."""

from __future__ import annotations

import datetime
import json
import os
import uuid
from pathlib import Path
from typing import Any, Dict, Optional

from . import paths
from .aws import NodeKey
from .keys import Key, read

REGISTRATION_KEY = "RegistrationKey"
FINGERPRINT = "InstanceFingerprint"
SIMILARITY = 40


def write_registration(instance_id: str, region: str, key: Optional[Key]) -> None:
    """Replace the registration in the vault. This is what the agent does *before* it asks AWS, with an empty id.

    :raises OSError: when it cannot be written.
    """
    now = datetime.datetime.now(datetime.UTC)
    record = {
        "instanceID": instance_id,
        "region": region,
        "instanceType": "",
        "availabilityZone": "",
        "privateKey": key.private() if key else "",
        "publicKey": "",
        "privateKeyType": "Rsa" if key else "",
        "privateKeyCreatedDate": f"{now:%Y-%m-%d %H:%M:%S.%f}000 +0000 UTC",
    }
    _store(REGISTRATION_KEY, record)


def instance() -> str:
    """Return the id of the registered node, or ``""``."""
    return str(_load(REGISTRATION_KEY).get("instanceID", ""))


def region() -> str:
    """Return the region it is registered in, or ``""``."""
    return str(_load(REGISTRATION_KEY).get("region", ""))


def node() -> Optional[NodeKey]:
    """Return the registered node with its key, or None."""
    record = _load(REGISTRATION_KEY)
    if not (record.get("instanceID") and record.get("region") and record.get("privateKey")):
        return None
    return NodeKey(str(record["instanceID"]), read(str(record["privateKey"])))


def tell(instance_id: str, where: str) -> None:
    """Write the file ``registration``. Nothing ever removes it, and nothing but another success changes it."""
    _write(paths.REGISTRATION, {"ManagedInstanceID": instance_id, "Region": where})


def fingerprint() -> str:
    """Return the machine's fingerprint; make it when there is none."""
    record = _load(FINGERPRINT)
    if not record.get("fingerprint"):
        record = {"fingerprint": str(uuid.uuid4()), "hardwareHash": {}, "similarityThreshold": SIMILARITY, **record}
        _store(FINGERPRINT, record)
    return str(record["fingerprint"])


def set_similarity(value: int) -> None:
    """Keep how similar the machine must stay.

    :raises ValueError: when there is no fingerprint yet, or the value is out of range.
    """
    if value != -1 and not 1 <= value <= 100:
        raise ValueError(f"Invalid Similarity Threshold value of {value}. Value must be between 1 and 100 or -1 (check disabled)")
    record = _load(FINGERPRINT)
    if not record.get("fingerprint"):
        raise ValueError("Unable to set similarity threshold due to, save called with empty fingerprint key")
    _store(FINGERPRINT, {**record, "similarityThreshold": value})


def forget_fingerprint() -> None:
    if (paths.VAULT / "Store" / FINGERPRINT).exists():
        _store(FINGERPRINT, {})


def _store(name: str, record: Dict[str, Any]) -> None:
    path = paths.VAULT / "Store" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (paths.VAULT, path.parent):
        folder.chmod(0o700)
    _write(path, record)
    manifest = paths.VAULT / "Manifest"
    known = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    _write(manifest, {**known, name: str(path)})


def _load(name: str) -> Dict[str, Any]:
    try:
        return dict(json.loads((paths.VAULT / "Store" / name).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write(path: Path, record: Dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(record, file, separators=(",", ":"))
