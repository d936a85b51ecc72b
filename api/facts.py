"""`/facts`: what Carlos may say and offer, for its owner to look at, to change, and to answer what callers asked.

A change counts for whatever is asked next, as one of `carlos facts edit` does. Keys, notation and limits are those of
the file, docs/facts.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from starlette.responses import JSONResponse

from api.envelope import ApiError, NotFound, retrieved, success
from api.facts_json import AnswerBody, FactsJson, KeptFactsJson, TextBody, UnansweredJson
from api.schemas import Found, failures
from common.times import BUENOS_AIRES, Clock, to_iso, utcnow
from data.errors import Conflict
from data.facts_edit import merged, with_answer
from data.facts_file import FactsError, read, sections
from data.questions import Unanswered
from data.store import Store

_NOTHING = "none"  # the tag where nothing is written down
_TAG = re.compile(r'(?:W/)?"(\w{1,80})"')
_QUESTION = re.compile(r"[0-9a-f]{16}")
_MOST_FAULTS = 100  # in an answer
_ATTEMPTS = 5  # at an answer, while others change the facts

QuestionId = Annotated[str, Path(description="The question's `id`.", examples=["6415b5773b2cd633"])]
BasedOn = Annotated[
    str | None,
    Header(
        max_length=200,
        examples=["*"],
        description="Needed: the `ETag` that was read, or `*` for whatever is there.",
    ),
]


def facts_routes(store: Store, clock: Clock = utcnow) -> APIRouter:
    router = APIRouter(prefix="/facts", tags=["facts"])

    async def kept(message: str) -> JSONResponse:
        in_force = sections(await store.facts())
        text, version = await store.facts_text()
        facts, faults = (in_force, []) if version is None else await asyncio.to_thread(_told, text)
        told = {"facts": facts or in_force, "kept": store.facts_are_kept, "text": text, "faults": faults}
        return success(told, message, {"ETag": f'"{_digest(text, version)}"'})

    async def save(text: str, version: str | None) -> JSONResponse:
        try:
            await store.save_facts(text, version)
        except FactsError as error:
            raise _refused(error) from error
        except Conflict as error:
            raise _changed() from error
        return await kept("Facts updated successfully")

    async def based_on(if_match: str | None) -> tuple[str, str | None]:
        """Return the text as it is, and its version, which is the one that was read."""
        if if_match is None:
            raise ApiError(428, "Precondition required", "Send the `ETag` that was read as `If-Match`", code="if_match")
        text, version = await store.facts_text()
        if if_match.strip() != "*" and _digest(text, version) not in _TAG.findall(if_match):
            raise _changed()
        return text, version

    @router.get("", response_model=Found[KeptFactsJson], responses=failures())
    async def get_facts() -> JSONResponse:
        """The facts of the business; their `ETag` is their version. A text with `faults`, from another hand, is not in
        force: `facts` are the last good ones then."""
        return await kept("Facts retrieved successfully")

    @router.put("", response_model=Found[KeptFactsJson], responses=failures(409, 412, 422, 428))
    async def update_facts(body: FactsJson, if_match: BasedOn = None) -> JSONResponse:
        """All facts anew, for whatever is asked next. What is left out is as usual, or not told; comments in sections
        that stay as they are stay too."""
        text, version = await based_on(if_match)
        await asyncio.to_thread(_check_kept, text)
        try:
            wanted = await asyncio.to_thread(merged, text, body.document())
        except FactsError as error:
            raise _refused(error, lines=False) from error
        return await save(wanted, version)

    @router.put("/text", response_model=Found[KeptFactsJson], responses=failures(412, 422, 428))
    async def update_facts_text(body: TextBody, if_match: BasedOn = None) -> JSONResponse:
        """The same as a YAML text, which is kept as it is written."""
        _, version = await based_on(if_match)
        return await save(body.text, version)

    @router.get("/questions", response_model=Found[list[UnansweredJson]], responses=failures())
    async def list_questions() -> JSONResponse:
        """What callers asked and the facts did not answer, the most frequent first: without who asked."""
        found = await store.unanswered()
        return success([_question_json(each) for each in found], retrieved("questions", len(found), 0))

    @router.post(
        "/questions/{question_id}/answer", response_model=Found[KeptFactsJson], responses=failures(404, 409, 422)
    )
    async def answer_question(question_id: QuestionId, body: AnswerBody) -> JSONResponse:
        """Put an answer into the facts, and take the question off the list. Where the question would not find it, 422
        with the code `not_told`, and nothing is changed."""
        question = await find(question_id)
        for _ in range(_ATTEMPTS):
            text, version = await store.facts_text()
            await asyncio.to_thread(_check_kept, text)
            today = clock().astimezone(BUENOS_AIRES).date()
            asked, unsaid = tuple(body.asked or [question.question]), store.last_facts
            try:
                made = await asyncio.to_thread(with_answer, text, question.question, asked, body.answer, unsaid, today)
                await store.save_facts(made, version)
            except FactsError as error:
                raise _refused(error, lines=False) from error
            except Conflict:
                continue
            await store.dismiss_question(question.id)
            return await kept("Question answered successfully")
        raise Conflict

    @router.delete("/questions/{question_id}", response_model=Found[UnansweredJson], responses=failures(404))
    async def dismiss_question(question_id: QuestionId) -> JSONResponse:
        """Take a question off the list without an answer. Asked again, it is listed again."""
        question = await find(question_id)
        await store.dismiss_question(question.id)
        return success(_question_json(question), "Question deleted successfully")

    async def find(question_id: str) -> Unanswered:
        found = await store.unanswered() if _QUESTION.fullmatch(question_id) else ()
        for each in found:
            if each.id == question_id:
                return each
        raise NotFound("Question", question_id)

    return router


def _told(text: str) -> tuple[Mapping[str, Any] | None, list[dict[str, Any]]]:
    """Return what a text tells, or its faults."""
    try:
        return sections(read(text)), []
    except FactsError as error:
        return None, _faults(error)


def _check_kept(text: str) -> None:
    """Raise ApiError for a text that another hand has spoiled: what is in it would be lost."""
    try:
        if text:
            read(text)
    except FactsError as error:
        message = "The text that is kept has faults; mend it first, as a text"
        raise ApiError(409, "Faulty facts", message, code="facts_faulty", faults=_faults(error)) from error


def _changed() -> ApiError:
    message = "The facts have changed since they were read; read them again"
    return ApiError(412, "Precondition failed", message, code="version_mismatch")


def _refused(error: FactsError, *, lines: bool = True) -> ApiError:
    told = [str(fault) if lines else f"{fault.key}: {fault.wrong}" for fault in error.faults[:_MOST_FAULTS]]
    return ApiError(422, "Invalid facts", "; ".join(told), code="facts_invalid", faults=_faults(error, lines=lines))


def _faults(error: FactsError, *, lines: bool = True) -> list[dict[str, Any]]:
    """The first of them; `lines` says whether the text is one that its owner sees."""
    return [
        {"key": fault.key, "wrong": fault.wrong} | ({"line": fault.line} if lines else {})
        for fault in error.faults[:_MOST_FAULTS]
    ]


def _digest(text: str, version: str | None) -> str:
    """Return what tells a text from others, wherever it is kept."""
    return _NOTHING if version is None else hashlib.sha256(text.encode()).hexdigest()[:16]


def _question_json(question: Unanswered) -> dict[str, Any]:
    return {
        "id": question.id,
        "question": question.question,
        "times": question.times,
        "last": to_iso(question.last),
    }
