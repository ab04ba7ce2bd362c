# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the agent's packages are, and what is to be done with one."""

from __future__ import annotations

import re
from typing import Any, Dict

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import agent_package as places
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import agent_package_plan as plans
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import cloudwatch_agent_package as cwagent
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import ssm_agent_package as ssm
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_package_options import (
    argument_spec,
    options,
    refuse_copies,
    require_key,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_package_plan import Package, Wish
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal

NAME = cwagent.NAME
EVERYWHERE = "https://amazoncloudwatch-agent.s3.amazonaws.com"

SYSTEMS = [
    ("ID=debian", "amd64", "debian/amd64/latest/amazon-cloudwatch-agent.deb"),
    ("ID=debian", "arm64", "ubuntu/arm64/latest/amazon-cloudwatch-agent.deb"),
    ("ID=ubuntu\nID_LIKE=debian", "amd64", "ubuntu/amd64/latest/amazon-cloudwatch-agent.deb"),
    ("ID=ubuntu\nID_LIKE=debian", "arm64", "ubuntu/arm64/latest/amazon-cloudwatch-agent.deb"),
    ('ID=linuxmint\nID_LIKE="ubuntu debian"', "amd64", "ubuntu/amd64/latest/amazon-cloudwatch-agent.deb"),
    ("ID=raspbian\nID_LIKE=debian", "arm64", "ubuntu/arm64/latest/amazon-cloudwatch-agent.deb"),
    ('ID="rhel"\nID_LIKE="fedora"', "x86_64", "redhat/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="rhel"', "aarch64", "redhat/arm64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="centos"\nID_LIKE="rhel fedora"', "x86_64", "centos/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="centos"\nID_LIKE="rhel fedora"', "aarch64", "redhat/arm64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="rocky"\nID_LIKE="rhel centos fedora"', "x86_64", "redhat/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="almalinux"\nID_LIKE="rhel centos fedora"', "aarch64", "redhat/arm64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="ol"\nID_LIKE="fedora"', "x86_64", "oracle_linux/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="ol"\nID_LIKE="fedora"', "aarch64", "redhat/arm64/latest/amazon-cloudwatch-agent.rpm"),
    ("ID=fedora", "x86_64", "redhat/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"', "x86_64", "amazon_linux/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"', "aarch64", "amazon_linux/arm64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="sles"\nID_LIKE="suse"', "x86_64", "suse/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="sles_sap"', "x86_64", "suse/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "aarch64", "suse/arm64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="opensuse-tumbleweed"', "x86_64", "suse/amd64/latest/amazon-cloudwatch-agent.rpm"),
    ('ID="cloudlinux"\nID_LIKE="rhel fedora centos"', "x86_64", "redhat/amd64/latest/amazon-cloudwatch-agent.rpm"),
]


@pytest.mark.parametrize(("release", "architecture", "path"), SYSTEMS)
def test_a_system_has_a_package(release, architecture, path):
    assert cwagent.address().package(places.os_release(release), architecture, "") == f"{EVERYWHERE}/{path}"


@pytest.mark.parametrize(
    ("release", "architecture", "words"),
    [
        ('ID=alpine\nPRETTY_NAME="Alpine Linux v3.22"', "x86_64", "Alpine Linux v3.22. Set url"),
        ("", "amd64", "without os-release. Set url"),
        ("ID=debian", "armhf", "this host is armhf"),
        ("ID=debian", "i386", "this host is i386"),
    ],
)
def test_what_has_none_is_said(release, architecture, words):
    with pytest.raises(InputError) as error:
        cwagent.address().package(places.os_release(release), architecture, "")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("region", "base_url", "version", "expected"),
    [
        ("", "", "", f"{EVERYWHERE}/debian/amd64/latest/"),
        ("", "", "1.300071.0", f"{EVERYWHERE}/debian/amd64/1.300071.0/"),
        ("", "", "1.300072.0b1766-1", f"{EVERYWHERE}/debian/amd64/1.300072.0b1766/"),
        ("eu-west-1", "", "", "https://amazoncloudwatch-agent-eu-west-1.s3.eu-west-1.amazonaws.com/debian/amd64/latest/"),
        ("us-gov-west-1", "", "", "https://amazoncloudwatch-agent-us-gov-west-1.s3.us-gov-west-1.amazonaws.com/debian/amd64/latest/"),
        (
            "cn-north-1",
            "",
            "1.300071.0",
            "https://amazoncloudwatch-agent-cn-north-1.s3.cn-north-1.amazonaws.com.cn/debian/amd64/1.300071.0/",
        ),
        ("eu-west-1", "http://mirror.example/agent/", "", "http://mirror.example/agent/debian/amd64/latest/"),
    ],
)
def test_where_a_regions_packages_are(region, base_url, version, expected):
    found = cwagent.address(region, base_url).package({"ID": "debian"}, "amd64", version)
    assert found == f"{expected}amazon-cloudwatch-agent.deb"


@pytest.mark.parametrize("region", ["Ireland", "eu-west", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1", "eu-isoe-west-1"])
def test_a_region_whose_bucket_is_not_known_is_refused(region):
    with pytest.raises(InputError, match="region: "):
        cwagent.address(region)


def test_the_version_and_the_key_are_beside_the_packages_of_a_mirror():
    assert (
        cwagent.address("eu-west-1").version
        == "https://amazoncloudwatch-agent-eu-west-1.s3.eu-west-1.amazonaws.com/info/latest/CWAGENT_VERSION"
    )
    assert cwagent.default_key() == f"{EVERYWHERE}/assets/amazon-cloudwatch-agent.gpg"
    assert cwagent.default_key("http://mirror.example/agent/") == "http://mirror.example/agent/assets/amazon-cloudwatch-agent.gpg"


def test_os_release_is_read_as_a_shell_would():
    text = '# comment\nID=\'a b\'\n\nNAME="c"\nBAD="\nPRETTY_NAME=d\nlower=e\nnonsense\n'
    assert places.os_release(text) == {"ID": "a b", "NAME": "c", "PRETTY_NAME": "d"}


@pytest.mark.parametrize(
    ("url", "expected", "secrets"),
    [
        ("https://a.example/b.deb", "https://a.example/b.deb", []),
        ("https://u:p%40ss@a.example:8443/b.deb", "https://a.example:8443/b.deb", ["p%40ss"]),
        ("https://a.example/b.deb?X-Amz-Signature=f00", "https://a.example/b.deb", ["X-Amz-Signature=f00"]),
        ("https://t0ken@a.example/b.deb", "https://a.example/b.deb", ["t0ken"]),
        ("http://[", None, []),
        ("", "", []),
    ],
)
def test_what_is_secret_in_a_url_is_not_shown(url, expected, secrets):
    assert places.secrets_of(url) == secrets
    assert expected is None or places.shown(url) == expected


@pytest.mark.parametrize(
    ("installed", "wanted", "expected"),
    [
        ("1.300071.0b1720-1", "", True),
        ("1.300071.0b1720-1", "1.300071.0", True),
        ("1.300071.0b1720-1", "1.300071.0b1720", True),
        ("1.300071.0b1720-1", "1.300071.0b1720-1", True),
        ("1.300071.0b1720-1", "1.300071.0b1719", False),
        ("1.300071.0b1720-1", "1.300071", False),
        ("1.300071.0b1720-1", "1.30007", False),
        ("1.300069.1-1.amzn2023", "1.300069.1", True),
        ("1:1.300071.0-1", "1.300071.0", True),
        ("1.300071.0-2", "1.300071.0-1", False),
    ],
)
def test_when_a_version_is_the_one_asked_for(installed, wanted, expected):
    assert plans.meets(installed, wanted) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1.300071.0", "1.300072.0b1766-1", True),
        ("1.300072.0b1766", "1.300072.0b1767-1", True),
        ("1.300072.0b1766-1", "1.300072.0b1766", False),
        ("1.247360.0b252689", "1.300026.3b189", True),
        ("1.300072.0", "1.300071.9b9", False),
        ("1.9.0", "1.10.0", True),
    ],
)
def test_which_version_is_older(one, other, expected):
    assert plans.older(one, other) is expected


@pytest.mark.parametrize("version", ["newest", "1", "v1.2.3", "1.2.3/../..", "../1.2", "1.2 3", "1.300071.0\n", " 1.2"])
def test_a_version_that_cannot_be_is_refused(version):
    with pytest.raises(InputError, match="version: "):
        plans.check_version(version, "1.2.3")


def test_the_number_of_the_latest_version():
    assert plans.published("1.300072.0b1766\n", "there") == "1.300072.0b1766"
    for text in ("", "latest", "<html>", "1." + "0" * 70):
        with pytest.raises(Refusal, match="there should hold the number"):
            plans.published(text, "there")


def installed(version: str) -> Package:
    return Package(plans.INSTALLED, version)


ANY, EXACT = Wish(NAME), Wish(NAME, version="1.300071.0")
LATEST = Wish(NAME, version="1.300071.0b1720", at_least=True)
BACK = Wish(NAME, version="1.300071.0", allow_downgrade=True)
AWAY, PURGE = Wish(NAME, present=False), Wish(NAME, present=False, purge=True)

STEPS = [
    (ANY, Package(), "install package amazon-cloudwatch-agent from S", "(new)"),
    (ANY, Package(plans.RESIDUAL), "install package amazon-cloudwatch-agent from S", "(new)"),
    (ANY, Package(plans.BROKEN, "1.300071.0-1"), "install package amazon-cloudwatch-agent from S", "(new)"),
    (ANY, installed("1.0.0-1"), "", "1.0.0-1"),
    (EXACT, Package(), "install package amazon-cloudwatch-agent 1.300071.0 from S", "1.300071.0"),
    (EXACT, Package(plans.BROKEN, "1.300071.0-1"), "install package amazon-cloudwatch-agent 1.300071.0 from S", "1.300071.0"),
    (EXACT, Package(plans.BROKEN, "1.300072.0-1"), "install package amazon-cloudwatch-agent 1.300071.0 from S", "1.300071.0"),
    (EXACT, installed("1.300071.0b1720-1"), "", "1.300071.0b1720-1"),
    (EXACT, installed("1.300070.0-1"), "upgrade package amazon-cloudwatch-agent 1.300071.0 from S", "1.300071.0"),
    (EXACT, installed("1.300072.0-1"), Refusal, ""),
    (BACK, installed("1.300072.0-1"), "downgrade package amazon-cloudwatch-agent 1.300071.0 from S", "1.300071.0"),
    (LATEST, installed("1.300071.0b1720-1"), "", "1.300071.0b1720-1"),
    (LATEST, installed("1.300072.0b1-1"), "", "1.300072.0b1-1"),
    (LATEST, installed("1.300070.0-1"), "upgrade package amazon-cloudwatch-agent 1.300071.0b1720 from S", "1.300071.0b1720"),
    (AWAY, Package(), "", ""),
    (AWAY, Package(plans.RESIDUAL), "", ""),
    (AWAY, installed("1.0.0-1"), "remove package amazon-cloudwatch-agent", ""),
    (AWAY, Package(plans.BROKEN, "1.0.0-1"), "remove package amazon-cloudwatch-agent", ""),
    (PURGE, Package(), "", ""),
    (PURGE, Package(plans.RESIDUAL), "purge package amazon-cloudwatch-agent", ""),
    (PURGE, installed("1.0.0-1"), "purge package amazon-cloudwatch-agent", ""),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "actual", "expected", "version"), STEPS)
