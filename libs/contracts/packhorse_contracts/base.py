"""What every fact is made of: the frozen base class and the value types of the contracts."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from packhorse_contracts import ids, registry
from packhorse_contracts.gs1 import check_gtin, check_sscc
from packhorse_contracts.topics import Topic

MAX_MINOR_UNITS = 10**15
"""No amount is larger: it keeps every total inside a 64 bit integer."""

MAX_COUNT = 1_000_000_000
"""Pieces that a fact can name at most."""

MAX_ITEMS = 2_000
"""No list of an outsider is longer, so that what we say about it always fits into a record."""

RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

_NO_NUL = r"^[^\u0000]*$"
"""PostgreSQL keeps no NUL in text or jsonb: one that came through here would fail much later, and park its key."""


def _as_rfc3339(value: object) -> object:
    """Keeps out what pydantic would also take for a time: numbers, digits and dates alone."""
    if isinstance(value, datetime) or (isinstance(value, str) and RFC3339.fullmatch(value)):
        return value
    raise ValueError("time must be RFC 3339 with an offset")


def to_utc(value: datetime) -> datetime:
    """The same instant in UTC; ValueError where that lies outside the years 1 to 9999."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("time lies outside the years 1 to 9999 in UTC") from None


def _as_day(value: str) -> str:
    date.fromisoformat(value)
    return value


T = TypeVar("T")
Many = Annotated[tuple[T, ...], Field(max_length=MAX_ITEMS)]
"""A list in a fact of an outsider."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
"""An opaque identifier: 1 to 64 printable ASCII characters without blanks."""

Text = Annotated[str, StringConstraints(max_length=2_000, pattern=_NO_NUL)]
Short = Annotated[str, StringConstraints(max_length=320, pattern=_NO_NUL)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_NUL)]
"""A short name from a list that may grow: readers expect members they don't know."""

Flag = Annotated[bool, Field(strict=True)]
Minor = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR_UNITS)]
"""An amount in the minor unit of its currency (cents, pence; JPY has none, KWD has three digits)."""

Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT)]
Grams = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
Millimetres = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic code."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2 code."""

Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
"""BCP 47 language tag, e.g. `pt-BR`."""

Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_as_day),
    Field(json_schema_extra={"format": "date"}),
]
"""A calendar day, `YYYY-MM-DD`."""

Gtin = Annotated[
    str,
    StringConstraints(pattern=r"^([0-9]{8}|[0-9]{12,14})$"),
    AfterValidator(check_gtin),
    Field(json_schema_extra={"format": "gtin"}),
]
"""GTIN-8, -12, -13 or -14 with a valid check digit."""

Sscc = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{18}$"),
    AfterValidator(check_sscc),
    Field(json_schema_extra={"format": "sscc"}),
]
"""SSCC-18 with a valid check digit."""

Utc = Annotated[AwareDatetime, BeforeValidator(_as_rfc3339), AfterValidator(to_utc)]
"""RFC 3339 with an offset when read; always UTC once read."""


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


class Money(Model):
    """An amount of money, in the minor unit of its ISO 4217 currency."""

    amount: Minor = Field(description="In minor units of the currency")
    currency: Currency = Field(description="ISO 4217 code")


class Fact(Model):
    """Something that happened, said once and never changed.

    A concrete fact names its wire type, its topic, and the fields that give its subject and its Kafka key:

        class OrderConfirmed(Fact, type="packhorse.order.confirmed.v1", topic=ORDER_EVENTS, key="order_id"):
            order_id: OrderId

    A key of several fields (`key=("sku", "location")`) is the JSON array of their values.
    """

    TYPE: ClassVar[str] = ""
    TOPIC: ClassVar[Topic]
    KEY: ClassVar[str] = ""
    """The fields that make the key, in words: `sku and location`."""

    KEY_FIELDS: ClassVar[tuple[str, ...]] = ()
    SUBJECT: ClassVar[str] = ""
    SNAPSHOT: ClassVar[bool] = False
    """A later one about the same subject replaces it: of several in one transaction only the last is said."""

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
        tombstone: bool = False,
        **kwargs: object,
    ) -> None:
        super().__pydantic_init_subclass__()
        if not type or topic is None:
            return
        cls.TYPE, cls.TOPIC = type, topic
        cls.KEY_FIELDS = (key,) if isinstance(key, str) else key
        cls.KEY = " and ".join(cls.KEY_FIELDS)
        cls.SUBJECT = subject or cls.KEY
        cls.SNAPSHOT = snapshot
        registry.register(cls, tombstone=tombstone)

    @property
    def key(self) -> str:
        """The Kafka key: facts with the same key on a topic keep their order."""
        fields = self.KEY_FIELDS
        if len(fields) == 1:
            return str(getattr(self, fields[0]))
        return ids.joint(*(str(getattr(self, name)) for name in fields))

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
