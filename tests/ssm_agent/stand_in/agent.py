# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``amazon-ssm-agent``: with flags it registers, clears or tells its version; without any it is the daemon."""

from __future__ import annotations

import sys
from typing import Dict, List, Tuple

from . import aws, config, daemon, keys, log, paths, vault

SWITCHES = ("register", "clear", "y", "version", "fingerprint", "disableSimilarityCheck")
VALUES = ("code", "id", "region", "similarityThreshold", "role", "tags")
SHORTEST = {"ActivationCode": 20, "ActivationId": 36}
USAGE = """

Command-line Usage (of a stand-in for tests, not of Amazon's agent):
\t-register\tregister managed instance
\t\t-id                    \tSSM activation ID\t(REQUIRED with activation registration)
\t\t-code                  \tSSM activation code\t(REQUIRED with activation registration)
\t\t-region                \tSSM region\t(REQUIRED with registration)
\t\t-disableSimilarityCheck\tDisable the agent hardware/fingerprint similarity check\t(OPTIONAL)

\t\t-clear\tClears the previously saved SSM registration
\t-fingerprint\tWhether to update the machine fingerprint similarity threshold\t(OPTIONAL)
\t\t-similarityThreshold\tThe new required percentage of matching hardware values (-1 disables hardware check)\t(OPTIONAL)

\t-y\tAnswer yes for all questions"""


class UsageError(Exception):
    """A flag that Go's parser would not take."""


def main(arguments: List[str]) -> int:
    """Run the program and return its exit code."""
    try:
        switches, values = _parse(arguments)
    except UsageError as error:
        sys.stderr.write(f"{error}{USAGE}\n")
        return 2
    if switches == ["version"] and not values:
        log.say(f"SSM Agent version: {paths.VERSION}")
        return 0
    log.announce()
    if not switches and not values:
        return daemon.run()
    if "register" in switches:
        return _registration(switches, values)
    if "fingerprint" in switches:
        return _similarity(values)
    sys.stderr.write(f"{USAGE}\n")
    return 1


def _parse(arguments: List[str]) -> Tuple[List[str], Dict[str, str]]:
    switches: List[str] = []
    values: Dict[str, str] = {}
    left = list(arguments)
    while left:
        given = left.pop(0)
        name, equals, value = given.lstrip("-").partition("=")
        if not given.startswith("-"):
            break
        if name in SWITCHES:
            switches += [name] if value.lower() not in ("false", "0") else []
        elif name not in VALUES:
            raise UsageError(f"flag provided but not defined: -{name}")
        elif not equals and not left:
            raise UsageError(f"flag needs an argument: -{name}")
        else:
            values[name] = value if equals else left.pop(0)
    return switches, values


def _registration(switches: List[str], values: Dict[str, str]) -> int:
    if not (values.get("code") and values.get("id") and values.get("region")):
        if "clear" in switches:
            return _clear()
        sys.stderr.write(f"{USAGE}\n")
        return 1
    try:
        if "y" not in switches and vault.instance() and not _confirmed():
            log.info("Registration canceled by user")
            return 1
        instance_id = _register(values, "disableSimilarityCheck" in switches)
    except (ValueError, OSError, aws.AwsError) as error:
        log.error(f"Registration failed due to {error}")
        return 1
    log.info(f"Successfully registered the instance with AWS SSM using Managed instance-id: {instance_id}")
    return 0


def _confirmed() -> bool:
    question = "\nInstance already registered. Would you like to override existing with new registration information? [Yes/No]: "
    sys.stdout.write(question)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line.strip():
        raise ValueError("unexpected newline" if line else "EOF")
    if line.strip()[0].lower() not in "yn":
        raise ValueError("Invalid response received.")
    return line.strip()[0].lower() == "y"


def _register(values: Dict[str, str], dissimilar: bool) -> str:
    """Register. What was registered before is gone from the first line on, whatever comes of it.

    :raises OSError: when the vault cannot be written.
    :raises ValueError: when AWS refuses.
    """
    key = keys.make()
    try:
        vault.write_registration("", "", key)
    except OSError as error:
        raise ValueError(f"Unable to save registration information. {error}\nTry running as sudo/administrator.") from error
    fingerprint = vault.fingerprint()
    if dissimilar:
        vault.set_similarity(-1)
    request = {
        "ActivationCode": values["code"],
        "ActivationId": values["id"],
        "Fingerprint": fingerprint,
        "PublicKey": key.public(),
        "PublicKeyType": "Rsa",
    }
    short = [
        f"- minimum field size of {least}, RegisterManagedInstanceInput.{name}.\n"
        for name, least in SHORTEST.items()
        if len(request[name]) < least
    ]
    failed = "error registering the instance with AWS SSM."
    if short:
        raise ValueError(f"{failed} InvalidParameter: {len(short)} validation error(s) found.\n{''.join(short)}")
    try:
        answer = aws.call(config.read().endpoint, values["region"], "RegisterManagedInstance", request)
    except aws.AwsError as error:
        raise ValueError(f"{failed} {error}") from error
    instance_id = str(answer["InstanceId"])
    vault.write_registration(instance_id, values["region"], key)
    vault.tell(instance_id, values["region"])
    return instance_id


def _clear() -> int:
    try:
        vault.forget_fingerprint()
        vault.write_registration("", "", None)
    except OSError as error:
        log.error(f"error clearing the instance registration information. {error}\nTry running as sudo/administrator.")
        return 1
    log.info("Registration information has been removed from the instance.")
    return 0


def _similarity(values: Dict[str, str]) -> int:
    try:
        wanted = int(values.get("similarityThreshold", vault.SIMILARITY))
        vault.set_similarity(wanted)
    except (ValueError, OSError) as error:
        log.error(f"Error setting the SimilarityThreshold. {error}")
        return 1
    log.info(f"Fingerprint SimilarityThreshold set to {wanted}")
    return 0
