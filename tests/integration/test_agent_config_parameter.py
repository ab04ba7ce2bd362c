# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's configuration in Parameter Store, and the lease it is saved with, from end to end."""

from __future__ import annotations

import gzip
import json
import re
import signal
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import lease as leases

from tests.integration.lease_site import (
    CONFIG,
    HURRY,
    LEASE_POLICY,
    LEASE_TAG,
    NAME,
    OTHER,
    OWNED,
    PASSWORD,
    ROLE,
    SERVER,
    USER,
    WATCH,
    LeaseSite,
)
from tests.support.emulators import Credentials
from tests.support.metadata_service import MetadataService
from tests.support.playbook import run_playbook
from tests.support.recording_proxy import Dropped, RecordingProxy, Response, failure

READS = {"sts:GetCallerIdentity", "ssm:GetParameter", "ssm:DescribeParameters", "ssm:ListTagsForResource"}
USER_LEASE = {"via": "user", "user": USER}


@pytest.fixture
def site(ministack, tmp_path):
    return LeaseSite(ministack, tmp_path)


def over(minutes=-1):
    return datetime.now(UTC) + timedelta(minutes=minutes)


def secrets_in(answer):
    """Return the secrets in an answer of IAM or STS."""
    body = gzip.decompress(answer.body) if answer.body[:2] == b"\x1f\x8b" else answer.body
    return [found.decode() for found in re.findall(rb"<(?:SecretAccessKey|SessionToken)>([^<]+)<", body)]


# As the admin role


def test_saved_as_the_admin_role(site):
    """Predicted, made, left alone, changed: and nobody but the role may write, no session is opened where nothing is to be written."""
    site.make_role()
    lease = {"role": ROLE}
    with RecordingProxy(site.emulator.endpoint_url) as proxy:
        run = site.play(
            [
                site.task({"name": "predict", "check_mode": True, "diff": True}, lease=lease),
                site.tried("own"),
                site.task({"name": "make"}, lease=lease),
                site.task({"name": "same", "environment": {"AWS_ENDPOINT_URL": proxy.url}}, lease=lease),
                site.task({"name": "change", "diff": True}, config=OTHER, description="Linux", lease=lease),
                site.task({"name": "other", "ignore_errors": True}, name="web-config", lease=lease),
                site.task({"name": "delete"}, state="absent", config=None),
                site.task({"name": "deleted"}, state="absent", config=None),
            ]
        ).ok()
        assert set(proxy.counts()) == READS | {"iam:GetRolePolicy"}
    predicted, made, same, changed = (run.task(name) for name in ("predict", "make", "same", "change"))
    assert predicted.result["diff"]["after"]["version"] == 1 and not predicted.result["lease"]["until"]
    assert f"may not write parameter {NAME}" in run.task("own").msg and "lease" in run.task("own").msg
    assert made.result["changes"] == predicted.result["changes"] and made.result["version"] == 1 and made.result["lease"]["until"]
    assert not same.changed and same.result["lease"] == {"via": "assume_role", "until": ""}
    assert changed.result["diff"]["before"]["config"] == CONFIG and changed.result["diff"]["after"]["config"] == OTHER
    assert changed.result["version"] == 2 and changed.result["tags"] == {tag["Key"]: tag["Value"] for tag in OWNED}
    assert run.task("delete").result["changes"] == [f"delete parameter {NAME}"] and not run.task("deleted").changed and not site.stored()
    assert "may not write parameter web-config (ssm:PutParameter: implicitDeny)" in run.task("other").msg


