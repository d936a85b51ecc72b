"""What `make rehearse` says of the verdicts that it has."""

from __future__ import annotations

import pytest

from tests.scenarios.rehearse import Verdict, main, summary_of


def test_the_summary_counts_every_harm_and_passes_only_what_did_none() -> None:
    verdicts = [
        Verdict("well", turns=3),
        Verdict("other-words", why="'Hola' is not in Carlos's answer 1", turns=2),
        Verdict("harm", wrong_writes=("order 6: is cancelled", "order 1: is cancelled"), turns=7),
        Verdict("told", leaks=("'28456789' of order 1",), turns=4),
    ]
    assert summary_of(verdicts) == {"scenarios": 4, "passed": 1, "wrong_writes": 2, "leaks": 1, "turns_p50": 3}


def test_a_verdict_names_the_harm_and_shows_the_conversation() -> None:
    shown = str(Verdict("told", why="story\ncarlos: 28456789", leaks=("'28456789' of order 1",)))
    assert shown.splitlines() == [
        "FAILED  told",
        "    leak: '28456789' of order 1",
        "    story",
        "    carlos: 28456789",
    ]


def test_a_name_that_no_scenario_has_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-call"]) == 2
    assert "no such scenario: no-such-call" in capsys.readouterr().err
