"""What is exported and committed: in step with the code, compatible with what was, and valid."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from packhorse_contracts import compat, registry, topics
from packhorse_contracts.attributes import STRUCTURED
from packhorse_contracts.envelope import Heard, decode
from packhorse_contracts.export import files
from packhorse_contracts.export.__main__ import EXPORTS, TOPICS, main
from packhorse_contracts.export.schemas import Json, schemas
from packhorse_contracts.topic_settings import SERVICES, load

OFFICIAL = Path(__file__).parent / "data" / "asyncapi-3.0.0.json"
SAMPLES = sorted((EXPORTS / "samples").glob("*.json"))


@pytest.fixture(scope="module")
def document() -> Json:
    """The committed AsyncAPI document."""
    found: Json = yaml.safe_load((EXPORTS / "asyncapi.yaml").read_text("utf-8"))
    return found


def references(value: object) -> list[str]:
    """All `$ref`s in a part of a document."""
    if isinstance(value, dict):
        own = [str(value["$ref"])] if "$ref" in value else []
        return own + [found for part in value.values() for found in references(part)]
    return [found for part in value for found in references(part)] if isinstance(value, list) else []


def test_the_committed_exports_are_those_of_the_code() -> None:
    """If this fails run `make contracts`, and look at what it changes."""
    assert files.stale(EXPORTS, files.exports(load(TOPICS, "cluster"))) == []


def test_nothing_breaks_what_is_committed() -> None:
    """If this fails the change needs a new major."""
    assert [str(found) for found in compat.compare(compat.read(EXPORTS / "schemas"), schemas())] == []


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_a_committed_sample_of_any_version_still_reads(path: Path) -> None:
    """As the newest major of its fact; and it is what its JSON Schema describes."""
    heard = decode(path.read_bytes(), [("content-type", STRUCTURED.encode())])
    assert isinstance(heard, Heard), heard
    assert type(heard.fact) is registry.newest(registry.facts[path.stem])
    described = json.loads((EXPORTS / "schemas" / path.name).read_text("utf-8"))
    Draft202012Validator.check_schema(described)
    Draft202012Validator(described, format_checker=FormatChecker()).validate(
        json.loads(path.read_text("utf-8"))["data"]
    )


def test_every_version_has_a_committed_sample() -> None:
    """Old majors included."""
    assert {path.stem for path in SAMPLES} == set(registry.facts)


def test_the_asyncapi_document_is_valid(document: Json) -> None:
    """By the official JSON Schema; which does notice a fault."""
    validator = Draft7Validator(json.loads(OFFICIAL.read_text("utf-8")))
    assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid(document | {"operations": {"x": {"action": "shout"}}})


def test_the_asyncapi_document_says_who_says_and_hears_what(document: Json) -> None:
    """Each topic's writers send and its readers receive exactly its facts."""
    channels, operations = document["channels"], document["operations"]
    assert isinstance(channels, dict)
    assert isinstance(operations, dict)
    assert channels.keys() == topics.ALL.keys() | {"deadLetters"}
    for topic in topics.ALL.values():
        said = {wire for wire, fact in registry.facts.items() if topic == fact.TOPIC}
        assert said
        for action, parties in (("send", topic.writers), ("receive", topic.readers)):
            for party in parties:
                operation = operations[f"{party}.{action}.{topic.name}"]
                assert {reference.rpartition("/")[2] for reference in references(operation)} == said | {topic.name}
    mine = {name.partition(".")[0] for name in operations}
    assert mine == {party for topic in topics.ALL.values() for party in (*topic.writers, *topic.readers)} | {*SERVICES}


def test_references_in_the_asyncapi_document_lead_somewhere(document: Json) -> None:
    """The schema doesn't check that."""

    for reference in set(references(document)):
        place: object = document
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(place, dict)
            assert step in place, reference
            place = place[step]


def test_the_catalogue_names_every_fact_topic_and_party() -> None:
    """One page for people."""
    page = (EXPORTS / "catalogue.md").read_text("utf-8")
    for wire in registry.facts:
        assert f"`{wire}`" in page
    for topic in topics.ALL.values():
        assert f"### {topic.name}\n" in page
        assert f"Said by {', '.join(topic.writers)}; heard by {', '.join(topic.readers)}." in page
    assert page.count("| `") > 300


def test_export_writes_everything_once_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    """Into an empty folder; what belongs to nothing any more goes."""
    folder = ["--folder", str(tmp_path)]
    assert main([*folder, "--check"]) == 1
    assert main(folder) == 0
    (tmp_path / "samples" / "packhorse.gone.away.v1.json").write_text("{}")
    assert main([*folder, "--check"]) == 1
    assert main(folder) == 0
    assert main([*folder, "--check"]) == 0
    names = {path.relative_to(EXPORTS) for path in EXPORTS.rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == names


def test_check_names_the_stale_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that was edited and one that is missing."""
    folder = ["--folder", str(tmp_path)]
    main(folder)
    (tmp_path / "catalogue.md").write_text("edited")
    (tmp_path / "asyncapi.yaml").unlink()
    assert main([*folder, "--check"]) == 1
    assert capsys.readouterr().err.splitlines()[:2] == ["stale: asyncapi.yaml", "stale: catalogue.md"]


def test_export_refuses_a_break(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written over a baseline that the code breaks, unless somebody insists."""
    folder = ["--folder", str(tmp_path)]
    main(folder)
    path = tmp_path / "schemas" / "packhorse.carrier.tracking_updated.v1.json"
    old = json.loads(path.read_text("utf-8"))
    old["properties"]["status"]["enum"].append("teleported")
    path.write_text(json.dumps(old))
    assert main(folder) == main([*folder, "--check"]) == 2
    assert "tracking_updated.v1: status: member teleported is gone" in capsys.readouterr().err
    assert json.loads(path.read_text("utf-8")) == old
    elsewhere = ["--folder", str(tmp_path / "new"), "--baseline", str(tmp_path)]
    assert main(elsewhere) == 2
    assert main([*folder, "--accept-breaks"]) == 0
    assert main([*folder, "--check"]) == 0