def test_content_and_credentials_are_never_seen(site):
    """Not the content of a SecureString, and no secret of a lease: not in the output, the log, or any file that Ansible wrote."""
    site.make_role()
    site.make_user()
    (site.scratch / "removed").mkdir()
    secrets, sinks = [], []
    sink = site.scratch / "key.yml"

    def listen(call, forward):
        if call.operation == "PutParameter" and sink.exists():
            sinks.append((stat.S_IMODE(sink.stat().st_mode), sink.read_bytes()[:15]))
        answer = forward()
        secrets.extend(secrets_in(answer) if call.operation in ("AssumeRole", "CreateAccessKey") else [])
        return answer

    given = {"metrics": {**CONFIG["metrics"], "namespace": "first-hidden"}}
    site.ssm.put_parameter(Name=NAME, Value=json.dumps(given), Type="SecureString", Tags=OWNED)
    with RecordingProxy(site.emulator.endpoint_url, handler=listen) as proxy:
        variables = {
            "ANSIBLE_LOG_PATH": str(site.scratch / "ansible.log"),
            "ANSIBLE_DEBUG": "1",
            "PYTHONPATH": str(WATCH),
            "WATCH_REMOVED": str(site.scratch / "removed"),
            "AWS_ENDPOINT_URL": proxy.url,
        }
        tasks = [
            site.task({"name": "role"}, lease={"role": ROLE}),
            site.task({"name": "user"}, config=OTHER, lease={**USER_LEASE, "sink": {"vault_file": str(sink)}}),
        ]
        run = site.play(tasks, ["-vvvvv", "--diff"], variables).ok()
    assert run.changed == ["role", "user"] and run.task("user").result["config"].startswith("(not shown")
    assert sinks == [(0o600, b"$ANSIBLE_VAULT;")] and not sink.exists() and len(secrets) == 3
    seen = run.stdout + run.stderr + site.written(site.runs) + (site.scratch / "ansible.log").read_text()
    assert "first-hidden" not in seen
    for secret in [*secrets, site.operator.secret_access_key, PASSWORD]:
        assert secret not in seen


def test_a_lease_that_is_over_denies_the_role_and_is_ended(site):
    """Whatever else the role's policies allow: after its time, the policy of a lease denies every save. It goes with what it holds back."""
    site.make_role()
    instance = site.make_instance(profile=ROLE)
    value = leases.tag_value(leases.Lease(over(), profile=SERVER, role=ROLE))
    site.ec2.create_tags(Resources=[instance], Tags=[{"Key": LEASE_TAG, "Value": value}])
    arn = f"arn:aws:ssm:{site.emulator.region}:{site.emulator.account}:parameter/{NAME}"
    site.ssm.put_parameter(Name=NAME, Value=json.dumps(CONFIG), Type="String", Tags=OWNED)
    site.iam.put_role_policy(RoleName=ROLE, PolicyName=LEASE_POLICY, PolicyDocument=json.dumps(leases.policy(arn, over())))
    role = site.iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    made = site.emulator.client("sts", site.operator).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    ssm = site.emulator.client("ssm", Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]))
    with pytest.raises(ssm.exceptions.ClientError, match="AccessDenied"):
        ssm.put_parameter(Name=NAME, Value="{}", Overwrite=True)
    # Where there is nothing to save, what was left ends all the same.
    lease = {"role": ROLE}
    tasks = [site.task({"name": "predict", "check_mode": True}, config=OTHER, lease=lease), site.task({"name": "end"}, lease=lease)]
    run = site.play([*tasks, site.task({"name": "after"}, config=OTHER, lease=lease)]).ok()
    assert [change.split()[0] for change in run.task("predict").result["changes"]] == ["end", "update"]
    (ended,) = run.task("end").result["changes"]
    assert ended.startswith(f"end lease left behind on instance {instance}: over since") and site.profile(instance) == SERVER
    assert not site.marks(instance) and len(run.task("after").result["changes"]) == 1 and site.stored() == OTHER


# With a key of the admin user


def hanging(saving, gone):
    """Return a handler that keeps a save waiting, and says so, until it is told that whoever waits is gone."""

    def hang(call, forward):
        if call.operation == "PutParameter":
            saving.set()
            gone.wait(30)
            raise Dropped
        return forward()

    return hang


def refuses_deletion(call, forward):
    return failure(call, "AccessDenied", status=403) if call.operation == "DeleteAccessKey" else forward()


