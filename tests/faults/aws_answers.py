# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS answers and emulators do not: the code, status and words of each answer, the call that gets it, and what the message must say.

The words are those of AWS's documents ("Troubleshoot access denied error messages", the errors in the API references), and of answers
that others have published. They are data: a table, without any code that is run for one row only.
"""

from __future__ import annotations

from tests.faults.aws_denials import CREDENTIALS, DENIALS
from tests.faults.aws_limits import LIMITS
from tests.faults.aws_services import OTHERS, SYSTEMS_MANAGER

ROWS = (*DENIALS, *CREDENTIALS, *LIMITS, *SYSTEMS_MANAGER, *OTHERS)

UNANSWERED = {
    "Unable to locate credentials": "aws_agents_profile",
    "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY": "aws_agents_profile",
    "The config profile (prod) could not be found": "correct its name or",
    "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login "
    "with the "
    "corresponding profile.": "aws sso login",
    "Error loading SSO Token: Token for prod does not exist": "aws sso login",
    "SSL validation failed for https://iam.amazonaws.com/ [SSL: CERTIFICATE_VERIFY_FAILED]": "AWS_CA_BUNDLE",
    'Failed to connect to proxy URL: "http://proxy:3128"': "NO_PROXY",
    'Could not connect to the endpoint URL: "https://iam.us-esat-1.amazonaws.com/"': "Is the Region's name right",
    'Connect timeout on endpoint URL: "https://iam.amazonaws.com/"': "may this computer go out to it",
    'Read timeout on endpoint URL: "https://iam.amazonaws.com/"': "whether the call took effect is not known",
    'Connection was closed before we received a valid response from endpoint URL: "https://iam.amazonaws.com/".': "is not known",
}
"""What botocore says where AWS does not answer, and part of what to do."""
