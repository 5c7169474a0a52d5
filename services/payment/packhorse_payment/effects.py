"""Has the gateway do what was decided. Called with no transaction open, any number of times for one operation."""

from packhorse_chassis.core.effect import RetryError

from packhorse_payment.gateways import Gateway, UncertainError
from packhorse_payment.operations import AskGateway, GatewayAnswered, Outcome, Unknown


class GatewayPerformer:
    """Settles what is uncertain by asking for the key, and repeats with the same key only what was never done."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def perform(self, request: AskGateway, idempotency_key: str) -> GatewayAnswered:
        """The certain outcome, or `RetryError`. The gateway knows the request's own key: the effect's key also counts
        how often it was asked again."""
        try:
            outcome = await self._outcome(request)
        except UncertainError as uncertain:
            raise RetryError(uncertain.reason, uncertain.after) from uncertain
        return GatewayAnswered(order_id=request.order_id, key=request.key, outcome=outcome)

    async def _outcome(self, request: AskGateway) -> Outcome:
        operation, key = request.operation, request.key
        if request.reference is not None:
            return await self._gateway.review(request.reference, operation)
        if request.again and (recalled := await self._gateway.recall(operation, key)) is not None:
            return recalled
        try:
            return await self._gateway.do(operation, key, request.order_id)
        except UncertainError as uncertain:
            if (recalled := await self._gateway.recall(operation, key)) is not None:
                return recalled
            raise uncertain

    def give_up(self, request: AskGateway, reason: str) -> GatewayAnswered:
        """Unknown is an answer; a timer will have it asked again."""
        return GatewayAnswered(order_id=request.order_id, key=request.key, outcome=Unknown(reason=reason[:2000]))

    async def close(self) -> None:
        """Closes the gateway's connections."""
        await self._gateway.close()
