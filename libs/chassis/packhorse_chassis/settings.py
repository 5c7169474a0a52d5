"""What is set from outside: environment variables, all with the prefix PACKHORSE_."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def _seconds(given: object) -> object:
    """`90` means seconds; pydantic alone takes a number in a text for a mistake."""
    if isinstance(given, str):
        try:
            return timedelta(seconds=float(given))
        except (ValueError, OverflowError):
            return given
    return given


Duration = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=3_660)), BeforeValidator(_seconds)]
"""A length of time in an environment variable: seconds (`90`) or ISO 8601 (`PT1M30S`). More than nothing, and ten years
at most: what is reckoned with it stays within the calendar."""


class Settings(BaseSettings):
    """The settings that every service shares. Times are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="PACKHORSE_", extra="ignore", hide_input_in_errors=True)

    kafka: str = Field("localhost:9092", description="Bootstrap servers of the Kafka cluster")
    postgres: SecretStr = Field(
        SecretStr("postgresql://localhost:5432/postgres"), description="DSN of this service's own database"
    )

    @field_validator("postgres")
    @classmethod
    def _is_an_address(cls, given: SecretStr) -> SecretStr:
        try:
            _ = urlsplit(given.get_secret_value()).port
        except ValueError:
            raise ValueError(
                "not a URL such as postgresql://user:password@host:5432/database; "
                "in a password write / as %2F, : as %3A and @ as %40"
            ) from None
        return given

    http_host: str = Field("127.0.0.1", description="Address of health and metrics")
    http_port: int = Field(0, description="Port of health and metrics; 0 takes a free one and logs it")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: readable on a terminal, else JSON"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged")
    otlp_endpoint: str | None = Field(
        None,
        description="OTLP over HTTP for traces, e.g. http://collector:4318/v1/traces; unset exports none",
    )

    batch_records: int = Field(500, ge=1, le=10_000, description="Records of one transaction at most")
    group_instance_id: str | None = Field(None, description="Static membership in the consumer group")
    session_timeout_ms: int = Field(30_000, description="The group takes a silent process for dead after this")
    pool_size: int = Field(4, ge=2, description="Database connections, beside the relay's own")
    relay_rows: int = Field(2_000, ge=1, description="Rows that the relay publishes at once")
    relay_idle: float = Field(1, gt=0, description="The relay looks this often for rows that nobody told it of")
    pump_idle: float = Field(0.2, gt=0, description="Timers, answers and retries are looked for this often")
    effects_at_once: int = Field(64, ge=1, description="Effects of one type under way at once in a process")
    effects_per_second: float | None = Field(
        None, gt=0, description="Effects of one type that a process starts in a second; unset: no limit"
    )
    breaker_failures: int = Field(20, ge=1, description="So many failures in a row, and the outside is left alone")
    breaker_rest: float = Field(1, gt=0, description="For this long at first, then doubling up to 30 seconds")
    effect_timeout: float = Field(30, gt=0, description="One attempt of an effect takes no longer")
    effect_lease: float = Field(
        10, gt=0, description="An effect whose process died is tried again after this; renewed while it is under way"
    )
    retry_base: float = Field(0.5, gt=0, description="First back-off of an effect; doubles, with full jitter")
    retry_cap: float = Field(60, gt=0, description="Longest back-off of an effect")
    stop_grace: float = Field(20, gt=0, description="A graceful stop takes no longer")
    stall_limit: float = Field(
        60,
        gt=0,
        description="A loop without progress for so long ends the process, for its supervisor to start anew",
    )
    inbox_days: int = Field(
        14, ge=1, description="Repeats are known for so long; more than any topic's retention plus an outage"
    )
