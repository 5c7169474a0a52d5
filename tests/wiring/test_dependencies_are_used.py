"""What a package asks to be installed, its code imports."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = sorted(path.parent for part in ("libs", "services") for path in ROOT.glob(f"{part}/*/pyproject.toml"))

WITHOUT_IMPORT: Final = {"tzdata": "zoneinfo"}
"""A distribution that a module of the standard library reads."""


def _modules(package: Path) -> set[str]:
    """The top-level modules that its source imports."""
    found: set[str] = set()
    for file in package.glob("packhorse_*/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=[package.name for package in PACKAGES])
def test_no_package_asks_for_what_it_never_imports(package: Path) -> None:
    """Each would be installed, audited and renewed for nothing."""
    asked = tomllib.loads((package / "pyproject.toml").read_text())["project"]["dependencies"]
    named = {re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower() for requirement in asked}
    modules = _modules(package)
    owners = packages_distributions()
    used = {owner.lower().replace("_", "-") for module in modules for owner in owners.get(module, [module])}
    used |= {name for name, module in WITHOUT_IMPORT.items() if module in modules}
    assert modules
    assert named <= used
