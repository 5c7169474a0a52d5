"""A mail's subject, text and HTML from its content. Pure: the same request gives the same letters for ever."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final, Literal

from babel import Locale
from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from jinja2.environment import TemplateModule
from packhorse_contracts.policies import Language

from packhorse_notification.content import (
    PART_NOT_OFFERED,
    CancellationDeclinedContent,
    CancelledContent,
    Content,
    DeliveredContent,
    DispatchedContent,
    Item,
    OrderConfirmedContent,
    RefundedContent,
    Sums,
)
from packhorse_notification.locales import formats
from packhorse_notification.messages import SendMail
from packhorse_notification.money import format_count, format_money
from packhorse_notification.text import plain
from packhorse_notification.words import Words, words

Form = Literal["text", "html"]
Value = str | int | tuple["Row", ...] | tuple[tuple[str, str], ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shop:
    """Who writes: the name that customers know, and the sender's address."""

    name: str
    sender: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of goods."""

    quantity: str
    title: str
    price: str = ""


def _environment(html: bool) -> Environment:
    # Text has nothing to escape: what could do harm in it is gone before it comes here (`text.plain`).
    return Environment(
        loader=PackageLoader("packhorse_notification"),
        autoescape=html,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a look at every file for every mail
    )


_HTML: Final = _environment(html=True)
_TEXT: Final = _environment(html=False)


def render(mail: SendMail, shop: Shop) -> Rendered:
    """The mail in the customer's language, with dates and money as in the customer's region."""
    language = words(mail.language)
    locale = formats(mail.language, mail.locale)
    order = plain(mail.order_id)
    variant = _variant(mail.content)
    subject = language.text(f"{mail.content.kind}.subject{variant}", order=order)
    name = mail.contact.name
    context: dict[str, object] = {
        **_details(mail.content, language, locale),
        "content": mail.content,
        "language": "fil" if mail.language == "tl" else mail.language,
        "shop": plain(shop.name),
        "order": order,
        "subject": subject,
        "variant": variant,
        "greeting": language.text("common.greeting", name=name) if name else language.text("common.greeting_unnamed"),
        "t": language.text,
        "one_of": language.one_of,
        "n": lambda text, n, **values: language.count(text, n, locale, **values),
    }
    return Rendered(
        subject,
        _tidy(_render("text", mail, context)),
        _render("html", mail, context) + "\n",
    )


def _render(form: Form, mail: SendMail, context: dict[str, object]) -> str:
    environment, kind = _HTML if form == "html" else _TEXT, mail.content.kind
    template: Template = environment.get_template(f"{kind}.j2")
    return template.render(context, ui=_parts(form, mail.language), layout=f"layout.{form}.j2")


@cache
def _parts(form: Form, language: Language) -> TemplateModule:
    environment = _HTML if form == "html" else _TEXT
    return environment.get_template(f"ui.{form}.j2").make_module({"t": words(language).text})


def _tidy(text: str) -> str:
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).rstrip() + "\n"


def _variant(content: Content) -> str:
    if isinstance(content, CancelledContent):
        return "_whole" if content.whole else "_lines"
    if isinstance(content, CancellationDeclinedContent) and PART_NOT_OFFERED in content.codes:
        return "_part"  # the usual words say that it is too late
    if isinstance(content, DispatchedContent | DeliveredContent) and content.part:
        return "_part"
    return ""


def _details(content: Content, language: Words, locale: Locale) -> dict[str, Value]:
    match content:
        case OrderConfirmedContent():
            currency = content.sums.currency if content.sums else None
            return {
                "rows": tuple(_row(item, locale, currency) for item in content.items),
                "sums": _sums(content.sums, language, locale) if content.sums else (),
                "dates": tuple(
                    (language.text(f"order_confirmed.{name}"), _date(day, locale))
                    for name, day in (("ship_by", content.ship_on), ("deliver_by", content.deliver_on))
                    if day is not None
                ),
            }
        case DispatchedContent():
            return {
                "rows": tuple(_row(item, locale, None) for item in content.items),
                "units": sum(item.quantity for item in content.items),
                "tracking": _tracking(content.carrier, content.tracking_numbers, language),
            }
        case DeliveredContent():
            return {
                "rows": tuple(_row(item, locale, None) for item in content.items),
                "units": sum(item.quantity for item in content.items),
                "tracking": _tracking("", content.tracking_numbers, language),
            }
        case CancelledContent():
            units = sum(item.quantity for item in content.items)
            return {
                "rows": tuple(_row(item, locale, None) for item in content.items),
                "units": units,
                "so_far": content.before + units if content.before else 0,
            }
        case CancellationDeclinedContent():
            return {"reasons": language.each_of("cancellation_declined.why", content.codes)}
        case RefundedContent():
            so_far = format_money(content.before + content.amount, content.currency, locale) if content.before else ""
            return {"amount": format_money(content.amount, content.currency, locale), "so_far": so_far}


def _row(item: Item, locale: Locale, currency: str | None) -> Row:
    price = (
        ""
        if currency is None or item.unit_price is None
        else format_money(item.unit_price * item.quantity, currency, locale)
    )
    return Row(format_count(item.quantity, locale), item.title, price)


def _tracking(carrier: str, numbers: tuple[str, ...], language: Words) -> tuple[tuple[str, str], ...]:
    label = "dispatched.trackings" if len(numbers) > 1 else "dispatched.tracking"
    known = ((language.text("dispatched.carrier"), carrier), (language.text(label), ", ".join(numbers)))
    return tuple((name, value) for name, value in known if value)


def _sums(sums: Sums, language: Words, locale: Locale) -> tuple[tuple[str, str], ...]:
    """Discount and tax only where there are any; a discount is shown as what it takes off."""
    amounts = (
        ("goods", sums.goods, True),
        ("discount", -sums.discount, sums.discount > 0),
        ("delivery", sums.delivery, True),
        ("tax", sums.tax, sums.tax > 0),
        ("total", sums.grand_total, True),
    )
    return tuple(
        (language.text(f"order_confirmed.{name}"), format_money(amount, sums.currency, locale))
        for name, amount, shown in amounts
        if shown
    )


def _date(day: date, locale: Locale) -> str:
    return format_date(day, format="long", locale=locale)
