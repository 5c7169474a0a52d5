"""What a release has written down, collected from the simulation: states, timers, requests, answers and facts, each as
JSON, in as many different shapes as come up."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from packhorse_chassis.core.documents import Documents
from packhorse_chassis.core.kinds import Internal
from packhorse_contracts.export.samples import sample
from packhorse_contracts.registry import facts
from packhorse_simulation.faults import RATES
from packhorse_simulation.node import Node
from packhorse_simulation.scenario import drawn
from packhorse_simulation.services import routes
from packhorse_simulation.transaction import Work
from packhorse_simulation.world import World

_RUNS, _ORDERS = 12, 30
_FIELD, _WORD = re.compile(r"[a-z_]{2,}"), re.compile(r"[a-z_]{2,40}")
Shelf = dict[str, list[str]]
"""JSON documents by the name of what they are."""


@dataclass(slots=True)
class Samples:
    """Of one service; `facts` are of all. Only what shows something new is kept."""

    states: Shelf = field(default_factory=dict)
    timers: Shelf = field(default_factory=dict)
    requests: Shelf = field(default_factory=dict)
    answers: Shelf = field(default_factory=dict)
    _seen: set[object] = field(default_factory=set)

    def add(self, shelf: Shelf, name: str, text: str) -> None:
        """Keeps a document if it has a field, or a word in one, that none before it had."""
        shown = {(id(shelf), name, *shape) for shape in _shapes(json.loads(text))}
        if not shown <= self._seen:
            self._seen |= shown
            shelf.setdefault(name, []).append(text)


def _shapes(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield path, "{}" if not value else "{…}"
        for name, inner in value.items():
            yield from _shapes(inner, f"{path}.{name if _FIELD.fullmatch(name) else '*'}")
    elif isinstance(value, list):
        yield path, "[]" if not value else "[…]"
        for inner in value:
            yield from _shapes(inner, f"{path}[]")
    else:
        word = isinstance(value, bool) or (isinstance(value, str) and _WORD.fullmatch(value))
        yield path, str(value) if word else type(value).__name__


def collected() -> tuple[dict[str, Samples], Shelf]:
    """By service; and facts by type. The same each time."""
    samples = {name: Samples() for name in routes()}
    said = Samples()
    heard: Shelf = {}
    for seed in range(1, _RUNS + 1):
        scenario = replace(drawn(seed, _ORDERS), wire=True, rates=RATES)
        world = World(scenario, lambda node, work: _keep(samples[node.name], node, work))
        world.live()
        for record in world.log.records():
            if record.fact is not None:
                said.add(heard, record.fact.TYPE, record.fact.model_dump_json(exclude_none=True))
    for wire in sorted(facts.keys() - heard.keys()):
        heard[wire] = [json.dumps(sample(facts[wire])["data"])]
    return samples, heard


def _keep(samples: Samples, node: Node, work: Work) -> None:
    """All that one commit has written down."""
    for ref, state in work.outcome.changed.items():
        written = Documents(node.routes.kinds[ref.kind]).write(ref.key, state)
        samples.add(samples.states, ref.kind, written.decode())
    for timer in work.outcome.timers.values():
        if timer is not None:
            payload = timer[0].payload
            samples.add(samples.timers, payload.type_name(), payload.model_dump_json())
    for effect, *_ in work.outcome.effects:
        samples.add(samples.requests, effect.request.type_name(), effect.request.model_dump_json())
    for reacted in work.outcome.reacted:
        if reacted.arrival.raw.origin == "answer" and isinstance(answer := reacted.arrival.heard, Internal):
            samples.add(samples.answers, answer.type_name(), answer.model_dump_json())
