"""What this service tells itself: steps that are put off, and looks at what stays silent."""

from packhorse_chassis.core.kinds import Internal
from packhorse_contracts.base import Id


class IssuePickList(Internal):
    """Due on the day of leaving: have it picked."""

    pick_list_id: Id
    order_id: Id


class WarehouseSilent(Internal):
    """The warehouse should have answered by now."""

    pick_list_id: Id
