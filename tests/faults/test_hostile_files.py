# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are everybody's, with our few settings in them: read back by the parsers of those who use them, nobody else's line lost."""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import profile as profiles
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import Unfit
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import common_config
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import configuration
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import files, options
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.cloudwatch_agent_schema import validate
from botocore.configloader import raw_config_parse
from botocore.exceptions import ConfigParseError
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.hostile import hostile, obeyed, outcome, plain_data, texts

NAMES = st.sampled_from(["default", "AmazonCloudWatchAgent", "web-1", "a@b", "profile x", "DEFAULT", "Default"])
KEYS = st.sampled_from(
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region", "REGION", "output", "s3", "role_arn", "x y"]
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n"])
INI_LINES = st.one_of(
    st.builds("[{}]{}".format, NAMES | texts(longest=2), st.sampled_from(["", " ", " # c", "x"])),
    st.builds("{}{}{}".format, KEYS, st.sampled_from([" = ", "=", ":", " : ", ""]), texts(longest=3)),
    st.builds("{}{}".format, st.sampled_from(["  ", "\t"]), texts("region = x", "aws_access_key_id = y", longest=3)),
    st.sampled_from(["", "  ", "# a comment", "; another", "[default]", "[AmazonCloudWatchAgent]", "rem x", "%include"]),
    texts(longest=3),
)
KEY_ID, SECRET = "AKIAABCDEFGHIJKLMNOP", "s/+e=c#r;e[t]%(x)s"


@st.composite
def ini_files(draw: Any) -> bytes:
    end = draw(ENDS)
    text = end.join(draw(st.lists(INI_LINES, max_size=10))) + draw(st.sampled_from(["", end]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode("utf-8", "surrogatepass" if draw(st.booleans()) else "replace")


def as_botocore_reads(data: bytes, folder: Path) -> Optional[Dict[str, Dict[str, Any]]]:
    """Return what botocore reads, None where it refuses the file.

    Bytes that are no UTF-8 are put in words: it refuses those whatever they say, and other readers do not.
    """
    path = folder / "credentials"
    path.write_bytes(data.decode("utf-8", "backslashreplace").encode())
    try:
        found: Dict[str, Dict[str, Any]] = raw_config_parse(str(path), parse_subsections=False)
    except (ConfigParseError, UnicodeDecodeError, ValueError):
        return None
    return found


@hostile(250, 5000)
@given(ini_files(), st.sampled_from(["default", "AmazonCloudWatchAgent", "web-1", "a@b", "new"]))
def test_a_key_is_merged_into_any_credentials_file_or_none(tmp_path_factory: pytest.TempPathFactory, data: bytes, profile: str) -> None:
    folder = Path(str(tmp_path_factory.getbasetemp()))
    values = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "aws_session_token": "", "region": "eu-west-1"}
    merged = merged_or_not(data, profile, values)
    if merged is None:
        return
    before, after = as_botocore_reads(data, folder), as_botocore_reads(merged, folder)
    assert before is not None and after is not None, "a file was edited that AWS's own reader refuses"
    assert after.pop(profile) == {
        **{key: value for key, value in before.pop(profile, {}).items() if key not in values},
        **{key: value for key, value in values.items() if value},
    }
    assert after == before
    assert lines_of_others(data, values) == lines_of_others(merged, values)
    assert profiles.merge(merged, profile, values) == merged
    taken = profiles.remove(merged, profile)
    left = as_botocore_reads(taken, folder)
    assert left is not None and not set(values) & set(left.pop(profile, {})) and left == before


def merged_or_not(data: bytes, profile: str, values: Dict[str, str]) -> Optional[bytes]:
    try:
        return bytes(profiles.merge(data, profile, values))
    except Unfit as error:
        words = str(error)
    assert words and SECRET not in words and not obeyed(words)
    return None


def lines_of_others(data: bytes, values: Dict[str, str]) -> List[bytes]:
    """Return the lines that set nothing of ours, in their order; blank ones and headers left out."""
    ours = re.compile(rb"\s*(" + b"|".join(name.encode() for name in values) + rb")\s*[=:]", re.IGNORECASE)
    return [line.rstrip(b"\r\n") for line in data.split(b"\n") if line.strip() and not line.startswith(b"[") and not ours.match(line)]


TOML_KEYS = st.sampled_from([*common_config.SETTINGS, "region", "x", '"http_proxy"', "'ca_bundle_path'", "a.b", "credentials", "proxy.x"])
TOML_VALUES = st.one_of(
    texts(longest=3).map(lambda text: json.dumps(text, ensure_ascii=False)),
    texts(longest=2).filter(lambda text: "'" not in text).map(lambda text: f"'{text}'"),
    st.sampled_from(["1", "0x1", "true", "1979-05-27", "1.5", '"""a"""', "'''b'''", '"""', "'''", "[1, 2]", "[", "]", '[ "a", ]', "{a = 1}",
                     '["x",', "[[1], [2]]", '{ http_proxy = "x" }', '"a" # "b"', '"\\u0041"', '"\\n"']),
)  # fmt: skip
TOML_LINES = st.one_of(
    st.builds("{}{} = {}".format, st.sampled_from(["", "   ", "\t"]), TOML_KEYS, TOML_VALUES),
    st.sampled_from(["[credentials]", "[proxy]", "[ssl]", "[imds]", '["credentials"]', " [ proxy ] # c", "[[ssl]]", "[a.b]",
                     "[credentials.x]",
                     "[proxy.x]", "", "# comment", "# [credentials]", '["ssl"]', '  "x" ]', "]", "['proxy']"]),
    texts(longest=2).map(lambda text: f"# {text}"),
)  # fmt: skip
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.none() | texts(longest=3) for name in common_config.SETTINGS if name not in common_config.NUMBERS},
        "imds_retries": st.none() | st.sampled_from(["0", "12", "012", "x", "١"]),
    },
).filter(bool)


