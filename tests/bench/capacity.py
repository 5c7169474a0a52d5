"""How much hardware a rate needs: from the benchmark's figures to `deploy/capacity.md`.

`python -m tests.bench.capacity [FIGURES.json]` takes over new figures, where given, and writes the page anew;
`--check` only says whether it is stale.

The model. Each part (a service, Kafka, PostgreSQL) uses `a_transaction * transactions + an_order * orders` cores, both
a second, fitted by least squares to the runs at 10 % and 50 % of the top rate and to the top rate. A straight line over
the rate alone doesn't fit: batches grow with the load, so that few orders take nearly as many transactions as many. All
parts of the machine measured share its cores, so that the time an order takes is modelled by a processor-sharing queue,
M/G/1-PS: T(load) = T(0) / (1 - load). Source: L. Kleinrock, Queueing Systems II, 1976, chapter 4.4. The runs at 80 %
and with more processes aren't used to fit: they show how far the model is off.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packhorse_cli.system import SERVICES
from packhorse_devstack.places import project

FIGURES: Final = "deploy/capacity.json"
PAGE: Final = "deploy/capacity.md"
RATES: Final = (10, 1_000, 100_000)

LOAD: Final = 0.6
"""Share of a core that is planned for: the rest is for bursts, a lost machine, and short waits."""

INSTANCE_CORES: Final = 16
"""Of one PostgreSQL instance, and of one broker: usual sizes, not measured."""

WAL_MB: Final = 150
"""Megabytes a second that one PostgreSQL instance writes ahead to a fast disk. Not measured."""

BROKER_MB: Final = 100
"""Megabytes a second that one broker takes in, replicas of others included. Not measured."""

REPLICAS: Final = 3
PARTS: Final = (*SERVICES, "kafka", "postgres")


@dataclass(frozen=True)
class Point:
    """A run: orders a second, transactions a second by service, and cores in use by part."""

    rate: float
    transactions: Mapping[str, float]
    cores: Mapping[str, float]

    def transactions_of(self, part: str) -> float:
        """Of a service its own; servers and driver work for all."""
        return self.transactions[part] if part in SERVICES else sum(self.transactions.values())


@dataclass(frozen=True)
class Part:
    """What a part uses: core-seconds a transaction and an order, and core-seconds an order at the top rate in all."""

    transaction: float
    order: float
    at_top: float

    @classmethod
    def fit(cls, points: Sequence[tuple[float, float, float]], at_top: float) -> "Part":
        """Least squares through (transactions a second, orders a second, cores), with no cost below zero. Each point
        counts by how far it is off in per cent: the small ones are as true as the large."""
        scaled = [(done / cores, rate / cores) for done, rate, cores in points]
        tt, oo = sum(t * t for t, _ in scaled), sum(o * o for _, o in scaled)
        to, t1, o1 = sum(t * o for t, o in scaled), sum(t for t, _ in scaled), sum(o for _, o in scaled)
        determinant = tt * oo - to * to
        transaction, order = (t1 * oo - o1 * to) / determinant, (o1 * tt - t1 * to) / determinant
        if transaction < 0:
            transaction, order = 0.0, o1 / oo
        elif order < 0:
            transaction, order = t1 / tt, 0.0
        return cls(transaction, order, at_top)


@dataclass(frozen=True)
class Model:
    """The fitted parts, and what a record costs in bytes."""

    parts: dict[str, Part]
    """The driver is one of them."""

    machine_cores: int
    top: float
    rest_seconds: float
    """Placed to pick list with nothing else under way."""

    wal: int
    bytes: int
    stored: int

    def cores(self, point: Point) -> float:
        """In use on the measured machine, driver included."""
        return sum(
            part.transaction * point.transactions_of(name) + part.order * point.rate
            for name, part in self.parts.items()
        )

    def seconds(self, point: Point) -> float:
        """Placed to pick list, median, on the measured machine."""
        return self.rest_seconds / max(0.01, 1 - self.cores(point) / self.machine_cores)


def _share(found: Mapping[str, float], part: str) -> float:
    """Of a part, in all its processes (`order`, `order-1`, `kafka-1`)."""
    return sum(value for name, value in found.items() if name.rpartition("-")[0] == part or name == part)


def steady(run: Mapping[str, Any]) -> Point:
    """A run at a steady rate."""
    return Point(
        run["rate"],
        {service: _share(run["batches"], service) for service in SERVICES},
        {part: _share(run["cores"], part) for part in (*PARTS, "driver")},
    )


def saturated(run: Mapping[str, Any]) -> Point:
    """A run at the top rate."""
    return Point(
        run["rate"],
        {service: _share(run["batches"], service) * run["rate"] for service in SERVICES},
        {part: _share(run["cpu"], part) / 1000 * run["rate"] for part in (*PARTS, "driver")},
    )


def model(figures: Mapping[str, Any]) -> Model:
    """Fits everything."""
    low, half = figures["steady"][:2]
    best = max((one for one in figures["saturated"] if one["side"] == "packhorse"), key=lambda one: one["rate"])
    points = [steady(low), steady(half), saturated(best)]
    parts = {
        name: Part.fit(
            [(point.transactions_of(name), point.rate, point.cores[name]) for point in points],
            points[-1].cores[name] / points[-1].rate,
        )
        for name in (*PARTS, "driver")
    }
    fitted = Model(
        parts,
        int(figures["machine"]["cores"]),
        best["rate"],
        0.0,
        best["wal"],
        figures["bytes"],
        sum(size for tables in figures["sizes"].values() for size in tables.values()),
    )
    at_low = low["seconds"]["placed → pick_list"]["p50"]
    free = 1 - fitted.cores(points[0]) / fitted.machine_cores
    return Model(**(vars(fitted) | {"rest_seconds": at_low * free}))


def page(figures: Mapping[str, Any]) -> str:
    """The whole page."""
    fitted = model(figures)
    machine, by_rate = figures["machine"], [_needs(fitted, rate) for rate in RATES]
    return _TEXT.format(
        cores=machine["cores"],
        at=machine["at"],
        commit=machine["commit"],
        top=f"{fitted.top:.0f}",
        parts=_table(
            ("part", "core-ms a transaction", "core-ms an order beside", "core-ms an order in all, at the top rate"),
            [
                (name, *(f"{cost * 1000:.2f}" for cost in (part.transaction, part.order, part.at_top)))
                for name, part in fitted.parts.items()
            ],
        ),
        check=_check(figures, fitted),
        needs=_table(
            ("orders a second", *(f"{rate:,}" for rate in RATES)),
            [(name, *(needs[name] for needs in by_rate)) for name in by_rate[0]],
        ),
        wal=f"{fitted.wal:,}",
        bytes=f"{fitted.bytes:,}",
        records=figures["records"],
        stored=f"{fitted.stored:,}",
        sizes=_table(
            ("service", "bytes an order", "of them"),
            [
                (service, f"{sum(tables.values()):,}", ", ".join(f"{name} {size:,}" for name, size in _largest(tables)))
                for service, tables in figures["sizes"].items()
            ],
        ),
        load=f"{LOAD:.0%}",
        instance=INSTANCE_CORES,
        wal_mb=WAL_MB,
        broker_mb=BROKER_MB,
        replicas=REPLICAS,
        copies=_copies(figures, fitted),
        alone="; ".join(
            f"{one['copies']} process{'es' if one['copies'] > 1 else ''}: {one['rate']:.0f} orders/s on "
            f"{one['cores']:.2f} cores, with {one['cores_of_others']:.2f} in use by servers and driver"
            for one in figures["alone"]
        ),
    )


def _largest(tables: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(tables.items(), key=lambda item: -item[1])[:3]


def _processes(fitted: Model, service: str, rate: float) -> int:
    return max(2, math.ceil(fitted.parts[service].at_top * rate / LOAD))


def _partitions(fitted: Model, rate: float) -> int:
    """As many as the largest service has processes, and room to double; in dozens, so that they can be shared out."""
    largest = max(_processes(fitted, service, rate) for service in SERVICES)
    return 12 * math.ceil(max(12, 2 * largest) / 12)


def _instances(fitted: Model, rate: float) -> int:
    by_cores = fitted.parts["postgres"].at_top * rate / LOAD / INSTANCE_CORES
    return max(1, math.ceil(by_cores), math.ceil(fitted.wal * rate / 1e6 / WAL_MB))


def _brokers(fitted: Model, rate: float) -> int:
    by_cores = fitted.parts["kafka"].at_top * rate * REPLICAS / LOAD / INSTANCE_CORES
    return max(3, math.ceil(by_cores), math.ceil(fitted.bytes * rate * REPLICAS / 1e6 / BROKER_MB))


def _needs(fitted: Model, rate: float) -> dict[str, str]:
    """What a rate needs, by name."""
    parts = fitted.parts
    return {
        **{f"{service}: processes": f"{_processes(fitted, service, rate):,}" for service in SERVICES},
        "partitions a topic": f"{_partitions(fitted, rate):,}",
        "PostgreSQL: cores": f"{math.ceil(parts['postgres'].at_top * rate / LOAD):,}",
        "PostgreSQL: instances": f"{_instances(fitted, rate):,}",
        "PostgreSQL: MB written ahead a second": f"{fitted.wal * rate / 1e6:,.1f}",
        "Kafka: cores, all replicas": f"{math.ceil(parts['kafka'].at_top * rate * REPLICAS / LOAD):,}",
        "Kafka: brokers": f"{_brokers(fitted, rate):,}",
        "Kafka: MB a second, all replicas": f"{fitted.bytes * rate * REPLICAS / 1e6:,.1f}",
        "disk for a day's orders, GB": f"{fitted.stored * rate * 86_400 / 1e9:,.0f}",
    }


def _check(figures: Mapping[str, Any], fitted: Model) -> str:
    """What the model says of the runs that weren't used to fit it."""
    unseen = figures["steady"][2]
    point = steady(unseen)
    rows = [
        (f"cores in use at {point.rate:.0f} orders/s", fitted.cores(point), sum(point.cores.values()), 2),
        (
            f"placed → pick list, median, at {point.rate:.0f} orders/s (ms)",
            fitted.seconds(point) * 1000,
            unseen["seconds"]["placed → pick_list"]["p50"] * 1000,
            0,
        ),
    ]
    for one in figures["saturated"]:
        if "processes each" in one["side"]:
            point, copies = saturated(one), one["side"].split(", ")[1].split()[0]
            name = f"core-ms an order with {copies} processes a service, and so smaller batches"
            rows.append(
                (name, fitted.cores(point) / point.rate * 1000, sum(point.cores.values()) / point.rate * 1000, 2)
            )
    return _table(
        ("figure", "the model says", "measured", "off by"),
        [
            (name, f"{said:.{digits}f}", f"{found:.{digits}f}", f"{(said / found - 1) * 100:+.0f} %")
            for name, said, found, digits in rows
        ],
    )


