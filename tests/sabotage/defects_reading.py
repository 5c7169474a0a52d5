"""Defects of how records are read: by whom they may be said, what is too much, what schema and reader admit."""

from typing import Final

from .checks import ATTACKS, READER, READING, SCHEMAS, VALUES
from .defect import Defect, Edit

_CONTRACTS: Final = "libs/contracts/packhorse_contracts"
_INPUTS: Final = "libs/chassis/packhorse_chassis/kafka/reading.py"

READ: Final = (
    Defect(
        "no_key_taken",
        "A record without a key is taken: a broker spreads one order's facts over all partitions.",
        [
            Edit(
                _INPUTS,
                "if wanted is None or key == wanted.encode() or",
                "if wanted is None or not key or key == wanted.encode() or",
            )
        ],
        [READER, READING],
    ),
    Defect(
        "anybody_speaks_for_us",
        "Whoever can write a topic may say our facts on it, under any name.",
        [Edit(f"{_CONTRACTS}/topics.py", "return not OUTSIDERS.isdisjoint(self.writers)", "return True")],
        [READER, READING],
    ),
    Defect(
        "our_name_lent",
        "An outsider may call itself one of our services: the inbox takes its ids for ours.",
        [
            Edit(
                f"{_CONTRACTS}/topics.py",
                "return source.removeprefix(OURS) in set(self.writers) - OUTSIDERS",
                "return True",
            )
        ],
        [READER, READING],
    ),
    Defect(
        "newer_release_floods",
        "A type that only the next release knows is a dead letter in each reader of this one.",
        [
            Edit(
                _INPUTS,
                "            if self._is_skipped(read):\n                return None\n",
                "",
            )
        ],
        [READER],
    ),
    Defect(
        "newer_major_skipped",
        "A newer major of a fact that is heard is skipped: it was meant for this service, and nobody hears of it.",
        [Edit(_INPUTS, " or read.name[:2] in self._heard_names", "")],
        [READER],
    ),
    Defect(
        "not_offered_in_silence",
        "What an outsider says and nobody acts on is dropped: the order ships to the old address.",
        [
            Edit(
                _INPUTS,
                "    if service != fact.ANSWERED_BY:\n        return None\n",
                "    if service:\n        return None\n",
            )
        ],
        [READER],
    ),
    Defect(
        "every_fault_looked_for",
        "A list is validated to its end: half a million faults of one small record.",
        [Edit(f"{_CONTRACTS}/base.py", 'inner["fail_fast"] = True', 'inner["fail_fast"] = False')],
        [ATTACKS],
    ),
    Defect(
        "parts_uncounted",
        "A record is parsed whatever it is made of, as long as it has few bytes.",
        [
            Edit(f"{_CONTRACTS}/envelope.py", "_count_parts(value, MAX_PARTS)", "pass"),
            Edit(f"{_CONTRACTS}/envelope.py", "_count_parts(data, MAX_OUTSIDER_PARTS)", "pass"),
        ],
        [ATTACKS],
    ),
    Defect(
        "loop_held",
        "All records of a poll are read in one go: hundreds of large ones stop everything else for seconds.",
        [Edit("libs/chassis/packhorse_chassis/kafka/consume.py", "if since > _GULP:", "if False:")],
        [READER],
    ),
    Defect(
        "whole_number_refused",
        "A quantity of 1.0 is no number of pieces, though JSON knows no other kind of number.",
        [
            Edit(
                f"{_CONTRACTS}/base.py",
                "number = core_schema.float_schema(strict=True, allow_inf_nan=False)",
                "number = core_schema.int_schema(strict=True)",
            )
        ],
        [VALUES, SCHEMAS],
    ),
    Defect(
        "line_break_admitted",
        "The schema's `$` lets a last line break through in half of all languages; the reader doesn't.",
        [Edit(f"{_CONTRACTS}/base.py", '"not": {"pattern": "\\\\n"}}', "}")],
        [SCHEMAS],
    ),
    Defect(
        "null_is_not_absent",
        "Null for an optional list is a fault, though for every other optional field it isn't.",
        [Edit(f"{_CONTRACTS}/base.py", "return self.empty if value is None else value", "return value")],
        [SCHEMAS],
    ),
    Defect(
        "order_lost_for_a_locale",
        "A language that isn't well-formed makes the whole order a dead letter.",
        [Edit(f"{_CONTRACTS}/base.py", "Locale = Annotated[Short, AfterValidator(well_formed)]", "Locale = Language")],
        [VALUES],
    ),
)
