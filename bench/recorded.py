"""`python -m bench.recorded`: what the stand-in makes of the recorded utterances, on a line as the telephone's.

Prints what was not understood; the last line is one JSON object:

    {"utterances", "understood", "share", "wrong", "harmful"}

`harmful` were heard as a yes and were none. Fails for one of them, and below 95 % understood. With `--write` it keeps
the transcripts as those that must come out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import soundfile

from agent.audio.ulaw import ulaw_encode
from bench.hearing import utterances
from common.spanish.consent import AN_ORDER, CANCELLING, Consent, consent
from common.spanish.names import plain
from sandbox.dialogue.understanding import Slot, Understanding, understand
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.mel import RATE
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.utterances import FOLDER, HEARD, Recorded, load_utterances

LEAST = 0.95  # of the utterances
TODAY = date(2026, 11, 27)  # a Friday: "el jueves" is the third of December

_MEANINGS: Mapping[str, Callable[[Understanding], str]] = {
    "consent": lambda said: consent(said.text, CANCELLING, AN_ORDER).name.lower(),
    "task": lambda said: str(said.intent.task(None)),
    "reply": lambda said: " ".join(sorted(reply.value for reply in said.intent.replies)),
    "record": lambda said: str(said.record_id),
    "dni": lambda said: str(said.dni),
    "name": lambda said: str(said.name),
    "email": lambda said: str(said.email),
    "doctor": lambda said: str(said.doctor),
    "day": lambda said: str(said.day),
    "hour": lambda said: f"{said.hour:%H:%M}" if said.hour else "",
}


@dataclass(frozen=True, slots=True)
class Heard:
    recorded: Recorded
    text: str

    @property
    def is_harmful(self) -> bool:
        """Whether it is heard as a yes and was none."""
        return self.recorded.means.get("consent") in ("no", "unclear") and self.consent is Consent.YES

    @property
    def consent(self) -> Consent:
        return consent(self.text, CANCELLING, AN_ORDER)

    @property
    def understood(self) -> bool:
        said = understand(self.text, TODAY, (Slot[name.upper()] for name in self.recorded.asked))
        return all(_is_meant(kind, _MEANINGS[kind](said), meant) for kind, meant in self.recorded.means.items())


def _is_meant(kind: str, found: str, meant: str) -> bool:
    """A reply may be one of some, and a doctor may have a title; accents are the recogniser's affair."""
    return plain(meant) in plain(found) if kind in ("reply", "doctor") else plain(meant) == plain(found)


def hear(recorded: Recorded, recognizer: Recognizer, offset: int = 0) -> str:
    """The transcript; of a recording that the ear takes for several, all of them."""
    samples, _ = soundfile.read(FOLDER / recorded.file, dtype="int16")
    spoken = utterances(ulaw_encode(samples.tobytes()), offset)
    return " ".join(recognizer.transcribe(audio, RATE) for audio in spoken)


def hear_all(recognizer: Recognizer) -> Iterator[Heard]:
    for recorded in load_utterances():
        yield Heard(recorded, hear(recorded, recognizer))


def kept() -> dict[str, str]:
    """The transcripts that must come out, by name."""
    return dict(json.loads(HEARD.read_text(encoding="utf-8")))


def main(arguments: list[str]) -> int:
    try:
        recognizer = Recognizer(load_weights())
    except WeightsMissing as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 1
    heard = list(hear_all(recognizer))
    if "--write" in arguments:
        texts = {each.recorded.name: each.text for each in heard}
        HEARD.write_text(json.dumps(texts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    wrong = [each for each in heard if not each.understood]
    for each in wrong:
        print(f"{each.recorded.name}: {each.recorded.say!r} is heard as {each.text!r}")
    share = 1 - len(wrong) / len(heard)
    summary = {"utterances": len(heard), "understood": len(heard) - len(wrong), "share": round(share, 3)}
    harmful = [each.recorded.name for each in wrong if each.is_harmful]
    print(json.dumps(summary | {"wrong": [each.recorded.name for each in wrong], "harmful": harmful}))
    return 0 if share >= LEAST and not harmful else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
