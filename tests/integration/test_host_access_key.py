# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handover from end to end: what a playbook sees, and what is where afterwards."""

from __future__ import annotations

import fcntl
import os
import stat

import pytest

from tests.integration.key_site import PROFILE, USER, Site
from tests.support.emulators import Credentials
from tests.support.recording_proxy import RecordingProxy


@pytest.fixture
def site(ministack, tmp_path):
    made = Site(ministack, tmp_path)
    made.make_user()
    return made


@pytest.fixture
def moto_site(moto, tmp_path):
    made = Site(moto, tmp_path)
    made.make_user()
    return made


def test_first_handover_and_nothing_more(site):
    first = site.result()
    assert first.outcome == "ok" and first.changed, site.last
    assert first.result["changes"] == [f"hand over access key of user {USER}"]
    assert list(site.keys().items()) == [(first.result["key_id"], "Active")]
    assert site.caller().endswith(f":user/hybridops/{USER}")
    assert site.profile()["region"] == site.emulator.region
    assert stat.S_IMODE(site.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(site.path.parent.stat().st_mode) == 0o700
    assert os.listdir(site.path.parent) == ["credentials"]
    before = site.path.read_bytes()
    second = site.result()
    assert (second.outcome, second.changed, second.result["changes"]) == ("ok", False, []), site.last
    assert second.result["decision"] == f"{first.result['key_id']} is on the host and proven"
    assert site.path.read_bytes() == before


def test_secret_is_never_seen(site):
    """Not in the output at the highest verbosity, the log, or any file that Ansible wrote; nor are the operator's."""
    log = site.scratch / "ansible.log"
    run = site.run(["-vvvvv", "--diff"], {"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DEBUG": "1"}).ok()
    secrets = [site.profile()["aws_secret_access_key"], site.emulator.operator().secret_access_key]
    seen = run.stdout + run.stderr + log.read_text()
    for file in (site.scratch / "run1").rglob("*"):
        seen += file.read_text(errors="replace") if file.is_file() else ""
    assert site.profile()["aws_access_key_id"] in seen
    for secret in secrets:
        assert secret not in seen


def test_check_and_diff_change_nothing(site):
    seen = site.run(["--check", "--diff"])
    result = seen.task("hand over").result
    assert result["changed"] and result["key_id"] == "(new)" and result["changes"] == [f"hand over access key of user {USER}"]
    assert '-    "access_keys": [],' in seen.stdout and '+            "id": "(new)",' in seen.stdout, seen
    assert not site.keys() and not site.path.exists()
    site.run().ok()
    assert not site.result(["--check", "--diff"]).changed


def test_user_that_is_missing(ministack, tmp_path):
    site = Site(ministack, tmp_path)
    checked = site.result(["--check"])
    assert checked.result["changes"] == [f"require user {USER}", f"hand over access key of user {USER}"]
    failed = site.result()
    assert failed.outcome == "failed" and "hybridops.aws_agents.aws_access" in failed.msg and not failed.result["changed"]
    assert not site.path.exists()


def test_lost_key_file(site):
    first = site.result()
    site.path.unlink()
    held = site.result()
    assert (held.outcome, held.changed) == ("ok", False) and "another run may be handing it over" in held.result["decision"]
    again = site.result(orphan_grace="0")
    assert again.result["changes"] == [
        f"hand over access key of user {USER}",
        f"delete access key {first.result['key_id']} from user {USER}",
    ]
    assert list(site.keys()) == [again.result["key_id"]] and site.caller()


def test_wrong_secret_on_the_host(site):
    site.run().ok()
    site.path.write_text(site.path.read_text().replace(site.profile()["aws_secret_access_key"], "x" * 40))
    again = site.result(orphan_grace="0")
    assert again.changed and list(site.keys()) == [again.result["key_id"]] and site.caller()


def test_key_of_another_user(site):
    site.run().ok()
    site.iam.create_user(UserName="db1", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])
    refused = site.result(user="db1")
    assert refused.outcome == "failed" and f"user/hybridops/{USER}" in refused.msg and "replace_foreign" in refused.msg
    assert site.result(user="db1", replace_foreign=True).changed
    assert len(site.keys()) == 1


def test_rotation_and_its_end(site):
    first = site.result().result["key_id"]
    rotated = site.result(rotate_after="0")
    assert rotated.result["changes"] == [f"hand over access key of user {USER}"], site.last
    new = rotated.result["key_id"]
    # A key that replaces one gets half a minute.
    assert site.last.stderr.count(f"web1: waiting for AWS to accept the new key {new}, 2 minutes at most") == 1
    assert site.keys() == {first: "Active", new: "Active"}
    assert "15 minutes" in site.result().result["awaiting"]
    os.utime(site.path, (os.stat(site.path).st_atime, os.stat(site.path).st_mtime - 1000))
    assert site.result().result["changes"] == [f"retire access key {first} of user {USER}"]
    assert site.keys() == {first: "Inactive", new: "Active"}
    assert not site.result().changed
    assert site.result(grace="0").result["changes"] == [f"delete access key {first} from user {USER}"]
    assert site.keys() == {new: "Active"}
    assert [tag["Key"] for tag in site.iam.list_user_tags(UserName=USER)["Tags"]] == ["hybridops.aws_agents/owner"]


