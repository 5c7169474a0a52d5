"""What customers read: words, plural forms, money and dates, in six languages."""

import string
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from packhorse_contracts.order import DeclineCode
from packhorse_contracts.policies import Language
from packhorse_notification.content import (
    CancellationDeclinedContent,
    CancelledContent,
    DispatchedContent,
    Item,
    OrderConfirmedContent,
)
from packhorse_notification.locales import LANGUAGES, choose_language, formats
from packhorse_notification.messages import SendMail
from packhorse_notification.money import format_money
from packhorse_notification.preview import SHOP, main, preview
from packhorse_notification.render import render
from packhorse_notification.samples import MORNING, mails
from packhorse_notification.words import words

GOLDEN = Path(__file__).parent / "golden"
_FORMS = ("zero", "one", "two", "few", "many", "other")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_in_every_language_reads_as_it_was_proof_read(language: Language) -> None:
    """Golden previews; after a wanted change: `python -m packhorse_notification.preview --language LANGUAGE`."""
    assert "\n".join(preview(language)) + "\n" == (GOLDEN / f"{language}.txt").read_text(encoding="utf-8")


def test_the_html_part_reads_as_it_was_proof_read() -> None:
    """One language is enough: the words are the same as in the text."""
    assert "\n".join(preview("en", html=True)) + "\n" == (GOLDEN / "en.html").read_text(encoding="utf-8")


def test_the_preview_command_prints_all_languages(capsys: pytest.CaptureFixture[str]) -> None:
    """For people who want to see what customers get."""
    main([])
    shown = capsys.readouterr().out
    assert all(f"=== {language} · refunded ===" in shown for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_texts_and_placeholders_as_english(language: Language) -> None:
    """A text that is missing, or promises a value that it doesn't get, is found here and not by a customer."""

    def shape(of: Language) -> dict[str, set[str]]:
        names: dict[str, set[str]] = {}
        for name, text in words(of).texts.items():
            stem, _, last = name.rpartition(".")
            group = stem if last in _FORMS and not stem.endswith(("by", "why")) else name
            names.setdefault(group, set()).update(f for _, f, _, _ in string.Formatter().parse(text) if f)
        return names

    assert shape(language) == shape("en")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("short_pick", "were not available in our warehouse"),
        ("incorrect_address", "could not be sent to the address"),
        ("undeliverable", "can't be delivered to you"),
        ("ineligible_product", "can't be shipped"),
        ("not_sent", "our warehouse was unable to send"),
    ],
)
def test_goods_are_said_to_be_gone_only_where_they_are(code: str, says: str) -> None:
    """Why the warehouse doesn't send something; what isn't known isn't made up."""
    content = CancelledContent(at=MORNING, whole=False, by="warehouse", code=code, items=())
    text = render(mails("en")[0][1].model_copy(update={"content": content}), SHOP).text
    assert says in text
    assert ("available" in text) == (code == "short_pick")


@pytest.mark.parametrize("code", get_args(DeclineCode))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_to_decline_a_cancellation_has_words(language: Language, code: str) -> None:
    """All that the order service can say: none is told in the words that stand for what we don't know."""
    assert f"cancellation_declined.why.{code}" in words(language).texts


def test_who_wants_to_cancel_a_part_isn_t_told_that_it_is_too_late() -> None:
    """Nothing has left; only whole orders can be cancelled."""
    mail = mails("en")[0][1]
    content = CancellationDeclinedContent(at=MORNING, codes=("part_cancellation_not_offered",))
    told = render(mail.model_copy(update={"content": content}), SHOP)
    for said in (told.subject, told.text, told.html):
        assert "no longer" not in said
        assert "part of" in said
    assert "An order can only be cancelled as a whole." in told.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_count_finds_its_plural_form(language: Language) -> None:
    """All forms that the language has for whole numbers are there."""
    locale = Locale.parse(language)
    for n in (*range(1, 130), 1_000, 1_000_000, 2_000_000):
        for name in ("dispatched.intro", "delivered.intro_items", "cancelled.intro_lines", "cancelled.so_far"):
            assert words(language).count(name, n, locale, order="A-1")


