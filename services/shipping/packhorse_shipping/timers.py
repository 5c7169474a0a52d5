"""What this service tells itself: steps that need another row's lock, and looks at what stays silent."""

from packhorse_chassis.core.kinds import Internal
from packhorse_contracts.base import Id


class IssuePickList(Internal):
    """Due at once, or on the day of leaving where that is put off: make the pick list known, and have it picked."""

    pick_list_id: Id
    order_id: Id
    shipment_id: Id


class WarehouseSilent(Internal):
    """The warehouse should have answered by now."""

    pick_list_id: Id


class ParcelUnclaimed(Internal):
    """A warehouse should have handed this parcel over by now."""

    tracking_number: Id


class ParcelForgotten(Internal):
    """Nobody will hand this parcel over any more."""

    tracking_number: Id
