# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Session preferences: what is asked, how it is laid over what is there, what is refused, and what is planned."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.context import Context
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences import options, plan, targets
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences.document import (
    NEW_INPUTS,
    Document,
    Version,
    merged,
    parse,
    weaknesses,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences.targets import (
    Bucket,
    KmsKey,
    LogGroup,
    Targets,
)

NAME = "SSM-SessionManagerRunShell"
HERE = Context("aws", "111122223333", "eu-west-1")
KEY = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
OTHER_KEY = KEY.replace("1111-2222", "9999-8888")
LEFT_OUT = {
    "name": NAME, "state": "present", "description": None, "s3_bucket": None, "s3_prefix": None, "s3_encrypted": None,
    "s3_cross_account": False, "s3_kms_key_arn": None, "log_group": None, "log_group_encrypted": None, "log_group_kms_key_arn": None,
    "log_group_retention": None, "log_streaming": None, "kms_key": None, "run_as": None, "run_as_user": None, "idle_timeout": None,
    "max_duration": None, "shell_profile_linux": None, "shell_profile_windows": None, "allow_weaker": False, "verify": True,
    "create": False, "activation_tier": None, "owned_by": "default", "delete_unowned": False, "allow_root": False,
}  # fmt: skip

CONSOLE = {
    "schemaVersion": "1.0",
    "description": "Document to hold regional settings for Session Manager",
    "sessionType": "Standard_Stream",
    "inputs": {
        "s3BucketName": "old-logs",
        "s3KeyPrefix": "",
        "s3EncryptionEnabled": True,
        "cloudWatchLogGroupName": "/old",
        "cloudWatchEncryptionEnabled": True,
        "cloudWatchStreamingEnabled": True,
        "kmsKeyId": KEY,
        "runAsEnabled": True,
        "runAsDefaultUser": "ops",
        "idleSessionTimeout": "20",
        "maxSessionDuration": "60",
        "shellProfile": {"windows": "date", "linux": "pwd"},
        "somethingNew": ["kept"],
    },
    "parameters": {"kept": {"type": "String"}},
}


def wanted(**given):
    return options.wanted({**LEFT_OUT, **given})


def document(content=None, number="1", **more):
    version = Version(number, CONSOLE if content is None else content)
    return replace(Document(NAME, version, version), **more)


def with_inputs(**inputs):
    return {**CONSOLE, "inputs": {**CONSOLE["inputs"], **inputs}}


def planned(actual, rules):
    return [str(change) for change in plan.plan(rules, plan.target(rules, actual, HERE), actual)]


# What is asked

WRONG = {
    "no minutes": ({"idle_timeout": 0}, "idle_timeout: 0 is out of range: 1 to 60 minutes"),
    "too many minutes": ({"idle_timeout": 61}, "1 to 60"),
    "less than no limit": ({"max_duration": -1}, "1 to 1440 minutes; 0 is no limit"),
    "too long": ({"max_duration": 1441}, "1 to 1440"),
    "a bucket's ARN": ({"s3_bucket": "arn:aws:s3:::logs"}, "is no name of a bucket"),
    "a wildcard in a prefix": ({"s3_bucket": "logs", "s3_prefix": "a*"}, "is no prefix"),
    "a group's ARN": ({"log_group": "arn:aws:logs:eu-west-1:111122223333:log-group:g"}, "not its ARN"),
    "many groups": ({"log_group": "/sessions/*"}, "without wildcards"),
    "a key's name": ({"kms_key": "sessions"}, "alias/NAME"),
    "a prefix without bucket": ({"s3_bucket": "", "s3_prefix": "a"}, "s3_prefix needs s3_bucket"),
    "encryption of no bucket": ({"s3_bucket": "", "s3_encrypted": True}, "s3_encrypted needs s3_bucket"),
    "encryption of no group": ({"log_group": "", "log_group_encrypted": True}, "log_group_encrypted needs log_group"),
    "a stream to no group": ({"log_group": "", "log_streaming": True}, "log_streaming needs log_group"),
    "a user for nothing": ({"run_as": False, "run_as_user": "ops"}, "while run_as is false"),
    "a user that is none": ({"run_as_user": "a b"}, "no name of an operating system's user"),
    "an alias to make a bucket with": ({"s3_kms_key_arn": "alias/a"}, "An alias does not do"),
    "an alias to make a group with": ({"log_group_kms_key_arn": "alias/a"}, "An alias does not do"),
    "days that AWS has not": ({"log_group_retention": 31}, "not for 31"),
    "a document of AWS": ({"name": "AWS-StartSSHSession"}, "must not begin with aws"),
    "no name": ({"name": "a b"}, "is no name of a document"),
    "no owner": ({"owned_by": " "}, "owned_by must not be empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case):
    given, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        wanted(**given)


@pytest.mark.parametrize("key", [KEY, KEY.partition("/")[2], "alias/sessions", KEY.partition("key/")[0] + "alias/s/t", "mrk-" + "0a" * 16])
def test_forms_of_a_key(key):
    assert wanted(kms_key=key).inputs == {"kmsKeyId": key}


def test_each_input_has_its_true_type():
    asked = wanted(
        s3_bucket="logs", s3_prefix="/a/b/", s3_encrypted=True, log_group="/g", log_group_encrypted=False, log_streaming=True,
        kms_key="alias/k", run_as=True, run_as_user="ops", idle_timeout=5, max_duration=0, shell_profile_linux="date",
    )  # fmt: skip
    assert asked.inputs == {
        "s3BucketName": "logs",
        "s3KeyPrefix": "a/b",
        "s3EncryptionEnabled": True,
        "cloudWatchLogGroupName": "/g",
        "cloudWatchEncryptionEnabled": False,
        "cloudWatchStreamingEnabled": True,
        "kmsKeyId": "alias/k",
        "runAsEnabled": True,
        "runAsDefaultUser": "ops",
        "idleSessionTimeout": "5",
        "maxSessionDuration": "",
        "shellProfile": {"linux": "date"},
    }


# Laid over what is there


def test_a_new_document_has_the_defaults_of_the_guide():
    content = merged(wanted(log_group="/sessions", idle_timeout=10), None)
    assert content["inputs"] == {**NEW_INPUTS, "cloudWatchLogGroupName": "/sessions", "idleSessionTimeout": "10"}
    assert (content["schemaVersion"], content["sessionType"]) == ("1.0", "Standard_Stream")


def test_an_option_left_out_leaves_what_is_there():
    assert merged(wanted(), document()) == CONSOLE


def test_what_is_not_known_stays():
    assert merged(wanted(idle_timeout=5), document()) == with_inputs(idleSessionTimeout="5")


def test_one_shell_profile_leaves_the_other():
    assert merged(wanted(shell_profile_linux="id"), document()) == with_inputs(shellProfile={"windows": "date", "linux": "id"})


@pytest.mark.parametrize("stands", ["true", 1, None])
def test_a_switch_of_another_type_is_corrected(stands):
    actual = plan.State(document(with_inputs(cloudWatchStreamingEnabled=stands)))
    assert planned(actual, wanted(log_streaming=True)) == [f"update document {NAME}", f"set default version 2 of document {NAME}"]


@pytest.mark.parametrize(
    ("given", "message"),
    [({"s3_encrypted": True}, "s3_encrypted needs s3_bucket, which neither"), ({"log_streaming": True}, "log_streaming needs log_group")],
)
def test_a_switch_that_would_do_nothing(given, message):
    bare = document({**CONSOLE, "inputs": {}})
    with pytest.raises(InputError, match=message):
        merged(wanted(**given), bare)


# Never weaker

WEAKER = {
    "no bucket": ({"s3_bucket": ""}, "logs to the bucket old-logs (s3_bucket)"),
    "any bucket": ({"s3_encrypted": False}, "the demand that the bucket old-logs is encrypted (s3_encrypted)"),
    "no group": ({"log_group": ""}, "logs to the log group /old (log_group)"),
    "any group": ({"log_group_encrypted": False}, "the demand that the log group /old is encrypted (log_group_encrypted)"),
    "no stream": ({"log_streaming": False}, "logs while the session runs (log_streaming)"),
    "no key": ({"kms_key": ""}, f"session data encrypted with the KMS key {KEY} (kms_key)"),
    "no user of its own": ({"run_as": False}, "sessions as a user of their own (run_as)"),
    "no end": ({"max_duration": 0}, "an end after 60 minutes (max_duration)"),
}


@pytest.mark.parametrize("case", WEAKER)
def test_it_is_made_weaker_on_purpose_only(case):
    given, words = WEAKER[case]
    actual = plan.State(document())
    with pytest.raises(Refusal) as refused:
        planned(actual, wanted(**given))
    assert words in str(refused.value) and "allow_weaker: true" in str(refused.value)
    assert planned(actual, wanted(**given, allow_weaker=True)) == [f"update document {NAME}", f"set default version 2 of document {NAME}"]


def test_another_bucket_group_or_key_is_not_weaker():
    assert planned(plan.State(document()), wanted(s3_bucket="new-logs", log_group="/new", kms_key="alias/new", max_duration=1440))


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("true", False, 1), (True, "false", 1), ("{{x}}", False, 1), ("{{x}}", True, 0), (False, True, 0), ("false", False, 0),
        ("", None, 0), (None, False, 0),
    ],
)  # fmt: skip
def test_switches_as_the_agent_reads_them(before, after, lost):
    named = {"s3BucketName": "logs"}
    assert len(weaknesses({**named, "s3EncryptionEnabled": before}, {**named, "s3EncryptionEnabled": after})) == lost
    assert weaknesses({"s3EncryptionEnabled": before}, {"s3EncryptionEnabled": after}) == []


def test_the_default_version_must_not_become_weaker_by_way_of_a_newer_one():
    newer = Version("2", with_inputs(s3BucketName="", kmsKeyId=""))
    actual = plan.State(document(latest=newer))
    with pytest.raises(Refusal, match=r"logs to the bucket old-logs \(s3_bucket\), in version 1; session data encrypted .*, in version 1"):
        planned(actual, wanted())
    assert planned(actual, wanted(s3_bucket="old-logs", kms_key=KEY)) == [
        f"update document {NAME}",
        f"set default version 3 of document {NAME}",
    ]


# Which version


def test_nothing_to_do():
    assert planned(plan.State(document()), wanted(idle_timeout=20, s3_bucket="old-logs", shell_profile_linux="pwd")) == []


def test_a_new_document():
    assert planned(plan.State(), wanted()) == [f"create document {NAME}"]


def test_a_newest_version_that_is_not_the_default():
    newer = Version("7", with_inputs(idleSessionTimeout="5"))
    actual = plan.State(document(latest=newer))
    assert planned(actual, wanted()) == [f"set default version 7 of document {NAME}"]
    rules = wanted(idle_timeout=9)
    assert planned(actual, rules) == [f"update document {NAME}", f"set default version 8 of document {NAME}"]
    shown = plan.view(plan.target(rules, actual, HERE))["document"]
    assert (shown["default_version"], shown["latest_version"]) == ("8", "8")
    assert shown["content"] == with_inputs(idleSessionTimeout="9")


# What it must not be


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (document(kind="Command"), "is of type Command"),
        (document({**CONSOLE, "sessionType": "Port"}), "sessionType is 'Port'"),
        (document({**CONSOLE, "schemaVersion": "2.2"}), "schemaVersion is '2.2'"),
        (document({**CONSOLE, "inputs": "none"}), "inputs is no object"),
        (document(default=Version("1", {**CONSOLE, "sessionType": "Port"}), latest=Version("2", CONSOLE)), "in version 1, sessionType"),
    ],
)
def test_documents_that_serve_another_purpose(found, message):
    with pytest.raises(Refusal, match=message):
        plan.checked(wanted(), found)


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_contents_that_are_none(text):
    with pytest.raises(Refusal, match="version 3"):
        parse(text, NAME, "3")


