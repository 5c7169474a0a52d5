"""The contract of `test_simulation_contract.py`, where something fails: refusals, bugs, parked keys, retries."""

import pytest
import toy
from packhorse_chassis.core import outcome
from packhorse_contracts.customer import AddressChangeRequested

from .contract import Dead, ToyWorld
from .test_simulation_contract import ask, heard, levels


async def test_a_used_id_is_told_of_behind_a_parked_key(world: ToyWorld, order: str) -> None:
    """The first one waits there, and takes its turn."""
    toy.poisoned.add("bug")
    await ask(world, order, "bug")
    for note in ("one", "two", "one"):
        await world.say(toy.request(order, note), f"id-{order}")
    await world.rest()
    assert await world.waiting(order) == 1
    assert [letter.code for letter in await world.dead(order)] == ["reaction", "id_reused"]
    toy.poisoned.clear()
    await world.ask_again(order)
    await world.rest()
    assert await world.notes(order) == ["bug", "one"]


async def test_what_waits_behind_a_parked_key_has_a_limit(
    world: ToyWorld, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those beyond it are dead letters, to be tried again; the queue goes on in its order, and then they do."""
    monkeypatch.setattr(outcome, "MOST_WAITING", 2)
    toy.poisoned.add("bug")
    await ask(world, order, "bug", "1", "2", "3")
    await world.rest()
    await ask(world, order, "4")
    await world.rest()
    assert await world.waiting(order) == 2
    full = Dead("queue_full", None, parked=False, retryable=True)
    assert [letter for letter in await world.dead(order) if letter.code != "reaction"] == [full] * 2
    toy.poisoned.clear()
    for _ in range(2):  # those beyond find it full once more where they are tried with the one in front
        await world.ask_again(order)
        await world.rest()
    assert sorted(await world.notes(order)) == ["1", "2", "3", "4", "bug"]
    kept = [note for note in await world.notes(order) if note in ("bug", "1", "2")]
    assert kept == ["bug", "1", "2"]


async def test_a_refused_record_parks_nothing(world: ToyWorld, order: str) -> None:
    """The fault lies in the record: it becomes a dead letter that names the field, and its successors don't wait."""
    await ask(world, order, "refuse", "fine")
    await world.rest()
    assert await world.notes(order) == ["fine"]
    [letter] = await world.dead(order)
    assert (letter.code, letter.field, letter.parked) == ("refused", "note", False)
    assert not await world.parked(order)


async def test_garbage_harms_no_neighbour(world: ToyWorld, order: str) -> None:
    """What can't be read is a dead letter, and so is what an outsider says and nobody acts on."""
    await ask(world, order, "before")
    await world.say_garbage(order)
    address = {"name": "E", "lines": ["1 High St"], "city": "York", "postal_code": "YO1 7HH", "country": "GB"}
    await world.say(AddressChangeRequested.model_validate({"order_id": order, "ship_to": address}))
    await ask(world, order, "after")
    await world.rest()
    assert await world.notes(order) == ["before", "after"]
    unreadable, not_offered = await world.dead(order)
    assert not unreadable.parked
    assert not unreadable.retryable
    assert (not_offered.code, not_offered.parked, not_offered.retryable) == ("not_offered", False, True)


async def test_a_failing_reaction_parks_its_key_alone(world: ToyWorld, order: str) -> None:
    """What comes behind it waits, across batches; other keys never notice."""
    other = f"{order}-b"
    toy.poisoned.add("bug")
    await ask(world, order, "1", "bug", "2")
    await ask(world, other, "1")
    await world.rest()
    await ask(world, order, "3")
    await ask(world, other, "2")
    await world.rest()
    assert await world.notes(order) == ["1"]
    assert await world.notes(other) == ["1", "2"]
    assert await world.waiting(order) == 2
    assert await world.parked(order)
    [letter] = await world.dead(order)
    assert (letter.code, letter.parked) == ("reaction", True)


async def test_a_parked_key_is_retried_in_order(world: ToyWorld, order: str) -> None:
    """Retried too early it is parked again and nothing overtakes it; mended, all run in their order."""
    toy.poisoned.add("bug")
    await ask(world, order, "1", "bug", "2")
    await world.rest()
    await world.ask_again(order)
    await world.rest()
    await ask(world, order, "3")
    await world.rest()
    assert await world.notes(order) == ["1"]
    assert len(await world.dead(order)) == 2
    toy.poisoned.clear()
    await world.ask_again(order)
    await world.rest()
    await ask(world, order, "4")
    await world.rest()
    assert await world.notes(order) == ["1", "bug", "2", "3", "4"]
    assert await heard(world, order) == ["1", "bug", "2", "3", "4"]
    assert not await world.parked(order)


async def test_two_bugs_in_one_queue_are_mended_one_by_one(world: ToyWorld, order: str) -> None:
    """The queue stops at the second one, and keeps its order."""
    toy.poisoned.update({"bug", "worse"})
    await ask(world, order, "bug", "1", "worse", "2")
    await world.rest()
    toy.poisoned.remove("bug")
    await world.ask_again(order)
    await world.rest()
    assert await world.notes(order) == ["bug", "1"]
    assert await world.waiting(order) == 1
    toy.poisoned.clear()
    await world.ask_again(order)
    await world.rest()
    assert await world.notes(order) == ["bug", "1", "worse", "2"]


async def test_what_was_refused_and_is_tried_again_queues_where_its_key_is_parked(world: ToyWorld, order: str) -> None:
    """It parked nothing, so it has no place of its own in the queue: were it to run and to fail there, its new dead
    letter would take the place of the one that the others wait behind."""
    toy.poisoned.add("bug")
    await ask(world, order, "refuse", "bug", "2")
    await world.rest()
    toy.poisoned.clear()
    toy.poisoned.add("refuse")
    await world.ask_again(order)
    await world.rest()
    assert await world.notes(order) == ["bug", "2"]
    assert await world.parked(order)
    await world.discard(order)
    await world.rest()
    assert not await world.parked(order)


async def test_a_discarded_dead_letter_frees_what_waits(world: ToyWorld, order: str) -> None:
    """Those behind it run without it."""
    toy.poisoned.add("bug")
    await ask(world, order, "1", "bug", "2")
    await world.rest()
    await world.discard(order)
    await world.rest()
    assert await world.notes(order) == ["1", "2"]
    assert not await world.parked(order)


async def test_what_the_database_refuses_is_found_and_parked(world: ToyWorld, order: str) -> None:
    """A constraint fails at one key of a batch: everything else is stored."""
    others = [f"{order}-{number}" for number in range(10)]
    for other in others:
        await ask(world, other, "fine")
    await ask(world, order, "forbidden", "behind")
    await world.rest()
    assert [await world.notes(other) for other in others] == [["fine"]] * 10
    [letter] = await world.dead(order)
    assert (letter.code, letter.parked) == ("database", True)
    assert await world.notes(order) == []
    assert await world.waiting(order) == 1


async def test_a_timer_of_a_parked_key_waits_in_its_place(world: ToyWorld, order: str) -> None:
    """It is due while its key is parked: it runs behind what came before it."""
    toy.poisoned.add("bug")
    await ask(world, order, "remind", "bug", "2")
    await world.rest()
    assert await world.notes(order) == ["remind"]
    assert await world.waiting(order) == 2
    toy.poisoned.clear()
    await world.ask_again(order)
    await world.rest()
    assert await world.notes(order) == ["remind", "bug", "2", "reminded"]


async def test_an_answer_for_a_parked_key_waits_in_its_place(world: ToyWorld, order: str) -> None:
    """The asker is parked when the answer comes: it is heard in its turn."""
    toy.poisoned.add("bug")
    await ask(world, order, "ask", "bug")
    await world.rest()
    assert await world.notes(order) == ["ask"]
    toy.poisoned.clear()
    await world.ask_again(order)
    await world.rest()
    assert await world.notes(order) == ["ask", "bug", "42"]


async def test_a_refusal_that_may_pass_passes_on_retry(world: ToyWorld, order: str) -> None:
    """It says so, parks nothing, and once it is tried again with success nothing is left of it."""
    shelf = f"{order}-shelf"
    await ask(world, order, shelf)
    cause = await world.say(toy.cancellation(order))
    await ask(world, order, shelf)
    await world.rest()
    assert await world.dead(order) == [Dead("unknown_shelf", "reason", parked=False, retryable=True)]
    assert await world.notes(order) == [shelf, shelf]
    await world.ask_again(order)
    await world.rest()
    assert len(await world.dead(order)) == 2
    await ask(world, shelf, "a shelf")
    await world.rest()
    await world.ask_again(order)
    await world.rest()
    await world.ask_again(order)
    await world.rest()
    assert await world.shelf(shelf) == [order]
    assert [one.causation for one in await levels(world, shelf)] == [cause]
    assert len(await world.dead(order)) == 2
