"""Silero VAD (MIT), whose model file pipecat ships: how likely is it that a window of audio is speech."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sandbox.speech.errors import WeightsMissing

WINDOW_MS = 32  # 256 samples at 8 kHz, 512 at 16 kHz: the model knows no other
RATES = (8_000, 16_000)  # Hz
REST = 8  # windows of silence that it hears first: to a memory of nothing the first second of speech may be none


class Silero:
    """The model with one stream's memory. The session behind it is shared and may be used from any thread."""

    def __init__(self, rate: int) -> None:
        self._session = _session()
        self._rate = np.array(rate, dtype=np.int64)
        self._context_length = rate // 250
        self.window = rate * WINDOW_MS // 1000
        self._silence = np.zeros(self.window, dtype=np.float32)
        self._state = np.zeros((2, 1, 128), dtype=np.float32)
        self._context = self._silence[: self._context_length]
        for _ in range(REST):
            self.probability(self._silence)
        self._rested = self._state

    def forget(self) -> None:
        """Listen as after silence."""
        self._state, self._context = self._rested, self._silence[: self._context_length]

    def probability(self, samples: NDArray[np.float32]) -> float:
        """Of speech in the next `window` samples, -1..1; about 0.2 ms."""
        given = np.concatenate([self._context, samples])[None]
        output, self._state = self._session.run(None, {"input": given, "state": self._state, "sr": self._rate})
        self._context = samples[-self._context_length :]
        return float(output[0, 0])


@cache
def _session() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(_model_file()), options, providers=["CPUExecutionProvider"])


def _model_file() -> Path:
    # pipecat's audio package is not imported: it would load transports and loggers for a data file.
    spec = find_spec("pipecat")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    for folder in folders:
        if (path := folder / "audio" / "vad" / "data" / "silero_vad.onnx").is_file():
            return path
    raise WeightsMissing("silero_vad.onnx is not where pipecat 1.14 ships it (pipecat/audio/vad/data)")
