"""Token counts for usage events. The rates are ours: the service's are not documented, only that silence is free."""

from __future__ import annotations

from dataclasses import dataclass

from agent.sonic.events import Usage

SPEECH_TOKENS_PER_S = 25
CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class UsageMeter:
    input_speech: float = 0
    input_text: float = 0
    output_speech: float = 0
    output_text: float = 0
    total_input: int = 0
    total_output: int = 0

    def heard(self, seconds: float) -> None:
        self.input_speech += seconds * SPEECH_TOKENS_PER_S

    def read(self, text: str) -> None:
        self.input_text += len(text) / CHARACTERS_PER_TOKEN

    def spoken(self, seconds: float) -> None:
        self.output_speech += seconds * SPEECH_TOKENS_PER_S

    def take(self) -> Usage:
        """What was used since the last time, and the totals."""
        speech_in, text_in = round(self.input_speech), round(self.input_text)
        speech_out, text_out = round(self.output_speech), round(self.output_text)
        self.input_speech = self.input_text = self.output_speech = self.output_text = 0
        self.total_input += speech_in + text_in
        self.total_output += speech_out + text_out
        return Usage(speech_in, text_in, speech_out, text_out, self.total_input, self.total_output)
