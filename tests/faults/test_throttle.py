# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account in which others leave a few calls a second: many identities converge, slowly, and no run fails."""

from __future__ import annotations

import time

import pytest

from tests.faults.bench import ALL, SEED
from tests.faults.test_weather import document
from tests.support import iam_state
from tests.support.recording_proxy import RecordingProxy
from tests.support.throttle import Throttle

RATE, BURST = 5.0, 10.0
USERS, SPEED = (200, 1.0) if ALL else (40, 0.0)
"""The long form takes the time that it takes on AWS. In the short one nobody waits: a call, and whoever sleeps, moves the clock on."""
CALL = 0.05
LIMIT = 900


@pytest.mark.parametrize("runs", [1, 2])
def test_identities_in_a_throttled_account(moto_server, actors, ledger, runs):
    """One run, then two at once, which take each other's tokens."""
    moto_server.reset()

    def clock():
        actors.clock.advance(CALL)
        return actors.clock.now()

    throttle = Throttle(RATE, BURST, time.monotonic if SPEED else clock)
    users = [{"name": f"u{number}", "policies": ["Agent"]} for number in range(USERS // runs)]
    task = {"policies": [{"name": "Agent", "document": document("one")}], "users": users}
    credentials = (moto_server.root.access_key_id, moto_server.root.secret_access_key)
    with RecordingProxy(moto_server.endpoint_url, handler=throttle) as proxy:
        began = time.monotonic()
        started = [actors.start("identities", proxy.url, speed=SPEED, options=task, credentials=credentials) for _run in range(runs)]
        results = [actors.result(number, LIMIT) for number in started]
        seconds = time.monotonic() - began
        refused = sum(throttle.refused.values())
        for result in results:
            assert not result.get("failed"), (
                f"SEED={SEED} after {seconds:.0f} s, {refused} refused calls of {len(proxy.calls)}: {result['failed']}"
            )
        assert refused, f"nothing was refused: {len(proxy.calls)} calls in {seconds:.0f} s"
        ledger.add("Throttled account: iam_identities", cases=1, calls=len(proxy.calls), faults=refused, runs=runs, converged=runs)
    found = iam_state.of(moto_server)
    assert len(found["users"]) == len(users) and all(len(user["policies"]) == 1 for user in found["users"].values())
    proxy_free = actors.run("identities", moto_server.endpoint_url, options=task, credentials=credentials)
    assert not proxy_free["changed"]
