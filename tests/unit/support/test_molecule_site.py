# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scenario is told of the calls that went by."""

from __future__ import annotations

import json
import os
import urllib.parse

import pytest

from tests.support.calls_seen import aged, metrics, noted, received
from tests.support.molecule_site import Files, SiteError, age, main, mark, stop
from tests.support.recording_proxy import Call

OPERATOR, KEY = "AKIAOPERATOR", "AKIAHOST"


def put_metric_data(host, *values, namespace="CWAgent"):
    form = {"Action": "PutMetricData", "Namespace": namespace}
    for number, value in enumerate(values, 1):
        form[f"MetricData.member.{number}.MetricName"] = "stand_in_sequence"
        form[f"MetricData.member.{number}.Value"] = f"{value}.0"
        form[f"MetricData.member.{number}.Dimensions.member.1.Name"] = "host"
        form[f"MetricData.member.{number}.Dimensions.member.1.Value"] = host
    form["MetricData.member.99.MetricName"] = "mem_used_percent"
    form["MetricData.member.99.Value"] = "7.5"
    return urllib.parse.urlencode(form).encode()


def line(host="web1", sequences=(), key=KEY, status=200, way="direct"):
    return {"call": "cloudwatch:PutMetricData", "key": key, "write": True, "status": status, "way": way,
            "metrics": {"namespace": "CWAgent", "host": host, "sequences": list(sequences)}}  # fmt: skip


def write(call, key=OPERATOR, writes=True):
    return {"call": call, "key": key, "write": writes, "status": 200, "way": "direct"}


def test_the_counter_of_the_stand_in_is_found_among_other_metrics():
    assert metrics(put_metric_data("web1", 3, 1, 2)) == {"namespace": "CWAgent", "host": "web1", "sequences": [1, 2, 3]}


def test_the_values_of_one_datum_count_each():
    form = {"Namespace": "N", "MetricData.member.1.MetricName": "stand_in_sequence"}
    form |= {f"MetricData.member.1.Values.member.{number}": str(number + 4) for number in (1, 2)}
    assert metrics(urllib.parse.urlencode(form).encode()) == {"namespace": "N", "host": "", "sequences": [5, 6]}


def test_what_may_be_secret_is_not_noted():
    body = b"Action=PutParameter&Value=secret"
    call = Call("iam", "CreateUser", KEY, "us-east-1", "POST", "/", "query", body)
    assert "secret" not in json.dumps(noted(call)) and noted(call) == {"call": "iam:CreateUser", "key": KEY, "write": True}


def test_what_was_received_is_told_per_host():
    lines = [line(sequences=[1, 2]), line(sequences=[3], key="AKIANEW"), line(sequences=[3]), line("web2", [1], way="tunnel")]
    told = received(iter([*lines, line(sequences=[9], status=403)]), OPERATOR)["metrics"]
    assert told["web1"] == {
        "namespaces": ["CWAgent"], "access_keys": [KEY, "AKIANEW"], "ways": ["direct"], "sequences": [1, 2, 3], "refused": 1,
    }  # fmt: skip
    assert told["web2"]["ways"] == ["tunnel"] and told["web2"]["sequences"] == [1]


def test_only_what_the_operator_wrote_since_the_mark_is_a_write():
    lines = [write("iam:CreateUser"), {"mark": "prepared"}, write("iam:GetUser", writes=False), write("iam:CreateRole"), line()]
    assert received(iter(lines), OPERATOR)["writes"] == ["iam:CreateRole"]


def test_keys_look_older_when_they_were_made_before_the_time():
    body = b"<A><CreateDate>2026-03-01T00:00:00Z</CreateDate><B/><CreateDate>2026-03-03T00:00:00Z</CreateDate></A>"
    expected = b"<A><CreateDate>2026-02-19T00:00:00Z</CreateDate><B/><CreateDate>2026-03-03T00:00:00Z</CreateDate></A>"
    assert aged(body, 10, "2026-03-02T00:00:00+00:00") == expected


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_a_mark_and_an_age_are_written_down(files):
    mark(files, "prepared")
    age(files, 100)
    assert json.loads(files.calls.read_text()) == {"mark": "prepared"}
    assert json.loads(files.age.read_text())["days"] == 100
    assert files.age.stat().st_mode & 0o077 == 0


def test_a_process_that_is_not_the_site_is_left_alone(files):
    files.facts.write_text(json.dumps({"pid": os.getpid()}))
    assert stop(files) is False
    assert not files.facts.exists()


def test_where_there_is_no_site_that_is_said(files, capsys):
    with pytest.raises(SiteError, match="molecule create"):
        files.read()
    assert main(["state", str(files.directory)]) == 1
    assert "There is no site" in capsys.readouterr().err
    assert main(["stop", str(files.directory)]) == 0
