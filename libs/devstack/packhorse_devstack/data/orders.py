"""From an invoice to an `order_placed`: what the data lack is drawn, seeded by the invoice's number."""

from random import Random

from packhorse_devstack.data.invoices import Invoice, Line
from packhorse_devstack.data.people import person
from packhorse_devstack.data.records import Json, Record, fact

ORDER_PLACED = "packhorse.checkout.order_placed.v1"
CURRENCY = "GBP"

METHODS = {"card": 68, "debit_card": 15, "paypal": 12, "bank_transfer": 5}
TOKENS = {
    "tok_ok": 920,
    "tok_declined": 20,
    "tok_insufficient_funds": 15,
    "tok_timeout": 10,
    "tok_slow": 15,
    "tok_flaky": 10,
    "tok_review": 10,
}
"""Of a thousand orders. `tok_capture_fails` and `tok_expires` need a person to end, so a replay has none."""

SERVICES = {"standard": 70, "economy": 18, "express": 12}
POSTAGE = {"economy": 195, "standard": 395, "express": 795}
"""Pence, where the invoice doesn't say; standard delivery is free above `FREE_ABOVE`."""

FREE_ABOVE = 5_000
STRUCTURED_SHARE = 0.02
"""Orders sent as structured CloudEvents, the form that some checkouts prefer."""

LINE_DISCOUNT_SHARE, PROMOTION_SHARE = 0.03, 0.04


def order_id(invoice: Invoice) -> str:
    """The id that an invoice's order gets in round 0."""
    return f"OR{invoice.number}"


def order(invoice: Invoice, seed: int) -> Record:
    """The order that an invoice stands for. Prices include taxes."""
    random = Random(f"{seed}/order/{invoice.number}")
    who = person(invoice, seed)
    discounted = random.choice(range(1, len(invoice.goods) + 1) or [0]) if random.random() < LINE_DISCOUNT_SHARE else 0
    lines = [
        _line(number, line, discount_percent=10 if number == discounted else 0)
        for number, line in enumerate(invoice.goods, start=1)
    ]
    goods = sum(line.quantity * line.price for line in invoice.goods)
    discounts = sum(int(str(line.get("discount", 0))) for line in lines)
    promotions = _promotions(goods - discounts, random)
    reduction = discounts + sum(amount for _, amount in promotions)
    service = random.choices(list(SERVICES), list(SERVICES.values()))[0]
    postage = _postage(invoice, service, goods)
    total = goods - reduction + postage
    data: dict[str, Json] = {
        "order_id": order_id(invoice),
        "placed_at": invoice.at.isoformat().replace("+00:00", "Z"),
        "channel": "web" if invoice.customer else "marketplace",
        "currency": CURRENCY,
        "customer": who.customer,
        "ship_to": who.address,
        "lines": lines,
        "delivery": {"mode": "ship", "service": service, "price": postage},
        "payments": [_payment(total, random)],
        "promotions": [{"code": code, "amount": amount} for code, amount in promotions],
        "totals": {"goods": goods, "discount": reduction, "delivery": postage, "tax": 0, "grand_total": total},
    }
    structured: dict[str, Json] = {"structured": True} if random.random() < STRUCTURED_SHARE else {}
    return fact(ORDER_PLACED, f"{order_id(invoice)}-placed", data, order_id=order_id(invoice), **structured)


def _line(number: int, line: Line, discount_percent: int) -> dict[str, Json]:
    made: dict[str, Json] = {
        "line_id": str(number),
        "sku": line.sku,
        "title": line.title or f"Article {line.sku}",
        "quantity": line.quantity,
        "unit_price": line.price,
    }
    discount = line.quantity * line.price * discount_percent // 100
    return made | {"discount": discount} if discount else made


def _promotions(goods: int, random: Random) -> list[tuple[str, int]]:
    """Five pounds off, for some of the orders that are large enough."""
    return [("NOVEMBER5", 500)] if random.random() < PROMOTION_SHARE and goods > 2_500 else []


def _postage(invoice: Invoice, service: str, goods: int) -> int:
    if invoice.postage is not None:
        return invoice.postage
    return 0 if service == "standard" and goods > FREE_ABOVE else POSTAGE[service]


def _payment(total: int, random: Random) -> dict[str, Json]:
    method = random.choices(list(METHODS), list(METHODS.values()))[0]
    token = random.choices(list(TOKENS), list(TOKENS.values()))[0]
    return {"method": method, "amount": total, "token": token}
