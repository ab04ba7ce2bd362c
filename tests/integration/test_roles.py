# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles as a user runs them, and IAM afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.document import equal

from tests.support import iam_state
from tests.support.emulators import Emulator, Moto
from tests.support.playbook import Run, run_playbook
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure

DOCUMENTS = Path(__file__).parents[1] / "unit" / "golden"
FOUR = ["cwagent_server", "cwagent_admin", "ssm_profile", "session_manager"]
CALLS_WITH_NOTHING_TO_DO = 30
"""For the four roles together. amazon.aws needs 106."""

EC2_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
CORE = "AmazonSSMManagedInstanceCore"
COLLECTOR = "arn:aws:iam::444455556666:role/MetricsFromElsewhere"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def golden(name: str) -> Any:
    return json.loads((DOCUMENTS / f"{name}.json").read_text())


def same(one: Any, other: Any) -> bool:
    return bool(equal(one, other, "aws"))


NO_ENTITIES = (
    b'<ListEntitiesForPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListEntitiesForPolicyResult>'
    b"<IsTruncated>false</IsTruncated></ListEntitiesForPolicyResult></ListEntitiesForPolicyResponse>"
)


def mended(call: Call, forward: Forward) -> Response:
    """Pass calls on, but for two: moto has no service-specific credentials, and takes attached policies for boundaries too."""
    if call.operation == "ListServiceSpecificCredentials":
        return failure(call, "InvalidAction")
    if call.parameters.get("PolicyUsageFilter") == "PermissionsBoundary":
        return Response(200, (("Content-Type", "text/xml"),), NO_ENTITIES)
    return forward()


@pytest.fixture
def proxy(aws: Emulator) -> Iterator[RecordingProxy]:
    with RecordingProxy(aws.endpoint_url, handler=mended) as recording:
        yield recording


def run_roles(
    roles: Sequence[Any],
    scratch: Path,
    aws: Emulator,
    *arguments: str,
    url: Optional[str] = None,
    defaults: Optional[Mapping[str, Any]] = None,
    **variables: Any,
) -> Run:
    """Run roles in one play. Each is a name, or a name with variables of its own."""
    pairs = [(role, {}) if isinstance(role, str) else role for role in roles]
    play = {
        "name": "Roles",
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"hybridops.aws_agents.iam_identities": dict(defaults or {})},
        "roles": [{"role": f"hybridops.aws_agents.{name}", "vars": given} for name, given in pairs],
    }
    environment = {**aws.environment(), "AWS_ENDPOINT_URL": url or aws.endpoint_url}
    return run_playbook([play], scratch, arguments, environment=environment, extra_vars=variables)


