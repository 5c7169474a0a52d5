"""The converter: real invoices in, a replay out that the contracts can read."""

import time
from collections import Counter, defaultdict
from functools import cache
from typing import Any

import pytest
from packhorse_contracts import envelope
from packhorse_contracts.base import Fact
from packhorse_contracts.checkout import OrderPlaced
from packhorse_contracts.customer import CancellationRequested
from packhorse_contracts.warehouse import StockReceived
from packhorse_devstack.counterparties.process import now
from packhorse_devstack.counterparties.replaying import kind, speak
from packhorse_devstack.counterparties.voice import Raw, render
from packhorse_devstack.data import convert, invoices
from packhorse_devstack.data.malformed import EXPECTED
from packhorse_devstack.data.records import Record


@cache
def replay() -> convert.Replay:
    return convert.convert()


def manifest() -> Any:
    return replay().manifest


def sent(record: Record) -> Raw:
    said = speak(record, now())
    return said if isinstance(said, Raw) else render(said, "/test")


def read(record: Record) -> envelope.Heard | envelope.Unreadable:
    bytes_ = sent(record)
    return envelope.decode(bytes_.value, bytes_.headers)


@cache
def facts() -> list[Fact]:
    """Every fact of the replay but the malformed ones, as a reader gets it."""
    records = [*replay().catalogue, *(record for record in replay().orders if kind(record) != "malformed")]
    heard = [read(record) for record in records]
    assert [one for one in heard if isinstance(one, envelope.Unreadable)] == []
    return [one.fact for one in heard if isinstance(one, envelope.Heard)]


def orders() -> list[OrderPlaced]:
    return [fact for fact in facts() if isinstance(fact, OrderPlaced)]


def test_all_invoices_are_accounted_for() -> None:
    """2,350 invoices and 367 cancellations are read; all with goods become orders, all cancellations requests."""
    counts = manifest()
    assert (counts["invoices"], counts["cancellations"]) == (2_350, 367)
    assert counts["orders"] + counts["invoices_without_goods"] == 2_350
    assert len(orders()) == counts["orders"] == 2_231
    assert max(len(order.lines) for order in orders()) == counts["most_lines"] == 592
    assert len(replay().orders) == counts["order_records"] == 2_231 + 367 + len(EXPECTED)


def test_with_all_invoices_the_rest_are_orders_without_lines() -> None:
    """So that all 2,350 are placed; the 119 hold nothing that could be delivered."""
    whole = convert.convert(all_invoices=True)
    placed = [record for record in whole.orders if kind(record) == "order"]
    assert len(placed) == 2_350
    empty = [heard for record in placed if not (heard := read(record)).fact.lines]  # type: ignore[union-attr]
    assert len(empty) == 119


def test_the_sums_of_every_order_hold() -> None:
    """As the contracts say: goods, discount, delivery, tax, grand total, and the payments."""
    for order in orders():
        totals = order.totals
        discounts = sum(line.discount or 0 for line in order.lines) + sum(one.amount for one in order.promotions)
        assert totals.goods == sum(line.quantity * line.unit_price for line in order.lines)
        assert (totals.discount, totals.delivery, totals.tax) == (discounts, order.delivery.price, 0)
        assert totals.grand_total == totals.goods - discounts + totals.delivery
        assert totals.grand_total == sum(payment.amount for payment in order.payments) > 0


def test_nothing_but_goods_is_ordered() -> None:
    """No postage, fees or manual entries as lines; a gift of price 0 may be one."""
    skus = {line.sku for order in orders() for line in order.lines}
    assert not skus & invoices.NO_GOODS
    assert any(line.unit_price == 0 for order in orders() for line in order.lines)


def test_postage_on_the_invoice_is_the_price_of_the_delivery() -> None:
    """Where the invoice charges it, that is what the customer pays."""
    by_id = {order.order_id: order for order in orders()}
    charged = [invoice for invoice in invoices.read() if invoice.postage and invoice.goods and not invoice.cancels]
    assert len(charged) > 100
    assert all(by_id[f"OR{invoice.number}"].delivery.price == invoice.postage for invoice in charged)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Any) -> None:
    """And another seed other people, so that the seed is really used. Fast enough to do it at every start."""
    begun = time.monotonic()
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        convert.write(convert.convert(seed), tmp_path / name)
    assert time.monotonic() - begun < 30
    for file in (convert.CATALOGUE, convert.ORDERS, convert.MANIFEST):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / convert.ORDERS).read_bytes() != (tmp_path / "c" / convert.ORDERS).read_bytes()


