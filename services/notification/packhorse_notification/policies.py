"""What a shop may tune, and the rules on whom we can write to."""

from dataclasses import dataclass
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email

from packhorse_notification.locales import Language


@dataclass(frozen=True, slots=True)
class Policy:
    """`fallback_language` is for customers whose language we don't write. `patience`: how long a mail is tried while
    the mail server is away; a day-old "it's on its way" still helps, an older one confuses."""

    fallback_language: Language = "en"
    patience: timedelta = timedelta(days=1)


def deliverable(address: str | None) -> str | None:
    """The address in its normal form, or None where no mail could be sent to it. Asks no name server.

    Domains under `.test` pass: they are reserved for trials such as the demo. An international domain becomes
    its ASCII form, which every mail server understands.
    """
    if not address:
        return None
    try:
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return valid.ascii_email or valid.normalized