def test_the_preferences_of_another_owner():
    with pytest.raises(Refusal, match="owned_by: blue"):
        planned(plan.State(document(owner="blue")), wanted(idle_timeout=5))
    assert planned(plan.State(document(owner="blue")), wanted(idle_timeout=5, owned_by="blue"))


# Away


def test_deletion():
    bare = document({**CONSOLE, "inputs": {}}, owner="default")
    gone = wanted(state="absent")
    assert planned(plan.State(), gone) == []
    assert planned(plan.State(bare), gone) == [f"delete document {NAME}"]
    with pytest.raises(Refusal, match="nobody's run made it.*delete_unowned"):
        planned(plan.State(replace(bare, owner="")), gone)
    with pytest.raises(Refusal, match="it belongs to 'blue'"):
        planned(plan.State(replace(bare, owner="blue")), gone)
    assert planned(plan.State(replace(bare, owner="")), wanted(state="absent", delete_unowned=True))
    with pytest.raises(Refusal, match="deleting it would end logs to the bucket old-logs"):
        planned(plan.State(document(owner="default")), gone)
    assert planned(plan.State(document(owner="default")), wanted(state="absent", allow_weaker=True)) == [f"delete document {NAME}"]


# What is named

GOOD_BUCKET = Bucket("old-logs", True, "AES256", public_blocked=True)
GOOD_GROUP = LogGroup("/old", True, KEY)
GOOD_KEY = KmsKey(KEY, True, KEY, "Enabled")
ALL = Targets(GOOD_BUCKET, GOOD_GROUP, GOOD_KEY)

