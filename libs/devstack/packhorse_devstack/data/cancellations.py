"""From the `C…` invoices to customers' requests: which order each is about, and at which stage it comes."""

from collections import defaultdict
from random import Random

from packhorse_devstack.data.invoices import Invoice
from packhorse_devstack.data.orders import order_id
from packhorse_devstack.data.records import Record, fact

CANCELLATION_REQUESTED = "packhorse.customer.cancellation_requested.v1"

STAGES = {(0, 200): 35, (1_000, 6_000): 35, (12_000, 25_000): 30}
"""Milliseconds after the order, and how many of a hundred: at once, while it is worked on, when it is on its way."""

REASONS = ("ordered by mistake", "found it cheaper", "delivery takes too long", "changed my mind", "wrong address")


def cancellations(cancelling: list[Invoice], placed: list[Invoice], seed: int) -> dict[str, Record]:
    """The request for each cancelled order, by the number of the order's invoice. No order is cancelled twice.

    The data don't say which invoice a `C…` takes back: it is drawn from the same customer's earlier orders, else
    from the customer's later ones, else from anybody's.
    """
    by_customer: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in placed:
        by_customer[invoice.customer].append(invoice)
    free = {invoice.number: invoice for invoice in placed}
    requests: dict[str, Record] = {}
    for cancellation in cancelling:
        random = Random(f"{seed}/cancellation/{cancellation.number}")
        own = [one for one in by_customer[cancellation.customer] if one.number in free and cancellation.customer]
        earlier = [one for one in own if one.at <= cancellation.at]
        chosen = random.choice(earlier or own or list(free.values()))
        del free[chosen.number]
        low, high = random.choices(list(STAGES), list(STAGES.values()))[0]
        requests[chosen.number] = fact(
            CANCELLATION_REQUESTED,
            f"{order_id(chosen)}-cancel",
            {"order_id": order_id(chosen), "reason": random.choice(REASONS)},
            order_id=order_id(chosen),
            after_ms=random.randint(low, high),
        )
    return requests
