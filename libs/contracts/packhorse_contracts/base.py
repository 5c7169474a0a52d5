"""What every fact is made of: the frozen base class and the value types of the contracts.

A value type says the same to the reader and in the JSON Schema; `libs/contracts/README.md` tells what lies beyond that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, core_schema

from packhorse_contracts import ids, registry, times
from packhorse_contracts.gs1 import check_gtin, check_sscc
from packhorse_contracts.languages import LANGUAGE_TAG, well_formed
from packhorse_contracts.topics import OUTSIDERS, Topic

MAX_MINOR_UNITS: Final = 10**15
"""No amount is larger: it keeps every total inside a 64 bit integer, and each exact in a JSON number."""

MAX_COUNT: Final = 1_000_000_000
"""Pieces that a fact can name at most."""

MAX_ITEMS: Final = 2_000
"""No list of an outsider is longer, so that what we say about it always fits into a record."""

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL in text or jsonb: one that came through here would fail much later, and park its key."""

JsonSchema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OneLine:
    """One line of text, and the name of what a pattern can't say about it.

    `$` is the end of a text in ECMAScript, which JSON Schema refers to, and here. In Python, Java, .NET and PCRE it is
    also the place before a last line break: the schema keeps that out in words that all understand alike.
    """

    format: str | None = None

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        more = {} if self.format is None else {"format": self.format}
        return {**handler(core), **more, "not": {"pattern": "\\n"}}


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole number within limits. JSON has but one kind of number, and to JSON Schema 1.0 and 1e0 are integers.

    Read as a float first, which knows truth values and texts apart from numbers; exact as long as 53 bits hold it.
    """

    least: int
    most: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        assert -(2**53) < self.least <= self.most < 2**53  # noqa: S101 -- beyond, a float isn't exact
        number = core_schema.float_schema(strict=True, allow_inf_nan=False)
        return core_schema.chain_schema([number, core_schema.int_schema(ge=self.least, le=self.most)])

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return {**handler(core), "type": "integer", "minimum": self.least, "maximum": self.most}


class _Moment:
    """A time, see `times.moment`."""

    @staticmethod
    def read(value: object) -> datetime:
        """Nothing but text and what is a time already; a number of seconds, say, could be of milliseconds as well."""
        if isinstance(value, str):
            return times.moment(value)
        if isinstance(value, datetime):
            return times.to_utc(value)
        raise ValueError("time must be RFC 3339 with an offset")

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=times.PATTERN)
        return core_schema.no_info_plain_validator_function(self.read, json_schema_input_schema=text)


@dataclass(frozen=True, slots=True)
class _NullIs:
    """Null is as good as absent, also where what is absent reads as something empty."""

    empty: tuple[()] | str

    def read(self, value: object) -> object:
        """What is empty in place of null."""
        return self.empty if value is None else value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return {"anyOf": [handler(core), {"type": "null"}]}


def _as_day(value: str) -> str:
    date.fromisoformat(value)
    return value


T = TypeVar("T")
Many = Annotated[tuple[T, ...], Field(max_length=MAX_ITEMS)]
"""A list in a fact of an outsider."""

Perhaps = Annotated[tuple[T, ...], Field(max_length=MAX_ITEMS), _NullIs(())]
"""The same, for a field that may be absent: with `()` for its default."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$"), OneLine()]
"""An opaque identifier: 1 to 64 printable ASCII characters without blanks."""

Text = Annotated[str, StringConstraints(max_length=2_000, pattern=NO_NUL)]
Short = Annotated[str, StringConstraints(max_length=320, pattern=NO_NUL)]
PerhapsText = Annotated[Text, _NullIs("")]
"""A text that may be absent and is empty then: with `""` for its default."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
"""A short name from a list that may grow: readers expect members they don't know."""

MaybeCode = Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]
"""The same where a blank one stands for none; use it with `Given`."""


