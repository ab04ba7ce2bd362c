# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iam_identities on both emulators: what AWS holds afterwards, and which calls it took.

The module's own loop runs in this process, so that many states are cheap to try. `test_iam_identities_playbook.py` runs the module the way
a user does.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from ansible_collections.hybridops.aws_agents.plugins.modules.iam_identities import ARGUMENT_SPEC, Identities

from tests.support.emulators import Emulator
from tests.support.recording_proxy import Call, Forward, RecordingProxy, Response, failure

OWNER = "hybridops.aws_agents/owner"
AGENT = "CloudWatchAgentServerPolicy"
CORE = "AmazonSSMManagedInstanceCore"


def lacking(call: Call, forward: Forward) -> Response:
    """Pass a call on, and answer for moto what it has not got: users have no service-specific credentials."""
    if call.operation == "ListServiceSpecificCredentials":
        return listing(call.operation, "ServiceSpecificCredentials", "")
    return forward()


def listing(operation: str, name: str, members: str) -> Response:
    body = (
        f'<{operation}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{operation}Result><{name}>{members}</{name}>'
        f"<IsTruncated>false</IsTruncated></{operation}Result></{operation}Response>"
    )
    return Response(200, (("Content-Type", "text/xml"),), body.encode())


class Account:
    """One emulated account behind a recording proxy, and the module's loop to run on it."""

    def __init__(self, emulator: Emulator, proxy: RecordingProxy) -> None:
        self.emulator, self.proxy = emulator, proxy
        self.proxy.handler = lacking
        self.iam = emulator.client("iam")
        self.region = emulator.region
        self.params: Dict[str, Any] = {}
        self.told: List[Tuple[str, float]] = []
        """What the last run said that it waits for, and for how many seconds at most."""
        self._clients: Dict[str, Any] = {}

    def client(self, service: str, **_config: Any) -> Any:
        if service not in self._clients:
            self._clients[service] = self.emulator.client(service, self.emulator.operator(), self.proxy.url)
        return self._clients[service]

    def run(self, check: bool = False, **given: Any) -> Dict[str, Any]:
        # Waiting is tested by name; elsewhere it would take half a second for each object.
        validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"wait": False, **given})
        assert not validated.error_messages, validated.error_messages
        self.params = validated.validated_parameters
        self.emulator.operator()
        self.proxy.clear()
        self.told = []
        identities = Identities(self)
        identities.announce = lambda *words: self.told.append(words)
        return converge(identities, check, diff=True)

    def twice(self, **given: Any) -> Dict[str, Any]:
        """Check, run, and run again: what was predicted is what came, and the second run has nothing to do."""
        predicted = self.run(check=True, **given)
        assert not self.proxy.writes, [str(call) for call in self.proxy.writes]
        result = self.run(**given)
        assert result == predicted
        again = self.run(**given)
        assert again["changes"] == [] and not self.proxy.writes
        assert again["diff"]["before"] == again["diff"]["after"] == result["diff"]["after"]
        return result

    def fails(self, match: str, **given: Any) -> Failure:
        with pytest.raises(Failure) as caught:
            self.run(**given)
        assert match in f"{caught.value.text}: {caught.value.cause}"
        return caught.value

    def attached(self, kind: str, name: str) -> List[str]:
        answer = getattr(self.iam, f"list_attached_{kind}_policies")(**{f"{kind.title()}Name": name})
        return sorted(policy["PolicyArn"] for policy in answer["AttachedPolicies"])

    def arn(self, resource: str) -> str:
        return f"arn:aws:iam::{self.emulator.account}:{resource}"


@pytest.fixture
def account(aws: Emulator) -> Iterator[Account]:
    with RecordingProxy(aws.endpoint_url) as proxy:
        yield Account(aws, proxy)


@pytest.fixture
def on_moto(moto: Emulator) -> Iterator[Account]:
    """For what only moto has."""
    with RecordingProxy(moto.endpoint_url) as proxy:
        yield Account(moto, proxy)


@pytest.fixture
def on_ministack(ministack: Emulator) -> Iterator[Account]:
    """For what only ministack has."""
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield Account(ministack, proxy)


def document(*actions: str) -> Dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


