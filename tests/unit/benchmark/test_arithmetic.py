# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arithmetic of fleets, and that docs/scale.md prints what it gives."""

from __future__ import annotations

import pytest

from tests.benchmark import arithmetic as plan
from tests.benchmark import scale
from tests.benchmark.arithmetic import Bucket, Calls, Work


def test_the_page_prints_what_the_functions_give():
    page = scale.PAGE.read_text()
    assert page == scale.laid_into(page), "run python -m tests.benchmark.scale"


def test_commands_and_proof_are_those_of_the_page_on_hosts():
    page = (scale.PAGE.parent / "hosts.md").read_text()
    assert f"| one_host | Debian 13 | {plan.COMMANDS_FIRST} | {plan.COMMANDS_AGAIN} |" in page and f"some {plan.PROOF:g} seconds" in page


def test_forks_at_once_are_those_of_the_page():
    page = scale.PAGE.read_text()
    assert all(f"| {attempts}{', as it is' * (attempts == 10)} | {forks:g} |" in page for attempts, forks in plan.CALLERS.items())


def test_a_page_without_marks_is_a_mistake():
    with pytest.raises(ValueError, match="marks"):
        scale.laid_into("no marks")


@pytest.mark.parametrize(
    ("calls", "bucket", "seconds"),
    [
        (100, Bucket(10), 10),
        (100, Bucket(10, 20), 8),
        (15, Bucket(10, 20), 0),
        (0, Bucket(10), 0),
    ],
)
def test_a_bucket_gives_its_burst_at_once_and_the_rest_by_its_rate(calls, bucket, seconds):
    assert plan.bucket_seconds(calls, bucket) == seconds


def test_one_process_waits_for_its_answers_or_for_the_bucket():
    assert plan.one_by_one_seconds(100, Bucket(1000), latency=0.1) == pytest.approx(10)
    assert plan.one_by_one_seconds(100, Bucket(5), latency=0.1) == 20


def test_the_longest_bound_decides():
    work = Work(commands=10, waits=80, calls=Calls(iam=5))
    each = 10 * plan.COMMAND + 80 + 5 * plan.LATENCY
    wave = plan.wave(1000, work, workers=100, cores=8, bucket=Bucket(1))
    assert wave == plan.Wave(bucket=5000, forks=10 * each, cpu=1000 * 10 * plan.COMMAND_CPU / 8) and wave.seconds == 5000
    assert plan.wave(1000, work, workers=100, cores=8, bucket=Bucket(100)).seconds == 10 * each
    assert plan.forks_seconds(5, work, workers=100) == each, "more forks than hosts help nobody"


def test_slices_help_until_the_bucket_decides():
    work, bucket = Work(commands=2, waits=10, calls=Calls(iam=5)), Bucket(10, 20)
    enough = plan.slices_that_help(1000, work, forks=10, cores=8, bucket=bucket)
    assert enough > 1
    takes = [plan.wave(1000, work, 10 * number, 8 * number, bucket).seconds for number in (enough - 1, enough, enough + 1, 10 * enough)]
    assert takes[0] > takes[1] == takes[2] == takes[3] == plan.bucket_seconds(5000, bucket)
    assert plan.slices_that_help(1000, Work(commands=2), forks=10, cores=8, bucket=bucket) == 0, "nothing of it asks IAM"


def test_more_forks_may_ask_at_once_where_calls_are_repeated_longer():
    assert [plan.workers_at_most(Bucket(10), attempts) for attempts in sorted(plan.CALLERS)] == [10, 50, 100]
    assert plan.workers_at_most(Bucket(0.5)) == 1


@pytest.mark.parametrize(("users", "there", "first", "again"), [(1, 0, 8, 1), (100, 0, 206, 1), (101, 0, 208, 2), (100, 250, 208, 4)])
def test_calls_for_users_are_two_each_and_then_pages(users, there, first, again):
    assert (plan.identities_first(users, there), plan.identities_again(users, there)) == (first, again)


def test_quotas():
    assert [plan.accounts_for(users) for users in (1, 5000, 5001, 10_000)] == [1, 1, 2, 2]
    assert plan.accounts_for(10_000, taken=1) == 3
    assert [plan.users_for(hosts, 100) for hosts in (1, 100, 101)] == [1, 1, 2]
    assert [plan.places_for(nodes) for nodes in (1, 1000, 1001, 10_000)] == [1, 1, 2, 10]


def test_a_node_of_awx():
    """The examples of its documentation: 4 GB are 20 forks, four cores 16."""
    assert plan.node_forks(4, 4096) == (16, 20)
    assert plan.node_forks(1, 1024) == (4, 0)


def test_a_day_of_rotations():
    assert plan.due_each_day(5000, 90) == 56
    assert plan.rotation_calls(5000, 0) == 5000 * plan.KEY_AGAIN.iam
    assert plan.rotation_calls(10, 1) == sum(step.iam for step in plan.ROTATION) + 7


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2.0 h")])
def test_lengths_of_time_as_people_say_them(seconds, said):
    assert scale.time(seconds) == said
