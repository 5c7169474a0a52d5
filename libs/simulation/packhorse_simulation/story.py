"""Tells a run as a timeline that a person can read."""

from collections.abc import Iterator
from typing import Any

from packhorse_audit.verdict import Violation
from packhorse_contracts.base import Fact

from packhorse_simulation.log import Record
from packhorse_simulation.scenario import Scenario
from packhorse_simulation.verdict import violations
from packhorse_simulation.world import World

_UNTOLD = {"order_id", "at", "customer", "ship_to", "bill_to", "placed_at", "payment_id", "channel", "currency"}
_WIDTH, _CROWD = 150, 6
Line = tuple[float, str, str]
"""When, who, what."""


def story(scenario: Scenario) -> str:
    """The whole of it: what kind of run, what happened, and what doesn't hold in the end."""
    world = World(scenario)
    world.live()
    found = violations(world)
    told = [_shown(line) for line in sorted(_lines(world), key=lambda line: line[0]) if _concerns(line, world, found)]
    return "\n".join([_head(scenario), "", *told, "", *map(_complaint, found)])


def _concerns(line: Line, world: World, found: list[Violation]) -> bool:
    """In a crowd only what is said of the orders that the complaints name, and the faults."""
    orders = {f"O{number}" for number in world.scenario.orders}
    named = orders.intersection(word for one in found for word in f"{one.subject} {one.found}".split())
    if len(orders) < _CROWD or not named:
        return True
    words = line[2].replace(":", " ").split()
    return not orders.intersection(words) or bool(named.intersection(words))


def _head(scenario: Scenario) -> str:
    orders = ", ".join(f"O{number}" for number in scenario.orders)
    return f"seed {scenario.seed}, population {scenario.population}, orders {orders}"


def _complaint(violation: Violation) -> str:
    return f"BROKEN  {violation.invariant}: {violation.subject}: {violation.found}"


def _shown(line: Line) -> str:
    at, who, what = line
    return f"{at:>12,.3f} s  {who:<14} {what}"[:_WIDTH]


def _lines(world: World) -> Iterator[Line]:
    for happened in world.chance.happened:
        yield happened.at, "!", " ".join([happened.fault[0], happened.where and f"({happened.where})"])
    for at, order_id, operation, outcome in world.gateway.done:
        yield at, "gateway", f"{operation.kind} {operation.amount} for {order_id}: {outcome.outcome}"
    for name, node in world.nodes.items():
        for letter in node.db.dead.values():
            where = f"{letter.ref.kind} {letter.ref.key}" if letter.ref else letter.cause.raw.topic
            yield world.dead_at.get(letter.id, 0.0), name, f"DEAD LETTER {letter.code} {where}: {letter.reason}"
    seen: set[tuple[str, str]] = set()
    for record in world.log.records():
        again = " (again)" if (record.source, record.id) in seen else ""
        seen.add((record.source, record.id))
        if _worth_telling(record):
            yield record.at, record.source.rsplit("/", 1)[-1], f"{record.key}: {_told(record.fact)}{again}"


def _worth_telling(record: Record) -> bool:
    return record.topic not in ("catalogue.products", "catalogue.locations", "inventory.stock", "inventory.alerts")


def _told(fact: Fact | None) -> str:
    if fact is None:
        return "garbage"
    name = fact.TYPE.rsplit(".", 2)[-2]
    return f"{name} {_short(fact.model_dump(exclude_none=True, exclude=_UNTOLD))}"


def _short(value: Any) -> str:
    """Values without the ceremony of JSON."""
    match value:
        case {"line_id": line, **rest}:
            return f"{line}:" + "/".join(_short(part) for name, part in rest.items() if name != "title")
        case dict():
            return " ".join(f"{name}={_short(part)}" for name, part in value.items())
        case list() | tuple():
            return "[" + ", ".join(map(_short, value)) + "]"
        case _:
            text = str(value)
            return f"…{text[-6:]}" if len(text) == 36 and text.count("-") == 4 else text
