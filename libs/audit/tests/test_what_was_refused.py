"""What inventory has refused moves nothing on a shelf, and nothing else is left out with it."""

from datetime import UTC, datetime, timedelta

from packhorse_audit.shelves import LevelBook
from packhorse_audit.told import StockFact, Told
from packhorse_contracts.warehouse import StockMoved, StockReceived

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RECEIVED = StockReceived.model_validate(
    {"receipt_id": "R", "location": "YORK", "lines": [{"sku": "A", "quantity": 5}], "at": NOON}
)


def moved(name: str, pieces: int) -> StockMoved:
    """Some pieces go to another place."""
    return StockMoved.model_validate(
        {"move_id": name, "from": "YORK", "to": "BATH", "sku": "A", "quantity": pieces, "at": NOON}
    )


def found(york: int, bath: int, refused: set[str], *said: tuple[str, StockReceived | StockMoved]) -> list[str]:
    """What the audit finds where so many are on the books, and these offsets were given up."""
    told = Told()
    for offset, (event_id, fact) in enumerate(said):
        place = "warehouse.events", f"0-{offset}"
        told.stock.append(StockFact("/warehouse", event_id, place, fact, NOON + timedelta(seconds=offset)))
    shelves = told.shelves({("warehouse.events", place) for place in refused})
    levels = {("A", "YORK"): LevelBook(york, 0, 0), ("A", "BATH"): LevelBook(bath, 0, 0)}
    return [one.subject for one in shelves.hold(levels, whole=True)]


def test_of_two_contents_under_one_id_each_counts_for_itself() -> None:
    """One was taken, the other is a dead letter: in either order, and said again; and both, once that was retried."""
    one, other = ("used", moved("M1", 1)), ("used", moved("M2", 2))
    for said in ((one, other), (one, other, one, other)):
        assert found(4, 1, {"0-2"}, ("r", RECEIVED), *said) == []
        assert found(3, 2, {"0-1"}, ("r", RECEIVED), *said) == []
        assert found(2, 3, set(), ("r", RECEIVED), *said) == []
        assert found(4, 1, set(), ("r", RECEIVED), *said) == ["A at BATH", "A at YORK"]


def test_what_was_refused_is_refused_however_often_it_comes() -> None:
    """Its repeats are dropped, and have no dead letters of their own."""
    move = "m", moved("M1", 1)
    assert found(5, 0, {"0-1"}, ("r", RECEIVED), move, move) == []
