"""A policy file is read as YAML 1.2, or as JSON; each fault is named with its place and with what would be right."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packhorse_cli.policy_file import MOST_CHARS, Fault, differing, read
from packhorse_contracts.policies import OrderPolicy

A_WHILE = "more than nothing and ten years at most: seconds, or ISO 8601"


def faults(text: str, service: str | None = None) -> list[tuple[int, int, str, str]]:
    """Line, column, field and what is wrong."""
    found = read(text, service)
    assert found.policy is None
    assert all(fault.right for fault in found.faults)
    return [(fault.line, fault.column, fault.field, fault.wrong) for fault in found.faults]


def test_a_file_says_whose_policy_it_is_and_what_differs() -> None:
    """All that it doesn't name is as by default; what it names as by default differs in nothing."""
    found = read("service: order\ngrace: 7200   # two hours\ncut_off: 15:00\ntransit_days:\n  economy: 7\n")
    assert (found.service, found.faults) == ("order", ())
    assert found.policy == OrderPolicy(
        grace=timedelta(hours=2), transit_days={"economy": 7, "standard": 3, "express": 1}
    )
    assert differing(found.policy) == {
        "grace": "PT2H",
        "transit_days": {"economy": 7, "standard": 3, "express": 1},
    }


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_as_well(indent: int | str | None) -> None:
    """Also where tabs indent it, which YAML doesn't take."""
    told = {"service": "order", "grace": "PT2H", "transit_days": {"economy": 7}}
    found = read(json.dumps(told, indent=indent))
    assert found.policy == read("grace: PT2H\ntransit_days: {economy: 7}", "order").policy
    assert found.policy is not None


def test_it_is_yaml_1_2() -> None:
    """A time of day is no number in the base of 60, `no` is a language and not a lie, 010 is ten."""
    assert read("service: order\ncut_off: 09:30").policy == OrderPolicy(cut_off="09:30")
    assert faults("service: notification\nfallback_language: no") == [
        (2, 20, "fallback_language", '"no" isn\'t one of those that there are')
    ]
    found = read("service: inventory\nlow_stock: 010").policy
    assert found is not None
    assert differing(found) == {"low_stock": 10}


def test_every_fault_is_named_at_once() -> None:
    """In the order of the file."""
    text = """service: order
payment_dedline: PT30M
cut_off: 7:00
transit_days: {economy: -1, snail: 3, express: 1.5}
grace: soon
"""
    assert read(text).faults == (
        Fault(2, 1, "payment_dedline", "the policy of order has no such field", "payment_deadline, perhaps"),
        Fault(3, 10, "cut_off", '"7:00" isn\'t of that form', 'text, such as "15:00"'),
        Fault(4, 25, "transit_days.economy", "-1 is too little", "a whole number from 0 to 366"),
        Fault(4, 29, "transit_days.snail", "there is no such name", "one of economy, standard, express"),
        Fault(4, 48, "transit_days.express", "1.5 is no whole number", "a whole number from 0 to 366"),
        Fault(5, 8, "grace", '"soon" is no length of time that can be set', f'{A_WHILE}, such as "P1D"'),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (1, 1, "", "the file says nothing")),
        ("# nothing\n", (1, 1, "", "the file says nothing")),
        ("- order", (1, 1, "", "this is no list of names and values")),
        ("grace: 1", (1, 1, "service", "it isn't said whose policy this is")),
        ("grace: 1\nservice: ordr", (2, 10, "service", 'there is no service "ordr"')),
        ("service: [order]", (1, 10, "service", 'there is no service ["order"]')),
        ("service: order\ngrace: 1\ngrace: 2", (3, 1, "grace", "it stands in line 2 already")),
        ("service: order\ngrace:\ncut_off: 15:00", (2, 1, "grace", "nothing stands behind it")),
        ("service: order\ngrace: null", (2, 8, "grace", "null is no length of time that can be set")),
        ("service: order\ngrace: [1]", (2, 8, "grace", "this is no length of time that can be set")),
        ("service: order\ngrace: -3", (2, 8, "grace", "-3 is too little")),
        ("service: order\ngrace: 1e300", (2, 8, "grace", "1e300 is no length of time that can be set")),
        ("service: order\ngrace: P20Y", (2, 8, "grace", '"P20Y" is too much')),
        ("service: order\ngrace: PXD", (2, 8, "grace", '"PXD" is no length of time')),
        ("service: order\ncut_off: 900", (2, 10, "cut_off", "900 is no text")),
        ("service: order\ntransit_days: 5", (2, 15, "transit_days", "5 is no list of names and values")),
        ("service: inventory\nlow_stock: '3'", (2, 12, "low_stock", '"3" is no whole number')),
        ("service: inventory\nlow_stock: yes", (2, 12, "low_stock", '"yes" is no whole number')),
        ("service: inventory\nlow_stock: true", (2, 12, "low_stock", "true is no whole number")),
        ("service: payment\nattempts: 0", (2, 11, "attempts", "0 is too little")),
        ("service: order\ngrace: !!set 1", (2, 8, "grace", '"tag:yaml.org,2002:set" means nothing here')),
        ("service: order\n? [a]\n: 1", (2, 3, "", "a name is text")),
        (
            "service: order\ngrace: &a PT1H\npayment_deadline: *a",
            (2, 8, "payment_deadline", "a reference to another place of the file"),
        ),
    ],
)
def test_what_may_be_wrong(text: str, found: tuple[int, int, str, str]) -> None:
    """One fault each, where it stands."""
    assert faults(text) == [found]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("service: order\n\tgrace: 1", 2, 1),
        ("service: [", 1, 11),
        ("service: order\n---\nservice: payment", 2, 1),
        ("service: order\ngrace: \x07", 2, 8),
        ("[" * 5_000, 1, 1),
        (" " * (MOST_CHARS + 1), 1, 1),
    ],
)
def test_what_is_no_yaml_is_told_by_its_place(text: str, line: int, column: int) -> None:
    """It is the only fault, for nothing else can be told."""
    (found,) = faults(text, "order")
    assert found[:2] == (line, column)


def test_whose_policy_it_is_may_be_said_beside_the_file_or_twice() -> None:
    """But not in two ways."""
    assert read("grace: 1", "order").policy == read("service: order\ngrace: 1", "order").policy
    assert faults("service: order\ngrace: 1", "payment") == [(1, 10, "service", "this is the policy of order")]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="service:order \n\t-[]{}&*!|>'\"#%@`,?0.", max_size=60)))
def test_whatever_a_file_holds_it_is_a_policy_or_has_faults(text: str) -> None:
    """It never raises."""
    found = read(text, "order")
    assert (found.policy is None) is bool(found.faults)
    for fault in found.faults:
        assert fault.line >= 1
        assert fault.column >= 1


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["grace", "cut_off", "transit_days", "service", "[key]", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("order"),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["economy", "[key]", "a"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=5,
    )
)
def test_whatever_json_says_it_is_a_policy_or_has_faults(said: dict[str, object]) -> None:
    """The same, past the parser."""
    found = read(json.dumps(said), "order")
    assert (found.policy is None) is bool(found.faults)