def test_the_step_from_what_is_to_what_was_asked_for(wish, actual, expected, version):
    target = plans.aim(wish, actual, "S", "F")
    if expected is Refusal:
        with pytest.raises(Refusal, match="allow_downgrade"):
            plans.steps(wish, target, actual)
        return
    changes = plans.steps(wish, target, actual)
    assert [str(change) for change in changes] == [expected] * bool(expected)
    assert target.version == version
    assert (target.source, target.fingerprint) == (("S", "F") if plans.needs_package(wish, actual) else ("", ""))
    # What was reached is left alone.
    assert plans.steps(wish, plans.aim(wish, target, "S", "F"), target) == [] or version == "(new)"


@pytest.mark.parametrize(
    ("name", "version", "architecture", "words"),
    [
        ("amazon-ssm-agent", "1.300071.0-1", "amd64", "amazon-ssm-agent 1.300071.0-1, not amazon-cloudwatch-agent"),
        (NAME, "1.300071.0-1", "arm64", "is for arm64, and this host is amd64"),
        (NAME, "1.300070.0-1", "amd64", "1.300070.0-1, not 1.300071.0"),
    ],
)
def test_a_package_that_is_another_than_asked_for_is_refused(name, version, architecture, words):
    with pytest.raises(Refusal, match="Nothing was installed") as refused:
        plans.refuse_other(EXACT, name, version, architecture, "amd64")
    assert words in str(refused.value)


