"""What is set from outside: environment variables with the prefix PACKHORSE_SHIPPING_."""

from packhorse_chassis.settings import Duration
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from packhorse_shipping.policies import Policy

_USUAL = Policy()


class ShippingSettings(BaseSettings):
    """What a business tunes. Durations are seconds (`90`) or ISO 8601 (`PT4H`); priorities go from 0 to 9, the most
    urgent."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_SHIPPING_", extra="ignore")

    answer_within: Duration = Field(
        _USUAL.answer_within, description="A warehouse without an answer by then is overdue"
    )
    claim_within: Duration = Field(
        _USUAL.claim_within, description="A tracked parcel that nobody handed over by then is reported"
    )
    economy_priority: int = Field(_USUAL.economy_priority, ge=0, le=9, description="Of pick lists for economy")
    standard_priority: int = Field(_USUAL.standard_priority, ge=0, le=9, description="Of pick lists for standard")
    express_priority: int = Field(_USUAL.express_priority, ge=0, le=9, description="Of pick lists for express")

    def policy(self) -> Policy:
        """The rules that these settings make."""
        return Policy(**self.model_dump())
