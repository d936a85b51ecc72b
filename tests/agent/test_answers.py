"""Which answer is being made, by the events of a stream."""

from __future__ import annotations

from agent.sonic.answers import Answers
from agent.sonic.events import ContentEnded, ContentStarted, ContentType, Role, Stage, StopReason


def planned(content_id: str) -> ContentStarted:
    return ContentStarted(content_id, ContentType.TEXT, Role.ASSISTANT, Stage.SPECULATIVE)


def said(content_id: str) -> ContentStarted:
    return ContentStarted(content_id, ContentType.TEXT, Role.ASSISTANT, Stage.FINAL)


def audio_ended(reason: StopReason) -> ContentEnded:
    return ContentEnded("audio", ContentType.AUDIO, reason)


def test_an_answer_begins_with_its_first_planned_text_and_has_as_many_blocks_as_texts() -> None:
    answers = Answers()
    assert answers.content_started(planned("a"))
    assert (answers.text(), answers.block) == (True, 1)
    assert not answers.content_started(planned("b"))
    assert (answers.text(), answers.block, answers.number) == (True, 2, 1)


def test_sonics_own_account_of_what_it_said_is_no_block() -> None:
    answers = Answers()
    answers.content_started(said("a"))
    assert (answers.text(), answers.block, answers.number) == (False, 0, 0)


def test_an_answer_ends_with_its_last_audio_and_not_with_a_part_of_it() -> None:
    answers = Answers()
    answers.content_started(planned("a"))
    assert not answers.content_ended(audio_ended(StopReason.PARTIAL_TURN))
    assert not answers.content_ended(audio_ended(StopReason.INTERRUPTED)), "whether it does is the caller's to say"
    assert answers.content_ended(audio_ended(StopReason.END_TURN))
    assert (answers.end(), answers.end()) == (True, False)


def test_what_is_left_of_an_answer_that_was_cut_off_is_dropped_until_the_next_begins() -> None:
    answers = Answers()
    answers.content_started(planned("a"))
    answers.cut_off = True
    answers.end()
    answers.content_started(said("a, as it was said"))
    assert answers.cut_off
    assert answers.content_started(planned("b"))
    assert not answers.cut_off


def test_a_late_word_of_the_answer_before_is_told_from_one_of_this() -> None:
    answers = Answers()
    answers.content_started(planned("a"))
    answers.end()
    answers.content_started(planned("b"))
    assert [answers.is_current(content) for content in ("a", "b", "never announced")] == [False, True, True]


def test_an_answer_whose_stream_was_lost_is_not_whole_and_the_next_one_is() -> None:
    answers = Answers()
    answers.stream_lost()
    answers.content_started(planned("a"))
    assert answers.is_whole(1)
    answers.stream_lost()
    answers.end()
    answers.content_started(planned("b"))
    assert [answers.is_whole(number) for number in (1, 2)] == [False, True]


def test_the_first_audio_of_each_answer_is_told_from_the_rest() -> None:
    answers = Answers()
    answers.content_started(planned("a"))
    assert [answers.audio(), answers.audio()] == [True, False]
    answers.end()
    answers.content_started(planned("b"))
    assert answers.audio()


def test_an_answer_that_nobody_asked_for_is_passed_over_to_its_end_and_has_no_number() -> None:
    answers = Answers()
    answers.content_started(planned("a"))
    answers.end()
    answers.unasked = 1
    assert not answers.content_started(planned("b"))
    assert (answers.text(), answers.cut_off) == (False, True)
    answers.content_ended(audio_ended(StopReason.PARTIAL_TURN))
    assert not answers.content_started(planned("c")), "its second sentence"
    answers.content_ended(audio_ended(StopReason.END_TURN))
    assert (answers.number, answers.end()) == (1, False)
    assert answers.content_started(planned("d"))
    assert (answers.number, answers.cut_off) == (2, False)
