"""The rules on whom we can write to."""

import unicodedata
from typing import Final

from email_validator import EmailNotValidError, validate_email

_UNSEEN: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
"""Unicode's categories of blanks, line breaks, and characters without a look."""


def _bare(address: str) -> str:
    seen = [n for n, char in enumerate(address) if unicodedata.category(char) not in _UNSEEN]
    return address[seen[0] : seen[-1] + 1] if seen else ""


def deliverable(address: str | None) -> str | None:
    """The address in its normal form, or None where no mail could be sent to it. Asks no name server.

    Blanks around it go, and what nobody sees: they come with copying and pasting. Nothing else is guessed at: a display
    name or `mailto:` around an address is the checkout's mistake.

    Domains under `.test` pass: they are reserved for trials such as the demo. An international domain becomes
    its ASCII form, which every mail server understands.
    """
    shown = _bare(address or "")
    if not shown:
        return None
    try:
        valid = validate_email(shown, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return valid.ascii_email or valid.normalized