PROBLEMS = {
    "no bucket": (replace(ALL, bucket=Bucket("old-logs", False)), {}, "bucket old-logs does not exist.*create: true"),
    "no bucket elsewhere": (replace(ALL, bucket=Bucket("old-logs", False)), {"s3_cross_account": True}, "Correct s3_bucket\\."),
    "a bare bucket": (replace(ALL, bucket=replace(GOOD_BUCKET, encryption="")), {}, "is not encrypted, so no session would start"),
    "an open bucket": (replace(ALL, bucket=replace(GOOD_BUCKET, public_blocked=False)), {}, "put-public-access-block"),
    "a bucket with another key": (
        replace(ALL, bucket=replace(GOOD_BUCKET, encryption="aws:kms", kms_key=OTHER_KEY)),
        {"s3_kms_key_arn": KEY},
        "nodes could not write",
    ),
    "no group": (replace(ALL, group=LogGroup("/old", False)), {}, "log group /old does not exist"),
    "a bare group": (replace(ALL, group=LogGroup("/old", True)), {}, "has no KMS key, so no session would start.*associate-kms-key"),
    "a bare group of ours": (
        replace(ALL, group=LogGroup("/old", False)),
        {"create": True},
        "has no KMS key.*log_group_kms_key_arn, or set log_group_encrypted: false",
    ),
    "no key": (replace(ALL, key=KmsKey(KEY, False)), {}, "does not exist in this Region"),
    "a disabled key": (replace(ALL, key=replace(GOOD_KEY, state="PendingDeletion")), {}, "is PendingDeletion"),
    "an asymmetric key": (replace(ALL, key=replace(GOOD_KEY, symmetric=False)), {}, "no symmetric key"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_is_named_must_be_as_the_preferences_say(case):
    found, given, message = PROBLEMS[case]
    actual = plan.State(document(), found)
    with pytest.raises(Refusal, match=message):
        planned(actual, wanted(idle_timeout=5, **given))
    if not given.get("create"):
        assert planned(actual, wanted(idle_timeout=5, **{**given, "verify": False}))


def test_several_faults_are_told_at_once():
    with pytest.raises(Refusal, match="bucket old-logs does not exist.*log group /old does not exist"):
        planned(plan.State(document(), Targets(Bucket("old-logs", False), LogGroup("/old", False))), wanted())


def test_encryption_that_is_not_demanded_may_lack():
    bare = with_inputs(s3EncryptionEnabled=False, cloudWatchEncryptionEnabled=False)
    found = Targets(replace(GOOD_BUCKET, encryption=""), LogGroup("/old", True))
    assert planned(plan.State(document(bare), found), wanted()) == []


def test_what_may_not_be_looked_at_is_a_warning():
    found = Targets(
        Bucket("old-logs", None, unseen=("s3:ListBucket",)),
        LogGroup("/old", unseen=("logs:DescribeLogGroups",)),
        KmsKey(KEY, unseen=("kms:DescribeKey",)),
    )
    actual = plan.State(document(), found)
    assert planned(actual, wanted()) == []
    told = plan.warnings(wanted(), plan.target(wanted(), actual, HERE))
    assert [word in text for word, text in zip(("another account", "logs:DescribeLogGroups", "kms:DescribeKey"), told, strict=True)] == [
        True
    ] * 3


def test_warnings_of_what_nodes_need():
    kms = replace(ALL, bucket=replace(GOOD_BUCKET, encryption="aws:kms", kms_key=KEY))
    assert "nodes need kms:GenerateDataKey" in plan.warnings(wanted(), plan.State(document(), kms))[0]
    assert plan.warnings(wanted(s3_kms_key_arn=KEY), plan.State(document(), kms)) == []
    text = document(with_inputs(cloudWatchStreamingEnabled="true"))
    assert "SSM Agent cannot read" in plan.warnings(wanted(), plan.State(text))[0]


@pytest.mark.parametrize("given", [{"verify": False}, {"state": "absent", "verify": False}])
def test_nothing_is_looked_at_when_nothing_is_asked(given):
    assert targets.named(wanted(**given), CONSOLE["inputs"]) == Targets()


def test_what_is_looked_at():
    assert targets.named(wanted(), CONSOLE["inputs"]) == Targets(Bucket("old-logs"), LogGroup("/old"), KmsKey(KEY))
    assert targets.named(wanted(), {"s3BucketName": "{{bucket}}", "kmsKeyId": ""}) == Targets()


# Made

NO_BUCKET, NO_GROUP = Bucket("logs", False), LogGroup("/sessions", False)
MAKE = {"s3_bucket": "logs", "log_group": "/sessions", "log_group_kms_key_arn": KEY, "create": True}


def test_what_is_missing_is_made_before_the_document_names_it():
    actual = plan.State(None, Targets(NO_BUCKET, NO_GROUP))
    assert planned(actual, wanted(**MAKE, log_group_retention=30)) == [
        "create bucket logs",
        "tag bucket logs",
        "block public access of bucket logs",
        "encrypt bucket logs",
        "put bucket policy on bucket logs",
        "create log group /sessions",
        "set retention 30 days of log group /sessions",
        f"create document {NAME}",
    ]


def test_what_is_made_is_made_well():
    rules = wanted(**MAKE, s3_kms_key_arn=OTHER_KEY)
    after = plan.target(rules, plan.State(None, Targets(NO_BUCKET, NO_GROUP)), HERE).targets
    assert (after.bucket.encryption, after.bucket.kms_key, after.bucket.public_blocked) == ("aws:kms", OTHER_KEY, True)
    assert (after.group.kms_key, after.group.retention, after.group.owner) == (KEY, None, "default")
    (deny,) = after.bucket.policy["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Resource"]) == ("Deny", "*", ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])
    assert targets.plan(targets.made(rules, after, HERE), after) == []


