from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sandbox.speech.errors import WeightsMissing, WeightsRefused
from sandbox.speech.weights import Pinned, check_present, load_weights, read_pinned

ONE, TWO = "speech_fixture_one", "speech_fixture_two"
JOINED = Pinned("model.bin", ((ONE, "data/a"), (TWO, "data/b")), hashlib.sha256(b"first half, second half").hexdigest())


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two installed data packages; importing either would fail."""
    for name, part, content in ((ONE, "a", b"first half, "), (TWO, "b", b"second half")):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')")
        (tmp_path / name / "data" / part).write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_parts_are_joined_without_importing_their_packages(packages: Path) -> None:
    assert read_pinned((JOINED,)) == {"model.bin": b"first half, second half"}


def test_a_tampered_part_is_refused(packages: Path) -> None:
    (packages / TWO / "data" / "b").write_bytes(b"second helf")
    with pytest.raises(WeightsRefused, match=r"model\.bin has SHA-256"):
        read_pinned((JOINED,))


def test_a_missing_part_says_what_to_install(packages: Path) -> None:
    (packages / ONE / "data" / "a").unlink()
    with pytest.raises(WeightsMissing, match=r"speech_fixture_one/data/a.*requirements/weights\.txt"):
        read_pinned((JOINED,))


def test_an_uninstalled_package_is_missing_not_an_import_error() -> None:
    with pytest.raises(WeightsMissing, match="no_such_speech_package"):
        read_pinned((Pinned("model.bin", (("no_such_speech_package", "data/a"),), "0" * 64),))


def test_an_own_folder_is_read_instead_of_the_packages(tmp_path: Path) -> None:
    for name in ("model.bin", "tokenizer.json", "config.json", "vocabulary.txt", "README.md"):
        (tmp_path / name).write_bytes(name.encode())
    weights = load_weights(tmp_path)
    assert weights.files["model.bin"] == b"model.bin"
    assert set(weights.files) == {"model.bin", "tokenizer.json", "config.json", "vocabulary.txt"}


def test_an_own_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    with pytest.raises(WeightsMissing, match=r"LOCAL_STT_MODEL=.*tokenizer\.json is missing"):
        check_present(tmp_path)
