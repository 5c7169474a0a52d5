"""No module leads back to itself: each can be read, and tried, without those that are built on it."""

import grimp
import pytest
from packhorse_cli.system import SERVICES

LIBRARIES = ("contracts", "chassis", "simulation", "audit", "devstack", "cli")


@pytest.mark.parametrize("name", [*LIBRARIES, *SERVICES])
def test_imports_lead_in_one_direction(name: str) -> None:
    """Of what runs; an import for the type checker alone binds nothing together."""
    graph = grimp.build_graph(f"packhorse_{name}", exclude_type_checking_imports=True, cache_dir=None)
    below = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := {module for module, imported in below.items() if not imported}:
        below = {module: imported - free for module, imported in below.items() if module not in free}
    assert not below, f"these lead in a circle: {sorted(below)}"
