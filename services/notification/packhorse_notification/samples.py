"""One mail of each kind about the same order, for previews and tests."""

from dataclasses import replace
from datetime import UTC, date, datetime

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
from packhorse_notification.messages import Recipient, SendMail

MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ORDER_ID = "PH-536365"

REGIONS: dict[Language, tuple[str, str, str]] = {
    "en": ("en-GB", "Emma Clarke", "GBP"),
    "pt": ("pt-BR", "João Araújo", "BRL"),
    "pl": ("pl-PL", "Łukasz Wójcik", "PLN"),
    "ru": ("ru-KZ", "Анна Ким", "KZT"),
    "zh": ("zh-CN", "王小明", "CNY"),
    "tl": ("fil-PH", "Jose Reyes", "PHP"),
}
"""For each language a locale, a customer, and what is paid with there."""

_LANTERN = Item(line_id="1", title="White metal lantern", quantity=6, unit_price=339)
_HEART = Item(line_id="2", title="Cream cupid hearts coat hanger", quantity=1_200, unit_price=275)
_MUG = Item(line_id="3", title="Mug & spoon <set>", quantity=1, unit_price=450)


def contents(currency: str) -> tuple[tuple[str, Content], ...]:
    """Each kind of message, the ones that have variants in each of them, with a title."""
    sums = Sums(currency=currency, goods=332_484, discount=1_500, delivery=495, tax=66_296, grand_total=397_775)
    cancelled = CancelledContent(at=MORNING, whole=False, by="warehouse", code="short_pick", items=(_MUG,))
    return (
        (
            "order confirmed",
            OrderConfirmedContent(
                at=MORNING,
                items=(_LANTERN, _HEART, _MUG),
                sums=sums,
                ship_on=date(2026, 11, 24),
                deliver_on=date(2026, 12, 2),
            ),
        ),
        (
            "dispatched, many",
            DispatchedContent(
                at=MORNING,
                shipment_id="s-1",
                carrier="Royal Mail",
                tracking_numbers=("RR123456785GB", "RR123456799GB"),
                items=(_LANTERN, _HEART),
                part=True,
            ),
        ),
        (
            "dispatched, one",
            DispatchedContent(
                at=MORNING,
                shipment_id="s-2",
                carrier="Royal Mail",
                tracking_numbers=("RR123456808GB",),
                items=(_MUG,),
            ),
        ),
        (
            "delivered, all of it",
            DeliveredContent(
                at=MORNING, shipment_id="s-1", tracking_numbers=("RR123456785GB",), items=(_LANTERN, _HEART, _MUG)
            ),
        ),
        (
            "delivered, a part",
            DeliveredContent(
                at=MORNING, shipment_id="s-2", tracking_numbers=("RR123456808GB",), items=(_MUG,), part=True
            ),
        ),
        (
            "delivered, nobody knows what",
            DeliveredContent(at=MORNING, shipment_id="s-1", tracking_numbers=("RR123456785GB",)),
        ),
        ("cancelled, one unit", cancelled),
        ("cancelled, one more", replace(cancelled, before=1)),
        ("cancelled, can't be sent there", replace(cancelled, code="incorrect_address")),
        (
            "cancelled, few units",
            replace(cancelled, by="customer", items=(replace(_MUG, quantity=3),)),
        ),
        (
            "cancelled, whole",
            CancelledContent(at=MORNING, whole=True, by="payment", code="payment_declined", items=()),
        ),
        ("cancellation declined", CancellationDeclinedContent(at=MORNING, codes=("dispatched",))),
        ("cancellation of a part declined", CancellationDeclinedContent(at=MORNING, codes=(PART_NOT_OFFERED,))),
        (
            "refunded again",
            RefundedContent(at=MORNING, payment_id="p-1", amount=450, currency=currency, why="cancelled", before=450),
        ),
        (
            "refunded",
            RefundedContent(at=MORNING, payment_id="p-1", amount=450, currency=currency, why="cancelled"),
        ),
    )


def mails(language: Language) -> tuple[tuple[str, SendMail], ...]:
    """Every sample as the mail that a customer of that language gets."""
    locale, name, currency = REGIONS[language]
    return tuple(
        (
            title,
            SendMail(
                order_id=ORDER_ID,
                notification_id="019aafe1-5c40-7000-8000-000000000001",
                about=f"{content.kind}:{content.cause}",
                asked_at=MORNING,
                language=language,
                locale=locale,
                contact=Recipient(name=name, email="customer@example.com"),
                content=content,
            ),
        )
        for title, content in contents(currency)
    )