@pytest.mark.parametrize(
    ("language", "n", "expected"),
    [
        ("en", 1, "1 item from your order A is on its way"),
        ("en", 2, "2 items from your order A are on their way"),
        ("pl", 1, "1 sztuka z Twojego zamówienia A jest"),
        ("pl", 2, "2 sztuki z Twojego zamówienia A są"),
        ("pl", 5, "5 sztuk z Twojego zamówienia A jest"),
        ("pl", 12, "12 sztuk z"),
        ("pl", 21, "21 sztuk z"),
        ("pl", 22, "22 sztuki z"),
        ("ru", 1, "1 товар из"),
        ("ru", 3, "3 товара из"),
        ("ru", 11, "11 товаров из"),
        ("ru", 21, "21 товар из"),
        ("ru", 25, "25 товаров из"),
        ("pt", 1, "1 item do seu pedido A está"),
        ("pt", 2, "2 itens do seu pedido A estão"),
        ("pt", 1_000_000, "1.000.000 de itens"),
        ("zh", 1, "有 1 件商品"),
        ("tl", 3, "ang 3 item"),
        ("tl", 4, "ang 4 na item"),
    ],
)
def test_counts_take_the_form_that_the_language_wants(language: Language, n: int, expected: str) -> None:
    """Polish and Russian count in three forms, Tagalog links after some numbers, Chinese doesn't care."""
    assert expected in words(language).count("dispatched.intro", n, Locale.parse(language), order="A")


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "expected"),
    [
        (123456, "GBP", "en_GB", "£1,234.56"),
        (123456, "PLN", "pl", "1 234,56 zł"),
        (123456, "BRL", "pt_BR", "R$ 1.234,56"),
        (123456, "JPY", "en", "¥123,456"),
        (123456, "KWD", "en", "KWD 123.456"),
        (123456, "CLF", "en", "CLF 12.3456"),
        (123456, "RSD", "en", "RSD 1,234.56"),
        (123456, "PHP", "fil", "₱1,234.56"),
        (123456, "CNY", "zh", "¥1,234.56"),
        (5, "EUR", "ru", "0,05 €"),
        (0, "USD", "en", "$0.00"),
        (10**15, "KRW", "en", "₩1,000,000,000,000,000"),
    ],
)
def test_money_has_its_currencys_digits_and_its_readers_signs(
    amount: int, currency: str, locale: str, expected: str
) -> None:
    """Digits by ISO 4217, the rest by the locale. CLDR would show no digits for RSD."""
    assert format_money(amount, currency, Locale.parse(locale)).replace("\xa0", " ") == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("pt-BR", "pt"),
        ("pt_PT", "pt"),
        ("PL", "pl"),
        ("zh-Hant-TW", "en"),
        ("zh-TW", "en"),
        ("zh-HK", "en"),
        ("cmn-Hant", "en"),
        ("zh-yue-HK", "en"),
        ("zh-Hans-HK", "zh"),
        ("zh-SG", "zh"),
        ("zh-cmn-Hans-CN", "zh"),
        ("ru-Latn", "en"),
        ("ru-KZ", "ru"),
        ("pt-BR-u-hc-h23", "pt"),
        ("pl-x-shop1", "pl"),
        ("x-pl", "en"),
        ("i-klingon", "en"),
        ("cmn-Hans", "zh"),
        ("fil-PH", "tl"),
        ("tl", "tl"),
        ("de-DE", "en"),
        ("por-BR", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_language_is_the_customers_or_english(tag: str | None, expected: Language) -> None:
    """By language and script: who reads traditional characters gets English rather than simplified ones."""
    assert choose_language(tag, "en") == expected


def test_the_shop_may_prefer_another_fallback() -> None:
    """A shop in Poland falls back to Polish."""
    assert choose_language("de-DE", "pl") == "pl"


@pytest.mark.parametrize(
    ("language", "tag", "expected"),
    [
        ("en", "en-GB", "en_GB"),
        ("en", "de-DE", "en"),
        ("tl", "fil-PH", "fil_PH"),
        ("pt", "pt-PT", "pt_PT"),
        ("en", "en-US-u-hc-h23", "en_US"),
        ("en", "en-GB-oxendict-x-shop1", "en_GB"),
        ("en", "en-150", "en_150"),
        ("en", "en-001", "en_001"),
        ("en", "en-FR", "en_FR"),
        ("en", "en-MX", "en_001"),
        ("en", "en-UK", "en_GB"),
        ("en", "en-826", "en_GB"),
        ("pt", "pt-FR", "pt_PT"),
        ("pt", "pt-DE", "pt"),
        ("zh", "zh-Hans-HK", "zh_Hans_HK"),
        ("en", "zh-Hant-TW", "en"),
        ("en", "en-ZZ", "en"),
        ("en", "en-QX", "en"),
        ("zh", None, "zh"),
    ],
)
def test_formats_follow_the_region_within_the_texts_language(
    language: Language, tag: str | None, expected: str
) -> None:
    """German formats in an English text would read as a mistake."""
    assert str(formats(language, tag)) == expected


@pytest.mark.parametrize("tag", ["en-150", "en-001", "en-GB-oxendict-x-shop1", "en-DE", "en-MX", "en-AU", "en-419"])
def test_only_americans_read_the_month_first(tag: str) -> None:
    """What CLDR knows nothing of its own about inherits from the English of the world."""
    mail = _confirmed(ship_on=date(2026, 11, 28)).model_copy(update={"locale": tag})
    assert "28 November 2026" in render(mail, SHOP).text
    american = mail.model_copy(update={"locale": "en-US-u-hc-h23"})
    assert "November 28, 2026" in render(american, SHOP).text


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8}){0,6}", fullmatch=True)))
def test_any_tag_has_a_language_and_formats(tag: str) -> None:
    """Whatever a checkout sends: a mail is always written."""
    language = choose_language(tag, "en")
    assert formats(language, tag).language in (language, "fil")


