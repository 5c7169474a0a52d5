"""What the catalogue says of products and locations."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from packhorse_contracts import topics
from packhorse_contracts.base import Count, Country, Fact, Flag, Grams, Gtin, Id, Money, OneLine, Quantity, Short, Text
from packhorse_contracts.fields import Height, Length, LocationId, Sku, Width

LocationKind = Literal["warehouse", "store", "supplier", "returns", "quarantine"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), OneLine()]
"""A time on the clock on the wall, `HH:MM`."""

HolidayCalendar = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$"), OneLine()]
"""A country (ISO 3166-1 alpha-2), or a part of it (ISO 3166-2): whose public holidays are meant."""

Degrees = Annotated[float, Field(strict=True)]


class ProductChanged(
    Fact,
    type="packhorse.catalogue.product_changed.v1",
    topic=topics.CATALOGUE_PRODUCTS,
    key="sku",
    snapshot=True,
    spares=frozenset({"gtin", "supplier", "supplier_lead_days", "pack_size", "cost"}),
):
    """A product as it is now."""

    sku: Sku
    title: Text = Field(description="The product's name")
    gtin: Gtin | None = Field(None, description="GTIN-8, -12, -13 or -14 with a valid check digit")
    weight: Grams = Field(description="Of one piece, grams")
    length: Length
    width: Width
    height: Height
    fragile: Flag | None = Field(None, description="Pack it with care")
    ships_alone: Flag | None = Field(None, description="Never together with others in a package")
    supplier: Id | None = Field(None, description="Who delivers it to us")
    supplier_lead_days: Count | None = Field(None, description="Days from purchase order to receipt")
    pack_size: Quantity | None = Field(None, description="Pieces in the supplier's pack")
    cost: Money | None = Field(None, description="Purchase price of one piece")
    made_to_order: Flag | None = Field(None, description="Bought or made only once it is ordered")


class ProductWithdrawn(
    Fact,
    type="packhorse.catalogue.product_withdrawn.v1",
    topic=topics.CATALOGUE_PRODUCTS,
    key="sku",
    tombstone=True,
):
    """A product is no longer offered. A record without a value under its key (a tombstone) says the same."""

    sku: Sku


class LocationChanged(
    Fact,
    type="packhorse.catalogue.location_changed.v1",
    topic=topics.CATALOGUE_LOCATIONS,
    key="location",
    snapshot=True,
    spares=frozenset({"postal_code", "latitude", "longitude"}),
):
    """A location as it is now."""

    location: LocationId
    kind: LocationKind = Field(description="What it is used for")
    name: Text = Field(description="What people call it")
    country: Country = Field(description="ISO 3166-1 alpha-2 code")
    postal_code: Short | None = Field(None, description="As the country writes it")
    latitude: Degrees | None = Field(None, ge=-90, le=90, description="Degrees north, WGS 84")
    longitude: Degrees | None = Field(None, ge=-180, le=180, description="Degrees east, WGS 84")
    timezone: Short | None = Field(None, description="IANA name, e.g. Europe/Lisbon")
    cut_off: TimeOfDay | None = Field(
        None, description="Confirmed before: leaves the same day. HH:MM, on the clock of its time zone"
    )
    working_weekdays: tuple[Weekday, ...] | None = Field(
        None, min_length=1, max_length=7, description="Days on which parcels leave; absent: all but Sunday"
    )
    holidays_of: HolidayCalendar | None = Field(
        None, description="Whose public holidays are kept there: ISO 3166 code of a country, or of a part such as DE-BY"
    )
    active: Flag = Field(description="Whether orders may be sent from there")


class LocationWithdrawn(
    Fact,
    type="packhorse.catalogue.location_withdrawn.v1",
    topic=topics.CATALOGUE_LOCATIONS,
    key="location",
    tombstone=True,
):
    """A location sends no orders any more. A record without a value under its key (a tombstone) says the same."""

    location: LocationId
