"""What a defect is: a few edits of the real code, what they do, and the checks that have to notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .checks import Check


class StaleError(Exception):
    """An edit no longer fits the code: its old text is gone, or stands there more than once."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In this file, from the project's folder, the one `old` becomes `new`."""

    file: str
    old: str
    new: str

    def of(self, text: str) -> str:
        """The text with the edit made; StaleError where it doesn't fit exactly once."""
        if (found := text.count(self.old)) != 1:
            raise StaleError(f"{self.file} has {found} times, not once: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to get it wrong, as somebody might write it.

    `checks` are tried in their order, cheapest first. `mutant` names the same mistake in the protocol's model, where it
    has one: the model's own test shows that it finds it.
    """

    name: str
    does: str
    """In one sentence, for a person."""

    edits: Sequence[Edit]
    checks: Sequence[Check]
    mutant: str | None = None


def edited(edits: Sequence[Edit], folder: Path) -> dict[str, str]:
    """The new text of every file that the edits touch, by its name."""
    texts: dict[str, str] = {}
    for edit in edits:
        text = texts.get(edit.file) or (folder / edit.file).read_text()
        texts[edit.file] = edit.of(text)
    return texts
