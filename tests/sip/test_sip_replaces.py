"""A caller and the person who has taken him are left to each other by their own side, or not: in every order in which
that can be told. On a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiosipua import SipRequest
from loguru import logger

from agent.passing_on import NOTE, TRANSFERRED
from telephony.sip.replacement import REPLACE_S, SETTLE_S, Replacement
from tests.sip.test_sip_call import progress
from tests.sip.test_sip_person import Person, answer, picked_up, ringing, sent
from tests.support.virtual_loop import virtually

EARLY_S, LATE_S = 2.0, 6.0  # after the person's 1: before and after telephony.transfer.TALK_S


class Pbx:
    """Both legs' other side: what it says of the REFER, and whom it hangs up."""

    def __init__(self, person: Person, refer: SipRequest) -> None:
        self.person = person
        self.refer = refer
        self._here = person.here.stage
        self._number = 1

    def answers(self, status: int) -> None:
        self._here.tell(answer(self.refer, status))

    def notifies(self, line: str) -> list[int | str]:
        self._number += 1
        return self._here.tell(progress(self.person.here, self.person.leg, self._number, f"SIP/2.0 {line}"))

    def ends_caller(self) -> list[int | str]:
        return self._here.tell(self._here.within(self.person.leg, "BYE", 99))

    def ends_person(self) -> list[int | str]:
        return self.person.does("BYE")

    def said_bye_to(self) -> str:
        """Whom a BYE was sent to since we were last told anything."""
        return " ".join(
            "caller" if each.get_header("call-id") == self.person.leg.dialog.call_id else "person"
            for each, _ in self._here.sent
            if isinstance(each, SipRequest) and each.method == "BYE"
        )


@asynccontextmanager
async def taken() -> AsyncIterator[Pbx]:
    """A person has taken the caller, and our REFER is there."""
    async with ringing(replaces=True) as person:
        await picked_up(person)
        person.presses("1")
        await person.here.until("REFER")
        yield Pbx(person, sent(person.here, "REFER"))


def is_bridged(pbx: Pbx) -> bool:
    assert pbx.person.here.call is not None
    return pbx.person.here.call.waiting.is_with_person


