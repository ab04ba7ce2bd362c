# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit as one page of HTML that holds all that it needs: no script, no request."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

from .document import title as title_of
from .kinds import SEVERITIES
from .markup import Markup, joined, listed, name, page, table, tag, terms
from .style import STYLE

_DECISIONS = {"allowed": "allowed", "explicitDeny": "denied", "implicitDeny": "not allowed", None: "no answer"}


def html(document: Mapping[str, Any], title: str = "Access audit") -> str:
    """Return the page of an audit.

    :param document: as ``document`` makes it.
    """
    main = [_findings(document), _accepted(document), _checks(document), _identities(document), _hybrid(document)]
    return page(title, STYLE, {}, _header(document, title), tag("main", *main), _footer(document))


def _header(document: Mapping[str, Any], title: str) -> Markup:
    counts = document["counts"]
    facts: List[Tuple[str, Any]] = [("Account", document["account"]), ("Region", document["region"] or "none"), ("Time", document["time"])]
    facts.append(("Identities", str(len(document["identities"]))))
    if document["checks"]:
        facts.append(("Questions asked", str(len(document["checks"]))))
    tiles = [tag("li", tag("b", str(counts[level])), level, class_=level if counts[level] else f"{level} zero") for level in SEVERITIES]
    return tag("header", tag("h1", title), tag("p", _verdict(counts), class_="verdict"), tag("ul", *tiles, class_="counts"), terms(facts))


def _verdict(counts: Mapping[str, int]) -> str:
    if counts["high"]:
        return f"{_number(counts['high'], 'thing needs', 'things need')} somebody today."
    if counts["medium"]:
        return f"Nothing grave. {_number(counts['medium'], 'thing wants', 'things want')} to be looked at."
    if counts["low"] or counts["info"]:
        return "Nothing grave. There is some tidying up to do, or to know of."
    return "Nothing was found."


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _findings(document: Mapping[str, Any]) -> Markup:
    if not document["findings"]:
        seen = f"{_number(len(document['identities']), 'identity was', 'identities were')} looked at, and nothing was found."
        return tag("section", tag("h2", "Findings"), tag("p", seen, class_="calm"))
    kinds = groupby(document["findings"], key=lambda one: (one["severity"], one["id"], one["remedy"]))
    cards = [_card(severity, kind, remedy, list(found)) for (severity, kind, remedy), found in kinds]
    return tag("section", tag("h2", "Findings"), *cards)


def _card(severity: str, kind: str, remedy: str, found: List[Mapping[str, Any]]) -> Markup:
    items = [
        tag("li", *(tag("div", name(one)) for one in objects), *(tag("span", what) for what in whats)) for objects, whats in _joined(found)
    ]
    top = [tag("span", severity, class_=f"badge {severity}"), tag("h3", title_of(kind)), tag("span", tag("code", kind), class_="kind")]
    return tag(
        "article",
        tag("div", *top, class_="top"),
        tag("p", tag("b", "What to do: "), remedy, class_="remedy"),
        tag("ul", *items, class_="items"),
        class_=f"card {severity}",
    )


def _joined(found: Iterable[Mapping[str, Any]]) -> Iterable[Tuple[Tuple[str, ...], List[str]]]:
    """Put together the objects at which the same was found, and then what was found at the same objects."""
    by_what: Dict[str, List[str]] = {}
    for one in found:
        by_what.setdefault(one["what"], []).append(one["object"])
    by_objects: Dict[Tuple[str, ...], List[str]] = {}
    for what, objects in by_what.items():
        by_objects.setdefault(tuple(objects), []).append(what)
    return by_objects.items()


def _accepted(document: Mapping[str, Any]) -> Markup:
    if not document["accepted"]:
        return Markup()
    rows = [(name(one["object"]), title_of(one["id"]), one["what"], one["reason"]) for one in document["accepted"]]
    return tag(
        "section", tag("h2", "Accepted"), table("Findings that somebody decided to live with", ("Where", "What", "Found", "Reason"), rows)
    )


def _checks(document: Mapping[str, Any]) -> Markup:
    if not document["checks"]:
        return Markup()
    by_principal: Dict[str, List[Mapping[str, Any]]] = {}
    for row in document["checks"]:
        by_principal.setdefault(row["principal"], []).append(row)
    return tag("section", tag("h2", "What identities may do"), *(_check(*one) for one in by_principal.items()))


def _check(principal: str, rows: List[Mapping[str, Any]]) -> Markup:
    differing = [row for row in rows if not row["agrees"]]
    same = [row for row in rows if row["agrees"]]
    who = principal.split(":", 5)[-1]
    parts: List[Markup] = []
    if differing:
        parts.append(_answers(f"{who}: {_number(len(differing), 'answer is', 'answers are')} not as expected", differing))
    if same:
        told = f"{who}: {_number(len(same), 'answer is', 'answers are')} as expected"
        parts.append(tag("details", tag("summary", told), _answers(f"As expected of {who}", same)))
    return joined(parts)


