"""Shows every mail in every language, as text or HTML: `python -m packhorse_notification.preview --language pl`."""

import argparse
import sys
from collections.abc import Iterator

from packhorse_contracts.policies import Language

from packhorse_notification.locales import LANGUAGES
from packhorse_notification.render import Shop, render
from packhorse_notification.samples import mails

SHOP = Shop("Packhorse", "orders@packhorse.example")


def preview(language: Language, *, html: bool = False) -> Iterator[str]:
    """All sample mails of a language, one text each."""
    for title, mail in mails(language):
        rendered = render(mail, SHOP)
        body = rendered.html if html else rendered.text
        yield f"=== {language} · {title} ===\nSubject: {rendered.subject}\n\n{body}"


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m packhorse_notification.preview", description=__doc__)
    parser.add_argument("--language", choices=LANGUAGES, action="append", help="only this one (may be repeated)")
    parser.add_argument("--html", action="store_true", help="the HTML part instead of the text")
    options = parser.parse_args(arguments)
    for language in options.language or LANGUAGES:
        sys.stdout.write("\n".join(preview(language, html=options.html)) + "\n")


if __name__ == "__main__":
    main()
