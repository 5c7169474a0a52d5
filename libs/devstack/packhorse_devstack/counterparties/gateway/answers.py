"""The gateway's answers as JSON: one place that says what they look like."""

from datetime import datetime

from packhorse_devstack.counterparties.gateway.book import Book, Json, Kind, Movement, Operation
from packhorse_devstack.counterparties.gateway.rules import Authorisation, RefusalError

KINDS: tuple[Kind, ...] = ("capture", "void", "refund")

TITLES = {
    400: "The request can't be read",
    402: "The payment was refused",
    404: "Not found",
    409: "The book doesn't allow it",
    422: "The idempotency key was used before",
    503: "Unavailable",
}


def authorisation(it: Authorisation, now: datetime) -> dict[str, Json]:
    """An authorisation as it stands at `now`."""
    status = it.status(now)
    return {
        "id": it.id,
        "object": "authorisation",
        "status": status,
        "reference": it.reference,
        "amount": it.amount,
        "currency": it.currency,
        "method": it.method,
        "capturable": it.capturable(now),
        "captured": it.captured,
        "refunded": it.refunded,
        "voided": it.voided,
        "decline_code": it.decline_code if status == "declined" else None,
        "created_at": _time(it.created_at),
        "expires_at": _time(it.expires_at),
    }


def movement(it: Movement) -> dict[str, Json]:
    """A capture, void or refund."""
    answer: dict[str, Json] = {
        "id": it.id,
        "object": it.kind,
        "authorisation_id": it.authorisation_id,
        "reference": it.reference,
        "amount": it.amount,
        "currency": it.currency,
        "created_at": _time(it.created_at),
    }
    if it.kind == "capture":
        answer |= {"final": it.final, "refunded": it.refunded}
    if it.kind == "refund":
        answer["parts"] = [{"capture_id": identifier, "amount": amount} for identifier, amount in it.parts]
    return answer


def problem(refusal: RefusalError, about: Authorisation | None, now: datetime) -> dict[str, Json]:
    """A refusal as RFC 9457 problem details."""
    body: dict[str, Json] = {
        "type": f"urn:packhorse:gateway:{refusal.code}",
        "title": TITLES.get(refusal.status, "Refused"),
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
    }
    return body if about is None else body | {"authorisation": authorisation(about, now)}


def operation(it: Operation) -> dict[str, Json]:
    """How the request with one idempotency key ended."""
    return {
        "idempotency_key": it.key,
        "state": "finished",
        "operation": it.operation,
        "status_code": it.status_code,
        "answer": it.answer,
        "finished_at": _time(it.finished_at),
    }


def book(it: Book, reference: str | None, now: datetime) -> dict[str, object]:
    """All of the book, or what concerns one reference, with totals by reference."""
    found = it.authorisations(reference)
    known = {one.id for one in found}
    totals: dict[str, dict[str, int | str]] = {}
    for one in found:
        agreed = one.amount if one.status(now) not in {"declined", "pending_review"} else 0
        moved = {
            "authorised": agreed,
            "captured": one.captured,
            "voided": one.voided,
            "refunded": one.refunded,
        }
        sums = totals.setdefault(one.reference, {"currency": one.currency} | dict.fromkeys(moved, 0))
        sums.update({name: int(sums[name]) + amount for name, amount in moved.items()})
    movements = {
        f"{kind}s": [movement(one) for one in it.movements(kind) if one.authorisation_id in known] for kind in KINDS
    }
    return {"authorisations": [authorisation(one, now) for one in found], **movements, "totals": totals}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
