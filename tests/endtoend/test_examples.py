"""The README's examples of a checkout and a warehouse, run as they stand there, against the whole system."""

import json
import subprocess
import sys
from pathlib import Path

from packhorse_contracts.order import OrderConfirmed
from packhorse_contracts.payment import PaymentCaptured
from packhorse_contracts.shipping import ShippingDispatched

from .outsiders import LOCATION, Outsiders

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str, stdin: bytes = b"") -> "subprocess.Popen[bytes]":
    """Starts an example as a person would."""
    child = subprocess.Popen(
        [sys.executable, str(EXAMPLES / name), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    child.stdin.write(stdin)
    child.stdin.close()
    return child


async def test_a_plain_client_is_all_that_a_checkout_and_a_warehouse_need(outsiders: Outsiders) -> None:
    """The example's order is placed, picked, packed, handed over, and paid for."""
    order = json.loads((EXAMPLES / "order.json").read_bytes())
    sku = await outsiders.product(5)
    order["lines"][0]["sku"] = sku
    warehouse = run("warehouse.py", outsiders.kafka)
    try:
        checkout = run("checkout.py", outsiders.kafka, stdin=json.dumps(order).encode())
        assert checkout.stdout is not None
        order_id = checkout.stdout.read().decode().strip()
        assert checkout.wait(30) == 0
        await outsiders.fact(OrderConfirmed, order_id)
        dispatched = await outsiders.fact(ShippingDispatched, order_id)
        assert [(line.sku, line.quantity) for line in dispatched.lines] == [(sku, 2)]
        captured = await outsiders.fact(PaymentCaptured, order_id)
        assert captured.amount == order["totals"]["grand_total"]
    finally:
        warehouse.terminate()
        warehouse.wait(10)
    assert dispatched.location == LOCATION
