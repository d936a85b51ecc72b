"""Times and records that were told to a caller, and which of them he takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from common.spanish.names import plain
from sandbox.dialogue.speech import read_moment
from sandbox.dialogue.words import Word, has_phrase, keys_of

_ORDINALS = (
    ("primera", "primero", "primer", "uno", "opcion uno", "opcion 1"),
    ("segunda", "segundo", "opcion dos", "opcion 2", "del medio"),
    ("tercera", "tercero", "tercer", "opcion tres", "opcion 3"),
    ("cuarta", "cuarto"),
    ("quinta", "quinto"),
)
_HALVES = {"de la manana": range(12), "de la tarde": range(12, 20), "de la noche": range(20, 24)}
_LAST = ("ultima", "ultimo")
_LATEST = ("mas tarde",)
_EARLIEST = (
    "primera hora", "temprano", "cuanto antes", "lo antes posible", "cualquiera", "el que sea", "la que sea",
    "me da igual", "me da lo mismo", "la que quieras", "el que quieras", "lo mas pronto", "mas cercano", "mas cercana",
    "la que vos digas", "el que vos digas", "elegi vos", "el proximo", "la proxima",
)  # fmt: skip
_OVER = frozenset({"cancelled", "completed", "delivered"})


@dataclass(frozen=True, slots=True)
class Offer:
    """One of them: a time, perhaps a doctor's, or a record by its number."""

    moment: datetime | None = None
    doctor: str | None = None
    record_id: str | None = None


def read_offers(told: Any) -> tuple[Offer, ...]:
    """From a tool's result: ISO moments, times of doctors, or records; without those that are over."""
    return tuple(offer for item in told or () if (offer := _read(item)))


def _read(item: Any) -> Offer | None:
    if isinstance(item, str):
        return Offer(read_moment(item))
    if item.get("status") in _OVER:
        return None
    record_id = item.get("id")
    return Offer(read_moment(item.get("date")), item.get("doctorName"), None if record_id is None else str(record_id))


def choose(
    offers: Sequence[Offer], words: Sequence[Word], day: date | None, hour: time | None, doctor: str | None
) -> Offer | None:
    """The offer that is meant by its day, hour or doctor, or by its place; None for another, or none of them."""
    if day is not None or hour is not None or doctor is not None:
        return next((offer for offer in offers if _fits(offer, day, hour, doctor)), None)
    keys = keys_of(words)
    for half, hours in _HALVES.items():
        if has_phrase(keys, (half,)):
            return next((offer for offer in offers if offer.moment and offer.moment.hour in hours), None)
    if has_phrase(keys, _EARLIEST):
        return _by_time(offers, min)
    if has_phrase(keys, _LATEST):
        return _by_time(offers, max)
    if has_phrase(keys, _LAST):
        return offers[-1]
    at = next((at for at, said in enumerate(_ORDINALS) if has_phrase(keys, said)), len(offers))
    return offers[at] if at < len(offers) else None


def _fits(offer: Offer, day: date | None, hour: time | None, doctor: str | None) -> bool:
    """ "La de las diez" may be ten in the morning or at night: the clock's face decides among what there is."""
    moment = offer.moment
    if day is not None and (moment is None or moment.date() != day):
        return False
    if doctor is not None and plain(offer.doctor or "") != plain(doctor):
        return False
    same_hour = moment and hour and (moment.hour % 12, moment.minute) == (hour.hour % 12, hour.minute)
    return hour is None or bool(same_hour)


def _by_time(offers: Sequence[Offer], which: Callable[..., Offer]) -> Offer | None:
    timed = [offer for offer in offers if offer.moment]
    return which(timed, key=lambda offer: offer.moment) if timed else None
