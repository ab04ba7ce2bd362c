# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arithmetic of docs/scale.md against runs: the emulator behind a token bucket, and time that nobody waits for."""

from __future__ import annotations

import heapq
import random
import subprocess

import pytest
from botocore.retries import adaptive, bucket, throttling

from tests.benchmark import arithmetic as plan
from tests.benchmark.arithmetic import Bucket, Calls, Work
from tests.faults import actors as alone
from tests.faults.test_rotation import PHASES
from tests.support.recording_proxy import Call, RecordingProxy, Response
from tests.support.throttle import Throttle

TOLERANCE = 0.2
"""Of the time that the arithmetic predicts."""
FREE = Bucket(1e6, 1e6)


@pytest.fixture(scope="module")
def actors():
    with alone.Actors() as made:
        yield made


@pytest.fixture
def run(moto, actors):
    """Run a task behind a bucket. Return its result, what was answered by service, and the seconds of a clock that only moves when
    something is called or sleeps."""

    def task(do, options, limit=FREE):
        def clock():
            actors.clock.advance(plan.LATENCY)
            return actors.clock.now()

        throttle = Throttle(limit.rate, limit.burst, clock)
        with RecordingProxy(moto.endpoint_url, handler=throttle) as proxy:
            began = actors.clock.now()
            result = actors.run(do, proxy.url, options=options, credentials=(moto.root.access_key_id, moto.root.secret_access_key))
            seconds = actors.clock.now() - began
            answered = [call.service for call in proxy.calls if call.forwarded]
        assert not result.get("failed"), result
        return result, Calls(answered.count("iam"), answered.count("sts"), answered.count("ssm")), seconds, sum(throttle.refused.values())

    return task


def fleet(users, **more):
    named = [{"name": f"u{number}", "policies": ["CloudWatchAgentServerPolicy"]} for number in range(users)]
    return {"users": named, "tags": {"site": "cellar"}, **more}


@pytest.mark.parametrize(("limit", "users"), [(FREE, 40), (Bucket(2, 4), 30), (Bucket(5, 10), 50), (Bucket(8, 16), 60)])
def test_identities_take_the_time_that_is_predicted(run, limit, users):
    _result, calls, seconds, refused = run("identities", fleet(users, bulk_read_above=20), limit)
    assert calls.iam == plan.identities_first(users)
    assert seconds == pytest.approx(plan.one_by_one_seconds(calls.iam, limit), rel=TOLERANCE)
    assert bool(refused) == (limit is not FREE)


def test_calls_of_identities_are_those_that_were_counted(run):
    users, by_page = 21, {"bulk_read_above": 20}
    assert run("identities", fleet(users))[1].iam == plan.identities_singly(users, first=True)
    result, calls, *_rest = run("identities", fleet(users))
    assert not result["changed"] and calls.iam == plan.identities_singly(users, first=False)
    assert run("identities", fleet(users, **by_page))[1].iam == plan.identities_again(users)


def test_calls_and_commands_of_a_key_are_those_that_were_counted(moto, tmp_path, monkeypatch):
    """In this process, where commands on the host can be counted too."""
    moto.client("iam").create_user(UserName="u", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])
    host, operator = {"user": "u", "path": str(tmp_path / "etc" / "credentials")}, (moto.root.access_key_id, moto.root.secret_access_key)
    commands, really = [], vars(subprocess)["run"]
    monkeypatch.setattr(subprocess, "run", lambda *command, **how: (commands.append(command), really(*command, **how))[1])
    for calls, number in ((plan.KEY_FIRST, plan.KEY_COMMANDS_FIRST), (plan.KEY_AGAIN, plan.KEY_COMMANDS_AGAIN)):
        with RecordingProxy(moto.endpoint_url) as proxy:
            assert not alone._host_key(proxy.url, host, operator).get("failed")
            services = [call.service for call in proxy.calls]
        assert (Calls(services.count("iam"), services.count("sts")), len(commands)) == (calls, number)
        commands.clear()


