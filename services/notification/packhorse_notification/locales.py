"""Which of our languages a customer reads, and how dates and numbers are written there."""

from functools import lru_cache
from typing import Final, Literal, get_args

from babel import Locale, UnknownLocaleError

Language = Literal["en", "pt", "pl", "ru", "zh", "tl"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_ALSO: Final[dict[str, Language]] = {"fil": "tl", "cmn": "zh"}
"""Other BCP 47 names of our languages: Filipino is standardised Tagalog, Mandarin is what `zh` stands for."""


def choose_language(tag: str | None, fallback: Language) -> Language:
    """The language of a BCP 47 tag (`pt-BR`, `zh-Hans-CN`), or the fallback where we don't write it."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    for language in LANGUAGES:
        if primary == language:
            return language
    return _ALSO.get(primary, fallback)


@lru_cache(maxsize=1024)
def formats(language: Language, tag: str | None) -> Locale:
    """How to write dates and money in a text of `language`: as in the tag's region, if Babel knows it there.

    A customer with `de-DE` reads our English, with English dates: formats of another language than the text's
    would read as a mistake, and 03/04 as two different days.
    """
    subtags = (tag or "").replace("_", "-").split("-")
    if subtags[0].lower() in (language, *(other for other, ours in _ALSO.items() if ours == language)):
        territory = next((s.upper() for s in subtags[1:] if len(s) == 2 and s.isalpha()), None)
        if territory is not None:
            try:
                return Locale.parse(f"{language}_{territory}")
            except (UnknownLocaleError, ValueError):
                pass
    return Locale.parse(language)
