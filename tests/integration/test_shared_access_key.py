# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One user and key for all hosts, from end to end: what a playbook sees, and what is where afterwards."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from tests.integration.shared_key_site import PARAMETER, PASSWORD, USER, WATCH, SharedSite
from tests.support.recording_proxy import Dropped, RecordingProxy, failure


@pytest.fixture(params=["parameter", "vault"])
def site(request, ministack, tmp_path):
    return SharedSite(ministack, tmp_path, request.param)


@pytest.fixture
def parameter(ministack, tmp_path):
    return SharedSite(ministack, tmp_path)


@pytest.fixture
def vault(ministack, tmp_path):
    return SharedSite(ministack, tmp_path, "vault")


@pytest.mark.parametrize("kind", ["parameter", "vault"])
def test_first_run_and_nothing_more(aws, tmp_path, kind):
    site = SharedSite(aws, tmp_path, kind)
    run = site.all_stages().ok()
    kept = run.task("keep").result
    assert kept["changes"] == [f"create access key for user {USER}"]
    assert site.keys() == {kept["key_id"]: "Active"} and site.stored()["access_key_id"] == kept["key_id"]
    for host in site.hosts:
        assert site.caller(host).endswith(f":user/hybridops/{USER}")
        assert site.held(host)["aws_secret_access_key"] == site.stored()["secret_access_key"]
    assert run.task("finish").result["access_keys"][0]["hosts"] == list(site.hosts)
    before = site.stored(), site.file.exists() and site.file.read_bytes()
    assert not site.all_stages().ok().changed and before == (site.stored(), site.file.exists() and site.file.read_bytes())
    if kind == "vault":
        assert stat.S_IMODE(site.file.stat().st_mode) == 0o600 and os.listdir(site.file.parent) == ["key.yml"]
        assert site.file.read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;AES256")


def test_check_and_diff_change_nothing(site):
    run = site.all_stages(["--check", "--diff"]).ok()
    assert run.task("keep").result["key_id"] == "(new)"
    assert run.task("deliver", "web1").result["changes"] == [
        f"require key in the store of user {USER}",
        f"deliver access key (new) of user {USER}",
    ]
    assert not site.keys() and not site.stored() and not site.held("web1")


def test_secret_is_never_seen(site):
    """Not in the output at the highest verbosity, the log, or any file that Ansible wrote, those it removed included."""
    log = site.scratch / "ansible.log"
    (site.scratch / "removed").mkdir()
    variables = {
        "ANSIBLE_LOG_PATH": str(log),
        "ANSIBLE_DEBUG": "1",
        "PYTHONPATH": str(WATCH),
        "WATCH_REMOVED": str(site.scratch / "removed"),
    }
    seen = ""
    secrets = [PASSWORD, site.emulator.operator().secret_access_key]
    for options in ({}, {"rotate": True, "orphan_grace": "0"}):
        run = site.all_stages(["-vvvvv", "--diff"], variables, keep=options, finish={"in_use_within": "0", "orphan_grace": "0"}).ok()
        assert run.task("keep").changed and run.task("deliver", "web2").changed
        secrets.append(site.stored()["secret_access_key"])
        seen += run.stdout + run.stderr + site.written(site.runs)
    seen += log.read_text()
    assert site.stored()["access_key_id"] in seen and len(set(secrets)) == 4
    for secret in secrets:
        assert secret not in seen


def test_rotation_and_its_end(parameter):
    old = parameter.all_stages().ok().task("keep").result["key_id"]
    soon = {"in_use_within": "0", "orphan_grace": "0"}
    run = parameter.all_stages(["--limit", "localhost,web1"], keep={"rotate": True, "orphan_grace": "0"}, finish=soon).ok()
    new = run.task("keep").result["key_id"]
    finish = run.task("finish").result
    assert not finish["changed"] and parameter.keys() == {old: "Active", new: "Active"}
    assert (parameter.held("web1")["aws_access_key_id"], parameter.held("web2")["aws_access_key_id"]) == (new, old)
    assert "limited to localhost,web1" in finish["awaiting"] and finish["hosts_without"] == ["web2"]
    # A host that does not answer holds the old key, for all that is known.
    again = parameter.all_stages(finish={**soon, "hosts": {"web1": new, "web2": ""}}).ok()
    assert "not seen on" in again.task("finish").result["awaiting"] and parameter.keys() == {old: "Active", new: "Active"}
    assert parameter.held("web2")["aws_access_key_id"] == new
    retired = parameter.all_stages(finish=soon).ok()
    assert retired.changed == ["finish"] and parameter.keys() == {old: "Inactive", new: "Active"}
    assert not parameter.all_stages(finish=soon).ok().changed
    assert parameter.all_stages(finish={**soon, "grace": "0"}).ok().changed == ["finish"]
    assert parameter.keys() == {new: "Active"}
    assert [tag["Key"] for tag in parameter.iam.list_user_tags(UserName=USER)["Tags"]] == ["hybridops.aws_agents/owner"]