def test_saved_with_a_key_that_is_killed_and_found_again(site):
    site.make_user()
    sink = site.scratch / "key"
    lease = {**USER_LEASE, "sink": {"file": str(sink)}}
    saving, gone = threading.Event(), threading.Event()
    with RecordingProxy(site.emulator.endpoint_url, handler=hanging(saving, gone)) as proxy:
        site.killed(saving, signal.SIGKILL, [site.task(lease=lease)], {"AWS_ENDPOINT_URL": proxy.url})
        gone.set()
    site.iam.create_user(UserName="somebody")
    (key_id,) = site.keys()
    assert len(site.marks()) == 2 and f"key={key_id}" in site.marks()[1] and stat.S_IMODE(sink.stat().st_mode) == 0o600
    taken = {**lease, "take_over": True}
    with RecordingProxy(site.emulator.endpoint_url, handler=refuses_deletion) as proxy:
        run = site.play(
            [
                site.tried("waits", lease=lease),
                site.task({"name": "predict", "check_mode": True}, lease=taken),
                site.task({"name": "save"}, lease=taken),
                site.task({"name": "same"}, lease=lease),
                site.tried("foreign", config=OTHER, lease={"via": "user", "user": "somebody"}),
                site.tried("left", task={"environment": {"AWS_ENDPOINT_URL": proxy.url}}, config=OTHER, lease=USER_LEASE),
                site.task({"name": "end"}, config=OTHER, lease={**USER_LEASE, "take_over": True}),
            ]
        ).ok()
    assert f"user {USER}, until" in run.task("waits").msg and "take_over" in run.task("waits").msg
    steps = run.task("predict").result["changes"]
    assert steps[0].startswith(f"end lease left behind on user {USER}") and f"access key {key_id}" in steps[0] and len(steps) == 3
    assert run.changed == ["predict", "save", "end"] and run.task("save").result["changes"] == steps
    assert "no owner of ours" in run.task("foreign").msg
    # A key that does not go is a failure, which says what is left; the next run finds it.
    assert f"was saved as version 2. The lease has not ended: user {USER} may have a key that nobody holds" in run.task("left").msg
    (ended,) = run.task("end").result["changes"]
    assert ended.startswith(f"end lease left behind on user {USER}") and "access key" in ended
    assert site.stored() == OTHER and not site.keys() and not site.marks() and not sink.exists()


def test_a_key_that_takes_a_while_is_waited_for_aloud(site):
    site.make_user()
    unmade, unknown = ["LimitExceeded"], ["InvalidClientTokenId"] * 2

    def slow(call, forward):
        if call.operation == "CreateAccessKey" and unmade:
            return failure(call, unmade.pop(), status=409)
        if call.operation == "GetCallerIdentity" and site.keys() and unknown:
            return failure(call, unknown.pop(), status=403)
        return forward()

    with RecordingProxy(site.emulator.endpoint_url, handler=slow) as proxy:
        run = site.play([site.task({"environment": {"AWS_ENDPOINT_URL": proxy.url}}, lease=USER_LEASE)]).ok()
    assert not unmade and not unknown and site.stored() == CONFIG
    for wait in (f"to make a new key for user {USER}", "to accept the new key"):
        assert run.stderr.count(f"waiting for AWS {wait}") == 1, run.stderr


def test_signal_while_the_key_is_not_known_yet(site):
    site.make_user()
    asked = threading.Event()

    def never_known(call, forward):
        answer = forward()
        if call.operation == "GetCallerIdentity" and site.keys():
            asked.set()
            return failure(call, "InvalidClientTokenId", status=403)
        return answer

    with RecordingProxy(site.emulator.endpoint_url, handler=never_known) as proxy:
        site.killed(asked, signal.SIGTERM, [site.task(lease=USER_LEASE)], {"AWS_ENDPOINT_URL": proxy.url})
        assert proxy.counts()["iam:CreateAccessKey"] == proxy.counts()["iam:DeleteAccessKey"] == 1
    assert not site.keys() and not site.marks() and not site.stored()


# From the admin instance


