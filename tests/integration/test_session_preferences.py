# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Session preferences as a user keeps them, on moto, which knows documents, buckets, log groups and keys."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences.document import render
from ansible_collections.hybridops.aws_agents.plugins.modules.session_preferences import DOCUMENTATION

from tests.support.playbook import WAYS, run_playbook
from tests.support.recording_proxy import RecordingProxy, Response, failure

MODULE = "hybridops.aws_agents.session_preferences"
NAME = "SSM-SessionManagerRunShell"
TIER = "/ssm/managed-instance/activation-tier"
BUCKET = "session-logs"


class ServiceSettings:
    """What moto lacks: the service setting of hybrid nodes."""

    def __init__(self, value="standard"):
        self.value = value

    def __call__(self, call, forward):
        if call.operation not in ("GetServiceSetting", "UpdateServiceSetting"):
            return forward()
        assert call.parameters["SettingId"] == TIER
        self.value = call.parameters.get("SettingValue", self.value)
        answer = {"ServiceSetting": {"SettingId": TIER, "SettingValue": self.value}} if call.operation.startswith("Get") else {}
        return Response(200, (("Content-Type", "application/x-amz-json-1.1"),), json.dumps(answer).encode())


@pytest.fixture
def site(moto, tmp_path):
    with RecordingProxy(moto.endpoint_url) as proxy:
        yield Site(moto, proxy, tmp_path)


