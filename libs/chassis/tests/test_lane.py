"""How hard an outside may be asked."""

from packhorse_chassis.effects.lane import LONGEST_REST, Lane, Limits


def fail(lane: Lane, times: int, now: float = 0.0) -> bool:
    """So many attempts that didn't reach the outside; True where the last one opened the breaker."""
    opened = False
    for _ in range(times):
        lane.started(1)
        opened = lane.ended(now, reached=False)
    return opened


def test_attempts_at_once() -> None:
    """No more are under way than the limit, and one that ends makes room."""
    lane = Lane(Limits(at_once=3))
    lane.started(2)
    assert lane.free(0) == 1
    lane.started(1)
    assert lane.free(0) == 0
    lane.ended(0, reached=True)
    assert lane.free(0) == 1


def test_attempts_a_second() -> None:
    """No second starts more than its share, and a pause saves up no more than one second's."""
    lane = Lane(Limits(at_once=1_000, per_second=10))
    started = 0
    for tick in range(1_000):  # ten seconds
        free = lane.free(tick / 100)
        lane.started(free)
        started += free
    assert 100 <= started <= 111
    assert lane.free(3_600) == 10


def test_less_than_one_a_second() -> None:
    """A slow rate is kept as well."""
    lane = Lane(Limits(at_once=10, per_second=0.5))
    assert lane.free(0) == 1
    lane.started(1)
    assert lane.free(1.9) == 0
    assert lane.free(2.1) == 1


def test_an_outside_that_keeps_failing_is_left_alone() -> None:
    """After so many failures in a row; one success in between starts the count anew."""
    lane = Lane(Limits(at_once=10, failures=3))
    assert not fail(lane, 2)
    lane.started(1)
    lane.ended(0, reached=True)
    assert not fail(lane, 2)
    assert fail(lane, 1)
    assert lane.resting
    assert lane.free(0) == 0


def test_one_attempt_tries_it_after_the_rest() -> None:
    """One, not all that wait; and its success lets all go on."""
    lane = Lane(Limits(at_once=10, failures=1, rest=1))
    fail(lane, 1)
    assert lane.free(1.1) == 1
    lane.started(1)
    assert lane.free(1.1) == 0
    lane.ended(1.2, reached=True)
    assert not lane.resting
    assert lane.free(1.2) == 10


def test_each_failed_trial_makes_the_rest_longer() -> None:
    """Up to a limit."""
    lane = Lane(Limits(at_once=10, failures=1, rest=1))
    now = 0.0
    fail(lane, 1, now)
    for _ in range(12):
        began = now
        while not lane.free(now):
            now += 0.01
        lane.started(1)
        assert lane.ended(now, reached=False)
    assert now - began > LONGEST_REST / 2 - 0.1
    assert now - began <= LONGEST_REST + 0.1


def test_attempts_that_were_under_way_when_it_opened_count_no_more() -> None:
    """They don't make the rest longer."""
    lane = Lane(Limits(at_once=10, failures=2, rest=1))
    lane.started(5)
    assert [lane.ended(0, reached=False) for _ in range(5)] == [False, True, False, False, False]
    assert lane.free(1.1) == 1
