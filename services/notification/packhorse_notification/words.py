"""The texts of our messages, one TOML file a language, and the choice of plural forms."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from babel import Locale
from packhorse_contracts.policies import Language

from packhorse_notification.money import format_count


class Words:
    """The texts of one language, by dotted names such as `dispatched.subject`."""

    def __init__(self, language: Language, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = texts
        self._plural = Locale.parse(language).plural_form

    def text(self, name: str, /, **values: str) -> str:
        """A text with its placeholders filled. Values go in as they are: only our own text is read as a format."""
        return self.texts[name].format(**values)

    def one_of(self, group: str, name: str) -> str:
        """One text of a group; its `other` where a newer writer names what we have no words for."""
        return self.texts.get(f"{group}.{name}", self.texts[f"{group}.other"])

    def each_of(self, group: str, names: Iterable[str]) -> tuple[str, ...]:
        """The texts of several names, none of them twice."""
        return tuple(dict.fromkeys(self.one_of(group, name) for name in names))

    def count(self, name: str, n: int, locale: Locale, /, **values: str) -> str:
        """A text in the plural form that `n` takes in this language (CLDR's rules)."""
        form = f"{name}.{self._plural(n)}"
        return self.text(form, n=format_count(n, locale), **values)


@cache
def words(language: Language) -> Words:
    """The catalogue of a language, read once."""
    source = files("packhorse_notification") / "templates" / "words" / f"{language}.toml"
    return Words(language, dict(_flat(tomllib.loads(source.read_text(encoding="utf-8")))))


def _flat(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    texts: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            texts.extend(_flat(value, f"{prefix}{name}."))
        else:
            texts.append((prefix + name, str(value)))
    return texts