def test_saved_from_the_admin_instance(site):
    """The role may write by the lease alone. The instance gets its former profile back, whatever happens; killed, from the next run."""
    site.make_role(policy=None)
    instance = site.make_instance()
    saving, gone = threading.Event(), threading.Event()
    denied = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ssm:PutParameter", "Resource": "*"}]}

    def deny(call, forward):
        if call.operation == "PutRolePolicy":
            site.iam.put_role_policy(RoleName=ROLE, PolicyName="denied", PolicyDocument=json.dumps(denied))
        return forward()

    with MetadataService(site.emulator, instance, lag=1) as metadata:
        lease = {"via": "instance", "role": ROLE, "metadata_endpoint": metadata.url, "instance_id": instance}
        with RecordingProxy(site.emulator.endpoint_url, handler=hanging(saving, gone)) as proxy:
            predict = site.task({"name": "predict", "check_mode": True}, lease=lease)
            run = site.killed(saving, signal.SIGKILL, [predict, site.task(lease={**lease, "ssm_endpoint": proxy.url})])
            gone.set()
        assert run.task("predict").changed and metadata.seen == [SERVER, ROLE]
        assert site.profile(instance) == ROLE and len(site.marks(instance)) == 2 and f"profile={SERVER}" in site.marks(instance)[1]
        slow = RecordingProxy(site.emulator.endpoint_url, handler=slow_to_settle())
        with slow, RecordingProxy(site.emulator.endpoint_url, handler=deny) as proxy:
            tasks = [
                site.tried("waits", lease=lease),
                site.task({"name": "save", "environment": {"AWS_ENDPOINT_URL": slow.url}}, lease={**lease, "take_over": True}),
                site.task({"name": "same"}, lease=lease),
                site.tried("elsewhere", config=OTHER, lease={**lease, "instance_id": "i-00000000000000000"}),
                site.tried("denied", task={"environment": {"AWS_ENDPOINT_URL": proxy.url}}, config=OTHER, lease=lease, wait_timeout=10),
            ]
            run = site.play(tasks, ["-vvvvv"]).ok()
    assert f"instance {instance}, until" in run.task("waits").msg and "is instance" in run.task("elsewhere").msg
    assert [change.split()[0] for change in run.task("save").result["changes"]] == ["end", "create", "tag"]
    # The lease that was left behind ends first.
    assert 0 < run.stderr.index("waiting for EC2 to bring") < run.stderr.index("waiting for EC2 to give"), run.stderr
    # Denied for as long as was waited: the end comes all the same.
    assert run.changed == ["save"] and "PutParameter from the instance: AccessDenied" in run.task("denied").msg
    assert site.profile(instance) == SERVER and site.marks(instance) == ["role denied"] and site.stored() == CONFIG
    seen = run.stdout + run.stderr + site.written(site.runs)
    assert metadata.given and all(secret not in seen for secret in metadata.given)


def slow_to_settle():
    """Return a handler of calls to an EC2 that knows no fresh profile twice, and shows one that went three times more."""
    unknown, shown, left = [None] * 2, [], []

    def handler(call, forward):
        if call.operation == "AssociateIamInstanceProfile" and unknown:
            unknown.pop()
            text = "Value (x) for parameter y is invalid. Invalid IAM Instance Profile ARN"
            error = f"<Response><Errors><Error><Code>InvalidParameterValue</Code><Message>{text}</Message></Error></Errors></Response>"
            return Response(400, (("Content-Type", "text/xml"),), error.encode())
        if call.operation == "DescribeIamInstanceProfileAssociations" and left:
            return left.pop()
        answer = forward()
        if call.operation == "DescribeIamInstanceProfileAssociations" and "associationId" in answer.body.decode():
            shown[:] = [answer]
        if call.operation in ("DisassociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"):
            left[:] = shown * 3
        return answer

    return handler


def test_instances_without_a_profile_and_with_somebody_elses(site):
    site.make_role()
    bare, given = site.make_instance(profile=None), site.make_instance()
    value = leases.tag_value(leases.Lease(over(), profile="gone", role=ROLE))
    site.ec2.create_tags(Resources=[given], Tags=[{"Key": LEASE_TAG, "Value": value}])
    slow = RecordingProxy(site.emulator.endpoint_url, handler=slow_to_settle())
    with slow, MetadataService(site.emulator, bare) as metadata:
        lease = {"via": "instance", "role": ROLE, "metadata_endpoint": metadata.url, "ssm_endpoint": site.emulator.endpoint_url}
        nowhere = {**lease, "metadata_endpoint": "http://127.0.0.1:9"}
        store = site.task({"environment": {"AWS_ENDPOINT_URL": slow.url}}, lease=lease)
        run = site.play([store, site.tried("nowhere", lease=nowhere)]).ok()
    for wait in (f"to give the instance the profile {ROLE}", "to bring instance profiles back to what they were"):
        assert run.stderr.count(f"waiting for EC2 {wait}, 2 minutes at most") == 1, run.stderr
    # The lease of another instance is found by its tag, and ended too.
    assert [change.split()[0] for change in run.task("store").result["changes"]] == ["end", "create", "tag"]
    assert "by somebody else" in " ".join(run.stderr.split()) and site.profile(given) == SERVER
    assert site.profile(bare) == "" and not site.marks(bare) and not site.marks(given)
    assert "no metadata service of EC2 answers" in run.task("nowhere").msg


