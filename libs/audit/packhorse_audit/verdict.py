"""What an audit finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that doesn't hold: its name, what it is about, and what was found."""

    invariant: str
    subject: str
    found: str
