"""Recorded utterances in eight voices, with what each says and what it means.

    - name: cancel-six                      # of its file, cancel-six.flac
      say: "Quiero cancelar el pedido seis."
      voice: dora                           # of VOICES
      speed: 1.1                            # 0.9 to 1.2
      noise_db: 15                          # how far pink noise lies below the voice; without it, there is none
    asked: [identity]                     # what Carlos had asked for: names of Slot
      means: {task: cancelarOrder, record: "6"}

`heard.json` holds what the recogniser makes of each; `python -m bench.recorded --write` writes it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
BACKCHANNELS = FOLDER / "backchannels"  # more recordings: words that only accompany what somebody says
HEARD = FOLDER / "heard.json"

# Kokoro's voice and its pitch: three Spanish ones, an Italian man and woman, a Frenchwoman, and two at another pitch.
VOICES: Mapping[str, tuple[str, float]] = {
    "dora": ("ef_dora", 1.0),
    "alex": ("em_alex", 1.0),
    "santa": ("em_santa", 1.0),
    "sara": ("if_sara", 1.0),
    "nicola": ("im_nicola", 1.0),
    "siwis": ("ff_siwis", 1.0),
    "old": ("em_alex", 0.93),
    "young": ("ef_dora", 1.07),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One utterance; `means` is what must be understood, by the names that `bench.recorded` knows."""

    name: str
    say: str
    voice: str
    means: Mapping[str, str]
    speed: float = 1.0
    noise_db: float | None = None
    asked: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}.flac"

    @property
    def speaker(self) -> tuple[str, float]:
        return VOICES[self.voice]


def load_utterances(folder: Path = FOLDER) -> list[Recorded]:
    """All of them, as the folder's file has them. Raises TypeError for a field that there is not."""
    content = yaml.safe_load((folder / "utterances.yaml").read_text(encoding="utf-8"))
    return [Recorded(**each) for each in content]