# The playbook, and what is refused


def test_playbook(site):
    """In three of its ways, with the role that ``cwagent_admin`` makes, which trusts the operator by name."""
    site.make_user()
    instance = site.make_instance(profile=None)
    trusted = [site.iam.get_user(UserName="operator")["User"]["Arn"]]
    role = {"name": "hybridops.aws_agents.cwagent_admin"}
    administrator = site.emulator.environment(site.emulator.operator("administrator"))
    tasks = [{"name": "role", "ansible.builtin.include_role": role, "vars": {"cwagent_admin_trusted_principals": trusted}}]
    plays = [{"hosts": "localhost", "gather_facts": False, "environment": administrator, "tasks": tasks}]
    (site.scratch / "linux.json").write_text(json.dumps(CONFIG))
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    with MetadataService(site.emulator, instance) as metadata:
        for parameters, more in (
            ({NAME: f"file:{site.scratch}/linux.json", "AmazonCloudWatch-web": OTHER}, {}),
            ({NAME: OTHER}, {"store_agent_config_via": "instance", "store_agent_config_host": "admin"}),
            ({NAME: CONFIG}, {"store_agent_config_via": "user", "store_agent_config_user": USER}),
        ):
            variables = {"store_agent_config_parameters": parameters, "store_agent_config_metadata_endpoint": metadata.url, **more}
            plays.append({"ansible.builtin.import_playbook": "hybridops.aws_agents.store_agent_config", "vars": variables})
        inventory = {"all": {"hosts": {"localhost": local, "admin": local}, "vars": {"aws_agents_region": site.emulator.region}}}
        environment = {**site.emulator.environment(site.operator), "PYTHONPATH": str(HURRY)}
        run = run_playbook(plays, site.scratch / "play", (), inventory, environment=environment).ok()
    module = "hybridops.aws_agents.agent_config_parameter"
    stored = [result for task in run.tasks if task.action == module for result in task.result["results"]]
    assert [result["lease"]["via"] for result in stored] == ["assume_role", "assume_role", "instance", "user"]
    assert [result["version"] for result in stored] == [1, 1, 2, 3] and all(result["changed"] for result in stored)
    assert run.custom_stats["_run"]["aws_agents_configurations"] == {NAME: 3, "AmazonCloudWatch-web": 1}
    assert metadata.seen == ["", ROLE] and site.stored() == CONFIG
    assert site.profile(instance) == "" and not site.keys() and not site.marks(instance)


def test_refused_before_the_first_call(site):
    plugins = {f"p{number}": {"measurement": ["used"]} for number in range(400)}
    cases = {
        "schema": ({"config": {"metrics": {"namespace": 5}}}, "is not what the CloudWatch agent's schema allows"),
        "secret": ({"type": "SecureString", "config": {"metrics": {"namespace": ["hidden"]}}}, "namespace: breaks the rule type."),
        "typo": ({"config": {**CONFIG, "agent": {"run_as_usr": "x"}}}, "run_as_user meant"),
        "no file": ({"config": "file:/nowhere/agent.json"}, "cannot be read on the controller"),
        "size": ({"config": {"metrics": {"metrics_collected": plugins}}}, "8192"),
        "text": ({"config": "ssm:AmazonCloudWatch-linux"}, "give the configuration as a dictionary"),
        "misfit": ({"lease": {"role": ROLE, "user": USER}}, "belongs to via: user"),
        "async": ({"task": {"async": 10}}, "async"),
    }
    with RecordingProxy(site.emulator.endpoint_url) as proxy:
        tasks = [site.tried(case, **options) for case, (options, _words) in cases.items()]
        run = site.play(tasks, environment={"AWS_ENDPOINT_URL": proxy.url})
        for case, (_options, words) in cases.items():
            assert words in run.task(case).msg and "hidden" not in run.task(case).msg, run.task(case).msg
        assert not proxy.calls
