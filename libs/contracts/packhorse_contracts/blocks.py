"""Parts that several facts share. Personal data stands only in the blocks Customer and Address."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts.base import (
    Count,
    Country,
    Grams,
    Id,
    Language,
    Millimetres,
    Minor,
    Model,
    Quantity,
    Text,
    Utc,
)

Channel = Literal["web", "store", "marketplace", "phone"]
DeliveryMode = Literal["ship", "collect"]
ServiceLevel = Literal["economy", "standard", "express"]
PaymentMethod = Literal[
    "card", "debit_card", "paypal", "venmo", "bank_transfer", "gift_card", "cash_on_delivery", "invoice"
]
Hold = Literal[
    "awaiting_payment",
    "awaiting_return_items",
    "high_risk",
    "incorrect_address",
    "out_of_stock",
    "unknown_delivery_date",
    "manual",
]
CancelledBy = Literal["customer", "operator", "payment", "stock", "risk", "timeout", "warehouse"]


class Customer(Model):
    """Who ordered. Personal data."""

    customer_id: Id
    name: Text
    email: str | None = Field(None, max_length=320, description="As given; the notification service judges it")
    phone: str | None = Field(None, max_length=40, description="As given, best E.164")
    locale: Language | None = Field(None, description="BCP 47 tag of the language the customer reads")


class Address(Model):
    """A postal address. Personal data."""

    name: Text
    lines: tuple[Text, ...] = Field(description="Street lines, top to bottom")
    city: Text
    region: Text | None = None
    postal_code: str | None = Field(None, max_length=20)
    country: Country


class OrderLine(Model):
    """One line of an order."""

    line_id: Id
    sku: Id
    title: Text | None = None
    quantity: Quantity
    unit_price: Minor = Field(description="Price of one piece, minor units")
    discount: Minor | None = Field(None, description="Off the whole line, minor units")
    tax: Minor | None = Field(None, description="On top of the whole line; absent or 0 where prices include it")
    lead_time_days: Count | None = Field(None, description="Days until it can be picked, for what isn't stocked")
    gift_message: Text | None = None


class Delivery(Model):
    """How the customer wants the goods."""

    mode: DeliveryMode
    service: ServiceLevel
    price: Minor = Field(description="Delivery price, minor units")
    tax: Minor | None = Field(None, description="On top of the delivery price, minor units")
    collect_at: Id | None = Field(None, description="Location id, for mode collect")
    not_before: Utc | None = Field(None, description="Don't deliver earlier")


class PaymentTender(Model):
    """One way in which a part of the order is paid."""

    method: PaymentMethod
    amount: Minor
    token: str | None = Field(None, max_length=255, description="The gateway's token for the instrument")


class Promotion(Model):
    """A discount on the whole order."""

    code: Annotated[str, Field(max_length=64)]
    amount: Minor


class Totals(Model):
    """goods = Σ quantity × unit_price; grand_total = goods − discount + delivery + tax. Minor units."""

    goods: Minor
    discount: Minor
    delivery: Minor
    tax: Minor
    grand_total: Minor


class Fault(Model):
    """One thing that is wrong with a request."""

    code: Annotated[str, Field(max_length=64)]
    field: str | None = Field(None, max_length=255, description="Path of the field at fault")
    message: Text


class Reason(Model):
    """Why something happened: a stable code, and a sentence for people."""

    code: Annotated[str, Field(max_length=64)]
    message: Text


class ConfirmedLine(Model):
    """A line that will be delivered."""

    line_id: Id
    sku: Id
    title: Text | None = None
    quantity: Quantity
    unit_price: Minor


class Allocation(Model):
    """So many pieces of a line come from this location."""

    line_id: Id
    sku: Id
    quantity: Quantity
    location: Id


class Promise(Model):
    """What the customer is told."""

    ship_by: Utc
    deliver_by: Utc


class LineQuantity(Model):
    """Pieces of an order line."""

    line_id: Id
    quantity: Quantity


class SkuLine(Model):
    """Pieces of an order line, with the SKU."""

    line_id: Id
    sku: Id
    quantity: Quantity


class ShortLine(Model):
    """A line that stock can't serve."""

    line_id: Id
    sku: Id
    wanted: Quantity
    available: Count


class Tender(Model):
    """What a gateway holds of one payment."""

    method: PaymentMethod
    amount: Minor
    gateway: Annotated[str, Field(max_length=64)]
    reference: str | None = Field(None, max_length=255, description="The gateway's id")


class Package(Model):
    """A parcel, closed and weighed."""

    package_id: Id
    sscc: str | None = Field(None, description="SSCC-18 with a valid check digit")
    carton: Annotated[str, Field(max_length=64)]
    weight: Grams
    length: Millimetres
    width: Millimetres
    height: Millimetres
    lines: tuple[LineQuantity, ...] = ()


class Parcel(Model):
    """A parcel as the carrier knows it."""

    tracking_number: Id
    package_id: Id | None = None
