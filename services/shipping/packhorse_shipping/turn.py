"""One turn of a reaction: an order's shipments as they change, and all that is said and timed on the way."""

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.reaction import Decisions, Others
from packhorse_chassis.core.turn import CancelTimer, SetTimer
from packhorse_contracts.base import Fact, moment

from packhorse_shipping.policies import Policy
from packhorse_shipping.state import ORDER_SHIPMENTS, PARCEL, OrderShipments, Parcel, Shipment
from packhorse_shipping.timers import WarehouseSilent

S = TypeVar("S")


class Turn:
    """Gathers decisions. Lives for one input; a reaction that uses it is as pure as one that doesn't."""

    def __init__(
        self, policy: Policy, now: datetime, others: Others, order_id: str, at: datetime | None = None
    ) -> None:
        """`at`: when a warehouse did what it reports, as it says."""
        self.policy, self.now, self.others = policy, now, others
        self.moment = moment(at, now)
        self.order: OrderShipments = others.get(ORDER_SHIPMENTS, order_id)
        self._before = self.order
        self._events: list[Fact] = []
        self._parcels: dict[str, Parcel] = {}
        self.timers: list[SetTimer | CancelTimer] = []

    def say(self, fact: Fact) -> None:
        """Publishes a fact."""
        self._events.append(fact)

    def keep(self, shipment: Shipment) -> Shipment:
        """Keeps a changed fulfilment order, and watches the warehouse exactly while it owes us an answer."""
        before = self.order.shipment(shipment.shipment_id)
        timer = WarehouseSilent(pick_list_id=shipment.pick_list_id)
        if shipment.owed and shipment.request != before.request:
            shipment = replace(shipment, overdue=False)
            self.timers.append(SetTimer(timer, shipment.pick_list_id, self.now + self.policy.answer_within))
        elif before.owed and not shipment.owed:
            shipment = replace(shipment, overdue=False)
            self.timers.append(CancelTimer(WarehouseSilent, shipment.pick_list_id))
        self.order = self.order.keeping(shipment)
        return shipment

    def parcel(self, tracking_number: str) -> Parcel:
        """A tracking number's row, as it stands by now."""
        return self._parcels.get(tracking_number) or self.others.get(PARCEL, tracking_number)

    def keep_parcel(self, parcel: Parcel) -> None:
        """Keeps a changed one."""
        self._parcels[parcel.tracking_number] = parcel

    def decisions(self, subject: S) -> Decisions[S]:
        """All that was gathered, with the subject's own state."""
        changed: dict[Ref, object] = {PARCEL.ref(number): parcel for number, parcel in self._parcels.items()}
        if self.order is not self._before:
            changed[ORDER_SHIPMENTS.ref(self.order.order_id)] = self.order
        return Decisions(subject, self._events, self.timers, others=changed)
