"""Whisper base on CTranslate2: one utterance of Spanish to text, after its end (nothing streams).

The settings were measured on telephone audio: 12 s of context (8 s fell into repetition loops, 30 s took three
times as long), one beam, and a neutral prompt. A prompt with the words of the domain's answers would bias it.
"""

from __future__ import annotations

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


class Recognizer:
    """Loads in one to two seconds, holds 690 MB, takes a fifth of the audio's length in CPU time.

    Computes in float32, whose transcripts were one on all instruction sets that were tried; int8's were not.

    Raises WeightsRefused for files that are no multilingual Whisper model. Blocking, and not for two threads at
    once: the caller gives it a worker thread of its own.
    """

    def __init__(self, weights: Weights, threads: int = 2) -> None:
        self._model = _load(weights, threads)
        self._tokenizer = Tokenizer.from_str(weights.files["tokenizer.json"].decode())
        self._prefix = self._decoder_prefix()

    def transcribe(self, pcm: bytes, rate: int) -> str:
        """Text of one utterance (PCM 16-bit mono at `rate` Hz); empty when nothing was said.

        Past 29 s the rest is left out: an utterance that long is no turn of a phone call.
        """
        samples = _at_whisper_rate(pcm, rate)[: int(_LONGEST_S * RATE)]
        if len(samples) < _SHORTEST_S * RATE:
            return ""
        heard = self._decode(_padded(log_mel(samples)))
        if heard.no_speech > _NO_SPEECH and heard.confidence < _UNSURE:
            return ""
        return with_at_apart(without_loops(without_echo(heard.text, PROMPT)))

    def _decode(self, features: Features) -> Heard:
        seconds = features.shape[1] / FRAMES_PER_SECOND
        new_tokens = int(_NEW_TOKENS * seconds / _CONTEXT_S)
        [result] = self._model.generate(
            ctranslate2.StorageView.from_array(features[None]),
            [self._prefix],
            beam_size=1,
            # CTranslate2 counts the prefix in max_length and lets the output be at most half of it.
            max_length=max(2 * new_tokens, len(self._prefix) + new_tokens),
            return_scores=True,
            return_no_speech_prob=True,
        )
        text: str = self._tokenizer.decode(result.sequences_ids[0]).strip()
        return Heard(text, result.no_speech_prob, result.scores[0])

    def _decoder_prefix(self) -> list[int]:
        prompt: list[int] = self._tokenizer.encode(" " + PROMPT, add_special_tokens=False).ids
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