def test_absent(site):
    other = "[other]\naws_access_key_id = AKIAOTHER\n"
    site.path.parent.mkdir()
    site.path.write_text(other)
    key_id = site.result().result["key_id"]
    assert site.result(["--check"], state="absent").changed and site.keys()
    gone = site.result(state="absent")
    assert gone.result["changes"] == [f"delete access key {key_id} from user {USER}", f"remove profile {PROFILE} from {site.path}"]
    assert site.path.read_text().strip() == other.strip() and not site.keys()
    assert not site.result(state="absent").changed


def test_absent_that_failed_half_way_is_finished_by_the_next_run(site):
    """The key goes first: its id on the host is what the next run goes by."""
    key_id = site.result().result["key_id"]
    lock = site.path.with_name(".credentials.hybridops-new")
    lock.write_text("another run")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        failed = site.result(state="absent")
    assert failed.outcome == "failed" and "another run" in failed.msg and not site.keys(), site.last
    assert site.profile()["aws_access_key_id"] == key_id
    assert site.result(state="absent").changed and not site.path.exists() and not lock.exists()


def test_what_would_fail_is_refused_in_check_mode_as_well(site):
    (site.scratch / "file").write_text("")
    for arguments in (["--check"], []):
        refused = site.result(arguments, path=str(site.scratch / "file" / "credentials"))
        assert refused.outcome == "failed" and "is no folder" in refused.msg and "no key was made" in refused.msg, site.last
    assert not site.keys()


def test_an_owner_that_is_not_there_yet(site):
    predicted = site.result(["--check"], owner="no-such-user").result
    assert predicted["changes"][0] == "require system user no-such-user"
    refused = site.result(owner="no-such-user")
    assert refused.outcome == "failed" and "knows no user no-such-user" in refused.msg and "no key was made" in refused.msg, site.last
    assert not site.keys() and not site.path.parent.exists()


def test_file_attributes_are_kept(site):
    site.run().ok()
    site.path.chmod(0o644)
    fixed = site.result(["--diff"])
    assert '-    "mode": "0644",' in site.last.stdout and '+    "mode": "0600",' in site.last.stdout, site.last
    assert fixed.result["changes"] == [f"update profile {PROFILE} of {site.path}"]
    assert stat.S_IMODE(site.path.stat().st_mode) == 0o600 and not site.result().changed


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"task": {"async": 10}}, "async"),
        ({"environment": {"ANSIBLE_KEEP_REMOTE_FILES": "1"}}, "keep_remote_files"),
        ({"mode": "0644"}, "everybody"),
        ({"path": "~/x"}, "absolute"),
        ({"credentials_region": "nowhere"}, "credentials_region"),
        ({"rotate_after": "soon"}, "rotate_after"),
        ({"unknown": 1}, "Unsupported parameters"),
    ],
)
def test_refused_before_the_first_call(site, more, says):
    failed = site.result(**more)
    assert failed.outcome == "failed" and says in failed.msg, failed.msg
    assert not site.keys()


def test_environment_of_the_task_reaches_aws_alone(site):
    variables = site.emulator.environment()
    bare = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "")
    assert site.result(environment=bare).outcome == "failed"
    assert site.result(environment=bare, task={"environment": variables}).changed


def test_two_keys_leave_no_slot(moto_site):
    site = moto_site
    held = [site.iam.create_access_key(UserName=USER)["AccessKey"] for _count in range(2)]
    for key in held:
        site.emulator.client("cloudwatch", Credentials(key["AccessKeyId"], key["SecretAccessKey"])).list_metrics()
    assert "made moments ago" in site.result().result["decision"], "two runs may be handing over at this moment"
    refused = site.result(orphan_grace="0")
    assert refused.outcome == "failed" and all(key["AccessKeyId"] in refused.msg for key in held) and "drop_key" in refused.msg, site.last
    assert len(site.keys()) == 2
    freed = site.result(drop_key=held[0]["AccessKeyId"])
    assert freed.result["changes"][0] == f"delete access key {held[0]['AccessKeyId']} from user {USER}", site.last


def test_calls_of_a_run_with_nothing_to_do(site):
    site.run().ok()
    with RecordingProxy(site.emulator.endpoint_url) as proxy:
        assert not site.result(environment={"AWS_ENDPOINT_URL": proxy.url}).changed
        assert proxy.counts() == {"iam:ListAccessKeys": 1, "sts:GetCallerIdentity": 1}
        assert not site.result(["--check"], environment={"AWS_ENDPOINT_URL": proxy.url}, user=USER).changed
        assert not proxy.writes
