"""Defects of policies: whose is taken, which version stands, and what a decision says of it."""

from typing import Final

from .checks import POLICIES
from .defect import Defect, Edit

_POLICY: Final = "libs/chassis/packhorse_chassis/core/policy.py"
_WHOSE: Final = "if fact.service != self.service or fact.policy_version < state.version:"

POLICY: Final = (
    Defect(
        "policy_of_another",
        "A service takes the policies of all services, for they come on one topic.",
        [Edit(_POLICY, _WHOSE, "if fact.policy_version < state.version:")],
        [POLICIES],
    ),
    Defect(
        "older_policy_stands",
        "An older version that comes late replaces a newer one.",
        [Edit(_POLICY, _WHOSE, "if fact.service != self.service:")],
        [POLICIES],
    ),
    Defect(
        "decision_without_its_version",
        "A fact doesn't say under which version of the policy it was decided: nobody can take it again.",
        [
            Edit(
                "libs/chassis/packhorse_chassis/postgres/outgoing.py",
                "policy_version=item.under or None,",
                "policy_version=None,",
            )
        ],
        [POLICIES],
    ),
    Defect(
        "policy_replaced_under_its_version",
        "Who sets a version that is in force already replaces it: what was decided under it can't be told any more.",
        [Edit(_POLICY, "            if text == state.text:\n", "            if text:\n")],
        [POLICIES],
    ),
    Defect(
        "wrong_policy_parks",
        "A length of time that no computer can hold is a bug where it is set, and the policy waits behind it.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/policies.py",
                "        if abs(given) <= _LONGEST.total_seconds():\n",
                "        if given is not None:\n",
            )
        ],
        [POLICIES],
    ),
)
