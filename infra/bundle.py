"""Make the zip of a folder for Lambda, with the bytecode of everything in it: infra/package-api's last step.

    python infra/bundle.py FOLDER OUT.zip --runtime 3.13

A Lambda cannot write beside its code, so without bytecode every cold start compiles all that it imports. Bytecode is
good for one minor version of Python only: where no Python of the runtime's is at hand it is left out, and this says so.
It is marked as unchecked (PEP 552), for the times in a zip say nothing. The zip of equal contents is equal.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

LOUD = """\
=========================================================================================================
NO BYTECODE: the Lambda runs Python {runtime}, and neither this Python ({ours}) nor a python{runtime} is one.
The package works, but each cold start takes more than twice the CPU. Install python{runtime} and run it again.
========================================================================================================="""


def compiler(runtime: str) -> str | None:
    """Return a Python of this minor version: the one that runs this, or `python<runtime>`."""
    for python in (sys.executable, shutil.which(f"python{runtime}")):
        if python is not None and _version(python) == runtime:
            return python
    return None


def _version(python: str) -> str:
    """Return the minor version, as 3.13; empty for what does not run, such as a shim of a Python that is not there."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def compile_all(folder: Path, runtime: str) -> bool:
    """Put the bytecode beside the sources. Return False where there is no Python to do it."""
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    python = compiler(runtime)
    if python is None:
        return False
    # Names without the folder: a traceback then shows them as they lie in the Lambda.
    command = [python, "-m", "compileall", "-qq", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(folder), str(folder)], check=True)  # noqa: S603
    return True


def make_zip(folder: Path, out: Path) -> int:
    """Return the size of what is in it, in bytes."""
    size = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(str(path.relative_to(folder)), (2020, 1, 1, 0, 0, 0))
                info.external_attr, info.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes())
                size += path.stat().st_size
    return size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runtime", required=True, help="the Lambda's minor version of Python, such as 3.13")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if not compile_all(folder, options.runtime):
        print(LOUD.format(runtime=options.runtime, ours=_version(sys.executable)), file=sys.stderr)
    size = make_zip(folder, options.out)
    packed = options.out.stat().st_size
    print(f"{options.out}: {packed / 1e6:.0f} MB, {size / 1e6:.0f} MB unpacked (a Lambda may have 250)")


if __name__ == "__main__":
    main()
