"""Two steps for every write: propose, hear the caller, carry out.

The first use of a writing tool only says what would happen. The same use again carries it out if the caller's own
words since then are a clear yes (`common.spanish.consent`); anything else said or changed in between starts anew.
There is one proposal at a time, so a "yes" can only answer the last thing that was proposed; it dies with its time or
with the call. The model's word alone is never enough, since only the line calls `caller_spoke`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.spanish.consent import LONGEST, Consent, consent
from common.times import Clock, from_iso, to_iso
from data.store import IdempotencyRecord
from tools.errors import Refused

MOST_CREATED = 5  # orders, and appointments, in one call: whoever asks for them has proven nothing
PROPOSAL_LIFETIME = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a writing tool would do: `proposal` says it in Spanish, from an infinitive on ("Cancelar el pedido 6."),
    `carry_out` does it under a tool use's id."""

    fingerprint: str
    proposal: str
    carry_out: Callable[[str], Awaitable[dict[str, Any]]]
    verbs: Sequence[str] = ()  # infinitives in which a caller may agree: "cancelar", for "cancelalo"
    nouns: Sequence[str] = ()  # what is spoken of: "pedido", for "sí, cancelá el pedido"


def fingerprint(tool: str, *parts: Any) -> str:
    """Return the tool and what its arguments came to mean; the same for two ways of saying the same thing."""
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return f"{tool}:{hashlib.sha256(canonical.encode(errors='surrogatepass')).hexdigest()[:32]}"


def next_of(intent: str, receipts: Sequence[IdempotencyRecord]) -> tuple[str, IdempotencyRecord | None]:
    """For what may be wanted more than once in a call: the fingerprint of the next time, and the time before."""
    times = [idempotency for idempotency in receipts if idempotency.fingerprint.startswith(f"{intent}#")]
    return f"{intent}#{len(times) + 1}", times[-1] if times else None


def require_room(tool: str, receipts: Sequence[IdempotencyRecord]) -> None:
    """Raise Refused if this call has made as many with this tool as one call may."""
    if sum(idempotency.fingerprint.startswith(f"{tool}:") for idempotency in receipts) >= MOST_CREATED:
        raise Refused("too_many", "En una llamada puedo hacer hasta cinco. Si necesitás más, volvé a llamarnos.")


@dataclass(slots=True)
class _Proposal:
    fingerprint: str
    made_at: datetime
    verbs: Sequence[str] = ()
    nouns: Sequence[str] = ()
    said: str = ""  # by the caller since then
    answer: Consent | None = None
    carried_out_as: str | None = None


class Confirmations:
    """The proposals of one call. `memory` lets another process go on with the call."""

    def __init__(self, clock: Clock, memory: Mapping[str, Any] | None = None) -> None:
        self._clock = clock
        self._proposal: _Proposal | None = None
        if memory:
            answer = Consent[memory["answer"]] if memory.get("answer") else None
            self._proposal = _Proposal(
                memory["fingerprint"],
                from_iso(memory["made_at"]),
                answer=answer,
                carried_out_as=memory["carried_out_as"],
            )

    @property
    def memory(self) -> dict[str, Any]:
        """Return what is proposed and what the caller answered, as a JSON object without words; empty for nothing."""
        proposal = self._proposal
        if proposal is None:
            return {}
        return {
            "fingerprint": proposal.fingerprint,
            "made_at": to_iso(proposal.made_at),
            "answer": proposal.answer.name if proposal.answer else None,
            "carried_out_as": proposal.carried_out_as,
        }

    def caller_spoke(self, text: str) -> None:
        """Take the caller's words as an answer to what is proposed. One answer may come in several pieces."""
        proposal = self._proposal
        if proposal is not None and proposal.carried_out_as is None and text.strip():
            proposal.said = f"{proposal.said} {text}"[-2 * LONGEST :]
            proposal.answer = consent(proposal.said, proposal.verbs, proposal.nouns)

    def propose(self, plan: Plan) -> None:
        self._proposal = _Proposal(plan.fingerprint, self._clock(), plan.verbs, plan.nouns)

    def answer_to(self, fingerprint: str) -> Consent | None:
        """Return what the caller answered to this; None for something else, and while nothing was said."""
        proposal = self._proposal
        return proposal.answer if proposal is not None and proposal.fingerprint == fingerprint else None

    def agreed(self, fingerprint: str, tool_use_id: str) -> str | None:
        """The tool use under which to carry this out, or None if it must be proposed (again).

        It stays the first one's until `settle`: when the store did not answer, the next attempt must find what
        the first one may have done.
        """
        proposal = self._proposal
        if proposal is None or self.answer_to(fingerprint) is not Consent.YES:
            return None
        if self._clock() - proposal.made_at > PROPOSAL_LIFETIME:
            return None
        proposal.carried_out_as = proposal.carried_out_as or tool_use_id
        return proposal.carried_out_as

    def settle(self) -> None:
        """Forget the proposal: it was carried out, or has become impossible."""
        self._proposal = None
