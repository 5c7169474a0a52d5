"""The wiring: what is heard, what is kept, and how the gateway is reached."""

from collections.abc import Mapping
from pathlib import Path

from packhorse_chassis.core.effect import Performer
from packhorse_chassis.core.kinds import Internal
from packhorse_chassis.postgres.store import Journal, named_queries
from packhorse_chassis.service import Service

from packhorse_payment.effects import GatewayPerformer
from packhorse_payment.gateways.rest import RestGateway
from packhorse_payment.ledger import LedgerEntry
from packhorse_payment.operations import AskGateway
from packhorse_payment.reactions import routes
from packhorse_payment.settings import PaymentSettings

_HERE = Path(__file__).parent


def build(settings: PaymentSettings | None = None) -> Service:
    """The payment service, from the environment where no settings are given."""
    chosen = settings or PaymentSettings()

    def performers() -> Mapping[type[Internal], Performer[AskGateway, Internal]]:
        gateway = RestGateway(chosen.gateway_url, chosen.gateway_timeout, chosen.gateway_api_key)
        return {AskGateway: GatewayPerformer(gateway)}

    return Service(
        routes(chosen.gateway_name),
        _HERE / "migrations",
        journals=[Journal(LedgerEntry, named_queries(_HERE / "queries.sql")["append_ledger_entries"])],
        performers=performers,
    )


def main() -> None:
    """The process."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build())
