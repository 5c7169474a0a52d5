"""The twin's row locks, where only an open transaction shows them."""

import pytest
import toy
from packhorse_chassis.core.inputs import Arrival, Raw
from packhorse_contracts.base import Fact
from packhorse_contracts.customer import ReleaseRequested
from packhorse_simulation.database import Database, LockedError
from packhorse_simulation.scheduler import EPOCH
from packhorse_simulation.sources import Records
from packhorse_simulation.transaction import Transactions, Work


def test_a_subject_is_held_though_nothing_of_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kind is one for reference, and all that its transaction does is to park it: what comes next has to see that.
    Whoever only reads it doesn't wait."""
    monkeypatch.setattr(toy, "poisoned", {"bug"})
    db = Database(toy.ROUTES)
    transactions = Transactions(db, None)

    def begin(fact: Fact, event_id: str) -> Work:
        raw = Raw("record", fact.TOPIC.name, 0, 0, None, (), None)
        return transactions.begin([Arrival(raw, "/test", event_id, EPOCH, fact)], Records(), EPOCH)

    db.keep({toy.TALLIES.ref("b"): toy.Tally(notes=("a",)), toy.TALLIES.ref("a"): toy.Tally(notes=("a shelf",))})
    work = begin(toy.request("a", "bug"), "1")
    db.lock(transactions.rows(work), work.holder)
    release = ReleaseRequested(order_id="a", hold="manual", holder="test")
    with pytest.raises(LockedError):
        begin(release, "2")
    assert not begin(toy.cancellation("b"), "3").outcome.dead
    transactions.commit(work)
    db.unlock(work.holder)
    assert begin(release, "2").outcome.waiting