def _given(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Given = Annotated[T | None, AfterValidator(_given)]
"""An optional text. One that is blank says nothing: it is read as if it were absent."""

Flag = Annotated[bool, Field(strict=True)]
Minor = Annotated[int, _Whole(0, MAX_MINOR_UNITS)]
"""An amount in the minor unit of its currency (cents, pence; JPY has none, KWD has three digits)."""

Difference = Annotated[int, _Whole(-MAX_MINOR_UNITS, MAX_MINOR_UNITS)]
"""A difference of two amounts, in the minor unit of their currency."""

Quantity = Annotated[int, _Whole(1, 1_000_000)]
QuantityOrNone = Annotated[int, _Whole(0, 1_000_000)]
Count = Annotated[int, _Whole(0, MAX_COUNT)]
Grams = Annotated[int, _Whole(0, 100_000_000)]
Millimetres = Annotated[int, _Whole(0, 100_000)]
Priority = Annotated[int, _Whole(0, 9)]
Version = Annotated[int, _Whole(1, 2**53 - 1)]
"""A number that only ever grows."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), OneLine()]
"""ISO 4217 alphabetic code."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), OneLine()]
"""ISO 3166-1 alpha-2 code."""

Language = Annotated[str, StringConstraints(pattern=LANGUAGE_TAG, max_length=320), OneLine()]
"""Any well-formed BCP 47 language tag, e.g. `pt-BR`."""

Locale = Annotated[Short, AfterValidator(well_formed)]
"""What should be a BCP 47 language tag. One that isn't reads as absent: nobody loses an order for that."""

Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_as_day),
    OneLine("date"),
]
"""A calendar day, `YYYY-MM-DD`."""

Gtin = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{8}|[0-9]{12,14})$"),
    AfterValidator(check_gtin),
    OneLine("gtin"),
]
"""GTIN-8, -12, -13 or -14 with a valid check digit."""

Sscc = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{18}$"),
    AfterValidator(check_sscc),
    OneLine("sscc"),
]
"""SSCC-18 with a valid check digit."""

Utc = Annotated[datetime, _Moment(), OneLine("date-time")]
"""RFC 3339 with an offset when read; always UTC once read."""


def _lists(schema: object) -> Iterator[dict[str, object]]:
    if isinstance(schema, dict):
        kind = schema.get("type")  # or a field of that name
        if isinstance(kind, str) and kind in {"tuple", "list", "set", "frozenset"}:
            yield schema
        inside = list(schema.values())
    else:
        inside = schema if isinstance(schema, list) else []
    for inner in inside:
        yield from _lists(inner)


class UnsoundFieldError(AttributeError):
    """Asked for a field that is at fault, in what is left of a fact that breaks its contract (see `lenient`)."""


