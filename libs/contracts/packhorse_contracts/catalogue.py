"""What the catalogue says of products and locations."""

from typing import Annotated, Literal

from pydantic import Field

from packhorse_contracts import topics
from packhorse_contracts.base import Count, Country, Fact, Flag, Grams, Gtin, Id, Money, Quantity, Short, Text
from packhorse_contracts.fields import Height, Length, LocationId, Sku, Width

LocationKind = Literal["warehouse", "store", "supplier", "returns", "quarantine"]
Degrees = Annotated[float, Field(strict=True)]


class ProductChanged(
    Fact,
    type="packhorse.catalogue.product_changed.v1",
    topic=topics.CATALOGUE_PRODUCTS,
    key="sku",
    snapshot=True,
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
