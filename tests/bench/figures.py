"""What is measured, and what it is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from .driver import Course
from .stage import Cost

PAIRS = (("placed", "confirmed"), ("placed", "pick_list"), ("handed_over", "captured"), ("placed", "notified"))
"""Latencies: from one point of an order's road to another."""

QUANTILES = (0.5, 0.95, 0.99)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Saturated:
    """A run at the top rate. `rate` is of the middle 80 % of the orders: neither the first nor the last ones, which
    leave some of the processes without work."""

    side: str
    orders: int
    rate: float
    cpu: dict[str, float]
    """Milliseconds an order, by process."""

    wal: int
    transactions: float
    memory: dict[str, int]

    @classmethod
    def of(cls, side: str, course: Course, cost: Cost) -> "Saturated":
        """From what was seen."""
        ended = sorted(course.ended.values())
        count = len(ended)
        middle = ended[count // 10 : count - count // 10]
        return cls(
            side,
            count,
            (len(middle) - 1) / (middle[-1] - middle[0]),
            {name: used / count * 1000 for name, used in cost.cpu.items()},
            cost.wal // count,
            cost.transactions / count,
            cost.memory,
        )


@dataclass
class Steady:
    """Latencies at one rate, in seconds, by pair and quantile."""

    side: str
    rate: float
    seconds: dict[str, dict[str, float]]

    @classmethod
    def of(cls, side: str, rate: float, course: Course) -> "Steady":
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
        """Worse than half of what is wanted."""
        if self.reached is None:
            return False
        return self.reached < self.wanted / 2 if self.least else self.reached > self.wanted * 2


@dataclass
class Figures:
    """All of one run of the benchmark."""

    saturated: list[Saturated] = field(default_factory=list)
    steady: list[Steady] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    durable: float | None = None
    """Orders a second of the durable-workflow library."""

    catch_up: float | None = None
    """Orders a second while a backlog is worked off."""

    machine: dict[str, str] = field(default_factory=dict)

    def rate(self, side: str) -> float | None:
        """The best round of a side: noise of a shared machine only ever takes away."""
        return max((one.rate for one in self.saturated if one.side == side), default=None)

    def ratio(self, side: str) -> float | None:
        """Ours against theirs: the median over rounds of neighbours."""
        ours = [one.rate for one in self.saturated if one.side == "packhorse"]
        theirs = [one.rate for one in self.saturated if one.side == side]
        pairs = [own / other for own, other in zip(ours, theirs, strict=False)]
        return quantile(pairs, 0.5) if pairs else None

    def targets(self) -> list[Target]:
        """Every target, with what was reached."""
        top = self.rate("packhorse")
        half = next((one for one in self.steady if top and 0.4 < one.rate / top < 0.6), None)
        pick_list = half.seconds["placed → pick_list"]["p99"] if half else None
        trip = quantile(self.round_trips, 0.99) if self.round_trips else None
        services = ("order", "payment", "inventory", "shipping", "notification")
        largest = max(
            (
                one.memory[name] / 2**20
                for one in self.saturated
                if one.side == "packhorse"
                for name in services
                if name in one.memory
            ),
            default=None,
        )
        return [
            Target("whole road against the floor", self.ratio("floor"), 0.5),
            Target("against one message a transaction", self.ratio("usual"), 15),
            Target("against durable workflows", top / self.durable if top and self.durable else None, 15),
            Target(
                "placed → pick list p99 at half the top rate, in round trips (p99)",
                pick_list / trip if pick_list and trip else None,
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
            Target("catching up, against the top rate", self.catch_up / top if top and self.catch_up else None, 0.9),
            Target("memory of the largest service process", largest, 150, "MiB", least=False),
        ]

    def json(self) -> Mapping[str, object]:
        """Plain data."""
        return asdict(self) | {
            "targets": [asdict(one) | {"holds": one.holds} for one in self.targets()],
            "round_trips": {f"p{share * 100:.0f}": quantile(self.round_trips, share) for share in QUANTILES}
            if self.round_trips
            else {},
        }