class Model(BaseModel):
    """A part of a fact: frozen, and blind to fields it doesn't know (a newer writer may add some)."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        allow_inf_nan=False,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,  # errors are logged, and values may be personal
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """No list is looked at beyond its first wrong member: a small record could hold more faults than memory."""
        schema = handler(source)
        for inner in _lists(schema):
            inner["fail_fast"] = True
        return schema

    if not TYPE_CHECKING:  # a checker would take any name for a field

        def __getattr__(self, name: str) -> object:
            if name in type(self).model_fields:
                raise UnsoundFieldError(name)
            return super().__getattr__(name)


class Money(Model):
    """An amount of money, in the minor unit of its ISO 4217 currency."""

    amount: Minor = Field(description="In minor units of the currency")
    currency: Currency = Field(description="ISO 4217 code")


class Fact(Model):
    """Something that happened, said once and never changed.

    A concrete fact names its wire type, its topic, and the fields that give its subject and its Kafka key:

        class OrderConfirmed(Fact, type="packhorse.order.confirmed.v1", topic=ORDER_EVENTS, key="order_id"):
            order_id: OrderId

    A key of several fields (`key=("sku", "location")`) is the JSON array of their values. The service that answers for
    an outsider's fact is its topic's first reader, unless `answered_by` names another.
    """

    TYPE: ClassVar[str] = ""
    TOPIC: ClassVar[Topic]
    KEY: ClassVar[str] = ""
    """The fields that make the key, in words: `sku and location`."""

    KEY_FIELDS: ClassVar[tuple[str, ...]] = ()
    SUBJECT: ClassVar[str] = ""
    ANSWERED_BY: ClassVar[str] = ""
    """Of an outsider's fact: the service that takes it, or says that it isn't offered. Empty for a fact of ours."""

    SNAPSHOT: ClassVar[bool] = False
    """A later one about the same subject replaces it: of several in one transaction only the last is said."""

    PLANNED: ClassVar[bool] = False
    """A fact of ours that no service says yet: its form is a promise, its coming isn't."""

    SPARES: ClassVar[frozenset[str]] = frozenset()
    """Optional fields that readers do without where they are wrong, so that they don't cost the whole fact."""

    NUMBERED: ClassVar[bool] = True
    """Of a fact of ours: it has its place among all that its service says about its key."""

    MOMENT: ClassVar[str] = ""
    """The optional field that says when it was done; where it is absent the event's own time fills it."""

    def __init_subclass__(cls, **_contract: object) -> None:
        """Takes the class's own keywords, which pydantic hands on to here as well."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        type: str = "",  # noqa: A002 - the word that the class line reads best with
        topic: Topic | None = None,
        key: str | tuple[str, ...] = "",
        subject: str = "",
        snapshot: bool = False,
        answered_by: str = "",
        spares: frozenset[str] = frozenset(),
        tombstone: bool = False,
        planned: bool = False,
        numbered: bool = True,
        **kwargs: object,
    ) -> None:
        super().__pydantic_init_subclass__()
        if not type or topic is None:
            return
        cls.TYPE, cls.TOPIC = type, topic
        cls.KEY_FIELDS = (key,) if isinstance(key, str) else key
        cls.KEY = " and ".join(cls.KEY_FIELDS)
        cls.SUBJECT = subject or cls.KEY
        cls.SNAPSHOT, cls.SPARES = snapshot, spares
        cls.PLANNED, cls.NUMBERED = planned, numbered
        if registry.name_of(cls).sayer in OUTSIDERS:
            cls.ANSWERED_BY = answered_by or topic.readers[0]
        registry.register(cls, tombstone=tombstone)

    @property
    def key(self) -> str:
        """The Kafka key: facts with the same key on a topic keep their order."""
        fields = self.KEY_FIELDS
        if len(fields) == 1:
            return str(getattr(self, fields[0]))
        return ids.joint(*(str(getattr(self, name)) for name in fields))

    @property
    def trial_key(self) -> str | None:
        """The Kafka key of a dry run of it. None where nobody can be asked: on a compacted topic, under its own key, it
        would take the place of what was said before."""
        return None if self.TOPIC.compacted else self.key

    @property
    def answerer(self) -> str:
        """The service that says what would follow from it; empty where nobody does."""
        return self.ANSWERED_BY

    @property
    def subject(self) -> str:
        """The id of the thing that this fact is about."""
        return self.key if self.SUBJECT == self.KEY else str(getattr(self, self.SUBJECT))

    @property
    def correlation(self) -> str | None:
        """The id of the order that this fact belongs to, where there is one."""
        order_id = self.__dict__.get("order_id")
        return None if order_id is None else str(order_id)


AHEAD = timedelta(minutes=5)
"""So far a clock may be ahead of ours. Whose is, is so for all that it says: trusted, its facts keep their order."""


def moment(at: datetime | None, now: datetime) -> datetime:
    """When something was done, as its fact says. Now, where it doesn't, or says a time that is still to come: one wrong
    clock must not outrank everything until that day."""
    return now if at is None or at > now + AHEAD else at


F = TypeVar("F", bound=Fact)


def dated(fact: F, time: datetime) -> F:
    """The fact with its moment: `time`, that of the event, where it is to have one and names none."""
    if not fact.MOMENT or getattr(fact, fact.MOMENT) is not None:
        return fact
    return fact.model_copy(update={fact.MOMENT: time})
