"""What a call's recording tells of it, beside what the server says: read, compared and shown."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from agent.call_audit import DEAD_AIR_S, CallAudit, Claims, Samples, audited, claims, matched
from common.addresses import server_url

RATES = range(8000, 48001, 1000)  # Hz; Carlos records 16000, `carlos call` 8000
LONGEST_S = 2 * 3600
TIMEOUT_S = 10.0
MOST_BYTES = 50_000_000  # of a record

_out = Console(highlight=False)
_problems = Console(stderr=True, highlight=False)


class AuditError(Exception):
    """Said to whoever typed the command."""


def audit(wav: Path, record: Path | None, server: str | None, key: str, call: str | None, *, as_json: bool) -> bool:
    """Print what `carlos audit` prints. Return False where it cannot be told, which is said on standard error."""
    try:
        found = audited(*read(wav))
        claimed = None
        if record is not None:
            claimed = _claims(_record_in(record))
        elif server is not None:
            claimed = _claims(_record_of(server, key, call or _call_id(wav)))
    except AuditError as error:
        _problems.print(str(error), style="red", markup=False, soft_wrap=True)
        return False
    if as_json:
        typer.echo(json.dumps(_json(found, claimed), ensure_ascii=False))
    else:
        _show(wav, found, claimed)
    return True


def read(path: Path) -> tuple[Samples, Samples, int]:
    """Return the caller's and Carlos's samples and their rate in Hz. Raise AuditError."""
    try:
        with path.open("rb") as file, wave.open(file, "rb") as wav:
            channels, width, rate, frames = wav.getnchannels(), wav.getsampwidth(), wav.getframerate(), wav.getnframes()
            if channels != 2:
                raise AuditError(f"{path} has {_channels(channels)}: expected two, the caller left and Carlos right")
            if width != 2:
                raise AuditError(f"{path} has samples of {8 * width} bits; expected 16")
            if rate not in RATES:
                raise AuditError(f"{path} has a rate of {rate} Hz; expected whole kilohertz from 8000 to 48000 Hz")
            if frames > LONGEST_S * rate:
                raise AuditError(f"{path} is longer than {LONGEST_S // 3600} hours")
            pcm = wav.readframes(frames)
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        raise AuditError(f"{path} is no WAV of 16-bit samples: {error or 'it is too short'}") from error
    if len(pcm) < 4:
        raise AuditError(f"{path} is empty: it has no samples")
    sides = np.frombuffer(pcm[: len(pcm) // 4 * 4], dtype="<i2").reshape(-1, 2)  # a crash may have cut the last one
    return sides[:, 0], sides[:, 1], rate


def _channels(count: int) -> str:
    return "one channel" if count == 1 else f"{count} channels"


# --- the record -----------------------------------------------------------------------------------------------


def _record_in(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise AuditError(f"{path} is no JSON: {error}") from error


def _record_of(server: str, key: str, call_id: str) -> Any:
    try:
        base = server_url(server)
    except ValueError as error:
        raise AuditError(str(error)) from None
    url = f"{base}/calls/{quote(call_id, safe='')}"
    request = Request(url, headers={"X-Api-Key": key} if key else {})  # noqa: S310 - http or https
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return json.loads(answer.read(MOST_BYTES))
    except HTTPError as error:
        error.close()
        why = {
            401: "it wants a key: --key",
            403: "the key may not read calls",
            404: f"it has no call {call_id}: --call",
        }
        raise AuditError(f"{url}: {error.code}, {why.get(error.code, 'no record')}") from error
    except (URLError, TimeoutError) as error:
        raise AuditError(f"{base} does not answer: {getattr(error, 'reason', error)}") from error
    except ValueError as error:
        raise AuditError(f"{url} gave no JSON") from error


def _claims(told: Any) -> Claims:
    try:
        return claims(told["data"] if isinstance(told, dict) and "data" in told else told)
    except ValueError as error:
        raise AuditError(str(error)) from error


def _call_id(wav: Path) -> str:
    """A part of a call that went on is `<id>.<part>.wav`."""
    return wav.stem.partition(".")[0]


# --- what is told ---------------------------------------------------------------------------------------------


def _json(found: CallAudit, claimed: Claims | None) -> dict[str, Any]:
    body = found.json()
    if claimed is not None:
        answers = [
            {
                "answer_ms": None if answer is None else answer.answer_ms,
                "latency_ms": None if claim is None else claim.latency_ms,
                "sonic_end_ms": None if claim is None else claim.sonic_end_ms,
                "sonic_detected_ms": None if claim is None else claim.sonic_detected_ms,
            }
            for answer, claim in matched(found.answers, claimed.turns)
        ]
        body["record"] = {"answers": answers, "interruptions": claimed.interruptions, "seconds": claimed.seconds}
    return body


def _show(wav: Path, found: CallAudit, claimed: Claims | None) -> None:
    _out.print(
        f"{wav.name}: {_clock(found.seconds)}, {found.caller_s:.1f} s of the caller's words, "
        f"{found.carlos_s:.1f} s of Carlos",
        markup=False,
    )
    _show_answers(found, claimed)
    _show_table(
        "overlaps",
        ("at", "seconds", "who began while the other spoke"),
        [(_clock(each.at_s), f"{each.seconds:.2f}", _who(each.by)) for each in found.overlaps],
    )
    _show_table(
        f"dead air of more than {DEAD_AIR_S:g} s",
        ("at", "seconds", "who was heard last"),
        [(_clock(each.at_s), f"{each.seconds:.2f}", _who(each.after)) for each in found.dead_air],
    )
    _show_table(
        "cut words of Carlos",
        ("at", "why", "silent for"),
        [
            (_clock(each.at_s), each.kind, "to the end" if each.silent_ms is None else f"{each.silent_ms} ms")
            for each in found.cuts
        ],
    )
    totals = found.totals
    _out.print(
        f"\nin all: {totals['answers']} answers, median {_ms(totals['answer_ms_median'])}, "
        f"longest {_ms(totals['answer_ms_max'])}; {totals['overlap_s']:g} s of overlap; "
        f"{totals['dead_air_s']:g} s of dead air; {totals['interruptions']} interruptions, {totals['gaps']} gaps, "
        f"{totals['stops']} stops"
    )
    if claimed is not None:
        lasted = "has not ended" if claimed.seconds is None else f"lasted {_clock(claimed.seconds)}"
        _out.print(f"the record: {claimed.interruptions} interruptions; the call {lasted}")


def _show_answers(found: CallAudit, claimed: Claims | None) -> None:
    title = "answer times, from the end of the caller's words to the first sound of Carlos"
    if claimed is None:
        rows = [(_clock(each.at_s), _ms(each.answer_ms)) for each in found.answers]
        return _show_table(title, ("at", "measured"), rows)
    compared = []
    for answer, claim in matched(found.answers, claimed.turns):
        ours = None if answer is None else answer.answer_ms
        theirs = (
            (None, None, None) if claim is None else (claim.latency_ms, claim.sonic_end_ms, claim.sonic_detected_ms)
        )
        differ = "" if ours is None or theirs[0] is None else f"{theirs[0] - ours:+d} ms"
        at = "not in it" if answer is None else _clock(answer.at_s)
        compared.append((at, _ms(ours), _ms(theirs[0]), differ, _ms(theirs[1]), _ms(theirs[2])))
    head = ("at", "measured", "the record", "differs", "from Sonic's end", "from Sonic's detection")
    _show_table(title, head, compared)


def _show_table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    _out.print(f"\n{title}: {'none' if not rows else ''}".rstrip())
    if rows:
        table = Table(*head, box=None)
        for row in rows:
            table.add_row(*row)
        _out.print(table)


def _who(who: str | None) -> str:
    return {"carlos": "Carlos", "caller": "the caller"}.get(who or "", "nobody")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}:{rest:05.2f}"


def _ms(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds} ms"
