"""From a caller's yes to Twilio's REST and the call's record, as the server puts it together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.transcript import CallTranscript
from carlos.app import Services, open_services
from common.settings import Settings
from data.models import Line
from tests.support.sonic import aws_keys
from tests.support.twilio_account import SID, TOKEN, account
from tools.follow_up import NAME
from tools.toolbox import Toolbox

MOBILE = "+5491155551234"
CANCEL = '{"orderId": "1", "dni": "28456789"}'


async def cancelled(services: Services, log: CallTranscript) -> Toolbox:
    """A call in which an order was cancelled, and its caller was asked about a message."""
    toolbox = services._toolbox(log)
    await toolbox.run("cancelarOrder", CANCEL, tool_use_id="proposal")
    toolbox.caller_spoke("Sí")
    assert (await toolbox.run("cancelarOrder", CANCEL, tool_use_id="yes")).ok
    return toolbox


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ((201, {"sid": "SM1", "status": "queued"}), {"status": "sent", "id": "SM1"}),
        ((400, {"code": 21610, "message": "unsubscribed"}), {"status": "failed", "reason": "21610"}),
        ((500, b"oops"), {"status": "unknown", "reason": "HTTP 500"}),
    ],
)
async def test_what_came_of_a_message_is_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any], note: dict[str, str], ended: bool
) -> None:
    aws_keys(monkeypatch)
    with account() as twilio:
        twilio.answers["Messages"] = answer
        settings = Settings(
            carlos_home=tmp_path,
            sonic="bedrock",
            twilio_account_sid=SID,
            twilio_auth_token=TOKEN,
            twilio_api_base=twilio.base,
            follow_up="sms",
            follow_up_from="+541152750000",
        )
        log = CallTranscript("CA1", Line.PHONE, MOBILE)
        async with open_services(settings) as services:
            toolbox = await cancelled(services, log)
            toolbox.caller_spoke("Sí, dale")
            if ended:
                log.end("caller_left")
            await toolbox.run(NAME, "{}", tool_use_id="send")
            await services.record_writer.settled()
            record = await services.store.call("CA1")
    assert record is not None
    assert record.details["messages"] == [{"by": "sms", "use": "send", **note}]
    assert (record.ended_at is not None) is ended
    assert [form["To"] for _, _, form in twilio.asked] == [MOBILE]


async def test_by_default_nobody_is_offered_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_keys(monkeypatch)
    async with open_services(Settings(carlos_home=tmp_path, sonic="bedrock")) as services:
        toolbox = await cancelled(services, CallTranscript("CA1", Line.PHONE, MOBILE))
        assert NAME not in {tool.name for tool in toolbox.specs}