def test_old_key_is_not_ended_while_it_is_used(vault):
    old = vault.all_stages().ok().task("keep").result["key_id"]
    run = vault.all_stages(keep={"rotate": True, "orphan_grace": "0"}, finish={"orphan_grace": "0"}).ok()
    finish = run.task("finish").result
    assert "made or used within 24 hours" in finish["awaiting"] and vault.keys()[old] == "Active"
    assert {key["id"]: key["hosts"] for key in finish["access_keys"]} == {old: [], finish["key_id"]: ["web1", "web2"]}
    # A second forced rotation has no slot.
    refused = vault.keep(rotate=True, orphan_grace="0")
    assert refused.outcome == "failed" and old in refused.msg and "drop_key" in refused.msg


def test_a_compromised_key_goes_by_its_name(vault):
    old = vault.all_stages().ok().task("keep").result["key_id"]
    run = vault.all_stages(keep={"drop_key": old}, finish={"drop_key": old}).ok()
    assert vault.keys() == {run.task("keep").result["key_id"]: "Active"}
    assert not vault.all_stages(keep={"drop_key": old}, finish={"drop_key": old}).ok().changed


def test_a_host_that_leaves_takes_nothing_along(vault):
    key_id = vault.all_stages().ok().task("keep").result["key_id"]
    gone = vault.deliver(state="absent")
    assert gone.result["changes"] == [f"remove profile AmazonCloudWatchAgent from {vault.scratch}/web1"], gone.msg
    assert not vault.held("web1") and vault.keys() == {key_id: "Active"} and vault.caller("web2") and vault.stored()
    assert not vault.deliver(state="absent").changed


def test_nothing_to_deliver(parameter):
    refused = parameter.deliver()
    assert refused.outcome == "failed" and "holds no key" in refused.msg and "hybridops.aws_agents.shared_access_key" in refused.msg
    key_id = parameter.keep().result["key_id"]
    parameter.iam.update_access_key(UserName=USER, AccessKeyId=key_id, Status="Inactive")
    refused = parameter.deliver()
    assert refused.outcome == "failed" and "Inactive" in refused.msg and "hybridops.aws_agents.shared_access_key" in refused.msg
    contained = parameter.keep()
    assert contained.outcome == "failed" and "deactivated by somebody" in contained.msg
    parameter.iam.delete_access_key(UserName=USER, AccessKeyId=key_id)
    assert "which IAM does not list" in parameter.deliver().msg
    assert not parameter.held("web1")
    assert parameter.keep().changed and parameter.deliver().changed and parameter.caller("web1")


def test_key_of_somebody_else_on_the_host(parameter):
    parameter.keep()
    parameter.iam.create_user(UserName="db1")
    key = parameter.iam.create_access_key(UserName="db1")["AccessKey"]
    text = f"[AmazonCloudWatchAgent]\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
    (parameter.scratch / "web1").write_text(text)
    refused = parameter.deliver()
    assert refused.outcome == "failed" and "user/db1" in refused.msg and "replace_foreign" in refused.msg
    assert parameter.deliver(replace_foreign=True).changed and parameter.caller("web1").endswith(USER)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"store": {"parameter": "AmazonCloudWatch-key", "kms_key_id": "alias/cwagent"}}, "every server"),
        ({"store": {"parameter": PARAMETER, "kms_key_id": "alias/aws/ssm"}}, "AWS's own key"),
        ({"store": {"vault_file": "/srv/key.yml", "vault_id": "prod"}}, "--vault-id"),
        ({"hosts": {}, "rotate": True}, "rotate"),
        ({"unknown": 1}, "Unsupported parameters"),
        ({"task": {"async": 10}}, "async"),
    ],
)
def test_refused_before_the_first_call(parameter, options, says):
    with RecordingProxy(parameter.emulator.endpoint_url) as proxy:
        failed = parameter.keep(environment={"AWS_ENDPOINT_URL": proxy.url}, **options)
        assert failed.outcome == "failed" and says in failed.msg, failed.msg
        assert not proxy.calls


