# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and changes session preferences.

Calls besides those of ``session_targets``: sts GetCallerIdentity; ssm CreateDocument, DeleteDocument, DescribeDocument, GetDocument,
GetServiceSetting, ListDocumentVersions, ListTagsForResource, UpdateDocument, UpdateDocumentDefaultVersion, UpdateServiceSetting.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Mapping, Optional

from .._model.context import Context
from .._model.errors import Refusal
from .._model.plan import Change
from .._model.session_preferences import document as documents
from .._model.session_preferences import plan, targets
from .._model.session_preferences.document import Document, Version
from .._model.session_preferences.options import Wanted
from .._model.tags import OWNER_TAG
from . import session
from .session_targets import SessionTargets

TIER = "/ssm/managed-instance/activation-tier"
_SPACES = (2, 1, 3, 4, 0)
"""White space to try in turn: a text is new to AWS when its white space is."""
_NOT_YET = frozenset({"InvalidDocumentVersion", "InvalidDocumentOperation"})
"""Answers while a version that was just made is not ready."""
READY_SECONDS = 60.0
"""For how long such answers are waited for, at most."""


class SessionPreferences:
    """The preferences of one task.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param sleep: sleeps so many seconds.
    """

    def __init__(self, client: Callable[..., Any], wanted: Wanted, allow_root: bool, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._wanted = wanted
        self._allow_root = allow_root
        self._sleep = sleep
        self._version = ""

    def read(self) -> plan.State:
        who = session.caller(self._client("sts", config=session.CLIENT_CONFIG), self._allow_root)
        self._ssm = self._client("ssm", config=session.CLIENT_CONFIG)
        self.context = Context(who.partition, who.account, self._ssm.meta.region_name)
        self._targets = SessionTargets(self._client, self.context, self._wanted)
        document = self._document()
        inputs = plan.checked(self._wanted, document)
        return plan.State(document, self._targets.read(targets.named(self._wanted, inputs)), self._tier())

    def apply(self, change: Change) -> None:
        by_kind: Mapping[str, Callable[[Change], None]] = {
            "create document": self._create,
            "update document": self._update,
            "set default version": self._set_default,
            "delete document": lambda change: self._ssm.delete_document(Name=change.key),
            "set activation tier": lambda change: self._ssm.update_service_setting(SettingId=TIER, SettingValue=change.key),
        }
        by_kind.get(f"{change.step} {change.what}", self._targets.apply)(change)

    # Reading

    def _document(self) -> Optional[Document]:
        name = self._wanted.name
        try:
            found = self._ssm.describe_document(Name=name)["Document"]
        except self._ssm.exceptions.InvalidDocument:
            return None
        kind = found.get("DocumentType", "")
        if kind != documents.KIND:
            nothing = Version(found["LatestVersion"], {})
            return Document(name, nothing, nothing, kind=kind)
        default = self._content(found["DefaultVersion"])
        latest = default if found["LatestVersion"] == found["DefaultVersion"] else self._content(found["LatestVersion"])
        return Document(name, latest, default, self._owner(), kind)

    def _content(self, number: str) -> Version:
        name = self._wanted.name
        text = self._ssm.get_document(Name=name, DocumentVersion=number, DocumentFormat="JSON")["Content"]
        return documents.parse(text, name, number)

    def _owner(self) -> str:
        tags = self._ssm.list_tags_for_resource(ResourceType="Document", ResourceId=self._wanted.name)["TagList"]
        return next((str(tag["Value"]) for tag in tags if tag["Key"] == OWNER_TAG), "")

    def _tier(self) -> str:
        if not self._wanted.tier:
            return ""
        return str(self._ssm.get_service_setting(SettingId=TIER)["ServiceSetting"]["SettingValue"])

    # Writing

    def _create(self, change: Change) -> None:
        self._ssm.create_document(
            Name=change.key,
            Content=documents.render(change.after.latest.content),
            DocumentType=documents.KIND,
            DocumentFormat="JSON",
            Tags=[{"Key": OWNER_TAG, "Value": change.after.owner}],
        )

    def _update(self, change: Change) -> None:
        """Make a version. AWS takes no text that the document has had: then a version with that content is looked for, or the white space
        of the text is changed, since the newest version must say what was asked for."""
        for spaces in _SPACES:
            try:
                self._version = self._new_version(change, spaces)
            except self._ssm.exceptions.DuplicateDocumentContent:
                newest = self._ssm.describe_document(Name=change.key)["Document"]["LatestVersion"]
                self._version = newest if documents.same(self._content(newest).content, change.after) else ""
            except self._ssm.exceptions.DocumentVersionLimitExceeded as error:
                raise Refusal(
                    f"Could not update document {change.key}: {error}. AWS keeps 1,000 versions of one. Delete old ones: aws ssm "
                    f"delete-document --name {change.key} --document-version NUMBER. Then run the task again."
                ) from error
            if self._version:
                return
        number = self._older_version(change)
        raise Refusal(
            f"document {change.key}: AWS takes no new version, since version {number} already says what was asked for. Make it the default "
            f"(aws ssm update-document-default-version --name {change.key} --document-version {number}) and delete the versions after it."
        )

    def _new_version(self, change: Change, spaces: int) -> str:
        answer: Dict[str, Any] = self._ssm.update_document(
            Name=change.key, Content=documents.render(change.after, spaces), DocumentFormat="JSON", DocumentVersion="$LATEST"
        )
        return str(answer["DocumentDescription"]["DocumentVersion"])

    def _older_version(self, change: Change) -> str:
        pages = self._ssm.get_paginator("list_document_versions").paginate(Name=change.key)
        numbers = sorted((entry["DocumentVersion"] for page in pages for entry in page["DocumentVersions"]), key=int, reverse=True)
        return next((number for number in numbers if documents.same(self._content(number).content, change.after)), "of before")

    def _set_default(self, change: Change) -> None:
        arguments = {"Name": self._wanted.name, "DocumentVersion": self._version or change.key}
        session.Retry(READY_SECONDS, sleep=self._sleep)(self._ssm.update_document_default_version, arguments, _NOT_YET)
