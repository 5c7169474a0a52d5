"""Defects of the services and of the contracts."""

from typing import Final

from .checks import (
    ADDRESSES,
    AGAIN,
    COUNTS,
    FACTS,
    GATEWAY,
    LENIENT,
    MONEY,
    NO_NUL,
    NOTHING,
    PAYMENT,
    RACE,
    REACTING,
    READING,
    REJECTIONS,
    SCREEN,
    SEEDS,
    SIMULATION,
    STOCK,
    TELLING,
)
from .defect import Defect, Edit

_INVENTORY: Final = "services/inventory/packhorse_inventory"
_PAYMENT: Final = "services/payment/packhorse_payment"
_ORDER: Final = "services/order/packhorse_order/placing.py"
_CHECKS: Final = "services/order/packhorse_order/checks.py"
_ADDRESSES: Final = "services/order/packhorse_order/addresses.py"
_LENIENT: Final = "libs/contracts/packhorse_contracts/lenient.py"

DOMAIN: Final = (
    Defect(
        "fresh_key_for_every_try",
        "The gateway is asked with a new idempotency key at every attempt: what it did unheard it does again.",
        [
            Edit(
                f"{_PAYMENT}/effects.py",
                "return await self._gateway.do(operation, key, request.order_id)",
                'self._tries = getattr(self, "_tries", 0) + 1\n'
                '            return await self._gateway.do(operation, f"{key}-{self._tries}", request.order_id)',
            )
        ],
        [SIMULATION],
    ),
    Defect(
        "no_answer_is_a_refusal",
        "A gateway that doesn't answer in time is taken to have refused.",
        [
            Edit(
                f"{_PAYMENT}/effects.py",
                "outcome=Unknown(reason=reason[:2000])",
                'outcome=Refused(code="timeout", message=reason[:2000])',
            ),
            Edit(f"{_PAYMENT}/effects.py", "GatewayAnswered, Outcome, Unknown", "GatewayAnswered, Outcome, Refused"),
        ],
        [GATEWAY],
    ),
    Defect(
        "refund_above_capture",
        "What was refunded before is forgotten: a second cancellation gives the first one's money back again.",
        [
            Edit(
                f"{_PAYMENT}/settlement.py",
                "excess = payment.kept - payment.owed",
                "excess = payment.captured - payment.owed",
            ),
            Edit(
                f"{_PAYMENT}/settlement.py",
                "amount=min(excess, last.amount - last.refunded)",
                "amount=min(excess, last.amount)",
            ),
        ],
        [SEEDS, SIMULATION],
    ),
    Defect(
        "whole_capture_refunded",
        "Whoever cancels one line gets back all that its shipment cost.",
        [
            Edit(
                f"{_PAYMENT}/settlement.py",
                "amount=min(excess, last.amount - last.refunded)",
                "amount=last.amount - last.refunded",
            )
        ],
        [PAYMENT],
    ),
    Defect(
        "capture_above_the_hold",
        "A shipment is captured whole, however much of the hold is left.",
        [
            Edit(
                f"{_PAYMENT}/settlement.py",
                "take = min(amount, held.remaining)",
                "take = shipment.outstanding",
            )
        ],
        [PAYMENT],
    ),
    Defect(
        "reservation_without_a_lock",
        "Stock is read like reference data, without a lock: two orders are promised the same piece.",
        [
            Edit(
                f"{_INVENTORY}/state.py",
                'Kind("stock", Stock, lambda _: Stock())',
                'Kind("stock", Stock, lambda _: Stock(), reference=True)',
            )
        ],
        [RACE],
    ),
    Defect(
        "promised_twice",
        "What is reserved already counts as available: it is promised to the next order as well.",
        [
            Edit(
                f"{_INVENTORY}/state.py",
                "max(0, self.on_hand - self.reserved - self.safety_stock)",
                "max(0, self.on_hand - self.safety_stock)",
            )
        ],
        [SIMULATION],
    ),
    Defect(
        "release_twice",
        "A cancelled order gives its pieces back, and still believes that it has them.",
        [
            Edit(
                f"{_INVENTORY}/releasing.py",
                "replace(kept, allocated=parts.allocations(picked), released=True, decided=True)",
                "replace(kept, released=True, decided=True)",
            )
        ],
        [SIMULATION],
    ),
    Defect(
        "dispatched_twice",
        "A shipment that is said twice under two ids is taken off the shelf twice.",
        [
            Edit(
                f"{_INVENTORY}/picking.py",
                "dispatched=(*kept.dispatched, name)",
                "dispatched=kept.dispatched",
            )
        ],
        [STOCK],
    ),
    Defect(
        "count_without_a_moment",
        "A count holds for the moment at which it is heard: what it has seen, and is told late, is taken off again.",
        [
            Edit(
                f"{_INVENTORY}/state.py",
                "return self.counted is not None and moment <= self.counted.at",
                "return False",
            )
        ],
        [COUNTS],
    ),
    Defect(
        "late_count_forgets_what_came_since",
        "A count that is heard late, or retried, sets the shelf to what lay there then, whatever came and went since.",
        [Edit(f"{_INVENTORY}/shelves.py", "shelf=counted + moved", "shelf=counted")],
        [COUNTS],
    ),
    Defect(
        "cart_left_out",
        "What is picked is no longer ours: a count of the shelf takes it off the books before it leaves.",
        [
            Edit(
                f"{_INVENTORY}/shelves.py",
                "max(changed.shelf + changed.picked, changed.reserved)",
                "max(changed.shelf, changed.reserved)",
            )
        ],
        [COUNTS],
    ),
    Defect(
        "level_keyed_by_sku",
        "The level of one location takes the place of another's on the compacted topic.",
        [Edit("libs/contracts/packhorse_contracts/inventory.py", 'key=("sku", "location")', 'key="sku"')],
        [FACTS, COUNTS],
    ),
    Defect(
        "names_joined_by_a_sign",
        "A key of two ids joins them with a sign that an id may hold: two cells are taken for one.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/ids.py",
                "return _encode(parts)",
                'return "@".join(parts)',
            )
        ],
        [FACTS, COUNTS],
    ),
    Defect(
        "texts_joined_in_a_digest",
        "Two refunds for reasons that hold the joint are taken for one message.",
        [
            Edit(
                "services/notification/packhorse_notification/content.py",
                "blake2b(ids.joint(*parts).encode(), digest_size=8)",
                'blake2b("\\x1f".join(parts).encode(), digest_size=8)',
            )
        ],
        [TELLING],
    ),
    Defect(
        "tombstone_unheard",
        "What the catalogue takes off stays on sale.",
        [
            Edit(
                f"{_INVENTORY}/shelves.py",
                "if not self._turn.get(STOCK, sku).offered:",
                "if False:",
            )
        ],
        [COUNTS],
    ),
    Defect(
        "deadline_on_the_old_state",
        "The payment deadline cancels the order, whether or not it was confirmed in the meantime.",
        [
            Edit(
                "services/order/packhorse_order/reactions.py",
                '"accepted": placing.give_up_for_time,\n'
                '                _CONFIRMED: ignored("it was confirmed in time"),\n',
                '("accepted", *_CONFIRMED): placing.give_up_for_time,\n',
            ),
            Edit(_ORDER, "    turn.forget(PaymentDeadline)\n", ""),
        ],
        [SIMULATION],
    ),
    Defect(
        "early_bird_forgotten",
        "A cancellation that overtakes its order is passed over.",
        [
            Edit(
                "services/order/packhorse_order/cancelling.py",
                "return replace(order, early=(*waiting, kept))",
                "return order",
            )
        ],
        [SIMULATION],
    ),
    Defect(
        "upcaster_dropped",
        "Nobody turns the old form of a fact into the new one.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/warehouse.py",
                "@registry.upcaster(HandedOverV1, HandedOver)\n",
                "",
            )
        ],
        [SIMULATION],
    ),
    Defect(
        "nul_let_through",
        "A fact may hold a NUL, which PostgreSQL keeps in no text: far away from here a key is parked for it.",
        [
            Edit(
                "libs/contracts/packhorse_contracts/base.py",
                'NO_NUL = r"^[^\\x00]*$"',
                'NO_NUL = r"^[\\s\\S]*$"',
            )
        ],
        [NO_NUL, REACTING],
    ),
    Defect(
        "any_key_taken",
        "A record is taken whatever its Kafka key: one order's facts come over two partitions, in any order.",
        [
            Edit(
                "libs/chassis/packhorse_chassis/kafka/reading.py",
                "if wanted is None or key == wanted.encode() or",
                "if True or",
            )
        ],
        [READING],
    ),
    Defect(
        "a_city_everywhere",
        "Every address needs a city, as most countries have them: nobody in Singapore can order.",
        [Edit(_ADDRESSES, 'if "C" in required and not', "if not")],
        [ADDRESSES],
    ),
    Defect(
        "only_the_form_is_told",
        "An order that breaks its contract is rejected for that alone; the checkout mends it, and hears of the rest.",
        [
            Edit(
                _ORDER,
                "checks.faults(checks.tidied(unsound.part), turn.now) if unsound.part is not None else []",
                "[]",
            )
        ],
        [REJECTIONS],
    ),
    Defect(
        "a_fault_hides_the_next",
        "Of an order that breaks its contract what comes behind the first fault isn't looked at.",
        [Edit(_LENIENT, "if len(faults) == MAX_FAULTS:", "if faults:")],
        [LENIENT, REJECTIONS],
    ),
    Defect(
        "every_field_in_the_fingerprint",
        "The fingerprint takes in what isn't said: the same order is another one once a release adds a field.",
        [Edit(_CHECKS, "order.model_dump_json(exclude_defaults=True)", "order.model_dump_json()")],
        [AGAIN],
    ),
    Defect(
        "first_fingerprints_forgotten",
        "What the release before kept of an order is not recognised: a repeat becomes a dead letter.",
        [Edit(_ORDER, ", checks.first_fingerprint(placed)}", "}")],
        [AGAIN],
    ),
    Defect(
        "promotions_end_at_the_goods",
        "What promotions are more than the goods isn't taken off the delivery.",
        [
            Edit(
                f"{_PAYMENT}/allocation.py",
                "off_delivery = min(promotions - off_goods, delivery)",
                "off_delivery = 0",
            )
        ],
        [MONEY],
    ),
    Defect(
        "test_money_is_money",
        "Any code that ISO 4217 lists is taken for a currency: one can pay with gold, and with the code for tests.",
        [
            Edit(
                "services/order/packhorse_order/currencies.py",
                "if is_tender and until is None",
                "if until is None",
            )
        ],
        [REJECTIONS],
    ),
    Defect(
        "one_wrong_field_refuses_the_product",
        "A wrong check digit of a GTIN costs the product its place, and so its stock, and so the orders for it.",
        [Edit("libs/contracts/packhorse_contracts/catalogue.py", 'spares=frozenset({"gtin", ', "spares=frozenset({")],
        [LENIENT],
    ),
    Defect(
        "nothing_received_of_the_unknown",
        "A line of a receipt that says 0 is looked up in the catalogue, and refuses the rest where it isn't there.",
        [
            Edit(
                f"{_INVENTORY}/documents.py",
                "for number, line in enumerate(receipt.lines) if line.quantity]",
                "for number, line in enumerate(receipt.lines)]",
            )
        ],
        [NOTHING],
    ),
    Defect(
        "card_numbers_kept",
        "A card's number is taken out of what can be read, and kept in the dead letters of what can't.",
        [
            Edit(
                "libs/chassis/packhorse_chassis/kafka/reading.py",
                "return Arrival(screened(raw), ",
                "return Arrival(raw, ",
            )
        ],
        [SCREEN],
    ),
    Defect(
        "card_number_as_a_token",
        "A card's own number is taken for the gateway's token.",
        [Edit(_CHECKS, "payment.token is not None and cards.is_card_number(payment.token)", "False")],
        [REJECTIONS],
    ),
)
