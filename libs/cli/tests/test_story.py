"""An order's story reads as people would tell it: golden pages, in `golden/`."""

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from packhorse_cli import example, story
from packhorse_cli.lines import lasted
from packhorse_cli.open_ends import OpenEnds
from packhorse_cli.order import summary, told
from packhorse_cli.output import Screen
from packhorse_cli.standing import Standing, standing
from packhorse_cli.stream import Event
from packhorse_contracts.personal import masked
from rich.cells import cell_len

GOLDEN = Path(__file__).parent / "golden"


def page(events: list[Event], width: int = 80, ends: OpenEnds | None = None, *, personal: bool = False) -> str:
    """What `packhorse order` shows."""
    steps = story.steps(story.in_order(events), personal=personal)
    here = Screen(width)
    head = summary(example.ORDER, stands(events), ends or OpenEnds(), here, example.BEGAN)
    return "\n".join([*head, "", *told(steps, here), ""])


def stands(events: list[Event]) -> Standing:
    """Where the order stands."""
    return standing(step.fact for step in story.steps(story.in_order(events)) if step.fact is not None)


@pytest.mark.parametrize("name", sorted(example.STORIES))
def test_a_story_reads_as_it_should(name: str) -> None:
    """With money, pieces, parcels and reasons. After a change on purpose: write the page anew, and read it."""
    assert page(example.STORIES[name]()) == (GOLDEN / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Sentences go on below themselves, and lose nothing."""
    shown = page(example.short(), width)
    assert all(cell_len(line) <= max(width, 36) for line in shown.splitlines())
    assert "".join(["1", "of", "3", "×", "White", "metal", "lantern", "not", "found"]) in "".join(shown.split())


def test_nothing_personal_is_shown_unless_asked_for() -> None:
    """Nor in JSON: blocks are masked, whatever they lie in."""
    for make in example.STORIES.values():
        assert not any(word in page(make()) for word in ("Ana", "Flores", "example.com"))
    assert "Ana Sousa" in page(example.cancelled(), personal=True)
    placed = example.whole()[0].data
    assert masked([placed]) == [
        {
            **placed,
            "customer": {"customer_id": "c-17850", "name": "•••", "email": "•••", "locale": "pt-PT"},
            "ship_to": {"name": "•••", "lines": ["•••"], "city": "•••", "country": "PT"},
        }
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_time_whatever_came_first(seed: int) -> None:
    """Topics are read in any order."""
    events = example.short()
    shuffled = Random(seed).sample(events, len(events))
    assert [event.offset for event in story.in_order(shuffled)] == [event.offset for event in events]


def test_no_effect_comes_before_its_cause() -> None:
    """Where the clocks of two machines differ, or both have the same millisecond."""
    cause, effect, third = example.whole()[:3]
    early = _with(effect, at=cause.at - timedelta(seconds=5), ce_causationid=cause.headers["ce_id"])
    told_in = story.in_order([early, third, cause])
    assert [event.offset for event in told_in] == [cause.offset, effect.offset, third.offset]
    assert all(step.after is None or step.after >= timedelta(0) for step in story.steps(told_in))


def test_forged_causes_hide_nothing() -> None:
    """Each the cause of the other: both are told."""
    first, second = example.whole()[:2]
    forged = [
        _with(first, ce_causationid=second.headers["ce_id"]),
        _with(second, ce_causationid=first.headers["ce_id"]),
    ]
    assert {event.offset for event in story.in_order(forged)} == {0, 1}


def test_a_record_without_a_possible_time_stays_where_its_partition_has_it() -> None:
    """It is neither first nor last, and no step takes a thousand years."""
    events = example.whole()
    lost = _with(events[3], at=events[3].at.replace(year=9999))
    steps = story.steps(story.in_order([*events[:3], lost, *events[4:]]))
    assert next(step.event.offset for step in steps if step.event.topic == "payment.events") == 3
    assert next(step.after for step in steps if step.event.offset == 3) is None
    assert max(step.after for step in steps if step.after is not None) < timedelta(days=2)


def test_open_ends_are_told() -> None:
    """What is waited for, what is stuck, and what nobody could ask."""
    ends = OpenEnds(
        [("payment", "the payment gateway, asked 3 times", example.BEGAN)], ["order gave up x"], ["shipping"]
    )
    shown = page(example.whole()[:4], ends=ends)
    assert "waits for  the payment gateway, asked 3 times (27 Nov 10:20)" in shown
    assert "wrong      order gave up x" in shown
    assert "unknown    what shipping waits for: its database can't be asked" in shown
    assert "stands     accepted, to be confirmed" in shown


@pytest.mark.parametrize(
    ("count", "status"), [(1, "placed, not yet checked"), (2, "accepted, waits for payment and stock")]
)
def test_the_standing_says_what_is_missing(count: int, status: str) -> None:
    """Before the confirmation: payment, stock, or both."""
    assert stands(example.whole()[:count]).status == status


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "+0 ms"),
        (0.0412, "+41 ms"),
        (1.26, "+1.3 s"),
        (59, "+59 s"),
        (600, "+10 min"),
        (86_400, "+24 h"),
        (9e5, "+10 d"),
    ],
)
def test_a_duration_is_short(seconds: float, written: str) -> None:
    """Two or three digits."""
    assert lasted(timedelta(seconds=seconds)) == written


def test_the_nearest_ids_are_named() -> None:
    """A digit too many, a letter too few."""
    others = {"573744", "573745", "612000", "A-1"}
    assert story.nearest("5737444", others)[0] == "573744"
    assert story.nearest("5737", others) == ["573744", "573745"]
    assert story.nearest("zzz", others) == []


def _with(event: Event, at: object = None, **headers: str) -> Event:
    from dataclasses import replace

    return replace(event, at=at or event.at, headers={**event.headers, **headers})  # type: ignore[arg-type]