def _answers(caption: str, rows: Iterable[Mapping[str, Any]]) -> Markup:
    heads = ("Action", "On", "Should be", "AWS says", "Because of")
    return table(caption, heads, (_answer(row) for row in rows))


def _answer(row: Mapping[str, Any]) -> Tuple[Any, ...]:
    kind = "unseen" if row["agrees"] is None else "good" if row["agrees"] else "bad"
    context = [f"{key} = {', '.join(values)}" for key, values in row["context"].items()]
    on = listed([name(row["resource"]), *context]) if context else name(row["resource"])
    because = row["not_seen"] or listed([policy["id"] for policy in row["policies"]], "no statement")
    says = tag("span", _DECISIONS.get(row["decision"], row["decision"]), class_=f"badge {kind}")
    return name(row["action"]), on, "allowed" if row["expected"] == "may" else "not allowed", says, because


def _identities(document: Mapping[str, Any]) -> Markup:
    roles = [one for one in document["identities"] if one["kind"] == "role"]
    users = [one for one in document["identities"] if one["kind"] == "user"]
    parts = []
    if roles:
        heads = ("Role", "Owner", "Policies", "Boundary", "Instance profile", "Last used")
        parts.append(table(f"{_number(len(roles), 'role', 'roles')}", heads, map(_role, roles)))
    if users:
        heads = ("User", "Owner", "Policies", "Boundary", "Access keys", "Groups")
        parts.append(table(f"{_number(len(users), 'user', 'users')}", heads, map(_user, users)))
    return tag("section", tag("h2", "Identities"), *parts) if parts else Markup()


def _role(one: Mapping[str, Any]) -> Tuple[Any, ...]:
    return (name(one["name"]), _owner(one), _policies(one), _boundary(one), listed([name(held) for held in one["instance_profiles"]]),
            one["last_used"] or "not known")  # fmt: skip


def _user(one: Mapping[str, Any]) -> Tuple[Any, ...]:
    keys = "not seen" if one["keys"] is None else listed([_key(key) for key in one["keys"]])
    return name(one["name"]), _owner(one), _policies(one), _boundary(one), keys, listed([name(group) for group in one["groups"]])


def _owner(one: Mapping[str, Any]) -> Any:
    return name(one["owner"]) if one["owner"] else tag("span", "nobody's", class_="none")


def _policies(one: Mapping[str, Any]) -> Markup:
    held = [name(arn.partition(":policy/")[2] or arn) for arn in one["policies"]]
    return listed([*held, *(joined([name(inline), " (inline)"]) for inline in one["inline_policies"])])


def _boundary(one: Mapping[str, Any]) -> Any:
    return name(one["boundary"].partition(":policy/")[2] or one["boundary"]) if one["boundary"] else tag("span", "none", class_="none")


def _key(key: Mapping[str, Any]) -> Markup:
    used = f"used {key['last_used'][:10]} by {key['last_used_service'] or '?'}" if key["last_used"] else "no use known"
    return joined([name(key["id"]), f" {key['status']}, {_number(key['age_days'], 'day', 'days')} old, {used}"])


def _hybrid(document: Mapping[str, Any]) -> Markup:
    parts = list(_hybrid_tables(document))
    return tag("section", tag("h2", "Hybrid nodes"), *parts) if parts else Markup()


def _hybrid_tables(document: Mapping[str, Any]) -> Iterator[Markup]:
    if document["nodes"]:
        rows = [(name(one["id"]), name(one["name"]), one["status"], one["last_ping"] or "never", one["role"]) for one in document["nodes"]]
        yield table("Nodes", ("Node", "Name", "Status", "Last heard of", "Role"), rows)
    if document["activations"]:
        rows = [
            (name(one["id"]), name(one["name"]), f"{one['used']} of {one['limit']}", one["expires"] or "not known", one["role"])
            for one in document["activations"]
        ]
        yield table("Activations", ("Activation", "Names machines", "Used", "Ends", "Role"), rows)


def _footer(document: Mapping[str, Any]) -> Markup:
    notes = list(document["limits"])
    if not document["whole_account"]:
        notes.insert(0, "The account could not be listed as a whole. What nobody named was not looked at.")
    made = "Made by the collection hybridops.aws_agents. This page holds no secret, loads nothing and sends nothing."
    return tag("footer", tag("ul", *(tag("li", note) for note in notes)) if notes else "", tag("p", made))
