"""The facts of a business, changed one section at a time: what an owner wrote by hand, comments too, stays where the
change leaves it alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from data.answers import answer
from data.errors import RuleBroken
from data.facts import Facts, Question
from data.facts_file import FactsError, dumped, read, sections

_TAIL = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\n)*\Z", re.MULTILINE)  # comments and blank lines at the end


def merged(text: str, document: Mapping[str, Any]) -> str:
    """Return a text for the facts that `document` tells, in the keys of the file: that of `text`, with other sections
    where they differ. Raise FactsError for either, its lines those of the document."""
    wanted = read(dumped(document))
    return rewritten(text, wanted) if text else dumped(sections(wanted))


def rewritten(text: str, facts: Facts) -> str:
    """Return a text that reads as these facts, with as much of `text` as reads the same. Raise FactsError for a `text`
    with faults."""
    before, after = sections(read(text)), sections(facts)
    written = _sections_of(text)
    if written is None:
        return dumped(after)
    parts = [written.head]
    for key, part in written.parts.items():
        same = before.get(key) == after.get(key)
        parts.append(part if same else _instead(part, {key: after[key]} if key in after else {}))
    added = {key: value for key, value in after.items() if key not in written.parts and before.get(key) != value}
    made = "".join(parts) + (dumped(added) if added else "")
    return made if _reads_as(made, facts) else dumped(after)


def with_answer(text: str, question: str, asked: tuple[str, ...], told: str, unsaid: Facts, today: date) -> str:
    """Return the text with a question that has an answer now; `unsaid` are the facts where there is no text. Raise
    FactsError, and RuleBroken where `question` would be answered in another way, or not at all."""
    before = read(text) if text else unsaid
    document = sections(before)
    document["questions"] = [*document.get("questions", []), {"asked": list(asked), "answer": told}]
    made = merged(text, document)
    after = read(made)
    added: Question = after.questions[-1]
    if answer(after, question, today) != added.answer:
        raise RuleBroken("not_told", "Con esas palabras no se reconoce la pregunta: falta de qué se trata.")
    return made


@dataclass(frozen=True, slots=True)
class _Written:
    head: str
    parts: dict[str, str]  # each with its comments and blank lines up to the next key


def _sections_of(text: str) -> _Written | None:
    """None for a text that is not written with one key a line, such as `{name: Sol}`."""
    if not text.endswith("\n"):
        text += "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    marks = [key.start_mark for key, _ in root.value]
    if not marks or any(mark.column for mark in marks):
        return None
    starts = [mark.index for mark in marks]
    ends = [*starts[1:], len(text)]
    names = [str(key.value) for key, _ in root.value]
    return _Written(
        text[: starts[0]],
        {name: text[start:end] for name, start, end in zip(names, starts, ends, strict=True)},
    )


def _instead(part: str, section: Mapping[str, Any]) -> str:
    tail = _TAIL.search(part)
    return (dumped(section) if section else "") + (tail[0] if tail else "")


def _reads_as(text: str, facts: Facts) -> bool:
    try:
        return read(text) == facts
    except FactsError:
        return False
