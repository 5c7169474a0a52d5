"""The diagrams on the services' pages show where orders really go."""

from packhorse_devstack.places import project
from packhorse_simulation.ways import drawn_on, ways

from .budget import LIVES

FEW = range(10_000, 10_000 + max(10, LIVES // 100))


def test_every_way_that_is_gone_is_drawn() -> None:
    """From one status to another, in scenarios that weren't drawn from. Where this fails: `make diagrams`."""
    for (service, kind), found in ways(FEW).items():
        page = (project() / "services" / service / "README.md").read_text("utf-8")
        if f"generated: ways {kind}" in page:
            assert found.keys() <= drawn_on(page), f"{service}, {kind}: {found.keys() - drawn_on(page)}"
            assert found
