"""The last step of the Lambda's package: bytecode that its Python takes as it is, or a loud word that there is none."""

from __future__ import annotations

import importlib.util
import marshal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.infra.planned_stage import INFRA

OURS = "{}.{}".format(*sys.version_info)
UNCHECKED = 0b01  # a hash instead of a time, which is not compared: PEP 552


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    (folder / "api" / "__pycache__").mkdir(parents=True)
    (folder / "api" / "__init__.py").write_text("")
    (folder / "api" / "handler.py").write_text("NAMES = {'b', 'a'}\n\n\ndef handler():\n    return 7\n")
    (folder / "api" / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"of another Python")
    (folder / "data.json").write_text("{}")
    return folder


def bundle(folder: Path, out: Path, runtime: str = OURS) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, INFRA / "bundle.py", folder, out, "--runtime", runtime]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def bytecode(names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".pyc")]


def test_each_module_has_bytecode_that_is_used_without_a_look_at_its_source(folder: Path, tmp_path: Path) -> None:
    done = bundle(folder, tmp_path / "api.zip")
    assert "NO BYTECODE" not in done.stderr
    with zipfile.ZipFile(tmp_path / "api.zip") as archive:
        tag = sys.implementation.cache_tag
        made = bytecode(archive.namelist())
        assert made == [f"api/__pycache__/{name}.{tag}.pyc" for name in ("__init__", "handler")]
        for name in made:
            head, code = archive.read(name)[:16], marshal.loads(archive.read(name)[16:])  # noqa: S302 - our own
            assert head[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(head[4:8], "little") == UNCHECKED
            assert not Path(code.co_filename).is_absolute(), "a traceback would show the folder it was made in"


def test_the_zip_of_equal_contents_is_equal(folder: Path, tmp_path: Path) -> None:
    for name in ("one.zip", "other.zip"):
        bundle(folder, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_where_there_is_no_python_of_the_runtimes_it_says_so_and_leaves_the_bytecode_out(
    folder: Path, tmp_path: Path
) -> None:
    done = bundle(folder, tmp_path / "api.zip", runtime="3.99")
    assert "NO BYTECODE: the Lambda runs Python 3.99" in done.stderr
    with zipfile.ZipFile(tmp_path / "api.zip") as archive:
        names = archive.namelist()
    assert "api/handler.py" in names
    assert not bytecode(names), "that of another Python would only make the package larger"
