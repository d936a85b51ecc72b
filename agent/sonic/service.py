"""Sonic as a pipecat service: frames in, frames out, and the tools in between.

It has the place in a pipeline and the frames of pipecat's own Nova Sonic service, and nothing else of it: here
`SonicSession` holds the stream. What it does otherwise than pipecat 1.14, each measured there: a tool always answers
with a JSON object, an unknown tool or bad arguments answer the model with an error instead of resetting the session, an
interruption is acted on at the first sign of it, and one fault is not the end of the call.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Protocol

from pipecat.adapters.llm.services.aws_nova_sonic_adapter import AWSNovaSonicLLMAdapter
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMServiceMetadataFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.processors.aggregators.llm_context import standard_message_text
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings
from pipecat.utils.text.base_text_aggregator import TextType

from agent.answer_times import SpeechEnd
from agent.persona.prompt import without_marker
from agent.pipeline_frames import AnswerBrokenOff, SpokenBlock
from agent.sonic.answers import Answers
from agent.sonic.breaker import Breaker
from agent.sonic.events import (
    AudioOutput,
    ContentEnded,
    ContentStarted,
    Role,
    ServiceEvent,
    Stage,
    StopReason,
    TextOutput,
    ToolUse,
    Usage,
    UserSpeechEnd,
    UserSpeechStart,
)
from agent.sonic.opening import SonicConfig, is_interruption
from agent.sonic.session import Caller, Opener, SonicSession
from common.tasks import TaskSet

RunTool = Callable[[str, str, str], Awaitable[dict[str, Any]]]  # name, arguments (JSON), toolUseId -> object

MAX_TOOL_NAME = 64  # characters
MAX_ARGUMENTS = 32 * 1024  # characters; no tool reads as many, so what is cut is refused as it would have been whole
_PLAIN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Listener(Caller, Protocol):
    """What a call wants to know of its conversation. Texts come without the prompt's `[FINAL]` marker."""

    @property
    def talking(self) -> bool: ...  # the line still has something of an answer to play
    def user_speech_started(self) -> None: ...
    def user_speech_ended(self, speech: SpeechEnd) -> None: ...
    def goes_on(self, text: str) -> bool: ...  # these words interrupt nothing
    @property
    def tells_result(self) -> bool: ...  # of a tool, in the next answer
    def finishes(self) -> bool: ...  # what has come of an answer that the service broke off is heard all the same
    def keeps(self) -> bool: ...  # it may be: the line waits for words
    @property
    def undecided(self) -> bool: ...  # and is still waiting for them
    def user_transcript(self, text: str) -> None: ...
    def planned(self, answer: int, block: int, text: str) -> None: ...
    def first_audio(self, answer: int) -> None: ...
    def interrupted(self, answer: int) -> None: ...
    def used(self, usage: Usage) -> None: ...


