"""The gateway's book behind the payment service's own performer, for a service on a real database."""

import asyncio

from packhorse_chassis.core.effect import Performer
from packhorse_chassis.core.kinds import Internal
from packhorse_chassis.effects.executor import Executor
from packhorse_chassis.process.pump import Pump
from packhorse_chassis.settings import Settings
from packhorse_payment.effects import GatewayPerformer
from packhorse_payment.gateways import UncertainError
from packhorse_payment.operations import AskGateway, Operation, Outcome

from .gateway import Gateway
from .owners import Database

WORK = "SELECT EXISTS (SELECT FROM effect WHERE done_at IS NULL) OR EXISTS (SELECT FROM timer WHERE due <= now())"


class Till:
    """Speaks the payment service's protocol. `loses`: for each call to come, whether its request or its answer gets
    lost on the way."""

    def __init__(self, book: Gateway | None = None, *loses: str) -> None:
        self.book, self.loses = book or Gateway(), list(loses)
        self.outrage: AssertionError | None = None
        """What it was asked for that nobody may ever ask for."""

    async def do(self, operation: Operation, key: str, order_id: str) -> Outcome:
        """Does it, where the request arrives."""
        fate = self.loses.pop(0) if self.loses else ""
        if fate == "request":
            raise UncertainError("it never arrived")
        try:
            self.book, outcome = self.book.do(AskGateway(order_id=order_id, key=key, operation=operation))
        except AssertionError as outrage:
            self.outrage = outrage
            raise
        if fate == "answer":
            raise UncertainError("nobody heard the answer")
        return outcome

    async def recall(self, operation: Operation, key: str) -> Outcome | None:
        """What became of a key."""
        if self.loses and self.loses.pop(0):
            raise UncertainError("no answer to that either")
        return self.book.answers.get(key)

    async def review(self, reference: str, operation: Operation) -> Outcome:
        """Nothing is ever reviewed here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to free."""


async def settle(payment: Database, till: Till, workers: int = 2) -> None:
    """Several workers ask the gateway and take its answers, until nothing is left to do."""
    performers: dict[type[Internal], Performer[AskGateway, Internal]] = {AskGateway: GatewayPerformer(till)}
    executors = [Executor(payment.processor, performers, Settings()) for _ in range(workers)]
    pumps = [Pump(payment.processor, payment.pool, 10, lambda: None) for _ in range(workers)]
    while await payment.pool.fetchval(WORK):
        await asyncio.gather(*(executor.step() for executor in executors))
        await asyncio.gather(*(executor.drain() for executor in executors))
        if till.outrage is not None:
            raise till.outrage
        await asyncio.gather(*(pump.step() for pump in pumps))
