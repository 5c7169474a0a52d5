"""The contract's part on names: facts that know their subject by an alias alone."""

import pytest
import toy

from .contract import Dead, ToyWorld

UNKNOWN = Dead("unknown_ticket", "order_id", parked=False, retryable=True)


@pytest.mark.parametrize("rivals", [False, True])
async def test_a_fact_finds_its_subject_by_another_name(world: ToyWorld, order: str, rivals: bool) -> None:
    """Whoever handles it: it is about the order, and takes its place among all that is said of it."""
    await world.say(toy.request(order, f"ticket {order}-t"))
    await world.rest()
    world.rivals = rivals
    for note in ("1", "2"):
        await world.say(toy.claim_by(f"{order}-t", note))
    await world.rest()
    assert (await world.notes(order))[1:] == ["1", "2"]
    assert [said.sequence for said in await world.said(order)] == [1, 2, 3]
    assert await world.notes(f"{order}-t") == []


@pytest.mark.parametrize("rivals", [False, True])
async def test_a_fact_that_comes_before_the_name_waits_for_it(world: ToyWorld, order: str, rivals: bool) -> None:
    """In order, and nobody else is held up."""
    for note in ("1", "2", "3"):
        await world.say(toy.claim_by(f"{order}-t", note))
    await world.say(toy.request(order, "other"))
    await world.rest()
    assert await world.notes(order) == ["other"]
    world.rivals = rivals
    await world.say(toy.request(order, f"ticket {order}-t"))
    await world.say(toy.claim_by(f"{order}-t", "4"))
    await world.rest()
    assert await world.notes(order) == ["other", f"ticket {order}-t", "1", "2", "3", "4"]
    assert await world.waiting(f"{order}-t") == 0


async def test_a_fact_that_comes_with_its_name_waits_for_nobody(world: ToyWorld, order: str) -> None:
    """Of one batch, whichever is first in it: topics have no order among them."""
    for note in ("1", "2"):
        await world.say(toy.claim_by(f"{order}-t", note))
    await world.say(toy.request(order, f"ticket {order}-t"))
    await world.say(toy.claim_by(f"{order}-t", "3"))
    await world.rest()
    assert await world.notes(order) == [f"ticket {order}-t", "1", "2", "3"]
    assert await world.waiting(f"{order}-t") == 0


async def test_a_name_that_never_comes_is_waited_for_with_a_limit(world: ToyWorld, order: str) -> None:
    """Then it is a dead letter that says whom it asked for; should the name come after all, it is tried again by
    itself."""
    await world.say(toy.claim_by(f"{order}-t", "1"))
    await world.rest()
    await world.grow_old()
    assert await world.dead(f"{order}-t") == [UNKNOWN]
    assert await world.waiting(f"{order}-t") == 0
    await world.say(toy.request(order, f"ticket {order}-t"))
    await world.rest()
    assert await world.notes(order) == [f"ticket {order}-t", "1"]


async def test_a_name_may_lead_elsewhere_later(world: ToyWorld, order: str) -> None:
    """As a tracking number that the carrier uses again."""
    for owner in ("a", "b"):
        await world.say(toy.request(f"{order}-{owner}", f"ticket {order}-t"))
        await world.rest()
        await world.say(toy.claim_by(f"{order}-t", "claimed"))
        await world.rest()
    for owner in ("a", "b"):
        assert (await world.notes(f"{order}-{owner}"))[1:] == ["claimed"]


async def test_what_waits_for_a_name_is_parked_with_its_subject(world: ToyWorld, order: str) -> None:
    """Once the name is known it queues behind what parked the subject."""
    toy.poisoned.add("bad")
    await world.say(toy.claim_by(f"{order}-t", "1"))
    await world.say(toy.request(order, f"ticket {order}-t"))
    await world.say(toy.request(order, "bad"))
    await world.rest()
    await world.say(toy.claim_by(f"{order}-t", "2"))
    await world.rest()
    assert await world.parked(order)
    toy.poisoned.clear()
    await world.ask_again(order)
    await world.rest()
    assert (await world.notes(order))[-2:] in (["bad", "2"], ["1", "2"])
    assert sorted(await world.notes(order)) == sorted([f"ticket {order}-t", "1", "bad", "2"])
    assert await world.waiting(order) == await world.waiting(f"{order}-t") == 0
