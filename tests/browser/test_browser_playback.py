"""From the pipeline's sink to the original's player, on a virtual clock: what comes out of the speakers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import numpy as np
import pytest
from pipecat.clocks.system_clock import SystemClock
from pipecat.frames.frames import InterruptionFrame, StartFrame, TTSAudioRawFrame, TTSStoppedFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.utils.asyncio.task_manager import TaskManager
from pipecat.utils.text.base_text_aggregator import TextType

from agent.pipeline import LineOutput
from agent.pipeline_frames import SpokenBlock
from agent.playout import Played
from sandbox.browser.screen import Screen
from telephony.browser.line import BrowserSink
from telephony.browser.messages import BrowserMessages
from tests.browser.browser_stage import voiced
from tests.support.virtual_loop import run_virtually

RATE = 24000
LENGTHS = [0.08, 0.15, 0.2, 0.31, 0.5, 1.0, 1.5, 2.25, 4.0, 10.0]
PIECE = int(0.08 * RATE) * 2


def utterance(seconds: float, number: int) -> bytes:
    """Samples that are never 0, and no two utterances alike."""
    count = int(seconds * RATE)
    return (1 + (np.arange(count) * (2 * number + 7)) % 30000).astype("<i2").tobytes()


class DirectOutbox:
    """Hands messages to the screen after `delay_s`, which a slow network makes long for a while."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.delay_s = 0.0

    async def send(self, *messages: str) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        for message in messages:
            self._screen.show(message, asyncio.get_running_loop().time())


class Stage:
    """A line's sink, its wire and the client's screen."""

    def __init__(self) -> None:
        self.screen, self.heard = Screen(), list[Played]()
        self.send_queue = DirectOutbox(self.screen)
        wire = BrowserSink(self.send_queue, BrowserMessages("s"))  # type: ignore[arg-type]
        self.output = LineOutput(wire, RATE, self.heard.append)
        self.answer = 0

    async def begin(self) -> None:
        await self.output.setup(
            FrameProcessorSetup(
                clock=cast(Any, SystemClock)(), task_manager=TaskManager(), pipeline_worker=cast(Any, None)
            )
        )
        await self.push(StartFrame())

    async def push(self, frame: object) -> None:
        await self.output.process_frame(frame, FrameDirection.DOWNSTREAM)  # type: ignore[arg-type]

    async def block(self, pcm: bytes, speed: float = 4.0) -> None:
        """One block as the model makes it: 80 ms pieces, some times faster than they sound."""
        self.answer += 1
        await self.push(SpokenBlock("hola", TextType.SENTENCE, answer=self.answer, block=1))
        for start in range(0, len(pcm), PIECE):
            await self.push(TTSAudioRawFrame(pcm[start : start + PIECE], RATE, 1))
            await asyncio.sleep(0.08 / speed)

    async def say(self, pcm: bytes, speed: float = 4.0) -> None:
        await self.block(pcm, speed)
        await self.push(TTSStoppedFrame())

    async def quiet(self) -> None:
        """Wait until the client has played all that there is."""
        async with asyncio.timeout(60):
            while self.output.playing:
                await asyncio.sleep(0.01)
        await asyncio.sleep(1.0)
        self.screen.player.advance(asyncio.get_running_loop().time())

    @property
    def spoken(self) -> bytes:
        return voiced(bytes(self.screen.player.speakers))


def on_stage(play: Callable[[Stage], Awaitable[None]]) -> Stage:
    async def run() -> Stage:
        stage = Stage()
        await stage.begin()
        await play(stage)
        await stage.output.cleanup()
        return stage

    return run_virtually(run())


@pytest.mark.parametrize("speed", [1.0, 4.0, 1000.0])
def test_every_sample_of_ten_utterances_is_played_in_order(speed: float) -> None:
    said = [utterance(seconds, number) for number, seconds in enumerate(LENGTHS)]

    async def play(stage: Stage) -> None:
        for pcm in said:
            await stage.say(pcm, speed)
            await stage.quiet()

    stage = on_stage(play)
    assert stage.spoken == b"".join(said)
    assert stage.screen.player.starts == len(said), "none of them has a gap"
    assert stage.screen.player.lost == 0
    assert [part.fraction for part in stage.heard] == [1.0] * len(said)


