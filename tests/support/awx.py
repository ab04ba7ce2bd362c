# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in of AWX's API for the modules of awx.awx: objects, their associations and surveys, with what AWX 24 refuses of them.

What it checks is what a mistake of ours would meet: names that are taken or unknown, playbooks that the project lacks, surveys, and
the rules of schedules. It starts nothing.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Self, Set, Tuple
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from dateutil import rrule  # type: ignore[import-untyped]  # comes with botocore, without types

Object = Dict[str, Any]

TYPES = {
    "organizations": "organization", "credential_types": "credential_type", "credentials": "credential", "projects": "project",
    "execution_environments": "execution_environment", "inventories": "inventory", "inventory_sources": "inventory_source",
    "job_templates": "job_template", "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node", "schedules": "schedule",
}  # fmt: skip
TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
"""What the API calls unified job templates. They share one sequence of ids."""
DEFAULTS: Dict[str, Object] = {"projects": {"scm_revision": ""}, "inventories": {"kind": "", "host_filter": None}}
IDENTITY = {"workflow_job_template_nodes": ("identifier", "workflow_job_template"), "inventory_sources": ("name", "inventory"),
            "schedules": ("name", "unified_job_template"), "credential_types": ("name",), "organizations": ("name",)}  # fmt: skip
QUESTION_TYPES = ("text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect")
CHOICES = ("multiplechoice", "multiselect")


class Refused(Exception):
    """AWX would answer with status 400."""


class Awx:
    """AWX's API on a port of this machine. Use it as a context manager.

    :param playbooks: the folder of the project whose playbooks it finds there.
    """

    def __init__(self, playbooks: Path) -> None:
        self.playbooks = {path.name for path in playbooks.glob("*.yml")}
        self.token = secrets.token_hex(16)
        self.objects: Dict[str, List[Object]] = {kind: [] for kind in TYPES}
        self.writes: List[Tuple[str, str]] = []
        self._members: Dict[Tuple[str, int, str], Set[int]] = {}
        self._surveys: Dict[Tuple[str, int], Object] = {}
        self._ids = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.add("organizations", name="Default")

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> Dict[str, str]:
        """Where the modules find it."""
        return {"CONTROLLER_HOST": f"http://127.0.0.1:{self._server.server_port}", "CONTROLLER_OAUTH_TOKEN": self.token}

    # What a test looks at

    def add(self, kind: str, /, **fields: Any) -> Object:
        """Make an object, as a person did before."""
        self._ids += 1
        url = f"/api/v2/{kind}/{self._ids}/"
        related = {"survey_spec": f"{url}survey_spec/"} if kind in ("job_templates", "workflow_job_templates") else {}
        made = {
            "id": self._ids,
            "type": TYPES[kind],
            "url": url,
            "related": related,
            "summary_fields": {},
            **DEFAULTS.get(kind, {}),
            **fields,
        }
        self.objects[kind].append(made)
        return made

    def named(self, kind: str, name: str) -> Object:
        """Return the only object of a name."""
        (found,) = [each for each in self.objects[kind] if name in (each.get("name"), each.get("identifier"))]
        return found

    def survey(self, kind: str, name: str) -> List[Object]:
        """Return the questions of a template."""
        return list(self._surveys[kind, self.named(kind, name)["id"]]["spec"])

    def members(self, kind: str, name: str, association: str) -> List[str]:
        """Return the names of what is associated with an object."""
        ids = self._members.get((kind, self.named(kind, name)["id"], association), set())
        everything = [each for objects in self.objects.values() for each in objects if each["id"] in ids]
        return sorted(each.get("name") or each["identifier"] for each in everything)

    # Requests

    def answer(self, method: str, path: str, query: Mapping[str, str], data: Object) -> Tuple[int, Any]:
        """Return status and body."""
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        if method != "GET":
            self.writes.append((method, path))
        try:
            if len(parts) == 1:
                return (200, _page(self._found(parts[0], query))) if method == "GET" else (201, self._create(parts[0], data))
            one = next((each for each in self._all(parts[0]) if str(each["id"]) == parts[1]), None)
            if one is None:
                return 404, {"detail": "Not found."}
            if len(parts) == 2:
                return 200, one if method == "GET" else self._change(parts[0], one, data)
            if parts[2] == "survey_spec":
                return 200, self._survey(method, (parts[0], one["id"]), data)
            return self._associate(method, (parts[0], one["id"], parts[2]), data)
        except Refused as refused:
            return 400, {"__all__": [str(refused)], "error": str(refused)}

    def _all(self, kind: str) -> List[Object]:
        if kind == "unified_job_templates":
            return [each for template in TEMPLATES for each in self.objects[template]]
        return self.objects[kind]

    def _found(self, kind: str, query: Mapping[str, str]) -> Iterator[Object]:
        for each in self._all(kind):
            exact = {name: value for name, value in query.items() if not name.startswith("or__")}
            either = [(name[4:], value) for name, value in query.items() if name.startswith("or__")]
            fits = all(str(each.get(name)) == value for name, value in exact.items())
            if fits and (not either or any(str(each.get(name)) == value for name, value in either)):
                yield each

    def _create(self, kind: str, data: Object) -> Object:
        identity = IDENTITY.get(kind, ("name", "organization"))
        if any(all(each.get(name) == data.get(name) for name in identity) for each in self.objects[kind]):
            raise Refused(f"{TYPES[kind]} with this {' and '.join(identity)} already exists.")
        self._check(kind, data)
        return self.add(kind, **data)

    def _change(self, kind: str, one: Object, data: Object) -> Object:
        self._check(kind, {**one, **data})
        one.update(data)
        return one

    def _check(self, kind: str, data: Object) -> None:
        if kind == "job_templates" and data.get("playbook") not in self.playbooks:
            raise Refused(f"Playbook not found for project: {data.get('playbook')}")
        if kind == "schedules":
            check_rule(data["rrule"])
            survey = self._surveys.get(("job_templates", data["unified_job_template"]), {"spec": []})
            check_answers(survey["spec"], data.get("extra_data") or {})

    def _survey(self, method: str, key: Tuple[str, int], data: Object) -> Object:
        if method == "POST":
            check_survey(data)
            self._surveys[key] = data
        return self._surveys.get(key, {}) if method == "GET" else {}

    def _associate(self, method: str, key: Tuple[str, int, str], data: Object) -> Tuple[int, Any]:
        ids = self._members.setdefault(key, set())
        if method == "GET":
            return 200, _page(each for objects in self.objects.values() for each in objects if each["id"] in ids)
        (ids.discard if data.get("disassociate") else ids.add)(data["id"])
        return 204, None

    def _handler(self) -> type:
        awx = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                url = urlsplit(self.path)
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Authorization") != f"Bearer {awx.token}":
                    return self.say(401, {"detail": "Authentication credentials were not provided."})
                return self.say(*awx.answer(self.command, url.path, dict(parse_qsl(url.query)), json.loads(text or b"{}")))

            def say(self, status: int, body: Any) -> None:
                text = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815  (what http.server asks for)

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handler


