"""What the trials say: which rows fail, the table, and the page that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.faults.matrix import Row, rows
from bench.machine import describe
from bench.page import replace_figures
from bench.report import NAMES

OPENS = 12  # in a call; no outage is worth more
LOST_MS = 1.0  # what the search for lost samples may miss at the edges of syllables
KINDS = ("ours", "stock")

type Outcome = dict[str, Any] | None  # of one trial (bench.faults.trial.Outcome); None for a process that died or hung
type Result = dict[str, Any]


def failings(row: Row, outcome: Outcome) -> list[str]:
    """What is wrong with an outcome; nothing for a caller who was served."""
    if outcome is None:
        return ["died or hung"]
    wrong = {
        "neither answered nor told": not (outcome["recovered"] or outcome["told"]),
        "dead air": outcome["dead_air_s"] > row.dead_air_s,
        "answered late": outcome["answer_s"] > row.answer_s,
        "speech lost": outcome["lost_ms"] > LOST_MS,
        "storm": outcome["opens"] > OPENS,
        "left over": outcome["left"] > 0,
    }
    return [name for name, is_so in wrong.items() if is_so]


def result(outcomes: Mapping[tuple[str, str], Outcome]) -> Result:
    """One object: a row for each fault that was tried, and how many fail for ours."""
    tried = [row for row in rows() if (row.name, "ours") in outcomes]
    told = [
        {"fault": row.name}
        | {kind: outcomes[row.name, kind] for kind in KINDS if (row.name, kind) in outcomes}
        | {"ours_fails": failings(row, outcomes[row.name, "ours"])}
        for row in tried
    ]
    return {"rows": told, "ours_failed": sum(bool(row["ours_fails"]) for row in told)}


def table(result: Result) -> str:
    """Markdown."""
    head = "outcome | dead air s | answer after s | speech lost ms | streams opened | left over"
    lines = [f"| fault | {NAMES['ours']}: {head} | {NAMES['stock']}: {head} |", "| --- |" + " --- |" + " ---: |" * 5]
    lines[1] += " --- |" + " ---: |" * 5
    lines += [
        f"| {row['fault']} | " + " | ".join(_cells(row.get(kind), kind in row) for kind in KINDS) + " |"
        for row in result["rows"]
    ]
    return "\n".join(lines) + "\n"


def _cells(outcome: Outcome, tried: bool) -> str:
    if not tried:
        return " | ".join("–" * 6)
    if outcome is None:
        return "**hung** | | | | |"
    figures = [outcome[name] for name in ("dead_air_s", "answer_s", "lost_ms", "opens", "left")]
    return " | ".join([_word(outcome), *(f"{figure:g}" for figure in figures)])


def _word(outcome: dict[str, Any]) -> str:
    if outcome["recovered"]:
        return "answered"
    return "told" if outcome["told"] else "**silence**"


def publish(result: Result, page: Path) -> None:
    """Put the table between the page's two marks."""
    machine = describe()
    about = f"{datetime.now(UTC):%Y-%m-%d}, {machine['cpu']}, Python {machine['python']}"
    failed = f"{result['ours_failed']} of {len(result['rows'])} rows fail for Carlos"
    replace_figures(page, f"Measured on {about}; {failed}.\n\n{table(result)}")
