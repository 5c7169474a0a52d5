"""Which of our languages a customer reads, and how dates and numbers are written there."""

import re
from functools import lru_cache
from typing import Final, NamedTuple, get_args

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from packhorse_contracts.policies import Language

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_ALSO: Final[dict[str, Language]] = {"fil": "tl", "cmn": "zh"}
"""Other BCP 47 names of our languages: Filipino is standardised Tagalog, Mandarin is what `zh` stands for."""

_SCRIPTS: Final[dict[Language, str]] = {"zh": "Hans", "ru": "Cyrl"}
"""In which script our texts are written; Latin where nothing is said."""

_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<extended>[a-z]{3}))?(-[a-z]{3}){0,2}"
    r"(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|[0-9]{3}))?(-[a-z0-9]{1,8})*",
    re.ASCII | re.IGNORECASE,
)
"""RFC 5646, as far as it concerns us: what comes after the region says nothing of language and region."""


class _Tag(NamedTuple):
    language: Language | None
    region: str | None


@lru_cache(maxsize=1024)
def _read(tag: str | None) -> _Tag:
    """Which of our languages it names, if any, and the region."""
    found = _TAG.fullmatch((tag or "").replace("_", "-"))
    if found is None:
        return _Tag(None, None)
    name = (found["extended"] or found["language"]).lower()
    language = next((ours for ours in LANGUAGES if ours == name), _ALSO.get(name))
    region = _region(found["region"].upper()) if found["region"] else None
    if language is None:
        return _Tag(None, region)
    script = found["script"].title() if found["script"] else _likely_script(language, region)
    return _Tag(language if script == _SCRIPTS.get(language, "Latn") else None, region)


def _region(code: str) -> str:
    """`UK` and `826` are other names of `GB`."""
    named = get_global("territory_aliases").get(code, ())
    return str(named[0]) if len(named) == 1 else code


def _likely_script(language: Language, region: str | None) -> str:
    """In which script most people there write it: Chinese in Taiwan in the traditional one."""
    likely = get_global("likely_subtags")
    full = likely.get(f"{language}_{region}") or likely[language]
    return str(full.split("_")[1])


def choose_language(tag: str | None, fallback: Language) -> Language:
    """The language of a BCP 47 tag (`pt-BR`, `zh-Hans-CN`), or the fallback where we don't write it, or not in that
    script."""
    return _read(tag).language or fallback


@lru_cache(maxsize=1024)
def formats(language: Language, tag: str | None) -> Locale:
    """How to write dates and money in a text of `language`: as in the tag's region, if CLDR knows it there, else as in
    what CLDR has it inherit from, or as in the language's world.

    A customer with `de-DE` reads our English, with English dates: formats of another language than the text's
    would read as a mistake, and 03/04 as two different days.
    """
    usual, read = Locale.parse(language), _read(tag)
    if read.language != language or read.region is None or read.region == "ZZ" or read.region not in usual.territories:
        return usual
    stem = f"{language}_{_SCRIPTS[language]}" if language == "zh" else language
    parent = get_global("parent_exceptions").get(f"{stem}_{read.region}")
    for name, region in ((f"{stem}_{read.region}", read.region), (parent, None), (f"{stem}_001", "001")):
        try:
            found = Locale.parse(name) if name else None
        except (UnknownLocaleError, ValueError):
            continue
        if found is not None and region in (None, found.territory):  # Babel may answer with another region's
            return found
    return usual