def test_a_run_that_broke_off_is_taken_up_again():
    started = Bucket("logs", True, "AES256", public_blocked=False, owner="default")
    group = LogGroup("/sessions", True, KEY, owner="default")
    assert planned(plan.State(None, Targets(started, group)), wanted(**MAKE, log_group_retention=30)) == [
        "block public access of bucket logs",
        "put bucket policy on bucket logs",
        "set retention 30 days of log group /sessions",
        f"create document {NAME}",
    ]


def test_a_bucket_that_nobody_has_done_anything_with_is_one_that_a_run_has_made_and_not_yet_marked():
    blank = Bucket("logs", True, "AES256", public_blocked=True, blank=True)
    assert planned(plan.State(None, Targets(blank)), wanted(**{**MAKE, "log_group": ""})) == [
        "tag bucket logs",
        "put bucket policy on bucket logs",
        f"create document {NAME}",
    ]
    named_by_the_document = wanted(create=True)
    for rules in (wanted(s3_bucket="logs"), wanted(s3_bucket="logs", create=True, s3_cross_account=True), named_by_the_document):
        assert targets.made(rules, Targets(blank), HERE).bucket == blank
    after = targets.made(wanted(**MAKE), Targets(blank), HERE)
    assert targets.plan(targets.made(wanted(**MAKE), after, HERE), after) == []


