# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many API calls the playbooks of the benchmark may make. A change that needs more has to say so here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import pytest

from tests.benchmark.measure import PLAYBOOKS, count
from tests.support.emulators import Emulator
from tests.support.playbook import LOCALHOST, run_playbook
from tests.support.recording_proxy import RecordingProxy

HOSTS = 4
USERS = 30
BUDGETS: Dict[str, Tuple[int, int, int]] = {
    # All calls but polls; of them writes; all calls with nothing to do.
    "documents_by_roles.yml": (76, 30, 32),
    "documents_in_one_call.yml": (64, 30, 29),
    # A page of users in place of each by itself, since the playbook asks for that above twenty.
    "users.yml": (2 * USERS + 6, 2 * USERS, 2),
    # Four users are read one by one. Of a key: list, user, groups, password, create, verify, and the host's own proof.
    "fleet.yml": (3 * HOSTS + 4 + 7 * HOSTS, 3 * HOSTS, 2 * HOSTS + 1 + 2 * HOSTS),
}


@pytest.fixture
def proxy(moto: Emulator) -> Iterator[RecordingProxy]:
    with RecordingProxy(moto.endpoint_url) as recording:
        yield recording


def inventory(scratch: Path) -> Dict[str, Any]:
    (local,) = LOCALHOST["all"]["hosts"].values()
    rooms = {f"fleet-{number}": scratch / f"room-{number}" for number in range(HOSTS)}
    for room in rooms.values():
        room.mkdir()
    hosts = {name: {**local, "room": str(room)} for name, room in rooms.items()}
    return {"all": {"hosts": {"localhost": local}, "children": {"fleet": {"hosts": hosts}}}}


@pytest.mark.parametrize("playbook", BUDGETS)
def test_calls(playbook: str, moto: Emulator, proxy: RecordingProxy, tmp_path: Path) -> None:
    first, writes, again = BUDGETS[playbook]
    (tmp_path / "word").write_text("word")
    hosts = inventory(tmp_path)
    variables = {"n": USERS if playbook == "users.yml" else HOSTS, "stores": str(tmp_path)}

    def run() -> Tuple[int, int, str]:
        proxy.clear()
        environment = {**moto.environment(), "AWS_ENDPOINT_URL": proxy.url}
        arguments = ["--vault-password-file", str(tmp_path / "word")]
        run_playbook(PLAYBOOKS / playbook, tmp_path / "run", arguments, hosts, variables, environment).ok()
        work, _polls = count(proxy.calls)
        return len(work), sum(call.write for call in work), str(proxy.counts())

    calls, written, told = run()
    assert written == writes and calls <= first, told
    calls, written, told = run()
    assert written == 0 and calls <= again, told