def failures_of(roles: Sequence[Any], scratch: Path, aws: Emulator, url: str) -> List[str]:
    """Run roles that must fail, one after the other in one play, and return what they say."""
    tasks = []
    for name, variables in roles:
        included = {"name": name, "ansible.builtin.include_role": {"name": f"hybridops.aws_agents.{name}"}, "vars": variables}
        tasks.append({"name": name, "block": [included], "rescue": [{"name": "Go on", "ansible.builtin.meta": "noop"}]})
    play = {"name": "Roles that fail", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    run = run_playbook([play], scratch, environment={**aws.environment(), "AWS_ENDPOINT_URL": url})
    messages = [f"{task.msg} {task.result.get('argument_errors', '')}" for task in run.failures]
    assert len(messages) == len(roles), str(run)
    return messages


def converged(run: Run) -> List[Dict[str, Any]]:
    """Return the results of the roles' own tasks."""
    return [task.result for task in run.tasks if task.action == "hybridops.aws_agents.iam_identities"]


def changes(run: Run) -> List[str]:
    return [change for result in converged(run) for change in result.get("changes", ())]


# From nothing to the end state of the documents, and back


def test_the_four_roles(aws: Emulator, proxy: RecordingProxy, tmp_path: Path) -> None:
    # ministack does not know AWS's policy CloudWatchAgentAdminPolicy; the 2018 edition of the document does without.
    managed = aws.name == "moto"
    variables: Dict[str, Any] = {} if managed else {"cwagent_admin_policy": "custom"}
    variables["cwagent_server_users"] = ["cwagent-web1"]
    aws.operator()
    before = iam_state.of(aws)

    def run(*arguments: str, **more: Any) -> Run:
        proxy.clear()
        return run_roles(FOUR, tmp_path, aws, *arguments, url=proxy.url, **variables, **more).ok()

    predicted = run("--check", "--diff")
    assert not proxy.writes
    assert iam_state.of(aws) == before
    assert len(predicted.changed) == len(FOUR)
    for name in ("CloudWatchAgentServerRole", "CloudWatchAgentAdminRole", "SSMInstanceProfile", "MySessionManagerRole"):
        assert f"create role {name}" in changes(predicted)
        assert f"create instance profile {name}" in changes(predicted)
        assert f'"{name}": {{' in predicted.stdout.replace("+    ", "")
    assert "create user cwagent-web1" in changes(predicted)
    assert "create policy SessionManagerPermissions" in changes(predicted)

    made = run()
    assert changes(made) == changes(predicted)
    assert [sorted(result["roles"]) for result in converged(made)] == [sorted(result["roles"]) for result in converged(predicted)]
    assert_end_state(aws, managed)

    again = run()
    assert again.changed == []
    assert not proxy.writes
    print(f"{aws.name}: {len(proxy.calls)} calls with nothing to do: {dict(proxy.counts())}")  # noqa: T201  (a figure to watch, with -s)
    assert len(proxy.calls) <= CALLS_WITH_NOTHING_TO_DO

    run(**{f"{role}_state": "absent" for role in FOUR})
    assert iam_state.of(aws) == before


def assert_end_state(aws: Emulator, managed: bool) -> None:
    found = iam_state.of(aws)
    server = found["roles"]["CloudWatchAgentServerRole"]
    admin = found["roles"]["CloudWatchAgentAdminRole"]
    assert server["policies"] == [f"{iam_state.AWS}CloudWatchAgentServerPolicy"]
    assert found["users"]["cwagent-web1"] == {
        "path": "/hybridops/",
        "policies": [f"{iam_state.AWS}CloudWatchAgentServerPolicy"],
        "inline": {},
        "keys": 0,
        "tags": {"hybridops.aws_agents/owner": "default"},
        "boundary": None,
    }
    if managed:
        assert admin["policies"] == [f"{iam_state.AWS}CloudWatchAgentAdminPolicy"]
    else:
        assert admin["policies"] == [iam_state.own(aws, "CloudWatchAgentAdminPolicy")]
        assert same(found["policies"]["CloudWatchAgentAdminPolicy"]["document"], golden("documents/cwagent_admin"))
    assert found["roles"]["SSMInstanceProfile"]["policies"] == [f"{iam_state.AWS}{CORE}"]
    assert found["roles"]["MySessionManagerRole"]["policies"] == [iam_state.own(aws, "SessionManagerPermissions")]
    assert same(found["policies"]["SessionManagerPermissions"]["document"], golden("session_manager"))
    for name in ("CloudWatchAgentServerRole", "CloudWatchAgentAdminRole", "SSMInstanceProfile", "MySessionManagerRole"):
        assert found["roles"][name]["trust"] == EC2_TRUST
        assert found["profiles"][name] == [name]


# What the variables do


VARIANTS: Dict[str, Any] = {
    "custom": (
        "cwagent_server",
        {
            "cwagent_server_policy": "custom",
            "cwagent_server_role_name": "custom",
            "cwagent_server_policy_name": "custom-policy",
            "cwagent_server_policy_description": "2018",
            "cwagent_server_role_description": "as in 2018",
            "cwagent_server_extra_policies": [CORE],
            "cwagent_server_tags": {"team": "ops"},
            "cwagent_server_users": ["custom-user"],
            "cwagent_server_user_extra_policies": [CORE],
            "cwagent_server_path": "/agents/",
        },
    ),
    "scoped": (
        "cwagent_server",
        {
            "cwagent_server_policy": "scoped",
            "cwagent_server_role_name": "scoped",
            "cwagent_server_policy_name": "scoped-policy",
            "cwagent_server_parameters": "cloudwatch/linux",
            "cwagent_server_instance_profile_name": "",
            "cwagent_server_users": ["scoped-user"],
            "cwagent_server_user_policy_name": "scoped-user-policy",
            "cwagent_server_user_scope": {"source_cidrs": ["203.0.113.0/24"], "log_groups": []},
            "cwagent_server_boundary": "ReadOnlyAccess",
        },
    ),
    "managed role, scoped users": (
        "cwagent_server",
        {
            "cwagent_server_role_name": "mixed",
            "cwagent_server_users": "mixed-1,mixed-2",
            "cwagent_server_users_path": "/elsewhere/",
            "cwagent_server_user_policy": "scoped",
        },
    ),
    "admin scoped": (
        "cwagent_admin",
        {
            "cwagent_admin_policy": "scoped",
            "cwagent_admin_role_name": "admin",
            "cwagent_admin_parameters": ["cloudwatch/linux"],
            "cwagent_admin_instance_profile_name": "admin-profile",
        },
    ),
    "ssm with all": (
        "ssm_profile",
        {
            "ssm_profile_role_name": "ssm",
            "ssm_profile_vpc_endpoint_regions": ["us-east-2"],
            "ssm_profile_s3_buckets": [{"name": "my-bucket-name"}],
            "ssm_profile_exact": True,
            "ssm_profile_directory_service": True,
            "ssm_profile_cloudwatch": "managed",
            "ssm_profile_extra_policies": ["CloudWatchAgentAdminPolicy"],
        },
    ),
    "ssm with the agent scoped": (
        "ssm_profile",
        {
            "ssm_profile_role_name": "ssm-scoped",
            "ssm_profile_policy_name": "ssm-scoped-s3",
            "ssm_profile_s3_buckets": [{"name": "patches", "read_only": True}],
            "ssm_profile_cloudwatch": "scoped",
            "ssm_profile_cloudwatch_scope": {"namespaces": ["Mine"]},
        },
    ),
    "ssm of one's own, and the service role": (
        "ssm_profile",
        {
            "ssm_profile_role_name": "ssm-custom",
            "ssm_profile_path": "/agents/",
            "ssm_profile_policy": "custom",
            "ssm_profile_core": {"run_command": True, "sessions": "yes", "parameters": "/nodes/*"},
            "ssm_profile_log_streams": [{"group": "/ssm/run", "streams": ["*"], "describe": True}, {"group": "/web", "streams": "web1"}],
            "ssm_profile_cloudwatch": "scoped",
            "ssm_profile_cloudwatch_policy_name": "ssm-custom-cloudwatch",
            "ssm_profile_cloudwatch_scope": {"log_groups": []},
            "ssm_profile_extra_policies": "AmazonSSMDirectoryServiceAccess",
            "ssm_profile_tags": {"team": "ops"},
            "ssm_profile_service_role": "true",
            "ssm_profile_service_role_name": "hybrid",
            "ssm_profile_service_role_description": "machines of the plant",
            "ssm_profile_service_role_regions": "eu-west-1,us-east-2",
        },
    ),
    "the service role alone": ("ssm_profile", {"ssm_profile_role_name": "", "ssm_profile_service_role": True}),
    "metrics of several accounts in one": (
        "cwagent_server",
        {
            "cwagent_server_role_name": "collected",
            "cwagent_server_assume_roles": [COLLECTOR],
            "cwagent_server_users": ["collected-user"],
            "cwagent_server_user_scope": {"source_cidrs": ["203.0.113.0/24"]},
        },
    ),
    "session inline": (
        "session_manager",
        {
            "session_manager_role_name": "inline",
            "session_manager_inline": "true",
            "session_manager_s3_bucket": "amzn-session-logs",
            "session_manager_log_group": "/sessions",
        },
    ),
    "session exact": (
        "session_manager",
        {
            "session_manager_role_name": "exact",
            "session_manager_exact": True,
            "session_manager_kms_key_arn": KEY,
        },
    ),
}


@pytest.fixture(scope="module")
def variants(moto_server: Moto, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    """IAM after one run with all variants, proven to stay so in a second."""
    moto_server.reset()
    scratch = tmp_path_factory.mktemp("variants")
    run_roles(list(VARIANTS.values()), scratch, moto_server).ok()
    found = iam_state.of(moto_server)
    assert run_roles(list(VARIANTS.values()), scratch, moto_server).ok().changed == []
    return found


def own(name: str, path: str = "/") -> str:
    return f"arn:aws:iam::{Moto.account}:policy{path}{name}"


def statement(document: Mapping[str, Any], sid: str) -> Any:
    return next((statement for statement in document["Statement"] if statement.get("Sid") == sid), None)


def test_custom_is_the_2018_edition(variants: Dict[str, Any]) -> None:
    role = variants["roles"]["custom"]
    assert role["policies"] == sorted([own("custom-policy", "/agents/"), f"{iam_state.AWS}{CORE}"])
    assert (role["path"], role["description"], role["tags"]["team"]) == ("/agents/", "as in 2018", "ops")
    policy = variants["policies"]["custom-policy"]
    assert same(policy["document"], golden("documents/cwagent_server"))
    assert (policy["description"], policy["tags"]["team"]) == ("2018", "ops")
    user = variants["users"]["custom-user"]
    assert user["policies"] == role["policies"]
    assert (user["path"], user["tags"]["team"]) == ("/hybridops/", "ops")


def test_scoped_reaches_its_parameters_and_users_have_a_policy_of_their_own(variants: Dict[str, Any]) -> None:
    assert variants["roles"]["scoped"]["policies"] == [own("scoped-policy")]
    assert variants["users"]["scoped-user"]["policies"] == [own("scoped-user-policy")]
    roles_document = variants["policies"]["scoped-policy"]["document"]
    users_document = variants["policies"]["scoped-user-policy"]["document"]
    for document in (roles_document, users_document):
        assert statement(document, "Configuration")["Resource"] == [f"arn:aws:ssm:us-east-1:{Moto.account}:parameter/cloudwatch/linux"]
    assert "203.0.113.0/24" in json.dumps(users_document)
    assert "203.0.113.0/24" not in json.dumps(roles_document)
    assert (statement(roles_document, "Logs") is None, statement(users_document, "Logs") is None) == (False, True)
    assert "scoped" not in variants["profiles"]
    assert variants["roles"]["scoped"]["boundary"] == f"{iam_state.AWS}ReadOnlyAccess"


def test_users_can_be_held_shorter_than_the_role(variants: Dict[str, Any]) -> None:
    assert variants["roles"]["mixed"]["policies"] == [f"{iam_state.AWS}CloudWatchAgentServerPolicy"]
    for name in ("mixed-1", "mixed-2"):
        assert variants["users"][name]["policies"] == [own("CloudWatchAgentServerUserPolicy")]
        assert variants["users"][name]["path"] == "/elsewhere/"


def test_the_admin_writes_the_named_parameters_only(variants: Dict[str, Any]) -> None:
    document = variants["policies"]["CloudWatchAgentAdminPolicy"]["document"]
    writing = [one for one in document["Statement"] if "ssm:PutParameter" in one["Action"]]
    assert [one["Resource"] for one in writing] == [[f"arn:aws:ssm:us-east-1:{Moto.account}:parameter/cloudwatch/linux"]]
    assert variants["profiles"]["admin-profile"] == ["admin"]


def test_each_check_box_of_the_instance_profile(variants: Dict[str, Any]) -> None:
    names = (CORE, "AmazonSSMDirectoryServiceAccess", "CloudWatchAgentServerPolicy", "CloudWatchAgentAdminPolicy")
    assert variants["roles"]["ssm"]["policies"] == sorted([own("SSMInstanceProfileS3Policy"), *(iam_state.AWS + name for name in names)])
    printed = json.dumps(variants["policies"]["SSMInstanceProfileS3Policy"]["document"])
    assert "arn:aws:s3:::us-east-2-birdwatcher-prod/*" in printed
    assert "s3:PutObjectAcl" in printed
    scoped = variants["roles"]["ssm-scoped"]["policies"]
    assert scoped == sorted([own("ssm-scoped-s3"), own("SSMInstanceProfileCloudWatchPolicy"), f"{iam_state.AWS}{CORE}"])
    assert "s3:PutObject" not in json.dumps(variants["policies"]["ssm-scoped-s3"]["document"])
    assert '"Mine"' in json.dumps(variants["policies"]["SSMInstanceProfileCloudWatchPolicy"]["document"])


def test_a_core_policy_of_ones_own_and_log_streams_for_both_kinds_of_machine(variants: Dict[str, Any]) -> None:
    made = ("SSMInstanceProfileCorePolicy", "SSMInstanceProfileLogStreamsPolicy", "ssm-custom-cloudwatch")
    expected = sorted([*(own(name, "/agents/") for name in made), f"{iam_state.AWS}AmazonSSMDirectoryServiceAccess"])
    assert variants["roles"]["ssm-custom"]["policies"] == variants["roles"]["hybrid"]["policies"] == expected
    core = variants["policies"]["SSMInstanceProfileCorePolicy"]["document"]
    assert [one["Sid"] for one in core["Statement"]] == ["Node", "RunCommand", "Sessions", "Parameters"]
    assert statement(core, "Parameters")["Resource"] == [f"arn:aws:ssm:us-east-1:{Moto.account}:parameter/nodes/*"]
    streams = json.dumps(variants["policies"]["SSMInstanceProfileLogStreamsPolicy"]["document"])
    assert f"arn:aws:logs:us-east-1:{Moto.account}:log-group:/web:log-stream:web1" in streams


def test_the_service_role_trusts_systems_manager_for_nodes_of_this_account_and_these_regions(variants: Dict[str, Any]) -> None:
    role = variants["roles"]["hybrid"]
    assert (role["path"], role["description"], role["tags"]["team"]) == ("/agents/", "machines of the plant", "ops")
    assert same(role["trust"], service_trust("eu-west-1", "us-east-2"))
    alone = variants["roles"]["SSMServiceRole"]
    assert same(alone["trust"], service_trust("us-east-1"))
    assert alone["policies"] == [f"{iam_state.AWS}{CORE}"]
    assert {"hybrid", "SSMServiceRole", "SSMInstanceProfile"} & set(variants["profiles"]) == set()
    assert "SSMInstanceProfile" not in variants["roles"]


def service_trust(*regions: str) -> Any:
    arns = [f"arn:aws:ssm:{region}:{Moto.account}:*" for region in regions]
    condition = {"StringEquals": {"aws:SourceAccount": Moto.account}, "ArnLike": {"aws:SourceArn": arns}}
    allowed = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def test_the_agent_may_become_the_role_that_collects_and_keys_from_their_addresses_only(variants: Dict[str, Any]) -> None:
    policies = variants["policies"]
    assert own("CloudWatchAgentAssumeRolesPolicy") in variants["roles"]["collected"]["policies"]
    assert own("CloudWatchAgentUserAssumeRolesPolicy") in variants["users"]["collected-user"]["policies"]
    of_role = policies["CloudWatchAgentAssumeRolesPolicy"]["document"]["Statement"]
    of_user = policies["CloudWatchAgentUserAssumeRolesPolicy"]["document"]["Statement"]
    assert [one["Resource"] for one in of_role + of_user] == [[COLLECTOR], [COLLECTOR]]
    assert ["Condition" in one for one in of_role + of_user] == [False, True]


def test_session_policy_in_the_role_itself(variants: Dict[str, Any]) -> None:
    role = variants["roles"]["inline"]
    assert role["policies"] == []
    inline = json.dumps(role["inline"]["SessionManagerPermissions"])
    assert "arn:aws:s3:::amzn-session-logs/*" in inline
    assert "log-group:/sessions" in inline


def test_session_policy_as_printed(variants: Dict[str, Any]) -> None:
    document = variants["policies"]["SessionManagerPermissions"]["document"]
    assert variants["roles"]["exact"]["policies"] == [own("SessionManagerPermissions")]
    printed = json.loads(json.dumps(golden("documents/session_manager")).replace("key-name", KEY))
    assert same(document, printed)


def test_what_is_asked_for_no_longer_goes_when_purging(moto: Emulator, tmp_path: Path) -> None:
    asked: Dict[str, Any] = {"ssm_profile_directory_service": True, "ssm_profile_s3_buckets": [{"name": "my-bucket-name"}]}
    run_roles(["ssm_profile"], tmp_path, moto, **asked).ok()
    assert run_roles(["ssm_profile"], tmp_path, moto).ok().changed == []
    run_roles(["ssm_profile"], tmp_path, moto, ssm_profile_purge_policies=True).ok()
    found = iam_state.of(moto)
    assert found["roles"]["SSMInstanceProfile"]["policies"] == [f"{iam_state.AWS}{CORE}"]
    assert "SSMInstanceProfileS3Policy" in found["policies"]
    run_roles(["ssm_profile"], tmp_path, moto, ssm_profile_state="absent", **asked).ok()
    assert "SSMInstanceProfileS3Policy" not in iam_state.of(moto)["policies"]


# A role that exists


def make_role(aws: Emulator, name: str, service: str = "ec2.amazonaws.com", profile: bool = True) -> None:
    iam = aws.client("iam")
    trust = json.loads(json.dumps(EC2_TRUST).replace("ec2.amazonaws.com", service))
    iam.create_role(RoleName=name, Path="/theirs/", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "theirs", "Value": "yes"}])
    iam.attach_role_policy(RoleName=name, PolicyArn=f"{iam_state.AWS}AmazonEC2ReadOnlyAccess")
    if profile:
        iam.create_instance_profile(InstanceProfileName=f"{name}-profile")
        iam.add_role_to_instance_profile(InstanceProfileName=f"{name}-profile", RoleName=name)


