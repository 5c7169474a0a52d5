"""What the catalogue says of products and locations."""

from typing import Literal

from pydantic import Field

from packhorse_contracts import topics
from packhorse_contracts.base import (
    Count,
    Country,
    Fact,
    Grams,
    Id,
    Millimetres,
    Money,
    Quantity,
    Text,
)


class ProductChanged(Fact, type="packhorse.catalogue.product_changed.v1", topic=topics.CATALOGUE_PRODUCTS, key="sku"):
    """A product as it is now."""

    sku: Id
    title: Text
    gtin: str | None = Field(None, max_length=14)
    weight: Grams
    length: Millimetres
    width: Millimetres
    height: Millimetres
    fragile: bool | None = None
    ships_alone: bool | None = None
    supplier: Id | None = None
    supplier_lead_days: Count | None = None
    pack_size: Quantity | None = None
    cost: Money | None = None
    made_to_order: bool | None = None


class LocationChanged(
    Fact, type="packhorse.catalogue.location_changed.v1", topic=topics.CATALOGUE_LOCATIONS, key="location"
):
    """A location as it is now."""

    location: Id
    kind: Literal["warehouse", "store", "supplier", "returns", "quarantine"]
    name: Text
    country: Country
    postal_code: str | None = Field(None, max_length=20)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    timezone: Text | None = None
    active: bool
