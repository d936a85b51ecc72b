"""E-mail addresses as they are dictated, and as they are read back.

    email_of("mi mail es ana punto pérez veintitrés arroba gmail punto com, por favor")  -> "ana.perez23@gmail.com"
    email_of("jota ele de la arroba gmail punto com, con ve corta")                       -> None: to be asked for again
    spelled("ana.perez23@gmail.com")  -> "ana punto pérez veintitrés arroba gmail punto com"

A dictation is read word by word: signs, numbers, the names of letters, and the words of the address itself. Whatever
is said about it and not of it ("todo junto, en minúscula") is left out; a correction, a condition, a second address
or half a domain is no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from common.spanish.names import plain
from common.spanish.numbers import CARDINALS, numerals, spell

LONGEST = 200  # characters of a dictation
_MOST_LOCAL = 64  # characters before the @ (RFC 5321, 4.5.3.1.1)
_MOST_WORDS = 4  # of an address, beside letters and numbers: more is a sentence

_ADDRESS = re.compile(r"[a-z0-9_](?:[a-z0-9._%+-]*[a-z0-9_])?@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")

# What is said for a sign; the longest that fits counts. The first of each is what Carlos says.
_SIGN_WORDS = {
    "@": ("arroba", "aroba", "a roba", "at"),
    ".": ("punto", "puntito", "dot"),
    "_": ("guion bajo", "barra baja", "raya baja", "guion de abajo", "subguion", "sub guion", "underscore",
          "under score"),
    "-": ("guion medio", "guion del medio", "guion comun", "guion normal", "guioncito", "guion", "raya", "menos"),
    "+": ("más", "signo mas", "el signo mas", "plus"),
    "%": ("porcentaje", "por ciento"),
}  # fmt: skip
_LETTER_WORDS = {
    "a": ("a",), "b": ("be larga", "be", "be alta", "be grande", "be de burro", "b larga"), "c": ("ce",),
    "d": ("de",), "e": ("e",), "f": ("efe",), "g": ("ge",), "h": ("hache", "ache"), "i": ("i", "i latina"),
    "j": ("jota",), "k": ("ka",), "l": ("ele",), "m": ("eme",), "n": ("ene", "enie"), "o": ("o",), "p": ("pe",),
    "q": ("cu",), "r": ("erre", "ere"), "s": ("ese",), "t": ("te",), "u": ("u",),
    "v": ("ve corta", "ve", "ve chica", "ve baja", "uve", "v corta"),
    "w": ("doble ve", "doble u", "doble v", "ve doble", "uve doble", "double u"), "x": ("equis",),
    "y": ("i griega", "y griega", "ye"), "z": ("zeta", "ceta", "seta"),
}  # fmt: skip
_SIGNS = {plain(phrase): sign for sign, phrases in _SIGN_WORDS.items() for phrase in phrases}
_LETTERS = {phrase: letter for letter, phrases in _LETTER_WORDS.items() for phrase in phrases}
_WORDS_TOO = frozenset(("de", "te", "ese", "ye", "e", "o", "seta"))  # letters among letters, words among words

# Said of the address, and no part of it.
_MANNER = re.compile(
    r"\b(?:todo |toda |va |van |esta |escrito )*(?:junto|junta|pegado|pegada|seguido|de corrido"
    r"|(?:en |con )?(?:letras? )?(?:minusculas?|mayusculas?)|sin (?:espacios?|acentos?|tildes?))\b"
)
_MAIL = r"(?:correo(?: electronico)?|e ?mail|mail|imeil)"
_NOUN = rf"(?:{_MAIL}|direccion(?: de {_MAIL})?|casilla)"
_LEAD_IN = re.compile(rf".*\b{_NOUN}(?: de \w+)? (?:es|seria|va a ser)(?: el| la| este)?\b(?: siguiente)?")
_BEFORE = re.compile(
    r"(?:(?:eh+|em+|mm+|si|dale|ok|hola|a ver|es|seria|anota|anote|ponele|pone|te (?:digo|paso|dicto|lo paso)"
    rf"|(?:(?:el|mi|su) )?{_NOUN})"
    r"\b(?! *(?:[@._+-]|arroba|punto|guion)) ?)+"
)
_AFTER = re.compile(
    r"(?: (?:por favor|porfa|porfavor|gracias|muchas gracias|nada mas|y nada mas|y listo|listo|ok|dale|eso|eso es todo"
    r"|es ese|todo|y|si|punto))+$"
)
# After these it is a sentence, or a correction, or about how it is spelled.
_DOUBTFUL = frozenset(
    ("no", "perdon", "digo", "quise", "decir", "mejor", "sino", "con", "sin", "que", "quiero", "me", "mande", "mandes",
     "mandalo", "mandame", "para", "soy", "llamo", "nombre", "correo", "tengo", "pero", "cual", "como", "esto", "eso",
     "mi", "es", "o", "bueno", "claro", "espera", "corrijo", "barra", "asterisco", "numeral", "coma", "espacio")
)  # fmt: skip
_HEARD_AS = {  # what recognisers write for the large providers
    "gmail": ("gmeil", "gimail", "gimeil", "yimeil", "yimail", "jimeil", "jimail", "gemail", "yemail"),
    "hotmail": ("jotmail", "hotmeil", "jotmeil", "otmail"),
    "yahoo": ("yahu", "yaju", "iahoo", "yajoo"),
    "outlook": ("autluk", "outluk", "autlook"),
    "icloud": ("aicloud", "aiclaud"),
}
_PROVIDERS = {heard: name for name, ways in _HEARD_AS.items() for heard in ways}
_DOMAIN_WORDS = frozenset(
    ("com", "email", "mail", "live", "ar", "net", "org", "edu", "gob", "gov", "uy", "es", "io", *_HEARD_AS)
)


def email_of(text: str) -> str | None:
    """Return the address that was dictated or written, in lower case and without accents; None for what is none, or
    not surely one."""
    if len(text) > LONGEST:
        return None
    said = _bare(text)
    if (written := _ADDRESS.search(said)) and not _leads_to(said[: written.start()]):
        address = said  # whole, or not at all
    else:
        local, _, domain = _signed(said).partition("@")
        address = f"{_local(local.split())}@{_domain(domain.split())}"
    well_formed = _ADDRESS.fullmatch(address) and ".." not in address and address.index("@") <= _MOST_LOCAL
    return address if well_formed else None


def spelled(address: str) -> str:
    """Return the address for the ear: words as words, numbers as they are said, and letter by letter what is no word.

    `email_of` reads it back as the same address.
    """
    local, at, domain = address.lower().partition("@")
    said = [_for_the_ear(part) for part in _PARTS.findall(local + at)]
    return " ".join(
        [*said, *(part if part in _DOMAIN_WORDS else _for_the_ear(part) for part in _PARTS.findall(domain))]
    )


# From the ear.


def _bare(text: str) -> str:
    """In plain words with single spaces, without what is said around the address. Pauses are none of it."""
    said = re.sub(r"(?<=\w),(?=\w+(?:$|[\s.,]))(?=.{2,6}$)", ".", plain(text).rstrip(" .,;:!?"))  # "gmail,com"
    said = re.sub(r"[.,;:!?]+(?= |$)|[\"'¿¡()<>]", " ", said)
    said = " ".join(said.replace("e-mail", "email").replace("puntocom", "punto com").split())
    said = " ".join(_MANNER.sub(" ", said).split())
    for around in (_AFTER, _LEAD_IN):
        said = around.sub("", said).strip()
    return said[match.end() :] if (match := _BEFORE.match(said)) else said


def _leads_to(said: str) -> bool:
    """Whether what was said before a written address is a part of it: "juan punto" before "perez@gmail.com"."""
    return bool(re.search(r"[._%+-] *$", _signed(said)))


def _signed(said: str) -> str:
    """With its signs as signs, between spaces."""
    for phrase in sorted(_SIGNS, key=len, reverse=True):
        said = re.sub(rf"\b{phrase}\b", f" {_SIGNS[phrase]} ", said)
    return re.sub(r"([@._%+-])", r" \1 ", said)


def _local(words: list[str]) -> str:
    """What stands before the @; empty where it is doubtful."""
    out, plain_words = [], 0
    for segment in _segments(words):
        pieces = list(_pieces(segment))
        plain_words += sum(len(word) > 1 and word.isalpha() for word, _ in pieces)
        if any(doubtful for _, doubtful in pieces):
            return ""
        out += [piece for piece, _ in pieces]
    return "".join(out) if plain_words <= _MOST_WORDS else ""


def _domain(words: list[str]) -> str:
    """What stands after the @; empty where more is said than that."""
    segments = [[piece for piece, _ in _pieces(segment)] for segment in _segments(words)]
    if not segments or max(map(len, segments[-1])) > 1 < len(segments[-1]):  # "com che"
        return ""
    labels = ["".join(segment) for segment in segments]
    return "".join("com" if label == "con" else _PROVIDERS.get(label, label) for label in labels)


def _segments(words: Iterable[str]) -> Iterator[list[str]]:
    """The words between the signs, and the signs."""
    segment: list[str] = []
    for word in words:
        if re.fullmatch(r"[._%+-]", word):
            yield from filter(None, (segment, [word]))
            segment = []
        else:
            segment.append(word)
    if segment:
        yield segment


def _pieces(words: list[str]) -> Iterator[tuple[str, bool]]:
    """What each word of a segment writes, and whether it is doubtful that it is a part of the address."""
    words = _numbered(words)
    at = after = 0  # `after`: where the last letter ended
    while at < len(words):
        letter, used = _letter(words, at, follows_letter=bool(at) and after == at)
        after = at + used if used else after
        yield (letter, False) if used else (words[at], words[at] in _DOUBTFUL and len(words) > 1)
        at += used or 1


def _numbered(words: list[str]) -> list[str]:
    """With number words as digits; "un" and "una" are words. "Doble cuatro" and "doble ele" are two."""
    kept = {"un": "\0un", "una": "\0una"}
    out = numerals(" ".join(kept.get(word, word) for word in words)).replace("\0", "").split()
    for at in range(len(out) - 1):
        if out[at] == "doble" and (double := _doubled(out[at + 1])):
            out[at : at + 2] = [double, double]
    return out


def _doubled(word: str) -> str:
    """The letter or figure that "doble" repeats; "doble ve", "doble u" and "doble v" are another letter."""
    if word in ("ve", "u", "v"):
        return ""
    return word if re.fullmatch("[a-z0-9]", word) else _LETTERS.get(word, "")


def _letter(words: list[str], at: int, *, follows_letter: bool) -> tuple[str, int]:
    """The letter that is named here, and in how many words (0: none): "ce", "ve corta", "a de árbol"."""
    for length in (2, 1):
        phrase = " ".join(words[at : at + length])
        letter = _LETTERS.get(phrase) or (phrase if length == 1 and len(phrase) == 1 else "")
        if not letter:
            continue
        example = words[at + length + 1 : at + length + 2]
        if words[at + length : at + length + 1] in (["de"], ["como"]) and example and _is_example(example[0], letter):
            return letter, length + 2
        is_letter = phrase not in _WORDS_TOO or follows_letter or _among_letters(words, at)
        return (letter, length) if is_letter else ("", 0)
    return "", 0


def _is_example(word: str, letter: str) -> bool:
    """ "De" and "dado", for d."""
    return len(word) > 2 and word.startswith(letter) and word not in (*_LETTERS, "doble")


def _among_letters(words: list[str], at: int) -> bool:
    """Whether a number stands before it, a letter or a number after it, or nothing at all."""
    after = words[at + 1 : at + 2]
    named = after and (len(after[0]) == 1 or after[0] in _LETTERS or " ".join(words[at + 1 : at + 3]) in _LETTERS)
    return len(words) == 1 or bool(named) or any(word.isdigit() for word in (*words[at - 1 : at], *after))


# For the ear.

_PARTS = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9]")
_STRESSED = re.compile(r"([aeio])((?:[^aeiou]|(?<=g)u)+ez)$")  # Pérez, Rodríguez
_ACUTE = str.maketrans("aeio", "áéíó")
_HEAP = re.compile(  # of consonants that nobody can say
    r"^(?!ch|ll|sh|ph|th|st|[bcfgpk][lr]|[dt]r)[^aeiou]{2}|[^aeiou]{4}|(.)\1\1|(?<![nrls])[^aeiounrlsdzxym]$|[^aeiouy]{3}$"
)
_RESERVED = frozenset(
    word
    for phrase in (
        *_SIGNS,
        *_LETTERS,
        *map(plain, CARDINALS),
        *_DOUBTFUL,
        "todo toda va van esta escrito junto junta seguido doble",
        "mail email imeil correo casilla direccion siguiente dale hola anota anote",
    )
    for word in phrase.split()
)


def _for_the_ear(part: str) -> str:
    if part in _SIGN_WORDS:
        return _SIGN_WORDS[part][0]
    if part.isdecimal():
        return _figures(part)
    if _is_word(part):
        return _STRESSED.sub(lambda found: found[1].translate(_ACUTE) + found[2], part)
    return " ".join(_LETTER_WORDS[letter][0] for letter in part)


def _figures(digits: str) -> str:
    """Up to 99 and years as one number, anything longer figure by figure."""
    if (len(digits) <= 2 and not digits.startswith("0")) or re.fullmatch(r"(?:19|20)\d\d", digits):
        return spell(int(digits))
    return " ".join(CARDINALS[int(digit)] for digit in digits)


def _is_word(letters: str) -> bool:
    """Whether it can be read aloud, and would not be taken for something else."""
    readable = len(letters) > 2 and re.search("[aeiou]", letters) and not _HEAP.search(letters)
    return bool(readable) and letters not in _RESERVED and numerals(letters) == letters