def test_own_statements_in_the_policy_of_our_bucket_stay():
    own = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}],
    }
    bucket = Bucket("logs", True, "AES256", public_blocked=True, owner="default", policy=own)
    after = targets.made(wanted(**MAKE), Targets(bucket), HERE)
    assert [statement["Sid"] for statement in after.bucket.policy["Statement"]] == ["Own", "DenyWithoutTls"]


@pytest.mark.parametrize("owner", ["", "blue"])
def test_what_others_made_is_looked_at_and_not_changed(owner):
    bucket = Bucket("logs", True, "AES256", public_blocked=False, owner=owner)
    with pytest.raises(Refusal, match="put-public-access-block"):
        planned(plan.State(None, Targets(bucket)), wanted(**MAKE))
    group = LogGroup("/sessions", True, OTHER_KEY, 7, owner)
    assert planned(plan.State(None, Targets(None, group)), wanted(**MAKE, log_group_retention=30)) == [f"create document {NAME}"]


def test_no_bucket_is_made_for_another_account_nor_where_it_is_not_known_to_be_missing():
    for bucket, given, message in (
        (NO_BUCKET, {"s3_cross_account": True}, "does not exist"),
        (Bucket("logs", None, unseen=("s3:ListBucket",)), {}, "s3:ListBucket denied.*may be another account's.*s3_cross_account"),
        (Bucket("logs", None, unseen=("s3:ListBucket",)), {"s3_cross_account": True}, None),
        (Bucket("logs", None, unseen=("s3:ListBucket",)), {"verify": False}, None),
    ):
        rules = wanted(**{**MAKE, "log_group": None}, **given)
        if message:
            with pytest.raises(Refusal, match=message):
                planned(plan.State(None, Targets(bucket)), rules)
        else:
            assert planned(plan.State(None, Targets(bucket)), rules) == [f"create document {NAME}"]