def came_to(pbx: Pbx) -> tuple[str | None, str, str]:
    """The record's outcome, its transfer's state, and how the two heard each other."""
    record = pbx.person.calls.shelf.record
    assert record is not None
    (status,) = pbx.person.calls.statuses
    return record.outcome, record.details[NOTE]["state"], status.facts["joined"]


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the log says, at its usual level, of those whom their side does not connect."""
    lines: list[str] = []
    sink = logger.add(
        lines.append, level="INFO", format="{message}", filter=lambda record: "does not connect" in record["message"]
    )
    yield lines
    logger.remove(sink)


@virtually
async def test_the_callers_side_is_asked_to_replace_the_persons_call_while_the_two_hear_each_other() -> None:
    async with taken() as pbx:
        invite = pbx.person.invite
        ours = (invite.get_header("from") or "").partition(";tag=")[2]
        dialog = f"{invite.get_header('call-id')}%3Bto-tag%3Dperson%3Bfrom-tag%3D{ours}"
        assert pbx.refer.get_header("refer-to") == f"<sip:person@10.0.0.5:5070?Replaces={dialog}>"
        assert pbx.refer.get_header("referred-by") == "<sip:carlos@10.0.0.1>"
        assert pbx.refer.get_header("call-id") == pbx.person.leg.dialog.call_id, "it is the caller who is referred"
        assert is_bridged(pbx)
        pbx.ends_caller()


@virtually
async def test_nobody_is_referred_where_that_is_not_set() -> None:
    async with ringing() as person:
        await picked_up(person)
        person.presses("1")
        await asyncio.sleep(LATE_S)
        assert "REFER" not in person.here.stage.said
        person.does("BYE")
    (status,) = person.calls.statuses
    assert status.facts["joined"] == "bridged"


# --- replaced ---------------------------------------------------------------------------------------------------

type Step = Callable[[Pbx], Any]


def accepts(pbx: Pbx) -> None:
    pbx.answers(202)


def is_trying(pbx: Pbx) -> None:
    assert pbx.notifies("100 Trying") == [200]


def succeeds(pbx: Pbx) -> None:
    pbx.notifies("200 OK")


def fails(pbx: Pbx) -> None:
    pbx.notifies("603 Decline")


def refuses(pbx: Pbx) -> None:
    pbx.answers(603)


def ends_person(pbx: Pbx) -> None:
    assert pbx.ends_person() == [200]


def ends_caller(pbx: Pbx) -> None:
    pbx.ends_caller()


REPLACED: Sequence[Sequence[Step]] = [
    (accepts, is_trying, succeeds, ends_person),
    (is_trying, succeeds, accepts, ends_person),
    (accepts, ends_person, succeeds),
    (ends_person, accepts, is_trying, succeeds),
    (accepts, ends_person, ends_caller),
    (accepts, ends_caller, ends_person),
    (accepts, succeeds, ends_caller, ends_person),
    (accepts, succeeds),
]


async def in_turn(pbx: Pbx, steps: Sequence[Step]) -> None:
    for step in steps:
        step(pbx)
        await asyncio.sleep(0.2)


def in_order(steps: Sequence[Step]) -> str:
    return ", ".join(step.__name__ for step in steps)


@pytest.mark.parametrize("steps", REPLACED, ids=in_order)
@virtually
async def test_two_whom_their_side_has_connected_are_not_with_carlos_again(
    steps: Sequence[Step], told: list[str]
) -> None:
    async with taken() as pbx:
        await in_turn(pbx, steps)
    assert came_to(pbx) == (TRANSFERRED, "over", "replaced")
    assert pbx.person.calls.returned_to == []
    assert told == []


@virtually
async def test_after_a_success_the_callers_call_is_ended_at_once_and_the_persons_if_nobody_ends_it() -> None:
    async with taken() as pbx:
        accepts(pbx)
        succeeds(pbx)
        await asyncio.sleep(0.1)
        assert pbx.said_bye_to() == "caller"
        assert not is_bridged(pbx)
        pbx.person.here.stage.tell(answer(sent(pbx.person.here, "BYE"), 200))
        await asyncio.sleep(SETTLE_S - 0.2)
        assert pbx.said_bye_to() == ""
        await asyncio.sleep(0.2)
        assert pbx.said_bye_to() == "person"


@virtually
async def test_what_is_told_when_all_is_over_changes_nothing() -> None:
    async with taken() as pbx:
        await in_turn(pbx, (accepts, succeeds, ends_person))
        assert pbx.notifies("603 Decline") == [481]
    assert came_to(pbx) == (TRANSFERRED, "over", "replaced")


# --- left to us -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [(refuses,), (accepts, is_trying, fails), (fails, accepts)], ids=in_order)
@virtually
async def test_whom_their_side_does_not_connect_go_on_hearing_each_other_and_the_log_says_so_once(
    steps: Sequence[Step], told: list[str]
) -> None:
    async with taken() as pbx:
        await in_turn(pbx, steps)
        succeeds(pbx)  # too late
        await asyncio.sleep(LATE_S)
        assert is_bridged(pbx)
        ends_person(pbx)
        await asyncio.sleep(0.1)
        assert pbx.said_bye_to() == "caller"
    assert came_to(pbx) == (TRANSFERRED, "over", "bridged")
    assert [line.rpartition(": ")[2].strip() for line in told] == ["603"]


LEFT: Sequence[Sequence[Step]] = [
    (refuses, ends_person),
    (accepts, fails, ends_person),
    (ends_person, refuses),
    (accepts, ends_person, is_trying, fails),
    (accepts, ends_person),
    (ends_person,),
]


@pytest.mark.parametrize("steps", LEFT, ids=in_order)
@virtually
async def test_a_person_who_leaves_at_once_and_was_not_replaced_has_helped_nobody(steps: Sequence[Step]) -> None:
    async with taken() as pbx:
        await asyncio.sleep(EARLY_S)
        for step in steps:
            step(pbx)
        async with asyncio.timeout(2 * SETTLE_S):
            while not pbx.person.calls.returned_to:
                await asyncio.sleep(0.1)
        succeeds(pbx)  # of a call that nobody waits for any more
    assert [memory["came_to"] for memory in pbx.person.calls.returned_to] == ["hung-up"]
    assert pbx.person.calls.resumes == [0, 1]


@pytest.mark.parametrize("steps", LEFT, ids=in_order)
@virtually
async def test_a_person_who_leaves_after_a_talk_ends_the_call_whatever_became_of_the_refer(
    steps: Sequence[Step],
) -> None:
    async with taken() as pbx:
        await asyncio.sleep(LATE_S)
        for step in steps:
            step(pbx)
    assert came_to(pbx) == (TRANSFERRED, "over", "bridged")
    assert pbx.person.calls.returned_to == []


@virtually
async def test_a_caller_who_hangs_up_before_anything_is_answered_ends_the_persons_call_at_once(
    told: list[str],
) -> None:
    async with taken() as pbx:
        await asyncio.sleep(EARLY_S)
        ends_caller(pbx)
        await asyncio.sleep(0.1)
        assert pbx.said_bye_to() == "person"
    assert came_to(pbx) == (TRANSFERRED, "over", "bridged")
    assert told == []


@virtually
async def test_a_caller_who_hangs_up_after_a_202_leaves_the_person_time_to_be_replaced() -> None:
    async with taken() as pbx:
        accepts(pbx)
        await asyncio.sleep(EARLY_S)
        ends_caller(pbx)
        await asyncio.sleep(SETTLE_S - 0.1)
        assert pbx.said_bye_to() == ""
        await asyncio.sleep(0.2)
        assert pbx.said_bye_to() == "person"
    assert came_to(pbx) == (TRANSFERRED, "over", "bridged"), "nothing says that anybody replaced him"


@virtually
async def test_a_side_that_never_says_what_became_of_it_is_waited_for_in_vain_once(told: list[str]) -> None:
    caller, person = asyncio.Event(), asyncio.Event()
    replacement = Replacement(caller, person, caller.set)
    coming = asyncio.create_task(replacement.comes())
    await asyncio.sleep(REPLACE_S + 1.0)
    assert len(told) == 1
    assert not coming.done()
    person.set()
    began = asyncio.get_running_loop().time()
    assert not await replacement.settle()
    assert asyncio.get_running_loop().time() == began
    coming.cancel()
