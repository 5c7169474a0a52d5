"""A shop, for stories: how orders are placed, goods leave, and the gateway answers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from packhorse_chassis.core.memory import Memory
from packhorse_contracts.base import Fact
from packhorse_contracts.order import OrderAccepted, OrderCancelled
from packhorse_contracts.policies import PaymentPolicy
from packhorse_contracts.shipping import ShippingDispatched
from packhorse_payment.operations import (
    AskGateway,
    Authorise,
    Done,
    GatewayAnswered,
    Outcome,
    Refused,
    UnderReview,
    Unknown,
)
from packhorse_payment.reactions import routes
from packhorse_payment.state import PAYMENTS, Payment

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDER = "order-1"
IN_A_WEEK = NOON + timedelta(days=7)


def accepted(
    *lines: Mapping[str, object],
    promotions: int = 0,
    delivery: tuple[int, int] = (0, 0),
    token: str | None = "tok_ok",
    payments: int = 1,
) -> OrderAccepted:
    """An order of these lines; what isn't said is plain. `delivery`: its price and its tax."""
    full = [{"sku": f"SKU-{line['line_id']}", "discount": 0, "tax": 0, **line} for line in lines]
    goods = sum(int(str(line["quantity"])) * int(str(line["unit_price"])) for line in full)
    discount = sum(int(str(line["discount"])) for line in full) + promotions
    tax = sum(int(str(line["tax"])) for line in full) + delivery[1]
    total = goods - discount + delivery[0] + tax
    return OrderAccepted.model_validate(
        {
            "order_id": ORDER,
            "at": NOON,
            "channel": "web",
            "currency": "EUR",
            "customer": {"customer_id": "c-1", "name": "Ana Lima"},
            "lines": full,
            "delivery": {"mode": "ship", "service": "standard", "price": delivery[0], "tax": delivery[1]},
            "payments": [{"method": "card", "amount": total if n == 0 else 0, "token": token} for n in range(payments)],
            "promotions": [{"code": "AUTUMN", "amount": promotions}] if promotions else [],
            "totals": {
                "goods": goods,
                "discount": discount,
                "delivery": delivery[0],
                "tax": tax,
                "grand_total": total,
            },
        }
    )


def dispatched(shipment_id: str, **units: int) -> ShippingDispatched:
    """These units left."""
    return ShippingDispatched.model_validate(
        {
            "order_id": ORDER,
            "shipment_id": shipment_id,
            "pick_list_id": f"pick-{shipment_id}",
            "location": "LIS",
            "at": NOON,
            "carrier": "post",
            "service": "standard",
            "tracking_numbers": [f"T-{shipment_id}"],
            "lines": [{"line_id": key, "sku": f"SKU-{key}", "quantity": n} for key, n in units.items()],
            "packages": [],
        }
    )


def cancelled(*, whole: bool = False, minute: int = 0, **units: int) -> OrderCancelled:
    """These units won't leave."""
    return OrderCancelled.model_validate(
        {
            "order_id": ORDER,
            "at": NOON + timedelta(minutes=minute),
            "lines": [{"line_id": key, "quantity": n} for key, n in units.items()],
            "whole": whole,
            "reason": {"code": "changed_mind", "message": "no longer wanted"},
            "by": "customer",
        }
    )


class Shop(Memory):
    """The payment service, with a clock that stands and a gateway that answers when told to."""

    def __init__(self, policy: PaymentPolicy | None = None) -> None:
        super().__init__(routes("test", policy))
        self.now = NOON
        self.answers = 0

    @property
    def payment(self) -> Payment:
        """The payment as it stands."""
        return self.state(PAYMENTS, ORDER)

    @property
    def asked(self) -> AskGateway:
        """The last request to the gateway; there must be one that waits for its answer."""
        request = list(self.effects.values())[-1].request
        assert isinstance(request, AskGateway)
        assert self.payment.pending is not None
        assert request.key == self.payment.pending.key
        return AskGateway.model_validate_json(request.model_dump_json())

    def then(self, *facts: Fact) -> "Shop":
        """Hears these."""
        for fact in facts:
            self.hear(fact, self.now)
        return self

    def answer(self, outcome: Outcome | None = None) -> "Shop":
        """The gateway answers its last request; that it is done, unless said otherwise."""
        self.answers += 1
        request = self.asked
        if outcome is None:
            authorising = isinstance(request.operation, Authorise)
            outcome = Done(reference=f"ref-{self.answers}", expires_at=IN_A_WEEK if authorising else None)
        answered = GatewayAnswered(order_id=ORDER, key=request.key, outcome=outcome)
        self.hear(GatewayAnswered.model_validate_json(answered.model_dump_json()), self.now)
        return self

    def answer_all(self) -> "Shop":
        """The gateway does all it is asked, until it is asked nothing more."""
        while self.payment.pending is not None:
            self.answer()
        return self


def refused(code: str, *, may_retry: bool = False) -> Refused:
    """The gateway won't."""
    return Refused(code=code, message="the gateway's words", may_retry=may_retry)


UNKNOWN = Unknown(reason="no answer until the deadline")
IN_REVIEW = UnderReview(reference="auth-r")
