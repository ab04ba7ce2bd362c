# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of operators: each way to more than they should have, tried, beside what they need and is nearest to it."""

from __future__ import annotations

import re

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import calls
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

from tests.support.policy_simulator import ALLOWED, DENIED, NOT_ALLOWED, Request, decide
from tests.support.tree import ROOT
from tests.unit.catalogue_variants import ACCOUNT, CHINA, HERE, KEY, NOWHERE, built

IAM = f"arn:aws:iam::{ACCOUNT}:"
AWS = "arn:aws:iam::aws:policy/"
BOUNDARY = f"{IAM}policy/operators/AgentsBoundary"
UNDER_OUR_PATH = f"{IAM}policy/hybridops/AgentsBoundary"
OURS = {"iam:PermissionsBoundary": BOUNDARY}
OTHER = {"iam:PermissionsBoundary": f"{IAM}policy/Wide"}
OWNER = {"aws:TagKeys": ["hybridops.aws_agents/owner"], "aws:RequestTag/hybridops.aws_agents/owner": "default"}
RETIRED = {"aws:TagKeys": ["hybridops.aws_agents/retired/AKIAEXAMPLE"]}


def attached(policy, keys=None):
    return {**(OURS if keys is None else keys), "iam:PolicyARN": policy}


def role(name="hybridops/R"):
    return f"{IAM}role/{name}"


def user(name="hybridops/cwagent-web1"):
    return f"{IAM}user/{name}"


def policy(name="hybridops/P"):
    return f"{IAM}policy/{name}"


def passed(service):
    return {"iam:PassedToService": f"{service}.amazonaws.com"}


def preset(name, **options):
    return catalogue.build(name, options, HERE, "policy p")


OPERATOR_AWS = preset("operator_aws", boundary="account:/operators/AgentsBoundary")
OPERATOR_HOSTS = preset("operator_hosts")


