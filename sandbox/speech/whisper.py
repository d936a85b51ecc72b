"""Whisper base on CTranslate2: one utterance of Spanish to text, after its end (nothing streams).

The settings were measured on telephone audio: 12 s of context (8 s fell into repetition loops, 30 s took three
times as long), one beam, and a neutral prompt. A prompt with the words of the domain's answers would bias it.

That prompt expects a sentence, and a word by itself was made into the beginning of one: of a bare "Sí." in eight voices
none came out ("Se", "Seguro", "Sino"). So what is as short as a word is read as an answer first, and as a sentence
where that reading is not sure: of 90 pieces cut out of other speech it made one a yes; of 90 others, without that
limit, six.

A sentence that is not sure is read once more, of the same sound: what is short as a yes or a no, and only when that is
very sure; what is longer with five beams. Signs that nobody says are not written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import ctranslate2
import numpy as np
import soxr
from numpy.typing import NDArray
from tokenizers import Tokenizer

from sandbox.speech.errors import WeightsRefused
from sandbox.speech.guards import with_at_apart, without_echo, without_loops
from sandbox.speech.mel import BANDS, FRAMES_PER_SECOND, RATE, Features, log_mel
from sandbox.speech.weights import Weights

PROMPT = (
    "Llamada telefónica a un comercio de Argentina. "
    "El cliente dice su DNI, el número de pedido y el día y la hora del turno."
)

ANSWER_PROMPT = "El cliente contesta con una palabra: sí, no, un nombre, un número o un día. Sí. No."

CONSENT_PROMPT = "El cliente contesta sí o no. Sí. No. Dale. Sí, dale. Obvio. Sí, cancelalo. Está bien."

# OpenMP's own variable, which may be a list; CTranslate2 asks to be told.
THREADS = int((os.environ.get("OMP_NUM_THREADS") or "2").partition(",")[0])

_ANSWER_S = 1.25  # of an utterance with the half second of quiet around it: a word or two
_ANSWER_TOKENS = 12
_SURE = -0.85  # mean log probability: eight of "Sí." had -0.85 to -0.53
_DOUBTED = -0.45  # mean log probability of a sentence: of 81 utterances, 14 lay below it, 7 of them misheard
_CONSENT_S = 2.0  # "Sí, cancelalo." with its quiet takes 1.5 s
_CERTAIN = -0.25  # of a yes or no in a few words: "Sí, cancelalo." had -0.20; of what was none, "Dale." -0.58
_BEAMS = 5
_UNSAID = "$#"
_MODELS_OWN = -1  # CTranslate2's name for the tokens that the model's configuration suppresses
_CONTEXT_S = 12.0
_LONGEST_S = 29.0  # of Whisper's 30 s window, one second is left for the end of speech
_NEW_TOKENS = 60  # of a 12 s utterance; 16 s of test speech needed 52
_SHORTEST_S = 0.1
_NO_SPEECH = 0.6
_UNSURE = -1.0  # mean log probability of a token, as OpenAI's own decoder uses it


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    no_speech: float  # probability
    confidence: float  # mean log probability of a token


@dataclass(frozen=True, slots=True)
class Sound:
    """What the encoder made of an utterance; decoded as often as one likes."""

    encoded: Any  # a ctranslate2.StorageView
    seconds: float  # of context


class Recognizer:
    """Loads in one to two seconds, holds 690 MB, takes a fifth of the audio's length in CPU time.

    Computes in float32, whose transcripts were one on all instruction sets that were tried; int8's were not.

    Raises WeightsRefused for files that are no multilingual Whisper model. Blocking, and not for two threads at
    once: the caller gives it a worker thread of its own.
    """

    def __init__(self, weights: Weights, threads: int = THREADS) -> None:
        self._model = _load(weights, threads)
        self._tokenizer = Tokenizer.from_str(weights.files["tokenizer.json"].decode())
        self._sentence, self._answer = self._decoder_prefix(PROMPT), self._decoder_prefix(ANSWER_PROMPT)
        self._consent = self._decoder_prefix(CONSENT_PROMPT)
        self._unsaid = [at for token, at in self._tokenizer.get_vocab().items() if set(token) & set(_UNSAID)]

    def transcribe(self, pcm: bytes, rate: int) -> str:
        """Text of one utterance (PCM 16-bit mono at `rate` Hz); empty when nothing was said.

        Past 29 s the rest is left out: an utterance that long is no turn of a phone call.
        """
        samples = _at_whisper_rate(pcm, rate)[: int(_LONGEST_S * RATE)]
        if len(samples) < _SHORTEST_S * RATE:
            return ""
        sound = self._encoded(_padded(log_mel(samples)))
        if len(samples) <= _ANSWER_S * RATE and (answer := self._answer_in(sound)) is not None:
            return answer
        heard = self._sentence_in(sound, len(samples) / RATE)
        if heard.no_speech > _NO_SPEECH and heard.confidence < _UNSURE:
            return ""
        return with_at_apart(without_loops(without_echo(heard.text, PROMPT)))

    def _answer_in(self, sound: Sound) -> str | None:
        """None when it is not sure, or needs a guard: a loop and an echo are said with confidence."""
        heard = self._decode(sound, self._answer, _ANSWER_TOKENS)
        guarded = without_loops(without_echo(heard.text, ANSWER_PROMPT))
        return heard.text if heard.confidence > _SURE and guarded == heard.text else None

    def _sentence_in(self, sound: Sound, seconds: float) -> Heard:
        """The surer reading of two, if the first one is in doubt."""
        new_tokens = int(_NEW_TOKENS * sound.seconds / _CONTEXT_S)
        heard = self._decode(sound, self._sentence, new_tokens)
        if heard.confidence >= _DOUBTED:
            return heard
        if seconds > _CONSENT_S:
            again = self._decode(sound, self._sentence, new_tokens, _BEAMS)
            return max(heard, again, key=lambda each: each.confidence)
        answer = self._decode(sound, self._consent, _ANSWER_TOKENS)
        return answer if answer.confidence > _CERTAIN else heard

    def _encoded(self, features: Features) -> Sound:
        encoded = self._model.encode(ctranslate2.StorageView.from_array(features[None]))
        return Sound(encoded, features.shape[1] / FRAMES_PER_SECOND)

    def _decode(self, sound: Sound, prefix: list[int], new_tokens: int, beams: int = 1) -> Heard:
        [result] = self._model.generate(
            sound.encoded,
            [prefix],
            beam_size=beams,
            # CTranslate2 counts the prefix in max_length and lets the output be at most half of it.
            max_length=max(2 * new_tokens, len(prefix) + new_tokens),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=[_MODELS_OWN, *self._unsaid],
        )
        text: str = self._tokenizer.decode(result.sequences_ids[0]).strip()
        return Heard(text, result.no_speech_prob, result.scores[0])

    def _decoder_prefix(self, text: str) -> list[int]:
        prompt: list[int] = self._tokenizer.encode(" " + text, add_special_tokens=False).ids
        start = ("<|startoftranscript|>", "<|es|>", "<|transcribe|>", "<|notimestamps|>")
        return [self._id("<|startofprev|>"), *prompt, *(self._id(token) for token in start)]

    def _id(self, token: str) -> int:
        found: Any = self._tokenizer.token_to_id(token)
        if found is None:
            raise WeightsRefused(f"the tokenizer has no {token}: not a multilingual Whisper model")
        return int(found)


def _load(weights: Weights, threads: int) -> Any:
    try:
        return ctranslate2.models.Whisper(
            weights.name,
            device="cpu",
            compute_type="float32",
            inter_threads=1,
            intra_threads=threads,
            files=dict(weights.files),
        )
    except (RuntimeError, ValueError) as error:
        raise WeightsRefused(f"{weights.name} is no Whisper model that CTranslate2 can load: {error}") from error


def _at_whisper_rate(pcm: bytes, rate: int) -> NDArray[np.float32]:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
    return samples if rate == RATE else np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32)


def _padded(features: Features) -> Features:
    seconds = features.shape[1] / FRAMES_PER_SECOND
    context = _CONTEXT_S if seconds <= _CONTEXT_S - 1 else seconds + 1
    padded = np.zeros((BANDS, int(context * FRAMES_PER_SECOND)), dtype=np.float32)
    padded[:, : features.shape[1]] = features
    return padded
