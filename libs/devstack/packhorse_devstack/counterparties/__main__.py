"""Prints which counterparties there are."""

import sys

WHAT_THERE_IS = """\
The counterparties: each is a process of its own and speaks only its public protocol.

  checkout    replays a file of orders, cancellations and malformed records     Kafka
  catalogue   says products and locations, and receives stock                   Kafka
  warehouse   takes pick lists, picks, packs, hands over                        Kafka
  carrier     moves parcels on to delivered                                     Kafka
  gateway     a payment gateway with a book of its own                          HTTP
  mail        a mail server that keeps what it gets                             SMTP, HTTP

Start one:    python -m packhorse_devstack.counterparties.<name> --help
Make files:   python -m packhorse_devstack.data.convert --out DIR
"""


def main() -> int:
    """Prints them; returns the exit code."""
    sys.stdout.write(WHAT_THERE_IS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
