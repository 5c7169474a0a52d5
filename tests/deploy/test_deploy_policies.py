"""The example policies: one for each service, with every field, and nothing in them but the defaults."""

import pytest
from packhorse_cli.policy_file import read
from packhorse_contracts.policies import POLICIES
from packhorse_devstack.places import project

FOLDER = project() / "deploy" / "policies"


def test_there_is_one_for_each_service() -> None:
    """Under its name."""
    assert {file.name for file in FOLDER.iterdir()} == {f"{service}.yaml" for service in POLICIES}


@pytest.mark.parametrize("service", POLICIES)
def test_it_names_every_field_at_its_default(service: str) -> None:
    """So that whoever copies it changes nothing that he doesn't mean to."""
    text = (FOLDER / f"{service}.yaml").read_text("utf-8")
    found = read(text)
    assert found.faults == ()
    assert (found.service, found.policy) == (service, POLICIES[service]())
    named = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert named == ["service", *POLICIES[service].model_fields]
