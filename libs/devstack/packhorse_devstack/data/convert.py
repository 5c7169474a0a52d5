"""Makes the replay files of the demo from the shop's invoices: `python -m packhorse_devstack.data.convert --out DIR`.

Writes `catalogue.jsonl.gz` (to load first), `orders.jsonl.gz` (orders, customers' requests, malformed records, in the
order in which they are sent) and `manifest.json` (what is in them, and what must become of it). The same seed gives the
same bytes.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from packhorse_devstack.data import invoices, records
from packhorse_devstack.data.cancellations import cancellations
from packhorse_devstack.data.catalogue import catalogue
from packhorse_devstack.data.malformed import EXPECTED, malformed
from packhorse_devstack.data.orders import order
from packhorse_devstack.data.records import Json, Record

DEFAULT_SEED = 2011
CATALOGUE, ORDERS, MANIFEST = "catalogue.jsonl.gz", "orders.jsonl.gz", "manifest.json"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay consists of."""

    catalogue: list[Record]
    orders: list[Record]
    manifest: dict[str, Json]


def convert(seed: int = DEFAULT_SEED, *, all_invoices: bool = False) -> Replay:
    """The whole replay. An invoice without goods is no order; with `all_invoices` it is placed as an empty one."""
    read = invoices.read()
    sales = [invoice for invoice in read if not invoice.cancels]
    shippable = [invoice for invoice in sales if invoice.goods]
    cancelling = [invoice for invoice in read if invoice.cancels]
    loading, short = catalogue(shippable, seed)
    requests = cancellations(cancelling, shippable, seed)
    placed = {invoice.number: order(invoice, seed) for invoice in (sales if all_invoices else shippable)}
    bad: dict[str, list[Record]] = defaultdict(list)
    for follows, record in malformed([placed[invoice.number] for invoice in shippable]):
        bad[follows].append(record)
    sent: list[Record] = []
    for number, record in placed.items():
        sent.append(record)
        if number in requests:
            sent.append(requests[number])
        sent.extend(bad[str(record["order_id"])])
    ends: dict[str, Json] = {**Counter(EXPECTED.values())}
    manifest: dict[str, Json] = {
        "seed": seed,
        "invoices": len(sales),
        "invoices_without_goods": len(sales) - len(shippable),
        "orders": len(placed),
        "empty_orders": len(placed) - len(shippable),
        "order_lines": sum(len(invoice.goods) for invoice in shippable),
        "most_lines": max(len(invoice.goods) for invoice in shippable),
        "cancellations": len(requests),
        "malformed": {"sent": len(EXPECTED), **ends},
        "products": len({line.sku for invoice in shippable for line in invoice.goods}),
        "short_skus": short,
        "catalogue_records": len(loading),
        "order_records": len(sent),
    }
    return Replay(loading, sent, manifest)


def write(replay: Replay, out: Path) -> None:
    """The three files."""
    out.mkdir(parents=True, exist_ok=True)
    records.write(out / CATALOGUE, replay.catalogue)
    records.write(out / ORDERS, replay.orders)
    (out / MANIFEST).write_text(json.dumps(replay.manifest, indent=2) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Converts with command line arguments; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m packhorse_devstack.data.convert", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to write into")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of all that is drawn (default %(default)s)")
    parser.add_argument(
        "--all-invoices", action="store_true", help="also place the invoices without goods, as orders without lines"
    )
    given = parser.parse_args(arguments)
    replay = convert(given.seed, all_invoices=given.all_invoices)
    write(replay, given.out)
    sys.stdout.write(json.dumps(replay.manifest) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
