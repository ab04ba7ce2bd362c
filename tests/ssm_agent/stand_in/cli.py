# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ssm-cli get-instance-information``, the one command of it that is here."""

from __future__ import annotations

import json
from typing import List

from . import log, paths, vault

FAILED = 255


def main(arguments: List[str]) -> int:
    """Run the program and return its exit code."""
    log.announce()
    if arguments != ["get-instance-information"]:
        log.say("\nerror: this stand-in for tests knows get-instance-information alone")
        return FAILED
    instance_id, region = vault.instance(), vault.region()
    if not (instance_id and region):
        log.say("\nerror: failed to find agent identity")
        return FAILED
    document = {"instance-id": instance_id, "region": region, "release-version": paths.VERSION}
    log.say(json.dumps(document, separators=(",", ":")))
    return 0