@pytest.mark.parametrize("architecture", ["amd64", "all", "noarch"])
def test_the_package_asked_for_passes(architecture):
    plans.refuse_other(EXACT, NAME, "1.300071.0b1720-1", architecture, "amd64")


GIVEN: Dict[str, Any] = {name: spec.get("default") for name, spec in argument_spec(cwagent.PRODUCT).items()}
ARMOURED = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n-----END PGP PUBLIC KEY BLOCK-----\n"
OTHER = "1242 D2F1 D8B3 1AB2 BB61 6E52 30F4 030A EA2A BDB7"


def test_without_options_it_is_awss_package_and_awss_key():
    found = options(cwagent.PRODUCT, GIVEN)
    assert (found.key_url, found.fingerprint) == (cwagent.default_key(), "937616F3450B7D806CBD9725D58167303B789C72")
    assert (found.source, found.latest_at, found.wish) == ("", "", ANY)
    assert found.signature("https://a.example/b.deb") == "https://a.example/b.deb.sig"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"version": "latest"}, {"latest_at": f"{EVERYWHERE}/info/latest/CWAGENT_VERSION", "version_in_url": ""}),
        ({"version": "latest", "state": "absent"}, {"latest_at": ""}),
        ({"version": "1.300071.0"}, {"latest_at": "", "version_in_url": "1.300071.0"}),
        ({"source": "file", "file": "/p.deb"}, {"source": "/p.deb", "from_file": True, "transferred": ""}),
        ({"signature": "https://a.example/s"}, {"signed_by": "https://a.example/s"}),
        (
            {"url": "https://a.example/b.deb?X-Amz-Signature=f00", "signature": "https://a.example/s"},
            {"source": "https://a.example/b.deb?X-Amz-Signature=f00", "signed_by": "https://a.example/s"},
        ),
        ({"key": ARMOURED, "fingerprint": OTHER}, {"key_text": ARMOURED, "key_url": "", "fingerprint": OTHER.replace(" ", "")}),
        ({"key": "https://a.example/k", "fingerprint": OTHER}, {"key_text": "", "key_url": "https://a.example/k"}),
        ({"base_url": "http://m.example"}, {"key_url": "http://m.example/assets/amazon-cloudwatch-agent.gpg"}),
        ({"https_proxy": "http://p:3128"}, {"proxies": {"http": "", "https": "http://p:3128", "no": ""}}),
    ],
)
def test_options(given, expected):
    found = options(cwagent.PRODUCT, {**GIVEN, **given})
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"version": "newest"}, "version: "),
        ({"version": "latest", "source": "file", "file": "/p.deb"}, "version: "),
        ({"version": "latest", "url": "https://a.example/b.deb"}, "version: "),
        ({"file": "/p.deb"}, "file: "),
        ({"source": "file", "file": "/p.deb", "url": "https://a.example/b.deb"}, "url: "),
        ({"url": "ftp://a.example/b.deb"}, "url: "),
        ({"url": "/b.deb"}, "url: "),
        ({"url": "http://["}, "url: "),
        ({"url": "https://a.example/b.deb?X-Amz-Signature=f00"}, "signature: url has a query"),
        ({"base_url": "mirror"}, "base_url: "),
        ({"signature": "/s"}, "signature: "),
        ({"region": "Ireland"}, "region: "),
        ({"key": ARMOURED}, "fingerprint: name the fingerprint"),
        ({"key": "https://a.example/k"}, "fingerprint: name the fingerprint"),
        ({"key": "/on/the/host", "fingerprint": OTHER}, "key: "),
        ({"key": ARMOURED.replace("PUBLIC", "PRIVATE"), "fingerprint": OTHER}, "key: it is a private key"),
        ({"fingerprint": "3B789C72"}, "fingerprint: "),
    ],
)
def test_options_that_cannot_be_are_refused(given, words):
    with pytest.raises(InputError) as error:
        options(cwagent.PRODUCT, {**GIVEN, **given})
    assert str(error.value).startswith(words)
    assert "f00" not in str(error.value)


