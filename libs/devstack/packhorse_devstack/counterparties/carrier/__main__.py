"""Runs the carrier."""

import sys
from datetime import timedelta

from packhorse_contracts.topics import CARRIER_TRACKING, SHIPPING_EVENTS

from packhorse_devstack.counterparties import process
from packhorse_devstack.counterparties.carrier.rounds import Habits, Rounds
from packhorse_devstack.counterparties.party import serve

SOURCE = "/carrier/devstack"


def main(arguments: list[str] | None = None) -> int:
    """Starts it with command line arguments; returns the exit code."""
    usual = Habits()
    parser = process.parser("carrier", "A carrier: moves dispatched parcels on to delivered.", "--kafka localhost:9092")
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of all that is drawn")
    parser.add_argument("--miss-rate", type=float, default=usual.miss_rate, help="share that needs a second attempt")
    parser.add_argument("--pace", type=float, default=usual.pace.total_seconds(), help="mean seconds a leg takes")
    given = parser.parse_args(arguments)
    habits = Habits(given.seed, given.miss_rate, timedelta(seconds=given.pace))
    return process.run(
        lambda stopping: serve(given.kafka, SOURCE, SHIPPING_EVENTS, CARRIER_TRACKING, Rounds(habits), stopping)
    )


if __name__ == "__main__":
    sys.exit(main())
