"""The outside world behind one small protocol."""

from typing import Protocol, TypeVar

from packhorse_chassis.core.kinds import Internal

Q_contra = TypeVar("Q_contra", bound=Internal, contravariant=True)
A_co = TypeVar("A_co", bound=Internal, covariant=True)


class RetryError(Exception):
    """The outside can't be reached or doesn't know yet: ask again later, with the same idempotency key.

    Any other exception is retried as well, but counts as unexpected. `after` (seconds) is the outside's own wish
    (Retry-After); without it the chassis backs off exponentially with full jitter.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class Performer(Protocol[Q_contra, A_co]):
    """Does one kind of request. Called outside any transaction, possibly more than once with the same key."""

    async def perform(self, request: Q_contra, idempotency_key: str) -> A_co:
        """Does it, or asks how it ended, and answers with what is known for certain."""
        ...

    def give_up(self, request: Q_contra, reason: str) -> A_co:
        """The answer once the deadline has passed: says that the outcome is unknown, never guesses one."""
        ...

    async def close(self) -> None:
        """Frees connections at the end of the process."""
        ...