def _confirmed(**changes: Any) -> SendMail:
    mail = mails("en")[0][1]
    return mail.model_copy(update={"content": replace(mail.content, **changes)})


def test_a_promised_day_is_told_as_it_is() -> None:
    """A day is no instant: it is converted through no zone, neither the shop's nor the customer's."""
    text = render(_confirmed(ship_on=date(2026, 11, 28), deliver_on=date(2026, 12, 2)), SHOP).text
    assert "Leaves us by: 28 November 2026" in text
    assert "With you by: 2 December 2026" in text


def test_two_deliveries_of_one_order_can_be_told_apart() -> None:
    """Each names what came, and says where that isn't all."""
    told = [render(mail, SHOP) for title, mail in mails("en") if title.startswith("delivered, ")]
    whole, part, unknown = told
    assert "White metal lantern" in whole.text
    assert (whole.subject, part.subject) == (
        "Your order PH-536365 has been delivered",
        "Part of your order PH-536365 has been delivered",
    )
    assert "1 × Mug & spoon" in part.text
    assert "RR123456785GB" in unknown.text


def test_nothing_is_said_of_what_is_not_known() -> None:
    """No sums, no dates, no name, no tracking number: no empty headings either."""
    bare = _confirmed(sums=None, ship_on=None, deliver_on=None)
    text = render(bare.model_copy(update={"contact": bare.contact.model_copy(update={"name": ""})}), SHOP).text
    assert "Hello,\n" in text
    assert "Total" not in text
    assert "£" not in text
    assert ":" not in text


def test_a_parcel_without_a_tracking_number_has_no_heading_for_it() -> None:
    """Letters and couriers of one's own have none."""
    mail = mails("en")[1][1]
    assert isinstance(mail.content, DispatchedContent)
    content = replace(mail.content, tracking_numbers=())
    text = render(mail.model_copy(update={"content": content}), SHOP).text
    assert "Carrier: Royal Mail" in text
    assert "Tracking" not in text


def test_no_discount_and_no_tax_are_not_listed() -> None:
    """A line of zeros tells nobody anything."""
    mail = _confirmed()
    content = mail.content
    assert isinstance(content, OrderConfirmedContent)
    assert content.sums is not None
    free = mail.model_copy(update={"content": replace(content, sums=replace(content.sums, discount=0, tax=0))})
    text = render(free, SHOP).text
    assert "Discount" not in text
    assert "Tax" not in text
    assert "Total" in text


def test_an_order_of_593_lines_is_one_mail() -> None:
    """The largest that real shops have sent us."""
    items = tuple(Item(line_id=str(n), title=f"Thing {n}", quantity=n) for n in range(1, 594))
    content = DispatchedContent(at=MORNING, shipment_id="s", carrier="DHL", tracking_numbers=("T1",), items=items)
    rendered = render(mails("en")[0][1].model_copy(update={"content": content}), SHOP)
    assert rendered.text.count(" × Thing ") == 593


def test_the_same_request_renders_the_same_for_ever() -> None:
    """A mail that is tried again is the same mail."""
    mail = mails("ru")[0][1]
    assert render(mail, SHOP) == render(SendMail.model_validate_json(mail.model_dump_json()), SHOP)
