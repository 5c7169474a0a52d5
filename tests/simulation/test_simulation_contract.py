"""One contract, three worlds: the real chassis on real servers, and the simulation with objects and with bytes.

What holds in the simulation says something about the real thing only as far as both keep these promises.
"""

import pytest
import toy
from packhorse_contracts import ids
from packhorse_contracts.customer import ReleaseRequested

from .contract import Dead, Death, Said, ToyWorld


async def ask(world: ToyWorld, order: str, *notes: str) -> list[str]:
    """Says some notes about an order; gives their ids."""
    return [await world.say(toy.request(order, note)) for note in notes]


async def heard(world: ToyWorld, order: str) -> list[str]:
    """The notes that were said of an order, each id once, in order."""
    return list({said.id: said.note for said in await world.said(order)}.values())


async def levels(world: ToyWorld, shelf: str) -> list[Said]:
    """The snapshots of a shelf."""
    return await world.said(ids.joint(shelf, "toy"))


async def test_order_within_a_key_holds_from_topic_to_topic(world: ToyWorld, order: str) -> None:
    """What comes in order is taken, kept and said in order, numbered without a gap, and names its cause."""
    notes = [str(number) for number in range(20)]
    causes = await ask(world, order, *notes)
    await world.rest()
    assert await world.notes(order) == notes
    said = await world.said(order)
    assert [one.note for one in said] == notes
    assert [one.sequence for one in said] == list(range(1, 21))
    assert [one.causation for one in said] == causes
    assert len({one.id for one in said}) == 20


async def test_a_repeat_changes_nothing(world: ToyWorld, order: str) -> None:
    """The same event, in the same batch and in a later one, counts once."""
    for _ in range(2):
        await world.say(toy.request(order, "one"), f"id-{order}")
    await world.rest()
    await world.say(toy.request(order, "one"), f"id-{order}")
    await world.rest()
    assert await world.notes(order) == ["one"]
    assert len(await world.said(order)) == 1


@pytest.mark.parametrize("rivals", [False, True])
@pytest.mark.parametrize("batches", [1, 2])
async def test_other_content_under_a_used_id_is_a_dead_letter(
    world: ToyWorld, order: str, rivals: bool, batches: int
) -> None:
    """Never silence: whether it comes in the same batch, in a later one, or to two owners. Each other content is told
    once; the first one counts, and comes again as often as it likes."""
    world.rivals = rivals
    used = f"id-{order}"
    await world.say(toy.request(order, "one"), used)
    if batches == 2:
        await world.rest()
    world.rivals = rivals
    for note in ("two", "one", "two"):
        await world.say(toy.request(order, note), used)
    await world.say(ReleaseRequested(order_id=order, hold="manual", holder="test", note="one"), used)
    await world.rest()
    world.rivals = rivals
    for note in ("two", "one"):
        await world.say(toy.request(order, note), used)
    await world.rest()
    assert await world.notes(order) == ["one"]
    assert await heard(world, order) == ["one"]
    assert await world.dead(order) == [Dead("id_reused", "ce_id", parked=False, retryable=False)] * 2


async def test_an_id_belongs_to_its_topic(world: ToyWorld, order: str) -> None:
    """A checkout may name its order and the cancellation of it by one id: both are taken, and what follows from them
    has ids of its own."""
    used = f"id-{order}"
    for _ in range(2):
        await world.say(toy.request(order, "one"), used)
        await world.say(toy.location(order, "two"), used)
        await world.rest()
    assert sorted(await world.notes(order)) == ["one", "two"]
    assert len({said.id for said in await world.said(order)}) == 2
    assert await world.dead(order) == []


async def test_nobody_takes_the_place_of_what_a_service_will_say(world: ToyWorld, order: str) -> None:
    """Its ids are derived, and so can be foretold. Whoever uses one before, in its name, on a topic that is open to
    them, doesn't make a repeat of it."""
    used = ids.derive(toy.NOON, order)
    await world.say(toy.request(order, "forged"), used, source="/packhorse/shipping")
    await world.rest()
    await world.say(toy.collection(order, "true"), used, source="/packhorse/shipping")
    await world.rest()
    assert "true" in await world.notes(order)
    assert "true" in await heard(world, order)


@pytest.mark.parametrize("where", [Death.BEFORE_COMMIT, Death.BEFORE_OFFSETS])
async def test_a_killed_consumer_takes_each_record_once(world: ToyWorld, order: str, where: Death) -> None:
    """Killed before the commit nothing was stored; killed after it, what comes again is known."""
    world.die(where)
    await ask(world, order, "one", "remind", "ask")
    await world.rest()
    assert sorted(await world.notes(order)) == ["42", "ask", "one", "remind", "reminded"]
    assert sorted(await heard(world, order)) == ["42", "ask", "one", "remind", "reminded"]
    assert [one.sequence for one in await world.said(order)] == [1, 2, 3, 4, 5]
    assert world.asked == [f"ask-{order}"]