def test_answers_without_a_pause_between_them_are_played_in_order() -> None:
    said = [utterance(seconds, number) for number, seconds in enumerate(LENGTHS)]

    async def play(stage: Stage) -> None:
        for pcm in said:
            await stage.say(pcm)
        await stage.quiet()

    assert on_stage(play).spoken == b"".join(said)


def test_the_first_sound_comes_at_once() -> None:
    async def play(stage: Stage) -> None:
        began = asyncio.get_running_loop().time()
        await stage.push(SpokenBlock("hola", TextType.SENTENCE, answer=1, block=1))
        await stage.push(TTSAudioRawFrame(utterance(1.0, 1), RATE, 1))
        await asyncio.sleep(0.001)
        assert stage.screen.player.starts == 1
        assert asyncio.get_running_loop().time() - began < 0.01

    on_stage(play)


@pytest.mark.parametrize("at_s", [0.05, 0.4, 1.0, 2.9])
def test_after_an_interruption_none_of_the_old_is_played(at_s: float) -> None:
    old, new = utterance(3.0, 1), utterance(0.5, 2)

    async def play(stage: Stage) -> None:
        telling = asyncio.create_task(stage.block(old))
        await asyncio.sleep(at_s)
        await stage.push(InterruptionFrame())
        flushed = len(stage.screen.rows)
        stage.screen.player.advance(asyncio.get_running_loop().time())
        before = len(stage.screen.player.speakers)
        telling.cancel()
        await stage.push(TTSStoppedFrame())
        await stage.say(new)
        await stage.quiet()
        assert stage.screen.rows[flushed - 1].name == "completionEnd"
        assert voiced(bytes(stage.screen.player.speakers[before:])) == new
        played_s = before / 2 / RATE
        assert at_s - 0.05 < played_s <= at_s, "and the old one until then"

    on_stage(play)


def test_what_is_taken_for_heard_is_what_was_played_not_what_was_sent() -> None:
    async def play(stage: Stage) -> None:
        await stage.block(utterance(3.0, 1))
        await asyncio.sleep(0.45)
        await stage.push(InterruptionFrame())
        stage.screen.player.advance(asyncio.get_running_loop().time())
        (heard,) = stage.heard
        assert abs(heard.fraction * 3.0 - len(stage.spoken) / 2 / RATE) < 0.06

    on_stage(play)


@pytest.mark.parametrize("piece_s", [0.03, 0.1, 0.19, 0.4])
def test_what_came_before_a_stall_of_the_model_is_played_without_waiting_for_its_end(piece_s: float) -> None:
    first, second = utterance(piece_s, 1), utterance(0.5, 2)

    async def play(stage: Stage) -> None:
        await stage.block(first)
        await asyncio.sleep(1.5)
        stage.screen.player.advance(asyncio.get_running_loop().time())
        whole_frames = len(first) // 960 * 960
        assert stage.spoken[:whole_frames] == first[:whole_frames], "while a tool runs, say"
        await stage.push(TTSAudioRawFrame(second, RATE, 1))
        await stage.push(TTSStoppedFrame())
        await stage.quiet()
        assert stage.spoken == first + second

    on_stage(play)


@pytest.mark.parametrize("held_s", [0.25, 1.0])
def test_nothing_is_lost_or_stuck_when_the_network_stalls(held_s: float) -> None:
    said = utterance(2.0, 1)

    async def play(stage: Stage) -> None:
        telling = asyncio.create_task(stage.say(said))
        await asyncio.sleep(1.6)
        stage.send_queue.delay_s = held_s
        await asyncio.sleep(held_s)
        stage.send_queue.delay_s = 0.0
        await telling
        await asyncio.sleep(held_s)
        await stage.quiet()
        assert stage.spoken == said

    on_stage(play)


def test_an_interruption_during_a_slow_send_neither_stops_the_line_nor_loses_the_next_answer() -> None:
    new = utterance(0.7, 2)

    async def play(stage: Stage) -> None:
        telling = asyncio.create_task(stage.block(utterance(3.0, 1)))
        await asyncio.sleep(0.5)
        stage.send_queue.delay_s = 0.05
        await asyncio.sleep(0.03)
        cutting = asyncio.create_task(stage.push(InterruptionFrame()))
        telling.cancel()
        await asyncio.sleep(0.001)
        stage.send_queue.delay_s = 0.0
        speaking = asyncio.create_task(stage.say(new))
        await asyncio.gather(cutting, speaking)
        await stage.quiet()
        assert stage.spoken.endswith(new)

    on_stage(play)
