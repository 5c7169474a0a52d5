"""Runs the warehouse."""

import sys
from datetime import timedelta

from packhorse_contracts.topics import SHIPPING_PICK_LISTS, WAREHOUSE_EVENTS

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.party import serve
from packhorse_devstack.counterparties.warehouse.floor import Floor
from packhorse_devstack.counterparties.warehouse.picking import Habits

SOURCE = "/warehouse/devstack"


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    usual = Habits()
    parser = process.parser(
        "warehouse", "A warehouse system: takes pick lists, picks, packs, hands over.", "--kafka localhost:9092"
    )
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of all that is drawn")
    parser.add_argument("--reject-rate", type=float, default=usual.reject_rate, help="share of lists refused")
    parser.add_argument("--short-rate", type=float, default=usual.short_rate, help="share of lists picked short")
    parser.add_argument("--pace", type=float, default=usual.pace.total_seconds(), help="mean seconds a step takes")
    given = parser.parse_args(arguments)
    habits = Habits(given.seed, given.reject_rate, given.short_rate, timedelta(seconds=given.pace))
    return process.run(
        lambda stopping: serve(given.kafka, SOURCE, SHIPPING_PICK_LISTS, WAREHOUSE_EVENTS, Floor(habits), stopping)
    )


if __name__ == "__main__":
    sys.exit(main())
