"""Parts that several facts share. Personal data stands only in the blocks Customer and Address."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts.base import (
    Code,
    Count,
    Country,
    Day,
    Given,
    Grams,
    Id,
    Locale,
    Minor,
    Model,
    Perhaps,
    PerhapsText,
    Short,
    Sscc,
    Text,
    Utc,
)
from packhorse_contracts.fields import (
    Available,
    Height,
    Length,
    LineId,
    LocationId,
    PackageId,
    Pieces,
    PiecesOrNone,
    Sku,
    Title,
    Width,
    WrittenTrackingNumber,
)

Channel = Annotated[Literal["web", "store", "marketplace", "phone"], Field(description="Where the order was taken")]
DeliveryMode = Literal["ship", "collect"]
ServiceLevel = Annotated[Literal["economy", "standard", "express"], Field(description="How fast it shall arrive")]
PaymentMethod = Literal[
    "card", "debit_card", "paypal", "venmo", "bank_transfer", "gift_card", "cash_on_delivery", "invoice"
]
Hold = Annotated[
    Literal[
        "awaiting_payment",
        "awaiting_return_items",
        "high_risk",
        "incorrect_address",
        "out_of_stock",
        "unknown_delivery_date",
        "manual",
    ],
    Field(description="What the order waits for"),
]
GiftMessage = Annotated[Given[Text], Field(description="To print on a card. Personal: keep it only while it is needed")]
CancelledBy = Annotated[
    Literal["customer", "operator", "payment", "stock", "risk", "timeout", "warehouse"],
    Field(description="Who or what brought it about"),
]


class Customer(Model):
    """Who ordered. Personal data."""

    customer_id: Id = Field(description="The checkout's id of the customer")
    name: Text = Field(description="As the customer wants to be addressed")
    email: Given[Short] = Field(None, description="As given; whoever sends mail judges it")
    phone: Given[Short] = Field(None, description="As given, best E.164")
    locale: Locale | None = Field(
        None, description="BCP 47 tag of the language the customer reads; one that isn't well-formed counts as absent"
    )


class Address(Model):
    """A postal address. Personal data."""

    name: Text = Field(description="Who receives it there")
    lines: tuple[Text, ...] = Field(max_length=20, description="Street lines, top to bottom")
    city: PerhapsText = Field("", description="City or post town; empty where the country's addresses have none")
    region: Given[Text] = Field(None, description="State, province or county")
    postal_code: Given[Short] = Field(None, description="As the country writes it, where it has one")
    country: Country = Field(description="ISO 3166-1 alpha-2 code")


class OrderLine(Model):
    """One line of an order."""

    line_id: LineId
    sku: Sku
    title: Given[Title] = None
    quantity: Pieces
    unit_price: Minor = Field(description="Price of one piece, minor units")
    discount: Minor | None = Field(None, description="Off the whole line, minor units")
    tax: Minor | None = Field(
        None, description="On top of the whole line, minor units; absent or 0 where prices include it"
    )
    lead_time_days: Count | None = Field(None, description="Days until it can be picked, for what isn't stocked")
    gift_message: GiftMessage = None


class Delivery(Model):
    """How the customer wants the goods."""

    mode: DeliveryMode = Field(description="Sent to an address, or fetched at a location")
    service: ServiceLevel
    price: Minor = Field(description="Delivery price, minor units")
    tax: Minor | None = Field(None, description="On top of the delivery price, minor units")
    collect_at: Id | None = Field(None, description="The location to fetch it at, for mode collect")
    not_before: Utc | None = Field(None, description="Don't deliver earlier")


class PaymentTender(Model):
    """One way in which a part of the order is paid."""

    method: PaymentMethod = Field(description="Means of payment")
    amount: Minor = Field(description="The part of the grand total that it pays, minor units")
    token: Given[Short] = Field(None, description="The gateway's token for the instrument")


class Promotion(Model):
    """A discount on the whole order."""

    code: Code = Field(description="Name of the promotion")
    amount: Minor = Field(description="Off the order, minor units")


class Totals(Model):
    """Sums in minor units: grand_total = goods − discount + delivery + tax = Σ payments."""

    goods: Minor = Field(description="Σ quantity × unit_price")
    discount: Minor = Field(description="Σ discounts of lines + Σ promotions")
    delivery: Minor = Field(description="The delivery price")
    tax: Minor = Field(description="Σ taxes on top, of lines and delivery; 0 where prices include them")
    grand_total: Minor = Field(description="What the customer pays")


class Fault(Model):
    """One thing that is wrong with a request."""

    code: Code = Field(description="Stable name of the fault")
    field: Short | None = Field(None, description="Path of the field at fault")
    message: Text = Field(description="A sentence for people")


class Reason(Model):
    """Why something happened."""

    code: Code = Field(description="Stable name of the reason; the list may grow")
    message: Text = Field(description="A sentence for people")


class ConfirmedLine(Model):
    """A line that will be delivered."""

    line_id: LineId
    sku: Sku
    title: Given[Title] = None
    quantity: Pieces
    unit_price: Minor = Field(description="Price of one piece, minor units")
    gift_message: GiftMessage = None


class Allocation(Model):
    """So many pieces of a line come from this location."""

    line_id: LineId
    sku: Sku
    quantity: Pieces
    location: LocationId


class PartPromise(Model):
    """When what one location sends leaves it."""

    location: LocationId
    ship_on: Day = Field(description="The day that it leaves, a date on the location's calendar")
    ship_by: Utc = Field(description="The end of that day there")
    timezone: Short = Field(description="The location's time zone, IANA name")
    pick_from: Utc | None = Field(
        None, description="Not to be picked earlier (a lead time, a later wish): the beginning of that day there"
    )


class Promise(Model):
    """What the customer is told. A day is told as it stands here, never converted: libs/contracts/time-and-place.md."""

    ship_by: Utc = Field(description="Leaves the last location by then: the end of the day ship_on there")
    deliver_by: Utc = Field(description="Arrives by then; for clocks that watch, not for customers")
    ship_on: Day | None = Field(None, description="The day that the last of it leaves, a date in timezone")
    deliver_on: Day | None = Field(None, description="The day that the last of it arrives, a date at the door")
    timezone: Short | None = Field(None, description="IANA name, of the location that ships last")
    parts: tuple[PartPromise, ...] = Field((), description="One a location")


class LineQuantity(Model):
    """Pieces of an order line."""

    line_id: LineId
    quantity: PiecesOrNone


class SkuLine(Model):
    """Pieces of an order line, with the SKU."""

    line_id: LineId
    sku: Sku
    quantity: Pieces


class ShortLine(Model):
    """A line that stock can't serve."""

    line_id: LineId
    sku: Sku
    wanted: Pieces
    available: Available


class Tender(Model):
    """What a gateway holds of one payment."""

    method: PaymentMethod = Field(description="Means of payment")
    amount: Minor = Field(description="Minor units of the payment's currency")
    gateway: Code = Field(description="Which gateway")
    reference: Short | None = Field(None, description="The gateway's own id of it")


class Package(Model):
    """A parcel, closed and weighed."""

    package_id: PackageId
    sscc: Sscc | None = Field(None, description="SSCC-18 on its label, with a valid check digit")
    carton: Code = Field(description="Which carton it was packed in")
    weight: Grams = Field(description="With packing, grams")
    length: Length
    width: Width
    height: Height
    lines: Perhaps[LineQuantity] = Field((), description="What is inside")


class Parcel(Model):
    """A parcel as the carrier knows it."""

    tracking_number: WrittenTrackingNumber
    package_id: PackageId | None = None