async def test_a_killed_relay_says_the_same_again(world: ToyWorld, order: str) -> None:
    """What was published before it died comes again with the same id and number, in the same order."""
    world.die(Death.BEFORE_DELETE)
    await ask(world, order, "one")
    await world.rest()
    first, again = await world.said(order)
    assert first == again
    await ask(world, order, "two")
    await world.rest()
    assert [one.sequence for one in await world.said(order)] == [1, 1, 2]


async def test_two_owners_of_one_partition_take_each_record_once(world: ToyWorld, order: str) -> None:
    """A zombie and its successor have the same batch at the same time; a rival sees the same timers."""
    world.rivals = True
    await ask(world, order, "1", "2", "remind", "3")
    await world.rest()
    assert await world.notes(order) == ["1", "2", "remind", "3", "reminded"]
    assert [one.sequence for one in await world.said(order)] == [1, 2, 3, 4, 5]


async def test_a_timer_fires_once(world: ToyWorld, order: str) -> None:
    """Set anew it is replaced; what follows from it is said like anything else."""
    await ask(world, order, "remind", "remind")
    await world.rest()
    assert await world.notes(order) == ["remind", "remind", "reminded"]
    assert await heard(world, order) == ["remind", "remind", "reminded"]
    assert await world.timers(order) == 0


async def test_a_cancelled_timer_never_fires(world: ToyWorld, order: str) -> None:
    """In the same batch in which it was set."""
    await ask(world, order, "remind", "forget")
    await world.rest()
    assert await world.notes(order) == ["remind", "forget"]
    assert await world.timers(order) == 0


async def test_an_effect_is_asked_with_one_key_until_it_answers(world: ToyWorld, order: str) -> None:
    """Two failures, then the answer, heard once; the same request later is not asked again."""
    world.failures = 2
    await ask(world, order, "ask")
    await world.rest()
    assert world.asked == [f"ask-{order}"] * 3
    await ask(world, order, "ask")
    await world.rest()
    assert await world.notes(order) == ["ask", "42", "ask"]
    assert world.asked == [f"ask-{order}"] * 3


async def test_an_answer_that_died_with_its_process_is_asked_for_again(world: ToyWorld, order: str) -> None:
    """Not before the lease has run out, with the same key; it is heard once."""
    world.die(Death.UNDER_WAY)
    await ask(world, order, "ask")
    await world.rest()
    assert world.asked == [f"ask-{order}"] * 2
    assert await heard(world, order) == ["ask", "42"]


async def test_an_effect_is_given_up_at_its_deadline(world: ToyWorld, order: str) -> None:
    """That no answer came is an answer too, and is heard once."""
    world.failures = 1_000
    await ask(world, order, "ask briefly")
    await world.rest()
    assert await heard(world, order) == ["ask briefly", "unknown"]
    asked = len(world.asked)
    assert world.asked == [f"ask-{order}"] * asked
    await ask(world, order, "ask")
    await world.rest()
    assert len(world.asked) == asked


@pytest.mark.parametrize("reason", ["aloud", "quietly"])
async def test_what_lies_beside_many_subjects_loses_nothing(world: ToyWorld, order: str, reason: str) -> None:
    """Several orders change one shelf at the same time, by several owners; each time all of it is seen. Quietly,
    there is nothing but the shelf itself to keep them apart."""
    orders = [f"{order}-{number}" for number in range(toy.ROOM)]
    await ask(world, order, "a shelf")
    for one in orders:
        await ask(world, one, order)
    await world.rest()
    world.rivals = True
    causes = {await world.say(toy.cancellation(one, reason)) for one in orders}
    await world.rest()
    assert sorted(await world.shelf(order)) == sorted(orders)
    said = await levels(world, order)
    seen = [int(one.note) for one in said]
    assert seen == sorted(set(seen))
    assert seen[-1:] == ([toy.ROOM] if reason == "aloud" else [])
    assert [one.sequence for one in said] == list(range(1, len(said) + 1))
    assert {one.causation for one in said} <= causes


async def test_what_is_only_read_beside_is_as_it_is_now(world: ToyWorld, order: str) -> None:
    """A kind for reference: refused while nothing is known of it, taken as soon as something is, also in one batch."""
    one, other = f"{order}-1", f"{order}-2"
    await ask(world, one, order)
    await ask(world, other, other)
    for each in (one, other):
        await world.say(toy.cancellation(each))
    await world.rest()
    assert (await world.shelf(order), await world.shelf(other)) == ([], [other])
    await ask(world, order, "a shelf")
    await world.rest()
    await world.say(toy.cancellation(one))
    await world.rest()
    assert await world.shelf(order) == [one]


