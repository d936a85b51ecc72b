"""The session against streams of our own making, on a clock that jumps; the real wire is in tests/sonic."""

from __future__ import annotations

import asyncio

import pytest

from agent.sonic.budget import INCIDENT_S, MAX_OPENS
from agent.sonic.errors import SonicExpired, SonicHistoryTooLong, SonicLost, SonicRefused, SonicRejected, SonicThrottled
from agent.sonic.events import (
    AudioInput,
    AudioOutput,
    AudioStart,
    ContentEnded,
    ContentType,
    Role,
    ServiceEvent,
    SessionEnd,
    StopReason,
    TextInput,
    TextOutput,
    ToolResult,
    UserSpeechEnd,
    UserSpeechStart,
)
from agent.sonic.opening import GREETING_CUE, PROBE, RESUME_ANSWER_CUE, RESUME_CUE, SAY_IT_CUE, result_as_text
from tests.agent.session_stage import (
    FRAME,
    PRIMING,
    SECOND,
    VOICE,
    FakeSonic,
    FakeStream,
    answer,
    begun,
    ended,
    planned,
    staged,
    tool,
    words,
)
from tests.support.virtual_loop import virtually

CUT = "[seguir] La conexión"


@virtually
async def test_a_new_call_is_greeted() -> None:
    async with staged() as stage:
        await stage.quiet(0.2)
        assert stage.last.texts == ["Sos Carlos. (1)", GREETING_CUE]


@virtually
async def test_audio_given_before_the_stream_is_open_is_sent_whole() -> None:
    async with staged() as stage:
        said = bytes(range(256)) * 250
        for start in range(0, len(said), FRAME):
            stage.session.send_audio(said[start : start + FRAME])
        await asyncio.sleep(0.2)
        assert stage.last.audio == said


@virtually
async def test_audio_on_a_live_stream_is_sent_where_it_arrives() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.session.send_audio(VOICE[:FRAME])
        assert stage.last.audio == VOICE[:FRAME]


@virtually
async def test_audio_waits_in_order_behind_a_text_and_a_busy_stream() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stream = stage.last
        stage.session.send_text("Hola")
        stage.session.send_audio(VOICE[:FRAME])
        stream.ready = False
        stage.session.send_audio(VOICE[FRAME : 2 * FRAME])
        assert stream.audio == b""
        await stage.settle()
        assert stream.audio == VOICE[: 2 * FRAME]
        kinds = [type(event) for event in stream.sent]
        assert len(kinds) - 1 - kinds[::-1].index(TextInput) < kinds.index(AudioInput, kinds.index(AudioInput) + 1)


@virtually
async def test_audio_that_cannot_be_sent_where_it_arrives_goes_to_the_next_stream() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)

        def broken(event: object) -> None:
            raise SonicLost("gone")

        stage.last.send_now = broken  # type: ignore[method-assign]
        stage.session.send_audio(VOICE[:FRAME])
        await asyncio.sleep(0.2)
        assert stage.last.audio == VOICE[:FRAME]
        assert [fault.detail for fault in stage.call.faults] == ["gone"]


# --- streams that fail


@virtually
async def test_one_refusal_at_open_is_answered_by_another_try() -> None:
    for refusal in (SonicThrottled("429"), SonicLost("drop"), SonicRejected("blocked"), SonicExpired("keys")):
        errors = {1: refusal}
        async with staged(FakeSonic(errors.get)) as stage:
            await asyncio.sleep(0.5)
            assert GREETING_CUE in stage.last.texts
            assert stage.call.faults == [refusal]
            assert not stage.call.losses


@virtually
async def test_an_outage_is_told_within_seconds_and_dialled_a_bounded_number_of_times() -> None:
    async with staged(FakeSonic(lambda number: SonicLost(str(number)))) as stage:
        while not stage.call.losses:
            await asyncio.sleep(0.1)
        assert stage.now <= INCIDENT_S + 0.5
        assert 4 <= len(stage.sonic.dialled) <= MAX_OPENS
        await asyncio.sleep(30)
        assert len(stage.call.losses) == 1
        assert len(stage.sonic.dialled) <= MAX_OPENS


