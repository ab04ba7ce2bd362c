# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is seen but where it belongs: every playbook with all switched on that tells more, and runs that fail at calls near secrets.

Where a secret belongs: the credentials file of its host, the store of a shared key (encrypted, where it is a file), the file that somebody
named for the key of a lease, and one argument of SSM Agent's process on its host, which takes an activation code in no other way. What
whoever starts a run gives in its environment is in the environment of the run's processes, and nowhere else.
"""

from __future__ import annotations

import json
import re
import secrets as randomness
import string
from pathlib import Path

import pytest

from tests.faults.bench import ALL, drawn, sample
from tests.faults.secret_run import SUFFIX, Watched, becomes, registers
from tests.faults.secret_search import PART, Secret, forms, leaks
from tests.faults.secret_site import MODES, OWNED, SecretSite
from tests.faults.secret_told import NOTHING_TOLD, told
from tests.faults.secret_wire import ANSWERS, REFUSALS, Wire
from tests.integration.registration_site import TRUST
from tests.support.recording_proxy import RecordingProxy
from tests.support.tls_proxy import TlsProxy

WAYS = ("ansible-runner", "ansible-playbook")
DEPTH = {"ansible-runner": 4, "ansible-playbook": 5}
"""How many v: from the fifth on, Ansible debugs itself as well."""


@pytest.fixture
def site(ministack, tmp_path):
    wire = Wire()
    with RecordingProxy(ministack.endpoint_url, handler=wire) as proxy:
        made = SecretSite(ministack, proxy, wire, tmp_path)
        yield made
        made.end()


def nowhere(site, ledger, part, seen, kinds=()):
    """Fail unless a run kept all secrets of the site so far to itself. ``kinds`` are those that it must have had."""
    secrets = list(site.wire.secrets.values())
    missing = [kind for kind in kinds if not any(secret.kind.startswith(kind) for secret in secrets)]
    assert not missing, f"the run came by no {missing}, so that the search proves nothing\n{seen.output[-3000:]}"
    found, wide = seen.leaks(secrets), seen.wide(secrets, site.asked)
    assert not found and not wide, "\n".join([f"{part}:", *map(str, found), *wide])
    # What amazon.aws has botocore tell, and nobody but its own memory hears; all else that is told is for people.
    talks = {(row["logger"], row["memory"]) for row in seen.notes if row["what"] == "logged" and row["level"] == "DEBUG"}
    assert talks <= {("botocore.endpoint", True)}, talks
    ledger.add(f"Secrets: {part}", runs=1, secrets=len(secrets), places=len(seen.places))


def done(seen, *words):
    """Fail unless a run ended well, or failed with these words."""
    assert bool(seen.rc) == bool(words), seen.output[-6000:]
    assert all(word in seen.output for word in words), seen.output[-6000:]


# Every playbook


def test_hosts_from_nothing_to_their_keys_and_away_again(site, ledger):
    """The site, with hosts of every kind; keys replaced by others; then all hosts leave. In the long form, the other way round as well."""
    only = {} if ALL else {"aws_agents_roles": ["cwagent_server", "ssm_profile"]}
    names = tuple(MODES if ALL else [name for name in MODES if name != "key2"])
    for runner, by_hand in [WAYS, WAYS[::-1]] if ALL else [WAYS]:
        first = site.run(runner, site.play("site", ssm_profile_service_role=True, **only), hosts=names, verbosity=DEPTH[runner])
        done(first)
        assert all(site.held(name) for name in names)
        kinds = ("secret access key", "activation code", "session token", "SecureString")
        nowhere(site, ledger, "site, and onprem with keys of every kind", first, kinds)
        # What is allowed was seen, or the watch would prove nothing: files on their way to a host's credentials, the agent's one argument.
        assert {becomes(row["path"]) for row in first.notes if row.get("path", "").endswith(SUFFIX)} >= {
            str(site.credentials(name)) for name in names if not name.startswith("ssm")
        }
        assert any(registers("\0".join(row["words"]).encode()) for row in first.notes if row["what"] == "started")
        due = {"onprem_agent_key_rotate_after": "0"}
        rotated = site.run(by_hand, site.play("rotate_keys", rotate_keys_shared_now=True), hosts=names, verbosity=DEPTH[by_hand], **due)
        done(rotated)
        nowhere(site, ledger, "rotate_keys", rotated)
        everybody = ["-e", "offboard_all=true"]
        left = site.run(runner, site.play("offboard"), hosts=names, verbosity=DEPTH[runner], arguments=everybody)
        done(left)
        nowhere(site, ledger, "offboard", left)


def test_the_side_of_aws(site, ledger, tmp_path):
    """By the names that AWS has, since amazon.aws's own log of calls knows those alone. It goes to memory, and its names to the result."""
    plays = site.aws_side(**({} if ALL else {"aws_agents_roles": ["cwagent_server", "session_manager"]}))
    with TlsProxy(site.proxy.url, tmp_path / "authority") as tls:
        names = {"AWS_ENDPOINT_URL": None, "HTTPS_PROXY": tls.url, "AWS_CA_BUNDLE": str(tls.authority.certificate)}
        for way in WAYS if ALL else WAYS[1:]:
            seen = site.run(way, *plays.values(), hosts=("key1",), verbosity=DEPTH[way], environment=names)
            done(seen)
            nowhere(site, ledger, "aws_access, audit, migrate, instance_profiles", seen)
            actions = [action for result in seen.results for action in result.get("resource_actions", ())]
            assert "iam:GetRole" in actions and "sts:GetCallerIdentity" in actions
            assert all(re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", action) for action in actions), actions


def test_keys_that_tasks_are_told(site, ledger):
    """As options, with none in the environment. All these tasks run within ansible-playbook, so that no file of a module holds them."""
    for way in WAYS if ALL else WAYS[1:]:
        play = told(site)
        refused = sum(task.get("ignore_errors", False) for task in play["tasks"])
        seen = site.run(way, play, hosts=("key1",), verbosity=DEPTH[way], environment=NOTHING_TOLD)
        done(seen)
        assert f"ignored={refused}" in seen.output, seen.output[-6000:]
        shown = {result["invocation"]["module_args"]["secret_key"] for result in seen.results if "invocation" in result}
        assert shown == {"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}
        nowhere(site, ledger, "keys as options of tasks", seen, ("secret access key", "operator's secret key", "operator's session token"))


def test_configurations_that_are_secrets(site, ledger):
    """Stored in three ways, new ones and over others, the key of one way in a file meanwhile."""
    with site.metadata() as metadata:
        plays = site.stores(metadata)
        for way in WAYS[::-1] if ALL else WAYS[1:]:
            site.forget_stored()
            seen = site.run(way, *plays.values(), hosts=("key1",), verbosity=DEPTH[way])
            for value in metadata.given:
                site.wire.add("session of an instance", value)
            done(seen)
            assert site.stored().count("canary") == 6
            kinds = ("namespace of", "secret access key", "session token", "session of")
            nowhere(site, ledger, "store_agent_config in three ways", seen, kinds)


# Runs that fail


def test_hosts_whose_handovers_fail(site, ledger):
    """Each host at its own secret: answers that cannot be read, and deliveries that are cut off."""
    for user in ("cwagent-key1", "cwagent-key2", "cwagent-vaulted"):
        site.iam.create_user(UserName=user, Path="/hybridops/", Tags=OWNED)
    site.iam.create_role(RoleName="SSMServiceRole", AssumeRolePolicyDocument=json.dumps(TRUST))
    rounds = sample("rounds", list(zip(ANSWERS, [*list(ANSWERS)[1:], "garbled"], ["before", "after"] * 3, WAYS * 3, strict=True)), 1)
    for keys, codes, when, way in rounds:
        site.wire.faults.clear()
        site.wire.fail("key", "CreateAccessKey", keys, UserName="cwagent-key1")
        site.wire.fail("activation", "CreateActivation", codes, DefaultInstanceName="ssm1")
        (site.hosts / "key2").mkdir(parents=True, exist_ok=True)
        (site.hosts / "key2" / "fails").write_text(f"deliver {when}")
        seen = site.run(way, site.play("onprem"), hosts=("key1", "key2", "ssm1", "vault1"), onprem_agent_replace_foreign=True)
        assert seen.rc and site.held("vault1") and site.wire.hits["key"] and site.wire.hits["activation"], seen.output[-6000:]
        nowhere(site, ledger, f"onprem that fails: CreateAccessKey {keys}, CreateActivation {codes}, connection gone {when} the delivery",
                seen, ("secret access key", "activation code"))  # fmt: skip
        for key in site.iam.list_access_keys(UserName="cwagent-key1")["AccessKeyMetadata"]:
            site.iam.delete_access_key(UserName="cwagent-key1", AccessKeyId=key["AccessKeyId"])


CASES = [
    *[("shared", operation, kind) for operation in ("CreateAccessKey", "GetParameter") for kind in ANSWERS],
    *[("shared", "PutParameter", kind) for kind in REFUSALS],
    *[("role", operation, kind) for operation in ("AssumeRole", "GetParameter") for kind in ANSWERS],
    *[("role", "PutParameter", kind) for kind in REFUSALS],
    *[("user", "CreateAccessKey", kind) for kind in ANSWERS],
    *[("user", "PutParameter", kind) for kind in REFUSALS],
]


def test_calls_that_fail_at_a_secret(site, ledger):
    """Stores and leases, a case each with a user, role or parameter of its own."""
    cases = sample("calls", CASES, 6)
    for turn, way in enumerate(WAYS if ALL else WAYS[1:]):
        # A case may leave a lease that holds for a while, and what it is for is then not tried again.
        names = [f"case{number}-{turn}" for number in range(len(cases))]
        tasks = [site.failing(name, *case) for name, case in zip(names, cases, strict=True)]
        seen = site.run(way, {"name": "Fail", "hosts": "localhost", "gather_facts": False, "tasks": tasks}, verbosity=DEPTH[way])
        done(seen)
        missed = [case for name, case in zip(names, cases, strict=True) if not site.wire.hits[name]]
        assert not missed, f"{missed} never happened\n{seen.output[-3000:]}"
        nowhere(site, ledger, "stores and leases whose calls fail", seen, ("secret access key",))
    ledger.add("Secrets: stores and leases whose calls fail", cases=len(cases) * (turn + 1), faults=sum(site.wire.hits.values()))


# The search itself


@pytest.mark.parametrize("number", range(3))
def test_every_part_of_every_form_is_found(number):
    draw = drawn("forms", number)
    letters = string.ascii_letters + string.digits + "/+="
    value = "".join(draw.choice(letters) for _letter in range(40))
    secret = Secret("secret", value)
    noise = draw.randbytes(2000)
    for name, text in forms(value).items():
        for begin in range(0, len(text) - PART + 1, 5):
            long = len(text) * PART // len(value) + 1
            for shift in range(7):
                placed = noise[: 500 + shift] + text[begin : begin + max(PART, long)] + noise[500:]
                if begin + max(PART, long) <= len(text):
                    assert leaks([secret], {"place": placed}), f"{name} from {begin}"
    assert not leaks([secret], {"noise": noise, "other": value.swapcase().encode(), "little": value[: PART - 1].encode()})


PLACES = {
    # What the leak is asked for, and the place that it must be found in; other places may have it too.
    "output": ("output", "stdout", "job_events"),
    "standard error": ("output", "stdout", "job_events"),
    "log": ("ansible.log",),
    "result": ("results.jsonl",),
    "fact cache": ("facts/", "fact_cache/"),
    "a file that stays": ("/left",),
    "a file that goes": ("removed file",),
    "an argument": ("arguments of what was started",),
    "a shell's argument": ("list of processes",),
    "an environment": ("environment of what was started",),
    "a log record": ("log records",),
    "as an argument of a module": ("AnsiballZ",),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_leak_in_each_place_is_found(way, tmp_path):
    letters = string.ascii_letters + string.digits + "/+"
    value = {
        place: "".join(randomness.choice(letters) for _letter in range(40)) for place in (*PLACES, "a file that others can open", "given")
    }
    given = tmp_path / "given"
    given.mkdir()
    open_file = tmp_path / "host" / "credentials"
    (given / "secrets").write_text(json.dumps({**value, "path": str(open_file)}))
    (given / "argument").write_text(value["as an argument of a module"])
    watched = Watched(tmp_path / "runs", [tmp_path / "host"], [open_file])
    here = Path(__file__).parent / "leaks"
    task = {"leak": {"secrets": str(given / "secrets"), "as_argument": f"{{{{ lookup('ansible.builtin.file', '{given}/argument') }}}}"}}
    plays = [{"name": "Leak", "hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    environment = {"LEAKS": str(here / "callback"), "LEAKED_SECRETS": str(given / "secrets"), "ANSIBLE_LIBRARY": str(here / "library"),
                   "GIVEN": value["given"], "ANSIBLE_FACT_CACHING": "jsonfile"}  # fmt: skip
    seen = watched.run(way, plays, {"all": {"hosts": {"localhost": local}}}, environment)
    assert seen.rc == 0, seen.output
    secrets = {place: Secret(place, text, given=place == "given") for place, text in value.items()}
    found = seen.leaks(list(secrets.values()))
    for place, where in PLACES.items():
        places = [each.place for each in found if each.secret.kind == place]
        assert any(word in each for each in places for word in where), f"{place} was not found there: {places}"
    assert not [each for each in found if each.secret.kind in ("given", "a file that others can open")], found
    open_to_all = f"{open_file}: mode 0666, asked for 0600"
    assert open_to_all in seen.wide(list(secrets.values()), {})
    assert open_to_all not in seen.wide(list(secrets.values()), {str(open_file): 0o666})