def test_a_log_group_that_cannot_be_seen_is_not_taken_for_one_that_is_there():
    unseen = LogGroup("/sessions", unseen=("logs:DescribeLogGroups",))
    rules = {**MAKE, "s3_bucket": None}
    with pytest.raises(Refusal, match=r"logs:DescribeLogGroups denied\), so it is not known whether to make it.*create: false"):
        planned(plan.State(None, Targets(group=unseen)), wanted(**rules))
    for given in ({"create": False}, {"verify": False}):
        assert planned(plan.State(None, Targets(group=unseen)), wanted(**{**rules, **given})) == [f"create document {NAME}"]


# The tier


@pytest.mark.parametrize(
    ("asked", "found", "changes", "warned"),
    [
        (None, "", [], False),
        ("look", "standard", [], True),
        ("look", "advanced", [], False),
        ("advanced", "standard", ["set activation tier advanced"], False),
        ("advanced", "advanced", [], False),
        ("standard", "advanced", ["set activation tier standard"], False),
    ],
)
def test_the_tier_is_set_on_request_only(asked, found, changes, warned):
    rules = wanted(activation_tier=asked)
    actual = plan.State(document(), Targets(), found)
    assert planned(actual, rules) == changes
    assert bool(plan.warnings(rules, plan.target(rules, actual, HERE))) == warned
