"""Defects of the chassis: ids that are used twice, releases side by side, and whose fault it is."""

from typing import Final

from .checks import BLAME, CONTRACT, IDENTITY, RELEASES
from .defect import Defect, Edit

_PACKAGE: Final = "libs/chassis/packhorse_chassis"
_DOCUMENTS, _INPUTS = f"{_PACKAGE}/core/documents.py", f"{_PACKAGE}/core/inputs.py"
_BATCH, _PUMP = f"{_PACKAGE}/batch.py", f"{_PACKAGE}/process/pump.py"
_FAULTS, _ROWS, _SOURCE = (f"{_PACKAGE}/postgres/{name}.py" for name in ("faults", "rows", "source"))

BESIDE: Final = (
    Defect(
        "content_ignored",
        "Whatever comes under a used id is a repeat, and vanishes.",
        [Edit(_SOURCE, "and not same_content(kept, arrival.content)", "and False")],
        [CONTRACT],
    ),
    Defect(
        "topic_left_out",
        "An outsider's id is known by its source alone: what it says on one topic makes a repeat of what it says on "
        "another.",
        [Edit(_INPUTS, 'f"{where} {self.source}", self.id', "self.source, self.id")],
        [IDENTITY, CONTRACT],
    ),
    Defect(
        "believed_on_any_topic",
        "Whoever speaks in a service's name is taken for it, wherever: an id that can be foretold is used up before.",
        [
            Edit(
                _INPUTS,
                'self.raw.origin != "record" or self.source == _OURS.get(self.raw.topic)',
                'self.raw.origin != "record" or self.source in _OURS.values()',
            )
        ],
        [CONTRACT],
    ),
    Defect(
        "content_by_its_bytes",
        "A repeat that is written in another way is taken for other content.",
        [
            Edit(
                f"{_PACKAGE}/core/content.py",
                "one[:_HALF] == other[:_HALF] or one[_HALF:] == other[_HALF:] != b",
                "one[_HALF:] == other[_HALF:] != b",
            )
        ],
        [IDENTITY],
    ),
    Defect(
        "newer_version_written_back",
        "A state of a newer version is read as far as it goes, and written back without the rest.",
        [Edit(_DOCUMENTS, "if version > self.kind.version:", "if False:")],
        [RELEASES],
    ),
    Defect(
        "newer_field_written_back",
        "A field that a newer release has added is passed over, and lost when the state is written back.",
        [
            Edit(
                _DOCUMENTS,
                'self._adapter.validate_json(raw, extra="forbid")',
                'self._adapter.validate_json(raw, extra="ignore")',
            )
        ],
        [RELEASES],
    ),
    Defect(
        "newer_queue_deleted",
        "What waits for an operator and isn't known here is deleted from its queue.",
        [
            Edit(
                _PUMP,
                "                break\n",
                '                await self._pool.execute("DELETE FROM waiting WHERE seq = $1", each["seq"])\n'
                "                continue\n",
            )
        ],
        [RELEASES],
    ),
    Defect(
        "privilege_parks_every_key",
        "A privilege that was revoked is blamed on each input that needs it.",
        [Edit(_FAULTS, '("21", "22", "23", "44", "54")', '("21", "22", "23", "42", "44", "54")')],
        [BLAME],
    ),
    Defect(
        "alike_and_all_blamed",
        "Inputs that fail alike, one after the other, are all given up.",
        [Edit(_BATCH, "self._blamed is not None and self._blamed[:2] == (how, what)", "False")],
        [BLAME],
    ),
    Defect(
        "too_long_alone_for_ever",
        "An input that alone takes too long is tried for ever.",
        [Edit(_BATCH, "self._too_long[arrival.identity] >= _TRIES_ALONE", "False")],
        [BLAME],
    ),
    Defect(
        "queue_without_end",
        "What waits behind a parked key grows as long as somebody speaks of it.",
        [
            Edit(
                f"{_PACKAGE}/core/outcome.py",
                "if self.count >= MOST_WAITING or self.bytes >= MOST_WAITING_BYTES:",
                "if False:",
            )
        ],
        [BLAME],
    ),
    Defect(
        "state_without_end",
        "A state grows until nobody can write it any more.",
        [Edit(_DOCUMENTS, "if len(plain) > MAX_STATE_BYTES:", "if False:")],
        [BLAME],
    ),
)
