"""Defects of an order's life cycle: its parcels, and what its customer asks for."""

from typing import Final

from .checks import ORDER, PARCELS, PICKING, REQUESTS, TOLD_TWICE, TRACKING, WAREHOUSE
from .defect import Defect, Edit

_ORDER: Final = "services/order/packhorse_order"
_SHIPPING: Final = "services/shipping/packhorse_shipping"

PARCELS_AND_REQUESTS: Final = (
    Defect(
        "one_parcel_ends_all",
        "One parcel's end counts for its whole shipment.",
        [Edit(f"{_ORDER}/delivering.py", "parcel, ends = fact.tracking_number or ALL,", "parcel, ends = ALL,")],
        [PARCELS],
    ),
    Defect(
        "the_last_end_counts",
        "A parcel has ended as was said last, though it was delivered before.",
        [Edit(f"{_ORDER}/delivering.py", 'if ends.get(parcel) == "delivered":', "if False:")],
        [PARCELS],
    ),
    Defect(
        "lost_is_no_end",
        "A lost parcel's order waits for it for ever.",
        [Edit(f"{_SHIPPING}/tracking.py", '    "lost": "lost",\n', "")],
        [TRACKING],
    ),
    Defect(
        "a_number_serves_one_shipment",
        "Of the shipments that share a tracking number only the last hears of it.",
        [
            Edit(
                f"{_SHIPPING}/parcels.py",
                "        for shipment in order.shipments:\n            if (told",
                "        for shipment in order.shipments[-1:]:\n            if (told",
            )
        ],
        [TRACKING],
    ),
    Defect(
        "a_number_serves_two_orders",
        "A parcel of another order takes over a number whose parcel is still under way.",
        [
            Edit(
                f"{_SHIPPING}/parcels.py",
                "if name.tracking is None or name.tracking.status not in tracking.ENDS:",
                "if False:",
            ),
            Edit(f"{_SHIPPING}/parcels.py", "since=name.tracking.at)", "since=None)"),
        ],
        [TRACKING],
    ),
    Defect(
        "late_news_of_a_number_used_again",
        "News of the parcel that had a number before end the one that has it now.",
        [Edit(f"{_SHIPPING}/parcels.py", "if name.since is not None and fact.at <= name.since:", "if False:")],
        [TRACKING],
    ),
    Defect(
        "corrected_in_silence",
        "Readers wait for the number that the warehouse has corrected.",
        [
            Edit(
                f"{_SHIPPING}/warehouse.py",
                "    turn.say(saying.dispatched(order, shipment, moment(fact.at, turn.now), fact.carrier))\n"
                "    tracking.tell_ends_anew",
                "    tracking.tell_ends_anew",
            )
        ],
        [TRACKING, WAREHOUSE],
    ),
    Defect(
        "an_old_repeat_corrects",
        "What the warehouse said before it packed anew counts again when it is repeated.",
        [
            Edit(
                f"{_SHIPPING}/warehouse.py",
                "return checks.packages_digest(fact.packages) in",
                "return None in",
            )
        ],
        [WAREHOUSE],
    ),
    Defect(
        "a_gift_message_stays",
        "What one person wrote to another is kept for good.",
        [Edit(f"{_SHIPPING}/planning.py", "keep(turn, order, shipment.unmarked)", "keep(turn, order, shipment)")],
        [PICKING],
    ),
    Defect(
        "blank_is_a_name",
        "A blank name of the order hides the catalogue's.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/base.py",
                "return None if isinstance(value, str) and not value.strip() else value",
                "return value",
            ),
        ],
        [PICKING, PARCELS],
    ),
    Defect(
        "a_request_vanishes",
        "Who asks for what isn't offered hears nothing.",
        [
            Edit(
                f"{_ORDER}/requests.py",
                "turn.say(declined(order.order_id, request, (fault,), turn.now))\n        return order",
                "return order",
            )
        ],
        [REQUESTS],
    ),
    Defect(
        "the_whole_by_its_lines_names",
        "A line that is named twice counts as it was named last.",
        [
            Edit(
                f"{_ORDER}/cancelling.py",
                "else total({line.line_id: line.quantity} for line in asked.lines)",
                "else {line.line_id: line.quantity for line in asked.lines}",
            )
        ],
        [REQUESTS],
    ),
    Defect(
        "settled_before_the_plan",
        "A cancellation is settled before anybody has said which fulfilment orders there are.",
        [Edit(f"{_ORDER}/state.py", "return 0 < self.unnamed <= sum(", "return self.unnamed <= sum(")],
        [ORDER],
    ),
    Defect(
        "waits_without_bound",
        "Whatever is asked about an order that was never placed is kept.",
        [Edit(f"{_ORDER}/cancelling.py", "if len(waiting) >= _MOST or lines > MAX_ITEMS:", "if False:")],
        [REQUESTS],
    ),
    Defect(
        "alike_is_twice",
        "The audit takes two mails that read alike for one thing told twice.",
        [
            Edit(
                "libs/audit/packhorse_audit/books.py",
                'most = max((causes.get((order_id, kinds.get(one, "")), 1) for one in mailed), default=1)',
                "most = 1",
            )
        ],
        [TOLD_TWICE],
    ),
)
