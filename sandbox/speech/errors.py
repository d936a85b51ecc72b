"""What can go wrong with the local speech engine.

SpeechError
├── WeightsMissing   the weights are not installed, or LOCAL_STT_MODEL is not a model folder
├── WeightsRefused   a file is there but its checksum is not the pinned one: it is not loaded
└── VoiceError       espeak-ng could not start or could not speak
"""

from __future__ import annotations


class SpeechError(Exception):
    """The root of this package's errors; its text is fit to show to a person."""


class WeightsMissing(SpeechError):
    pass


class WeightsRefused(SpeechError):
    pass


class VoiceError(SpeechError):
    pass
