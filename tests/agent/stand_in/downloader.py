# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``config-downloader``: fetch a JSON document into the folder of documents, under a name of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import List

from . import common_config, credentials, defaults, paths
from . import mode as modes
from .aws import Client
from .errors import AwsError


class DownloadError(Exception):
    """The text is what the program says."""


def main(arguments: List[str]) -> int:
    """Run the program.

    :returns: 0, or 1 with the reason on standard error.
    """
    sys.stdout.write("Starting config-downloader, this will map back to a call to amazon-cloudwatch-agent\n")
    parser = argparse.ArgumentParser(prog="config-downloader")
    for name, default in (("output-dir", ""), ("download-source", ""), ("mode", "ec2"), ("config", ""), ("multi-config", "default")):
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--dualstack", action="store_true")
    try:
        download(parser.parse_args(arguments))
    except DownloadError as error:
        sys.stderr.write(f"{time.strftime('%Y/%m/%d %H:%M:%S')} E! {error}\n")
        sys.stdout.write("E! config-downloader process exited with non-zero status: 1\n")
        return 1
    return 0


def download(options: argparse.Namespace) -> None:
    """Write, or with ``remove`` delete, the document that the options name.

    :raises DownloadError: when that failed.
    """
    common = _common_config(options.config)
    common.apply()
    mode = modes.detect(options.mode)
    region = credentials.region(mode, common)
    kind, colon, name = options.download_source.partition(":")
    if not colon and kind != "default":
        raise DownloadError(f"downloadLocation {options.download_source} is malformed")
    if not region and kind != "default":
        if mode == "ec2":
            raise DownloadError(
                "please check if you can access the metadata service. For example, on linux, run "
                "'wget -q -O - http://169.254.169.254/latest/meta-data/instance-id && echo'"
            )
        raise DownloadError("please make sure the credentials and region set correctly on your hosts")
    folder = Path(options.output_dir)
    for leftover in folder.glob("*.tmp"):
        leftover.unlink()
    if kind not in ("default", "ssm", "file"):
        raise DownloadError(f"location type {kind} is not supported")
    target = folder / file_name(kind, name)
    if options.multi_config == "remove":
        _remove(target)
        return
    try:
        content = _content(kind, name, mode, region, common)
    except (OSError, AwsError) as error:
        reason = (
            f"open {error.filename}: {(error.strerror or '').lower()}"
            if isinstance(error, OSError)
            else (f"error in retrieving parameter store content: {error}")
        )
        raise DownloadError(f"fail to fetch/remove json config: {reason}") from error
    # A umask must not keep the document from the agent's own user.
    target.with_name(f"{target.name}.tmp").write_bytes(content)
    os.chmod(target.with_name(f"{target.name}.tmp"), 0o644)


def file_name(kind: str, name: str) -> str:
    """Return under which name a document is kept."""
    if kind == "file":
        name = os.path.basename(name)
    for character in "/ :":
        name = name.replace(character, "_")
    return f"{kind}_{name}" if name else kind


def _common_config(path: str) -> common_config.CommonConfig:
    try:
        return common_config.read(Path(path))
    except common_config.CommonConfigError as error:
        raise DownloadError(f"failed to {'open' if error.opening else 'parse'} Common Config: {error}") from error


def _remove(target: Path) -> None:
    try:
        target.unlink()
    except OSError as error:
        raise DownloadError(f"failed to remove the json file {target}: remove {target}: {(error.strerror or '').lower()}") from error


def _content(kind: str, name: str, mode: str, region: str, common: common_config.CommonConfig) -> bytes:
    if kind == "file":
        return Path(name).read_bytes()
    if kind == "default":
        return json.dumps(defaults.document(mode), indent="\t").encode()
    provider = credentials.provider(credentials.file(mode, common), credentials.profile(mode, common), seconds=600.0)
    client = Client("ssm", region, provider, paths.setting("STAND_IN_SSM_ENDPOINT"))
    _key, answer = client.json("AmazonSSM.GetParameter", {"Name": name, "WithDecryption": True})
    return str(answer["Parameter"]["Value"]).encode()
