"""`python -m tests.common.consent_page > docs/consent.md`: all sentences that are tried, and what they come to."""

from __future__ import annotations

from common.spanish.consent import Consent, consent
from tests.common.consent_sentences import PROPOSED, SENTENCES, answers

INTRODUCTION = """\
# What counts as a yes

Between a proposal ("Voy a cancelar el pedido seis. ¿Lo confirmás?") and its execution the server reads the caller's own
words. Whatever the model makes of them, only a clear yes carries out, and only if nothing else was said: a question, a
condition, a correction, another errand, words for somebody else in the room and what was not understood are asked about
again, and a no anywhere is a no. The rule is in [consent.py](../common/spanish/consent.py).

This page is made from what the tests try (`python -m tests.common.consent_page > docs/consent.md`). The sentences are
written as a recogniser may write them, with and without accents and marks. A yes that is not taken costs the caller one
more "sí"; what is taken for one by mistake costs him an order.

"""
DONE = {Consent.YES: "yes", Consent.NO: "no", Consent.UNCLEAR: "no, asked again"}
NAMES = {Consent.YES: "yes", Consent.NO: "no", Consent.UNCLEAR: "neither"}


def page() -> str:
    """The page in Markdown."""
    return INTRODUCTION + _counts() + "\n" + _table()


def _counts() -> str:
    tried = [(meant, consent(said, *PROPOSED)) for meant in Consent for said in answers(meant)]
    yeses = [found for meant, found in tried if meant is Consent.YES]
    others = [found for meant, found in tried if meant is not Consent.YES]
    rows = (
        ("sentences tried", len(tried)),
        ("plain yeses", len(yeses)),
        ("of them carried out", yeses.count(Consent.YES)),
        ("all other answers", len(others)),
        ("**of them carried out, wrongly**", others.count(Consent.YES)),
    )
    return "| | |\n|---|--:|\n" + "".join(f"| {name} | {count} |\n" for name, count in rows)


def _table() -> str:
    rows = ["| said | what it is | read as | carried out |", "|---|---|---|---|"]
    for (_, kind), sentences in SENTENCES.items():
        for said in sentences:
            found = consent(said, *PROPOSED)
            rows.append(f"| {said} | {kind} | {NAMES[found]} | {DONE[found]} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")
