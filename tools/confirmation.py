"""Two steps for every write: propose, hear the caller, carry out.

The first use of a writing tool only says what would happen. The same use again, after the caller has spoken,
carries it out; anything else said or changed in between starts anew. There is one proposal at a time, so a
"yes" can only answer the last thing that was proposed; it dies with its time or with the call. The model's
word alone is never enough, since only the line calls `caller_spoke`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.times import Clock, from_iso, to_iso
from data.store import IdempotencyRecord

PROPOSAL_LIFETIME = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a writing tool would do: `proposal` says it in Spanish, `carry_out` does it under a tool use's id."""

    fingerprint: str
    proposal: str
    carry_out: Callable[[str], Awaitable[dict[str, Any]]]


def fingerprint(tool: str, *parts: Any) -> str:
    """The tool and what its arguments came to mean; the same for two ways of saying the same thing."""
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return f"{tool}:{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"


def next_of(intent: str, receipts: Sequence[IdempotencyRecord]) -> tuple[str, IdempotencyRecord | None]:
    """For what may be wanted more than once in a call: the fingerprint of the next time, and the time before."""
    times = [idempotency for idempotency in receipts if idempotency.fingerprint.startswith(f"{intent}#")]
    return f"{intent}#{len(times) + 1}", times[-1] if times else None


@dataclass(slots=True)
class _Proposal:
    fingerprint: str
    made_at: datetime
    turn: int
    carried_out_as: str | None = None


class Confirmations:
    """The proposals of one call. `memory` lets another process go on with the call."""

    def __init__(self, clock: Clock, memory: Mapping[str, Any] | None = None) -> None:
        self._clock = clock
        self._turn = 0
        self._proposal: _Proposal | None = None
        if memory:
            self._turn = int(memory["answered"])
            made_at, carried_out_as = from_iso(memory["made_at"]), memory["carried_out_as"]
            self._proposal = _Proposal(memory["fingerprint"], made_at, 0, carried_out_as)

    @property
    def memory(self) -> dict[str, Any]:
        """What is proposed and whether the caller has spoken since, as a JSON object; empty for nothing."""
        proposal = self._proposal
        if proposal is None:
            return {}
        return {
            "fingerprint": proposal.fingerprint,
            "made_at": to_iso(proposal.made_at),
            "answered": proposal.turn != self._turn,
            "carried_out_as": proposal.carried_out_as,
        }

    def caller_spoke(self) -> None:
        self._turn += 1

    def propose(self, fingerprint: str) -> None:
        self._proposal = _Proposal(fingerprint, self._clock(), self._turn)

    def agreed(self, fingerprint: str, tool_use_id: str) -> str | None:
        """The tool use under which to carry this out, or None if it must be proposed (again).

        It stays the first one's until `settle`: when the store did not answer, the next attempt must find what
        the first one may have done.
        """
        proposal = self._proposal
        if proposal is None or proposal.fingerprint != fingerprint or proposal.turn == self._turn:
            return None
        if self._clock() - proposal.made_at > PROPOSAL_LIFETIME:
            return None
        proposal.carried_out_as = proposal.carried_out_as or tool_use_id
        return proposal.carried_out_as

    def settle(self) -> None:
        """What was proposed is done, or has become impossible."""
        self._proposal = None
