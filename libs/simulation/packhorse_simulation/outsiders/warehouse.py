"""The warehouse: works pick lists off, answers withdrawals, and keeps count of its shelves.

It is as unreliable as the contract lets it be: short, late, silent about steps, double under new ids.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from packhorse_contracts.base import Fact
from packhorse_contracts.blocks import LineQuantity, Package, Parcel
from packhorse_contracts.shipping import ShippingPickListIssued, ShippingPickListWithdrawn
from packhorse_contracts.topics import SHIPPING_PICK_LISTS
from packhorse_contracts.warehouse import (
    HandedOver,
    HandedOverV1,
    Packed,
    PickCompleted,
    PickedLine,
    PickListAccepted,
    PickListRejected,
    WithdrawalAccepted,
    WithdrawalRejected,
)

from packhorse_simulation.faults import Chance
from packhorse_simulation.log import Log, Record
from packhorse_simulation.outsiders.carrier import Carrier
from packhorse_simulation.outsiders.floor import Floor
from packhorse_simulation.outsiders.voice import Ear, Voice
from packhorse_simulation.scheduler import Scheduler

SOURCE = "/warehouse"
GONE = ("out_of_stock", "not_found", "damaged")


@dataclass(slots=True)
class Job:
    """A pick list on the floor."""

    asked: ShippingPickListIssued
    wanted: dict[str, int]
    steps: list[Callable[[], Fact | None]] = field(default_factory=list)
    picked: dict[str, int] = field(default_factory=dict)
    boxes: list[str] = field(default_factory=list)
    cart: dict[str, int] = field(default_factory=dict)
    packed: bool = False
    withdrawn: bool = False
    """It has said that it stopped. What it does after that is its own affair, until goods leave all the same."""

    stopped: bool = False
    left: bool = False
    pace: float = 1.0


class Warehouse:
    """All that is asked of a floor."""

    def __init__(
        self, scheduler: Scheduler, log: Log, chance: Chance, voice: Voice, carrier: Carrier, floor: Floor
    ) -> None:
        self._scheduler, self._chance, self._voice, self._carrier = scheduler, chance, voice, carrier
        self._floor = floor
        self.jobs: dict[str, Job] = {}
        self.answered: dict[str, str] = {}

        Ear(scheduler, log, chance, SHIPPING_PICK_LISTS.name, self._hear)

    def _hear(self, record: Record) -> None:
        match record.fact:
            case ShippingPickListIssued() as issued:
                self._begin(issued)
            case ShippingPickListWithdrawn() as withdrawn:
                self._stop(withdrawn.pick_list_id)

    def _begin(self, issued: ShippingPickListIssued) -> None:
        if issued.pick_list_id in self.jobs:
            return
        job = self.jobs[issued.pick_list_id] = Job(issued, {line.line_id: line.quantity for line in issued.lines})
        slow = self._chance.strikes("the warehouse is slow")
        job.pace = self._scheduler.random.choice((3_600.0, 20_000.0) if slow else (5.0, 5.0, 30.0))
        job.steps = list(self._plan(job))
        self._next(job)

    def _plan(self, job: Job) -> Iterator[Callable[[], Fact | None]]:
        chance = self._chance
        if chance.strikes("the warehouse rejects"):
            yield lambda: self._reject(job)
            return
        if not chance.strikes("the warehouse skips a step"):
            yield lambda: PickListAccepted(pick_list_id=job.asked.pick_list_id)
        if len(job.wanted) > 1 and chance.strikes("the warehouse rejects some lines"):
            yield lambda: self._reject_line(job)
        short = chance.strikes("the warehouse picks short")
        if short or not chance.strikes("the warehouse skips a step"):
            yield lambda: self._pick(job, short)
        else:
            yield lambda: self._pick_in_silence(job)
        if not chance.strikes("the warehouse skips a step"):
            yield lambda: self._pack(job)
            if chance.strikes("the warehouse packs anew"):
                yield lambda: self._pack(job, "again")
        yield lambda: self._hand_over(job)

    def _next(self, job: Job) -> None:
        if job.steps:
            waits = job.packed and self._chance.strikes("what is packed waits for its truck")
            pace = 20_000.0 if waits else job.pace
            self._scheduler.after(0.1 * pace, 1.1 * pace, lambda: self._step(job))

    def _step(self, job: Job) -> None:
        if job.stopped or not job.steps:
            return
        fact = job.steps.pop(0)()
        if fact is not None:
            self._say(fact)
        self._next(job)

    def _say(self, fact: Fact) -> None:
        fact = self._voice.say_done(SOURCE, fact)
        if self._chance.strikes("the warehouse reports twice under new ids"):
            longest = self._scheduler.random.choice((0.1, 10.0, 1000.0))
            self._scheduler.after(0.0, longest, lambda: self._voice.say(SOURCE, fact))

    def _reject(self, job: Job) -> Fact:
        job.steps = []
        for line, count in job.wanted.items():
            self._lose(job, line, count)
        return PickListRejected(pick_list_id=job.asked.pick_list_id, reason="out_of_stock")

    def _reject_line(self, job: Job) -> Fact:
        line = self._scheduler.random.choice(list(job.wanted))
        gone = LineQuantity(line_id=line, quantity=job.wanted.pop(line))
        return PickListRejected(pick_list_id=job.asked.pick_list_id, reason="ineligible_product", lines=(gone,))

    def _pick(self, job: Job, short: bool) -> Fact:
        random = self._scheduler.random
        job.picked = dict(job.wanted)
        lines = []
        for line, wanted in job.wanted.items():
            reason = None
            if short and random.random() < 0.6:
                job.picked[line] = random.randrange(wanted)
                reason = random.choice((*GONE, "other"))
            if reason in GONE:
                self._lose(job, line, wanted - job.picked[line])
            lines.append(PickedLine(line_id=line, picked=job.picked[line], short_reason=reason))
        if not any(job.picked.values()):
            job.steps = []
        self._take(job)
        return PickCompleted(pick_list_id=job.asked.pick_list_id, lines=tuple(lines))

    def _pick_in_silence(self, job: Job) -> None:
        job.picked = dict(job.wanted)

    def _pack(self, job: Job, name: str = "box") -> Fact:
        job.packed = True
        if sum(job.picked.values()) > 1 and self._chance.strikes("a piece breaks before it is packed"):
            line = self._scheduler.random.choice([line for line, count in job.picked.items() if count])
            job.picked[line] -= 1
            self._drop(job, line)
        self._take(job)
        lines = [LineQuantity(line_id=line, quantity=count) for line, count in job.picked.items() if count]
        half = len(lines) // 2 if self._scheduler.random.random() < 0.3 else 0
        boxes = [box for box in (lines[:half], lines[half:]) if box]
        job.boxes = [f"{name}-{number}-{job.asked.pick_list_id[-8:]}" for number in range(len(boxes))]
        return Packed(
            pick_list_id=job.asked.pick_list_id,
            packages=tuple(
                Package(
                    package_id=box_id,
                    carton="M",
                    weight=900,
                    length=300,
                    width=200,
                    height=150,
                    lines=tuple(box),
                )
                for box_id, box in zip(job.boxes, boxes, strict=True)
            ),
        )

    def _hand_over(self, job: Job) -> Fact:
        asked = job.asked
        job.packed = job.left = True
        self._take(job)
        for line, count in job.cart.items():
            self._floor.cart[self._cell(job, line)] -= count
        job.cart = {}
        labels = list(self._labels(job))
        for number in dict.fromkeys(number for number, _ in labels):
            self._carrier.take(number)
        if self._chance.strikes("a label is corrected after the hand-over"):
            right = _handed_over(asked.pick_list_id, labels)
            self._scheduler.after(0.0, 2_000.0, lambda: self._say(right))
            labels = [(f"W-{asked.pick_list_id[-20:]}", None)]
        if self._scheduler.random.random() < 0.3 and not any(box for _, box in labels):
            numbers = tuple(number for number, _ in labels)
            return HandedOverV1(pick_list_id=asked.pick_list_id, carrier="dhl", tracking_numbers=numbers)
        return _handed_over(asked.pick_list_id, labels)

    def _labels(self, job: Job) -> Iterator[tuple[str, str | None]]:
        """The parcels' numbers, as the carrier knows them, and the packages that they are said to be on."""
        chance, name = self._chance, job.asked.pick_list_id[-20:]
        if chance.strikes("shipments of an order share a number"):
            yield f"S-{job.asked.order_id}", None
        elif job.boxes and chance.strikes("packages go under one number"):
            yield from ((f"T-{name}", box) for box in job.boxes)
        elif job.boxes and chance.strikes("each package has a parcel of its own"):
            for number, box in enumerate(job.boxes):
                if chance.strikes("a package has two labels"):
                    yield f"X-{number}-{name}", box
                yield f"{number}-{name}", box
        else:
            yield f"T-{name}", None
            if self._scheduler.random.random() < 0.15:
                yield f"U-{name}", None

    def _stop(self, pick_list_id: str) -> None:
        if pick_list_id in self.answered or pick_list_id not in self.jobs:
            return
        job = self.jobs[pick_list_id]
        if not job.packed and not job.left and not self._chance.strikes("the warehouse won't stop"):
            self.answered[pick_list_id] = "accepted"
            job.stopped = not self._chance.strikes("the warehouse goes on after it agreed to stop")
            answer: Fact = WithdrawalAccepted(pick_list_id=pick_list_id)
        else:
            self.answered[pick_list_id] = "rejected"
            answer = WithdrawalRejected(pick_list_id=pick_list_id, reason="too late")
        longest = self._scheduler.random.choice((1.0, 60.0, 3600.0))
        self._scheduler.after(0.05, longest, lambda: self._answer(job, answer))

    def _answer(self, job: Job, answer: Fact) -> None:
        if isinstance(answer, WithdrawalAccepted) and not job.left:
            job.withdrawn = True
            for line, count in job.cart.items():
                self._floor.put_back(self._cell(job, line), count)
            job.cart = {}
        self._say(answer)

    def _cell(self, job: Job, line_id: str) -> tuple[str, str]:
        sku = next(line.sku for line in job.asked.lines if line.line_id == line_id)
        return sku, job.asked.location

    def _take(self, job: Job) -> None:
        """What is to leave lies on the cart from now on."""
        for line, count in job.picked.items():
            if more := count - job.cart.get(line, 0):
                self._floor.pick(self._cell(job, line), more)
                job.cart[line] = count

    def _lose(self, job: Job, line: str, pieces: int) -> None:
        """They aren't on the shelf."""
        if not job.withdrawn:
            self._floor.shelf[self._cell(job, line)] -= pieces

    def _drop(self, job: Job, line: str) -> None:
        """A piece breaks. One that was never said to be picked is said to be on its shelf."""
        if job.cart.get(line):
            job.cart[line] -= 1
            self._floor.cart[self._cell(job, line)] -= 1


def _handed_over(pick_list_id: str, labels: list[tuple[str, str | None]]) -> HandedOver:
    parcels = tuple(Parcel(tracking_number=number, package_id=box) for number, box in labels)
    return HandedOver(pick_list_id=pick_list_id, carrier="dhl", parcels=parcels)