class SonicService(LLMService[AWSNovaSonicLLMAdapter]):
    """One conversation in a pipeline. `session` may be started before the pipeline is: it waits for nobody."""

    adapter_class = AWSNovaSonicLLMAdapter  # pipecat's default one imports another vendor's SDK

    def __init__(
        self,
        opener: Opener,
        config: SonicConfig,
        listener: Listener,
        run_tool: RunTool,
        breaker: Breaker | None = None,
    ) -> None:
        # Direct mode: a caller's frame is in the session when `push_frame` returns, not two queues later.
        super().__init__(
            enable_direct_mode=True,
            settings=LLMSettings(
                model=config.model_id,
                system_instruction=config.system,
                temperature=config.temperature,
                max_tokens=config.max_tokens,
                top_p=config.top_p,
                top_k=None,
                frequency_penalty=None,
                presence_penalty=None,
                seed=None,
                filter_incomplete_user_turns=False,
                user_turn_completion_config=None,
            ),
        )
        self._listener = listener
        self._run_tool = run_tool
        self._rate = config.output_rate
        self._tool_tasks = TaskSet()
        self.session = SonicSession(opener, config, listener, self._on_event, breaker=breaker)
        self._started = asyncio.Event()

        self._answers = Answers()
        self._told_of_break = False  # and nobody has spoken since: what else tells of it comes late
        self._broken_off = False  # the latest answer is not whole, and no other has begun

    @property
    def answer(self) -> int:
        """The number of the answer that is being made, or of the last one."""
        return self._answers.number

    # --- pipecat's lifecycle: the session lives as long as the call, not as the pipeline -------------------

    def service_metadata_frame(self) -> LLMServiceMetadataFrame:
        """Sonic itself finds the turns; nothing of ours waits for frames about them."""
        return LLMServiceMetadataFrame(service_name=self.name, is_realtime_service=True)

    async def cleanup(self) -> None:
        await super().cleanup()  # type: ignore[no-untyped-call]
        await self.close()

    async def close(self) -> None:
        await self.session.close()
        await self._tool_tasks.cancel()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, InputAudioRawFrame):
            self.session.send_audio(frame.audio)  # nobody after us reads it
            return
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMMessagesAppendFrame):
            for message in frame.messages:
                if text := standard_message_text(message):
                    self.session.send_text(text)
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._started.set()

    # --- events ---------------------------------------------------------------------------------------------

    async def _on_event(self, event: ServiceEvent) -> None:
        await self._started.wait()
        match event:
            case AudioOutput():
                await self._on_audio(event)
            case ContentStarted():
                await self._on_content_start(event)
            case TextOutput():
                await self._on_text(event)
            case ContentEnded():
                await self._on_content_end(event)
            case ToolUse():
                self._answers.unasked = 0  # what it says now is no answer to an "ajá"
                self._tool_tasks.create(self._answer_tool(event), "answer to a tool's use")
            case UserSpeechStart():
                self._told_of_break = False
                self._listener.user_speech_started()
            case UserSpeechEnd():
                self._listener.user_speech_ended(self.session.time_of(event))
            case Usage():
                self._listener.used(event)

    async def _on_content_start(self, event: ContentStarted) -> None:
        planned = event.role is Role.ASSISTANT and event.stage is Stage.SPECULATIVE
        if planned and not self._listener.talking:
            self._answers.unasked = 0  # to whatever the caller said last
        if planned and self._listener.undecided:
            await self.interrupt()  # the model has understood something, or goes on by itself
        if self._answers.content_started(event):
            self._told_of_break = self._broken_off = False
            await self.push_frame(LLMFullResponseStartFrame())
            await self.push_frame(TTSStartedFrame())

    async def _on_text(self, event: TextOutput) -> None:
        if event.role is Role.ASSISTANT and is_interruption(event.content):
            await self._on_interrupted(event.content_id)
            return
        text = without_marker(event.content)
        if event.role is Role.USER:
            await self._on_user_transcript(text)
        elif self._answers.text():
            await self._on_planned(text)

    async def _on_user_transcript(self, text: str) -> None:
        if self._listener.talking and self.session.spoken_over:
            # One live recording of a barge-in had no INTERRUPTED at all: a transcript is proof of speech. One that
            # comes late, with the answer to it on the line already, is none.
            if self._listener.goes_on(text):
                self._go_on()
            else:
                await self.interrupt()
        self._listener.user_transcript(text)

    def _go_on(self) -> None:
        """These words want no answer. What the model says to them all the same would be heard on the heels of what they
        interrupted, as a repetition or a misunderstanding: it is passed over while that is being said. Not so if the
        service has not made that to its end, since then it brings the rest, nor if there is a tool's result to tell."""
        if not (self._answers.speaking or self._broken_off or self._listener.tells_result):
            self._answers.unasked += 1
            self.session.nothing_asked()

    async def _on_planned(self, text: str) -> None:
        answer, block = self._answers.number, self._answers.block
        self._listener.planned(answer, block, text)
        await self.push_frame(SpokenBlock(text, TextType.SENTENCE, answer=answer, block=block))

    async def _on_audio(self, event: AudioOutput) -> None:
        if self._answers.cut_off:
            return
        if self._answers.audio():
            self._listener.first_audio(self._answers.number)
        if self.next is not None:  # undescribed, as `LineInput.deliver` passes the caller's
            await self.next.queue_frame(TTSAudioRawFrame(event.audio, self._rate, 1), FrameDirection.DOWNSTREAM)

    async def _on_content_end(self, event: ContentEnded) -> None:
        if self._answers.content_ended(event):
            await self.end_answer()
        elif event.stop_reason is StopReason.INTERRUPTED:
            await self._on_interrupted(event.content_id)

    async def _on_interrupted(self, content_id: str) -> None:
        """The service has broken an answer off. Which one, its block says: FINAL texts come seconds late, perhaps when
        the next answer is on the line, and of an answer that nobody has spoken over none was broken off."""
        known = self._told_of_break or self._listener.undecided
        if known or not (self._answers.is_current(content_id) and self.session.spoken_over):
            return
        if self._listener.finishes():
            return await self.end_answer()
        self._told_of_break, talking = True, self._listener.talking
        keeps = talking and self._listener.keeps()
        self._broken_off |= self._answers.speaking
        if talking and (self._broken_off or not keeps):
            self.session.was_cut_off()
        if not keeps:
            return await self.interrupt()
        self._answers.cut_off = True
        await self.push_frame(AnswerBrokenOff(whole=not self._broken_off))
        await self.end_answer()

    async def end_answer(self) -> None:
        """The answer is whole: what the model says after this is another one."""
        if self._answers.end():
            await self.push_frame(LLMFullResponseEndFrame())
            await self.push_frame(TTSStoppedFrame())

    async def stream_lost(self) -> None:
        """What was made of an answer on the lost stream is played to its end."""
        self._answers.stream_lost()
        await self.end_answer()

    def is_whole(self, answer: int) -> bool:
        """Return True if the service made this answer to its end."""
        return self._answers.is_whole(answer)

    async def interrupt(self) -> None:
        """Stop the answer at the line at once; acting twice on the same barge-in does no harm."""
        self._answers.cut_off, self._answers.unasked = True, 0
        self._broken_off = False
        if self._listener.talking:
            await self.push_frame(InterruptionFrame())
            self._listener.interrupted(self._answers.number)
        await self.end_answer()

    # --- tools ----------------------------------------------------------------------------------------------

    async def _answer_tool(self, event: ToolUse) -> None:
        name, arguments = event.name[:MAX_TOOL_NAME], event.content[:MAX_ARGUMENTS]
        result = await self._run_tool(name, arguments, own_id(event.tool_use_id))
        self.session.send_tool_result(event.tool_use_id, {"result": result})


def own_id(tool_use_id: str) -> str:
    """The toolUseId by which a use is known to us: the service's (UUIDs so far), or a digest of one that is too long or
    too odd for a store's key, a browser or a log."""
    if _PLAIN_ID.fullmatch(tool_use_id):
        return tool_use_id
    return sha256(tool_use_id.encode(errors="surrogatepass")).hexdigest()[:32]
