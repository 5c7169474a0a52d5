"""Defects of what people read with: the command line."""

from typing import Final

from .checks import SENTENCES, STORY, TABLES, TIMELINE
from .defect import Defect, Edit

_CLI: Final = "libs/cli/packhorse_cli"

EYES: Final = (
    Defect(
        "time_stamp_trusted",
        "A broker's time stamp is taken as a time: one record of the year -29719 ends what an operator looks with.",
        [
            Edit(
                f"{_CLI}/stream.py",
                "        return _EPOCH + timedelta(milliseconds=stamp)\n    except OverflowError:",
                "        return datetime.fromtimestamp(stamp / 1000, tz=UTC)\n    except ZeroDivisionError:",
            )
        ],
        [SENTENCES],
    ),
    Defect(
        "steering_text_shown",
        "Other people's escape codes reach the terminal.",
        [Edit(f"{_CLI}/table.py", "    if text.isprintable():\n        return text\n", "    return text\n")],
        [TABLES, SENTENCES],
    ),
    Defect(
        "bytes_for_cells",
        "Widths are counted in characters: a row with Chinese in it is wider than the terminal.",
        [
            Edit(
                f"{_CLI}/table.py",
                '    room = " " * max(width - cell_len(text), 0)',
                '    room = " " * max(width - len(text), 0)',
            )
        ],
        [TABLES],
    ),
    Defect(
        "earliest_there_comes_first",
        "The time line takes the earliest record that is there, and waits for no partition that is still to come.",
        [Edit(f"{_CLI}/timeline.py", "while self._heads and not self.hungry:", "while self._heads:")],
        [TIMELINE],
    ),
    Defect(
        "effect_told_before_cause",
        "An order's story goes by the clocks alone, and two machines' clocks differ.",
        [
            Edit(
                f"{_CLI}/story.py", "        if cause is not None and cause in ids", "        if False and cause in ids"
            )
        ],
        [STORY],
    ),
    Defect(
        "every_currency_has_cents",
        "1,895 yen are told as 18.95.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/minor_units.py",
                "return 2 if known is None else known",
                "return 2",
            )
        ],
        [SENTENCES],
    ),
    Defect(
        "addresses_in_the_json",
        "A story as JSON names the customer, though nobody asked for it.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/personal.py",
                "_blank(inner) if name in _BLOCKS else masked(inner)",
                "masked(inner)",
            )
        ],
        [STORY],
    ),
)
