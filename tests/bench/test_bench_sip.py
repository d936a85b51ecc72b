"""What the benches of the SIP line work out beside measuring."""

from __future__ import annotations

from typing import Any

from bench.sip import share_of_words
from bench.sip_line import table
from bench.stats import summary


def row(line: str, held: int, *, others: float = 1.0) -> dict[str, Any]:
    at_ten = {
        "added_latency_ms": summary([40.0]),
        "gap_ms": summary([20.0]),
        "unanswered": 0,
        "lost_in": {"samples": 0},
        "lost_out": {"samples": 3},
        "use": {"cpu": 12.5, "others_on_core": others},
    }
    return {"line": line, "at_ten": at_ten, "held": held, "at_least": held == 80}


def test_the_lines_stand_beside_each_other_and_a_busy_machine_is_owned_up_to() -> None:
    text = table({"rows": [row("twilio", 80), row("sip", 50)], "quiet": False})
    assert "| twilio | 40.0 / 40.0 | 20.0 | 0 | 0 | 3 | 12.5 | ≥ 80 | 1.0 |" in text
    assert "| sip | 40.0 / 40.0 | 20.0 | 0 | 0 | 3 | 12.5 | 50 | 1.0 |" in text
    assert "these figures say little" in text


def test_words_are_counted_however_they_are_written() -> None:
    assert share_of_words("¿En qué te puedo ayudar?", "en que te puedo ayudar") == 1.0
    assert share_of_words("Hola, soy Carlos.", "Hola hola") == 1 / 3
    assert share_of_words("Hola", "") == 0.0