# What is tried, and the nearest thing that is needed.
AWS_SIDE = {
    "make a role without the boundary": (Request("iam:CreateRole", role()), Request("iam:CreateRole", role(), OURS)),
    "make a role with another boundary": (Request("iam:CreateRole", role(), OTHER), Request("iam:CreateRole", role(), OURS)),
    "make a role elsewhere": (Request("iam:CreateRole", role("R"), OURS), Request("iam:CreateRole", role("hybridops/eu/R"), OURS)),
    "make a user without the boundary": (Request("iam:CreateUser", user()), Request("iam:CreateUser", user(), OURS)),
    "make a user elsewhere": (Request("iam:CreateUser", user("admin2"), OURS), Request("iam:CreateUser", user(), OURS)),
    "attach AdministratorAccess": (
        Request("iam:AttachRolePolicy", role(), attached(f"{AWS}AdministratorAccess")),
        Request("iam:AttachRolePolicy", role(), attached(f"{AWS}CloudWatchAgentServerPolicy")),
    ),
    "attach it to a user": (
        Request("iam:AttachUserPolicy", user(), attached(f"{AWS}AdministratorAccess")),
        Request("iam:AttachUserPolicy", user(), attached(policy())),
    ),
    "attach somebody's policy": (
        Request("iam:AttachRolePolicy", role(), attached(policy("Wide"))),
        Request("iam:AttachRolePolicy", role(), attached(policy())),
    ),
    "attach to a role without the boundary": (
        Request("iam:AttachRolePolicy", role(), {"iam:PolicyARN": policy()}),
        Request("iam:AttachRolePolicy", role(), attached(policy())),
    ),
    "attach to a foreign role": (
        Request("iam:AttachRolePolicy", role("Admin"), attached(policy())),
        Request("iam:AttachRolePolicy", role(), attached(policy())),
    ),
    "put a policy into a role without the boundary": (
        Request("iam:PutRolePolicy", role(), OTHER),
        Request("iam:PutRolePolicy", role(), OURS),
    ),
    "put a policy into itself": (Request("iam:PutUserPolicy", user("operators/me")), Request("iam:PutUserPolicy", user(), OURS)),
    "put a policy into itself where it lives among ours": (
        Request("iam:PutUserPolicy", user("hybridops/me")),
        Request("iam:PutUserPolicy", user(), OURS),
    ),
    "attach to itself": (
        Request("iam:AttachUserPolicy", user("operators/me"), {"iam:PolicyARN": policy()}),
        Request("iam:AttachUserPolicy", user(), attached(policy())),
    ),
    "take a policy from a foreign role": (
        Request("iam:DetachRolePolicy", role("Admin"), attached(policy("Guard"), {})),
        Request("iam:DetachRolePolicy", role(), attached(f"{AWS}AmazonSSMPatchAssociation")),
    ),
    "lift a boundary of a role": (
        Request("iam:DeleteRolePermissionsBoundary", role(), OURS),
        Request("iam:PutRolePermissionsBoundary", role(), OURS),
    ),
    "lift a boundary of a user": (
        Request("iam:DeleteUserPermissionsBoundary", user(), OURS),
        Request("iam:PutUserPermissionsBoundary", user(), OURS),
    ),
    "put a wider boundary": (
        Request("iam:PutRolePermissionsBoundary", role(), OTHER),
        Request("iam:PutRolePermissionsBoundary", role(), OURS),
    ),
    "a new version of the boundary": (Request("iam:CreatePolicyVersion", BOUNDARY), Request("iam:CreatePolicyVersion", policy())),
    "another version of the boundary": (
        Request("iam:SetDefaultPolicyVersion", BOUNDARY),
        Request("iam:CreatePolicyVersion", policy()),
    ),
    "another version of a policy of ours": (
        Request("iam:SetDefaultPolicyVersion", policy()),
        Request("iam:DeletePolicyVersion", policy()),
    ),
    "delete the boundary": (Request("iam:DeletePolicy", BOUNDARY), Request("iam:DeletePolicy", policy())),
    "make the boundary anew": (Request("iam:CreatePolicy", BOUNDARY), Request("iam:CreatePolicy", policy())),
    "tag the boundary as ours": (Request("iam:TagPolicy", BOUNDARY, OWNER), Request("iam:TagPolicy", policy(), OWNER)),
    "a new version of a foreign policy": (
        Request("iam:CreatePolicyVersion", policy("Shared")),
        Request("iam:CreatePolicyVersion", policy()),
    ),
    "the trust of a foreign role": (
        Request("iam:UpdateAssumeRolePolicy", role("Admin")),
        Request("iam:UpdateAssumeRolePolicy", role()),
    ),
    "a foreign role's session of half a day": (Request("iam:UpdateRole", role("Admin")), Request("iam:UpdateRole", role())),
    "tag a foreign role as ours": (Request("iam:TagRole", role("Admin"), OWNER), Request("iam:TagRole", role(), OWNER)),
    "tag a foreign user as ours": (Request("iam:TagUser", user("admin"), OWNER), Request("iam:TagUser", user(), OWNER)),
    # IAM asks for the user as it is, and for the user as it will be.
    "move a foreign user among ours": (Request("iam:UpdateUser", user("admin")), Request("iam:UpdateUser", user())),
    "delete a foreign role": (Request("iam:DeleteRole", role("Admin")), Request("iam:DeleteRole", role())),
    "delete a foreign user": (Request("iam:DeleteUser", user("admin")), Request("iam:DeleteUser", user())),
    "make a key": (Request("iam:CreateAccessKey", user()), Request("iam:DeleteAccessKey", user())),
    "deactivate an admin's key": (Request("iam:UpdateAccessKey", user("admin")), Request("iam:UpdateAccessKey", user())),
    "make a console password": (Request("iam:CreateLoginProfile", user()), Request("iam:GetLoginProfile", user())),
    "change a console password": (Request("iam:UpdateLoginProfile", user("admin")), Request("iam:GetLoginProfile", user())),
    "add a user to a group": (
        Request("iam:AddUserToGroup", f"{IAM}group/admins"),
        Request("iam:ListGroupsForUser", user()),
    ),
    "take an MFA device": (Request("iam:DeactivateMFADevice", user("admin")), Request("iam:ListMFADevices", user())),
    "pass a foreign role": (Request("iam:PassRole", role("Admin"), passed("ec2")), Request("iam:PassRole", role(), passed("ec2"))),
    "pass a role to another service": (Request("iam:PassRole", role(), passed("lambda")), Request("iam:PassRole", role(), passed("ec2"))),
    "put a role into a foreign profile": (
        Request("iam:AddRoleToInstanceProfile", f"{IAM}instance-profile/Admin"),
        Request("iam:AddRoleToInstanceProfile", f"{IAM}instance-profile/hybridops/R"),
    ),
    "assume a role": (Request("sts:AssumeRole", role("Admin")), Request("iam:GetRole", role("Admin"))),
    "simulate others": (Request("iam:SimulatePrincipalPolicy", user("admin")), Request("iam:GetUser", user("admin"))),
    "run code on every node": (
        Request("ssm:UpdateDocument", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/SSM-SessionManagerRunShell"),
        Request("iam:GetPolicyVersion", policy()),
    ),
    "send a command": (Request("ssm:SendCommand", "*"), Request("iam:ListPolicies")),
    "change a setting of the account": (Request("ssm:UpdateServiceSetting", "*"), Request("iam:GetAccountSummary")),
    "give an instance another profile": (
        Request("ec2:AssociateIamInstanceProfile", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"),
        Request("iam:GetInstanceProfile", f"{IAM}instance-profile/Other"),
    ),
}

HOSTS_SIDE = {
    "key of a foreign user": (Request("iam:CreateAccessKey", user("bob")), Request("iam:CreateAccessKey", user())),
    "key of an admin": (Request("iam:CreateAccessKey", user("admins/root2")), Request("iam:CreateAccessKey", user("hybridops/eu/web1"))),
    "key of a path that begins alike": (Request("iam:CreateAccessKey", user("hybridops2/bob")), Request("iam:CreateAccessKey", user())),
    "an admin's keys, seen": (Request("iam:ListAccessKeys", user("admin")), Request("iam:ListAccessKeys", user())),
    "an admin's key, reactivated": (Request("iam:UpdateAccessKey", user("admin")), Request("iam:UpdateAccessKey", user())),
    "an admin's key, deleted": (Request("iam:DeleteAccessKey", user("admin")), Request("iam:DeleteAccessKey", user())),
    "tag a user as ours": (Request("iam:TagUser", user(), OWNER), Request("iam:TagUser", user(), RETIRED)),
    "tag a user as ours beside": (
        Request("iam:TagUser", user(), {"aws:TagKeys": [*RETIRED["aws:TagKeys"], *OWNER["aws:TagKeys"]]}),
        Request("iam:TagUser", user(), RETIRED),
    ),
    "take the owner off a user": (Request("iam:UntagUser", user(), OWNER), Request("iam:UntagUser", user(), RETIRED)),
    "tag without a key": (Request("iam:TagUser", user()), Request("iam:TagUser", user(), RETIRED)),
    "make a user": (Request("iam:CreateUser", user(), OURS), Request("iam:GetUser", user("no-such-user"))),
    "delete a user": (Request("iam:DeleteUser", user()), Request("iam:DeleteAccessKey", user())),
    "give a user permissions": (Request("iam:AttachUserPolicy", user(), attached(policy())), Request("iam:ListGroupsForUser", user())),
    "put a policy into a user": (Request("iam:PutUserPolicy", user(), OURS), Request("iam:GetAccessKeyLastUsed", user())),
    "change a policy": (Request("iam:CreatePolicyVersion", policy()), Request("iam:GetUser", user())),
    "change a trust": (Request("iam:UpdateAssumeRolePolicy", role()), Request("iam:GetUser", user())),
    "pass a role": (Request("iam:PassRole", role("SSMServiceRole"), passed("ssm")), Request("iam:GetUser", user())),
    "make a console password": (Request("iam:CreateLoginProfile", user()), Request("iam:GetLoginProfile", user())),
    "read a parameter": (
        Request("ssm:GetParameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/secret"),
        Request("iam:GetUser", user()),
    ),
}

ATTEMPTS = {
    **{f"operator_aws: {name}": (OPERATOR_AWS, *pair) for name, pair in AWS_SIDE.items()},
    **{f"operator_hosts: {name}": (OPERATOR_HOSTS, *pair) for name, pair in HOSTS_SIDE.items()},
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_escalation_is_denied(name):
    document, attempt, _needed = ATTEMPTS[name]
    assert decide(attempt, [document]) != ALLOWED


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_is_needed_beside_it_is_allowed(name):
    document, _attempt, needed = ATTEMPTS[name]
    assert decide(needed, [document]) == ALLOWED


# With every action on everything granted by another policy, these stay denied.
NEVER = [
    *(Request(f"iam:{action}", BOUNDARY) for action in ("CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "SetDefaultPolicyVersion")),
    Request("iam:TagPolicy", BOUNDARY),
    Request("iam:DeleteRolePermissionsBoundary", role(), OURS),
    Request("iam:DeleteUserPermissionsBoundary", user("admin"), OTHER),
]


@pytest.mark.parametrize("request_", NEVER, ids=lambda request: request.action)
def test_the_boundary_is_guarded_whatever_else_is_granted(request_):
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    assert decide(request_, [OPERATOR_AWS, everything]) == DENIED


def test_a_boundary_among_our_policies_is_guarded_too():
    document = preset("operator_aws", boundary=UNDER_OUR_PATH)
    assert decide(Request("iam:CreatePolicyVersion", UNDER_OUR_PATH), [document]) == DENIED
    assert decide(Request("iam:CreatePolicyVersion", policy()), [document]) == ALLOWED


@pytest.mark.parametrize("kind", ["operator_aws", "operator_hosts"])
def test_the_table_s_calls_are_granted_and_those_of_an_administrator_are_not(kind):
    """Whatever a line of the table asks for, on an object of ours with the boundary, and on nothing that the table leaves out."""
    document, uses = (OPERATOR_AWS, calls.ACCESS) if kind == "operator_aws" else (OPERATOR_HOSTS, calls.KEYS)
    for call in calls.CALLS.values():
        keys = {**attached(policy()), **passed("ec2"), **RETIRED}
        for action, on in call.actions:
            resource = f"{IAM}{on.partition(' ')[0]}/hybridops/x" if on != calls.ANY else "*"
            wanted = uses in call.uses or (
                action in {each for other in calls.CALLS.values() if uses in other.uses for each, _on in other.actions}
            )
            assert (decide(Request(action, resource, keys), [document]) == ALLOWED) == wanted, (call.operation, action)


@pytest.mark.parametrize("variant", ["operator_aws", "operator_hosts_all", "operator_extras", "operator_audit"])
def test_what_is_granted_on_everything_only_reads(variant):
    writes = {action for call in calls.CALLS.values() if call.writes for action, _kind in call.actions}
    wide = {
        action
        for statement in built(variant)["Statement"]
        if statement["Effect"] == "Allow" and statement["Resource"] == ["*"]
        for action in statement["Action"]
    }
    # An activation has no ARN; whose role it is for is limited by iam:PassRole.
    assert wide & writes <= {"ssm:CreateActivation", "ssm:DeleteActivation"}


# What is switched on


def test_names_beside_the_path():
    document = preset(
        "operator_aws", boundary=BOUNDARY, roles=["CloudWatchAgentServerRole", "/edge/Agent*"], policies=["SSMInstance*"], users=["web1"]
    )
    for allowed in (
        Request("iam:CreateRole", role("CloudWatchAgentServerRole"), OURS),
        Request("iam:AttachRolePolicy", role("edge/AgentX"), attached(policy("SSMInstanceProfileS3Policy"))),
        Request("iam:CreatePolicyVersion", policy("SSMInstanceProfileS3Policy")),
        Request("iam:AddRoleToInstanceProfile", f"{IAM}instance-profile/CloudWatchAgentServerRole"),
        Request("iam:PassRole", role("CloudWatchAgentServerRole"), passed("ec2")),
        Request("iam:CreateUser", user("web1"), OURS),
    ):
        assert decide(allowed, [document]) == ALLOWED, allowed
    for refused in (
        Request("iam:CreateRole", role("CloudWatchAgentServerRole2"), OURS),
        Request("iam:CreateRole", role("AgentX"), OURS),
        Request("iam:CreatePolicyVersion", policy("Instance")),
        Request("iam:CreateUser", user("web11"), OURS),
    ):
        assert decide(refused, [document]) == NOT_ALLOWED, refused


SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:"
RUN_SHELL = f"{SSM}document/SSM-SessionManagerRunShell"
INSTANCE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"
TIER = f"{SSM}servicesetting/ssm/managed-instance/activation-tier"
ADMIN_ROLE = role("hybridops/CloudWatchAgentAdminRole")

# Options of operator_extras; what they grant, and what they don't.
EXTRAS = {
    "session_preferences": (
        {"session_preferences": True, "bucket_names": ["session-logs"], "log_groups": ["/sessions"], "kms_key_arns": [KEY]},
        [
            Request("ssm:UpdateDocument", RUN_SHELL),
            Request("ssm:ListTagsForResource", RUN_SHELL),
            Request("s3:PutBucketPolicy", "arn:aws:s3:::session-logs"),
            Request("logs:CreateLogGroup", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/sessions"),
            Request("kms:DescribeKey", KEY),
        ],
        [
            Request("ssm:UpdateDocument", f"{SSM}document/Other"),
            Request("ssm:SendCommand", RUN_SHELL),
            Request("s3:PutBucketPolicy", "arn:aws:s3:::salaries"),
            Request("s3:GetObject", "arn:aws:s3:::session-logs/a"),
            Request("ssm:UpdateServiceSetting", TIER),
            Request("kms:Decrypt", KEY),
        ],
    ),
    "service_settings": (
        {"service_settings": True},
        [Request("ssm:UpdateServiceSetting", TIER), Request("ssm:GetServiceSetting", TIER)],
        [
            Request("ssm:UpdateServiceSetting", f"{SSM}servicesetting/ssm/managed-instance/default-ec2-instance-management-role"),
            Request("ssm:UpdateDocument", RUN_SHELL),
        ],
    ),
    "instance_profile_associations": (
        {"instance_profile_associations": True, "roles": ["SSMInstanceProfile"]},
        [
            Request("ec2:ReplaceIamInstanceProfileAssociation", INSTANCE),
            Request("ec2:DescribeInstances"),
            Request("iam:PassRole", role(), passed("ec2")),
            Request("iam:PassRole", role("SSMInstanceProfile"), passed("ec2")),
        ],
        [
            Request("iam:PassRole", role("Admin"), passed("ec2")),
            Request("iam:PassRole", role(), passed("lambda")),
            Request("ec2:RebootInstances", INSTANCE),
            Request("ec2:CreateTags", INSTANCE),
        ],
    ),
    "reboot": (
        {"instance_profile_associations": True, "reboot": True},
        [Request("ec2:RebootInstances", INSTANCE)],
        [Request("ec2:TerminateInstances", INSTANCE)],
    ),
    "role_arns": (
        {"role_arns": [ADMIN_ROLE], "kms_key_arns": [KEY]},
        [
            Request("sts:AssumeRole", ADMIN_ROLE),
            Request("ssm:GetParameter", f"{SSM}parameter/AmazonCloudWatch-linux"),
            Request("kms:DescribeKey", KEY),
        ],
        [
            Request("kms:Encrypt", KEY),
            Request("sts:AssumeRole", role("Admin")),
            Request("ssm:PutParameter", f"{SSM}parameter/AmazonCloudWatch-linux"),
            Request("ssm:GetParameter", f"{SSM}parameter/secret"),
        ],
    ),
}


@pytest.mark.parametrize("name", EXTRAS)
def test_extras(name):
    options, allowed, refused = EXTRAS[name]
    document = preset("operator_extras", **options)
    assert [request for request in allowed if decide(request, [document]) != ALLOWED] == []
    assert [request for request in refused if decide(request, [document, OPERATOR_AWS]) == ALLOWED] == []


AUDITS = {"session_preferences": True, "bucket_names": ["session-logs"], "log_groups": ["/sessions"], "kms_key_arns": [KEY]}


@pytest.mark.parametrize("options", [{}, AUDITS], ids=["identities", "sessions"])
def test_an_audit_only_reads(options):
    document = preset("operator_audit", **options)
    for action in ("iam:SimulatePrincipalPolicy", "iam:ListAccessKeys", "ssm:GetServiceSetting", "iam:GetAccountAuthorizationDetails"):
        assert decide(Request(action, "*"), [document]) == ALLOWED
    changes = {action for call in calls.CALLS.values() if call.writes for action, _kind in call.actions}
    assert not changes & {action for statement in document["Statement"] for action in statement["Action"]}


def test_an_audit_of_session_preferences_reads_what_the_module_reads():
    """The role ``session_manager`` is predicted by ``audit``, and its preferences with it."""
    document, bare = preset("operator_audit", **AUDITS), preset("operator_audit")
    resources = {
        "document": RUN_SHELL,
        "bucket": "arn:aws:s3:::session-logs",
        "log-group": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/sessions",
        "key": KEY,
        calls.ANY: "*",
    }
    asked = [
        Request(action, resources[kind])
        for call in calls.CALLS.values()
        if calls.SESSIONS in call.uses and not call.writes
        for action, kind in call.actions
        if kind in resources
    ]
    assert len(asked) > 10
    assert [request for request in asked if decide(request, [document]) != ALLOWED] == []
    assert [request for request in asked if decide(request, [bare]) == ALLOWED] == []
    for refused in (Request("s3:ListBucket", "arn:aws:s3:::salaries"), Request("ssm:GetDocument", f"{SSM}document/Other")):
        assert decide(refused, [document]) == NOT_ALLOWED, refused


def test_activations():
    document = preset("operator_hosts", activation_roles=["/hybridops/SSMServiceRole"])
    node = f"{SSM}managed-instance/mi-1"
    for allowed in (
        Request("ssm:CreateActivation"),
        Request("ssm:DeregisterManagedInstance", node),
        Request("iam:PassRole", role("hybridops/SSMServiceRole"), passed("ssm")),
    ):
        assert decide(allowed, [document]) == ALLOWED, allowed
    for refused in (
        Request("iam:PassRole", role("Admin"), passed("ssm")),
        Request("iam:PassRole", role("hybridops/SSMServiceRole"), passed("ec2")),
        Request("ssm:AddTagsToResource", f"{SSM}parameter/secret"),
        Request("ssm:SendCommand", node),
    ):
        assert decide(refused, [document]) != ALLOWED, refused


def test_the_store_of_a_shared_key():
    document = preset("operator_hosts", shared_parameters=["/agents/key"], kms_key_arns=[KEY])
    place = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter"
    for action in ("ssm:GetParameter", "ssm:PutParameter", "ssm:AddTagsToResource"):
        assert decide(Request(action, f"{place}/agents/key"), [document]) == ALLOWED
        assert decide(Request(action, f"{place}/agents/key2"), [document]) == NOT_ALLOWED
    assert decide(Request("kms:Decrypt", KEY), [document]) == ALLOWED
    assert decide(Request("kms:Decrypt", KEY + "0"), [document]) == NOT_ALLOWED


WRONG = {
    "no boundary": ("operator_aws", {}, "boundary is required"),
    "a boundary by a bare name": ("operator_aws", {"boundary": "AgentsBoundary"}, "account:/path/Name"),
    "a boundary that limits nothing": ("operator_aws", {"boundary": f"{AWS}AdministratorAccess"}, "limits nothing"),
    "no extras": ("operator_extras", {}, "grants nothing"),
    "a reboot for nothing": ("operator_extras", {"reboot": True}, "instance_profile_associations as well"),
    "every document": ("operator_extras", {"session_preferences": True, "document_names": ["*"]}, "is no name of a session document"),
    "every path": ("operator_aws", {"boundary": BOUNDARY, "paths": ["/"]}, "every path"),
    "a path with a wildcard": ("operator_aws", {"boundary": BOUNDARY, "paths": ["/*/"]}, "is not valid"),
    "no path": ("operator_hosts", {"paths": []}, "names no path"),
    "a role by a wildcard": ("operator_aws", {"boundary": BOUNDARY, "roles": ["*"]}, "is no name"),
    "a path by a wildcard": ("operator_hosts", {"users": ["/*/web1"]}, "is no name"),
    "a policy of AWS that is none": (
        "operator_aws",
        {"boundary": BOUNDARY, "managed_policies": ["*"]},
        "is not a valid managed policy name",
    ),
    "a store without a key": ("operator_hosts", {"shared_parameters": ["/agents/key"]}, "belong together"),
    "a store that every server reads": (
        "operator_hosts",
        {"shared_parameters": ["AmazonCloudWatch-key"], "kms_key_arns": [KEY]},
        "every server",
    ),
    "too much": ("operator_aws", {"boundary": BOUNDARY, "paths": [f"/{'long' * 20}{number}/" for number in range(12)]}, "6,144"),
    "too many Regions": (
        "operator_boundary",
        {"vpc_endpoint_regions": ["eu-west-1", "us-east-1"], "bucket_names": ["b" * 60] * 40},
        "6,144",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options(name):
    kind, options, says = WRONG[name]
    with pytest.raises(InputError, match=re.escape(says)):
        catalogue.build(kind, options, HERE, "policy p")


def test_a_boundary_of_an_account_that_is_not_known():
    with pytest.raises(InputError, match="the account is not known"):
        catalogue.build("operator_aws", {"boundary": "account:/AgentsBoundary"}, NOWHERE, "policy p")
    document = catalogue.build("operator_aws", {"boundary": BOUNDARY}, NOWHERE, "policy p")
    assert decide(Request("iam:CreateRole", role(), OURS), [document]) == ALLOWED


def test_service_principals_of_another_partition():
    document = catalogue.build("operator_aws", {"boundary": "account:/B"}, CHINA, "policy p")
    passes = next(statement for statement in document["Statement"] if statement["Sid"] == "PassesToEc2")
    assert passes["Condition"]["StringEquals"]["iam:PassedToService"] == ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]


# The boundary

WITHIN = (
    "cwagent_server_scoped", "cwagent_admin_scoped", "session_manager_s3", "session_manager_kms", "session_manager_logs",
    "ssm_s3_regions", "ssm_core", "ssm_core_state_manager",
)  # fmt: skip
"""Documents of agents, in variants that name nothing but what the boundary of this test does. The catalogue's others are for people."""


def test_the_boundary_leaves_the_agents_what_their_documents_grant():
    boundary = preset(
        "operator_boundary", bucket_names=["session-logs"], kms_key_arns=[KEY], vpc_endpoint_regions=["eu-west-1", "us-east-1"]
    )
    group = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:any"
    for variant in WITHIN:
        for statement in built(variant)["Statement"]:
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    asked = group if action.startswith("logs:") and action != "logs:DescribeLogGroups" and resource == "*" else resource
                    assert decide(Request(action, asked), [allow_all()], boundary) == ALLOWED, (variant, action, asked)


def allow_all():
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


# What AmazonSSMManagedInstanceCore (version 2) and AmazonSSMDirectoryServiceAccess grant, save parameters.
NODE = """ssm:DescribeAssociation ssm:GetDeployablePatchSnapshotForInstance ssm:GetDocument ssm:DescribeDocument ssm:GetManifest
ssm:ListAssociations ssm:ListInstanceAssociations ssm:PutInventory ssm:PutComplianceItems ssm:PutConfigurePackageResult
ssm:UpdateAssociationStatus ssm:UpdateInstanceAssociationStatus ssm:UpdateInstanceInformation ssmmessages:CreateControlChannel
ssmmessages:CreateDataChannel ssmmessages:OpenControlChannel ssmmessages:OpenDataChannel ec2messages:AcknowledgeMessage
ec2messages:DeleteMessage ec2messages:FailMessage ec2messages:GetEndpoint ec2messages:GetMessages ec2messages:SendReply ds:CreateComputer
ds:DescribeDirectories""".split()  # noqa: SIM905  (as a page would have it)


@pytest.mark.parametrize("action", NODE)
def test_the_boundary_leaves_a_managed_node_its_work(action):
    assert decide(Request(action), [allow_all()], preset("operator_boundary", directory_service=True)) == ALLOWED


BEYOND = [
    Request("iam:CreateAccessKey", user()),
    Request("iam:PassRole", role(), passed("ec2")),
    Request("sts:AssumeRole", role("Admin")),
    Request("s3:GetObject", "arn:aws:s3:::salaries/2026"),
    Request("kms:Decrypt", KEY),
    Request("ssm:GetParameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/database/password"),
    Request("ssm:PutParameter", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/database/password"),
    Request("ssm:SendCommand"),
    Request("ssm:StartSession"),
    Request("logs:GetLogEvents", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:x"),
    Request("logs:DeleteLogGroup", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:x"),
    Request("ds:CreateComputer"),
]


@pytest.mark.parametrize("request_", BEYOND, ids=lambda request: request.action)
def test_within_the_boundary_nobody_can_do_more(request_):
    assert decide(request_, [allow_all()], preset("operator_boundary")) == NOT_ALLOWED


# docs/operator.md


def tables():
    """Return the tables of the page by the comment above each. ``python -m tests.unit.test_operator`` writes them anew."""
    return {
        "operator_aws": ["| tried | allowed |", "| --- | --- |", *(row(name, needed) for name, (_attempt, needed) in AWS_SIDE.items())],
        "operator_hosts": ["| tried | allowed |", "| --- | --- |", *(row(name, needed) for name, (_attempt, needed) in HOSTS_SIDE.items())],
        "operator_extras": ["| option | grants |", "| --- | --- |", *(f"| `{name}` | {granted(name)} |" for name in EXTRAS)],
    }


def row(name, needed):
    where = needed.resource.rpartition(":")[2]
    return f"| {name} | `{needed.action}`{'' if where == '*' else f' on `{where}`'} |"


def granted(name):
    """Return the actions that an option of operator_extras grants."""
    options = EXTRAS[name][0]
    without = {action for statement in preset("operator_extras", **EXTRAS["instance_profile_associations"][0])["Statement"]
               for action in statement["Action"]} if name == "reboot" else set()  # fmt: skip
    actions = {action for statement in preset("operator_extras", **options)["Statement"] for action in statement["Action"]}
    return ", ".join(f"`{action}`" for action in sorted(actions - without))


PAGE = ROOT / "docs" / "operator.md"


@pytest.mark.parametrize("name", ["operator_aws", "operator_hosts", "operator_extras"])
def test_the_page_shows_what_is_tested(name):
    assert f"<!-- {name} -->\n\n" + "\n".join(tables()[name]) + "\n" in PAGE.read_text(encoding="utf-8")


if __name__ == "__main__":
    _page = PAGE.read_text(encoding="utf-8")
    for _name, _rows in tables().items():
        _page = re.sub(
            rf"(<!-- {_name} -->\n)(\n\|[^\n]*(\n\|[^\n]*)*\n)?",
            lambda found, rows=_rows: found.group(1) + "\n" + "\n".join(rows) + "\n",
            _page,
        )
    PAGE.write_text(_page, encoding="utf-8")
