# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: options that are wrong or written another way, and documents that are too large."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

from tests.unit.catalogue_variants import ACCOUNT, CHINA, HERE, KEY, METRICS_ROLE, built

WRONG = {
    "no such preset": ("cwagent", {}, HERE, "'cwagent' is no preset. Allowed are: cwagent_server, cwagent_admin"),
    "an option where there are none": ("cwagent_server", {"retention": True}, HERE, "unknown option: retention. There are none"),
    "an unknown option": ("session_manager", {"bucket": "b"}, HERE, "unknown option: bucket. Allowed are: kms_key_arn, s3_bucket"),
    "an unknown option of a bucket": ("ssm_s3", {"buckets": [{"name": "abc", "acl": 1}]}, HERE, r"buckets\[0\]: unknown option: acl"),
    "options that are text": ("ssm_s3", "exact", HERE, "must be a dictionary"),
    "a flag that is none": ("session_manager", {"logs": "maybe"}, HERE, "logs must be true or false, and 'maybe' is neither"),
    "a text that is none": ("session_manager", {"s3_bucket": 3}, HERE, "s3_bucket must be text, and 3"),
    "a list that is none": ("cwagent_server_scoped", {"parameters": 3}, HERE, "parameters must be a list"),
    "buckets that are names": ("ssm_s3", {"buckets": ["abc"]}, HERE, "buckets must be a list of dictionaries with: name"),
    "a bucket without name": ("ssm_s3", {"buckets": [{"prefix": "a"}]}, HERE, r"buckets\[0\]: name is required"),
    "every parameter": ("cwagent_server_scoped", {"parameters": ["*"]}, HERE, r"'\*' is no parameter.*open every parameter"),
    "a wildcard inside a parameter": ("cwagent_server_scoped", {"parameters": ["a*b"]}, HERE, r"'a\*b' is no parameter"),
    "a policy variable in a parameter": ("cwagent_server_scoped", {"parameters": ["${aws:username}"]}, HERE, "is no parameter"),
    "nothing to administrate": ("cwagent_admin_scoped", {"parameters": []}, HERE, "parameters is empty"),
    "nothing at all": ("cwagent_server_scoped", {"parameters": [], "log_groups": [], "namespaces": []}, HERE, "are all empty"),
    "a log group that is none": ("cwagent_server_scoped", {"log_groups": ["a b"]}, HERE, "'a b' is no log group"),
    "a wildcard inside a log group": ("cwagent_server_scoped", {"log_groups": ["a*b"]}, HERE, r"'a\*b' is no log group"),
    "retention without groups": ("cwagent_server_scoped", {"retention": True, "log_groups": []}, HERE, "retention is about log groups"),
    "any namespace": ("cwagent_server_scoped", {"namespaces": ["*"]}, HERE, "narrows nothing"),
    "a namespace of AWS": ("cwagent_server_scoped", {"namespaces": ["AWS/EC2"]}, HERE, "only AWS services"),
    "an address that is none": ("cwagent_server_scoped", {"source_cidrs": ["203.0.113.0/33"]}, HERE, "is no address block"),
    "a block with host bits": ("cwagent_server_scoped", {"source_cidrs": ["203.0.113.1/24"]}, HERE, "has host bits set"),
    "every address": ("cwagent_server_scoped", {"source_cidrs": ["0.0.0.0/0"]}, HERE, "is every address"),
    "a private address": ("cwagent_server_scoped", {"source_cidrs": ["10.1.0.0/16"]}, HERE, "is private.*public address"),
    "no role to assume": ("assume_roles", {"role_arns": []}, HERE, "role_arns is required and must not be empty"),
    "every role of an account": (
        "assume_roles",
        {"role_arns": [f"arn:aws:iam::{ACCOUNT}:role/*"]},
        HERE,
        "no ARN of a role.*roles that you don't know: name each, without wildcards",
    ),
    "every account": ("assume_roles", {"role_arns": ["arn:aws:iam::*:role/Metrics"]}, HERE, "no ARN of a role.*without wildcards"),
    "the name of a role": ("assume_roles", {"role_arns": ["Metrics"]}, HERE, r"reads arn:PARTITION:iam::ACCOUNT:role/NAME\.$"),
    "a user to assume": ("assume_roles", {"role_arns": [f"arn:aws:iam::{ACCOUNT}:user/u"]}, HERE, "no ARN of a role"),
    "a path without a role": ("assume_roles", {"role_arns": [f"arn:aws:iam::{ACCOUNT}:role/agents/"]}, HERE, "no ARN of a role"),
    "a role of another partition": ("assume_roles", {"role_arns": [METRICS_ROLE]}, CHINA, "role of another partition.*for aws-cn"),
    "assuming from a private address": (
        "assume_roles",
        {"role_arns": [METRICS_ROLE], "source_cidrs": ["10.0.0.1"]},
        HERE,
        "source_cidrs: 10.0.0.1 is private",
    ),
    "no log streams": ("log_streams", {"log_streams": []}, HERE, "log_streams is required and must not be empty"),
    "log streams as text": ("log_streams", {"log_streams": "/web"}, HERE, "must be a list of dictionaries with: group, streams"),
    "a group without streams": ("log_streams", {"log_streams": [{"group": "/web"}]}, HERE, r"log_streams\[0\]: streams is required"),
    "streams without group": ("log_streams", {"log_streams": [{"streams": ["s"]}]}, HERE, r"log_streams\[0\]: group is required"),
    "streams of every group": ("log_streams", {"log_streams": [{"group": "*", "streams": ["s"]}]}, HERE, "which limits nothing"),
    "a group that is none": ("log_streams", {"log_streams": [{"group": "a b", "streams": ["s"]}]}, HERE, "group: 'a b' is no log group"),
    "a stream that is none": ("log_streams", {"log_streams": [{"group": "g", "streams": ["a:b"]}]}, HERE, "'a:b' is no log stream"),
    "a wildcard inside a stream": ("log_streams", {"log_streams": [{"group": "g", "streams": ["a*b"]}]}, HERE, "is no log stream"),
    "a policy variable in a stream": (
        "log_streams",
        {"log_streams": [{"group": "g", "streams": ["${aws:username}"]}]},
        HERE,
        "is no log stream",
    ),
    "a dashboard that is none": ("cloudwatch_viewer", {"dashboards": ["My board"]}, HERE, "dashboards: 'My board' is no dashboard"),
    "a dashboard's ARN to edit": (
        "cloudwatch_viewer",
        {"edit_dashboards": [f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/d"]},
        HERE,
        "edit_dashboards: .* is no dashboard. Give its name",
    ),
    "inventory without associations": (
        "ssm_core",
        {"inventory": True, "run_command": True},
        HERE,
        "inventory is done by a document that reaches the node through associations. Set associations: true, or leave inventory out",
    ),
    "patching that nothing starts": ("ssm_core", {"patching": True}, HERE, "Set run_command: true or associations: true"),
    "packages that nothing installs": ("ssm_core", {"packages": True, "sessions": True}, HERE, "through run_command or associations"),
    "a wildcard inside a parameter of a node": ("ssm_core", {"parameters": ["*/password"]}, HERE, "is no parameter"),
    "keys for nothing": ("ssm_core", {"kms_key_arns": [KEY]}, HERE, "there would be nothing to decrypt"),
    "an alias among keys": (
        "ssm_core",
        {"kms_key_arns": ["alias/a"], "sessions": True},
        HERE,
        "kms_key_arns: 'alias/a' is no ARN of a KMS key",
    ),
    "neither Region nor bucket": ("ssm_s3", {}, HERE, "needs vpc_endpoint_regions, buckets or both"),
    "a wildcard for a Region": ("ssm_s3", {"vpc_endpoint_regions": ["*"]}, HERE, "wildcards are not accepted"),
    "the placeholder of the document": ("ssm_s3", {"vpc_endpoint_regions": ["region"]}, HERE, "'region' is no name of a Region"),
    "an unknown Region": ("ssm_s3", {"vpc_endpoint_regions": ["eu-west-9"]}, HERE, "allow_unknown_region: true"),
    "a Region of another partition": ("ssm_s3", {"vpc_endpoint_regions": ["eu-west-1"]}, CHINA, "in the partition aws-cn"),
    "an ARN for a bucket": ("ssm_s3", {"buckets": [{"name": "arn:aws:s3:::abc"}]}, HERE, "Give the name alone"),
    "a wildcard in a prefix": ("ssm_s3", {"buckets": [{"name": "abc", "prefix": "a*"}]}, HERE, "is no prefix"),
    "read-only and across accounts": (
        "ssm_s3",
        {"buckets": [{"name": "abc", "read_only": True, "cross_account": True}]},
        HERE,
        "Leave one",
    ),
    "exact and a prefix": (
        "ssm_s3",
        {"buckets": [{"name": "abc", "prefix": "a"}], "exact": True},
        HERE,
        r"contradicts buckets\[0\]: prefix",
    ),
    "a KMS alias": ("session_manager", {"kms_key_arn": "alias/sessions"}, HERE, "no ARN of a KMS key.*An alias does not do"),
    "the ARN of an alias": ("session_manager", {"kms_key_arn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/s"}, HERE, "An alias does not do"),
    "the id of a key": ("session_manager", {"kms_key_arn": "11111111-2222-3333-4444-555555555555"}, HERE, "no ARN of a KMS key"),
    "a key of another partition": ("session_manager", {"kms_key_arn": KEY}, CHINA, "key of another partition"),
    "a prefix without bucket": ("session_manager", {"s3_prefix": "a"}, HERE, "s3_prefix without s3_bucket"),
    "a key without bucket": ("session_manager", {"s3_kms_key_arn": KEY}, HERE, "s3_kms_key_arn without s3_bucket"),
    "across accounts without bucket": ("session_manager", {"s3_cross_account": True}, HERE, "s3_cross_account without s3_bucket"),
    "exact and a log group": ("session_manager", {"log_group": "g", "exact": True}, HERE, "contradicts log_group"),
    "exact and the key of a bucket": (
        "session_manager",
        {"s3_bucket": "abc", "s3_kms_key_arn": KEY, "exact": True},
        HERE,
        "contradicts s3_kms",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options(case):
    preset, options, context, rule = WRONG[case]
    with pytest.raises(InputError, match=f"^policy p: .*{rule}"):
        catalogue.build(preset, options, context, "policy p")


def test_empty_text_and_nothing_count_as_left_out():
    options = {"kms_key_arn": "", "s3_bucket": None, "logs": None, "s3_cross_account": "false", "exact": "no"}
    assert catalogue.build("session_manager", options, HERE, "p") == built("session_manager")
    assert catalogue.build("cwagent_server_scoped", {"parameters": None, "log_groups": ""}, HERE, "p") == built("cwagent_server_scoped")


def test_lists_as_surveys_write_them():
    as_text = {"namespaces": "CWAgent, Plant", "log_groups": "a\nb\n"}
    as_list = {"namespaces": ["CWAgent", "Plant"], "log_groups": ["a", "b"]}
    assert catalogue.build("cwagent_server_scoped", as_text, HERE, "p") == catalogue.build("cwagent_server_scoped", as_list, HERE, "p")


@pytest.mark.parametrize("buckets", [[], [{"name": "my-runs"}]])
def test_too_many_regions_say_how_to_split(buckets):
    regions = [f"eu-test-{number}" for number in range(1, 31)]
    context = Context("aws", ACCOUNT, "eu-test-1", frozenset(regions))
    with pytest.raises(InputError, match=r"a managed policy may have 6,144\. Make (\d+) policies") as caught:
        catalogue.build("ssm_s3", {"vpc_endpoint_regions": regions, "buckets": buckets}, context, "policy p")
    parts = str(caught.value).rsplit("so: ", 1)[1].rstrip(".").split("; ")
    assert parts[0].startswith("buckets and ") is bool(buckets)
    split = [part.replace("buckets and ", "").split(", ") for part in parts]
    assert [region for part in split for region in part] == regions
    for index, part in enumerate(split):
        more = {"buckets": buckets} if buckets and index == 0 else {}
        documents.check(catalogue.build("ssm_s3", {"vpc_endpoint_regions": part, **more}, context, "p"), documents.MANAGED_LIMIT, "p")


def test_too_many_buckets():
    buckets = [{"name": f"bucket-number-{number}"} for number in range(100)]
    with pytest.raises(InputError, match="buckets alone exceed"):
        catalogue.build("ssm_s3", {"buckets": buckets}, HERE, "policy p")


def test_placeholder_accepts_what_some_partition_would():
    context = Context.placeholder("", ["cn-north-1", "eu-west-1"])
    key = KEY.replace("arn:aws:", "arn:aws-cn:")
    assert catalogue.build("session_manager", {"kms_key_arn": key}, context, "p")
    assert catalogue.build("ssm_s3", {"vpc_endpoint_regions": ["cn-north-1"]}, context, "p")
    with pytest.raises(InputError, match="no Region known to the installed botocore. "):
        catalogue.build("ssm_s3", {"vpc_endpoint_regions": ["eu-west-9"]}, context, "p")
