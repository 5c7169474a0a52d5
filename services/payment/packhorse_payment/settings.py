"""What is set from outside: environment variables with the prefix PACKHORSE_PAYMENT_."""

from packhorse_chassis.settings import Duration
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from packhorse_payment.policies import Policy

_USUAL = Policy()


class PaymentSettings(BaseSettings):
    """The gateway, and what a business tunes. Durations are ISO 8601 (`PT5M`) or seconds."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_PAYMENT_", extra="ignore", hide_input_in_errors=True)

    gateway_url: str = Field("http://127.0.0.1:8090", description="Where the payment gateway listens")
    gateway_name: str = Field("gateway", description="The gateway's name in the facts")
    gateway_timeout: float = Field(5, gt=0, lt=15, description="Seconds until an answer counts as lost")
    gateway_api_key: SecretStr | None = Field(None, description="Sent as bearer token")
    ask_for: Duration = Field(_USUAL.ask_for, description="One asking is repeated for so long, then unknown")
    ask_again_after: Duration = Field(_USUAL.ask_again_after, description="What is unknown is asked again after this")
    review_poll: Duration = Field(_USUAL.review_poll, description="A review is looked at after this, then less often")
    reauthorisations: int = Field(
        _USUAL.reauthorisations, ge=0, description="Renewals of an expired authorisation per capture"
    )
    repeat_after: Duration = Field(_USUAL.repeat_after, description="A refused refund or void is asked anew")
    attempts: int = Field(_USUAL.attempts, ge=1, description="So many tries of refused refunds and voids in all")

    def policy(self) -> Policy:
        """The rules that these settings make."""
        return Policy(
            gateway=self.gateway_name,
            ask_for=self.ask_for,
            ask_again_after=self.ask_again_after,
            review_poll=self.review_poll,
            reauthorisations=self.reauthorisations,
            repeat_after=self.repeat_after,
            attempts=self.attempts,
        )
