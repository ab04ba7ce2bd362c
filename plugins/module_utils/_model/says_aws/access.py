# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials, clocks, Regions and the way to AWS: what keeps any call from being answered at all.

The codes are those of "Common Errors" in the API references, of "Error codes" in the guides of EC2 and S3, and of botocore.
"""

from __future__ import annotations

from .rules import Rule

_SKEWED = (
    "The clock of the computer that signs the calls, the controller that runs this, is minutes off from AWS's. Set it right "
    "(timedatectl, chronyc tracking), then run again: what was done until now stays done."
)
_EXPIRED = (
    "The session of these credentials is over. Get new ones (aws sso login, aws sts assume-role, or the login broker), long enough for "
    "the run, then run again: what was done until now stays done."
)
_GLOBAL = (
    "A session from the global endpoint of STS counts only in Regions that are enabled by default: with another Region set "
    "AWS_STS_REGIONAL_ENDPOINTS=regional (sts_regional_endpoints = regional in ~/.aws/config) and log in anew."
)

CALLER = (
    Rule(_SKEWED, codes="RequestTimeTooSkewed"),
    Rule(
        _SKEWED,
        codes="SignatureDoesNotMatch InvalidSignature RequestExpired",
        words=r"Signature (expired|not yet current)|is (now earlier|still later) than",
    ),
    Rule(
        "Either the session of these credentials is over, so that new ones are needed, or the controller's clock is minutes off "
        "(timedatectl). Then run again: what was done until now stays done.",
        codes="RequestExpired",
    ),
    Rule(_EXPIRED, codes="ExpiredToken TokenRefreshRequired"),
    Rule(
        "The call went to the endpoint of another Region than the one it was signed for. Do endpoint_url or AWS_ENDPOINT_URL name it? "
        "Leave them out, or set region to theirs.",
        codes="SignatureDoesNotMatch InvalidSignature AuthorizationHeaderMalformed",
        words=r"scoped to a valid region|is wrong; expecting",
    ),
    Rule(
        "The secret access key does not belong to the access key id, or was cut or changed on its way here, or a proxy changes the "
        "calls. Give both as AWS made them.",
        codes="SignatureDoesNotMatch InvalidSignature",
    ),
    Rule(
        "AWS could not read the signature. The access key id or the secret holds something that does not belong there, such as a blank "
        "or a line's end, or a proxy changes the calls.",
        codes="IncompleteSignature AuthorizationHeaderMalformed",
    ),
    Rule(
        "The call had no credentials when it came to AWS: does a proxy take the Authorization header away?",
        codes="MissingAuthenticationToken",
    ),
    Rule(
        "AWS does not know these credentials, here. The key may be deleted or Inactive, of another partition (China, GovCloud), or "
        f"come without its session token. {_GLOBAL} A Region that is switched off in the account says the same (aws account "
        "get-region-opt-status), and EC2 one whose clock is off.",
        codes="InvalidClientTokenId UnrecognizedClient InvalidAccessKeyId AuthFailure InvalidToken NotAuthorizedForRegion",
    ),
    Rule(
        "STS is switched off for this Region. The account's administrator switches it on in IAM, Account settings; or set another "
        "region, whose endpoint is then asked.",
        codes="RegionDisabled InvalidInput",
        words=r"STS is not activated in this region",
    ),
    Rule(
        "The Region, or the service in it, is not switched on for this account: aws account enable-region --region-name REGION, which "
        "takes minutes to hours, or finish the account's sign-up; or set another region.",
        codes="OptInRequired SubscriptionRequired PendingVerification",
    ),
    Rule(
        "AWS has suspended or not yet activated the account. Whoever pays for it hears why from AWS Support.",
        codes="AccountProblem NotSignedUp InactiveAccount Blocked",
    ),
)

NO_ANSWER = (
    Rule(
        "The SSO session is over or was never begun: aws sso login --profile PROFILE, then run again.",
        words=r"SSO session .* (expired|invalid)|Error loading SSO Token|retrieving token from sso|Token has expired and refresh"
        r" failed|Token for \S+ does not exist",
    ),
    Rule(
        "No credentials were found for AWS. Give a profile (playbooks: aws_agents_profile; modules: profile), the variables "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role provides them.",
        words=r"Unable to locate credentials|Partial credentials found",
    ),
    Rule(
        "That profile is not in ~/.aws/config or ~/.aws/credentials of the user who runs this (or in AWS_CONFIG_FILE): correct its "
        "name or make it.",
        words=r"The config profile \(.*\) could not be found",
    ),
    Rule(
        "The certificate that was shown is not one this computer trusts. Behind a proxy that opens TLS set aws_ca_bundle (AWS_CA_BUNDLE).",
        words=r"SSL validation failed for",
    ),
    Rule("The proxy cannot be reached: see HTTPS_PROXY and NO_PROXY.", words=r"Failed to connect to proxy"),
    Rule(
        "No such endpoint was reached. Is the Region's name right, the endpoint's (endpoint_url, aws_agents_endpoint_url), and may "
        "this computer go out to it?",
        words=r"Could not connect to the endpoint URL|Connect timeout on endpoint URL",
    ),
    Rule(
        "The answer did not come: whether the call took effect is not known. Run again, which looks at what is there first.",
        words=r"Read timeout on endpoint URL|Connection was closed before we received a valid response",
    ),
)

FOR_NOW = (
    Rule(
        "AWS throttles the account or caller, and went on doing so while the call was repeated. Run again when less goes on, with "
        "fewer hosts at a time (serial, forks), or let it be repeated longer (aws_config: {retries: {mode: adaptive, max_attempts: "
        "20}}).",
        codes="BandwidthLimitExceeded EC2Throttled RateExceeded RequestLimitExceeded RequestThrottled SlowDown Throttled Throttling "
        "TooManyRequests",
    ),
    Rule(
        "Somebody else was changing the same object all the while that the call was repeated. Run again when the other run is over.",
        codes="ConcurrentModification EntityTemporarilyUnmodifiable OperationAborted TooManyUpdates ResourceConflict Conflict",
    ),
    Rule(
        "AWS failed, and went on failing while the call was repeated (see health.aws.amazon.com). Run again later, which looks at what "
        "is there first.",
        codes="DependencyTimeout InternalError InternalFailure InternalServerError InternalServer InternalServiceError KMSInternal "
        "KeyUnavailable ServiceFailure ServiceUnavailable Unavailable 500 502 503 504",
    ),
)
