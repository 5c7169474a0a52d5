"""What became of the demo's orders: as tables, as rows, as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from packhorse_audit.verdict import Violation

from packhorse_cli.output import remark, say, say_rows, screen
from packhorse_cli.progress import Progress, percentile
from packhorse_cli.table import Column

_STAGES = {"confirmed": "confirmed", "picking": "pick list", "delivered": "delivered"}

Counted = tuple[str, int]
Timed = tuple[str, float, float, int]


@dataclass(frozen=True)
class Summary:
    """Counts and times."""

    outcomes: list[Counted]
    too_late: list[Counted]
    """Cancellations that were declined, by the code of the reason."""

    dead_letters: list[Counted]
    times: list[Timed]
    """From placed to a stage: half of the orders within, 99 of 100 within (seconds), orders."""

    events: int
    mails: int | None
    restarts: dict[str, int]

    @classmethod
    def of(cls, progress: Progress, events: int, mails: int | None, restarts: dict[str, int]) -> "Summary":
        """What has become of all orders so far."""
        times = [
            (name, percentile(values, 0.5) or 0.0, percentile(values, 0.99) or 0.0, len(values))
            for stage, name in _STAGES.items()
            if (values := progress.seconds(stage))
        ]
        outcomes = Counter(progress.outcomes.values()).most_common()
        late, dead = progress.declined_cancellations.most_common(), progress.dead.most_common()
        return cls(outcomes, late, dead, times, events, mails, restarts)

    def show(self) -> None:
        """Tables on a terminal; else rows, each with the name of its table ahead."""
        tables = (
            ("outcome", "orders", self.outcomes),
            ("cancellation came too late", "requests", self.too_late),
            ("dead letters", "records", self.dead_letters),
        )
        if screen().width is None:
            for name, _, rows in tables:
                for told, count in rows:
                    say(f"{name}\t{told}\t{count}")
            for to, half, most, count in self.times:
                say(f"time to\t{to}\t{half:.3f}\t{most:.3f}\t{count}")
        else:
            for name, unit, rows in tables:
                _counted(name, unit, rows)
            columns: list[Column[Timed]] = [
                Column("time from placed to", lambda row: row[0]),
                Column("p50", lambda row: f"{row[1]:.2f} s", right=True),
                Column("p99", lambda row: f"{row[2]:.2f} s", right=True),
                Column("orders", lambda row: row[3]),
            ]
            say_rows(columns, self.times)
        mails = "?" if self.mails is None else f"{self.mails:,}"
        remark(f"{self.events:,} events on all topics; {mails} mails received")
        if self.restarts:
            remark(f"started again: {self.restarts}")

    def document(self, violations: Sequence[Violation], not_ended: Sequence[str]) -> dict[str, object]:
        """The same and the audit, for programs."""
        return {
            "outcomes": dict(self.outcomes),
            "cancellations_too_late": dict(self.too_late),
            "dead_letters": dict(self.dead_letters),
            "seconds_to": {name: {"p50": half, "p99": most, "orders": count} for name, half, most, count in self.times},
            "events": self.events,
            "mails": self.mails,
            "restarts": self.restarts,
            "not_ended": list(not_ended),
            "violations": [asdict(violation) for violation in violations],
        }


def _counted(name: str, unit: str, rows: list[Counted]) -> None:
    columns: list[Column[Counted]] = [
        Column(name, lambda row: row[0], least=12, cut="end"),
        Column(unit, lambda row: row[1]),
    ]
    say_rows(columns, rows)