def test_an_existing_role_is_added_to_and_given_back(aws: Emulator, proxy: RecordingProxy, tmp_path: Path) -> None:
    make_role(aws, "WebServers")
    aws.operator()
    before = iam_state.of(aws)
    variables: Dict[str, Any] = {
        "ssm_profile_existing_role": True,
        "ssm_profile_role_name": "WebServers",
        "ssm_profile_s3_buckets": [{"name": "my-bucket-name"}],
        "ssm_profile_tags": {"team": "ops"},
        "ssm_profile_service_role": True,
    }
    run_roles(["ssm_profile"], tmp_path, aws, **variables).ok()
    found = iam_state.of(aws)["roles"]
    role = found["WebServers"]
    added = [f"{iam_state.AWS}{CORE}", iam_state.own(aws, "SSMInstanceProfileS3Policy")]
    assert role == {**before["roles"]["WebServers"], "policies": sorted([f"{iam_state.AWS}AmazonEC2ReadOnlyAccess", *added])}
    # The service role beside it is ours, and gets the same.
    assert (found["SSMServiceRole"]["policies"], found["SSMServiceRole"]["tags"]["team"]) == (sorted(added), "ops")
    assert run_roles(["ssm_profile"], tmp_path, aws, **variables).ok().changed == []
    run_roles(["ssm_profile"], tmp_path, aws, url=proxy.url, **variables, ssm_profile_state="absent").ok()
    assert iam_state.of(aws) == before


