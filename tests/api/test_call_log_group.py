"""Call records and events to CloudWatch Logs: on a client of ours, and on a local AWS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from agent.playout import Played
from agent.transcript import CallTranscript
from api.calls import Prices
from carlos.call_log import cloudwatch_listener
from common import metrics
from common.log import cloudwatch
from common.log.cloudwatch import CallLogGroup, open_log_group
from data.models import Line
from sandbox.ministack import CREDENTIALS, REGION, ministack

GROUP = "carlos-calls"
CALL_ID = "CA" + "1" * 32
PRICES = Prices(3, 12, 0.33, 2.75, 0.0125)


class Client:
    """CloudWatch Logs that fails as often as it is told to."""

    class exceptions:
        class ResourceAlreadyExistsException(Exception):
            pass

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.batches: list[list[dict[str, Any]]] = []
        self.streams: list[str] = []

    def create_log_stream(self, **names: str) -> None:
        self.streams.append(names["logStreamName"])

    def put_log_events(self, *, logGroupName: str, logStreamName: str, logEvents: list[dict[str, Any]]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not reachable")
        self.batches.append(logEvents)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(event["message"]) for batch in self.batches for event in batch]


def group_of(client: Client, queue: int = 100) -> CallLogGroup:
    return CallLogGroup(client, GROUP, queue=queue, retry_s=0)  # type: ignore[arg-type]


def dropped(kind: str) -> float:
    return metrics.REGISTRY.get_sample_value("carlos_call_log_dropped_total", {"kind": kind}) or 0.0


async def test_what_was_queued_is_delivered_in_order_and_once() -> None:
    client = Client()
    group = group_of(client)
    for number in range(5):
        group.event({"call_id": CALL_ID, "n": number})
    await group.flush()
    await group.flush()
    assert [each["n"] for each in client.told] == [0, 1, 2, 3, 4]
    assert len(client.streams) == 1


async def test_a_failure_is_tried_again_and_nothing_is_lost() -> None:
    client = Client(failures=cloudwatch.TRIES + 1)
    group = group_of(client)
    group.record({"call_id": CALL_ID})
    await group.flush()
    assert client.told == []
    await group.close()
    assert client.told == [{"call_id": CALL_ID}]


async def test_a_full_queue_drops_events_for_records_and_counts_them() -> None:
    client = Client()
    group = group_of(client, queue=3)
    events, records = dropped("event"), dropped("record")
    for number in range(4):
        group.event({"n": number})
    for number in range(4):
        group.record({"record": number})
    await group.flush()
    assert client.told == [{"record": 0}, {"record": 1}, {"record": 2}]
    assert (dropped("event") - events, dropped("record") - records) == (4, 1)


async def test_a_batch_keeps_within_the_services_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudwatch, "BATCH_BYTES", 200)
    monkeypatch.setattr(cloudwatch, "BATCH_EVENTS", 3)
    client = Client()
    group = group_of(client)
    for number in range(7):
        group.event({"n": number, "text": "x" * (100 if number == 6 else 1)})
    await group.flush()
    assert [len(batch) for batch in client.batches] == [3, 3, 1]


async def test_what_cannot_be_delivered_at_the_end_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    group = group_of(Client(failures=1000))
    before = dropped("record")
    group.record({"call_id": CALL_ID})
    await group.close()
    assert dropped("record") - before == 1


def a_call(group: CallLogGroup, *, texts: bool) -> None:
    """Names are spoken before a tool learns them."""
    call = CallTranscript(CALL_ID, Line.PHONE, "+5491155550101")
    call.events.listeners.append(cloudwatch_listener(group, call, PRICES, texts=texts))
    call.user_transcript("Soy Zulema Quiroga, me duele la rodilla")
    call.tool("Zulema", "t1", {"customerName": "Zulema Quiroga"}, {"success": True}, ok=True, elapsed_ms=3)
    call.played(Played(1, "Hola, Zulema.", 1.0))
    call.end("completed")


@pytest.mark.parametrize("texts", [False, True])
async def test_a_name_spoken_before_any_tool_knows_it_is_not_told(*, texts: bool) -> None:
    client = Client()
    group = group_of(client)
    a_call(group, texts=texts)
    await group.flush()
    said = json.dumps(client.told, ensure_ascii=False)
    assert [each.get("type") for each in client.told] == ["heard", "tool", "said", "ended", None]
    assert "Zulema" not in said
    assert "Quiroga" not in said
    assert ("rodilla" in said) is texts


@pytest.fixture(scope="module")
def aws_logs() -> Iterator[Callable[[], str]]:
    with ministack("logs") as endpoint:
        yield lambda: endpoint


@pytest.mark.ministack
async def test_a_call_is_read_back_from_the_log_group_by_its_id(
    aws_logs: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = aws_logs()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1])
    reader = boto3.client("logs", region_name=REGION, endpoint_url=endpoint)
    reader.create_log_group(logGroupName=GROUP)
    group = await asyncio.to_thread(open_log_group, GROUP, REGION, endpoint)
    await group.start()
    for call_id in (CALL_ID, "CA" + "2" * 32):
        call = CallTranscript(call_id, Line.PHONE, "+5491155550101")
        call.events.listeners.append(cloudwatch_listener(group, call, PRICES, texts=True))
        call.tool("consultarOrder", "t1", {"customerName": "Ana Paz"}, {"success": True}, ok=True, elapsed_ms=3)
        call.user_transcript("Soy Ana Paz, 28456789")
        call.played(Played(1, "Hola, Ana.", 1.0))
        call.end("completed")
    await group.close()
    found = reader.filter_log_events(logGroupName=GROUP, filterPattern=f'"{CALL_ID}"')["events"]
    told = [json.loads(event["message"]) for event in found]
    assert {each["call_id"] for each in told} == {CALL_ID}
    assert [each["type"] for each in told if each["kind"] == "event"] == ["tool", "heard", "said", "ended"]
    record = next(each for each in told if each["kind"] == "record")
    assert record["outcome"] == "completed"
    assert [turn["text"] for turn in record["turns"]] == ["Soy ***, **.***.*89", "Hola, ***."]
    assert record["callerNumber"] == "***101"
