"""What a business sets is in force from the next decision on, and changes none before it."""

from datetime import timedelta
from typing import Any

from packhorse_chassis.core.memory import Memory
from packhorse_contracts.inventory import InventoryLevelChanged, InventoryLowStock
from packhorse_contracts.operations import OperationsPolicySet

from .inventory_story import NOON, accepted, received
from .inventory_truth import at, counted
from .test_inventory_stock import cancelled, hear, level, stocked


def policy(version: int, **fields: Any) -> OperationsPolicySet:
    """What somebody has set for inventory."""
    return OperationsPolicySet(
        service="inventory", policy_version=version, at=NOON, policy=fields, by="ana", why="test"
    )


def alerts(service: Memory) -> list[tuple[int, int]]:
    """What was available at each alert, and its threshold."""
    return [(fact.available_to_promise, fact.threshold) for fact in service.said(InventoryLowStock)]


def test_a_higher_threshold_alerts_at_the_next_change() -> None:
    """Not for what was decided before it; what it says names the new one."""
    service = stocked(MUG=10)
    hear(service, accepted("o1", ("MUG", 1)))
    hear(service, policy(1, low_stock=8))
    assert alerts(service) == []
    hear(service, accepted("o2", ("MUG", 1)))
    assert alerts(service) == [(8, 8)]


def test_a_lower_threshold_ends_the_alert() -> None:
    """What counts as recovered is told by the policy of the day, too: the next fall is a new alert."""
    service = stocked(MUG=4)
    hear(service, accepted("o1", ("MUG", 2)), policy(1, low_stock=0), accepted("o2", ("MUG", 1)))
    assert not level(service, "MUG").low
    hear(service, accepted("o3", ("MUG", 1)))
    assert alerts(service) == [(2, 2), (0, 0)]


def test_safety_stock_is_held_back_where_a_location_is_new_to_a_sku() -> None:
    """Locations that have the SKU already keep what was set when it came."""
    service = stocked(MUG=5)
    hear(service, policy(1, safety_stock=2), received("r-2", "north", MUG=1), received("r-3", "south", MUG=5))
    assert (level(service, "MUG").safety_stock, level(service, "MUG", "south").safety_stock) == (0, 2)
    assert service.said(InventoryLevelChanged)[-1].available_to_promise == 3


def test_a_look_at_what_is_unexplained_is_due_by_the_policy_of_that_day() -> None:
    """One that is set already stays as it is."""
    late = NOON + timedelta(days=1)
    service = stocked(MUG=4, TRAY=4)
    hear(service, accepted("o1", ("MUG", 4), ("TRAY", 4)))
    service.hear(at(counted(0), 30), late)
    hear(service, policy(1, explain_within="PT10M"))
    service.hear(at(counted(0, name="c-2").model_copy(update={"sku": "TRAY"}), 30), late)
    assert [timer.due - late for timer in service.timers.values()] == [timedelta(hours=1), timedelta(minutes=10)]


def test_only_what_was_decided_by_the_policy_says_so() -> None:
    """Levels are (for the alert is); a refusal isn't, nor is a release of nothing."""
    service = stocked(MUG=5)
    hear(service, policy(1, low_stock=1))
    assert service.hear(accepted("o1", ("MUG", 1)), NOON).under == 1
    assert service.hear(accepted("o2", ("MUG", 9)), NOON).under is None
    assert service.hear(cancelled("o2"), NOON).under is None