def test_an_existing_role_that_cannot_serve(moto: Emulator, tmp_path: Path) -> None:
    make_role(moto, "Functions", service="lambda.amazonaws.com", profile=False)
    there = {"ssm_profile_existing_role": True, "ssm_profile_role_name": "Functions"}
    messages = failures_of(
        [
            ("ssm_profile", there),
            ("ssm_profile", {**there, "ssm_profile_add_trust": True}),
            ("ssm_profile", {**there, "ssm_profile_role_description": "mine now"}),
            ("ssm_profile", {**there, "ssm_profile_role_name": "Nobody"}),
        ],
        tmp_path,
        moto,
        moto.endpoint_url,
    )
    expected = ["Set add_trust: true", "Set add_instance_profile: true", "description cannot be given", "it does not exist"]
    assert [part in message for part, message in zip(expected, messages, strict=True)] == [True] * 4, messages
    run_roles(["ssm_profile"], tmp_path, moto, **there, ssm_profile_add_trust=True, ssm_profile_add_instance_profile=True).ok()
    found = iam_state.of(moto)
    assert found["profiles"]["Functions"] == ["Functions"]
    services = [one["Principal"]["Service"] for one in found["roles"]["Functions"]["trust"]["Statement"]]
    assert services == ["lambda.amazonaws.com", "ec2.amazonaws.com"]


