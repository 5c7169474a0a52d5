"""The notification service: tells customers by e-mail what happens to their orders."""

from pathlib import Path
from typing import cast

from packhorse_chassis.core.effect import Performer
from packhorse_chassis.core.kinds import Internal
from packhorse_chassis.service import Service

from packhorse_notification.effects import Mailer
from packhorse_notification.messages import SendMail
from packhorse_notification.reactions import routes
from packhorse_notification.settings import Settings
from packhorse_notification.smtp import Connections


def build(settings: Settings) -> Service:
    """The service as the chassis runs it."""

    def performers() -> dict[type[Internal], Performer[Internal, Internal]]:
        mailer = Mailer(Connections(settings.server, settings.smtp_connections), settings.shop)
        return {SendMail: cast("Performer[Internal, Internal]", mailer)}

    return Service(routes(), migrations=Path(__file__).parent / "migrations", performers=performers)


def main() -> None:
    """Runs the process."""
    from packhorse_chassis.run import run  # here, for it brings the clients of broker and database along

    run(build(Settings()))


if __name__ == "__main__":
    main()
