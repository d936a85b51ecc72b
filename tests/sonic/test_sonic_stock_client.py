"""A released client that is not ours, pipecat's own service on AWS's SDK, holds a conversation with the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import Frame, InputAudioRawFrame, LLMRunFrame, TTSAudioRawFrame, TTSTextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.aws.nova_sonic.llm import AWSNovaSonicLLMService
from pipecat.services.llm_service import FunctionCallParams
from pipecat.workers.runner import WorkerRunner

from agent.sonic.events import ToolResult
from bench.servers.stock import NovaSonic
from sandbox.sonic.behaviour import Behaviour
from sandbox.sonic.script import Say, ScriptTurn, UseTool
from tests.sonic.sonic_bench import Bench, bench, silence, speech

HANG_S = 60.0
TICK_S = 0.02
ORDER = FunctionSchema("consultarOrden", "Busca un pedido", {"dni": {"type": "string"}}, ["dni"])
TURNS = [
    ScriptTurn((Say("Hola, soy Carlos."),)),
    ScriptTurn((UseTool("consultarOrden", {"dni": "28456789"}), Say("Llega mañana.")), hear="¿Y mi pedido?"),
]


class Ear(FrameProcessor):
    """What comes out of the service."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""
        self.audio = bytearray()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            self.said += frame.text
        if isinstance(frame, TTSAudioRawFrame):
            self.audio += frame.audio
        await self.push_frame(frame, direction)


def microphone(ear: Ear) -> Iterator[bytes]:
    """Silence until the greeting was said, a question, and silence for ever."""
    quiet = silence(TICK_S).audio
    while "Carlos" not in ear.said:
        yield quiet
    asked = speech(0.4).audio
    yield from (asked[at : at + len(quiet)] for at in range(0, len(asked), len(quiet)))
    while True:
        yield quiet


async def converse(worker: PipelineWorker, ear: Ear) -> None:
    for pcm in microphone(ear):
        await worker.queue_frame(InputAudioRawFrame(pcm, 16_000, 1))
        await asyncio.sleep(TICK_S)
        if "mañana" in ear.said:
            return


def service(at: Bench, monkeypatch: pytest.MonkeyPatch) -> NovaSonic:
    monkeypatch.setenv("SONIC_ENDPOINT", at.server.endpoint)
    monkeypatch.setenv("SONIC_CA_FILE", str(at.server.ca_file))
    settings = AWSNovaSonicLLMService.Settings(voice="carlos", system_instruction="Sos Carlos.")
    keys = at.server.credentials
    return NovaSonic(
        access_key_id=keys.access_key_id,
        secret_access_key=keys.secret_access_key,
        region="us-east-1",
        settings=settings,
    )


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # pipecat's own, of a WAV file it reads
@pytest.mark.slow
async def test_pipecats_own_service_greets_hears_asks_its_tool_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def look_up(params: FunctionCallParams) -> None:
        asked.append(params.arguments)
        await params.result_callback({"estado": "en camino"})

    async with bench(tmp_path, TURNS, behaviour=Behaviour(uneven_audio=3)) as at:
        llm, ear = service(at, monkeypatch), Ear()
        llm.register_function(ORDER.name, look_up)
        context = LLMContext([{"role": "user", "content": "Saludá."}], tools=ToolsSchema(standard_tools=[ORDER]))
        user, assistant = LLMContextAggregatorPair(context, realtime_service_mode=True)
        worker = PipelineWorker(Pipeline([user, llm, ear, assistant]))
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        async with asyncio.timeout(HANG_S):
            await worker.queue_frame(LLMRunFrame())
            await converse(worker, ear)
            await worker.cancel()
            await running
        record = at.server.sessions[0]
        assert asked == [{"dni": "28456789"}]
        assert record.errors == []
        assert [event for event in record.received if isinstance(event, ToolResult)]
        assert bytes(ear.audio).startswith(bytes(record.audio_out)[:4800])
