"""What the order service tells itself, each at a time of its own."""

from packhorse_chassis.core.kinds import Internal


class PaymentDeadline(Internal):
    """Timer: paid and reserved by now, or cancelled."""

    order_id: str


class Overdue(Internal):
    """Timer: the promise has passed."""

    order_id: str


class NeverCame(Internal):
    """Timer: requests that came before their order have waited for it long enough."""

    order_id: str
