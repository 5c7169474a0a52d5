"""What is set from outside, all with the prefix PACKHORSE_NOTIFICATION_."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from packhorse_notification.policies import deliverable
from packhorse_notification.render import Shop
from packhorse_notification.smtp import Server


def _address(text: str) -> str:
    address = deliverable(text)
    if address is None:
        raise ValueError("not an e-mail address")
    return address


class Settings(BaseSettings):
    """Mail server and shop."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_NOTIFICATION_", extra="ignore", hide_input_in_errors=True)

    smtp_host: str = Field("127.0.0.1", description="The mail server")
    smtp_port: int = Field(1025, ge=1, le=65_535, description="Its port")
    smtp_username: str | None = Field(None, description="Unset: no authentication")
    smtp_password: SecretStr | None = Field(None, description="Belongs to the username")
    smtp_starttls: bool = Field(False, description="Insist on an encrypted connection")
    smtp_connections: int = Field(4, ge=1, le=64, description="Connections kept open at most")
    sender: Annotated[str, AfterValidator(_address)] = Field("orders@packhorse.example", description="Who writes")
    shop_name: str = Field("Packhorse", min_length=1, max_length=80, description="The name that customers know")

    @property
    def server(self) -> Server:
        """The mail server."""
        password = self.smtp_password.get_secret_value() if self.smtp_password else None
        return Server(self.smtp_host, self.smtp_port, self.smtp_username, password, self.smtp_starttls)

    @property
    def shop(self) -> Shop:
        """Who writes."""
        return Shop(self.shop_name, self.sender)
