"""What every fact is made of: the frozen base class and the value types of the contracts."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from packhorse_contracts.topics import Topic

MAX_MINOR_UNITS = 10**15
"""No amount is larger: it keeps every sum of an order inside a 64 bit integer."""


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
"""An opaque identifier: 1 to 64 printable ASCII characters without blanks."""

Text = Annotated[str, StringConstraints(max_length=2_000)]
Minor = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR_UNITS)]
"""An amount in the minor unit of its currency (cents, pence; JPY has none, KWD has three digits)."""

Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
Grams = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
Millimetres = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic code."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2 code."""

Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
"""BCP 47 language tag, e.g. `pt-BR`."""

Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""RFC 3339 with an offset when read; always UTC once read."""


class Model(BaseModel):
    """A part of a fact: frozen, and blind to fields it doesn't know (a newer writer may add some)."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Money(Model):
    """An amount of money, in the minor unit of its ISO 4217 currency."""

    amount: Minor
    currency: Currency


class Fact(Model):
    """Something that happened, said once and never changed.

    A concrete fact names its wire type, its topic, and the fields that give its subject and its Kafka key:

        class OrderConfirmed(Fact, type="packhorse.order.confirmed.v1", topic=ORDER_EVENTS, key="order_id"):
            order_id: Id
    """

    TYPE: ClassVar[str] = ""
    TOPIC: ClassVar[Topic]
    KEY: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = ""
    SNAPSHOT: ClassVar[bool] = False
    """A later one about the same subject replaces it: of several in one transaction only the last is said."""

    def __init_subclass__(cls, **_contract: object) -> None:
        """Takes the class's own keywords, which pydantic hands on to here as well."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        type: str = "",
        topic: Topic | None = None,
        key: str = "",
        subject: str = "",
        snapshot: bool = False,
        **kwargs: object,
    ) -> None:
        super().__pydantic_init_subclass__()
        if not type or topic is None:
            return
        cls.TYPE, cls.TOPIC, cls.KEY, cls.SUBJECT = type, topic, key, subject or key
        cls.SNAPSHOT = snapshot
        from packhorse_contracts import registry

        registry.register(cls)

    @property
    def key(self) -> str:
        """The Kafka key: facts with the same key on a topic keep their order."""
        return str(getattr(self, self.KEY))

    @property
    def subject(self) -> str:
        """The id of the thing that this fact is about."""
        return str(getattr(self, self.SUBJECT))

    @property
    def correlation(self) -> str | None:
        """The id of the order that this fact belongs to, where there is one."""
        order_id = getattr(self, "order_id", None)
        return None if order_id is None else str(order_id)
