"""pipecat as its documentation builds it: its Twilio transport and its Nova Sonic service, at their defaults.

The pipeline is that of pipecat 1.14's example "realtime-aws-nova-sonic" on the "twilio" transport of its runner.
`create_client` is overridden for the endpoint and the certificate alone, and the log is quieter than the default.
"""

from __future__ import annotations

import json
import os
import sys

import uvicorn
from aws_sdk_bedrock_runtime.client import BedrockRuntimeClient
from aws_sdk_bedrock_runtime.config import Config
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.aws.nova_sonic.llm import AWSNovaSonicLLMService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner
from smithy_aws_core.identity import StaticCredentialsResolver

from bench.servers import probe
from bench.servers.sdk import TrustingClient

app = FastAPI()


class NovaSonic(AWSNovaSonicLLMService):
    def create_client(self) -> BedrockRuntimeClient:
        return BedrockRuntimeClient(
            config=Config(
                endpoint_uri=os.environ["SONIC_ENDPOINT"],
                region=self._region,
                aws_access_key_id=self._access_key_id,
                aws_secret_access_key=self._secret_access_key,
                aws_credentials_identity_resolver=StaticCredentialsResolver(),
                transport=TrustingClient(),
            )
        )


@app.websocket("/ws")
async def media(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    start = json.loads(await websocket.receive_text())["start"]
    serializer = TwilioFrameSerializer(
        stream_sid=start["streamSid"],
        call_sid=start["callSid"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),  # there is no Twilio to ask
    )
    await run_bot(
        FastAPIWebsocketTransport(
            websocket=websocket,
            params=FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer),
        )
    )


async def run_bot(transport: FastAPIWebsocketTransport) -> None:
    llm = NovaSonic(
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        region="us-east-1",
        settings=AWSNovaSonicLLMService.Settings(voice="tiffany", system_instruction="You are a friendly assistant."),
    )
    context = LLMContext(tools=ToolsSchema(standard_tools=[]))
    user, assistant = LLMContextAggregatorPair(context, realtime_service_mode=True)
    worker = PipelineWorker(
        Pipeline([transport.input(), user, llm, transport.output(), assistant]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
    )

    @transport.event_handler("on_client_connected")  # type: ignore[untyped-decorator]
    async def on_client_connected(transport: object, client: object) -> None:
        context.add_message({"role": "developer", "content": "Please introduce yourself to the user."})
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator]
    async def on_client_disconnected(transport: object, client: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    probe.install()
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["WS_PORT"]), log_level="warning")
