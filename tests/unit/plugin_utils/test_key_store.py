# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two kinds of store: what they show, what they write, and what they do not touch."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace

import boto3
import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.parameter import ParameterFailed
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import Conflict
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key import Content, as_text
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key_options import Place
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.key_store import open_store
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from moto import mock_aws

SECRET = "s3cr3t" + "x" * 34
CONTENT = Content("shared", "AKIA0", SECRET, "2026-03-01T12:00:00Z")
DEV, PROD = ("dev", VaultSecret(b"dev password")), ("prod", VaultSecret(b"prod password"))


def vault(path, vault_id="", secrets=(DEV, PROD)):
    return open_store(Place(vault_file=str(path), vault_id=vault_id), None, secrets, "default")


# A file of ansible-vault


def test_a_file_there_and_back(tmp_path):
    path = tmp_path / "key.yml"
    store = vault(path)
    shown, content = store.look()
    assert not shown.exists and content is None and not shown.hindrance
    store.write(CONTENT)
    assert store.content()[1] == CONTENT and stat.S_IMODE(path.stat().st_mode) == 0o600
    shown, _content = store.look()
    assert (shown.key_id, shown.user, shown.mode, shown.owner) == ("AKIA0", "shared", "0600", None)
    assert os.listdir(tmp_path) == ["key.yml"] and SECRET.encode() not in path.read_bytes()
    assert SECRET not in repr(store.look())


@pytest.mark.parametrize(
    ("vault_id", "secret", "header"), [("", DEV, b"1.1;AES256\n"), ("prod", PROD, b"1.2;AES256;prod\n"), ("dev", DEV, b"1.2;AES256;dev\n")]
)
def test_the_vault_id_encrypts(tmp_path, vault_id, secret, header):
    path = tmp_path / "key.yml"
    store = vault(path, vault_id)
    store.look()
    store.write(CONTENT)
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;" + header)
    assert VaultLib([secret]).decrypt(path.read_bytes()).decode() == as_text(CONTENT)


@pytest.mark.parametrize(("secrets", "vault_id"), [((), ""), ((), "prod"), ((DEV,), "prod")])
def test_without_a_secret_nothing_is_stored(tmp_path, secrets, vault_id):
    with pytest.raises(InputError, match="no vault secret"):
        vault(tmp_path / "key.yml", vault_id, secrets)


def test_files_that_are_left_alone(tmp_path):
    path = tmp_path / "key.yml"
    path.write_text(as_text(CONTENT))
    assert "not encrypted" in vault(path).look()[0].error
    path.write_bytes(VaultLib([PROD]).encrypt(as_text(CONTENT)))
    assert "vault secret it was encrypted with" in vault(path, secrets=(DEV,)).look()[0].error
    path.write_bytes(VaultLib([DEV]).encrypt("db_password: x"))
    assert "something else" in vault(path).look()[0].error and "x" * 4 not in vault(path).look()[0].error
    path.write_bytes(VaultLib([DEV]).encrypt(b"\xff\xfe"))
    assert "no text" in vault(path).look()[0].error
    path.unlink()
    path.symlink_to(tmp_path / "other")
    assert "symbolic link" in vault(path).look()[0].error
    assert "no regular file" in vault(tmp_path).look()[0].error


def test_what_would_fail_is_told_before(tmp_path, monkeypatch):
    assert "not there" in vault(tmp_path / "missing" / "key.yml").look()[0].hindrance
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    assert "cannot be written" in vault(tmp_path / "key.yml").look()[0].hindrance


@pytest.mark.parametrize("before", [False, True])
def test_a_file_that_changed_meanwhile_is_kept(tmp_path, before):
    path = tmp_path / "key.yml"
    store = vault(path)
    if before:
        path.write_bytes(VaultLib([DEV]).encrypt(as_text(CONTENT)))
    store.look()
    path.write_text("somebody else's")
    with pytest.raises(Conflict):
        store.write(CONTENT)
    assert path.read_text() == "somebody else's" and os.listdir(tmp_path) == ["key.yml"]


# A parameter