@st.composite
def toml_files(draw: Any) -> str:
    end = draw(ENDS)
    return str(end.join(draw(st.lists(TOML_LINES, max_size=8))) + draw(st.sampled_from(["", end])))


def as_the_agent_reads(text: str) -> Optional[Dict[str, Any]]:
    try:
        text.encode()
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeEncodeError):
        return None


@hostile(250, 6000)
@given(toml_files(), SETTINGS)
def test_settings_are_laid_into_any_common_config_or_none(text: str, settings: Dict[str, Optional[str]]) -> None:
    before = as_the_agent_reads(text)
    try:
        pointed = common_config.pointed(text, settings)
    except (InputError, Refusal):
        return
    if before is None:
        return  # the agent reads none of it: what is wrong stays for its owner
    after = as_the_agent_reads(pointed)
    assert after is not None, "a file that the agent could read was broken"
    for section, names in common_config.SECTIONS.items():
        for name in names:
            if name in settings:
                value = settings[name]
                wanted = int(value) if value is not None and name in common_config.NUMBERS else value
                held = after.get(section, {}).pop(name, None)
                assert held == wanted, name
                before.get(section, {}).pop(name, None)
        for read in (before, after):
            if read.get(section) == {}:
                del read[section]
    assert after == before
    assert common_config.pointed(pointed, settings) == pointed
    with suppress(Refusal):  # a section that was not asked for
        held = common_config.current(pointed)
        assert all(held[name] == value for name, value in settings.items())


def as_systemd_reads(text: str) -> Dict[str, str]:
    """Return what systemd takes from the ``Environment=`` lines of a unit, by systemd.syntax(7) and systemd.unit(5), strictly.

    Quotes and C escapes of a word first, specifiers then; an assignment with a control character other than tab and line feed is ignored.
    """
    found: Dict[str, str] = {}
    for line in text.replace("\\\n", " ").split("\n"):
        if not line or line[0] in "#;[":
            continue
        kind, equals, rest = line.partition("=")
        assert equals and kind == "Environment", f"systemd: unknown lvalue in {line!r}"
        for word in words_of(rest):
            name, assigned, value = re.sub(r"%(.)", specifier, word, flags=re.DOTALL).partition("=")
            assert assigned and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name), f"systemd: invalid assignment {word!r}"
            assert not [c for c in value if (c < " " and c not in "\t\n") or c == "\x7f"], f"systemd: invalid assignment {word!r}"
            value.encode()
            found[name] = value
    return found


def specifier(match: re.Match[str]) -> str:
    assert match.group(1) == "%", f"systemd would put a specifier in: {match.group()!r}"
    return "%"