SERVER: Dict[str, Any] = {
    "policies": [{"name": "AgentPolicy", "preset": "cwagent_server", "description": "For agents"}],
    "roles": [
        {
            "name": "AgentRole",
            "trust": "ec2",
            "path": "/hybridops/",
            "description": "Agents",
            "max_session_duration": 7200,
            "boundary": "AgentPolicy",
            "instance_profile": True,
            "instance_profile_name": "AgentProfile",
            "policies": ["AgentPolicy", "AmazonSSMManagedInstanceCore"],
            "inline_policies": [{"name": "extra", "document": document("s3:GetObject")}],
            "tags": {"tier": "web"},
        }
    ],
    "users": [{"name": "agent-1", "path": "/hybridops/", "policies": ["AgentPolicy", AGENT]}],
    "tags": {"team": "ops"},
}
ABSENT = {
    "policies": [{"name": "AgentPolicy", "state": "absent"}],
    "roles": [{"name": "AgentRole", "state": "absent", "instance_profile": True, "instance_profile_name": "AgentProfile"}],
    "users": [{"name": "agent-1", "state": "absent"}],
}


def test_a_whole_identity_in_one_call(account):
    """Boundary and instance profile together, policies before what they are attached to."""
    result = account.twice(**SERVER)
    role = account.iam.get_role(RoleName="AgentRole")["Role"]
    assert (role["Path"], role["Description"], role["MaxSessionDuration"]) == ("/hybridops/", "Agents", 7200)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == account.arn("policy/AgentPolicy")
    tags = {tag["Key"]: tag["Value"] for tag in account.iam.list_role_tags(RoleName="AgentRole")["Tags"]}
    assert tags == {"tier": "web", "team": "ops", OWNER: "default"}
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert account.attached("role", "AgentRole") == sorted([account.arn("policy/AgentPolicy"), core])
    profile = account.iam.get_instance_profile(InstanceProfileName="AgentProfile")["InstanceProfile"]
    assert [held["RoleName"] for held in profile["Roles"]] == ["AgentRole"]
    assert account.attached("user", "agent-1") == sorted([account.arn("policy/AgentPolicy"), f"arn:aws:iam::aws:policy/{AGENT}"])
    assert result["roles"]["AgentRole"]["arn"] == role["Arn"]
    assert result["users"]["agent-1"]["arn"] == account.iam.get_user(UserName="agent-1")["User"]["Arn"]
    assert result["policies"]["AgentPolicy"]["arn"] == account.arn("policy/AgentPolicy")