# What fails, and when


WRONG = {
    "an unknown kind of policy": ("cwagent_server", {"cwagent_server_policy": "all"}, "value of cwagent_server_policy must be one of"),
    "a parameter out of reach": ("cwagent_server", {"cwagent_server_parameters": ["web"]}, "begin with AmazonCloudWatch-, and so not web"),
    "a users' parameter out of reach": (
        "cwagent_server",
        {
            "cwagent_server_policy": "scoped",
            "cwagent_server_user_policy": "managed",
            "cwagent_server_policy_name": "Own",
            "cwagent_server_users": ["u"],
            "cwagent_server_parameters": ["web"],
        },
        "and so not web",
    ),
    "a name of AWS's that is granted too": (
        "cwagent_server",
        {"cwagent_server_policy": "scoped", "cwagent_server_user_policy": "managed", "cwagent_server_users": ["u"]},
        "AWS's managed policy of the same name is granted too",
    ),
    "an unknown option of the scope": (
        "cwagent_admin",
        {"cwagent_admin_policy": "scoped", "cwagent_admin_scope": {"buckets": []}},
        "unknown option: buckets",
    ),
    "a wildcard for a Region": ("ssm_profile", {"ssm_profile_vpc_endpoint_regions": ["*"]}, "wildcards are not accepted"),
    "no role at all": ("ssm_profile", {"ssm_profile_role_name": ""}, "so there is nothing to make"),
    "a feature that nothing starts": (
        "ssm_profile",
        {"ssm_profile_policy": "custom", "ssm_profile_core": {"patching": True}},
        "Set run_command: true or associations: true",
    ),
    "a stream of every group": ("ssm_profile", {"ssm_profile_log_streams": [{"group": "*", "streams": ["s"]}]}, "which limits nothing"),
    "every Region for a service role": (
        "ssm_profile",
        {"ssm_profile_service_role": True, "ssm_profile_service_role_regions": ["*"]},
        "wildcards are not accepted",
    ),
    "every role of an account": (
        "cwagent_server",
        {"cwagent_server_assume_roles": ["arn:aws:iam::444455556666:role/*"]},
        "name each, without wildcards",
    ),
    "an alias of a key": ("session_manager", {"session_manager_kms_key_arn": "alias/sessions"}, "alias/sessions"),
    "a prefix without a bucket": ("session_manager", {"session_manager_s3_prefix": "logs"}, "without s3_bucket"),
    "a name that cannot be": ("session_manager", {"session_manager_role_name": "my role"}, "not a valid role name"),
    "a user twice": ("cwagent_server", {"cwagent_server_users": ["web", "WEB"]}, "IAM ignores letter case"),
    "tags that differ in case": ("ssm_profile", {"ssm_profile_tags": {"team": "a", "Team": "b"}}, "IAM ignores letter case"),
}


