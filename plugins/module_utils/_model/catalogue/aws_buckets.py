# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buckets of AWS that SSM Agent reads, by Region.

From "SSM Agent communications with AWS managed S3 buckets" and "Reference: Amazon S3 buckets for patching operations" in the
Systems Manager user guide.
"""

from __future__ import annotations

from typing import List

PRINTED = (
    "aws-ssm-{region}",
    "aws-windows-downloads-{region}",
    "amazon-ssm-{region}",
    "amazon-ssm-packages-{region}",
    "{region}-birdwatcher-prod",
    "patch-baseline-snapshot-{region}",
)
"""The six that "Create an IAM Instance Profile for Systems Manager" prints."""

_WITHOUT_BIRDWATCHER = ("af-south-1", "eu-south-1")
"""Regions whose distribution service is in ``aws-ssm-distributor-file-…`` instead."""

_SNAPSHOT_SUFFIXES = {
    "af-south-1": "tbxdb5b9",
    "ap-south-2": "50209442",
    "ap-southeast-3": "be0a3174",
    "ap-southeast-4": "dc6f76ce",
    "eu-south-2": "df2c9d70",
    "me-south-1": "uduvl7q8",
}

_PATCH_SUFFIXES = {
    "af-south-1": "bdd5f65a9",
    "ap-east-1": "632356271",
    "ap-northeast-1": "4849fa78f",
    "ap-northeast-2": "10467995c",
    "ap-northeast-3": "67373598a",
    "ap-south-1": "cb7c62ff9",
    "ap-south-2": "32f4b4128",
    "ap-southeast-1": "7fdfd9ef7",
    "ap-southeast-2": "17283a275",
    "ap-southeast-3": "aa48fc462",
    "ap-southeast-4": "01e2c40d3",
    "ca-central-1": "3148e69e3",
    "ca-west-1": "9e3a4b2f9",
    "eu-central-1": "9163fdaaf",
    "eu-central-2": "184ce43c8",
    "eu-north-1": "795879e9b",
    "eu-south-1": "c52f3f594",
    "eu-south-2": "a4cf248b1",
    "eu-west-1": "5522fb710",
    "eu-west-2": "902a2bc74",
    "eu-west-3": "29bf85721",
    "il-central-1": "e221cb57b",
    "me-central-1": "2932f2f80",
    "me-south-1": "a53fc9dce",
    "sa-east-1": "ddf4b6a09",
    "us-east-1": "1970c647d",
    "us-east-2": "552881074",
    "us-west-1": "8badb4304",
    "us-west-2": "34d7f99f8",
}
"""Of ``aws-patch-manager-…`` (Linux and Windows) and ``aws-patchmanager-macos-…``, which hold the modules of patching documents."""


def of_region(region: str) -> List[str]:
    """Return the names of the buckets of AWS that nodes in ``region`` read.

    A Region that the tables do not know gets the names without suffix, as Regions of other partitions and the oldest pages have them.
    """
    distributor = f"aws-ssm-distributor-file-{region}" if region in _WITHOUT_BIRDWATCHER else f"{region}-birdwatcher-prod"
    patching = [f"aws-patchmanager-macos-{region}"]
    if region in _PATCH_SUFFIXES:
        suffix = _PATCH_SUFFIXES[region]
        patching = [f"aws-patch-manager-{region}-{suffix}", f"aws-patchmanager-macos-{region}-{suffix}"]
    return [
        f"aws-ssm-{region}",
        f"aws-windows-downloads-{region}",
        f"amazon-ssm-{region}",
        f"amazon-ssm-packages-{region}",
        distributor,
        f"aws-ssm-document-attachments-{region}",
        "-".join(["patch-baseline-snapshot", region, *filter(None, [_SNAPSHOT_SUFFIXES.get(region)])]),
        *patching,
    ]
