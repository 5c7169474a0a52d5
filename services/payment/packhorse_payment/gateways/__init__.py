"""The payment gateway behind one small protocol; an adapter a file."""

from typing import Protocol

from packhorse_payment.operations import Operation, Outcome


class UncertainError(Exception):
    """No answer, or one that doesn't say whether the thing was done. `after`: seconds that the gateway asks to wait."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class Gateway(Protocol):
    """Who holds and moves the money. Every method raises `UncertainError` where no outcome is certain."""

    async def do(self, operation: Operation, key: str, order_id: str) -> Outcome:
        """Has it done. The same key may come any number of times; it is done once."""
        ...

    async def recall(self, operation: Operation, key: str) -> Outcome | None:
        """How what was asked with this key ended; None where it was certainly never done."""
        ...

    async def review(self, reference: str, operation: Operation) -> Outcome:
        """How the review of this authorisation stands."""
        ...

    async def close(self) -> None:
        """Frees connections."""
        ...