# SSM Agent

SSM_EVERYWHERE = "https://s3.amazonaws.com/ec2-downloads-windows/SSMAgent"
SSM_GIVEN: Dict[str, Any] = {name: spec.get("default") for name, spec in argument_spec(ssm.PRODUCT).items()}


@pytest.mark.parametrize(
    ("release", "architecture", "path"),
    [
        ("ID=debian", "amd64", "debian_amd64/amazon-ssm-agent.deb"),
        ("ID=debian", "arm64", "debian_arm64/amazon-ssm-agent.deb"),
        ("ID=raspbian\nID_LIKE=debian", "armhf", "debian_arm/amazon-ssm-agent.deb"),
        ("ID=ubuntu\nID_LIKE=debian", "i386", "debian_386/amazon-ssm-agent.deb"),
        ('ID="rhel"', "x86_64", "linux_amd64/amazon-ssm-agent.rpm"),
        ('ID="amzn"', "aarch64", "linux_arm64/amazon-ssm-agent.rpm"),
        ('ID="centos"', "i686", "linux_386/amazon-ssm-agent.rpm"),
        ('ID="sles"', "x86_64", "linux_amd64/amazon-ssm-agent.rpm"),
    ],
)
def test_a_system_has_a_package_of_ssm_agent(release, architecture, path):
    assert ssm.address().package(places.os_release(release), architecture, "") == f"{SSM_EVERYWHERE}/latest/{path}"


