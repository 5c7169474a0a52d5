"""What goes wrong, how often, and how often it did."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from packhorse_simulation.scheduler import Scheduler

RATES: Final[Mapping[str, float]] = {
    # the wire
    "a partition lags behind": 0.02,
    "an event is published twice": 0.02,
    "an outsider repeats itself": 0.04,
    "a record that is garbage": 0.01,
    # our processes
    "killed before the commit": 0.01,
    "killed after the commit, before the offsets": 0.01,
    "the offsets' commit is lost": 0.02,
    "killed between publish and delete": 0.02,
    "killed while an effect is under way": 0.02,
    "a zombie goes on with its batch": 0.01,
    "the group is rebalanced": 0.01,
    "a transaction stays open": 0.06,
    "a rival takes the same timers or answers": 0.04,
    "a pump sleeps between reading and claiming": 0.04,
    "a reaction fails until it is mended": 0.002,
    "a clock jumps": 0.003,
    # the gateway and the mail server
    "the gateway declines": 0.06,
    "the gateway is away": 0.03,
    "the gateway does it and its answer is lost": 0.05,
    "a request reaches the gateway late": 0.03,
    "an answer comes late": 0.04,
    "an answer comes twice": 0.04,
    "the gateway reviews": 0.04,
    "the gateway can't say what became of it": 0.05,
    "the authorisation is short-lived": 0.04,
    "the gateway refuses a capture": 0.03,
    "the gateway refuses a refund or void": 0.05,
    "the mail server is away": 0.03,
    "a mail's answer is lost": 0.04,
    "a mail is refused": 0.03,
    # the warehouse and the carrier
    "the warehouse picks short": 0.2,
    "the warehouse rejects": 0.1,
    "the warehouse rejects some lines": 0.1,
    "the warehouse skips a step": 0.08,
    "the warehouse reports twice under new ids": 0.08,
    "the warehouse goes on after it agreed to stop": 0.5,
    "the warehouse is slow": 0.04,
    "a parcel comes back": 0.06,
    "the carrier repeats itself in any order": 0.06,
    # customers and checkout
    "a customer cancels": 0.35,
    "a customer cancels again": 0.3,
    "the checkout repeats an order under a new id": 0.04,
    "the checkout uses an order id again": 0.03,
    "an order is wrong": 0.03,
    "stock is short": 0.15,
    "stock is counted or moved": 0.1,
    "what is packed waits for its truck": 0.2,
    "a customer wants to cancel a part": 0.3,
    "the warehouse won't stop": 0.2,
    # what came last stands last: in runs without it, everything else is drawn as before
    "a piece breaks before it is packed": 0.1,
    "a line has to be made first": 0.05,
    "the gateway talks nonsense": 0.05,
    "the gateway doesn't say why it declines": 0.3,
    "each package has a parcel of its own": 0.3,
    "packages go under one number": 0.1,
    "shipments of an order share a number": 0.1,
    "the warehouse packs anew": 0.1,
    "a label is corrected after the hand-over": 0.1,
    "a package has two labels": 0.05,
    "a number is written with blanks": 0.1,
    "a parcel is lost": 0.06,
    "a lost parcel turns up": 0.3,
    "the carrier cancels a parcel": 0.03,
    "a customer asks for what isn't offered": 0.1,
    "a customer cancels an order that never comes": 0.05,
    "a process of an older release is at work": 0.2,
    "an outsider uses an id again": 0.05,
    "a customer asks first what would follow": 0.3,
}
"""How likely each is at each opportunity, in a run that has it at all."""

Fault = tuple[str, int]
"""A kind, and the how-manieth opportunity for it in the run."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault that struck: when, in seconds of the simulation, and where."""

    fault: Fault
    at: float
    where: str


class Chance:
    """Decides about faults. Each run has some kinds and not others: what is rare alone is found in their company.

    `spared` are faults that are left out, which is how a story is made shorter.
    """

    def __init__(
        self, scheduler: Scheduler, rates: Mapping[str, float], spared: frozenset[Fault] = frozenset()
    ) -> None:
        self._scheduler, self._rates, self._spared = scheduler, rates, spared
        self._draw = scheduler.random.random
        self._opportunities: Counter[str] = Counter()
        self.happened: list[Happened] = []
        self.healed = False
        """From then on nothing goes wrong any more."""

    def strikes(self, kind: str, where: str = "") -> bool:
        """Whether this goes wrong now. `where` is for the story."""
        rate = self._rates.get(kind)
        if rate is None or self.healed:
            return False
        count = self._opportunities[kind] = self._opportunities[kind] + 1
        if self._draw() >= rate or (kind, count) in self._spared:
            return False
        self.happened.append(Happened((kind, count), self._scheduler.now, where))
        return True

    def threatens(self, kind: str) -> bool:
        """Whether it can happen at all in this run."""
        return kind in self._rates

    @property
    def counts(self) -> Counter[str]:
        """How often each kind happened."""
        return Counter(happened.fault[0] for happened in self.happened)
