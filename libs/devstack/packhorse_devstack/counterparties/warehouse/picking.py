"""How a pick list goes through the warehouse: pure, drawn by the seed and the pick list's id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from random import Random

from packhorse_contracts.blocks import LineQuantity, Package, Parcel
from packhorse_contracts.shipping import PickLine, ShippingPickListIssued
from packhorse_contracts.warehouse import (
    HandedOver,
    Packed,
    PickCompleted,
    PickedLine,
    PickListAccepted,
    PickListRejected,
    RejectionReason,
)

from packhorse_devstack.counterparties.agenda import Step
from packhorse_devstack.data.gs1 import with_check_digit

REJECTIONS: tuple[RejectionReason, ...] = ("out_of_stock", "undeliverable", "other")
SHORT_REASONS = ("out_of_stock", "not_found", "damaged")
PIECES_A_PACKAGE, MOST_PACKAGES = 500, 6

CARTONS = {20: ("S", 300, 200, 150), 100: ("M", 450, 350, 300), 300: ("L", 600, 400, 400)}
"""By pieces: name, and length, width, height in millimetres; what is more goes on a `PALLET`."""

GRAMS_A_PIECE, GRAMS_A_CARTON = 120, 250


@dataclass(frozen=True, slots=True)
class Habits:
    """How a warehouse works. Rates are shares of pick lists; `pace` is the mean time of each step."""

    seed: int = 1
    reject_rate: float = 0.005
    short_rate: float = 0.02
    pace: timedelta = timedelta(seconds=0.5)


def steps(pick_list: ShippingPickListIssued, habits: Habits) -> list[Step]:
    """What the warehouse will say of a pick list, from acceptance to handover."""
    random = Random(f"{habits.seed}/{pick_list.pick_list_id}")
    identifier = pick_list.pick_list_id
    if random.random() < habits.reject_rate:
        reason = random.choice(REJECTIONS)
        return [Step(_delay(random, habits), PickListRejected(pick_list_id=identifier, reason=reason))]
    picked = _pick(pick_list.lines, random, habits)
    said = [
        Step(_delay(random, habits) / 10, PickListAccepted(pick_list_id=identifier)),
        Step(_delay(random, habits), PickCompleted(pick_list_id=identifier, lines=picked)),
    ]
    packages = pack(identifier, picked)
    if not packages:
        return said  # nothing was there: nothing goes out
    carrier = "PARCELWAY" if pick_list.ship_to is None or pick_list.ship_to.country == "GB" else "EUROPOST"
    parcels = tuple(
        Parcel(tracking_number=tracking_number(package.package_id), package_id=package.package_id)
        for package in packages
    )
    return [
        *said,
        Step(_delay(random, habits), Packed(pick_list_id=identifier, packages=packages)),
        Step(_delay(random, habits), HandedOver(pick_list_id=identifier, carrier=carrier, parcels=parcels)),
    ]


def _delay(random: Random, habits: Habits) -> timedelta:
    return habits.pace * random.uniform(0.5, 1.5)


def _pick(lines: Sequence[PickLine], random: Random, habits: Habits) -> tuple[PickedLine, ...]:
    """All of every line; sometimes one line comes short."""
    short = random.randrange(len(lines)) if lines and random.random() < habits.short_rate else None
    return tuple(
        PickedLine(
            line_id=line.line_id, picked=random.randrange(line.quantity), short_reason=random.choice(SHORT_REASONS)
        )
        if number == short
        else PickedLine(line_id=line.line_id, picked=line.quantity)
        for number, line in enumerate(lines)
    )


def pack(pick_list_id: str, picked: Sequence[PickedLine]) -> tuple[Package, ...]:
    """Divides what was picked evenly over as few packages as hold it."""
    pieces = sum(line.picked for line in picked)
    if not pieces:
        return ()
    count = min(-(-pieces // PIECES_A_PACKAGE), MOST_PACKAGES)
    contents = _divide(picked, -(-pieces // count))
    return tuple(_package(f"{pick_list_id}-{number}", lines) for number, lines in enumerate(contents, start=1))


def _divide(picked: Iterable[PickedLine], room: int) -> list[tuple[LineQuantity, ...]]:
    packages: list[list[LineQuantity]] = [[]]
    free = room
    for line in picked:
        left = line.picked
        while left:
            if not free:
                packages.append([])
                free = room
            part = min(left, free)
            packages[-1].append(LineQuantity(line_id=line.line_id, quantity=part))
            left, free = left - part, free - part
    return [tuple(lines) for lines in packages]


def _package(package_id: str, lines: tuple[LineQuantity, ...]) -> Package:
    pieces = sum(line.quantity for line in lines)
    fitting = (carton for most, carton in CARTONS.items() if pieces <= most)
    name, length, width, height = next(fitting, ("PALLET", 1200, 800, 1000))
    return Package(
        package_id=package_id,
        sscc=with_check_digit("34012345" + _digits(package_id, 9)),
        carton=name,
        weight=GRAMS_A_CARTON + GRAMS_A_PIECE * pieces,
        length=length,
        width=width,
        height=height,
        lines=lines,
    )


def tracking_number(package_id: str) -> str:
    """Derived from the package, with a check digit; 16 digits, so that two parcels don't share one."""
    return "PH" + with_check_digit(_digits(f"tracking/{package_id}", 16))


def _digits(text: str, count: int) -> str:
    return str(int.from_bytes(blake2b(text.encode(), digest_size=12).digest()) % 10**count).zfill(count)