def _copies(figures: Mapping[str, Any], fitted: Model) -> str:
    found = [f"{one['side'].split(', ')[1]} {one['rate']:.0f}" for one in figures["saturated"] if "each" in one["side"]]
    return f"one process each {fitted.top:.0f}, " + ", ".join(found)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


_TEXT: Final = """\
# How much hardware

<!-- Written by `python -m tests.bench.capacity`, from deploy/capacity.json. Change tests/bench/capacity.py instead. -->

What this page says was computed from one run of `make bench` ({at}, commit {commit}, {cores} cores for everything: five
services, Kafka, PostgreSQL, and the driver that plays the outside). An order has two lines, one parcel, two mails, an
authorisation and a capture. On your machines, run `make bench` and `python -m tests.bench.capacity
.packhorse/bench/figures.json`, and the page is about them.

## What an order costs

{parts}

Beside that {records} records of {bytes} bytes in all (keys, headers, values, before compression), and {wal} bytes that
PostgreSQL writes ahead.

The model: each part uses `a transaction * transactions + an order * orders` cores, both a second, fitted to the runs at
10 % and 50 % of the top rate and to the top rate ({top} orders/s). Batches grow with the load, so that few orders take
nearly as many transactions as many: an order costs least at the top. For waiting it takes a processor-sharing queue,
T(load) = T(0) / (1 - load), which leaves out that each hop's batches wait for a core: a rough guide, and none near the
top. What the model says of runs that were not used to fit it:

{check}

## What a rate needs

Planned with the cost of an order at the top rate, and for {load} of every core. An instance of PostgreSQL and a broker
are taken to have {instance} cores, and to write {wal_mb} MB and {broker_mb} MB a second: usual sizes that we did not
measure. At least two processes of each service and three brokers, so that one may die. Replication {replicas}.

{needs}

## What saturates first, and how it is split

1. **Cores of the services.** A process is one core; add processes, up to the number of partitions. They share nothing
   but their database. Partitions are for life (`deploy/README.md`, "Partitions"): choose the column that you grow into.
2. **PostgreSQL.** First an instance of its own for each service: five databases that never join. Then by key: all that
   an order needs in a service lies under its id, so a service with its own consumer group and database can take the
   orders of one share of the ids. Stock is by SKU: split it by the location that ships, not by order.
3. **The relay.** One process of a service publishes at a time, so that order holds. It reads, publishes and deletes a
   few thousand rows at once. Where that is not enough, split the service by key, as under 2.
4. **Kafka** last: an order is a few tens of records, and brokers take them in batches.

Far beyond a thousand orders a second run several whole systems (cells), each with the orders of one region or one share
of the customers: a failure then stops one cell only, and none grows beyond what was tested.

More processes on the machine measured, in orders/s at the top rate: {copies}. It has no cores to spare, so that more
processes only make smaller batches. The costliest service alone with a backlog: {alone}.

A slow gateway needs no more cores, only more calls under way: by Little's law their number is the rate times the
seconds that one takes (1,000 orders/s, 2 s: 2,000 for each kind of call). `PACKHORSE_EFFECTS_AT_ONCE` allows them for
each process; the connections to the mail server are `PACKHORSE_NOTIFICATION_SMTP_CONNECTIONS`.

## What is kept

A finished order takes {stored} bytes with all indexes, of orders stored through a year:

{sizes}

| what | until |
| --- | --- |
| outbox | published: seconds. Half of its rows are dead, so it is vacuumed after 2,000 rows, without pauses |
| timers | they fire, or what they wait for happens |
| inbox | `PACKHORSE_INBOX_DAYS` (14): a partition a day, dropped as a whole; outsiders' ids row by row |
| effects | 90 days after their answer, without their content; pending ones lie in a partial index of their own |
| states of orders, journal of stock, ledger, sequences | for good: they are the books. Nothing reads a finished \
order's rows unless asked by its id, so they cost disk and no time (`make bench` measures it, part `growth`) |
| dead letters | what they held: 30 days after an operator ended them. That they were, and why: for good |

Tables that are updated in place (`orders`, `reservation`, `stock`, `sequence`) leave 30 % of each page free, so that a
new version of a row stays on its page and no index changes (HOT). All others live on PostgreSQL's usual autovacuum: it
starts after a fifth of a table has changed, which for the large, old part never happens.
"""


def main() -> int:
    """The command line; 1 where `--check` finds a stale page."""
    kept, target = project() / FIGURES, project() / PAGE
    given = [one for one in sys.argv[1:] if one != "--check"]
    if given:
        kept.write_text(Path(given[0]).read_text())
    text = page(json.loads(kept.read_text()))
    if "--check" not in sys.argv:
        target.write_text(text)
    elif target.read_text() != text:
        sys.stderr.write(f"{PAGE} is stale: run `python -m tests.bench.capacity`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