def test_absent_undoes_just_that(account):
    account.run(**SERVER)
    account.iam.create_role(RoleName="Bystander", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    account.iam.create_access_key(UserName="agent-1")
    result = account.twice(**ABSENT)
    assert result["changes"][-1] == "delete policy AgentPolicy"
    assert [role["RoleName"] for role in account.iam.list_roles()["Roles"]] == ["Bystander"]
    assert [user["UserName"] for user in account.iam.list_users()["Users"]] == ["operator"]
    assert account.iam.list_policies(Scope="Local")["Policies"] == account.iam.list_instance_profiles()["InstanceProfiles"] == []


def test_drift_is_repaired(account):
    account.run(**SERVER)
    iam = account.iam
    iam.update_assume_role_policy(RoleName="AgentRole", PolicyDocument=trust("ssm.amazonaws.com"))
    iam.update_role(RoleName="AgentRole", Description="Agents", MaxSessionDuration=3600)
    iam.detach_role_policy(RoleName="AgentRole", PolicyArn=account.arn("policy/AgentPolicy"))
    iam.remove_role_from_instance_profile(InstanceProfileName="AgentProfile", RoleName="AgentRole")
    iam.put_role_policy(RoleName="AgentRole", PolicyName="extra", PolicyDocument=json.dumps(document("s3:*")))
    iam.create_policy_version(PolicyArn=account.arn("policy/AgentPolicy"), PolicyDocument=json.dumps(document("s3:*")), SetAsDefault=True)
    result = account.twice(**SERVER)
    assert result["changes"] == [
        "update trust policy of role AgentRole",
        "update max_session_duration of role AgentRole",
        f"attach managed policy {account.arn('policy/AgentPolicy')} to role AgentRole",
        "add role AgentRole to instance profile AgentProfile",
        "update document of policy AgentPolicy",
        "put inline policy extra on role AgentRole",
    ]


@pytest.mark.parametrize("kind", ["role", "user"])
def test_a_boundary_is_changed_and_taken_away(on_ministack, kind):
    """moto keeps no boundary of a user."""
    more = {"trust": "ec2"} if kind == "role" else {}
    results = [on_ministack.twice(**{f"{kind}s": [dict(more, name="x", boundary=boundary)]}) for boundary in (AGENT, CORE, "")]
    assert [result["changes"][-1].split()[0] for result in results] == ["create", "update", "delete"]


def test_tags_of_every_kind_of_object(account):
    asked = {
        "policies": [{"name": "P", "preset": "cwagent_server", "tags": {"a": "1", "b": "2"}}],
        "roles": [{"name": "R", "trust": "ec2", "tags": {"a": "1", "b": "2"}}],
        "users": [{"name": "u", "tags": {"a": "1", "b": "2"}}],
    }
    account.twice(**asked)
    for entries in asked.values():
        entries[0].update(tags={"b": "3", "c": ""}, purge_tags=True)
    account.twice(**asked)
    assert account.run(**asked)["users"]["u"]["tags"] == {"b": "3", "c": "", OWNER: "default"}


class TestPolicyVersions:
    def test_the_oldest_goes_only_when_five_are_there(self, account):
        arn = account.arn("policy/P")
        for number in range(5):
            account.run(policies=[{"name": "P", "document": document(f"s3:Get{number}")}])
        assert len(account.iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 5
        result = account.run(policies=[{"name": "P", "document": document("s3:Get5")}])
        assert result["changes"] == ["delete version v1 from policy P", "update document of policy P"]
        versions = account.iam.list_policy_versions(PolicyArn=arn)["Versions"]
        assert sorted(version["VersionId"] for version in versions) == ["v2", "v3", "v4", "v5", "v6"]
        assert account.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"

    def test_an_equal_document_makes_none(self, account):
        account.run(policies=[{"name": "P", "document": document("s3:GetObject", "s3:PutObject")}])
        spelled = {"Statement": {"Effect": "Allow", "Action": ["S3:PutObject", "s3:getobject"], "Resource": ["*"]}, "Version": "2012-10-17"}
        assert account.run(policies=[{"name": "P", "document": json.dumps(spelled)}])["changes"] == []


THEIRS = {"name": "Theirs", "existing": True, "trust": "ec2", "instance_profile": True, "policies": [CORE]}


class TestExistingRole:
    """What "To add instance profile permissions for Systems Manager to an existing role" asks for."""

    def make(self, account, service="ec2.amazonaws.com", profile=True):
        account.iam.create_role(RoleName="Theirs", AssumeRolePolicyDocument=trust(service), Tags=[{"Key": "theirs", "Value": "1"}])
        account.iam.attach_role_policy(RoleName="Theirs", PolicyArn=f"arn:aws:iam::aws:policy/{AGENT}")
        if profile:
            account.iam.create_instance_profile(InstanceProfileName="TheirProfile")
            account.iam.add_role_to_instance_profile(InstanceProfileName="TheirProfile", RoleName="Theirs")

    def test_only_added_to(self, account):
        self.make(account)
        before = account.iam.get_role(RoleName="Theirs")["Role"]
        result = account.twice(roles=[THEIRS], tags={"ours": "1"})
        assert [change.split()[0] for change in result["changes"]] == ["attach"]
        after = account.iam.get_role(RoleName="Theirs")["Role"]
        assert (after["AssumeRolePolicyDocument"], after.get("Tags")) == (before["AssumeRolePolicyDocument"], before.get("Tags"))
        assert len(account.attached("role", "Theirs")) == 2

    def test_taken_back(self, account):
        self.make(account)
        account.run(roles=[THEIRS])
        account.twice(roles=[dict(THEIRS, state="absent")])
        assert account.attached("role", "Theirs") == [f"arn:aws:iam::aws:policy/{AGENT}"]
        assert account.iam.get_instance_profile(InstanceProfileName="TheirProfile")["InstanceProfile"]["Roles"]

    def test_fails_when_ec2_is_not_trusted(self, account):
        self.make(account, "lambda.amazonaws.com")
        account.fails("does not let ec2.amazonaws.com assume it", roles=[THEIRS])
        assert not account.proxy.writes
        account.twice(roles=[dict(THEIRS, add_trust=True)])
        statements = account.iam.get_role(RoleName="Theirs")["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert [statement["Principal"]["Service"] for statement in statements] == ["lambda.amazonaws.com", "ec2.amazonaws.com"]

    def test_fails_without_an_instance_profile(self, account):
        self.make(account, profile=False)
        account.fails("no instance profile holds it", roles=[THEIRS])
        assert not account.proxy.writes
        account.twice(roles=[dict(THEIRS, add_instance_profile=True)])
        account.twice(roles=[dict(THEIRS, add_instance_profile=True, state="absent")])
        assert account.iam.list_instance_profiles()["InstanceProfiles"] == []
        assert account.iam.get_role(RoleName="Theirs")


class TestDefectsOfOthers:
    """What other modules are known for, each by its name."""

    def test_a_customer_policy_with_the_name_of_an_aws_managed_one(self, account):
        """Neither touches the AWS managed policy, nor takes it from anybody."""
        aws = f"arn:aws:iam::aws:policy/{AGENT}"
        account.run(roles=[{"name": "Other", "trust": "ec2", "policies": [AGENT]}])
        account.twice(
            policies=[{"name": AGENT, "preset": "cwagent_server"}], roles=[{"name": "R", "trust": "ec2", "policies": [AGENT, aws]}]
        )
        assert account.attached("role", "R") == sorted([aws, account.arn(f"policy/{AGENT}")])
        account.twice(policies=[{"name": AGENT, "state": "absent"}], roles=[{"name": "R", "state": "absent"}])
        assert account.attached("role", "Other") == [aws]
        assert not any(aws in json.dumps(call.parameters) for call in account.proxy.writes)

    def test_wait_waits_and_no_wait_does_not(self, account):
        asked = {"roles": [{"name": "R", "trust": "ec2", "instance_profile": True}]}
        account.run(wait=True, **asked)
        assert account.proxy.counts()["iam:GetInstanceProfile"] >= 4
        account.run(roles=[{"name": "R", "state": "absent", "instance_profile": True}])
        account.run(wait=False, **asked)
        assert account.proxy.counts()["iam:GetInstanceProfile"] == 1

    def test_a_role_made_anew_gets_its_profile_back(self, account):
        asked = {"roles": [{"name": "R", "trust": "ec2", "instance_profile": True}]}
        account.run(**asked)
        account.iam.remove_role_from_instance_profile(InstanceProfileName="R", RoleName="R")
        account.iam.delete_role(RoleName="R")
        assert account.twice(**asked)["changes"] == ["create role R", "add role R to instance profile R"]

    def test_attach_comes_before_detach(self, account):
        account.run(roles=[{"name": "R", "trust": "ec2", "policies": [AGENT]}], users=[{"name": "u", "policies": [AGENT]}])
        entry = {"policies": [CORE], "purge_policies": True}
        account.run(roles=[dict(entry, name="R")], users=[dict(entry, name="u")])
        assert [call.operation.replace("Policy", "") for call in account.proxy.writes] == [
            "AttachUser",
            "AttachRole",
            "DetachRole",
            "DetachUser",
        ]

    def test_lists_are_read_to_the_last_page(self, on_moto):
        account = on_moto
        account.run(users=[{"name": "u"}])
        for number in range(120):
            name = f"p{number:03}"
            account.iam.put_user_policy(UserName="u", PolicyName=name, PolicyDocument=json.dumps(document("s3:GetObject")))
        entry = {"name": "u", "inline_policies": [], "purge_inline_policies": True}
        assert len(account.run(users=[entry], guard=-1)["changes"]) == 120

    def test_a_user_with_everything_on_it_is_deleted(self, on_moto):
        account = on_moto
        iam = account.iam
        account.run(users=[{"name": "u", "policies": [AGENT], "inline_policies": [{"name": "i", "document": document("s3:GetObject")}]}])
        iam.create_login_profile(UserName="u", Password="Secret-of-a-test-1")
        iam.create_access_key(UserName="u")
        iam.create_group(GroupName="g")
        iam.add_user_to_group(GroupName="g", UserName="u")
        serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="m")["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(UserName="u", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321")
        result = account.run(users=[{"name": "u", "state": "absent"}])
        assert [change.split(" of ")[0].split(" from ")[0].rsplit(" ", 1)[0] for change in result["changes"]] == [
            "delete login profile",
            "delete access key",
            "delete virtual MFA device",
            "delete group membership",
            "detach managed policy",
            "delete inline policy",
            "delete user",
        ]
        assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []

    def test_service_specific_credentials_are_deleted_as_what_they_are(self, account):
        """No emulator has them, so the answers are ours and the call is what counts."""
        account.run(users=[{"name": "u"}])
        listed = {"done": False}

        def handler(call, forward):
            if call.operation == "ListServiceSpecificCredentials":
                member = (
                    "<member><UserName>u</UserName><Status>Active</Status><ServiceUserName>u-at-1</ServiceUserName>"
                    "<CreateDate>2026-01-01T00:00:00Z</CreateDate><ServiceSpecificCredentialId>ACCA1234567890123456</ServiceSpecificCredentialId>"
                    "<ServiceName>codecommit.amazonaws.com</ServiceName></member>"
                )
                return listing(call.operation, "ServiceSpecificCredentials", member)
            if call.operation == "DeleteServiceSpecificCredential":
                listed["done"] = call.parameters["ServiceSpecificCredentialId"] == "ACCA1234567890123456"
                return Response(200, (("Content-Type", "text/xml"),), b"<DeleteServiceSpecificCredentialResponse/>")
            return lacking(call, forward)

        account.proxy.handler = handler
        result = account.run(users=[{"name": "u", "state": "absent"}])
        assert "delete service-specific credential ACCA1234567890123456 from user u" in result["changes"]
        assert listed["done"]

    def test_a_denied_read_is_a_failure_and_no_absence(self, account):
        account.run(users=[{"name": "u", "inline_policies": [{"name": "i", "document": document("s3:GetObject")}]}])
        account.proxy.handler = lambda call, forward: (
            failure(call, "AccessDenied", status=403) if call.operation == "GetUserPolicy" else lacking(call, forward)
        )
        account.fails("AccessDenied", users=[{"name": "u", "inline_policies": [{"name": "i", "document": document("s3:GetObject")}]}])
        assert not account.proxy.writes

    def test_a_path_that_differs_is_a_failure(self, account):
        account.run(roles=[{"name": "R", "trust": "ec2"}])
        account.fails("IAM never changes a role's path", roles=[{"name": "R", "path": "/x/"}])

    @pytest.mark.parametrize("code", ["ConcurrentModification", "EntityTemporarilyUnmodifiable", "NoSuchEntity"])
    def test_passing_answers_are_waited_out(self, account, code):
        """A role that has just been made is not seen everywhere at once."""
        refusals = iter([True, True, False])
        account.proxy.handler = lambda call, forward: (
            failure(call, code, status=409) if call.operation == "AttachRolePolicy" and next(refusals, False) else lacking(call, forward)
        )
        account.run(roles=[{"name": "R", "trust": "ec2", "policies": [AGENT]}])
        assert account.proxy.counts()["iam:AttachRolePolicy"] == 3
        # The other two are repeated by the client, like what botocore repeats.
        assert account.told == [("IAM to show everywhere what was made", 120)] * (code == "NoSuchEntity")

    def test_a_role_that_is_not_seen_at_first_is_waited_for(self, account):
        unseen = iter([True, True])
        account.proxy.handler = lambda call, forward: (
            failure(call, "NoSuchEntity", status=404)
            if call.operation == "GetRole" and account.proxy.counts()["iam:CreateRole"] and next(unseen, False)
            else lacking(call, forward)
        )
        account.run(wait=True, wait_timeout=60, roles=[{"name": "R", "trust": "ec2", "instance_profile": False}])
        assert account.told == [("IAM to show everywhere what was made", 60)]


def test_a_retired_policy_names_its_successor(on_moto):
    """ministack does not know the retired policy."""
    account = on_moto
    account.proxy.handler = lambda call, forward: (
        failure(call, "PolicyNotAttachable") if call.operation == "AttachUserPolicy" else lacking(call, forward)
    )
    error = account.fails("Use AmazonSSMManagedInstanceCore instead", users=[{"name": "u", "policies": ["AmazonEC2RoleforSSM"]}])
    assert error.result["changes_applied"] == ["create user u"]
    assert error.result["changes_left"] == ["attach managed policy arn:aws:iam::aws:policy/service-role/AmazonEC2RoleforSSM to user u"]


def test_a_run_that_broke_off_is_finished_by_the_next(account):
    """Whichever write fails, the next run ends where an unbroken one does."""
    account.run(**SERVER)
    writes = len(account.proxy.writes)
    whole = account.run(**SERVER)["diff"]["after"]
    account.run(**ABSENT)
    for number in range(writes):
        left = iter([True] * number)
        account.proxy.handler = lambda call, forward, left=left: (
            failure(call, "AccessDenied", status=403) if call.write and not next(left, False) else lacking(call, forward)
        )
        error = account.fails("AccessDenied", **SERVER)
        assert len(error.result["changes_applied"]) == number
        account.proxy.handler = lacking
        assert account.run(**SERVER)["diff"]["after"] == whole
        account.run(**ABSENT)


def test_a_removal_that_broke_off_is_finished_by_the_next(account):
    """Whichever removal fails, the next run leaves nothing, not even an instance profile."""
    account.run(**SERVER)
    account.run(**ABSENT)
    writes = len(account.proxy.writes)
    for number in range(writes):
        account.proxy.handler = lacking
        account.run(**SERVER)
        left = iter([True] * number)
        account.proxy.handler = lambda call, forward, left=left: (
            failure(call, "AccessDenied", status=403) if call.write and not next(left, False) else lacking(call, forward)
        )
        account.fails("AccessDenied", **ABSENT)
        account.proxy.handler = lacking
        account.run(**ABSENT)
        assert account.iam.list_instance_profiles()["InstanceProfiles"] == [], number
        assert account.iam.list_policies(Scope="Local")["Policies"] == account.iam.list_roles()["Roles"] == [], number


def test_listings_without_tags_are_no_obstacle(account):
    """IAM's listings leave out tags; whose an instance profile is, is read from the profile itself."""

    def without_tags(call, forward):
        response = lacking(call, forward)
        if call.operation == "ListInstanceProfilesForRole":
            return Response(response.status, response.headers, re.sub(rb"<Tags>.*?</Tags>", b"", response.body, flags=re.DOTALL))
        return response

    account.run(roles=[{"name": "R", "trust": "ec2", "instance_profile": True}])
    account.proxy.handler = without_tags
    account.run(roles=[{"name": "R", "state": "absent"}])
    assert account.iam.list_instance_profiles()["InstanceProfiles"] == []


@pytest.mark.parametrize("reference", ["account:/x/NoSuch", "arn:aws:iam::aws:policy/NoSuch", "NoSuch"])
def test_a_policy_that_is_not_there_is_missed_before_anything_is_made(account, reference):
    account.fails("there is no", roles=[{"name": "R", "trust": "ec2", "policies": [reference]}])
    assert not account.proxy.writes
    account.fails("there is no", roles=[{"name": "R", "trust": "ec2", "boundary": reference}])
    assert not account.proxy.writes


def test_what_others_delete_meanwhile_is_waited_for_and_no_more(account):
    """A policy that is not there any more when it is to be attached may only not be seen yet: the same is tried again, for a while."""
    account.iam.create_policy(PolicyName="Theirs", PolicyDocument=json.dumps(document("s3:GetObject")))
    account.run(users=[{"name": "u"}])
    account.proxy.handler = lambda call, forward: (
        failure(call, "NoSuchEntity", status=404) if call.operation == "AttachUserPolicy" else lacking(call, forward)
    )
    asked = {"policies": [{"name": "P", "document": document("s3:GetObject")}], "users": [{"name": "u", "policies": ["account:Theirs"]}]}
    account.fails("NoSuchEntity", **asked)
    assert 1 < account.proxy.counts()["iam:AttachUserPolicy"] < 20 and account.proxy.counts()["iam:CreatePolicy"] == 1


@pytest.mark.parametrize("operation", ["DeletePolicy", "DeleteRole", "DeleteInstanceProfile"])
def test_what_this_run_let_go_of_is_deleted_once_iam_sees_it(account, operation):
    """IAM may refuse a deletion for what was detached or taken out a moment before."""
    account.run(
        policies=SERVER["policies"],
        roles=[{"name": "R", "trust": "ec2", "instance_profile": True}],
        users=[{"name": "u", "policies": ["AgentPolicy"]}],
    )
    conflicts = iter([True])
    account.proxy.handler = lambda call, forward: (
        failure(call, "DeleteConflict", status=409) if call.operation == operation and next(conflicts, False) else lacking(call, forward)
    )
    gone = {"state": "absent"}
    account.run(policies=[dict(gone, name="AgentPolicy")], roles=[dict(gone, name="R")], users=[dict(gone, name="u")])
    assert account.proxy.counts()[f"iam:{operation}"] == 2


def test_two_accounts_of_the_truth_in_bulk_and_one_by_one(account):
    """Reading all users at once finds the same as reading each."""
    asked = {"users": [{"name": f"u{n}", "path": "/h/", "policies": [AGENT], "tags": {"n": str(n)}} for n in range(6)]}
    single = account.twice(**asked)
    bulk = account.run(bulk_read_above=5, **asked)
    assert bulk["diff"]["after"] == single["diff"]["after"] and bulk["changes"] == []
    assert account.proxy.counts() == {"sts:GetCallerIdentity": 1, "iam:GetAccountAuthorizationDetails": 1}


def test_reading_in_bulk_falls_back_where_it_is_denied(account):
    asked = {"users": [{"name": f"u{n}"} for n in range(3)]}
    account.run(**asked)
    account.proxy.handler = lambda call, forward: (
        failure(call, "AccessDenied", status=403) if call.operation == "GetAccountAuthorizationDetails" else lacking(call, forward)
    )
    assert account.run(bulk_read_above=1, **asked)["changes"] == []
    assert account.proxy.counts()["iam:GetUser"] == 3


def test_an_attached_aws_managed_policy_is_not_looked_up_again(on_moto):
    account = on_moto
    asked = {"users": [{"name": "u", "policies": [AGENT, "AmazonEC2RoleforSSM"]}]}
    account.run(**asked)
    account.run(**asked)
    assert account.proxy.counts() == {"sts:GetCallerIdentity": 1, "iam:GetUser": 1, "iam:ListAttachedUserPolicies": 1}


def test_what_only_helps_is_done_without_where_it_is_denied(on_moto):
    """A caller that may not list policies or read the account's summary can still do the work."""
    names = [f"p{number}" for number in range(11)]
    on_moto.proxy.handler = lambda call, forward: (
        failure(call, "AccessDenied", status=403) if call.operation in ("ListPolicies", "GetAccountSummary") else lacking(call, forward)
    )
    on_moto.run(policies=[{"name": name, "document": document("s3:GetObject")} for name in names])
    on_moto.fails(
        "the account's quota of 10",
        policies=[{"name": "x", "document": document("s3:GetObject")}],
        users=[{"name": "u", "policies": [f"account:{name}" for name in names]}],
    )
    assert not on_moto.proxy.writes


def test_the_quota_is_asked_for_only_where_it_matters(on_moto):
    """Ten are attached, and one other shall be: that needs room for eleven, or a moment with none."""
    names = [f"p{number}" for number in range(10)]
    policies = [{"name": name, "document": document("s3:GetObject")} for name in names]
    on_moto.run(policies=policies, users=[{"name": "u", "policies": names}])
    assert on_moto.proxy.counts()["iam:GetAccountSummary"] == 1, "something was made"
    on_moto.run(policies=policies, users=[{"name": "u", "policies": names}])
    assert "iam:GetAccountSummary" not in on_moto.proxy.counts()
    asked = {"users": [{"name": "u", "policies": [AGENT], "purge_policies": True}]}
    on_moto.fails("allow_gap: true", **asked)
    assert on_moto.proxy.counts()["iam:GetAccountSummary"] == 1 and not on_moto.proxy.writes
    on_moto.run(allow_gap=True, **asked)
    assert [call.operation for call in on_moto.proxy.writes] == ["DetachUserPolicy"] * 10 + ["AttachUserPolicy"]


def test_wrong_input_makes_no_call(account):
    account.fails("users: 'a b' is not a valid user name", users=[{"name": "a b"}])
    assert account.proxy.calls == []


def test_the_root_user_is_refused(ministack):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        account = Account(ministack, proxy)
        account._clients = {service: ministack.client(service, ministack.root, proxy.url) for service in ("sts", "iam")}
        account.fails("allow_root: true", users=[{"name": "u"}])
        assert not proxy.writes
        account.run(users=[{"name": "u"}], allow_root=True)
