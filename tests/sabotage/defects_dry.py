"""Defects of dry runs: what follows from a question, and what it is told."""

from typing import Final

from .checks import DRY_RECORDS, DRY_RUNS
from .defect import Defect, Edit

_CHASSIS: Final = "libs/chassis/packhorse_chassis"

DRY: Final = (
    Defect(
        "dry_run_carried_out",
        "A dry run is taken like any request: who only asked has cancelled the order.",
        [Edit(f"{_CHASSIS}/core/decide.py", "        if arrival.dry_run is None:\n", "        if arrival:\n")],
        [DRY_RUNS],
    ),
    Defect(
        "dry_run_from_before",
        "A dry run sees the states as they were before the batch, and tells what no longer follows.",
        [Edit(f"{_CHASSIS}/core/decide.py", "Outcome(dict(before.changed), ", "Outcome(")],
        [DRY_RUNS],
    ),
    Defect(
        "dry_run_into_the_batch",
        "A dry run works on the batch's own states: those behind it see what never happened.",
        [Edit(f"{_CHASSIS}/core/decide.py", "Outcome(dict(before.changed), ", "Outcome(before.changed, ")],
        [DRY_RUNS],
    ),
    Defect(
        "dry_run_leaves_rows",
        "A dry run about what nobody knows leaves an empty row: questions fill the database.",
        [
            Edit(
                f"{_CHASSIS}/batch.py",
                "                    if outcome.previews:\n",
                "                    if not outcome:\n",
            )
        ],
        [DRY_RECORDS],
    ),
    Defect(
        "dry_run_taken_for_the_request",
        "The inbox takes the request for a repeat of its dry run, where both have one id: it is never carried out.",
        [Edit(f"{_CHASSIS}/core/inputs.py", "if self.dry_run is None else", "if self.raw else")],
        [DRY_RECORDS],
    ),
    Defect(
        "dry_run_guessed",
        "Only `true` is a question: who writes `yes` has what he asked about carried out.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/envelope.py",
                '(flag := {"true": True, "false": False}.get(text.lower())) is None',
                '(flag := text == "true") is None',
            )
        ],
        [DRY_RECORDS],
    ),
    Defect(
        "dry_run_a_dead_letter",
        "A dry run that is wrong is a dead letter, and who asked waits for an answer.",
        [
            Edit(
                f"{_CHASSIS}/kafka/reading.py",
                "    if asked is not None and arrival.raw.topic in _OPEN:\n",
                "    if not arrival:\n",
            )
        ],
        [DRY_RECORDS],
    ),
    Defect(
        "tombstone_that_asks_is_carried_out",
        "A record without a value is carried out, though it says that it only asks.",
        [
            Edit(
                f"{_CHASSIS}/kafka/reading.py",
                "        if asked is None:\n            return arrival\n",
                "        if arrival:\n            return arrival\n",
            )
        ],
        [DRY_RECORDS],
    ),
    Defect(
        "tried_in_its_place",
        "The dry run of a policy lies under the policy's own key: in time the topic keeps the question alone.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/operations.py",
                'return f"{self.service}.dry-run"',
                "return self.key",
            )
        ],
        [DRY_RECORDS],
    ),
    Defect(
        "preview_names_people",
        "A preview tells names and addresses, to whoever may ask.",
        [Edit(f"{_CHASSIS}/core/preview.py", '"dict[str, Any]", masked(item.fact', '"dict[str, Any]", (item.fact')],
        [DRY_RUNS, DRY_RECORDS],
    ),
)
