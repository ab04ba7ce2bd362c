# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving an instance a profile: what is waited for and what is not, by EC2's answers."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.instance_profiles import Associations
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.instances import Instances
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Outdated, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.instance_association import Instance, Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.instance_profiles import Association, Profile
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
I1, I2 = "i-0123456789abcdef0", "i-0123456789abcdef1"
WEB, OLD = ("arn:aws:iam::111122223333:instance-profile/" + name for name in ("app/web", "old"))
SESSION = boto3.session.Session(aws_access_key_id="operator", aws_secret_access_key="operator", region_name="eu-west-1")


class Aws:
    """Real clients whose requests are answered here, by operation; the last answer is for ever. Time passes by sleeping."""

    def __init__(self, wait=30, **answers):
        self.answers = {name: list(these) for name, these in answers.items()}
        self.asked = []
        self.now = 0.0
        self.associations = Associations(self.client, wait, lambda: self.now, self.sleep)

    def client(self, service, config=None):
        made = SESSION.client(service, config=Config(**config))
        made.meta.events.register(f"before-send.{service}", self.answer)
        return made

    def sleep(self, seconds):
        self.now += seconds

    def answer(self, request, event_name, **_event):
        operation = event_name.rsplit(".", 1)[1]
        self.asked.append(operation)
        answers = self.answers[operation]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        headers = {"Date": NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return AWSResponse(request.url, status, headers, SimpleNamespace(stream=lambda **_more: iter([body.encode()])))


def item(tag, association_id, arn, state, instance=I1):
    return (f"<{tag}><associationId>{association_id}</associationId><instanceId>{instance}</instanceId>"
            f"<iamInstanceProfile><arn>{arn}</arn><id>AIPA</id></iamInstanceProfile><state>{state}</state></{tag}>")  # fmt: skip


def shown(*associations):
    items = "".join(item("item", *one) for one in associations)
    return 200, f"<R><iamInstanceProfileAssociationSet>{items}</iamInstanceProfileAssociationSet></R>"


def given(arn=WEB):
    return 200, f"<R>{item('iamInstanceProfileAssociation', 'a-2', arn, 'associating')}</R>"


def refused(code, message="m"):
    return (
        400,
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID></Response>",
    )


UNKNOWN = refused(
    "InvalidParameterValue", f"Value ({WEB}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN"
)
EMPTY = refused("InvalidParameterValue", f'IAM Instance Profile "{WEB}" has no associated IAM Roles')


def profile(created, tags=""):
    return 200, (
        '<GetInstanceProfileResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetInstanceProfileResult><InstanceProfile>'
        f"<InstanceProfileName>web</InstanceProfileName><Path>/app/</Path><Arn>{WEB}</Arn><InstanceProfileId>AIPA</InstanceProfileId>"
        f"<CreateDate>{created:%Y-%m-%dT%H:%M:%SZ}</CreateDate><Tags>{tags}</Tags><Roles><member><Path>/</Path><RoleName>web</RoleName>"
        "<RoleId>AROA</RoleId><Arn>arn:aws:iam::111122223333:role/web</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></member></Roles>"
        "</InstanceProfile></GetInstanceProfileResult></GetInstanceProfileResponse>"
    )


OWNED = "<member><Key>hybridops.aws_agents/owner</Key><Value>blue</Value></member>"


@pytest.mark.parametrize(
    ("age", "tags", "fresh"), [(timedelta(minutes=2), "", True), (timedelta(days=1), "", False), (timedelta(days=1), OWNED, True)]
)
def test_which_profile_ec2_may_not_know_yet(age, tags, fresh):
    """By AWS's clock: this machine's says something else."""
    aws = Aws(GetInstanceProfile=[profile(NOW - age, tags)])
    assert aws.associations.profile("web") == Profile("web", WEB, ("web",), fresh)


@pytest.mark.parametrize("says", [UNKNOWN, EMPTY], ids=["unknown", "empty"])
def test_a_fresh_profile_is_waited_for(says):
    aws = Aws(AssociateIamInstanceProfile=[says, says, given()])
    assert aws.associations.associate(I1, WEB, fresh=True) == Association("a-2", WEB, "associating")
    assert aws.now == 3 and len(aws.asked) == 3


def test_a_fresh_profile_is_not_waited_for_without_end():
    aws = Aws(wait=20, AssociateIamInstanceProfile=[UNKNOWN])
    with pytest.raises(Refusal, match=r"give instance i-0123456789abcdef0 the instance profile .*raise wait_timeout"):
        aws.associations.associate(I1, WEB, fresh=True)
    assert 10 < aws.now <= 20


def test_anybody_elses_profile_is_not_waited_for():
    aws = Aws(AssociateIamInstanceProfile=[UNKNOWN], ReplaceIamInstanceProfileAssociation=[UNKNOWN])
    with pytest.raises(Refusal, match="get-instance-profile"):
        aws.associations.associate(I1, WEB)
    with pytest.raises(Refusal, match="in the place of the association a-1"):
        aws.associations.replace("a-1", WEB)
    assert aws.now == 0 and len(aws.asked) == 2


@pytest.mark.parametrize("message", ["User: x is not authorized to perform: iam:PassRole on resource: y", "You are not authorized"])
def test_a_role_that_may_not_be_passed(message):
    aws = Aws(ReplaceIamInstanceProfileAssociation=[refused("UnauthorizedOperation", message)])
    with pytest.raises(Refusal, match=r"iam:PassRole on the role .*decode-authorization-message"):
        aws.associations.replace("a-1", WEB, fresh=True)
    assert aws.now == 0


def test_what_has_no_remedy_stays_what_it_is():
    aws = Aws(AssociateIamInstanceProfile=[refused("InvalidInstanceID.NotFound")])
    with pytest.raises(ClientError):
        aws.associations.associate(I1, WEB, fresh=True)


def test_a_former_profile_that_leaves_is_waited_for():
    aws = Aws(
        AssociateIamInstanceProfile=[refused("IncorrectState"), refused("IncorrectState"), given()],
        DescribeIamInstanceProfileAssociations=[shown(("a-1", OLD, "disassociating")), shown()],
    )
    assert aws.associations.associate(I1, WEB).id == "a-2" and aws.now == 3


def test_an_instance_that_was_given_another_profile_meanwhile():
    aws = Aws(
        AssociateIamInstanceProfile=[refused("IncorrectState")],
        DescribeIamInstanceProfileAssociations=[shown(("a-1", OLD, "associated"))],
    )
    with pytest.raises(Outdated, match="meanwhile it was given .*old"):
        aws.associations.associate(I1, WEB)
    assert aws.now == 0


def test_an_instance_that_was_given_the_same_profile_meanwhile():
    aws = Aws(
        AssociateIamInstanceProfile=[refused("IncorrectState")],
        DescribeIamInstanceProfileAssociations=[shown(("a-1", WEB, "associating"))],
    )
    assert aws.associations.associate(I1, WEB) == Association("a-1", WEB, "associating")


def test_an_instance_that_starts_or_stops_is_waited_for():
    aws = Aws(ReplaceIamInstanceProfileAssociation=[refused("IncorrectInstanceState"), given()])
    assert aws.associations.replace("a-1", WEB).id == "a-2" and aws.now == 1


def test_an_association_that_is_gone():
    aws = Aws(
        ReplaceIamInstanceProfileAssociation=[refused("InvalidAssociationID.NotFound")],
        DisassociateIamInstanceProfile=[refused("InvalidAssociationID.NotFound")],
    )
    with pytest.raises(Refusal, match="Run the task again"):
        aws.associations.replace("a-1", WEB)
    aws.associations.disassociate("a-1")


STATES = {
    "none": ([], None),
    "one": ([("a-1", OLD, "associated")], "a-1"),
    "on its way": ([("a-1", OLD, "associating")], "a-1"),
    "leaving": ([("a-1", OLD, "disassociating")], "a-1"),
    "left": ([("a-1", OLD, "disassociated")], None),
    "replaced": ([("a-1", OLD, "disassociating"), ("a-2", WEB, "associating")], "a-2"),
    "replaced, in another order": ([("a-2", WEB, "associating"), ("a-1", OLD, "disassociating")], "a-2"),
    "twice": ([("a-1", OLD, "associating"), ("a-2", WEB, "associated")], "a-2"),
    "left and come": ([("a-1", OLD, "disassociated"), ("a-2", WEB, "associated")], "a-2"),
}


@pytest.mark.parametrize("name", STATES)
def test_the_association_that_counts(name):
    found, counts = STATES[name]
    association = Aws(DescribeIamInstanceProfileAssociations=[shown(*found)]).associations.of(I1)
    assert (association and association.id) == counts


def test_waiting_for_several_instances():
    both = ("a-1", OLD, "disassociating"), ("a-2", WEB, "associating")
    aws = Aws(
        DescribeIamInstanceProfileAssociations=[
            shown(*both, ("a-3", OLD, "disassociating", I2)),
            shown(("a-2", WEB, "associated"), ("a-3", OLD, "disassociating", I2)),
            shown(),
        ]
    )
    aws.associations.wait_for({I1: WEB, I2: None})
    assert len(aws.asked) == 3
    aws.associations.wait_for({})
    assert len(aws.asked) == 3


def test_waiting_ends():
    aws = Aws(wait=5, DescribeIamInstanceProfileAssociations=[shown(("a-2", WEB, "associating"))])
    with pytest.raises(Refusal, match=f"{I1} has {WEB} .associating., not {WEB}"):
        aws.associations.wait(I1, WEB)
    assert aws.now <= 5


class Recorded:
    """Associations that note what is asked of them; a profile that is refused is not given."""

    def __init__(self, refuses=""):
        self.refuses, self.did = refuses, []

    def replace(self, association_id, arn, _fresh=False):
        self.did.append(("replace", association_id, arn))

    def disassociate(self, association_id):
        self.did.append(("take", association_id))

    def associate(self, instance, arn, _fresh=False):
        self.did.append(("give", instance, arn))
        if arn == self.refuses:
            raise Refusal("iam:PassRole")


TAKEN = [("take", "a-1"), ("give", I1, WEB)]


@pytest.mark.parametrize(
    ("state", "refuses", "did"),
    [
        ("running", "", [("replace", "a-1", WEB)]),
        ("stopped", "", TAKEN),
        ("stopping", "", TAKEN),
        ("stopped", WEB, [*TAKEN, ("give", I1, OLD)]),
    ],
)
def test_a_profile_is_replaced_on_running_instances_only(state, refuses, did):
    instances = Instances(lambda *_service: None, Rules(WEB), False, 1)
    instances._associations, instances._profile = Recorded(refuses), Profile("web", WEB, ("web",))
    before, after = (Instance(I1, "", state, Association(*made)) for made in (("a-1", OLD, "associated"), ("", WEB, "associated")))
    with pytest.raises(Refusal) if refuses else nullcontext():
        instances.apply(Change("replace", "instance profile", "old by web", before.of, before, after))
    assert instances._associations.did == did