def test_every_language_of_the_notifications_is_somebodys() -> None:
    """English, Portuguese, Polish, Russian, Chinese, Tagalog; a customer has one locale, whatever they order."""
    locales = Counter(order.customer.locale for order in orders())
    assert all(locales[locale] >= 10 for locale in ("en-GB", "pt-BR", "pl", "ru", "zh", "tl", None))
    people = defaultdict(set)
    for order in orders():
        assert order.ship_to is not None
        people[order.customer.customer_id, order.ship_to.country].add((order.customer, order.ship_to.lines))
    assert all(len(known) == 1 for known in people.values())


def test_every_token_of_the_gateway_that_ends_by_itself_is_used() -> None:
    """Mostly good ones, some of each fault."""
    tokens = Counter(order.payments[0].token for order in orders())
    assert tokens["tok_ok"] > 0.85 * len(orders())
    for token in ("tok_declined", "tok_insufficient_funds", "tok_timeout", "tok_slow", "tok_flaky", "tok_review"):
        assert tokens[token] >= 5, token


def test_each_order_is_cancelled_at_most_once_and_after_it_was_placed() -> None:
    """At once, while it is worked on, and late: all stages come."""
    requests = [record for record in replay().orders if kind(record) == "request"]
    ids = [fact.order_id for fact in facts() if isinstance(fact, CancellationRequested)]
    assert len(ids) == len(set(ids)) == 367
    assert set(ids) <= {order.order_id for order in orders()}
    delays = [int(str(record["after_ms"])) for record in requests]
    assert sum(delay <= 200 for delay in delays) > 80
    assert sum(1_000 <= delay <= 6_000 for delay in delays) > 80
    assert sum(delay >= 12_000 for delay in delays) > 80


def test_stock_covers_the_demand_but_for_a_few_articles() -> None:
    """Those are named in the manifest; everything lies in Britain or Germany."""
    demand: Counter[str] = Counter()
    stock: Counter[str] = Counter()
    for order in orders():
        demand.update({line.sku: 0 for line in order.lines})
        for line in order.lines:
            demand[line.sku] += line.quantity
    for fact in facts():
        if isinstance(fact, StockReceived):
            for received in fact.lines:
                stock[received.sku] += received.quantity
    short = {sku for sku, wanted in demand.items() if stock[sku] < wanted}
    assert sorted(short) == manifest()["short_skus"]
    assert len(short) == 8


@pytest.mark.parametrize("note", EXPECTED)
def test_a_malformed_record_is_malformed_in_its_own_way(note: str) -> None:
    """One of each kind; what can't be read gets another code or field than the others; what can be read is said so."""
    (record,) = [record for record in replay().orders if record.get("note") == note]
    heard = read(record)
    assert isinstance(heard, envelope.Unreadable) == ("raw_base64" in record)
    if isinstance(heard, envelope.Heard):
        assert isinstance(heard.fact, OrderPlaced)


def test_malformed_records_have_many_reasons() -> None:
    """The codes under which they become dead letters."""
    heard = [read(record) for record in replay().orders if "raw_base64" in record]
    codes = {one.code for one in heard if isinstance(one, envelope.Unreadable)}
    assert codes >= {
        "not_json", "empty_value", "header_encoding", "missing_attribute", "unknown_type", "unknown_version",
        "specversion", "time", "invalid", "no_data",
    }  # fmt: skip


def test_the_ids_on_the_wire_are_unique_but_for_the_repeats() -> None:
    """(source, id) guards against repeats, so the file must not repeat by accident."""
    ids = Counter(str(record["id"]) for record in [*replay().catalogue, *replay().orders] if "id" in record)
    assert [identifier for identifier, count in ids.items() if count > 1] == [
        str(record["id"]) for record in replay().orders if record.get("note") == "the same event again"
    ]
