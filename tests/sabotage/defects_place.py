"""Defects of time and place, of what customers are told, and of the way to the gateway."""

from typing import Final

from .checks import HOSTILE_GATEWAY, MAILS, PROMISE, SHIPPING, SIMULATION, WORDS
from .defect import Defect, Edit

_PROMISE: Final = "services/order/packhorse_order/promise.py"
_MAIL: Final = "services/notification/packhorse_notification"
_GATEWAYS: Final = "services/payment/packhorse_payment/gateways"

PLACE: Final = (
    Defect(
        "day_ends_in_utc",
        "A promised day ends when it ends in Greenwich, wherever the goods leave.",
        [
            Edit(
                _PROMISE,
                "datetime.combine(day, _END, zone).astimezone(UTC)",
                "datetime.combine(day, _END, UTC)",
            )
        ],
        [PROMISE, SIMULATION],
    ),
    Defect(
        "cut_off_on_our_clock",
        "The cut-off of a location is compared with the time in UTC.",
        [
            Edit(
                _PROMISE,
                "in_time = here.time() < cut_off and now < datetime",
                "in_time = now.time() < cut_off or now < datetime",
            )
        ],
        [PROMISE],
    ),
    Defect(
        "lead_time_forgotten",
        "What has to be made first is promised for today.",
        [Edit(_PROMISE, "min(days, LONGEST_LEAD) * _DAY", "0 * _DAY")],
        [PROMISE, SIMULATION],
    ),
    Defect(
        "first_part_promised",
        "An order over several locations is promised for the day that the first of them ships.",
        [Edit(_PROMISE, "last = max(parts, key", "last = min(parts, key")],
        [PROMISE, SIMULATION],
    ),
    Defect(
        "pick_list_at_once",
        "A pick list is issued when the order is confirmed, though its goods aren't there before next month.",
        [
            Edit(
                "services/shipping/packhorse_shipping/fulfilment.py",
                "return max(now, min(part.pick_from, now + _LONGEST))",
                "return now",
            )
        ],
        [SHIPPING],
    ),
    Defect(
        "delivery_without_goods",
        "The mail about a delivery doesn't name what came: two of them can't be told apart.",
        [Edit(f"{_MAIL}/from_facts.py", "return _unpacked(content, known)", "return content")],
        [MAILS],
    ),
    Defect(
        "traditional_is_simplified",
        "Who reads traditional characters gets simplified ones.",
        [
            Edit(
                f"{_MAIL}/locales.py",
                'return _Tag(language if script == _SCRIPTS.get(language, "Latn") else None, region)',
                "return _Tag(language, region)",
            )
        ],
        [WORDS],
    ),
    Defect(
        "everybody_american",
        "An English-speaking region that CLDR has nothing of its own for reads dates as Americans do.",
        [Edit(f"{_MAIL}/locales.py", ', (f"{stem}_001", "001")):', "):")],
        [WORDS],
    ),
    Defect(
        "blanks_kept",
        "An address with a blank beside it is no address.",
        [Edit(f"{_MAIL}/policies.py", 'shown = _bare(address or "")', 'shown = address or ""')],
        [MAILS],
    ),
    Defect(
        "redirect_followed",
        "Money is asked for wherever the gateway sends us.",
        [Edit(f"{_GATEWAYS}/rest.py", "allow_redirects=False", "allow_redirects=True")],
        [HOSTILE_GATEWAY],
    ),
    Defect(
        "id_unquoted",
        "A gateway's id goes into a path as it is.",
        [Edit(f"{_GATEWAYS}/rest.py", 'return quote(name, safe="")', "return name")],
        [HOSTILE_GATEWAY],
    ),
    Defect(
        "answer_unpacked",
        "A few bytes of a gateway's answer become ten megabytes here.",
        [
            Edit(f"{_GATEWAYS}/rest.py", "            auto_decompress=False,\n", ""),
            Edit(f"{_GATEWAYS}/rest.py", "if len(body) > _LARGEST:", "if False:"),
        ],
        [HOSTILE_GATEWAY],
    ),
    Defect(
        "blank_code_passed_on",
        "A refusal without a code goes to the reaction as it is, which can't say it.",
        [
            Edit("services/payment/packhorse_payment/operations.py", "    code: Code\n", "    code: str\n"),
            Edit(
                f"{_GATEWAYS}/rest_answers.py",
                'code = problem.code or ("declined" if status == 402 else "")',
                "code = problem.code",
            ),
            Edit(f"{_GATEWAYS}/rest_answers.py", "        if not code:\n", "        if not code and status != 402:\n"),
        ],
        [HOSTILE_GATEWAY, SIMULATION],
    ),
    Defect(
        "text_is_an_amount",
        "An amount that the gateway gives as text, or as a fraction, is taken for the one that was asked for.",
        [Edit(f"{_GATEWAYS}/rest_answers.py", "    amount: Minor\n", "    amount: int\n")],
        [HOSTILE_GATEWAY],
    ),
)