def test_parameters_of_others(parameter):
    parameter.ssm.put_parameter(Name=PARAMETER, Value="theirs", Type="String")
    assert "not encrypted" in parameter.keep().msg
    parameter.ssm.delete_parameter(Name=PARAMETER)
    parameter.ssm.put_parameter(Name=PARAMETER, Value="theirs", Type="SecureString", KeyId="alias/cwagent")
    assert "something else" in parameter.keep().msg and "something else" in parameter.keep(adopt=True).msg
    assert not parameter.keys() and parameter.ssm.get_parameter(Name=PARAMETER)["Parameter"]["Version"] == 1


def test_parameter_under_a_key_that_everybody_may_use(parameter):
    """The secret was there for all to read, and stays in the parameter's history: the access key is replaced."""
    parameter.keep()
    old = parameter.stored()
    parameter.ssm.put_parameter(Name=PARAMETER, Value=json.dumps(old), Type="SecureString", Overwrite=True)
    replaced = parameter.keep()
    assert replaced.changed and "AWS's own key" in replaced.result["decision"]
    assert parameter.stored()["access_key_id"] not in ("", old["access_key_id"]) and len(parameter.keys()) == 2
    (entry,) = parameter.ssm.describe_parameters()["Parameters"]
    assert entry["KeyId"] == "alias/cwagent" and not parameter.keep().changed


def test_a_file_that_cannot_be_written(vault):
    vault.store = {"vault_file": str(vault.scratch / "missing" / "key.yml")}
    for arguments in (["--check"], []):
        refused = vault.keep(arguments)
        assert refused.outcome == "failed" and "no key was made" in refused.msg
    assert not vault.keys()


# Calls and rights


def test_calls_of_a_run_with_nothing_to_do(site):
    site.all_stages().ok()
    with RecordingProxy(site.emulator.endpoint_url) as proxy:
        assert not site.all_stages(environment={"AWS_ENDPOINT_URL": proxy.url}).ok().changed
        counts, store = proxy.counts(), {}
        if "parameter" in site.store:
            store = {"ssm:GetParameter": 1, "ssm:DescribeParameters": 1, "ssm:ListTagsForResource": 1, "kms:DescribeKey": 1}
        # The first stage, two hosts, the final stage: the store is read once.
        assert counts == {"iam:ListAccessKeys": 4, "sts:GetCallerIdentity": 3, **store}
        proxy.clear()
        assert not site.deliver(environment={"AWS_ENDPOINT_URL": proxy.url}).changed
        assert proxy.counts() == {"iam:ListAccessKeys": 1, "sts:GetCallerIdentity": 1}