def test_calls_of_a_rotation_are_those_that_the_faults_interrupt():
    services = [[call.partition(":")[0] for call in PHASES[phase]] for phase in ("handover", "retirement", "deletion")]
    assert tuple(Calls(each.count("iam"), each.count("sts")) for each in services) == plan.ROTATION


# Many hosts at once: each is a process with a client of its own, which knows nothing of the others


class Watch:
    """The time that the simulation has reached, for botocore's limit of calls a second."""

    now = 0.0

    def current_time(self):
        return self.now


class Heard:
    def is_throttling_error(self, refused):
        return refused


class Fleet:
    """Forks that bring hosts their keys, through botocore's own limiter and its pauses, before one bucket."""

    def __init__(self, hosts, work, limit, attempts):
        self.left, self.work, self.attempts = hosts, work, attempts
        self.failed, self.ended = 0, 0.0
        self.watch, self.random = Watch(), random.Random(1)  # noqa: S311  (draws pauses, hides nothing)
        self.throttle = Throttle(limit.rate, limit.burst, self.watch.current_time)

    def run(self, workers):
        """Let so many forks take one host after the other; each step of theirs is a pause."""
        waiting = [(0.0, number, self._fork()) for number in range(workers)]
        while waiting:
            self.watch.now, number, fork = heapq.heappop(waiting)
            for pause in fork:
                heapq.heappush(waiting, (self.watch.now + pause, number, fork))
                break
        return self

    def _fork(self):
        while self.left:
            self.left -= 1
            limiter = self._limiter()
            # Hosts differ, and do not stay in step.
            yield (self.work.commands * plan.COMMAND + self.work.waits) * self.random.uniform(0, 2)
            for _call in range(self.work.calls.iam):
                answered = yield from self._call(limiter)
                if not answered:
                    self.failed += 1
                    break
            self.ended = self.watch.now

    def _call(self, limiter):
        for attempt in range(self.attempts):
            yield from self._turn(limiter)
            refused = self.throttle(Call("iam", "ListAccessKeys", "", "", "POST", "/", "query"), lambda: Response(200)).status != 200
            yield plan.LATENCY
            limiter.on_receiving_response(refused=refused)
            if not refused:
                return True
            yield self.random.random() * min(2**attempt, 20)
        return False

    @staticmethod
    def _turn(limiter):
        tokens = limiter._token_bucket
        if limiter._enabled:
            tokens._refill()
            while (lacks := tokens._sleep_amount(1)) > 1e-9:
                yield lacks
                tokens._refill()
            tokens._current_capacity -= 1

    def _limiter(self):
        """As ``register_retry_handler`` of botocore makes it for each client."""
        watch = self.watch
        pace = throttling.CubicCalculator(starting_max_rate=0, start_time=watch.now)
        return adaptive.ClientRateLimiter(pace, adaptive.RateClocker(watch), bucket.TokenBucket(1, watch), Heard(), watch)


HOSTS = 1000
KEYS = Work(commands=2, waits=1, calls=Calls(iam=5))


@pytest.mark.parametrize("attempts", sorted(plan.CALLERS))
@pytest.mark.parametrize("rate", [5, 10, 20])
def test_as_many_forks_as_the_bucket_bears_take_the_time_that_is_predicted(rate, attempts):
    limit = Bucket(rate, 2 * rate)
    workers = plan.workers_at_most(limit, attempts)
    ran = Fleet(HOSTS, KEYS, limit, attempts).run(workers)
    assert not ran.failed
    assert ran.ended == pytest.approx(plan.wave(HOSTS, KEYS, workers, workers, limit).seconds, rel=TOLERANCE)


def test_more_forks_win_no_time_and_lose_hosts():
    limit = Bucket(10, 20)
    few, many = (Fleet(HOSTS, KEYS, limit, 30).run(workers) for workers in (25, 100))
    assert many.ended > 0.95 * few.ended
    assert Fleet(HOSTS, KEYS, limit, 10).run(100).failed > 0.05 * HOSTS
