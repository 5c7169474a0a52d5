"""Language tags. Source: BCP 47 (RFC 5646), section 2.1."""

import re
from typing import Final

_WORD = "[0-9A-Za-z]"
LANGUAGE_TAG: Final = (
    r"^("
    r"([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})"  # language
    r"(-[A-Za-z]{4})?"  # script
    r"(-([A-Za-z]{2}|[0-9]{3}))?"  # region
    rf"(-({_WORD}{{5,8}}|[0-9]{_WORD}{{3}}))*"  # variants
    rf"(-[0-9A-WY-Za-wy-z](-{_WORD}{{2,8}})+)*"  # extensions
    rf"(-[Xx](-{_WORD}{{1,8}})+)?"  # for private use
    rf"|[Xx](-{_WORD}{{1,8}})+"  # nothing else
    r"|[Ii](-[A-Za-z]{3,8})|[Ss][Gg][Nn]-[A-Za-z]{2}-[A-Za-z]{2}|[Ee][Nn]-[Gg][Bb]-[Oo][Ee][Dd]"  # from before
    r")$"
)
"""A pattern that all well-formed tags match."""

_TAG: Final = re.compile(LANGUAGE_TAG[1:-1])


def well_formed(text: str) -> str | None:
    """The BCP 47 tag in a text; None where there is none. `pt_BR`, as many programs write it, is `pt-BR`."""
    tag = text.strip().replace("_", "-")
    return tag if _TAG.fullmatch(tag) else None