@pytest.mark.parametrize("rivals", [False, True])
async def test_an_input_may_need_what_an_earlier_one_of_its_batch_names(
    world: ToyWorld, order: str, rivals: bool
) -> None:
    """Nobody could lock that beforehand: all is undone, and done again with it. And what a reaction itself asks for,
    though its route doesn't name it: the shelf behind a full one."""
    world.rivals = rivals
    shelf = f"{order}-shelf"
    for name in (shelf, f"{shelf}+"):
        await ask(world, name, "a shelf")
    await world.rest()
    world.rivals = rivals
    await ask(world, order, shelf)
    for _ in range(toy.ROOM + 2):
        await world.say(toy.cancellation(order))
    await ask(world, order, "done")
    await world.rest()
    assert await world.shelf(shelf) == [order] * toy.ROOM
    assert await world.shelf(f"{shelf}+") == [order] * 2
    assert await world.journal(order) == [shelf] * toy.ROOM + [f"{shelf}+"] * 2
    assert await world.notes(order) == [shelf, "done"]
    assert [one.note for one in await world.said(order)] == [shelf, "done"]
    assert [one.sequence for one in await world.said(order)] == [1, 2]
    assert await world.dead(order) == []


async def test_of_several_snapshots_in_one_batch_the_last_is_said(world: ToyWorld, order: str) -> None:
    """One record, and no gap in the numbers of its key."""
    shelf = f"{order}-shelf"
    await ask(world, shelf, "a shelf")
    await ask(world, order, shelf)
    await world.rest()
    for _ in range(3):
        cause = await world.say(toy.cancellation(order))
    await world.rest()
    [said] = await levels(world, shelf)
    assert (said.note, said.sequence, said.causation) == ("3", 1, cause)
    await world.say(toy.cancellation(order))
    await world.rest()
    assert [(one.note, one.sequence) for one in await levels(world, shelf)] == [("3", 1), ("4", 2)]


async def test_a_journal_has_one_line_for_a_repeat(world: ToyWorld, order: str) -> None:
    """Whether it comes in the same batch, in a later one, or to two owners; a reaction that fails writes none."""
    world.rivals = True
    await ask(world, order, order)
    await world.rest()
    world.rivals = True
    for _ in range(2):
        await world.say(toy.cancellation(order), f"id-{order}")
    await world.rest()
    await world.say(toy.cancellation(order), f"id-{order}")
    await world.rest()
    assert await world.journal(order) == [order]
    assert await world.shelf(order) == [order]


async def test_facts_are_never_dropped_by_their_number(world: ToyWorld, order: str) -> None:
    """What was heard is known by its id alone: numbers that fall, or come twice, are no repeats."""
    for batch in (("1", 5), ("2", 5), ("3", 4)), (("4", 4), ("5", 1)):
        for note, sequence in batch:
            await world.say(toy.request(order, note), sequence=sequence)
        await world.rest()
    assert await world.notes(order) == ["1", "2", "3", "4", "5"]


async def test_a_reaction_that_keeps_nothing_still_speaks(world: ToyWorld, order: str) -> None:
    """An unchanged state is no reason to be silent."""
    await world.say(ReleaseRequested(order_id=order, hold="manual", holder="test", note="go"))
    await world.rest()
    assert await world.notes(order) == []
    assert await heard(world, order) == ["go"]


async def test_a_dry_run_is_answered_once_and_nothing_comes_of_it(world: ToyWorld, order: str) -> None:
    """However often it is delivered, whoever dies; of a parked order too. The request may follow under its id."""
    world.die(Death.BEFORE_OFFSETS)
    for note in ("remind", "ask", "refuse", "one", "one"):
        await world.try_out(toy.request(order, note), f"{note}-{order}")
    await world.rest()
    assert not await world.notes(order)
    assert not await world.dead(order)
    assert await world.timers(order) == len(world.asked) == 0
    assert {note: await heard(world, f"{note}-{order}") for note in ("remind", "ask", "refuse", "one")} == {
        "remind": ["1 facts, 1 timers, 0 effects"],
        "ask": ["1 facts, 0 timers, 1 effects"],
        "refuse": ["refused"],
        "one": ["1 facts, 0 timers, 0 effects"],
    }
    await world.say(toy.request(order, "one"), f"one-{order}")
    await world.rest()
    assert await heard(world, order) == ["one"]
    assert [said.sequence for said in await world.said(order)][-1] == 1
    toy.poisoned.add("bad")
    await ask(world, order, "bad")
    await world.try_out(toy.request(order, "two"), f"two-{order}")
    await world.rest()
    assert await heard(world, f"two-{order}") == ["parked"]
    assert await world.waiting(order) == 0
