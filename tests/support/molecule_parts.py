# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of a Molecule scenario's site: the packages of both agents, and the hybrid nodes that AWS knows."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Dict

from . import agent_package, ssm_agent_package
from .emulators import Emulator
from .signing_key import SigningKey


def packages(stack: contextlib.ExitStack, directory: Path, host: str, reread_seconds: float) -> Dict[str, Any]:
    """Make, sign and serve the packages, and return where they are.

    :param host: the address to serve them on.
    :param reread_seconds: how long the CloudWatch agent uses a key before it reads it again.
    """
    signer = SigningKey(directory / "signer")
    package = agent_package.build(directory / "packages", reread_seconds=reread_seconds)
    ssm_package = ssm_agent_package.build(directory / "packages")
    for each in (package, ssm_package):
        signer.sign(each)
    key_file = directory / "packages" / "key.gpg"
    key_file.write_text(signer.armoured)
    served = stack.enter_context(agent_package.PackageServer([package], signer, host=host))
    ssm_served = stack.enter_context(ssm_agent_package.PackageServer([ssm_package], signer, host=host))
    return {
        "package_url": served.package_url(),
        "package_file": str(package),
        "ssm_package_url": ssm_served.package_url(),
        "key_url": served.key_url,
        "key_file": str(key_file),
        "key_fingerprint": signer.fingerprint,
    }


def nodes(aws: Emulator) -> Dict[str, Any]:
    """Return the hybrid nodes by their names, and the activations that are left."""
    ssm = aws.client("ssm")
    listed = ssm.describe_instance_information()["InstanceInformationList"]
    return {
        "nodes": {each["Name"]: {"id": each["InstanceId"], "ping": each["PingStatus"], "role": each["IamRole"]} for each in listed},
        "activations": [each["ActivationId"] for each in ssm.describe_activations()["ActivationList"]],
    }