@pytest.mark.parametrize(
    ("release", "architecture", "words"),
    [
        ("ID=alpine", "x86_64", "No SSM Agent of AWS's is known for alpine. Set url"),
        ("ID=debian", "s390x", "as deb for amd64, arm64, armhf, i386; this host is s390x"),
        ("ID=fedora", "armv7hl", "as rpm for x86_64"),
    ],
)
def test_what_has_no_ssm_agent_is_said(release, architecture, words):
    with pytest.raises(InputError, match=words):
        ssm.address().package(places.os_release(release), architecture, "")


@pytest.mark.parametrize(
    ("region", "base_url", "version", "expected"),
    [
        ("eu-west-1", "", "", "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/"),
        ("cn-north-1", "", "3.3.1142.0", "https://s3.cn-north-1.amazonaws.com.cn/amazon-ssm-cn-north-1/3.3.1142.0/"),
        ("us-gov-west-1", "", "3.3.1142.0-1", "https://s3.us-gov-west-1.amazonaws.com/amazon-ssm-us-gov-west-1/3.3.1142.0/"),
        ("eu-west-1", "http://m.example/ssm/", "", "http://m.example/ssm/latest/"),
    ],
)
def test_where_a_regions_packages_of_ssm_agent_are(region, base_url, version, expected):
    where = ssm.address(region, base_url)
    assert where.package({"ID": "debian"}, "amd64", version) == f"{expected}debian_amd64/amazon-ssm-agent.deb"
    assert where.version == re.sub("[^/]+/$", "latest/VERSION", expected)


def test_a_region_whose_bucket_of_ssm_agent_is_not_known_is_refused():
    for region in ("Ireland", "us-iso-east-1"):
        with pytest.raises(InputError, match="region: "):
            ssm.address(region)


def test_no_key_of_ssm_agent_is_built_in():
    found = options(ssm.PRODUCT, SSM_GIVEN)
    assert (found.key_text, found.key_url, found.fingerprint) == ("", "", "")
    with pytest.raises(InputError, match="key: no key is built in for SSM Agent. Set key and fingerprint"):
        require_key(ssm.PRODUCT, found)
    with pytest.raises(InputError, match="fingerprint: name"):
        options(ssm.PRODUCT, {**SSM_GIVEN, "key": ARMOURED})
    require_key(ssm.PRODUCT, options(ssm.PRODUCT, {**SSM_GIVEN, "key": ARMOURED, "fingerprint": OTHER}))
    require_key(cwagent.PRODUCT, options(cwagent.PRODUCT, GIVEN))


def test_a_version_of_ssm_agent_that_cannot_be_is_refused():
    with pytest.raises(InputError, match=r"such as 3\.3\.1142\.0"):
        options(ssm.PRODUCT, {**SSM_GIVEN, "version": "stable"})


def test_a_package_is_not_put_beside_a_snap():
    refuse_copies(ssm.PRODUCT, [])
    with pytest.raises(Refusal, match="in /snap/amazon-ssm-agent, and two copies are in each other's way. Remove it with `snap remove"):
        refuse_copies(ssm.PRODUCT, ["/snap/amazon-ssm-agent"])
