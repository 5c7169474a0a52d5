"""Makes text of other people's choosing safe to put into a mail, whatever the place it stands in."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator

MAX_CHARS: Final = 200
"""Longer titles and names are cut: they are somebody's mistake or somebody's attack, never a product."""

_JOINERS: Final = "\u200c\u200d"
"""Invisible, yet part of correct Persian, Hindi, and of many emoji."""


def plain(text: str) -> str:
    """One line of visible text: no line breaks, no control characters, nothing that turns the direction of what
    stands beside it, at most `MAX_CHARS` long. Angle brackets stay: escaping them is the template's duty."""
    if text.isascii() and text.isprintable() and len(text) <= MAX_CHARS:  # nearly always, and many times as fast
        return " ".join(text.split())
    shown = "".join(_visible(char) for char in text[: 4 * MAX_CHARS])
    line = " ".join(unicodedata.normalize("NFC", shown).split())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1].rstrip() + "…"


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    if category in ("Cf", "Cs") and char not in _JOINERS:
        return ""
    return char


def person(name: str) -> str:
    """A name to greet with; empty where what stands in its place is an advertisement with a link."""
    shown = plain(name)
    return "" if "://" in shown or "www." in shown.lower() else shown


Plain = Annotated[str, AfterValidator(plain)]
"""Text that went through `plain`: the only kind of foreign text that a mail's content can hold."""

PersonName = Annotated[str, AfterValidator(person)]