def words_of(text: str) -> List[str]:
    escapes = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "s": " ", "\\": "\\", '"': '"', "'": "'"}
    words, word, quote, at = [], "", "", 0
    started = False
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            assert text[at + 1 : at + 2] in escapes, f"systemd: unknown escape in {text!r}"
            word, at, started = word + escapes[text[at + 1]], at + 1, True
        elif quote:
            word, quote = (word, "") if letter == quote else (word + letter, quote)
        elif letter in "\"'" and not started:
            quote, started = letter, True
        elif letter in " \t\r":
            words, word, started = ([*words, word], "", False) if started else (words, word, started)
        else:
            assert letter not in "\"'", "a quote within a word"
            word, started = word + letter, True
        at += 1
    assert not quote, "systemd: unbalanced quoting"
    return [*words, word] if started else words


REGISTRATION = {
    **{name: spec.get("default") for name, spec in options.ARGUMENT_SPEC.items()},
    "region": "eu-west-1", "iam_role": "SSMServiceRole", "share_credentials": None,
}  # fmt: skip


@hostile(120, 3000)
@given(st.fixed_dictionaries({}, optional={
    "http_proxy": texts().map(lambda text: f"http://{text}"), "https_proxy": texts().map(lambda text: f"https://u:{text}@h:1"),
    "no_proxy": texts(), "credentials_file": texts().map(lambda text: f"/{text}"),
}))  # fmt: skip
def test_a_drop_in_says_to_systemd_what_the_options_said(given_options: Dict[str, str]) -> None:
    try:
        rules = options.rules({**REGISTRATION, **given_options}, "web1")
    except InputError:
        return
    wanted = {name: value for name, value in rules.environment.items() if value}
    text = files.drop_in(wanted)
    assert as_systemd_reads(text) == wanted
    assert files.variables(text) == wanted


@hostile(150, 3000)
@given(plain_data("Profile", "ShareCreds", "Mds"), plain_data("Profile", "ShareCreds", "Mds"), plain_data("Profile"))
def test_settings_are_laid_into_any_configuration_of_the_ssm_agent_or_none(there: Any, wanted: Any, template: Any) -> None:
    try:
        text = json.dumps(there, ensure_ascii=False, default=str)
        config = files.parsed(text, "/etc/amazon/ssm/amazon-ssm-agent.json")
        settings = options.rules({**REGISTRATION, "agent_config": wanted if isinstance(wanted, dict) else {"x": wanted}}, "web1").settings
    except (InputError, Refusal):
        return
    merged = files.merged(config, settings)
    assert json.loads(files.rendered(merged), parse_constant=pytest.fail) == merged
    assert files.merged(merged, settings) == merged
    assert {name: value for name, value in merged.items() if name not in settings} == {
        name: value for name, value in config.items() if name not in settings
    }
    files.rendered(merged).encode()
    files.named(settings)
    restored = files.restored(merged, settings, template if isinstance(template, dict) else {})
    assert files.restored(restored, settings, template if isinstance(template, dict) else {}) == restored


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 50_000, "1" * 5000, '{"Profile": NaN}', '{"a": -Infinity}', "\0", "[]", '"x"', "{{ 7*7 }}"],
    ids=["deep list", "deep object", "long number", "NaN", "Infinity", "NUL", "list", "text", "Jinja"],
)
def test_text_that_breaks_readers_of_json_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="Nothing was changed"):
        files.parsed(text, "/etc/amazon/ssm/amazon-ssm-agent.json")
    with pytest.raises(InputError):
        configuration.parse(text, "config")


@hostile(150, 3000)
@given(
    plain_data(
        "agent",
        "metrics",
        "logs",
        "run_as_user",
        "region",
        "metrics_collected",
        "collect_list",
        "force_flush_interval",
        "endpoint_override",
    )
)
def test_a_configuration_of_the_agent_is_refused_or_carried_exactly(value: Any) -> None:
    config, why = outcome(lambda: configuration.plain(value, "config"))
    _nothing, wrong = outcome(lambda: validate(config, "config", secret=False)) if not why else (None, "")
    warnings, later = outcome(lambda: configuration.check(config, "config")) if not why and not wrong else ([], "")
    if why or wrong or later:
        assert (why or wrong or later).startswith("config")
        return
    assert all(isinstance(warning, str) for warning in warnings)
    text = configuration.render(config, "eu-west-1", "cwagent")
    text.encode()
    carried = json.loads(text, parse_constant=pytest.fail)
    carried.pop("agent"), config.pop("agent", None)
    assert carried == config
