"""What the catalogue promises of our own services is said by one of them, or marked as planned."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packhorse_contracts import registry
from packhorse_contracts.base import Fact
from packhorse_contracts.topic_settings import SERVICES

ROOT: Final = Path(__file__).parents[2]
OURS: Final = [fact for fact in registry.facts.values() if registry.name_of(fact).sayer in SERVICES]


def _makers(node: ast.AST) -> Iterator[ast.AST]:
    """What a node makes something of: what it calls, or chooses for somebody else to call."""
    match node:
        case ast.Call(func=ast.Attribute(value=made, attr="model_validate")):
            yield made
        case ast.Call(func=ast.Name(id="partial"), args=[made, *_]):
            yield made
        case ast.Call(func=made):
            yield made
        case ast.Dict(values=chosen):
            yield from chosen
        case ast.IfExp(body=one, orelse=other):
            yield from (one, other)


def _made(source: str) -> set[str]:
    """The names of the classes that this source makes something of."""
    return {made.id for node in ast.walk(ast.parse(source)) for made in _makers(node) if isinstance(made, ast.Name)}


MADE: Final = {
    name: set().union(*(_made(file.read_text()) for file in ROOT.glob(f"services/{name}/packhorse_*/**/*.py")))
    for name in SERVICES
}


@pytest.mark.parametrize("fact", OURS, ids=[fact.TYPE for fact in OURS])
def test_a_fact_of_ours_is_said_or_marked_as_planned(fact: type[Fact]) -> None:
    """Else somebody would wait for what never comes, or pass over what does."""
    assert (fact.__name__ in MADE[registry.name_of(fact).sayer]) is not fact.PLANNED


def test_nobody_plans_for_an_outsider() -> None:
    """Whether an outsider says something is theirs to know."""
    assert [fact.TYPE for fact in registry.facts.values() if fact.PLANNED and fact not in OURS] == []


@pytest.mark.parametrize(
    "source", ["Said(at=1)", "Said.model_validate({})", "partial(Said, at=1)", "{'a': Said}", "Said if late else Other"]
)
def test_the_search_sees_how_facts_are_made(source: str) -> None:
    """Each way that a service uses."""
    assert "Said" in _made(source)


@pytest.mark.parametrize("source", ["def f(fact: Said) -> Said: ...", "isinstance(x, Said)", "on(Said, KIND, 'id', f)"])
def test_hearing_is_not_saying(source: str) -> None:
    """A reaction names what it hears."""
    assert "Said" not in _made(source)