def _page(found: Any) -> Object:
    results = list(found)
    return {"count": len(results), "next": None, "previous": None, "results": results}


def check_survey(survey: Object) -> None:
    """Refuse a survey as AWX does."""
    if not all(isinstance(survey.get(name), str) for name in ("name", "description")) or not survey.get("spec"):
        raise Refused("A survey has name, description and a spec with questions.")
    variables: Set[str] = set()
    for number, question in enumerate(survey["spec"]):
        for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            if not isinstance(question.get(name), kind):
                raise Refused(f"'{name}' in survey question {number} expected to be {kind.__name__}.")
        if question["variable"] in variables:
            raise Refused(f"'variable' '{question['variable']}' duplicated in survey question {number}.")
        variables.add(question["variable"])
        _check_question(number, question)


def _check_question(number: int, question: Object) -> None:
    if question["type"] not in QUESTION_TYPES:
        raise Refused(f"'{question['type']}' in survey question {number} is no question type.")
    if any(not isinstance(question.get(name), (int, type(None))) for name in ("min", "max")):
        raise Refused(f"The limit in survey question {number} expected to be integer.")
    if question["type"] in CHOICES:
        default = question.get("default", "").splitlines()
        if question["type"] == "multiplechoice" and len(default) > 1:
            raise Refused("Multiple Choice (Single Select) can only have one default value.")
        if not question.get("choices") or any(each not in question["choices"] for each in default):
            raise Refused(f"Default choice of survey question {number} must be answered from the choices listed.")


def check_answers(questions: List[Object], answers: Mapping[str, Any]) -> None:
    """Refuse answers as AWX does. It asks for what must be answered whatever defaults there are."""
    for question in questions:
        variable = question["variable"]
        if variable not in answers:
            if question["required"]:
                raise Refused(f"'{variable}' value missing")
            continue
        answer = answers[variable]
        if question["type"] == "multiselect" and not isinstance(answer, list):
            raise Refused(f"'{variable}' value is expected to be a list.")
        chosen = answer if isinstance(answer, list) else [answer]
        if question["type"] in CHOICES and any(each not in question["choices"] for each in chosen):
            raise Refused(f"Value {answer} for '{variable}' expected to be one of {question['choices']}.")
        if question["type"] in ("text", "textarea"):
            if not isinstance(answer, str):
                raise Refused(f"Value {answer} for '{variable}' expected to be a string.")
            if question["min"] is not None and len(answer) < question["min"]:
                raise Refused(f"'{variable}' value {answer} is too small (length is {len(answer)} must be at least {question['min']}).")


def launched(questions: List[Object]) -> Object:
    """Return the extra variables that AWX gives a job whose survey nobody was asked: each default that would do as an answer.

    Defaults of type multiselect are text, which would not.
    """
    found: Object = {}
    for question in questions:
        try:
            check_answers([question], {question["variable"]: question["default"]})
        except Refused:
            continue
        found[question["variable"]] = question["default"]
    return found


def check_rule(rule: str) -> None:
    """Refuse the rule of a schedule as AWX does."""
    starts = re.findall(r"DTSTART(;[^:]+)?:([0-9]+T[0-9]+)(Z?)", rule)
    if len(starts) != 1:
        raise Refused("Valid DTSTART required in rrule.")
    ((zone, _start, universal),) = starts
    if not zone and not universal:
        raise Refused("DTSTART cannot be a naive datetime.")
    if any("INTERVAL=" not in each or "SECONDLY" in each for each in re.findall(r"RRULE:\S*", rule)) or "RRULE:" not in rule:
        raise Refused("INTERVAL required in rrule, and SECONDLY is not supported.")
    try:
        rrule.rrulestr(rule, tzinfos={name: ZoneInfo(name) for name in re.findall(r"TZID=([^:;]+)", zone)})
    except (ValueError, KeyError) as error:
        raise Refused(f"rrule parsing failed validation: {error}") from error