@virtually
async def test_streams_that_fail_after_their_first_events_are_an_outage_like_any_other() -> None:
    """Real streams give usage events before they fail: no event refills the budget, and no first syllable."""

    async def stutter(stream: FakeStream) -> None:
        await asyncio.sleep(0.05)
        stream.tell(*begun(), SonicLost("System instability detected"))

    async with staged(FakeSonic(script=stutter)) as stage:
        while not stage.call.losses:
            await asyncio.sleep(0.1)
        assert stage.now <= INCIDENT_S + 0.5
        assert len(stage.sonic.dialled) <= MAX_OPENS


@virtually
async def test_answers_that_were_heard_between_faults_keep_a_call_going_at_a_bounded_rate() -> None:
    async def one_answer(stream: FakeStream) -> None:
        await asyncio.sleep(0.5)
        stream.tell(*answer(), SonicLost("reset"))

    async with staged(FakeSonic(script=one_answer)) as stage:
        for _ in range(600):
            await asyncio.sleep(0.5)
            stage.session.progress()
        assert stage.sonic.busiest_minute <= MAX_OPENS


@virtually
async def test_a_refusal_that_no_retry_can_pass_is_told_at_once() -> None:
    async with staged(FakeSonic(lambda number: SonicRefused("no"))) as stage:
        await asyncio.sleep(0.2)
        assert len(stage.call.losses) == 1
        assert len(stage.sonic.dialled) == 1


@virtually
async def test_a_history_that_is_too_long_is_halved_until_it_passes() -> None:
    errors = {2: SonicHistoryTooLong("Chat history is over max limit."), 3: SonicHistoryTooLong("over max limit")}
    async with staged(FakeSonic(errors.get)) as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*answer())
        turns = [(Role.USER if n % 2 == 0 else Role.ASSISTANT, str(n)) for n in range(8)]
        stage.call.said = turns
        await stage.settle()
        stage.last.tell(SonicLost("reset"))
        await asyncio.sleep(3)
        assert stage.last.texts[1:] == ["6", "7"]


@virtually
async def test_an_error_of_our_own_is_recovered_from_like_a_lost_stream() -> None:
    def explode(event: ServiceEvent) -> None:
        stage.call.on_event = lambda event: None
        raise KeyError("ours")

    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.call.on_event = explode
        stage.last.tell(*begun())
        await asyncio.sleep(0.5)
        assert len(stage.sonic.streams) == 2
        assert "KeyError" in stage.call.faults[0].detail
        stage.last.tell(*answer())
        await stage.settle()
        assert not stage.call.losses


@virtually
async def test_an_error_of_our_own_that_comes_every_time_ends_in_words_and_not_in_a_loop() -> None:
    def explode(event: ServiceEvent) -> None:
        raise KeyError("ours")

    async def greet(stream: FakeStream) -> None:
        stream.tell(*begun())

    async with staged(FakeSonic(script=greet)) as stage:
        stage.call.on_event = explode
        await asyncio.sleep(30)
        assert len(stage.call.losses) == 1
        assert len(stage.sonic.dialled) <= MAX_OPENS


@virtually
async def test_a_history_is_sent_whole_before_the_first_audio() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        first = stage.last
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        first.tell(*answer())
        await stage.settle()
        opening = stage.sonic.open

        async def slow_head(model_id: str) -> FakeStream:
            stream = await opening(model_id)
            stream.head.clear()
            return stream

        stage.sonic.open = slow_head  # type: ignore[method-assign]
        first.tell(SonicLost("reset"))
        await asyncio.sleep(1)
        assert stage.last.texts[1:] == ["Hola", "Hola"]
        assert not any(isinstance(event, AudioStart) for event in stage.last.sent)
        stage.last.head.set()
        await stage.settle()
        assert any(isinstance(event, AudioStart) for event in stage.last.sent)


# --- what another stream is told


@virtually
async def test_a_drop_in_mid_answer_goes_on_with_the_conversation_so_far() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*begun())
        await stage.settle()
        stage.call.said = [(Role.ASSISTANT, "Hola, soy"), (Role.USER, "Sí"), (Role.ASSISTANT, "Tu pedido")]
        first = stage.last
        first.tell(SonicLost("reset"))
        await asyncio.sleep(0.5)
        assert stage.last.texts == ["Sos Carlos. (2)", GREETING_CUE, "Hola, soy", "Sí", "Tu pedido", RESUME_CUE]
        assert first.closed


@virtually
async def test_messages_of_one_side_are_told_as_one() -> None:
    async with staged() as stage:
        stage.call.said = [(Role.USER, "uno"), (Role.USER, "dos"), (Role.ASSISTANT, "tres"), (Role.ASSISTANT, "cuatro")]
        await asyncio.sleep(0.2)
        assert stage.last.texts[1:] == ["uno dos", "tres cuatro"]


