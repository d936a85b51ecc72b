"""What a newcomer reads first is there, and agrees with the rest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))]
NO_BUSINESS = ("agent", "telephony", "carlos", "common")
BUSINESS = re.compile(r"\b(Order|OrderItem|OrderStatus|Appointment|AppointmentStatus|AppointmentType)\b")


def leads_somewhere(page: Path, link: str) -> bool:
    """True for a link from `page` to a file, and to a heading in it where one is named."""
    file, _, anchor = link.partition("#")
    path = page.parent / file if file else page
    if not anchor or not path.exists():
        return path.exists()
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_make_target_of_a_page_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"]\(([^)]+)\)", text) if "://" not in link]
    assert not [link for link in links if not leads_somewhere(ROOT / page, link)]
    makefiles = "\n".join(
        path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("*/*.mk"), *ROOT.glob("*/*/*.mk"))
    )
    targets = set(re.findall(r"^([a-z-]+):", makefiles, re.M))
    assert not set(re.findall(r"`make ([a-z-]+)", text)) - targets


def test_a_page_names_no_file_that_is_not_there() -> None:
    rooms = "agent|api|bench|carlos|common|data|infra|sandbox|telephony|tests|tools"
    made = {"infra/mine.tfvars", "infra/demo.s3.tfbackend"}  # by whoever follows the page
    pages = [page for page in PAGES if "/how-to/" not in page]
    named = {path for page in pages for path in re.findall(rf"`((?:{rooms})/[\w./-]+)`", (ROOT / page).read_text())}
    assert not [path for path in named - made if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
@pytest.mark.parametrize("link", [
    "AGENTS.md", "docs/glossary.md", "docs/how-to/add-a-tool.md", "docs/how-to/add-a-carrier.md",
    "docs/how-to/another-business.md", "docs/settings.md",
])  # fmt: skip
def test_who_wants_to_change_carlos_finds_the_way_from_the_front_page(page: str, link: str) -> None:
    assert f"]({link})" in (ROOT / page).read_text()


def test_the_rooms_that_another_business_leaves_alone_know_no_order_and_no_appointment() -> None:
    paths = [path for room in NO_BUSINESS for path in (ROOT / room).rglob("*.py")]
    assert not [path for path in paths if BUSINESS.search(path.read_text())]


def test_each_term_of_the_glossary_is_one_sentence_and_is_found_where_it_says() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| \[([^]]+)]\(\.\./([^)]+)\) \|$", page, re.M)
    assert len(rows) == page.count("\n| ") - 1, "all rows but the head"
    for term, sentence, name, where in rows:
        assert ". " not in sentence, term
        paths = [ROOT / where] if (ROOT / where).is_file() else [*(ROOT / where).rglob("*.py")]
        code = "\n".join(path.read_text() for path in paths)
        assert not name.startswith("`") or re.search(rf"\b{name.strip('`')}\b", code), term


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2026 The Carlos authors\n")
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in PROJECT["license-files"]} <= set(ignored), "the image's wheel carries them"


def test_the_notice_names_what_others_made_and_where_it_lies() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for what in (
        "espeak-ng",
        "GNU General Public License 3.0",
        "Kokoro-82M",
        "Apache License 2.0",
        "Whisper",
        "Silero",
    ):
        assert what in notice
    assert not [path for path in re.findall(r"(?:sandbox|infra|requirements|docs)/[\w./-]*\w", notice)
                if not (ROOT / path).exists()]  # fmt: skip


def test_the_changelog_has_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[([^]]+)]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[:2] == ["Unreleased", PROJECT["version"]]


def test_the_forge_runs_the_whole_suite_on_each_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    job = workflow["jobs"]["test"]
    said = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert set(job["strategy"]["matrix"]["python"]) == said
    assert any(step.get("run", "").startswith("make test ") for step in job["steps"])
    assert workflow["permissions"] == {"contents": "read"}
