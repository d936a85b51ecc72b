"""`make plan`, `deploy`, `destroy` and `seed`: what they run, with a terraform that only notes what it is asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.planned_stage import INFRA, ROOT

NOTES = """\
#!/bin/sh
echo "terraform $*" >> notes.txt
case "$*" in *output*) printf '<%s>' "$(echo "$*" | sed 's/.* //')" ;; esac
"""
SEEDS = """\
#!/bin/sh
echo "carlos $* $STORE $AWS_DEFAULT_REGION $ORDERS_TABLE $APPOINTMENTS_TABLE $CALLS_TABLE" >> notes.txt
"""
INIT = "terraform -chdir=infra init -input=false -reconfigure -backend-config=demo.s3.tfbackend"
VALUES = "-var-file=demo.tfvars -var-file=mine.tfvars"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make needs of one, where the virtual environment and the state are."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "infra").mkdir()
    for name in ("infra.mk", "demo.tfvars"):
        shutil.copy(INFRA / name, tmp_path / "infra")
    (tmp_path / "infra" / "demo.s3.tfbackend").touch()
    (tmp_path / "infra" / "mine.tfvars").touch()
    for path, script in (("bin/terraform", NOTES), (".venv/bin/carlos", SEEDS)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(script)
        (tmp_path / path).chmod(0o755)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    made = [option for stamp in (".venv/.base", ".venv/.run") for option in ("-o", stamp)]
    return subprocess.run(
        ["make", *made, "PACKAGE=echo package-api >> notes.txt", *arguments],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def noted(checkout: Path) -> list[str]:
    notes = checkout / "notes.txt"
    return notes.read_text().splitlines() if notes.exists() else []


@pytest.mark.parametrize(("target", "command"), [("plan", "plan"), ("deploy", "apply"), ("destroy", "destroy")])
def test_a_stage_is_brought_to_terraform_with_its_own_state_and_values(
    checkout: Path, target: str, command: str
) -> None:
    done = make(checkout, target, "STAGE=demo")
    assert done.returncode == 0, done.stderr
    assert noted(checkout) == [INIT, "package-api", f"terraform -chdir=infra {command} {VALUES}"]
    assert f"{target}: shows what" in done.stdout
    assert "stage demo" in done.stdout


def test_a_part_may_be_made_alone_and_without_values_of_ones_own(checkout: Path) -> None:
    (checkout / "infra" / "mine.tfvars").unlink()
    assert make(checkout, "deploy", "TARGET=module.data").returncode == 0
    (asked,) = [line for line in noted(checkout) if " apply " in line]
    assert asked.split()[3:] == ["-var-file=demo.tfvars", "-target=module.data"]


def test_nothing_is_changed_without_terraforms_question() -> None:
    assert "auto-approve" not in (INFRA / "infra.mk").read_text()


def test_a_seed_goes_to_the_tables_of_the_stages_own_state(checkout: Path) -> None:
    done = make(checkout, "seed", "STAGE=demo")
    assert done.returncode == 0, done.stderr
    tables = " ".join(f"<{table}_table_name>" for table in ("orders", "appointments", "calls"))
    assert noted(checkout)[0] == INIT
    assert noted(checkout)[-1] == f"carlos seed dynamodb <aws_region> {tables}"
    assert "nothing is overwritten" in done.stdout


def test_a_seed_without_a_state_that_can_be_read_seeds_nothing(checkout: Path) -> None:
    (checkout / "bin" / "terraform").write_text('#!/bin/sh\ncase "$*" in *output*) exit 1 ;; esac\n')
    assert make(checkout, "seed").returncode != 0
    assert noted(checkout) == []


@pytest.mark.parametrize("target", ["plan", "deploy", "destroy", "seed"])
def test_what_is_missing_is_said_before_anything_is_asked_of_terraform(checkout: Path, target: str) -> None:
    (checkout / "infra" / "demo.s3.tfbackend").unlink()
    for stage, sentence in (
        ("demo", "stage demo has no state yet: make infra-setup STAGE=demo"),
        ("staging", "there is no infra/staging.tfvars: a stage needs its sizes"),
    ):
        done = make(checkout, target, f"STAGE={stage}")
        assert done.returncode != 0
        assert sentence in done.stdout
    assert noted(checkout) == []