class Site:
    def __init__(self, aws, proxy, scratch):
        self.aws, self.proxy, self.scratch = aws, proxy, scratch
        self.ssm, self.s3, self.logs = (aws.client(name) for name in ("ssm", "s3", "logs"))
        self.key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        aws.operator()

    def run(self, tasks, way="in this process"):
        """Run tasks in one play, options by name, and return their results. A name with a ? predicts, one with a ! may fail."""
        play = [
            {"name": name, MODULE: options, "check_mode": "?" in name, "diff": "?" in name, "ignore_errors": "!" in name}
            for name, options in tasks.items()
        ]
        self.last = self.play(play, way)
        return {name: self.last.task(name) for name in tasks}

    def play(self, tasks, way="in this process"):
        self.proxy.clear()
        environment = {**self.aws.environment(), "AWS_ENDPOINT_URL": self.proxy.url}
        play = {"name": "play", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
        run = run_playbook([play], self.scratch, inventory=WAYS[way], environment=environment)
        assert not run.deprecations, str(run)
        return run

    def written(self):
        return [call.operation for call in self.proxy.writes]

    def document(self, name=NAME):
        found = self.ssm.describe_document(Name=name)["Document"]
        content = json.loads(self.ssm.get_document(Name=name)["Content"])
        return content, found["DefaultVersion"], found["LatestVersion"]


def test_from_nothing_to_logs_and_back(site):
    everything = {
        "s3_bucket": BUCKET, "s3_prefix": "prod", "log_group": "/sessions", "log_group_kms_key_arn": site.key, "log_group_retention": 30,
        "log_streaming": True, "kms_key": site.key, "idle_timeout": 15, "create": True,
    }  # fmt: skip
    done = site.run(
        {
            "predicted ?": everything,
            "made": everything,
            "again": everything,
            "weaker !": {"s3_bucket": "", "kms_key": ""},
            "allowed": {"s3_bucket": "", "max_duration": 60, "shell_profile_linux": "date", "allow_weaker": True},
            "gone": {"state": "absent", "allow_weaker": True},
        }
    )
    made, predicted, again, allowed = (done[name].result for name in ("made", "predicted ?", "again", "allowed"))
    assert predicted["diff"]["before"]["document"] is None and predicted["diff"]["after"]["document"] == made["document"]
    assert predicted["document"] == made["document"] and predicted["changes"] == made["changes"]
    assert made["bucket"] == {"name": BUCKET, "exists": True, "encryption": "AES256", "kms_key": "", "public_access_blocked": True}
    assert not again["changed"] and (again["bucket"], again["log_group"]) == (made["bucket"], made["log_group"])
    refused = done["weaker !"].msg
    assert "logs to the bucket session-logs" in refused and "session data encrypted" in refused and "allow_weaker" in refused
    assert allowed["changes"] == [f"update document {NAME}", f"set default version 2 of document {NAME}"] and allowed["bucket"] is None
    inputs = allowed["document"]["content"]["inputs"]
    assert inputs["cloudWatchStreamingEnabled"] is True and (inputs["idleSessionTimeout"], inputs["maxSessionDuration"]) == ("15", "60")
    assert done["gone"].result["changes"] == [f"delete document {NAME}"] and done["gone"].result["document"] is None
    assert site.written() == [
        "PutBucket", "PutBucketTagging", "PutBucketPublicaccessblock", "PutBucketEncryption", "PutBucketPolicy", "CreateLogGroup",
        "PutRetentionPolicy", "CreateDocument", "UpdateDocument", "UpdateDocumentDefaultVersion", "DeleteDocument",
    ]  # fmt: skip
    assert site.s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"]
    assert "aws:SecureTransport" in site.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    (group,) = site.logs.describe_log_groups()["logGroups"]
    assert (group["kmsKeyId"], group["retentionInDays"]) == (site.key, 30)
    documented = set(re.findall(r"C\((?:ssm|logs|kms|sts):(\w+)\)", " ".join(yaml.safe_load(DOCUMENTATION)["notes"])))
    assert {call.operation for call in site.proxy.calls if call.service != "s3"} <= documented


def test_a_bucket_that_a_run_made_and_did_not_get_to_mark(site):
    """It is finished; one that holds something is somebody's."""
    for name in (BUCKET, "somebodys-logs"):
        site.s3.create_bucket(Bucket=name)
    site.s3.put_object(Bucket="somebodys-logs", Key="log", Body=b"x")
    done = site.run(
        {
            "finished": {"s3_bucket": BUCKET, "create": True},
            "again": {"s3_bucket": BUCKET, "create": True},
            "others !": {"name": "Team-Other", "s3_bucket": "somebodys-logs", "create": True},
        }
    )
    assert done["finished"].result["changes"][0] == f"tag bucket {BUCKET}" and not done["again"].changed
    assert "aws:SecureTransport" in site.s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    assert "put-public-access-block --bucket somebodys-logs" in done["others !"].msg and not done["others !"].result["changes_applied"]


class LostAnswer(ServiceSettings):
    """The bucket is made, its answer is lost, and the call is made again: outside us-east-1 S3 refuses that."""

    def __call__(self, call, forward):
        answer = super().__call__(call, forward)
        return failure(call, "BucketAlreadyOwnedByYou", status=409) if call.operation == "PutBucket" else answer


def test_a_bucket_whose_making_was_not_answered(site):
    site.proxy.handler = LostAnswer()
    done = site.run({"made": {"s3_bucket": BUCKET, "create": True}, "again": {"s3_bucket": BUCKET, "create": True}})
    assert done["made"].outcome == "ok" and site.written()[:2] == ["PutBucket", "PutBucketTagging"] and not done["again"].changed


def content(**inputs):
    """A document as the console makes it, with more than we know."""
    known = {"s3BucketName": "", "s3EncryptionEnabled": True, "runAsEnabled": True, "idleSessionTimeout": "20", "newer": {"than": "us"}}
    return {
        "schemaVersion": "1.0",
        "sessionType": "Standard_Stream",
        "inputs": {**known, **inputs},
        "parameters": {"also": {"type": "String", "default": "kept"}},
    }


class Weather(ServiceSettings):
    """Another run that is quicker by a moment, a limit, a version that is not ready yet, and a caller who may not look at everything."""

    unready = 2

    def __call__(self, call, forward):
        asked = json.dumps(call.parameters)
        if call.operation == "UpdateDocumentDefaultVersion" and "Team-Guide" in asked and self.unready:
            self.unready -= 1
            return failure(call, "InvalidDocumentVersion")
        if call.operation == "UpdateDocument" and "Team-Quick" in asked:
            forward()
            return failure(call, "DuplicateDocumentContent")
        if call.operation == "UpdateDocument" and "Team-Full" in asked:
            return failure(call, "DocumentVersionLimitExceeded")
        if call.operation == "HeadBucket" and "hidden" in call.path:
            return Response(403)
        if call.operation in ("DescribeLogGroups", "DescribeKey") and "hidden" in asked:
            return failure(call, "AccessDeniedException")
        return super().__call__(call, forward)


@pytest.mark.parametrize("way", WAYS)
def test_documents_that_were_there_before(site, way):
    """Merged into; the newest version and the default one brought together; limits, other runs, denials, and the tier."""
    site.proxy.handler = Weather()
    for name in ("Team-Console", "Team-Quick", "Team-Full"):
        site.ssm.create_document(Name=name, Content=json.dumps(content()), DocumentType="Session")
    # Somebody followed the guide, which leaves the default version as it is; and AWS has had the text that is asked for now.
    site.ssm.create_document(Name="Team-Guide", Content=render(content(idleSessionTimeout="30")), DocumentType="Session")
    site.ssm.update_document(Name="Team-Guide", Content=json.dumps(content(idleSessionTimeout="5")), DocumentVersion="$LATEST")
    site.ssm.create_document(Name="Team-Steps", Content='{"schemaVersion": "2.2", "mainSteps": []}', DocumentType="Command")
    hidden = {"s3_bucket": "hidden", "s3_cross_account": True, "log_group": "/hidden", "kms_key": "alias/hidden"}
    done = site.run(
        {
            "merged": {"name": "Team-Console", "idle_timeout": 30},
            "back": {"name": "Team-Guide", "idle_timeout": 30},
            "settled": {"name": "Team-Guide", "idle_timeout": 30},
            "quick": {"name": "Team-Quick", "idle_timeout": 30},
            "full !": {"name": "Team-Full", "idle_timeout": 40},
            "other !": {"name": "Team-Steps"},
            "blind": {"name": "Team-Blind", "activation_tier": "look", **hidden},
            "advanced": {"name": "Team-Blind", "activation_tier": "advanced", "verify": False},
        },
        way,
    )
    said = site.last.stderr.count("localhost: waiting for SSM to have the new version ready, 60 seconds at most")
    assert said == (1 if way == "in this process" else 0), str(site.last)
    expected = content(idleSessionTimeout="30")
    assert site.document("Team-Console") == (expected, "2", "2")
    assert site.document("Team-Guide") == (expected, "3", "3") and not done["settled"].changed
    assert site.document("Team-Quick") == (expected, "2", "2") and done["quick"].result["document"]["default_version"] == "2"
    assert "1,000 versions" in done["full !"].msg and len(done["full !"].result["changes_left"]) == 2
    assert "is of type Command" in done["other !"].msg
    told = re.sub(r"\s+", " ", site.last.stdout + site.last.stderr)
    assert done["blind"].changed and done["blind"].result["bucket"]["exists"] is None
    for part in ("s3:ListBucket denied", "logs:DescribeLogGroups denied", "kms:DescribeKey denied", "the activation tier is standard"):
        assert part in told, told
    assert done["advanced"].result["changes"] == ["set activation tier advanced"] and site.proxy.handler.value == "advanced"
    assert site.written() == [
        "UpdateDocument", "UpdateDocumentDefaultVersion",  # merged
        "UpdateDocument", "UpdateDocument", *["UpdateDocumentDefaultVersion"] * 3,  # back, with other white space, and not ready at first
        "UpdateDocument", "UpdateDocumentDefaultVersion",  # quick
        "UpdateDocument", "CreateDocument", "UpdateServiceSetting",  # full, blind, advanced
    ]  # fmt: skip


def test_the_role_keeps_policy_and_preferences_in_agreement(site):
    """One set of variables for what is permitted and for what is logged."""
    shared = {
        "session_manager_s3_bucket": BUCKET,
        "session_manager_log_group": "/sessions",
        "session_manager_kms_key_arn": site.key,
        "session_manager_preferences": "true",
        "session_manager_preferences_create": True,
        "session_manager_preferences_log_group_kms_key_arn": site.key,
        "session_manager_preferences_idle_timeout": 10,
    }
    tasks = []
    for name, more in {"first": {}, "second": {}, "other": {"session_manager_s3_bucket": ""}}.items():
        role = {
            "name": name,
            "ansible.builtin.include_role": {"name": "hybridops.aws_agents.session_manager"},
            "vars": {**shared, **more},
        }
        tasks.append({"name": name, "block": [role], "rescue": [{"name": "Go on", "ansible.builtin.meta": "noop"}]})
    run = site.play(tasks)
    made, again, refused = (task for task in run.tasks if task.action == MODULE)
    inputs = made.result["document"]["content"]["inputs"]
    assert (inputs["s3BucketName"], inputs["cloudWatchLogGroupName"], inputs["kmsKeyId"]) == (BUCKET, "/sessions", site.key)
    assert (inputs["idleSessionTimeout"], inputs["cloudWatchEncryptionEnabled"]) == ("10", True)
    policies = [task.result for task in run.tasks if task.action == "hybridops.aws_agents.iam_identities"]
    granted = json.dumps(policies[0]["policies"]["SessionManagerPermissions"]["document"])
    for resource in (f"arn:aws:s3:::{BUCKET}/*", ":log-group:/sessions", site.key):
        assert resource in granted
    assert not again.changed and not policies[1]["changed"]
    assert f"logs to the bucket {BUCKET}" in refused.msg and refused.outcome == "failed"
