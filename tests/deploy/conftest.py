"""What the files say that lay the system out in containers."""

import re
from pathlib import Path

import pytest
import yaml
from packhorse_devstack.places import project

from .deploy_files import Compose, Service


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return project()


@pytest.fixture(scope="session")
def example(root: Path) -> dict[str, str]:
    """The variables of .env.example."""
    lines = (root / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="session")
def compose(root: Path, example: dict[str, str]) -> Compose:
    """docker-compose.yml with the variables of .env.example; each password is `secret`."""
    text = (root / "docker-compose.yml").read_text()
    values = {name: value or "secret" for name, value in example.items()}
    text = re.sub(r"\$\{(\w+)(?::-[^}]*)?\}", lambda found: values[found[1]], text)
    loaded = yaml.safe_load(text)
    return Compose({name: Service.model_validate(body) for name, body in loaded["services"].items()}, loaded)


@pytest.fixture(scope="session")
def ours(root: Path) -> list[str]:
    """The services of the repository."""
    return sorted(wiring.parent.parent.name for wiring in root.glob("services/*/packhorse_*/service.py"))
