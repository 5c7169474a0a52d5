"""The fields that many facts share, each with its meaning, so that a name means the same everywhere."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from packhorse_contracts.base import (
    Count,
    Currency,
    Id,
    Millimetres,
    Minor,
    OneLine,
    Quantity,
    QuantityOrNone,
    Text,
    Utc,
)

OrderId = Annotated[Id, Field(description="The order, as the checkout named it")]
LineId = Annotated[Id, Field(description="The order line, unique within its order")]
Sku = Annotated[Id, Field(description="Stock keeping unit")]
LocationId = Annotated[Id, Field(description="Warehouse, store or other place that holds stock")]
ShipmentId = Annotated[Id, Field(description="The fulfilment order: one per order and location")]
PickListId = Annotated[Id, Field(description="The pick list: the warehouse's order to pick, pack and hand over")]
PaymentId = Annotated[Id, Field(description="The payment of an order")]
ReturnId = Annotated[Id, Field(description="The return of some of an order's goods")]
PackageId = Annotated[Id, Field(description="A closed package, as the warehouse named it")]
TrackingNumber = Annotated[Id, Field(description="The carrier's number for a parcel")]
WrittenTrackingNumber = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^ *[\x21-\x7e][\x20-\x7e]*$"),
    OneLine(),
    AfterValidator(lambda written: written.replace(" ", "")),
    Field(description="The carrier's number for a parcel; blanks in it are for people, and don't count"),
]
"""As outsiders write it: `1Z 999 AA1` on a label is `1Z999AA1` in the carrier's own news."""

Carrier = Annotated[Id, Field(description="The carrier's code")]

At = Annotated[Utc, Field(description="When it became true")]
Title = Annotated[Text, Field(description="The product's name as the customer saw it")]
Note = Annotated[Text, Field(description="For people")]

Pieces = Annotated[Quantity, Field(description="Number of pieces")]
PiecesOrNone = Annotated[QuantityOrNone, Field(description="Number of pieces; 0 says that there are none")]
"""What an outsider counts: a 0 among others is a way to say nothing, and costs the others nothing."""

Amount = Annotated[Minor, Field(description="In minor units of the currency")]
CurrencyCode = Annotated[Currency, Field(description="ISO 4217 code")]
OnHand = Annotated[Count, Field(description="Pieces that are there, the reserved ones included")]
Available = Annotated[Count, Field(description="Pieces that may still be promised")]
Length = Annotated[Millimetres, Field(description="Longest side, millimetres")]
Width = Annotated[Millimetres, Field(description="Middle side, millimetres")]
Height = Annotated[Millimetres, Field(description="Shortest side, millimetres")]
