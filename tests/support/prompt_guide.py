"""A linter of what the model reads: AWS's prompting guide for Nova 2.5 Sonic, as far as a program can check it.

Source: aws-samples/amazon-nova-samples, speech-to-speech/amazon-nova-2.5-sonic/Nova_Sonic_2.5_Prompting_Guide.md,
version 1.0. Each rule has the guide's number; docs/prompt.md says which rules no program can check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

MAX_PROMPT, MAX_BULLET = 3500, 180  # characters
MAX_DESCRIPTION, MAX_ARGUMENT, MAX_CUE, MAX_NEXT, MAX_SPEAK = 220, 110, 120, 200, 320
CHECKS = (3, 5)  # of the last section


class Kind(Enum):
    PROMPT = "what a session is told first, or a part of it"
    DESCRIPTION = "of a tool"
    ARGUMENT = "of a tool's argument"
    CUE = "a text that the server sends in mid-call"
    SPEAK = "what is to be said to the caller"
    NEXT = "what a result tells the model to do, or of itself"


EVERYWHERE = frozenset(Kind)
INSTRUCTIONS = frozenset({Kind.PROMPT, Kind.CUE, Kind.NEXT})


@dataclass(frozen=True, slots=True)
class Text:
    """`tools` are the names that a result must not say."""

    kind: Kind
    text: str
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    number: str  # in the guide
    name: str
    kinds: frozenset[Kind]
    find: Callable[[Text], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    name: str
    what: str


def lint(texts: Iterable[Text]) -> list[Finding]:
    """Return what is wrong with each text, and what several of them say twice."""
    texts = list(texts)
    return [
        Finding(rule.number, rule.name, what)
        for text in texts
        for rule in RULES
        if text.kind in rule.kinds
        for what in rule.find(text)
    ] + [Finding("4", "each instruction once", what) for what in _said_twice(texts)]


# Words.

_A_PROHIBITION = (
    r"\b(?:nunca|jamás|prohibid[oa]s?|evit(?:á|es|ar|e)|bajo ningún|de ninguna manera)\b"
    r"|\bno\s+(?:(?:lo|la|los|las|le|les|te|se|me)\s+)*(?:\w+(?:es|as)|debés|podés|hay que|está permitido)\b"
)
_OVERRIDE = r"\b(?:ignor|olvid|descart)\w*\b.{0,40}\b(?:instrucci|anterior|reglas)|pase lo que pase|sin importar"
_SPECULATION = r"\b(?:podría|tal vez|quizás?|a lo mejor|capaz que|posiblemente|probablemente)\b"
_IMITATION = r"\b(?:imit|clon|copi)(?:á|ar|ando|es|e)\b|\bcomo si fueras\b|\bcon la voz de\b"
_WARNING = r"\b(?:cuidado|precaución|solamente una vez|una sola vez|como máximo una vez|solo|únicamente)\b"
_TO_SAY = r"\b(?:decí|decile|deciles|hablá|contale|contá|avisale|pronunciá|despedite|preguntá|preguntale)\b"
_HISTORY = r"¿[^?]*\bcomo siempre\b|\bla última vez\b|\bsegún tu historial\b|\bsolés\b|\bya que preferís\b"
_A_PERSON = r"\b(?:te paso|te pase|pasarte|te comunico|te derivo|te transfiero)\b.{0,20}\b(?:persona|operador)"
_FILLER = r"\b(?:dame un (?:segundo|momento)|aguardá|un momentito|ya te digo|mientras (?:busco|consulto))\b"
_THINKING = r"</?\s*(?:thinking|thought|think)\b"
_EMPTY_BRACKETS = r"\[\s*\]|\{\s*\}|\(\s*\)|<\s*>"
_MARKDOWN = r"^#{1,6}\s|\*\*|^\[[A-ZÁÉÍÓÚ ]+\]\s*$"
_SPOKEN_FORM = r"\n|^\s*[-*•]\s|^\s*\d+[.)]\s|[#*`]|\b\d{4}-\d\d-\d\d"
_RAW_VALUE = (
    r"\b(?:true|false|none|null|pending|processing|shipped|delivered|cancelled|scheduled|confirmed|completed"
    r"|consultation|follow-up|emergency|routine)\b"
)
_INSTRUCTS = r"\b(?:saludá|dec[ií]\w*|contale|preguntá|pedí|seguí|respondé|despedite)\b"
_SHOUTED = r"\b[A-ZÁÉÍÓÚÑ]{2,}\b"
_ACRONYMS = {"DNI", "ID", "DTMF", "FINAL", "AAAA", "MM", "DDTHH"}  # a mark has a rule of its own


def _matches(pattern: str, *, also_upper: bool = True) -> Callable[[Text], Iterable[str]]:
    compiled = re.compile(pattern, re.MULTILINE | (re.IGNORECASE if also_upper else 0))
    return lambda text: [found.group().strip() for found in compiled.finditer(text.text)]


def _lacks(pattern: str) -> Callable[[Text], Iterable[str]]:
    return lambda text: [] if re.search(pattern, text.text, re.IGNORECASE) else [text.text]


def _shouts(text: Text) -> Iterable[str]:
    lines = (line for line in text.text.splitlines() if not _is_header(line))
    return [word for line in lines for word in re.findall(_SHOUTED, line) if word not in _ACRONYMS]


# Form.


def _is_header(line: str) -> bool:
    return bool(re.fullmatch(r"[^-a-záéíóúñ\s][^a-záéíóúñ]*:", line))


def _sections(prompt: str) -> list[list[str]]:
    """Each header with its lines; what comes before the first one, who Carlos is, is no section."""
    sections: list[list[str]] = []
    for line in prompt.splitlines():
        if _is_header(line):
            sections.append([line])
        elif line and sections:
            sections[-1].append(line)
    return sections


def _other_lines(text: Text) -> Iterable[str]:
    return [line for _, *lines in _sections(text.text) for line in lines if not line.startswith("- ")]


def _talking_headers(text: Text) -> Iterable[str]:
    return [header for header, *_ in _sections(text.text) if len(header.split()) > 3 or "?" in header]


def _no_last_check(text: Text) -> Iterable[str]:
    header, *lines = _sections(text.text)[-1] if _sections(text.text) else [""]
    few, many = CHECKS
    return [] if header.startswith("CONTROL") and few <= len(lines) <= many else [f"{header} {len(lines)} points"]


_LONGEST = {
    Kind.PROMPT: MAX_PROMPT,
    Kind.DESCRIPTION: MAX_DESCRIPTION,
    Kind.ARGUMENT: MAX_ARGUMENT,
    Kind.CUE: MAX_CUE,
    Kind.NEXT: MAX_NEXT,
    Kind.SPEAK: MAX_SPEAK,
}


def _too_long(text: Text) -> Iterable[str]:
    if len(text.text) > _LONGEST[text.kind]:
        yield f"{len(text.text)} characters: {text.text[:60]}"
    if text.kind is Kind.PROMPT:
        table = re.compile(r"\d{4}-\d\d-\d\d.*\d{4}-\d\d-\d\d")  # the calendar's weeks are data
        yield from (line for line in text.text.splitlines() if len(line) > MAX_BULLET and not table.search(line))


def _names_itself(text: Text) -> Iterable[str]:
    return [name for name in text.tools if name.lower() in text.text.lower()]


def _listed_values(text: Text) -> Iterable[str]:
    return re.findall(_RAW_VALUE, text.text, re.IGNORECASE)


def _silence_is_broken(text: Text) -> Iterable[str]:
    """A turn that uses a tool is silent, and the one that hangs up is named as the exception, where there is one."""
    if "HERRAMIENTAS:" not in text.text:
        return
    if "en silencio" not in text.text:
        yield "nothing says that a tool's turn is silent"
    if "TELÉFONO:" in text.text and not re.search(r"finalizarLlamada va aparte.*despedite.*después", text.text):
        yield "the goodbye is not excepted from the silent turns"


# Across texts.

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+|\n")
_SMALL = re.compile(r"\b(?:al?|con|del?|el|en|es|es[ae]|l[aeo]s?|o|para|por|que|se|si|su|una?|y)\b")
ALIKE = 0.6  # of the words of two instructions


def _said_twice(texts: Iterable[Text]) -> Iterator[str]:
    sentences: dict[str, frozenset[str]] = {}
    for text in texts:
        if text.kind not in (Kind.PROMPT, Kind.DESCRIPTION):
            continue
        for sentence in _SENTENCE_END.split(text.text):
            words = frozenset(re.findall(r"\w+", _SMALL.sub("", sentence.lower())))
            if len(words) < 4 or re.search(r"\d{4}-\d\d-\d\d", sentence):
                continue
            if sentence in sentences and text.kind is Kind.PROMPT:
                yield sentence
            sentences[sentence] = words
    for (one, of_one), (other, of_other) in combinations(sentences.items(), 2):
        if one.startswith("- ") and len(of_one & of_other) / len(of_one | of_other) >= ALIKE:
            yield f"{one} / {other}"


RULES: tuple[Rule, ...] = (
    Rule("1", "one header style: CAPITALS and a colon", frozenset({Kind.PROMPT}), _matches(_MARKDOWN)),
    Rule("2", "a bullet for each rule", frozenset({Kind.PROMPT}), _other_lines),
    Rule("3", "a last check of three to five points", frozenset({Kind.PROMPT}), _no_last_check),
    Rule("6", "short", EVERYWHERE, _too_long),
    Rule("7", "headers that nobody would say", frozenset({Kind.PROMPT}), _talking_headers),
    Rule("8", "no words that override", EVERYWHERE, _matches(_OVERRIDE)),
    Rule("9", "what to do, and no prohibition", EVERYWHERE, _matches(_A_PROHIBITION)),
    Rule("E", "no word is pressed on by capitals", INSTRUCTIONS, _shouts),
    Rule("9a", "no imitation of a voice", EVERYWHERE, _matches(_IMITATION)),
    Rule("10", "no words that Carlos must not say", EVERYWHERE, _matches(rf"{_SPECULATION}|\[\s*FINAL\s*\]")),
    Rule("13", "a description has no warnings", frozenset({Kind.DESCRIPTION, Kind.ARGUMENT}), _matches(_WARNING)),
    Rule("13", "nor a word on how to speak", frozenset({Kind.DESCRIPTION, Kind.ARGUMENT}), _matches(_TO_SAY)),
    Rule("15", "a result names no tool", frozenset({Kind.SPEAK, Kind.NEXT}), _names_itself),
    Rule("17a", "fixed values are the schema's", frozenset({Kind.ARGUMENT}), _listed_values),
    Rule("17b", "no raw value in a sentence", frozenset({Kind.SPEAK, Kind.NEXT, Kind.PROMPT}), _listed_values),
    Rule("18", "a tool's turn is silent", frozenset({Kind.PROMPT}), _silence_is_broken),
    Rule("18b", "no filler of the model's own", EVERYWHERE, _matches(_FILLER)),
    Rule("21", "no lists or marks in what is spoken", frozenset({Kind.SPEAK}), _matches(_SPOKEN_FORM)),
    Rule("22", "no thinking tags", EVERYWHERE, _matches(_THINKING)),
    Rule("24", "no empty brackets", EVERYWHERE, _matches(_EMPTY_BRACKETS)),
    Rule("27", "no proposal out of the caller's history", EVERYWHERE, _matches(_HISTORY)),
    Rule("ours", "nothing is offered that cannot be done", EVERYWHERE, _matches(_A_PERSON)),
    Rule("appendix", "a cue is an instruction", frozenset({Kind.CUE}), _lacks(_INSTRUCTS)),
)