def test_rights_that_suffice(parameter):
    """Those the documentation lists, on the objects it names; the hosts' stage can make and end no key."""
    account, region = parameter.emulator.account, parameter.emulator.region
    user = f"arn:aws:iam::{account}:user/*{USER}"  # the emulator leaves out the path
    name = f"arn:aws:ssm:{region}:{account}:parameter{PARAMETER}"
    key = parameter.kms_key["Arn"]
    parameter.store["kms_key_id"] = key  # the emulator does not look behind an alias
    reads = ["GetUser", "ListAccessKeys", "GetLoginProfile", "ListGroupsForUser"]
    uses = (["iam:GetAccessKeyLastUsed"], "*")  # the emulator does not look for the key's user
    writes = ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "TagUser", "UntagUser"]
    keeper = [
        uses,
        ([f"iam:{action}" for action in reads + writes], user),
        (["ssm:GetParameter", "ssm:PutParameter", "ssm:AddTagsToResource", "ssm:ListTagsForResource"], name),
        (["ssm:DescribeParameters"], "*"),
        (["kms:DescribeKey", "kms:Encrypt", "kms:Decrypt"], key),
    ]
    deliverer = [uses, ([f"iam:{action}" for action in reads], user), (["ssm:GetParameter"], name), (["kms:Decrypt"], key)]

    def operator(who, rights):
        statements = [{"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in rights]
        return parameter.emulator.environment(parameter.emulator.operator(who, policy={"Version": "2012-10-17", "Statement": statements}))

    keep, deliver = operator("keeper", keeper), operator("deliverer", deliverer)
    assert parameter.keep(environment=keep).changed, parameter.last
    assert parameter.deliver(environment=deliver).changed and parameter.caller("web1"), parameter.last
    assert parameter.keep(environment=keep, rotate=True, orphan_grace="0").changed, parameter.last
    assert parameter.deliver(environment=deliver).changed, parameter.last
    new = parameter.stored()["access_key_id"]
    for more in ({}, {"grace": "0"}):
        options = {"hosts": {"web1": new}, "all_hosts": True, "in_use_within": "0", "orphan_grace": "0", **more}
        assert parameter.keep(environment=keep, **options).changed, parameter.last
    assert list(parameter.keys()) == [new]
    assert parameter.keep(environment=deliver, rotate=True, orphan_grace="0").outcome == "failed" and list(parameter.keys()) == [new]


# Failures


def test_parameter_that_is_not_written(parameter):
    def denied(call, forward):
        return failure(call, "AccessDeniedException") if call.operation == "PutParameter" else forward()

    with RecordingProxy(parameter.emulator.endpoint_url, handler=denied) as proxy:
        failed = parameter.keep(environment={"AWS_ENDPOINT_URL": proxy.url})
        assert failed.outcome == "failed" and "AccessDenied" in failed.msg and "was deleted again" in failed.msg
        assert proxy.counts()["iam:CreateAccessKey"] == proxy.counts()["iam:DeleteAccessKey"] == 1
    assert not parameter.keys() and not parameter.stored()


@pytest.mark.parametrize("loses", [1, 9])
def test_lost_answer_of_the_write(parameter, loses):
    """What was written is read back, whatever became of the answer."""
    lost = []

    def lose(call, forward):
        answer = forward()
        if call.operation == "PutParameter" and len(lost) < loses:
            lost.append(call)
            raise Dropped
        return answer

    with RecordingProxy(parameter.emulator.endpoint_url, handler=lose) as proxy:
        kept = parameter.keep(environment={"AWS_ENDPOINT_URL": proxy.url})
        assert kept.changed and list(parameter.keys()) == [kept.result["key_id"]] == [parameter.stored()["access_key_id"]], kept.msg
        assert lost and proxy.counts()["iam:CreateAccessKey"] == 1


def test_something_else_is_read_back(parameter):
    """Another run's key came in between: ours goes, theirs stays."""
    theirs = json.dumps({"user": USER, "access_key_id": "AKIATHEIRS", "secret_access_key": "t", "created": "2026-01-01T00:00:00Z"})

    def replaced(call, forward):
        answer = forward()
        if call.operation == "PutParameter":
            parameter.ssm.put_parameter(Name=PARAMETER, Value=theirs, Type="SecureString", KeyId="alias/cwagent", Overwrite=True)
        return answer

    with RecordingProxy(parameter.emulator.endpoint_url, handler=replaced) as proxy:
        failed = parameter.keep(environment={"AWS_ENDPOINT_URL": proxy.url})
    assert failed.outcome == "failed" and "read back" in failed.msg and not parameter.keys()
    assert parameter.stored()["access_key_id"] == "AKIATHEIRS"


def test_new_key_that_aws_never_accepts(vault):
    def unknown(call, forward):
        answer = forward()
        return failure(call, "InvalidClientTokenId", status=403) if call.operation == "GetCallerIdentity" else answer

    with RecordingProxy(vault.emulator.endpoint_url, handler=unknown) as proxy:
        failed = vault.keep(environment={"AWS_ENDPOINT_URL": proxy.url}, verify_timeout="3")
        assert failed.outcome == "failed" and "within 3 seconds" in failed.msg, vault.last
    assert not vault.keys() and not vault.stored()


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, "vault"), (signal.SIGTERM, "parameter")])
def test_signal_while_a_key_is_made(request, number, kind):
    site = request.getfixturevalue(kind)
    started = threading.Event()

    def never_known(call, forward):
        answer = forward()
        if call.operation == "GetCallerIdentity":
            started.set()
            return failure(call, "InvalidClientTokenId", status=403)
        return answer

    with RecordingProxy(site.emulator.endpoint_url, handler=never_known) as proxy:
        pids = []

        def end():
            started.wait(60)
            mark = f"SCRATCH={site.scratch}".encode()
            pids.extend(int(child.parent.name) for child in Path("/proc").glob("[0-9]*/environ") if mark in environment(child))
            os.kill(min(pids), number)

        killer = threading.Thread(target=end)
        killer.start()
        run = site.play([site.shared()], environment={"AWS_ENDPOINT_URL": proxy.url, "SCRATCH": str(site.scratch)})
        killer.join()
        assert run.rc != 0 and pids
        deadline = time.monotonic() + 20
        while site.keys() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert proxy.counts()["iam:CreateAccessKey"] == proxy.counts()["iam:DeleteAccessKey"] == 1
    assert not site.keys() and not site.stored()


def environment(file):
    """Return a process's variables; none for one that ended meanwhile."""
    try:
        return file.read_bytes().split(b"\0")
    except OSError:
        return []
