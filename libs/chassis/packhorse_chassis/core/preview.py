"""The answer to a dry run: what an outcome would have been, as a fact for whoever asked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from packhorse_contracts import envelope as ce
from packhorse_contracts.blocks import Fault
from packhorse_contracts.operations import (
    MOST_NAMED,
    OperationsPreviewed,
    PreviewedEffect,
    PreviewedFact,
    PreviewedState,
    PreviewedTimer,
)
from packhorse_contracts.personal import masked

from packhorse_chassis.core.inputs import Arrival
from packhorse_chassis.core.kinds import Ref
from packhorse_chassis.core.outcome import Outcome
from packhorse_chassis.core.said import MAX_EVENT_BYTES, DeadLetter, Said

_FEW: Final = 20
_SHORT: Final = 320
_TEXT: Final = 2_000
_PARKED: Final = "its subject is parked: it would wait there in order, until an operator has decided"
_OURS: Final = "a mistake of ours: it would be given up, and its subject would wait for an operator"

T = TypeVar("T")


def preview(
    service: str,
    arrival: Arrival,
    about: Ref | None,
    tried: Outcome,
    changed: Sequence[Ref],
    fingerprint: str | None,
    now: datetime,
) -> OperationsPreviewed:
    """`tried` is what would follow. As much of it is told as fits into a record: names rather than contents."""
    asked = arrival.dry_run
    assert asked is not None  # noqa: S101 -- nobody else gets an answer
    for most, whole in ((MOST_NAMED, True), (MOST_NAMED, False)):
        told = _told(service, asked, about, tried, changed, fingerprint, now, most, whole=whole)
        if len(told.model_dump_json().encode()) <= MAX_EVENT_BYTES:
            return told
    return _told(service, asked, about, tried, changed, fingerprint, now, _FEW, whole=False)


def _told(
    service: str,
    asked: ce.DryRun,
    about: Ref | None,
    tried: Outcome,
    changed: Sequence[Ref],
    fingerprint: str | None,
    now: datetime,
    most: int,
    *,
    whole: bool,
) -> OperationsPreviewed:
    said = tried.said
    effects = {effect.idempotency_key: effect for effect, *_ in tried.effects}
    lists: tuple[Sequence[object] | Mapping[Any, object], ...] = (said, tried.timers, effects, changed)
    return OperationsPreviewed(
        request_id=asked.id,
        request_source=asked.source,
        request_type=asked.type[:_SHORT],
        service=service,
        at=now,
        about=None if about is None else _state(about),
        fingerprint=fingerprint,
        facts=tuple(_fact(item, whole=whole) for item in said[:most]),
        timers=tuple(
            PreviewedTimer(
                type=type_name[:_SHORT],
                key=key[:_TEXT],
                name=name[:_TEXT],
                due=timer and timer[0].due,
                cancelled=timer is None,
            )
            for (type_name, key, name), timer in _first(tried.timers.items(), most)
        ),
        effects=tuple(
            PreviewedEffect(type=effect.request.type_name()[:_SHORT], idempotency_key=key[:_TEXT])
            for key, effect in _first(effects.items(), most)
        ),
        states=tuple(_state(ref) for ref in changed[:most]),
        refusal=_refusal(tried),
        left_out=sum(max(0, len(names) - most) for names in lists),
    )


def _first(items: Iterable[T], most: int) -> list[T]:
    return list(items)[:most]


def _fact(item: Said, *, whole: bool) -> PreviewedFact:
    """Without names and addresses: whoever may look at what would follow from a request need not know whose it is."""
    data = None
    if whole:
        data = cast("dict[str, Any]", masked(item.fact.model_dump(mode="json", exclude_none=True, by_alias=True)))
    return PreviewedFact(type=item.fact.TYPE, subject=item.fact.subject[:_TEXT], data=data)


def _state(ref: Ref) -> PreviewedState:
    return PreviewedState(kind=ref.kind, key=ref.key[:_TEXT])


def _refusal(tried: Outcome) -> Fault | None:
    if tried.waiting:
        return Fault(code="parked", field=None, message=_PARKED)
    return _fault(tried.dead[0]) if tried.dead else None


def _fault(dead: DeadLetter) -> Fault:
    """Of a mistake not even the exception is told: it may hold what somebody's state says."""
    message = _OURS if dead.parked else dead.reason[:_TEXT].replace("\x00", "\ufffd")
    return Fault(code=dead.code, field=None if dead.parked or not dead.field else dead.field[:_SHORT], message=message)
