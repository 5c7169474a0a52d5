"""The double-entry ledger: an append-only journal from which every amount of a payment can be derived.

Each entry moves one positive amount from the account that it credits to the account that it debits, so debits and
credits are equal by construction.

| account | balance (debits less credits) means |
| --- | --- |
| `authorised_funds` | what gateways hold for us and we may still take |
| `authorisations` | the other side of that: minus `authorised_funds`. The two are memoranda, no money moves |
| `customer` | what customers owe us for goods that left; negative: what we owe them |
| `gateway` | what gateways took for us and haven't given back |
| `revenue` | minus what was earned by goods that left |
"""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from packhorse_contracts.base import Currency, Id, Model, Utc
from pydantic import Field

from packhorse_payment.policies import PaymentTurn
from packhorse_payment.state import Payment

Account = Literal["authorised_funds", "authorisations", "customer", "gateway", "revenue"]
Movement = Literal["authorised", "released", "hold_used", "captured", "earned", "taken_back", "refunded"]

ACCOUNTS: dict[Movement, tuple[Account, Account]] = {
    "authorised": ("authorised_funds", "authorisations"),
    "released": ("authorisations", "authorised_funds"),
    "hold_used": ("authorisations", "authorised_funds"),
    "captured": ("gateway", "customer"),
    "earned": ("customer", "revenue"),
    "taken_back": ("revenue", "customer"),
    "refunded": ("customer", "gateway"),
}
"""Which account each movement debits, and which it credits."""


class LedgerEntry(Model):
    """One movement. (payment_id, entry) is unique and gapless: a movement can't be booked twice."""

    payment_id: Id
    entry: int = Field(ge=1, description="Number within the payment, from 1")
    order_id: Id
    at: Utc
    movement: Movement
    debit: Account
    credit: Account
    amount: int = Field(gt=0, description="In the currency's minor unit")
    currency: Currency
    cause: str = Field(description="What led to it: the gateway operation's key, or the shipment or cancellation")


def entry(
    movement: Movement,
    payment_id: str,
    number: int,
    order_id: str,
    at: datetime,
    amount: int,
    currency: str,
    cause: str,
) -> LedgerEntry:
    """The entry for one movement."""
    debit, credit = ACCOUNTS[movement]
    return LedgerEntry(
        payment_id=payment_id,
        entry=number,
        order_id=order_id,
        at=at,
        movement=movement,
        debit=debit,
        credit=credit,
        amount=amount,
        currency=currency,
        cause=cause,
    )


def book(turn: PaymentTurn, payment: Payment, movement: Movement, amount: int, cause: str) -> Payment:
    """Writes a movement of this payment. Nothing is written for an amount of 0."""
    if amount == 0:
        return payment
    number = payment.entries + 1
    turn.book(entry(movement, payment.payment_id, number, payment.order_id, turn.now, amount, payment.currency, cause))
    return replace(payment, entries=number)