@virtually
async def test_a_caller_who_was_not_answered_is_asked_for_again_in_his_own_words() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*words())
        await stage.settle()
        stage.call.said = [(Role.USER, "Mi pedido uno")]
        stage.last.tell(SonicLost("reset"))
        await asyncio.sleep(0.5)
        assert stage.last.texts == ["Sos Carlos. (2)", "Mi pedido uno"]


@virtually
async def test_what_was_typed_while_there_was_no_stream_is_told_once() -> None:
    async with staged() as stage:
        stage.call.said = [(Role.USER, "uno"), (Role.ASSISTANT, "Hola"), (Role.USER, "dos")]
        stage.session.send_text("dos")
        await asyncio.sleep(0.2)
        assert stage.last.texts == ["Sos Carlos. (1)", "uno", "Hola", "dos"]


@virtually
async def test_nothing_is_said_after_a_drop_while_nobody_was_talking() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*answer())
        await stage.settle()
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        stage.last.tell(SonicLost("reset"))
        await asyncio.sleep(0.5)
        assert stage.last.texts == ["Sos Carlos. (2)", "Hola", "Hola"]


@virtually
async def test_speech_that_the_lost_stream_said_nothing_of_is_given_to_the_next_from_its_beginning() -> None:
    async with staged() as stage:
        await stage.quiet(1.0)
        stage.last.tell(*answer())
        await stage.say(1.5)
        stage.last.tell(SonicLost("reset"))
        await stage.say(0.5)
        spoken = VOICE + VOICE[: SECOND // 2]
        assert (spoken + VOICE[: SECOND // 2]) in stage.last.audio
        await stage.quiet(1.0)
        assert stage.call.lost_ms == 0


@virtually
async def test_what_is_lost_after_all_is_counted() -> None:
    async with staged(FakeSonic(lambda number: SonicLost("down"))) as stage:
        await stage.say(30.0)
        assert stage.call.lost_ms >= 9000


# --- tools


@virtually
async def test_a_tool_that_answers_after_a_reconnect_answers_in_words() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(tool())
        await stage.settle()
        stage.call.said = [(Role.USER, "Hola")]
        stage.last.tell(SonicLost("reset"))
        await asyncio.sleep(0.5)
        stage.session.send_tool_result("t1", {"result": {"success": True}})
        await stage.settle()
        assert stage.last.texts[-1] == result_as_text('{"result": {"success": true}}')
        assert "consultarOrder" not in stage.last.texts[-1]
        assert not any(isinstance(event, ToolResult) for event in stage.last.sent)


@virtually
async def test_in_words_it_waits_for_a_silence_but_not_for_ever() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(tool())
        await stage.settle()
        stage.last.tell(SonicLost("reset"))
        await asyncio.sleep(0.5)
        talking = asyncio.create_task(stage.say(20.0))
        await asyncio.sleep(0.5)
        stage.session.send_tool_result("t1", {"result": 1})
        await asyncio.sleep(2.0)
        assert "[herramienta]" not in " ".join(stage.last.texts)
        await asyncio.sleep(4.0)
        assert "[herramienta]" in stage.last.texts[-1]
        talking.cancel()


@virtually
async def test_a_result_that_was_sent_and_not_spoken_of_is_told_to_the_next_stream() -> None:
    """Asked again for what it has done already, the model would do it twice."""
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*words("Cancelá el uno"), tool())
        await stage.settle()
        stage.call.said = [(Role.USER, "Cancelá el uno")]
        stage.session.send_tool_result("t1", {"result": "cancelado"})
        await stage.settle()
        stage.last.tell(SonicLost("reset"))
        await asyncio.sleep(0.5)
        assert stage.last.texts[1] == "Cancelá el uno"
        assert "cancelado" in stage.last.texts[-1]


@virtually
async def test_a_tool_asked_for_twice_with_one_id_is_asked_for_once() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(tool(), tool())
        await stage.settle()
        assert stage.call.events == [tool()]
        stage.session.send_tool_result("t1", {"result": 1})
        stage.session.send_tool_result("t1", {"result": 2})
        await stage.settle()
        assert sum(isinstance(event, ToolResult) for event in stage.last.sent) == 1
        stage.last.tell(tool())
        await stage.settle()
        stage.session.send_tool_result("t1", {"result": 1})
        await stage.settle()
        assert sum(isinstance(event, ToolResult) for event in stage.last.sent) == 2, "a model must not wait for ever"
        stage.session.send_text("sigo")
        await stage.settle()
        assert stage.last.texts[-1] == "sigo", "the sender lives"


# --- streams that live and say nothing


async def probed(stream: FakeStream) -> None:
    """It hears no words in a noise, and answers when it is asked whether it lives."""
    while PROBE not in stream.texts:
        await asyncio.sleep(0.1)
    stream.tell(*begun("Sí", block="probe"))


@virtually
async def test_a_service_that_answers_neither_speech_nor_a_text_is_told_of() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.last.tell(*answer())
        await stage.say(1.0)
        over = stage.now
        while len(stage.sonic.dialled) < 3:
            await stage.quiet(0.1)
        assert stage.now - over <= 8.5, "a third stream hears him"
        await stage.quiet(0.2)
        assert VOICE in stage.last.audio
        assert stage.session.owes_answer, "and he is asked to wait"
        while not stage.call.losses and stage.now < 60:
            await stage.quiet(0.5)
        assert stage.now - over <= 16.0
        assert stage.call.suspicions[:2] == ["suspected", "silent"]


@virtually
async def test_a_stream_that_stalls_without_an_event_has_a_second_one_beside_it_that_hears_the_same() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        first = stage.last
        first.tell(*answer())
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        await stage.say(1.0)
        over = stage.now
        await stage.quiet(4.0)
        assert len(stage.sonic.streams) == 2
        assert not first.closed, "suspected, not killed"
        assert stage.last.opened_at - stage.began - over <= 4.0
        assert VOICE in stage.last.audio
        stage.last.tell(*words("Mi pedido"), *answer("Está en camino"))
        await stage.quiet(0.5)
        assert first.closed
        assert stage.call.suspicions == ["suspected", "replaced"]
        assert TextOutput("w", Role.USER, "Mi pedido") in stage.call.events
        assert stage.call.faults == []


@virtually
async def test_a_second_stream_that_cannot_be_had_is_tried_again() -> None:
    errors = {2: SonicLost("GOAWAY"), 3: SonicThrottled("429")}
    async with staged(FakeSonic(errors.get)) as stage:
        await stage.quiet(0.5)
        first = stage.last
        first.tell(*answer())
        await stage.say(1.0)
        await stage.quiet(5.0)
        assert len(stage.sonic.dialled) == 4
        stage.last.tell(*words("Mi pedido"), *answer("Está en camino"))
        await stage.quiet(0.5)
        assert first.closed
        assert stage.call.suspicions[-1] == "replaced"


@virtually
async def test_the_first_of_the_two_that_speaks_lives() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        first = stage.last
        first.tell(*answer())
        await stage.say(1.0)
        await stage.quiet(4.0)
        second = stage.last
        assert second is not first
        first.tell(*words("Hola"))
        await stage.quiet(0.5)
        assert second.closed
        assert not first.closed
        assert stage.call.suspicions == ["suspected", "answered"]


@virtually
async def test_a_noise_that_neither_hears_words_in_kills_nobody_and_is_known_from_then_on() -> None:
    async with staged(FakeSonic(script=probed)) as stage:
        await stage.quiet(0.5)
        first = stage.last
        first.tell(*answer())
        for _ in range(10):
            await stage.say(1.0)
            await stage.quiet(10.0)
        assert not first.closed
        assert [stream.texts[-1] for stream in stage.sonic.streams[1:]] == [PROBE]
        assert not any(isinstance(event, AudioOutput) and event.content_id == "probe" for event in stage.call.events)
        assert stage.call.suspicions.count("noise") == 1
        assert stage.sonic.open_streams == 1
        assert stage.call.faults == []
        assert stage.call.losses == []


@virtually
@pytest.mark.slow
async def test_ten_minutes_of_music_television_and_coughs_replace_no_stream() -> None:
    async with staged(FakeSonic(script=probed), rotate_after_s=3600.0) as stage:
        await stage.quiet(0.5)
        first = stage.last
        first.tell(*answer())
        for minute in range(10):
            await stage.say(20.0 if minute % 3 == 0 else 0.3)
            await stage.quiet(5.0)
            await stage.say(2.0)
            await stage.quiet(8.0)
            first.tell(UserSpeechStart(0), UserSpeechEnd(300, 900))
            await stage.say(0.4)
            await stage.quiet(20.0)
        assert not first.closed
        assert "replaced" not in stage.call.suspicions
        assert len(stage.sonic.dialled) <= 5
        assert stage.call.faults == []


@virtually
async def test_a_caller_who_speaks_for_long_is_left_to_speak() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.last.tell(*answer(), UserSpeechStart(500))
        await stage.say(25.0)
        assert len(stage.sonic.dialled) == 1
        assert stage.call.suspicions == []


@virtually
async def test_speech_that_ended_without_words_asks_nothing() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.last.tell(*answer())
        await stage.say(0.4)
        stage.last.tell(UserSpeechStart(500), UserSpeechEnd(900, 1500))
        await stage.quiet(40.0)
        assert len(stage.sonic.dialled) == 1
        assert stage.call.faults == []


@virtually
async def test_a_noise_between_a_question_and_its_answer_does_not_make_the_question_forgotten() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.last.tell(*answer())
        await stage.say(1.0)
        stage.last.tell(UserSpeechStart(600), UserSpeechEnd(1600, 2100), *words("Mi pedido"))
        await stage.quiet(1.0)
        stage.call.said = [(Role.USER, "Mi pedido")]
        stage.last.tell(UserSpeechStart(2600))
        await stage.say(0.4)
        stage.last.tell(UserSpeechEnd(3000, 3500))
        await stage.quiet(4.5)
        assert len(stage.sonic.streams) == 2, "another is asked"
        assert stage.last.texts[-1] == "Mi pedido"
        stage.last.tell(*answer("Está en camino"))
        await stage.quiet(0.5)
        assert stage.call.suspicions == ["suspected", "replaced"]


@virtually
async def test_a_slow_answer_of_a_stream_that_lives_is_waited_for() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        first = stage.last
        first.tell(*answer())
        await stage.say(1.0)
        first.tell(*words("Mi pedido"))
        for _ in range(9):
            await stage.quiet(1.0)
            first.tell(ContentEnded("u", ContentType.TEXT, StopReason.PARTIAL_TURN))
        first.tell(*answer("Está en camino"))
        await stage.quiet(1.0)
        assert len(stage.sonic.dialled) == 1
        assert stage.call.faults == []


@virtually
async def test_an_answer_that_neither_stream_gives_is_told_and_not_waited_for_again() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.last.tell(*answer())
        await stage.say(1.0)
        stage.last.tell(*words("Mi pedido"))
        stage.call.said = [(Role.USER, "Mi pedido")]
        asked = stage.now
        while not stage.call.losses and stage.now < 60:
            await stage.quiet(0.5)
        assert stage.now - asked <= 13.0
        assert stage.call.suspicions == ["suspected", "silent"]
        assert len(stage.call.losses) == 1


@virtually
async def test_an_answer_that_stops_in_mid_sentence_is_gone_on_with_on_another_stream() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.call.said = [(Role.ASSISTANT, "Hola, soy")]
        stage.last.tell(*begun())
        stage.call.sounding = True
        await stage.quiet(6.0)
        assert len(stage.sonic.streams) == 1, "the line still plays"
        stage.call.sounding = False
        await stage.quiet(4.5)
        assert stage.last.texts[-1] == RESUME_CUE
        stage.last.tell(*answer("Seguimos"))
        await stage.quiet(0.5)
        assert stage.call.suspicions == ["suspected", "replaced"]


@virtually
async def test_a_greeting_that_does_not_come_is_asked_of_another_stream() -> None:
    async with staged() as stage:
        await stage.quiet(4.5)
        assert [stream.texts[-1] for stream in stage.sonic.streams] == [GREETING_CUE, GREETING_CUE]


@virtually
async def test_a_turn_of_text_alone_is_asked_for_once_more() -> None:
    silent = [*planned("No se oye")[:2], ContentEnded("p", ContentType.TEXT, StopReason.END_TURN)]
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*answer(), *words(), *silent)
        await stage.settle()
        assert stage.last.texts[-1] == SAY_IT_CUE
        stage.last.tell(*silent)
        await stage.settle()
        assert stage.last.texts.count(SAY_IT_CUE) == 1


@virtually
async def test_an_answer_that_ends_for_an_unknown_reason_has_ended() -> None:
    async with staged() as stage:
        await stage.quiet(0.3)
        stage.last.tell(*begun(), ContentEnded("a", ContentType.AUDIO, None))
        await stage.quiet(20.0)
        assert len(stage.sonic.dialled) == 1


@virtually
async def test_text_without_a_word_is_no_turn() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(*answer())
        await stage.settle()
        before = len(stage.call.events)
        stage.last.tell(TextOutput("w", Role.USER, " … "), TextOutput("w", Role.USER, ""))
        await asyncio.sleep(20)
        assert len(stage.call.events) == before
        assert len(stage.sonic.dialled) == 1


@virtually
async def test_an_answer_that_a_cough_broke_off_is_taken_up_again() -> None:
    async with staged() as stage:
        await stage.quiet(0.3)
        stage.last.tell(*begun(), UserSpeechStart(300), ended(StopReason.INTERRUPTED))
        await stage.settle()
        stage.session.was_cut_off()
        await stage.say(0.3)
        stage.last.tell(UserSpeechEnd(600, 1200))
        await stage.quiet(4.0)
        assert stage.last.texts[-1] == RESUME_ANSWER_CUE


@virtually
async def test_an_answer_that_words_broke_off_is_not() -> None:
    async with staged() as stage:
        await stage.quiet(0.3)
        stage.last.tell(*begun(), UserSpeechStart(300), ended(StopReason.INTERRUPTED))
        await stage.settle()
        stage.session.was_cut_off()
        await stage.say(0.6)
        stage.last.tell(UserSpeechEnd(900, 1500), *words("Pará"), *answer("Decime", block="b"))
        await stage.quiet(6.0)
        assert RESUME_ANSWER_CUE not in stage.last.texts


@virtually
async def test_words_that_come_late_for_an_answer_that_has_begun_do_not_take_it_for_stale() -> None:
    async with staged() as stage:
        await stage.quiet(0.3)
        stage.last.tell(*answer(), UserSpeechStart(300), UserSpeechEnd(1300, 1800))
        await stage.settle()
        stage.last.tell(*begun("Está", block="b"), *words("Mi pedido"))
        await stage.settle()
        stage.last.tell(ended(block="b"))
        await stage.quiet(20.0)
        assert len(stage.sonic.dialled) == 1
        assert stage.call.suspicions == []


# --- a stream that grows old


@virtually
async def test_a_stream_is_replaced_in_a_quiet_moment_and_the_old_one_lives_until_the_new_one_has() -> None:
    async with staged(rotate_after_s=10.0, rotate_by_s=60.0) as stage:
        await stage.quiet(0.3)
        first = stage.last
        first.tell(*begun())
        stage.call.sounding = True
        await stage.quiet(11.0)
        first.tell(ended())
        await stage.quiet(1.0)
        assert len(stage.sonic.streams) == 1, "not while the caller hears Carlos"
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        stage.call.sounding = False
        await stage.quiet(0.6)
        assert len(stage.sonic.streams) == 2
        assert not first.closed
        await stage.quiet(1.0)
        assert len(stage.call.rotations) == 1
        heard = len(stage.last.audio)
        await stage.say(0.5)
        assert len(stage.last.audio) - heard == SECOND // 2
        assert not first.closed, "it can be had back"
        stage.last.tell(*words())
        await stage.quiet(0.1)
        assert first.closed
        assert isinstance(first.sent[-1], SessionEnd)


@virtually
async def test_a_replacement_that_is_refused_or_slow_leaves_the_old_stream_alone() -> None:
    errors = {2: SonicThrottled("429"), 3: SonicLost("no headers"), 4: SonicThrottled("429")}
    async with staged(FakeSonic(errors.get), rotate_after_s=10.0, rotate_by_s=60.0) as stage:
        await stage.quiet(0.3)
        first = stage.last
        first.tell(*answer())
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        await stage.quiet(11.0)
        assert stage.session.connected
        assert not first.closed
        await stage.quiet(12.0)
        assert len(stage.call.rotations) == 1
        assert len(stage.sonic.streams) == 2
        assert stage.call.losses == []


@virtually
async def test_a_replacement_that_dies_at_once_does_not_become_the_live_one() -> None:
    async def dies(stream: FakeStream) -> None:
        if stream.number == 2:
            await asyncio.sleep(0.3)
            stream.tell(SonicLost("reset"))

    async with staged(FakeSonic(script=dies), rotate_after_s=5.0, rotate_by_s=60.0) as stage:
        await stage.quiet(0.3)
        first = stage.last
        first.tell(*answer())
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        await stage.quiet(7.0)
        assert not first.closed
        await stage.quiet(3.0)
        assert len(stage.call.rotations) == 1
        assert len(stage.sonic.streams) == 3


@virtually
async def test_a_replacement_that_turns_out_to_be_mute_gives_the_call_back_to_the_old_stream() -> None:
    async with staged(rotate_after_s=10.0, rotate_by_s=60.0) as stage:
        await stage.quiet(0.3)
        first = stage.last
        first.tell(*answer())
        stage.call.said = [(Role.USER, "Hola"), (Role.ASSISTANT, "Hola")]
        await stage.quiet(12.0)
        assert len(stage.call.rotations) == 1
        await stage.say(1.0)
        await stage.quiet(4.0)
        assert VOICE in first.audio
        first.tell(*words("Mi pedido"), *answer("Está en camino", block="b"))
        await stage.quiet(0.5)
        assert stage.last.closed
        assert not first.closed
        assert len(stage.sonic.dialled) == 2
        assert TextOutput("w", Role.USER, "Mi pedido") in stage.call.events


@virtually
async def test_a_replacement_that_is_lost_before_it_has_spoken_is_replaced_by_the_old_stream_at_once() -> None:
    async with staged(rotate_after_s=10.0, rotate_by_s=60.0) as stage:
        await stage.quiet(0.3)
        first = stage.last
        first.tell(*answer())
        await stage.quiet(12.0)
        stage.last.tell(SonicLost("reset"))
        await stage.quiet(0.1)
        await stage.say(1.0)
        assert VOICE in first.audio
        assert len(stage.sonic.dialled) == 2


@virtually
async def test_a_caller_who_speaks_when_the_time_is_up_is_heard_whole_by_the_new_stream() -> None:
    async with staged(rotate_after_s=5.0, rotate_by_s=8.0) as stage:
        await stage.quiet(1.0)
        stage.last.tell(*answer())
        await stage.say(12.0)
        assert len(stage.sonic.streams) == 2
        assert stage.last.audio.count(VOICE) == 12


@virtually
async def test_calls_that_began_together_are_not_renewed_together() -> None:
    async with staged(rotate_after_s=10.0, rotate_spread_s=8.0, rotate_by_s=60.0) as stage:
        await stage.quiet(0.3)
        stage.last.tell(*answer())
        await stage.quiet(13.0)
        assert len(stage.sonic.streams) == 1
        await stage.quiet(3.0)
        assert len(stage.sonic.streams) == 2


@virtually
async def test_each_stream_is_told_the_time_of_its_own_beginning() -> None:
    async with staged(rotate_after_s=5.0) as stage:
        await stage.quiet(0.3)
        stage.last.tell(*answer())
        await stage.quiet(8.0)
        assert [stream.texts[0] for stream in stage.sonic.streams] == ["Sos Carlos. (1)", "Sos Carlos. (2)"]


# --- the end


@virtually
async def test_closing_ends_the_session_on_the_wire() -> None:
    async with staged() as stage:
        await asyncio.sleep(0.2)
    assert isinstance(stage.last.sent[-1], SessionEnd)
    assert stage.last.closed


@virtually
async def test_a_session_that_ends_while_a_stream_is_set_up_closes_that_stream() -> None:
    async def deaf(stream: FakeStream) -> None:
        stream.deaf = True

    sonic = FakeSonic(script=deaf)
    opening = sonic.open

    async def stuck(model_id: str) -> FakeStream:
        stream = await opening(model_id)
        stream.deaf = True
        return stream

    sonic.open = stuck  # type: ignore[method-assign]
    async with staged(sonic) as stage:
        await asyncio.sleep(0.2)
        assert stage.sonic.streams
    assert stage.last.closed


@virtually
async def test_a_session_that_ends_with_two_streams_or_as_one_is_lost_closes_them_all() -> None:
    async with staged() as stage:
        await stage.quiet(0.5)
        stage.last.tell(*answer())
        await stage.say(1.0)
        await stage.quiet(4.0)
        assert stage.sonic.open_streams == 2
    async with staged() as stage:
        await asyncio.sleep(0.2)
        stage.last.tell(SonicLost("reset"))
        await stage.settle()


def test_a_stream_begins_with_a_tenth_of_a_second_of_silence() -> None:
    assert PRIMING == SECOND // 10
