"""espeak-ng 1.52 by ctypes: text to PCM, and text to phonemes for rendering.

espeak-ng is GPL-3.0; the wheel `espeakng-loader` carries the shared library and its data. The library keeps
global state, so there is one `Espeak` per process and a lock around every call.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache

import espeakng_loader

from sandbox.speech.errors import VoiceError

# speak_lib.h of espeak-ng 1.52
_OUTPUT_SYNCHRONOUS = 2
_RATE = 1
_CHARS_UTF8 = 1
_PHONEMES_IPA = 2

_SAMPLES = ctypes.POINTER(ctypes.c_short)
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, _SAMPLES, ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """A male Latin American voice (es-419).

    Calls take about a thousandth of the audio's length and may come from any thread.
    """

    def __init__(self, voice: str = "es-419", words_per_minute: int = 165) -> None:
        self._lock = threading.Lock()
        self._pieces: list[bytes] = []
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data, 0)
        if self.rate <= 0:
            raise VoiceError("espeak-ng did not start")
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise VoiceError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._callback = _CALLBACK(self._collect)  # kept: the library holds only the address
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str) -> bytes:
        """PCM 16-bit mono at `self.rate` Hz; raises VoiceError."""
        encoded = text.encode() + b"\0"
        with self._lock:
            self._pieces = []
            failed = self._library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _CHARS_UTF8, None, None)
            if failed:
                raise VoiceError(f"espeak-ng could not speak: error {failed}")
            return b"".join(self._pieces)

    def phonemes(self, text: str) -> str:
        """The text's sounds in IPA with stress marks, punctuation lost."""
        rest = ctypes.c_char_p(text.encode())
        clauses: list[str] = []
        with self._lock:
            while rest.value:
                clause = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _CHARS_UTF8, _PHONEMES_IPA)
                clauses.append((clause or b"").decode())
        return " ".join(clause for clause in clauses if clause)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: object) -> int:
        if count > 0:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0


@cache
def shared_espeak() -> Espeak:
    return Espeak()
