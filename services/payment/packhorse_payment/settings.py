"""What is set from outside: environment variables with the prefix PACKHORSE_PAYMENT_."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PaymentSettings(BaseSettings):
    """How the gateway is reached. What a business tunes is a policy, and no variable."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_PAYMENT_", extra="ignore", hide_input_in_errors=True)

    gateway_url: str = Field("http://127.0.0.1:8090", description="Where the payment gateway listens")
    gateway_name: str = Field("gateway", description="The gateway's name in the facts")
    gateway_timeout: float = Field(5, gt=0, lt=15, description="Seconds until an answer counts as lost")
    gateway_api_key: SecretStr | None = Field(None, description="Sent as bearer token")