def test_wrong_input_fails_before_the_first_call(moto: Emulator, tmp_path: Path) -> None:
    moto.operator()
    with RecordingProxy(moto.endpoint_url) as proxy:
        messages = failures_of([(role, variables) for role, variables, _message in WRONG.values()], tmp_path, moto, proxy.url)
        assert proxy.calls == []
    for (name, (_role, _variables, expected)), message in zip(WRONG.items(), messages, strict=True):
        assert expected in message, f"{name}: {message}"


def test_what_somebody_made_by_hand_is_adopted_when_told(moto: Emulator, tmp_path: Path) -> None:
    iam = moto.client("iam")
    iam.create_role(RoleName="CloudWatchAgentServerRole", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    refused = run_roles(["cwagent_server"], tmp_path, moto)
    assert "this collection did not make it" in refused.failures[0].msg
    run_roles(["cwagent_server"], tmp_path, moto, defaults={"adopt": True}).ok()
    assert iam_state.of(moto)["profiles"] == {"CloudWatchAgentServerRole": ["CloudWatchAgentServerRole"]}
    kept = run_roles(["cwagent_server"], tmp_path, moto, cwagent_server_state="absent")
    assert "is not deleted" in kept.failures[0].msg


def test_the_retired_policy_names_its_successor(moto: Emulator, tmp_path: Path) -> None:
    """AWS lets nobody attach AmazonEC2RoleforSSM any more, which the 2018 edition asks for."""

    def retired(call: Call, forward: Forward) -> Response:
        if call.operation == "AttachRolePolicy" and call.parameters["PolicyArn"].endswith("AmazonEC2RoleforSSM"):
            return failure(call, "PolicyNotAttachable", "Cannot attach a deprecated policy")
        return forward()

    with RecordingProxy(moto.endpoint_url, handler=retired) as proxy:
        run = run_roles(["cwagent_server"], tmp_path, moto, url=proxy.url, cwagent_server_extra_policies=["AmazonEC2RoleforSSM"])
    assert "Use AmazonSSMManagedInstanceCore instead" in run.failures[0].msg
