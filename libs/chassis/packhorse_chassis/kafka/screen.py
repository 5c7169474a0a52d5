"""What is taken out of a record before anything of it is stored, logged or answered."""

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from packhorse_contracts import cards
from packhorse_contracts.envelope import Heard

from packhorse_chassis.telemetry import metrics

if TYPE_CHECKING:
    from packhorse_chassis.core.inputs import Raw

log = structlog.get_logger(__name__)


def screened(raw: "Raw") -> "Raw":
    """The record without card numbers: itself, in nearly every case."""
    value = raw.value and cards.cleaned(raw.value)
    headers = [(name, text if name.lower().startswith("ce_") else cards.cleaned(text)) for name, text in raw.headers]
    if value == raw.value and headers == list(raw.headers):
        return raw
    metrics.card_numbers.labels(raw.topic).inc()
    log.warning("a card number was removed", topic=raw.topic, partition=raw.partition, offset=raw.offset)
    return replace(raw, value=value, headers=headers)


def tell_spared(raw: "Raw", heard: Heard) -> None:
    """A fact was taken without fields that are wrong: nobody is stopped by them, and somebody should mend them."""
    for fault in heard.spared:
        metrics.spared.labels(heard.envelope.type, fault.field or "").inc()
        log.warning(
            "taken without a field that is wrong",
            type=heard.envelope.type,
            subject=heard.fact.subject,
            field=fault.field,
            code=fault.code,
            partition=raw.partition,
            offset=raw.offset,
        )
