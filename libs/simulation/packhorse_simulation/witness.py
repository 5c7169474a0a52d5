"""Watches every commit while it happens: what no book shows afterwards."""

from packhorse_audit.verdict import Violation

from packhorse_simulation.node import Node
from packhorse_simulation.transaction import Work


class Witness:
    """Facts of one key are taken in the order in which they were said; a timer is heard only while it is set."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, int, bytes | None], tuple[int, str]] = {}
        self._fired: set[tuple[str, str]] = set()
        self._aside: set[tuple[str, ...]] = set()
        self.violations: list[Violation] = []

    def see(self, node: Node, work: Work) -> None:
        """Looks at one commit."""
        for reacted in work.outcome.reacted:
            arrival = reacted.arrival
            raw = arrival.raw
            if raw.origin == "record":
                aside = (node.name, *arrival.identity) in self._aside
                if raw.partition is None or raw.offset is None or aside:
                    continue
                lane = (node.name, raw.topic, raw.partition, raw.key)
                before = self._last.get(lane)
                if before is not None and raw.offset < before[0]:
                    self._complain(
                        "facts of a key are taken in their order",
                        f"{node.name} {reacted.ref.key}",
                        f"{raw.topic}-{raw.partition}@{raw.offset} after {before[0]}",
                    )
                else:
                    self._last[lane] = (raw.offset, arrival.id)
            elif (node.name, arrival.id) in self._fired:
                self._complain("a timer or an answer is heard once", f"{node.name} {reacted.ref.key}", arrival.id)
            else:
                self._fired.add((node.name, arrival.id))
        for letter in work.outcome.dead:
            # What was refused steps aside for good, and those behind it go on; what a reaction failed at doesn't.
            if letter.code not in ("reaction", "database"):
                self._aside.add((node.name, *letter.cause.identity))

    def _complain(self, invariant: str, subject: str, found: str) -> None:
        self.violations.append(Violation(invariant, subject, found))
