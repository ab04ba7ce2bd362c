# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError

from tests.support.emulators import Credentials, Emulator, Ministack, answers
from tests.support.tree import ROOT


def test_a_reset_forgets_what_was_made(aws: Emulator) -> None:
    aws.client("iam").create_user(UserName="somebody")
    aws.reset()
    assert aws.client("iam").list_users()["Users"] == []


def test_managed_policies_are_there_after_a_reset(aws: Emulator) -> None:
    arn = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
    assert aws.client("iam").get_policy(PolicyArn=arn)["Policy"]["PolicyName"] == "CloudWatchAgentServerPolicy"


def test_the_operator_is_a_user_and_stays_the_same(aws: Emulator) -> None:
    operator = aws.operator()
    assert aws.client("sts", operator).get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.account}:user/test/operator"
    assert aws.operator() is operator


def test_ministack_denies_what_the_operator_may_not_do(ministack: Emulator) -> None:
    reader = ministack.operator("reader", actions=["iam:ListUsers"])
    ministack.client("iam", reader).list_users()
    with pytest.raises(ClientError, match="AccessDenied"):
        ministack.client("iam", reader).create_user(UserName="somebody")


def test_ministack_checks_the_signatures_of_users(ministack: Emulator) -> None:
    ministack.client("iam", ministack.operator()).list_users()
    for keys in (
        Credentials(ministack.operator().access_key_id, "wrong"),
        Credentials("AKIAUNKNOWNUNKNOWN00", "unknown"),
    ):
        with pytest.raises(ClientError):
            ministack.client("iam", keys).list_users()


def test_secrets_are_not_printed() -> None:
    assert "hidden" not in repr(Credentials("AKIA", "hidden", "hidden"))


def test_an_emulator_dies_with_a_parent_that_is_killed() -> None:
    program = (
        "import sys, time; from tests.support.emulators import Ministack; "
        "print(Ministack().start().endpoint_url, flush=True); time.sleep(60)"
    )
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert answers(f"{url}/_ministack/ready")
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 10
    while answers(f"{url}/_ministack/ready") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not answers(f"{url}/_ministack/ready")


def test_stopping_removes_the_process_and_its_files() -> None:
    with Ministack() as emulator:
        pid, log = emulator.pid, emulator.log
    assert not log.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