@pytest.fixture
def aws():
    with mock_aws():
        session = boto3.session.Session("a", "a", region_name="eu-west-1")

        class Account:
            ssm, kms = session.client("ssm"), session.client("kms")
            fails = None

            def client(self, service, config=None):
                made = session.client(service, config=Config(**config))
                if self.fails:
                    made.meta.events.register(f"before-send.{service}", self.fails)
                return made

            def store(self, key="alias/cw", name="/hybridops/key"):
                return open_store(Place(name, key), self.client, (), "default")

        account = Account()
        account.key = account.kms.create_key()["KeyMetadata"]
        account.kms.create_alias(AliasName="alias/cw", TargetKeyId=account.key["KeyId"])
        account.other = account.kms.create_key()["KeyMetadata"]
        yield account


def test_a_parameter_there_and_back(aws):
    store = aws.store()
    assert not store.look()[0].exists
    store.write(CONTENT)
    assert store.content()[1] == CONTENT
    (entry,) = aws.ssm.describe_parameters()["Parameters"]
    assert (entry["Type"], entry["KeyId"]) == ("SecureString", "alias/cw")
    tags = aws.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/hybridops/key")["TagList"]
    assert tags == [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]
    shown, _content = store.look()
    assert (shown.key_id, shown.owner, shown.sealed, shown.mode) == ("AKIA0", "default", "", "")
    store.write(CONTENT)
    assert aws.ssm.get_parameter(Name="/hybridops/key")["Parameter"]["Version"] == 2


@pytest.mark.parametrize("form", ["alias", "id", "arn"])
def test_one_kms_key_by_several_names(aws, form):
    name = {"alias": "alias/cw", "id": aws.key["KeyId"], "arn": aws.key["Arn"]}[form]
    first = aws.store()
    first.look()
    first.write(CONTENT)
    assert aws.store(name).look()[0].sealed == ""
    assert "another KMS key (alias/cw)" in aws.store(aws.other["KeyId"]).look()[0].sealed


def test_a_parameter_that_is_not_listed_yet(aws, monkeypatch):
    """That nothing is known of its KMS key is no reason to replace the access key."""
    store = aws.store()
    store.look()
    store.write(CONTENT)
    monkeypatch.setattr(aws, "fails", lambda request, **_event: unlisted(request))
    assert aws.store().look()[0].sealed == ""


def unlisted(request):
    if request.headers["X-Amz-Target"] != b"AmazonSSM.DescribeParameters":
        return None
    return AWSResponse(request.url, 200, {}, SimpleNamespace(stream=lambda: [b'{"Parameters": []}']))


def test_parameters_that_are_left_alone(aws):
    put = {"Name": "/hybridops/key", "Value": as_text(CONTENT)}
    aws.ssm.put_parameter(**put, Type="String")
    shown, content = aws.store().look()
    assert "not encrypted" in shown.error and content is None and shown.owner == ""
    aws.ssm.delete_parameter(Name="/hybridops/key")
    aws.ssm.put_parameter(**put, Type="SecureString")
    assert aws.store().look()[0].sealed == "AWS's own key" and aws.store().look()[0].owner == ""
    aws.ssm.put_parameter(Name="/hybridops/key", Value="x", Type="SecureString", KeyId="alias/cw", Overwrite=True)
    assert "something else" in aws.store().look()[0].error


def test_kms_keys_that_are_refused(aws):
    with pytest.raises(Refusal, match="not there"):
        aws.store("alias/none").look()
    aws.kms.disable_key(KeyId=aws.other["KeyId"])
    with pytest.raises(Refusal, match="disabled"):
        aws.store(aws.other["KeyId"]).look()
    own = aws.kms.describe_key(KeyId="alias/aws/ssm")["KeyMetadata"]
    if own["KeyManager"] == "AWS":
        with pytest.raises(InputError, match="AWS's own key"):
            aws.store(own["KeyId"]).look()


def test_somebody_made_the_parameter_meanwhile(aws):
    store = aws.store()
    store.look()
    aws.ssm.put_parameter(Name="/hybridops/key", Value="theirs", Type="SecureString", KeyId="alias/cw")
    with pytest.raises(ParameterFailed, match="AlreadyExists"):
        store.write(CONTENT)
    assert aws.ssm.get_parameter(Name="/hybridops/key", WithDecryption=True)["Parameter"]["Value"] == "theirs"


def test_an_error_that_quotes_the_value(aws):
    def quote(request, **_event):
        raise RuntimeError(f"cannot send {request.body}")

    aws.fails = quote
    with pytest.raises(ParameterFailed) as failed:
        aws.store().write(CONTENT)
    assert SECRET not in str(failed.value) and failed.value.__context__ is None and failed.value.__cause__ is None
