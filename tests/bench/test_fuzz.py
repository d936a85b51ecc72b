"""A small part of `make fuzz`, and the instrument itself."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from bench.fuzz import trial
from bench.fuzz.__main__ import counts_of, parts_of, summary
from bench.fuzz.entries import ENTRIES, Entry, Feed, World
from bench.fuzz.trial import fuzz

SEED = 1


@pytest.mark.parametrize("entry", [entry.name for entry in ENTRIES])
@pytest.mark.slow
def test_only_an_entrys_own_errors_come_out(entry: str) -> None:
    report = fuzz(SEED, 0, {entry: 400})
    assert [failure.what for failure in report.failures.values()] == []
    assert report.inputs == {entry: 400}


class Dies(Exception):
    pass


def a_reader_that_dies(world: World) -> Feed:
    def feed(data: bytes) -> Awaitable[None] | None:
        if b"null" in data:
            raise Dies("of null")
        if b"true" in data:
            raise ValueError("refused")
        return None

    return feed


@pytest.mark.slow
def test_a_foreign_exception_is_counted_and_kept_with_what_brought_it_about(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("glass", 1, a_reader_that_dies, (ValueError,), reads="media-stream")
    monkeypatch.setattr(trial, "ENTRIES", (entry,))
    report, again = (fuzz(SEED, 0, {"glass": 3000}) for _ in range(2))
    (failure,) = report.failures.values()
    assert failure.what == "Dies('of null')"
    assert b"null" in failure.inputs[-1]
    assert report.foreign > 1
    assert (again.foreign, again.failures) == (report.foreign, report.failures), "a seed gives the same run"
    told = summary(report, SEED)
    assert (told["foreign_exceptions"], told["inputs"]) == (report.foreign, {"glass": 3000, "total": 3000})


def test_what_a_conversation_leaves_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(feed: Feed) -> None:
        raise Dies("of a seat that is not free")

    entry = Entry("glass", 1, a_reader_that_dies, (ValueError, Dies), reads="media-stream", ends=ends)
    monkeypatch.setattr(trial, "ENTRIES", (entry,))
    report = fuzz(SEED, 0, {"glass": 100})
    assert [failure.what for failure in report.failures.values()] == ["Dies('of a seat that is not free')"]


def test_a_million_inputs_are_a_million() -> None:
    counts = counts_of(1_000_000)
    assert sum(counts.values()) == 1_000_000
    assert set(counts) == {entry.name for entry in ENTRIES}
    assert sum(sum(part.values()) for part in parts_of(counts)) == 1_000_000
