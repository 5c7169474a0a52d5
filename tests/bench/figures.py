"""What is measured, and what it is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from packhorse_cli.system import SERVICES

from .driver import Course
from .meters import Cost
from .scale import Alone
from .skew import Skew

PAIRS = (("placed", "confirmed"), ("placed", "pick_list"), ("handed_over", "captured"), ("placed", "notified"))
"""Latencies: from one point of an order's road to another."""

QUANTILES = (0.5, 0.95, 0.99)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Saturated:
    """A run at the top rate."""

    side: str
    orders: int
    rate: float
    cpu: dict[str, float]
    """Milliseconds an order, by process."""

    wal: int
    transactions: float
    memory: dict[str, int]
    batch: dict[str, float]
    """Inputs a transaction, by process of a service."""

    batches: dict[str, float] = field(default_factory=dict)
    """Transactions with inputs an order, by process of a service."""

    @classmethod
    def of(cls, side: str, course: Course, cost: Cost) -> "Saturated":
        """From what was seen."""
        count = len(course.ended)
        return cls(
            side,
            count,
            course.rate,
            {name: used / count * 1000 for name, used in cost.cpu.items()},
            cost.wal // count,
            cost.transactions / count,
            cost.memory,
            {name: cost.inputs[name] / batches for name, batches in cost.batches.items() if batches},
            {name: batches / count for name, batches in cost.batches.items()},
        )


@dataclass
class Steady:
    """Latencies at one rate, in seconds, by pair and quantile."""

    side: str
    rate: float
    seconds: dict[str, dict[str, float]]
    cores: dict[str, float] = field(default_factory=dict)
    """In use on average, by process."""

    batches: dict[str, float] = field(default_factory=dict)
    """Transactions with inputs a second, by process of a service."""

    @classmethod
    def of(cls, side: str, rate: float, course: Course, cost: Cost) -> "Steady":
        """From what was seen."""
        return cls(
            side,
            rate,
            {
                f"{first} → {second}": {
                    f"p{share * 100:.0f}": quantile(course.between(first, second), share) for share in QUANTILES
                }
                for first, second in PAIRS
            },
            {name: used / cost.seconds for name, used in cost.cpu.items()},
            {name: count / cost.seconds for name, count in cost.batches.items()},
        )


@dataclass(frozen=True)
class Target:
    """One line of the table: what was reached, and what is to be. `least` tells which way is better."""

    name: str
    reached: float | None
    wanted: float
    unit: str = "×"
    least: bool = True

    @property
    def holds(self) -> bool | None:
        """None where it wasn't measured."""
        if self.reached is None:
            return None
        return self.reached >= self.wanted if self.least else self.reached <= self.wanted

    @property
    def far_off(self) -> bool:
        """A ratio of two rates of one run that is worse than half of what is wanted. Times tell of the machine too."""
        return self.reached is not None and self.least and self.unit == "×" and self.reached < self.wanted / 2


@dataclass
class Grown:
    """The same load with few orders stored and with many, in turn."""

    orders: int
    """Stored, beside the few."""

    few: list[float] = field(default_factory=list)
    """Orders a second, by round."""

    many: list[float] = field(default_factory=list)
    few_p99: float = 0
    """Seconds from placed to pick list at half of the top rate."""

    many_p99: float = 0

    @property
    def ratio(self) -> float | None:
        """Median over the rounds of neighbours; None before the first."""
        pairs = [many / few for few, many in zip(self.few, self.many, strict=True)]
        return median(pairs) if pairs else None


@dataclass
class Soak:
    """Memory of the services, in bytes, by how many orders a run had done."""

    orders: list[int] = field(default_factory=list)
    memory: list[dict[str, int]] = field(default_factory=list)

    def growth(self) -> float:
        """Of the service that grew most, from the first tenth of the run to its end, in per cent."""
        warm = self.memory[len(self.memory) // 10]
        return max((self.memory[-1][name] / size - 1) * 100 for name, size in warm.items())


@dataclass
class Figures:
    """All of one run of the benchmark. What wasn't measured is empty or None."""

    machine: dict[str, str] = field(default_factory=dict)
    round_trips: list[float] = field(default_factory=list)
    records: int = 0
    """That one order leaves in all topics."""

    bytes: int = 0
    saturated: list[Saturated] = field(default_factory=list)
    steady: list[Steady] = field(default_factory=list)
    durable: float | None = None
    """Orders a second of the durable-workflow library."""

    catch_up: float | None = None
    """Orders a second while a backlog is worked off."""

    skew: Skew | None = None
    alone: list[Alone] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Bytes that a stored order takes, by service and table."""

    soak: Soak | None = None

    def of(self, side: str) -> list[Saturated]:
        """The runs of a side."""
        return [one for one in self.saturated if one.side == side]

    def rate(self, side: str) -> float | None:
        """The best round of a side: noise of a shared machine only ever takes away."""
        return max((one.rate for one in self.of(side)), default=None)

    def ratio(self, side: str) -> float | None:
        """Ours against theirs: the median over rounds of neighbours."""
        pairs = [own.rate / other.rate for own, other in zip(self.of("packhorse"), self.of(side), strict=False)]
        return median(pairs) if pairs else None

    def half(self) -> Steady | None:
        """At half of the top rate."""
        top = self.rate("packhorse")
        return next((one for one in self.steady if top and 0.4 < one.rate / top < 0.6), None)

    def largest(self) -> float | None:
        """MiB of the largest process of a service, after all that it did."""
        runs = self.soak.memory[-1:] if self.soak else [one.memory for one in self.of("packhorse")]
        return max((size / 2**20 for run in runs for name, size in run.items() if name in SERVICES), default=None)

    def targets(self) -> list[Target]:
        """Every target of ours, with what was reached."""
        top, half, skew = self.rate("packhorse"), self.half(), self.skew
        pick_list = half.seconds["placed → pick_list"]["p99"] if half else None
        trip = quantile(self.round_trips, 0.99) if self.round_trips else None
        alone = {one.copies: one.rate for one in self.alone}
        return [
            Target("whole road against the floor", self.ratio("floor"), 0.5),
            Target("whole road against one message a transaction", self.ratio("usual"), 15),
            Target(
                "placed → pick list p99 at half the top rate, in round trips (p99)",
                _share(pick_list, trip),
                10,
                least=False,
            ),
            Target(
                "placed → pick list p99 at half the top rate",
                pick_list * 1000 if pick_list else None,
                250,
                "ms",
                least=False,
            ),
            *[
                Target(f"with {grown.orders:,} orders stored, against a few", grown.ratio, 0.9)
                for grown in self.grown or [Grown(1_000_000)]
            ],
            Target(
                "growth of the memory of a service over 100,000 orders",
                self.soak.growth() if self.soak else None,
                10,
                "%",
                least=False,
            ),
            Target("memory of the largest service process", self.largest(), 150, "MiB", least=False),
            Target("two processes of one service against one", _share(alone.get(2), alone.get(1)), 1.6),
            Target("catching up, against the top rate", _share(self.catch_up, top), 0.9),
            Target("flash sale, against the top rate", _share(skew.flash_rate if skew else None, top), 0.7),
            Target("with a gateway of 2 s, against the top rate", _share(skew.slow_rate if skew else None, top), 0.9),
        ]

    def json(self) -> Mapping[str, object]:
        """Plain data."""
        trips = {f"p{share * 100:.0f}": quantile(self.round_trips, share) for share in QUANTILES if self.round_trips}
        targets = [asdict(one) | {"holds": one.holds} for one in self.targets()]
        return asdict(self) | {"round_trips": trips, "targets": targets}


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part and whole else None
