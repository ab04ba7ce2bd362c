# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every test stands on: the collection importable under its own name, a clean environment, two emulators."""

from __future__ import annotations

import os
import sys
from typing import Iterator

import pytest

from tests.support.emulators import Emulator, Ministack, Moto
from tests.support.tree import collections_path

_COLLECTIONS = str(collections_path())
for _name in [name for name in os.environ if name.startswith(("AWS_", "ANSIBLE_"))]:
    del os.environ[_name]
# Credentials and profiles of whoever runs the tests must not be found, nor an instance's metadata be asked.
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["ANSIBLE_COLLECTIONS_PATH"] = _COLLECTIONS
sys.path.insert(0, _COLLECTIONS)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Emulator]:
    with Moto() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def ministack_server() -> Iterator[Emulator]:
    with Ministack() as emulator:
        yield emulator


@pytest.fixture
def moto(moto_server: Emulator) -> Emulator:
    """moto with nothing in it but AWS's managed policies."""
    moto_server.reset()
    return moto_server


@pytest.fixture
def ministack(ministack_server: Emulator) -> Emulator:
    """ministack, which enforces IAM, with nothing in it but AWS's managed policies."""
    ministack_server.reset()
    return ministack_server


@pytest.fixture(params=["moto", "ministack"])
def aws(request: pytest.FixtureRequest) -> Emulator:
    """Each of the two emulators in turn."""
    emulator: Emulator = request.getfixturevalue(request.param)
    return emulator
